import pg from 'pg';
import { beforeAll, describe, expect, it } from 'vitest';
import { verifyFiles } from '../../src/verify/verify.js';
import { bagIn, readZip } from '../packages/read-zip.js';
import { startClinic, startSuite, type Caller, type Clinic, type World } from '../support/app.js';
import { Keeper } from '../support/keep.js';
import { packagesRoom } from '../support/packages.js';
import { inMemory, NOTHING_KNOWN } from '../verify/in-memory.js';

const WRONG = 'jane-roe-mrn-0012345';
let systems = 0;

let world: World;
let clinic: Clinic;
let officer: Caller;
let keeper: Keeper;
let admin: pg.Client;
beforeAll(async () => {
  const suite = await startSuite();
  ({ world, clinic, officer, admin } = suite);
  keeper = await Keeper.of(clinic, officer, await clinic.member('approver'));
  return suite.stop;
});

interface Event {
  id: string;
  action: string;
  object: { kind: string; id: string };
  details: unknown;
  salt: string | null;
  erasedBy: string | null;
  leaf: string;
}

const events = async (query: string, of: Clinic = clinic): Promise<Event[]> =>
  (await of.admin.get(`${of.path}/audit-events?limit=500&${query}`).expect(200)).body.items as Event[];

/** An event whose details have a text that somebody has written in the wrong place: a system by the name of a patient. */
async function written(): Promise<Event> {
  const { body } = await clinic.admin
    .post(`${clinic.path}/systems`, { name: `${WRONG}-${++systems}`, environment: 'staging', phi: 'none' })
    .expect(201);
  const [event] = await events(`action=system.created&objectId=${body.id}`);
  expect(JSON.stringify(event!.details)).toContain(WRONG);
  return event!;
}

const disposal = (targets: readonly string[], fields: object = {}) => ({
  type: 'record_disposal',
  fields: { method: 'Erased', reason: 'A name of a patient was typed as that of a system.', mistaken: true, ...fields },
  links: targets.map((target) => ({ kind: 'event', target })),
});

