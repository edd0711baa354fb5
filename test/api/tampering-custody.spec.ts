import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { EvidenceService } from '../../src/evidence/evidence.service.js';
import { newId } from '../../src/kernel/ids.js';
import { Keyring } from '../../src/kernel/crypto/keyring.js';
import { startAudited, type Audited } from '../support/engaged.js';
import { partsOf, programOf } from '../support/log.js';
import { packagesRoom, type PackagesRoom } from '../support/packages.js';
import {
  Comparisons,
  CUSTODY,
  editsOf,
  OwnEdits,
  Superuser,
  type Edit,
  type EditedTable,
} from '../support/tampering.js';
import { send } from './reports.js';

/*
 * Somebody with all rights on the database edits what is kept of evidence beside its row: what was found of its bytes, that it was disposed of, that it is a posture, where it went; and
 * what is kept of comparisons themselves.
 */

let audited: Audited;
let superuser: Superuser;
let comparisons: Comparisons;
let edits: OwnEdits;
let packages: PackagesRoom;
const ids = new Map<string, string>();
const own = (table: string, column = 'evidence_id') => `${column} = '${ids.get(table)}'`;

beforeAll(async () => {
  audited = await startAudited();
  const { world, clinic, officer } = audited;
  superuser = await Superuser.of(world);
  comparisons = new Comparisons(world, clinic, officer, superuser);
  edits = new OwnEdits(clinic.organizationId);
  packages = packagesRoom(`${clinic.path}/packages`, officer);
  ids.set('redacted', await redacted());
  const analysis = await audited.keeper.analysis('2026-03-01T00:00:00Z');
  const { body } = await officer.get(`${clinic.path}/records/${analysis}`).expect(200);
  const documents = body.documents as { role: string; evidenceId: string }[];
  ids.set('frozen_posture', documents.find(({ role }) => role === 'posture')!.evidenceId);
  await damageAndRestore(audited.elsewhere.evidenceId);
  ids.set('evidence_finding', audited.elsewhere.evidenceId);
  await dispose(audited.before.evidenceId);
  ids.set('evidence_disposal', audited.before.evidenceId);
  ids.set('audit_erasure', await erase());
  const { id } = await packages.request({ scope: { systemId: null } });
  expect((await packages.settled(id)).status).toBe('ready');
  ids.set('evidence_export', id);
  await comparisons.examine();
  expect(await comparisons.found()).toEqual([]);
  return async () => {
    await superuser.end();
    await audited.stop();
  };
});

/** A report with a secret in it, which is dropped. */
async function redacted(): Promise<string> {
  const { world, clinic, officer } = audited;
  const secret = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'db', namespace: 'emr' },
    data: { password: 'aHVudGVyMg==' },
  };
  const { body } = await send<{ evidenceId: string }>(
    world.url,
    officer,
    'POST',
    `${clinic.systemPath}/scans?format=k8s-objects`,
    {
      body: JSON.stringify({ apiVersion: 'v1', kind: 'List', metadata: {}, items: [secret] }),
    },
  );
  return body.evidenceId;
}

/** One bit of what is stored is turned, and found; and turned back, and found whole. */
async function damageAndRestore(evidenceId: string): Promise<void> {
  const { world, clinic, officer } = audited;
  const read = () => send(world.url, officer, 'GET', `${clinic.path}/evidence/${evidenceId}/content`).catch(() => null);
  const { body } = await officer.get(`${clinic.path}/evidence/${evidenceId}/custody`).expect(200);
  const file = join(world.evidenceDirectory, (body as { stored: { key: string } }).stored.key);
  const kept = await readFile(file);
  await chmod(file, 0o600);
  await writeFile(file, kept.with(kept.length - 1, kept.at(-1)! ^ 1));
  await read();
  const { body: found } = await officer.get(`${clinic.path}/evidence/${evidenceId}`).expect(200);
  ids.set('corrupt', (found as { fault: { foundAt: string } }).fault.foundAt);
  await writeFile(file, kept);
  await read();
}

