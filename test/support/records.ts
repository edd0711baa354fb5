import { createHash } from 'node:crypto';
import { expect } from 'vitest';
import { send } from '../api/reports.js';
import type { Caller, Clinic, World } from './app.js';

export interface NewRecord {
  type: string;
  fields: Record<string, unknown>;
  systemIds?: string[];
  effectiveFrom: string;
  title?: string;
  links?: { kind: string; target: string; note?: string }[];
  /** Role of a document that it is given. */
  document?: string;
}

export interface KeptRecord {
  id: string;
  revision: number;
  decidedAt: string;
}

/** Two people who keep the records of a clinic, through the API. */
export interface Keepers {
  officer: Caller;
  approver: Caller;
  ownerId: string;
  /** A draft with its document. */
  draft(record: NewRecord): Promise<KeptRecord>;
  /** The status of its submission, and the problem if there is one. */
  submit(record: NewRecord): Promise<{ id: string; status: number; body: Problem }>;
  /** Written, submitted and approved. */
  keep(record: NewRecord): Promise<KeptRecord>;
}

export interface Problem {
  type?: string;
  pointer?: string;
  detail?: string;
  faults?: { pointer: string; detail: string }[];
}

export async function keepersOf(world: World, clinic: Clinic): Promise<Keepers> {
  const officer = await clinic.member('compliance_officer');
  const approver = await clinic.member('approver');
  const { body: members } = await clinic.admin.get(`${clinic.path}/members`).expect(200);
  const ownerId = members.items.find(({ role }: { role: string }) => role === 'compliance_officer').id as string;
  const path = (id: string) => `${clinic.path}/records/${id}`;

  async function draft({ document, ...record }: NewRecord): Promise<KeptRecord> {
    const sent = { title: `A ${record.type}`, ownerId, systemIds: [clinic.systemId], links: [], ...record };
    const { body } = await officer.post(`${clinic.path}/records`, sent).expect(201);
    if (document === undefined) return body;
    const bytes = `What was done, ${body.id}`;
    const digest = createHash('sha256').update(bytes).digest('base64');
    const added = await send(world.url, officer, 'POST', `${path(body.id)}/documents?role=${document}&name=log.txt`, {
      headers: {
        'Content-Type': 'text/plain',
        'Content-Digest': `sha-256=:${digest}:`,
        'If-Match': `"${body.revision}"`,
      },
      body: bytes,
    });
    expect(added.status, added.bytes.toString()).toBe(201);
    const { body: shown } = await officer.get(path(body.id)).expect(200);
    return shown;
  }

  async function submit(record: NewRecord) {
    const { id, revision } = await draft(record);
    const { status, body } = await officer.post(`${path(id)}/submission`).set('If-Match', `"${revision}"`);
    return { id, status, body };
  }

  async function keep(record: NewRecord): Promise<KeptRecord> {
    const { id, status, body } = await submit(record);
    expect(status, JSON.stringify(body)).toBe(200);
    const { body: submitted } = await officer.get(path(id)).expect(200);
    const { body: approved } = await approver
      .post(`${path(id)}/decision`, { decision: 'approve' })
      .set('If-Match', `"${submitted.revision}"`)
      .expect(200);
    const version = approved.versions.at(-1) ?? approved;
    return { ...approved, decidedAt: version.decidedAt };
  }

  return { officer, approver, ownerId, draft, submit, keep };
}
