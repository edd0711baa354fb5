import { beforeAll, describe, expect, it } from 'vitest';
import { verifyFiles } from '../../src/verify/verify.js';
import { bagFaults } from '../packages/bagit-validator.js';
import { bagIn, readZip } from '../packages/read-zip.js';
import type { Caller, Clinic } from '../support/app.js';
import { PERIOD, startAudited } from '../support/engaged.js';
import { packagesRoom, type PackagesRoom } from '../support/packages.js';
import { inMemory, NOTHING_KNOWN } from '../verify/in-memory.js';

const AS_OF = '2026-03-01T00:00:00Z';
const NAMED = 'The audit that nobody else hears of';
const SAID = 'What is said between the two of us.';

let clinic: Clinic;
let officer: Caller;
let packages: PackagesRoom;
beforeAll(async () => {
  const audited = await startAudited();
  ({ clinic, officer } = audited);
  packages = packagesRoom(`${clinic.path}/packages`, officer);
  await audited.keeper.keep({
    type: 'appointment',
    fields: { person: 'M. Alvarez', duties: 'Keeps it.', appointedOn: '2025-01-06', confirmedOn: '2026-01-05' },
    document: 'appointment',
  });
  // An engagement of somebody else, with what was read and said in it.
  const { path, auditor } = await audited.engaged({
    name: NAMED,
    scope: { systemIds: [clinic.systemId, audited.other.id] },
  });
  await auditor.get(`${path}/systems/${clinic.systemId}/posture`).expect(200);
  const { body } = await auditor.post(`${path}/requests`, { title: SAID }).expect(201);
  await officer.post(`${path}/requests/${body.id}/comments`, { comment: SAID }).expect(201);
  return audited.stop;
});

const built = async (systemId: string | null, periodFrom: string = PERIOD.periodFrom): Promise<string> => {
  const { id } = await packages.request({ scope: { systemId }, periodFrom, asOf: AS_OF });
  expect((await packages.settled(id)).status).toBe('ready');
  return id;
};

async function contentOf(id: string) {
  const entries = await readZip(await packages.bytes(id));
  const bag = bagIn(entries);
  expect(bagFaults(bag)).toEqual([]);
  const text = (path: string): string => bag.get(`data/${path}`)!.toString();
  const lines = (path: string): Record<string, unknown>[] =>
    text(path)
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  return { entries, bag, lines };
}

describe('does a package tell nothing of engagements but that there were events?', () => {
  it.each([
    ['of one system', () => clinic.systemId],
    ['of all', () => null],
  ])('%s: leaves without details, and the log verifies', async (_, systemId) => {
    const { entries, bag, lines } = await contentOf(await built(systemId()));
    const told = lines('audit/events.jsonl').map(({ leaf, ...line }) => ({
      ...(line as { details: unknown; salt: unknown }),
      leaf: JSON.parse(String(leaf)) as { action: string; details_sha256: string | null; object: { kind: string } },
    }));
    const ofEngagements = told.filter(({ leaf }) => ['engagement', 'evidence_request'].includes(leaf.object.kind));
    expect(ofEngagements.map(({ leaf }) => leaf.action)).toEqual(
      expect.arrayContaining(['engagement.created', 'engagement.read', 'evidence_request.opened']),
    );
    for (const { leaf, details, salt } of ofEngagements) {
      expect([leaf.details_sha256, details, salt]).toEqual([expect.any(String), null, null]);
    }
    expect(told.some(({ leaf, details }) => leaf.action === 'scan.stored' && details !== null)).toBe(true);
    for (const [path, bytes] of bag) {
      for (const secret of [NAMED, SAID]) expect(bytes.includes(secret), path).toBe(false);
    }
    const files = new Map(entries.map(({ path, bytes }) => [path.slice(path.indexOf('/') + 1), bytes]));
    const verdict = await verifyFiles(() => Promise.resolve(inMemory(files)), NOTHING_KNOWN);
    expect(verdict).toMatchObject({ verified: true, fault: null });
  });
});