/** As a record of disposal does when its six years are over. */
async function dispose(evidenceId: string): Promise<void> {
  const { world, clinic, keeper } = audited;
  const evidence = world.app.get(EvidenceService, { strict: false });
  const record = await keeper.draft({
    type: 'record_disposal',
    fields: { method: 'Deleted', reason: 'Six years are over.' },
  });
  await partsOf(world).database.write(programOf(clinic), (tx) =>
    evidence.recordDisposal(tx, evidenceId, record, new Date()),
  );
}

/** Details that were never to be kept; the event. */
async function erase(): Promise<string> {
  const { clinic, keeper } = audited;
  const { body } = await clinic.admin
    .get(`${clinic.path}/audit-events?action=system.created&objectId=${audited.other.id}`)
    .expect(200);
  const [{ id }] = body.items as [{ id: string }];
  await keeper.keep({
    type: 'record_disposal',
    fields: { method: 'Erased', reason: 'A name was typed there.', mistaken: true },
    links: [{ kind: 'event', target: id }],
  });
  return id;
}

const NOBODY = '00000000-0000-8000-8000-000000000000';

describe('does a comparison find it, and find it right again?', () => {
  const TABLES: EditedTable[] = [
    [
      'evidence',
      () => own('evidence_finding', 'id'),
      [
        `sha256 = sha256(sha256)`,
        'size = size + 1',
        `source_kind = 'agent'`,
        `source_id = 'mallory'`,
        `received_at = received_at - interval '400 days'`,
        'retain_until = received_at',
        `retain_until = retain_until + interval '1 day'`,
        `received_sha256 = sha256, received_size = size, dropped = '{}'`,
      ],
      (id) => [`id = '${id}'`, `'id', '${id}', 'sha256', '\\x01'`],
    ],
    [
      'evidence',
      () => own('redacted', 'id'),
      [
        `dropped = '{}'`,
        'received_size = received_size + 1',
        'received_sha256 = null, received_size = null, dropped = null',
      ],
      null,
    ],
    [
      'evidence_finding',
      () => `${own('evidence_finding')} and found_at = '${ids.get('corrupt')}'`,
      [`state = 'intact'`, `reason = 'nothing'`],
      () => [`found_at = '2020-01-01T00:00:00Z'`, `'found_at', '2020-01-01T00:00:00Z'`],
    ],
    ['evidence_finding', () => own('evidence_finding'), [`found_at = found_at - interval '1 millisecond'`], null],
    [
      'evidence_disposal',
      () => own('evidence_disposal'),
      ['record_id = gen_random_uuid()', `disposed_at = disposed_at - interval '1 day'`],
      (id) => [`evidence_id = '${id}'`, `'evidence_id', '${id}'`],
    ],
    [
      'frozen_posture',
      () => own('frozen_posture'),
      [
        `as_of = as_of - interval '1 second'`,
        `known_at = known_at + interval '1 second'`,
        `frozen_at = frozen_at - interval '1 day'`,
        `frozen_by = 'mallory'`,
      ],
      (id) => [`evidence_id = '${id}'`, `'evidence_id', '${id}'`],
    ],
    [
      'audit_erasure',
      () => own('audit_erasure', 'event_id'),
      ['record_id = gen_random_uuid()', `erased_at = erased_at - interval '1 day'`],
      (id) => [`event_id = '${id}'`, `'event_id', '${id}'`],
    ],
    [
      'evidence_export',
      () => `${own('evidence_export', 'package_id')} and evidence_id = '${audited.inside.evidenceId}'`,
      ['event_id = gen_random_uuid()'],
      () => [`event_id = '${NOBODY}'`, `'event_id', '${NOBODY}'`],
    ],
  ];

  it('of which tables?', () => {
    expect([...new Set(TABLES.map(([table]) => table))].toSorted()).toEqual(CUSTODY.toSorted());
  });

  it.each(TABLES)('when a row of %s was edited, deleted or put in', async (...edited) => {
    for (const [what, altered] of await comparisons.foundAfterEach(editsOf(edited, edits)))
      expect([what, ...new Set(altered.map(({ table }) => table))]).toEqual([what, edited[0]]);
  });
});

