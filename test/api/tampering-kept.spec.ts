import { createHash } from 'node:crypto';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { newId } from '../../src/kernel/ids.js';
import type { Caller, Clinic, World } from '../support/app.js';
import { startAudited, type Audited } from '../support/engaged.js';
import type { Keeper } from '../support/keep.js';
import { bagIn, readZip } from '../packages/read-zip.js';
import { partsOf, programOf } from '../support/log.js';
import { packagesRoom } from '../support/packages.js';
import { defineOwnTypes } from '../support/record-types.js';
import {
  Comparisons,
  editsOf,
  KEPT,
  OwnEdits,
  Superuser,
  type Altered,
  type EditedTable,
} from '../support/tampering.js';
import { fixture } from '../fixtures/reports/load.js';
import { send } from './reports.js';

/*
 * Somebody with all rights on the database edits rows of what people keep and ask for, and of what snapshots said. Registers are edited in tampering-rows.spec.ts.
 */

let audited: Audited;
let world: World;
let superuser: Superuser;
let clinic: Clinic;
let officer: Caller;
let keeper: Keeper;
let edits: OwnEdits;
const ids = new Map<string, string>();
const own = (table: string, column = 'id') => `${column} = '${ids.get(table)}'`;

/** As it was listed before anybody had compared rows. */
let before: Awaited<ReturnType<Comparisons['listed']>>;
let comparisons: Comparisons;

beforeAll(async () => {
  audited = await startAudited();
  ({ world, clinic, officer, keeper } = audited);
  superuser = await Superuser.of(world);
  edits = new OwnEdits(clinic.organizationId);
  await defineOwnTypes(officer, clinic.path);
  comparisons = new Comparisons(world, clinic, officer, superuser);
  before = await comparisons.listed();
  await keep();
  await ask();
  await observed(3, '33');
  await observed(1, '34');
  await observed(2, '34');
  await seen(3, 'owner-named', 'image-signed');
  await seen(2, 'owner-named');
  await comparisons.examine();
  return async () => {
    await superuser.end();
    await audited.stop();
  };
});

const APPOINTMENT = {
  type: 'appointment',
  fields: {
    person: 'M. Alvarez',
    duties: 'Keeps the analysis.',
    appointedOn: '2025-01-06',
    confirmedOn: '2026-01-05',
  },
};
const supplier = (name: string) => ({ type: 'org/supplier', fields: { name } });
const statusOf = async (id: string): Promise<string> =>
  (await officer.get(`${clinic.path}/imports/${id}`).expect(200)).body.status as string;

/** A table that was sent and read. */
async function imported(table: string, query = ''): Promise<string> {
  const digest = createHash('sha256').update(table).digest('base64');
  const path = `${clinic.path}/imports?type=org%2Fsupplier${query}`;
  const { body } = await send<{ id: string }>(world.url, officer, 'POST', path, {
    headers: { 'Content-Type': 'text/csv', 'Content-Digest': `sha-256=:${digest}:` },
    body: Buffer.from(table),
  });
  await vi.waitUntil(async () => (await statusOf(body.id)) !== 'received', { timeout: 20_000 });
  return body.id;
}

