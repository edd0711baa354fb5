import { buffer } from 'node:stream/consumers';
import { expect, vi } from 'vitest';
import { bagIn, readZip } from '../../packages/read-zip.js';
import type { ClinicYear } from './year.js';

/** Asks for a package of the organisation and waits for it; gives its path. */
export async function requestPackage(
  { clinic, officer }: ClinicYear,
  instant: { asOf?: string; knownAt?: string },
): Promise<string> {
  const asked = officer.post(`${clinic.path}/packages`, { scope: { systemId: null }, ...instant });
  const path = String((await asked.expect(202)).headers['location']);
  await vi.waitFor(async () => expect((await officer.get(path).expect(200)).body.status).toBe('ready'), {
    timeout: 30_000,
    interval: 100,
  });
  return path;
}

/** What it holds of the posture, byte for byte, by path. */
export async function postureFiles({ officer }: ClinicYear, path: string): Promise<Map<string, string>> {
  const download = officer
    .get(`${path}/content`)
    .buffer()
    .parse((response, done) => {
      buffer(response as unknown as NodeJS.ReadableStream).then(
        (bytes) => done(null, bytes),
        (error: unknown) => done(error as Error, null),
      );
    });
  const bag = bagIn(await readZip((await download.expect(200)).body as Buffer));
  const files = [...bag].filter(([name]) => name.startsWith('data/posture/'));
  return new Map(files.map(([name, bytes]) => [name, bytes.toString()]));
}