describe('does what was said first stand, whatever somebody has the log say later?', () => {
  it.each([
    [
      'evidence_disposal',
      'evidence',
      'evidence.disposed',
      'evidence_id',
      'record_id',
      (id: string) => ({ record: id }),
    ],
    ['audit_erasure', 'event', 'event.erased', 'event_id', 'record_id', (id: string) => ({ by: id })],
    ['evidence', 'evidence', 'evidence.received', 'id', 'source_id', () => undefined],
  ] as const)('of %s', async (table, kind, action, column, edited, details) => {
    const { world, clinic } = audited;
    const { audit, database } = partsOf(world);
    const id = ids.get(table === 'evidence' ? 'evidence_finding' : table)!;
    const program = programOf(clinic);
    const mine = table === 'evidence' ? program.id : newId();
    const said = details(mine);
    await database.write(program, (tx) =>
      audit.record(tx, { action, object: { kind, id }, ...(said === undefined ? {} : { details: said }) }),
    );
    const altered = await comparisons.foundAfter(edits.update(table, `${column} = '${id}'`, `${edited} = '${mine}'`));
    expect(altered).toMatchObject([{ table, id }]);
  });
});

describe('is nobody accused', () => {
  it('of a posture of which the log no longer says when it was frozen, and is what it still says of one held against it?', async () => {
    const { clinic, keeper } = audited;
    const { body } = await clinic.admin.get(`${clinic.path}/audit-events?action=posture.frozen`).expect(200);
    const [{ id }] = body.items as [{ id: string }];
    await keeper.keep({
      type: 'record_disposal',
      fields: { method: 'Erased', reason: 'A name was typed there.', mistaken: true },
      links: [{ kind: 'event', target: id }],
    });
    await comparisons.examine();
    expect(await comparisons.found()).toEqual([]);
    // Nobody can tell any more which evidence that was; another that the log tells of still has to be as it says.
    await keeper.analysis('2026-03-02T00:00:00Z');
    const where = `as_of = '2026-03-02T00:00:00Z'`;
    const altered = await comparisons.foundAfter(
      edits.update('frozen_posture', where, `known_at = known_at - interval '1 second'`),
    );
    expect(altered).toMatchObject([{ table: 'frozen_posture', reason: 'the row has another knownAt' }]);
  });
});

describe('is no answer given again that is not one of the service?', () => {
  const named = (name: string) => ({ name, environment: 'staging', phi: 'none' });
  const create = (key: string, name: string) =>
    audited.clinic.admin.post(`${audited.clinic.path}/systems`, named(name)).set('Idempotency-Key', key);
  const of = (key: string) => `key = '${key}'`;

  it.each([
    ['the answer', `response = jsonb_set(response, '{answer,id}', to_jsonb('${NOBODY}'::text))`],
    ['its seal', `response = jsonb_set(response, '{seal}', '"AAAA"')`],
    ['all of it', `response = '{"id": "${NOBODY}"}'`],
    ['that there was one', 'response = null'],
    [
      'all of it, by what no answer is,',
      `response = jsonb_set(response, '{answer}', (repeat('[', 300) || repeat(']', 300))::jsonb)`,
    ],
    ['from when it is remembered', `created_at = created_at + interval '1 day'`],
    ['that, to what is no day', `created_at = 'infinity'`],
  ])('when %s was edited', async (what, set) => {
    const key = newId();
    const name = `idem-${what.replaceAll(' ', '-')}`;
    const { body: first } = await create(key, name).expect(201);
    expect((await create(key, name).expect(201)).body).toEqual(first);
    const undo = await superuser.behind(edits.update('idempotency_key', of(key), set));
    const { status, body } = await create(key, name);
    await undo();
    expect([status, body.type]).toEqual([409, '/problems/idempotency-conflict']);
    expect((await create(key, name).expect(201)).body).toEqual(first);
  });

  it('when it was put in, as that to another call', async () => {
    const [key, another] = [newId(), newId()];
    await create(key, 'idem-put-in').expect(201);
    const undo = await superuser.behind(edits.insert('idempotency_key', of(another), of(key), `'key', '${another}'`));
    const { status } = await create(another, 'idem-put-in');
    await undo();
    expect(status).toBe(409);
  });
});

