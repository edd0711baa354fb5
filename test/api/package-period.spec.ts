import { beforeAll, describe, expect, it } from 'vitest';
import { verifyFiles } from '../../src/verify/verify.js';
import { bagIn, readZip } from '../packages/read-zip.js';
import { startAudited, type Audited } from '../support/engaged.js';
import { packagesRoom, type PackagesRoom } from '../support/packages.js';
import { kubeBench, send } from './reports.js';
import { inMemory, NOTHING_KNOWN } from '../verify/in-memory.js';

let audited: Audited;
let packages: PackagesRoom;
let seenAgain: string;
beforeAll(async () => {
  audited = await startAudited();
  packages = packagesRoom(`${audited.clinic.path}/packages`, audited.officer);
  // A report of before, of which the next one has shown that it is otherwise.
  const { world, officer, clinic } = audited;
  const { status } = await send(
    world.url,
    officer,
    'POST',
    `${clinic.systemPath}/scans?targets=node/cp-1&observedAt=2025-03-01T00:00:00Z`,
    { body: kubeBench({ '1.2.2': 'WARN' }) },
  );
  expect(status).toBe(201);
  // A part that was seen again, before the period.
  const again = await send<{ id: string }>(
    world.url,
    officer,
    'POST',
    `${clinic.systemPath}/scans?targets=node/cp-1&observedAt=2025-07-01T00:00:00Z&partial=true`,
    { body: kubeBench({ '1.2.2': 'PASS' }) },
  );
  expect(again.status).toBe(201);
  seenAgain = again.body.id;
  return audited.stop;
});

interface Leaf {
  action: string;
  object: { kind: string; id: string };
}

async function built(asOf: string, periodFrom: string, systemId: string | null) {
  const { id } = await packages.request({ scope: { systemId }, periodFrom, asOf });
  expect((await packages.settled(id)).status).toBe('ready');
  const entries = await readZip(await packages.bytes(id));
  const files = new Map(entries.map(({ path, bytes }) => [path.slice(path.indexOf('/') + 1), bytes]));
  const verdict = await verifyFiles(() => Promise.resolve(inMemory(files)), NOTHING_KNOWN);
  expect(verdict.fault).toBeNull();
  const bag = bagIn(entries);
  const lines = <Line>(path: string): Line[] =>
    bag
      .get(`data/${path}`)!
      .toString()
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Line);
  const { evidence } = JSON.parse(bag.get('data/index.json')!.toString()) as { evidence: { evidenceId: string }[] };
  return {
    scans: lines<{ id: string }>('scans.jsonl').map(({ id: scan }) => scan),
    evidence: evidence.map(({ evidenceId }) => evidenceId),
    told: lines<{ leaf: string; details: unknown }>('audit/events.jsonl').flatMap(({ leaf, details }) =>
      details === null ? [] : [JSON.parse(leaf) as Leaf],
    ),
    /** Where an id stands. */
    naming: (scan: string) => [...bag].flatMap(([path, bytes]) => (bytes.includes(scan) ? [path] : [])),
    complete: verdict.lines.find(({ check }) => check === 'complete')?.text,
  };
}

describe('which scans, reports and events are in a package?', () => {
  it.each([
    ['one system', () => audited.clinic.systemId],
    ['all systems', () => null],
  ])('about %s: those of its period, and of before those on which rests what it says', async (_, systemId) => {
    const { inside, before, elsewhere } = audited;
    const others = systemId() === null ? [elsewhere] : [];
    // What was seen of one check before the period stands, though its report is older; of what it was before that nothing is left that is said.
    const after = await built('2026-03-01T00:00:00Z', '2026-01-01T00:00:00Z', systemId());
    const expected = [before, inside, ...others];
    expect(after.scans.toSorted()).toEqual([...expected.map(({ id }) => id), seenAgain].toSorted());
    expect(after.evidence.toSorted()).toEqual(expected.map(({ evidenceId }) => evidenceId).toSorted());
    const ofScans = after.told.filter(({ object }) => object.kind === 'scan').map(({ object }) => object.id);
    expect(ofScans).toEqual(expect.arrayContaining(after.scans));
    expect(after.complete).toMatch(new RegExp(`^none of ${1 + others.length} scans that`));

    const all = await built('2026-03-01T00:00:00Z', '2025-02-01T00:00:00Z', systemId());
    expect(all.scans).toHaveLength(expected.length + 2);
  });

  it.each([
    ['one system', () => audited.clinic.systemId],
    ['all systems', () => null],
  ])('about %s: is a scan that is left out named in the log alone, by its events?', async (_, systemId) => {
    const { officer, clinic, elsewhere } = audited;
    const { body } = await officer.get(`${clinic.systemPath}/scans`).expect(200);
    const ofSystem = (body as { items: { id: string }[] }).items.map(({ id }) => id);
    const { scans, naming } = await built('2026-03-01T00:00:00Z', '2026-01-01T00:00:00Z', systemId());
    const leftOut = [...ofSystem, elsewhere.id].filter((id) => !scans.includes(id));
    expect(naming(seenAgain)).toContainEqual(expect.stringMatching(/^data\/posture\//));
    expect(leftOut).toHaveLength(systemId() === null ? 1 : 2);
    for (const id of leftOut) {
      for (const path of naming(id)) expect(path).toMatch(/^data\/(audit\/events\.jsonl|log\/)/);
    }
  });

  it('are members, webhooks, imports and packages leaves without details?', async () => {
    const { told } = await built('2026-03-01T00:00:00Z', '2026-01-01T00:00:00Z', null);
    const kinds = new Set(told.map(({ object }) => object.kind));
    expect([...kinds].toSorted()).toEqual(['agent_trust', 'organization', 'scan', 'system']);
  });
});