describe('are details of audit events erased by two people, and by nothing else?', () => {
  it('they are gone, the leaf and its digest of them stay, and it is said by which record', async () => {
    const event = await written();
    const record = await keeper.keep(disposal([event.id]));
    const [after] = await events(`objectId=${event.object.id}`);
    expect(after).toEqual({ ...event, details: null, salt: null, erasedBy: record, logIndex: expect.anything() });
    const erased = await events(`action=event.erased&objectId=${event.id}`);
    expect(erased).toMatchObject([{ object: { kind: 'event', id: event.id }, details: { by: record } }]);
    const { rows } = await admin.query('select from audit_detail where event_id = $1', [event.id]);
    expect(rows).toHaveLength(0);
    // A second time there is nothing to erase.
    const again = await keeper.submit(await keeper.draft(disposal([event.id])));
    expect([again.status, again.body.detail ?? again.body.errors]).toEqual([422, expect.anything()]);
  });

  it('a package says so, verifies, and does where they were erased before and after its instant', async () => {
    const [early, late] = [await written(), await written()];
    await keeper.keep(disposal([early.id]));
    const packages = packagesRoom(`${clinic.path}/packages`, officer);
    const knownAt = new Date().toISOString();
    await keeper.keep(disposal([late.id]));
    for (const body of [{ scope: { systemId: null } }, { scope: { systemId: null }, asOf: knownAt, knownAt }]) {
      const { id } = await packages.request(body);
      expect((await packages.settled(id)).status).toBe('ready');
      const entries = await readZip(await packages.bytes(id));
      for (const [path, bytes] of bagIn(entries)) {
        if (path === 'data/audit/events.jsonl') expect(bytes.toString()).toContain(early.id);
      }
      const files = new Map(entries.map(({ path, bytes }) => [path.slice(path.indexOf('/') + 1), bytes]));
      const verdict = await verifyFiles(() => Promise.resolve(inMemory(files)), NOTHING_KNOWN);
      expect(verdict.fault).toBeNull();
      expect(verdict.lines.find(({ check }) => check === 'events')?.text).toMatch(
        /those of \d were erased, as the log says/,
      );
    }
    // Deleted past the service, and not erased, they are missed.
    const gone = await written();
    await admin.query('begin');
    await admin.query('alter table audit_detail disable trigger append_only');
    await admin.query('delete from audit_detail where event_id = $1', [gone.id]);
    await admin.query('alter table audit_detail enable always trigger append_only');
    await admin.query('commit');
    const { id } = await packages.request({ scope: { systemId: null } });
    await packages.settled(id);
    const entries = await readZip(await packages.bytes(id));
    const files = new Map(entries.map(({ path, bytes }) => [path.slice(path.indexOf('/') + 1), bytes]));
    const { fault } = await verifyFiles(() => Promise.resolve(inMemory(files)), NOTHING_KNOWN);
    expect(fault).toMatchObject({
      check: 'events',
      text: expect.stringContaining('does not say that they were erased'),
    });
  });

  it('not before their six years are over, unless they were never to be kept', async () => {
    const event = await written();
    const answer = await keeper.submit(await keeper.draft(disposal([event.id], { mistaken: false })));
    expect(answer.status).toBe(409);
    expect(answer.body).toMatchObject({ type: expect.stringContaining('retained'), id: event.id, heldBy: [] });
    expect((await events(`objectId=${event.object.id}`))[0]!.details).toEqual(event.details);
  });

  it('not of what there is not: another organisation’s event, one without details, none at all', async () => {
    const other = await startClinic(world, { admin: 'other-admin', agent: 'other-agent' });
    const [foreign] = await events('action=organization.created', other);
    const bare = (await events('action=record.submitted')).find(({ details }) => details === null);
    const targets = [
      foreign!.id,
      '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a99',
      'no-id',
      ...(bare === undefined ? [] : [bare.id]),
    ];
    for (const target of targets) {
      const id = await keeper.draft(disposal([target]));
      expect((await keeper.submit(id)).status, target).toBe(422);
    }
    expect((await events('action=organization.created', other))[0]!.details).toEqual(foreign!.details);
  });

  it('not by one person, and not while a legal hold stops it', async () => {
    const event = await written();
    const id = await keeper.draft(disposal([event.id]));
    expect((await keeper.submit(id)).status).toBe(200);
    const own = await officer
      .post(`${clinic.path}/records/${id}/decision`, { decision: 'approve' })
      .set('If-Match', `"${(await officer.get(`${clinic.path}/records/${id}`)).body.revision}"`);
    expect(own.status).toBe(403);
    const hold = await keeper.keep({ type: 'legal_hold', fields: { matter: 'Roe v. Clinic', everything: true } });
    const held = await keeper.approve(id);
    expect(held.status).toBe(409);
    expect(held.body.heldBy).toEqual([hold]);
    expect((await events(`objectId=${event.object.id}`))[0]!.details).toEqual(event.details);
    await keeper.end(hold, new Date().toISOString());
  });

  it('not by the server’s own account past that: the database wants the row that says why', async () => {
    const event = await written();
    const server = new pg.Client({ connectionString: world.database.urls.server });
    await server.connect();
    const inside = async (sql: string): Promise<unknown> => {
      await server.query('begin');
      await server.query(`select set_config('app.organization_id', $1, true)`, [clinic.organizationId]);
      try {
        return await server.query(sql, [event.id]).catch((error: unknown) => error);
      } finally {
        await server.query('rollback');
      }
    };
    try {
      for (const sql of [
        'delete from audit_detail where event_id = $1',
        `update audit_detail set salt = '' where event_id = $1`,
      ]) {
        expect(String(await inside(sql)), sql).toMatch(/append-only|permission denied/);
      }
      // Nor by one that no record stands behind.
      const unfounded = `insert into audit_erasure select organization_id, id, id, now() from audit_event where id = $1`;
      expect(String(await inside(unfounded))).toMatch(/audit_erasure_record/);
    } finally {
      await server.end();
    }
  });
});
