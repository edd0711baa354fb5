import { createHash } from 'node:crypto';
import { expect, vi } from 'vitest';
import type { ClinicYear } from './year.js';

interface ImportBody {
  id: string;
  status: string;
  faults: { row: number; column: string | null }[];
  [member: string]: unknown;
}

/** The officer sends a table of records of a type; what it has become. */
export async function importTable({ clinic, officer }: ClinicYear, type: string, table: string): Promise<ImportBody> {
  const { body } = await officer
    .post(`${clinic.path}/imports?type=${type}`)
    .set('Content-Type', 'text/csv')
    .set('Content-Digest', `sha-256=:${createHash('sha256').update(table).digest('base64')}:`)
    .send(table)
    .expect(202);
  return vi.waitFor(
    async () => {
      const { body: read } = await officer.get(`${clinic.path}/imports/${body.id}`).expect(200);
      expect(read.status).not.toBe('received');
      return read as ImportBody;
    },
    { timeout: 30_000, interval: 100 },
  );
}

/** The approver decides on all of its records. */
export async function approveImport({ clinic, keeper }: ClinicYear, id: string): Promise<ImportBody> {
  const decided = keeper.approver.post(`${clinic.path}/imports/${id}/decision`, { decision: 'approve' });
  return (await decided.expect(200)).body as ImportBody;
}