/** The clinic's cluster, so many hours ago. */
async function observed(hours: number, minor: string): Promise<void> {
  const lines = fixture('cluster-snapshot/clinic.ndjson')
    .toString('utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  const startedAt = new Date(Date.now() - hours * 3_600_000);
  Object.assign(lines[0]!, { startedAt: startedAt.toISOString(), serverVersion: { major: '1', minor } });
  Object.assign(lines.at(-1)!, { finishedAt: new Date(startedAt.getTime() + 9_000).toISOString() });
  await clinic.agent
    .post(`${clinic.systemPath}/scans`)
    .set('Content-Type', 'application/x-ndjson')
    .send(lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
    .expect(201);
}

/** Checks of a namespace, so many hours ago, by a scan that has looked at some of it. */
async function seen(hours: number, ...checks: string[]): Promise<void> {
  const target = { kind: 'namespace', name: 'clinic' };
  const report = {
    safeguardReport: 1,
    tool: { name: 'badge-readers', version: '2.1' },
    observedAt: new Date(Date.now() - hours * 3_600_000).toISOString(),
    targets: [{ ...target, complete: false }],
    results: checks.map((check) => ({ target, check, resource: 'clinic/Deployment/emr', status: 'fail' })),
  };
  await clinic.agent.post(`${clinic.systemPath}/scans`).send(report).expect(201);
}

/** Records by every move, alone and in tables. */
async function keep(): Promise<void> {
  const { approver } = keeper;
  const records = `${clinic.path}/records`;
  const etag = async (id: string): Promise<string> =>
    `"${(await officer.get(`${records}/${id}`).expect(200)).body.revision}"`;
  const links = [{ kind: 'control', target: '164.308(a)(2)', note: 'who it is' }];
  const record = await keeper.keep({ ...APPOINTMENT, links, document: 'appointment' });
  ids.set('record', record);
  await keeper.revise(record, { title: 'Later', effectiveFrom: '2026-04-15T00:00:00Z' });
  const ended = await keeper.keep(supplier('Ended'));
  await keeper.end(ended, '2026-05-01T00:00:00Z');
  ids.set('ended', ended);
  const returned = await keeper.draft({ ...APPOINTMENT, fields: { ...APPOINTMENT.fields, person: 'B. Okafor' } });
  ids.set('returned', returned);
  await keeper.attach(returned, 'appointment', 'What is not meant.');
  const { body: named } = await officer.get(`${records}/${returned}/versions/1/documents`).expect(200);
  const { evidenceId } = (named.items as [{ evidenceId: string }])[0];
  ids.set('removed', evidenceId);
  await officer
    .delete(`${records}/${returned}/documents/${evidenceId}?role=appointment`)
    .set('If-Match', await etag(returned))
    .expect(200);
  await keeper.attach(returned, 'appointment', 'What is meant.');
  await keeper.submit(returned);
  await officer
    .delete(`${records}/${returned}/submission`)
    .set('If-Match', await etag(returned))
    .expect(200);
  await keeper.submit(returned);
  await approver
    .post(`${records}/${returned}/decision`, { decision: 'reject', reason: 'Not so.' })
    .set('If-Match', await etag(returned))
    .expect(200);
  await keeper.submit(returned);
  await keeper.approve(returned);
  const abandoned = await keeper.draft(supplier('Abandoned'));
  await keeper.submit(abandoned);
  await officer
    .post(`${records}/${abandoned}/abandonment`, { reason: 'Never was.' })
    .set('If-Match', await etag(abandoned))
    .expect(200);
  const applied = await imported('name,effectiveFrom\nA,2026-01-01\nB,2026-01-01\nEnded again,2026-01-01\n');
  ids.set('import', applied);
  await approver.post(`${clinic.path}/imports/${applied}/decision`, { decision: 'approve' }).expect(200);
  const again = await imported('name,effectiveFrom\nA,2026-02-01\nB,2026-01-01\n');
  await approver.post(`${clinic.path}/imports/${again}/decision`, { decision: 'reject', reason: 'No.' }).expect(200);
  expect(await statusOf(await imported('name,effectiveFrom\nC,2026-01-01\n', '&dryRun=true'))).toBe('checked');
  const refused = await imported('name,effectiveFrom\nC,never\n');
  expect(await statusOf(refused)).toBe('refused');
  ids.set('refused', refused);
}

/** Requests of an auditor, and what was said of one. */
async function ask(): Promise<void> {
  const { path, auditor } = await audited.engaged();
  const asked = { title: 'Leavers', what: 'For five of them.', dueAt: '2026-12-01T17:00:00Z' };
  const { body } = await auditor.post(`${path}/requests`, asked).expect(201);
  ids.set('evidence_request', body.id);
  const request = `${path}/requests/${body.id}`;
  const evidence = [audited.inside.evidenceId, audited.inside.evidenceId];
  await officer.post(`${request}/answer`, { comment: 'All five.', evidence }).set('If-Match', '"1"').expect(200);
  await auditor
    .post(`${request}/decision`, { decision: 'return', comment: 'Of two it is not there.' })
    .set('If-Match', '"2"')
    .expect(200);
  await officer.post(`${request}/comments`, { comment: 'By Friday.' }).expect(201);
}

it('does an empty list say whether rows were compared, and when?', async () => {
  expect(before).toEqual({ items: [], next: null, lastComparedAt: null });
  const begun = Date.now();
  await comparisons.examine();
  const { items, lastComparedAt } = await comparisons.listed();
  // All that the service has written itself is what the log says.
  expect(items).toEqual([]);
  expect(Date.parse(lastComparedAt!)).toBeGreaterThanOrEqual(begun);
  expect(Date.parse(lastComparedAt!)).toBeLessThanOrEqual(Date.now());
});

describe('is nobody accused', () => {
  it('where the log has two moves in another order, as servers of unlike clocks have told them', async () => {
    const moves = `${own('returned', 'record_id')} and number between 5 and 6`;
    await superuser.unguarded('record_move', `update record_move set number = number + 100 where ${moves}`);
    const moved = own('returned', 'record_id');
    await superuser.unguarded(
      'record_move',
      `update record_move set number = 111 - number where ${moved} and number > 100`,
    );
    await comparisons.examine();
    expect(await comparisons.found()).toEqual([]);
    await superuser.unguarded('record_move', `update record_move set number = number + 100 where ${moves}`);
    await superuser.unguarded(
      'record_move',
      `update record_move set number = 111 - number where ${moved} and number > 100`,
    );
  });

  it('of a package from before exports were kept', async () => {
    const { audit, database } = partsOf(world);
    const details = { part: 1, parts: 1, evidence: [audited.inside.evidenceId], unreadable: [] };
    await database.write(programOf(clinic), (tx) =>
      audit.record(tx, { action: 'package.built', object: { kind: 'package', id: newId() }, details }),
    );
    await comparisons.examine();
    expect(await comparisons.found()).toEqual([]);
  });

  it('of a version that a server of before still notes when others tell of theirs', async () => {
    const { audit, database } = partsOf(world);
    const scan = newId();
    const at = new Date().toISOString();
    await database.write(programOf(clinic), (tx) =>
      audit.record(tx, { action: 'scan.stored', object: { kind: 'scan', id: scan }, details: { reader: 1 } }),
    );
    const altered = await comparisons.foundAfter(
      edits.insert(
        'scan',
        `id = '${scan}'`,
        `id = (select scan_id from snapshot where system_id = '${clinic.systemId}')`,
        `'id', '${scan}', 'observed_at', '2026-01-01T00:00:00Z', 'known_at', '${at}', 'declared_digest', '\\x01'`,
      ),
      edits.insert(
        'system_change',
        `known_at = '${at}'`,
        `value = '1.33'`,
        `'observed_at', '2026-01-01T00:00:00Z', 'known_at', '${at}'`,
      ),
    );
    expect(altered).toEqual([]);
  });
});

describe('is it found that rows cannot be compared, and do all others stay compared?', () => {
  it.each([
    ['record_link', 'record_version', () => `${own('record', 'record_id')} and version = 1`, `links = '5'`],
    ['record_interval', 'record_interval', () => own('record', 'record_id'), `known_to = 'infinity'`],
    ['import', 'audit_event', () => `id = (${receipt()})`, `object_id = 'x'`],
  ])('%s, as of %s one is damaged', async (table, edited, where, set) => {
    const since = (await comparisons.listed()).lastComparedAt;
    const altered = await comparisons.foundAfter(
      edits.update(edited, where(), set),
      edits.update('target', `system_id = '${clinic.systemId}' and kind = 'node'`, `name = 'another'`),
    );
    expect(altered).toContainEqual(
      expect.objectContaining({ table, id: clinic.organizationId, reason: expect.stringContaining('cannot be read') }),
    );
    expect(altered).toContainEqual(expect.objectContaining({ table: 'target' }));
    expect(Date.parse((await comparisons.listed()).lastComparedAt!)).toBeGreaterThan(Date.parse(since!));
  });

  it('is a package built, and does it say so?', async () => {
    const packages = packagesRoom(`${clinic.path}/packages`, officer);
    const undo = await superuser.behind(edits.update('audit_event', `id = (${receipt()})`, `object_id = 'x'`));
    const made = await packages.settled((await packages.request()).id);
    await undo();
    await comparisons.examine();
    expect(made.status).toBe('ready');
    const files = bagIn(await readZip(await packages.bytes(made.id)));
    const { alteredRows } = JSON.parse(files.get('data/index.json')!.toString()) as { alteredRows: Altered[] };
    expect(alteredRows).toContainEqual(expect.objectContaining({ table: 'import', id: clinic.organizationId }));
    expect(await comparisons.found()).toEqual([]);
  });

  const receipt = () =>
    `select id from audit_event where action = 'import.received' and organization_id = '${clinic.organizationId}' order by id limit 1`;
});

describe('does a comparison find it, and find it right again?', () => {
  const ofImport = () =>
    `record_id in (select record_id from import_row where import_id = '${ids.get('import')}' and outcome = 'created')`;
  const ofSystem = () => `system_id = '${clinic.systemId}'`;

  const TABLES: EditedTable[] = [
    [
      'record',
      () => own('record'),
      [
        `type = 'policy'`,
        `natural_key = 'another'`,
        'revision = revision + 1',
        'last_version = 3',
        'approved_version = 1',
        'open_version = 2',
        `created_at = created_at - interval '1 second'`,
        `created_by = 'mallory'`,
      ],
      (id) => [`id = '${id}'`, `'id', '${id}', 'natural_key', ''`],
    ],
    [
      'record_move',
      () => `${own('record', 'record_id')} and version = 1 and number = 4`,
      [`by = 'mallory'`, `move = 'submit'`, `at = at - interval '1 day'`, `reason = 'because'`],
      () => ['number = 9', `'number', 9`],
    ],
    [
      'record_move',
      () =>
        `${own('returned', 'record_id')} and number = (select number from record_move m where m.record_id = '${ids.get('returned')}' and move = 'reject')`,
      [`reason = null`, `reason = 'Because.'`, `by = 'mallory'`],
      null,
    ],
    [
      'record_move',
      () => `${own('ended', 'record_id')} and version = 2 and number = 1`,
      [`reason = null`, `move = 'revise', reason = null`],
      null,
    ],
    [
      'record_move',
      () => `${ofImport()} and number = 2`,
      [`by = 'mallory'`, `at = at - interval '1 day'`, `move = 'edit'`],
      null,
    ],
    [
      'record_link',
      () => `${own('record', 'record_id')} and version = 1`,
      [`target = '164.308(a)(1)'`, `kind = 'practice'`],
      () => [`target = 'another'`, `'target', 'another'`],
    ],
    [
      'record_document',
      () => `${own('record', 'record_id')} and version = 1`,
      ['evidence_id = gen_random_uuid()'],
      (id) => [`evidence_id = '${id}'`, `'evidence_id', '${id}'`],
    ],
    ['record_document', () => own('removed', 'evidence_id'), [], null],
    [
      'import',
      () => own('import'),
      [
        `status = 'rejected'`,
        `type = 'policy'`,
        `sheet = 'another'`,
        'evidence_id = gen_random_uuid()',
        `requested_at = requested_at - interval '1 day'`,
        `requested_by = 'mallory'`,
        'requested_person = gen_random_uuid()',
        `finished_at = finished_at + interval '1 day'`,
        'rows = 9',
        'drafts = 1',
        `decided_by = 'mallory'`,
        'decided_person = gen_random_uuid()',
        'decided_count = 9',
        `reason = 'because'`,
      ],
      (id) => [`id = '${id}'`, `'id', '${id}', 'sheet', 'another'`],
    ],
    ['import', () => own('refused'), [`faults = '[]'`, 'fault_count = 0'], null],
    [
      'import_row',
      () => `${own('import', 'import_id')} and number = 2`,
      [`outcome = 'draft'`, 'record_id = null', 'version = 2'],
      () => ['number = 99', `'number', 99`],
    ],
    [
      'evidence_request',
      () => own('evidence_request'),
      [
        `title = 'Joiners'`,
        `what = ''`,
        `control = '164.308(a)(2)'`,
        'due_at = null',
        `state = 'accepted'`,
        'version = 9',
        'engagement_id = gen_random_uuid()',
        `created_at = created_at - interval '1 day'`,
      ],
      (id) => [`id = '${id}'`, `'id', '${id}'`],
    ],
    [
      'evidence_request_move',
      () => `${own('evidence_request', 'request_id')} and number = 2`,
      [`by = 'mallory'`, `comment = ''`, `evidence = '{}'`, `move = 'accept'`, `at = at - interval '1 day'`],
      () => ['number = 9', `'number', 9`],
    ],
    [
      'system_change',
      ofSystem,
      [`value = '1.99'`, `observed_at = observed_at - interval '1 hour'`],
      () => [`known_at = '2020-01-01T00:00:00Z'`, `'known_at', '2020-01-01T00:00:00Z'`],
    ],
    [
      'snapshot',
      ofSystem,
      [
        'scan_id = gen_random_uuid()',
        'evidence_id = gen_random_uuid()',
        `observed_at = observed_at - interval '1 second'`,
        `rules = '\\x00'`,
        `program = '\\x00'`,
      ],
      (id) => [`system_id = '${id}'`, `'system_id', '${id}'`],
    ],
    [
      'target',
      () => `${ofSystem()} and kind = 'node'`,
      [`name = 'another'`],
      (id) => [`id = '${id}'`, `'id', '${id}'`],
    ],
    [
      'sighting',
      () => 'id in (select earlier_id from sighting_loss)',
      [`series = '{}'`, 'series = series || gen_random_uuid()'],
      null,
    ],
    ['sighting_loss', () => 'true', [`series = '{}'`, 'series = series || gen_random_uuid()'], null],
  ];

  it('of which tables?', () => {
    expect([...new Set(TABLES.map(([table]) => table))].toSorted()).toEqual(KEPT.toSorted());
  });

  it.each(TABLES)('when a row of %s was edited, deleted or put in', async (...edited) => {
    for (const [what, altered] of await comparisons.foundAfterEach(editsOf(edited, edits)))
      // Others may follow from it.
      expect(
        altered.map(({ table }) => table),
        what,
      ).toContain(edited[0]);
  });
});