describe('does one event that cannot be read keep no other row from being compared?', () => {
  it.each(['x', 'null', '{}'])('also one that says that rows were altered, and is now %s', async (leaf) => {
    const { clinic, world } = audited;
    const { audit, database } = partsOf(world);
    const program = programOf(clinic);
    const event = await database.write(program, (tx) =>
      audit.record(tx, { action: 'row.altered', object: { kind: 'member', id: program.id, table: 'member' } }),
    );
    const altered = await comparisons.foundAfter(
      edits.update('audit_event', `id = '${event.id}'`, `leaf = '${leaf}'`),
      edits.update('member', `role = 'viewer' or role = 'admin'`, `name = 'Mallory'`),
    );
    expect(new Set(altered.map(({ table }) => table))).toEqual(new Set(['audit_event', 'member']));
  });
});

describe('are the instants of comparisons what the next one makes them?', () => {
  it.each([
    ['edited', () => edits.update('row_comparison', 'true', `compared_at = '2999-01-01T00:00:00Z'`)],
    ['deleted', () => edits.remove('row_comparison', 'true')],
  ])('when the row was %s', async (_, edit) => {
    const begun = Date.now();
    await superuser.behind(edit());
    await comparisons.examine();
    const { lastComparedAt } = await comparisons.listed();
    expect(Date.parse(lastComparedAt!)).toBeGreaterThanOrEqual(begun);
    expect(Date.parse(lastComparedAt!)).toBeLessThanOrEqual(Date.now());
  });
});

describe('does nothing decrypt any more, and is no package made?', () => {
  const request = () => audited.officer.post(packages.path, { scope: { systemId: null } });
  const content = async () => {
    const { world, clinic, officer, inside } = audited;
    const path = `${clinic.path}/evidence/${inside.evidenceId}/content`;
    return (await send(world.url, officer, 'GET', path)).status;
  };
  const fault = async () => {
    const { clinic, officer, inside } = audited;
    const { body } = await officer.get(`${clinic.path}/evidence/${inside.evidenceId}`).expect(200);
    return (body as { fault: { reason: string } | null }).fault;
  };
  /** Asks while keys are in no memory; then the one that was edited is put back, beside any that was made meanwhile. */
  const meanwhile = async <T>(edit: (where: string) => Edit, ask: () => Promise<T>): Promise<T> => {
    const keyring = audited.world.app.get(Keyring, { strict: false });
    const [key] = await superuser.ids('data_key', `organization_id = '${audited.clinic.organizationId}'`);
    expect(await content()).toBe(200);
    const undo = await superuser.behind(edit(`id = '${key!}'`));
    keyring.clear();
    expect(await content()).toBe(500);
    const answer = await ask();
    await undo();
    keyring.clear();
    expect([await content(), await fault()]).toEqual([200, null]);
    await comparisons.examine();
    expect(await comparisons.found()).toEqual([]);
    return answer;
  };

  it.each([
    ['its bytes', `wrapped = set_byte(wrapped, 20, get_byte(wrapped, 20) # 1)`],
    ['by what it was wrapped', `kek_ref = 'another'`],
    ['of which version', 'kek_version = kek_version + 1'],
  ])('when the data key of the organisation was edited, %s: what is asked for cannot be recorded', async (_, set) => {
    const { status } = await meanwhile(
      (where) => edits.update('data_key', where, set),
      async () => request(),
    );
    expect(status).toBe(500);
  });

  it('when it was deleted: evidence is corrupt, and what was recorded cannot be told', async () => {
    const found = await meanwhile(
      (where) => edits.remove('data_key', where),
      async () => {
        const { status, problem } = await packages.settled((await packages.request({ scope: { systemId: null } })).id);
        return { status, problem, fault: await fault() };
      },
    );
    expect(found).toMatchObject({
      status: 'failed',
      problem: { detail: expect.stringContaining('there is no data key') },
      fault: { reason: expect.stringContaining('there is no data key') },
    });
  });
});
