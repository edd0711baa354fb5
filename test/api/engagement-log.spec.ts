import { beforeAll, describe, expect, it } from 'vitest';
import { openCheckpoint } from '../../src/audit/checkpoint.js';
import { isConsistent, isIncluded, leafHash } from '../../src/audit/merkle.js';
import { parseVerifierKey } from '../../src/audit/note.js';
import { parseTlogProof } from '../../src/audit/tlog-proof.js';
import { startClinic, type Caller, type Clinic, type World } from '../support/app.js';
import { startAudited, type Audited } from '../support/engaged.js';
import { followLog, partsOf, programOf, writeEvents } from '../support/log.js';

let world: World;
let clinic: Clinic;
let officer: Caller;
let engaged: Audited['engaged'];
beforeAll(async () => {
  const audited = await startAudited();
  ({ world, clinic, officer, engaged } = audited);
  return audited.stop;
});

const close = () => partsOf(world).log.close(programOf(clinic));
const base64 = (text: string): Buffer => Buffer.from(text, 'base64');

interface Read {
  action: string;
  object: { id: string };
  details: { operation: string; asked: Record<string, unknown> };
}
/** What the log has of what an auditor has read, from the first on. */
const readBy = async (id: string): Promise<Read[]> => {
  const { body } = await officer.get(`${clinic.path}/audit-events?actorId=${id}&limit=500`).expect(200);
  return (body.items as Read[]).reverse();
};

describe('does an auditor who was let in follow the log?', () => {
  it('all of it, as C2SP tlog-tiles, and it is that which members read', async () => {
    const { id, path, auditor } = await engaged();
    await writeEvents(world, clinic, 300);
    await close();
    const followed = await followLog(world, { path }, auditor);
    expect(followed.size).toBeGreaterThan(300);
    expect(followed.origin).toBe(`127.0.0.1:8080/log/${clinic.organizationId}`);
    await close();
    const members = await followLog(world, clinic, officer);
    expect(members.leaves.slice(0, followed.size)).toEqual(followed.leaves);
    // What the auditor has read is in it: the head, the checkpoint, two bundles, and three tiles of hashes.
    const reads = await readBy(id);
    expect(reads.map(({ action }) => action)).toEqual(Array(7).fill('engagement.read'));
    expect(members.leaves.slice(followed.size).join()).toContain(id);
  });

  it('and holds the service to a head that was kept', async () => {
    const { path, auditor } = await engaged();
    await close();
    const { body: log } = await auditor.get(`${path}/log`).expect(200);
    const keys = (log.keys.checkpoint as string[]).map(parseVerifierKey);
    const { text } = await auditor.get(`${path}/log/checkpoint`).expect(200);
    const kept = openCheckpoint(Buffer.from(text), keys);
    const { id } = await clinic.system();
    await close();
    const { body: grown } = await auditor.get(`${path}/log/proof/consistency?from=${kept.size}`).expect(200);
    const later = { size: Number(grown.to.size), root: base64(grown.to.root as string) };
    expect(later.size).toBeGreaterThan(kept.size);
    expect(isConsistent(kept, later, (grown.proof as string[]).map(base64))).toBe(true);

    const { body: events } = await officer.get(`${clinic.path}/audit-events?objectId=${id}`).expect(200);
    const event = String(events.items[0].id);
    const { body: proven } = await auditor.get(`${path}/log/proof/inclusion?event=${event}`).expect(200);
    const hash = leafHash(Buffer.from(proven.leaf as string));
    const head = { size: Number(proven.size), root: base64(proven.root as string) };
    expect(isIncluded(hash, Number(proven.index), head, (proven.proof as string[]).map(base64))).toBe(true);
    const file = await auditor.get(`${path}/log/events/${event}/proof`).expect(200);
    const { index, hashes, checkpoint } = parseTlogProof(Buffer.from(file.text));
    expect(isIncluded(hash, index, openCheckpoint(checkpoint, keys), hashes)).toBe(true);
  });
});

describe('what of it is an event?', () => {
  it('each read, with what was asked by, and nothing that was not answered', async () => {
    const { id, path, auditor } = await engaged();
    await partsOf(world).anchors.turn();
    const { id: event } = (await officer.get(`${clinic.path}/audit-events?action=organization.created`).expect(200))
      .body.items[0] as { id: string };
    await auditor.get(`${path}/log`).expect(200);
    await auditor.get(`${path}/log/checkpoint`).expect(200);
    await auditor.get(`${path}/log/tile/0/000.p/1`).expect(200);
    await auditor.get(`${path}/log/tile/entries/000.p/2`).expect(200);
    await auditor.get(`${path}/log/proof/inclusion?event=${event}&size=1`).expect(200);
    await auditor.get(`${path}/log/proof/consistency?from=1&to=2`).expect(200);
    await auditor.get(`${path}/log/events/${event}/proof`).expect(200);
    await auditor.get(`${path}/log/anchor`).expect(200);

    await auditor.get(`${path}/log/tile/0/x001`).expect(404);
    await auditor.get(`${path}/log/tile/9/999`).expect(404);
    await auditor.get(`${path}/log/proof/consistency?from=2&to=1`).expect(400);
    await auditor.get(`${path}/log/proof/inclusion?event=${event}&size=99999999`).expect(400);
    await auditor.get(`${path}/log/proof/inclusion?event=${id}`).expect(404);
    await auditor.get(`${path}/log/events/${id}/proof`).expect(404);

    expect((await readBy(id)).map(({ details }) => details)).toEqual([
      { operation: 'getEngagementLog', asked: {} },
      { operation: 'getEngagementLogCheckpoint', asked: {} },
      { operation: 'getEngagementLogTile', asked: { tile: '0/000.p/1' } },
      { operation: 'getEngagementLogTile', asked: { tile: 'entries/000.p/2' } },
      { operation: 'proveEngagementInclusion', asked: { event, size: 1 } },
      { operation: 'proveEngagementConsistency', asked: { from: 1, to: 2 } },
      { operation: 'getEngagementEventProof', asked: { eventId: event } },
      { operation: 'getEngagementLogAnchor', asked: {} },
    ]);
  });
});

describe('for whom is it not there?', () => {
  const routes = ['log', 'log/checkpoint', 'log/tile/0/000.p/1', 'log/proof/consistency?from=1', 'log/anchor'];

  it('for an auditor of another engagement, or when it was revoked; and no member reads it there', async () => {
    const { path, auditor } = await engaged();
    const other = await engaged();
    for (const route of routes) {
      await other.auditor.get(`${path}/${route}`).expect(404);
      for (const member of [clinic.admin, officer]) await member.get(`${path}/${route}`).expect(403);
      await auditor.get(`${clinic.path}/${route}`).expect(404);
    }
    await clinic.admin.delete(path).expect(204);
    for (const route of routes) await auditor.get(`${path}/${route}`).expect(404);
  });

  it('an event of another organisation is none of it', async () => {
    const another = await startClinic(world, { admin: 'other-admin', agent: 'other-agent' });
    await partsOf(world).log.close(programOf(another));
    const { body } = await another.admin.get(`${another.path}/audit-events`).expect(200);
    const theirs = String(body.items[0].id);
    const { path, auditor } = await engaged();
    await auditor.get(`${path}/log/proof/inclusion?event=${theirs}`).expect(404);
    await auditor.get(`${path}/log/events/${theirs}/proof`).expect(404);
  });
});
