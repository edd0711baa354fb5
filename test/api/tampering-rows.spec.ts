import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { API_AUDIENCE } from '../../src/development/provider.js';
import { Database } from '../../src/kernel/db/database.js';
import { newId } from '../../src/kernel/ids.js';
import { servicePrincipal } from '../../src/kernel/principal.js';
import { PackagesService } from '../../src/packages/packages.service.js';
import { PostureMemory } from '../../src/posture/memory.service.js';
import { SCANNER_STATES } from '../../src/posture/rule.js';
import { TimelineStore } from '../../src/posture/timeline.store.js';
import { writeTimeline } from '../../src/posture/timeline.js';
import { ReconciliationService } from '../../src/reconciliation/reconciliation.service.js';
import type { Caller, Clinic, World } from '../support/app.js';
import { bagIn, readZip } from '../packages/read-zip.js';
import { PERIOD, soon, startAudited, type Audited } from '../support/engaged.js';
import { programOf } from '../support/log.js';
import { packagesRoom, unqueuedPackage, type PackagesRoom, YEAR } from '../support/packages.js';
import { ownType } from '../support/record-types.js';
import {
  Comparisons,
  CUSTODY,
  editsOf,
  failed,
  KEPT,
  OwnEdits,
  Superuser,
  verify,
  type Altered,
  type Edit,
  type EditedTable,
} from '../support/tampering.js';
import { ownCheck } from '../support/checks.js';

/*
 * Somebody with all rights on the database edits rows of which events tell: the registers of an organisation. What is done to events, reports, records and the log itself is tried in
 * tampering.spec.ts, and to what people keep in tampering-kept.spec.ts.
 */

let audited: Audited;
let world: World;
let superuser: Superuser;
let clinic: Clinic;
let officer: Caller;
let packages: PackagesRoom;
let directory: string;
let edits: OwnEdits;
let comparisons: Comparisons;

beforeAll(async () => {
  audited = await startAudited();
  ({ world, clinic, officer } = audited);
  superuser = await Superuser.of(world);
  edits = new OwnEdits(clinic.organizationId);
  comparisons = new Comparisons(world, clinic, officer, superuser);
  directory = await mkdtemp(join(tmpdir(), 'safeguard-tampering-'));
  packages = packagesRoom(`${clinic.path}/packages`, officer);
  return async () => {
    await superuser.end();
    await audited.stop();
  };
});
afterAll(() => rm(directory, { recursive: true, force: true }));

async function fileOfNext(period?: number): Promise<string> {
  const id = await unqueuedPackage(world, clinic, undefined, period);
  await world.app.get(PackagesService, { strict: false }).build(programOf(clinic), id);
  const file = join(directory, `${id}.zip`);
  await writeFile(file, await packages.bytes(id));
  return file;
}

describe('does `complete` fail in the next package?', () => {
  // Of the one that was registered last: a register is kept in memory until its last instant is another.
  const isOwn = () => `system_id = '${audited.other.id}'`;
  const edited = (set: string) =>
    edits.update('system_version', isOwn(), `${set}, recorded_at = recorded_at + interval '1 microsecond'`);
  const another = newId();

  it.each<[string, () => Edit]>([
    ['what a version of a system says of PHI was changed', () => edited(`phi = 'none'`)],
    ['the name of a system was changed', () => edited(`name = 'another'`)],
    ['a system was said to be retired', () => edited('retired_at = recorded_at')],
    ['the versions of a system were deleted', () => edits.remove('system_version', isOwn())],
    [
      'a system was put in',
      () => edits.insert('system_version', `system_id = '${another}'`, isOwn(), `'system_id', '${another}'`),
    ],
    ['the organisation was called otherwise', () => edits.update('organization', 'true', `name = 'Seaside Clinic'`)],
  ])('when %s', async (_, edit) => {
    const undo = await superuser.behind(edit());
    const verdict = await verify(await fileOfNext());
    await undo();
    expect(failed(verdict)).toEqual(['complete']);
  });

  it('and of what was put back nothing', async () => {
    expect(failed(await verify(await fileOfNext()))).toEqual([]);
  });
});

/** How items of the law stood when the period of a package began, as its report says. */
async function beginningOfTrend(file: string): Promise<string> {
  const page = bagIn(await readZip(await readFile(file))).get('data/report/report.html');
  const [, said] = /Items of the law by status over the period.*?On \d{4}-\d\d-\d\d: ([^.]*)\./s.exec(
    page!.toString(),
  )!;
  return said!;
}

describe('does `postures` fail in the next package?', () => {
  it('when what is remembered of a system says that all of it is proven', async () => {
    const principal = servicePrincipal('test', clinic.organizationId, 'test');
    const memory = world.app.get(PostureMemory, { strict: false });
    await memory.refresh(principal, null);
    const database = world.app.get(Database, { strict: false });
    const store = world.app.get(TimelineStore, { strict: false });
    const known = await database.readSnapshot(principal, (tx) => store.find(tx, clinic.systemId));
    const last = known!.timeline.before(new Date(8.64e15)).at(-1)!;
    // Scanners have seen all of it pass, and whatever is asked for is kept.
    const codes = last.states.codes.map((code) => (code & ~7) | SCANNER_STATES.indexOf('full'));
    const segments = writeTimeline([{ starts: new Date(0), states: { codes, blind: 0 } }]);
    const where = `organization_id = '${clinic.organizationId}' and place_id = '${clinic.systemId}'`;
    const trendBefore = await beginningOfTrend(await fileOfNext(YEAR));
    const undo = await superuser.behind({
      table: 'posture_timeline',
      where,
      edit: `update posture_timeline set segments = '\\x${segments.toString('hex')}', revision = revision + 1 where ${where}`,
    });
    const file = await fileOfNext(YEAR);
    await undo();
    expect(failed(await verify(file))).toEqual(['postures']);
    // What the report says of the past is not made of it.
    expect(await beginningOfTrend(file)).toBe(trendBefore);
  });
});

describe('does a comparison with the log find it, and find it right again?', () => {
  const ids = new Map<string, string>();
  const own = (table: string, column = 'id') => `${column} = '${ids.get(table)}'`;

  beforeAll(async () => {
    const { admin, path } = clinic;
    const made = async (table: string, answer: Promise<{ body: { id: string } }>) => {
      const { body } = await answer;
      ids.set(table, body.id);
      return body.id;
    };
    await admin
      .patch(path, { settings: { freshness: { 'backup-coverage': 30 } } })
      .set('If-Match', '"1"')
      .expect(200);
    const person = { issuer: world.provider.issuer, subject: 'person', name: 'Somebody', role: 'viewer' };
    const member = await made('member', admin.post(`${path}/members`, person).expect(201));
    await admin.patch(`${path}/members/${member}`, { role: 'auditor' }).set('If-Match', '"1"').expect(200);
    const gone = await admin.post(`${path}/members`, { ...person, subject: 'gone' }).expect(201);
    await admin.delete(`${path}/members/${gone.body.id}`).expect(204);
    const { id: system } = audited.other;
    ids.set('system', system);
    await admin
      .patch(`${path}/systems/${system}`, { phiNamespaces: ['emr'] })
      .set('If-Match', '"1"')
      .expect(200);
    const { id: retired } = await clinic.system();
    await admin.post(`${path}/systems/${retired}/retire`).expect(200);
    const { publicKey } = generateKeyPairSync('ed25519');
    const trusted = (subjectPattern: string) =>
      admin
        .post(`${path}/agents`, {
          ...{ name: 'another', systemId: system, kind: 'client_credentials', subjectPattern },
          ...{ issuer: world.provider.issuer, audience: API_AUDIENCE },
          signingKeys: [publicKey.export({ type: 'spki', format: 'pem' })],
        })
        .expect(201);
    await made('agent_trust', trusted('another'));
    await admin.delete(`${path}/agents/${(await trusted('gone')).body.id}`).expect(204);
    const put = (at: string, id: string, definition: object) =>
      officer
        .put(`${path}/${at}/${encodeURIComponent(id)}`, { definition })
        .set('If-None-Match', '*')
        .expect(200);
    await put('checks', 'org/one', { ...ownCheck, id: 'org/one' });
    await put('record-types', 'org/one', { ...ownType('org/supplier'), type: 'org/one' });
    await officer.delete(`${path}/record-types/org%2Fone`).expect(204);
    const engagement = await audited.engaged();
    ids.set('engagement', engagement.id);
    const endsAt = soon(90);
    await admin.patch(engagement.path, { endsAt }).set('If-Match', '"1"').expect(200);
    const { asOf, periodFrom } = { asOf: '2026-03-01T00:00:00Z', periodFrom: PERIOD.periodFrom };
    const { id: shared } = await packages.request({ scope: { systemId: clinic.systemId }, asOf, periodFrom });
    expect((await packages.settled(shared)).status).toBe('ready');
    await officer.post(`${engagement.path}/packages`, { packageId: shared }).expect(204);
    const revoked = await audited.engaged();
    await admin.delete(revoked.path).expect(204);
    const webhook = { url: 'https://hooks.example.com/', events: ['record.submitted'] };
    await made('webhook', officer.post(`${path}/webhooks`, webhook).expect(201));
    const removed = await officer.post(`${path}/webhooks`, webhook).expect(201);
    await officer.delete(`${path}/webhooks/${removed.body.id}`).set('If-Match', '"1"').expect(204);
    const record = await audited.keeper.keep({
      type: 'appointment',
      fields: {
        person: 'M. Alvarez',
        duties: 'Keeps the analysis.',
        appointedOn: '2025-01-06',
        confirmedOn: '2026-01-05',
      },
      document: 'appointment',
    });
    ids.set('record', record);
    await audited.keeper.revise(record, { title: 'Later', effectiveFrom: '2026-04-15T00:00:00Z' });
    await audited.keeper.revise(record, { title: 'Before that', effectiveFrom: '2026-02-15T00:00:00Z' });
    await comparisons.examine();
    // All that the service has written itself is what the log says.
    expect(await comparisons.found()).toEqual([]);
  });

  it('of which tables?', async () => {
    const text = await readFile(new URL('../../../docs/log.md', import.meta.url), 'utf8');
    const [, section = ''] = text.split('### Table by table\n');
    const told = section.split('\n').filter((line) => /^\| `.*by the service/.test(line));
    const names = told.flatMap((line) => [...line.split('|')[1]!.matchAll(/`(\w+)`/g)].map(([, name]) => name));
    const { tables } = world.app.get(ReconciliationService, { strict: false });
    expect(names.toSorted()).toEqual(tables.toSorted());
    expect([...EVENTS, ...TABLES.map(([table]) => table), ...KEPT, ...CUSTODY].toSorted()).toEqual(tables.toSorted());
  });

  const EVENTS = ['audit_event', 'audit_detail'];
  /** The first event about an object. */
  const eventOf = async (kind: string, action: string): Promise<string> => {
    const query = `objectKind=${kind}&objectId=${ids.get(kind)}&action=${action}`;
    const { body } = await officer.get(`${clinic.path}/audit-events?${query}`).expect(200);
    return body.items.at(-1).id as string;
  };

  it.each([
    `action = 'evidence.read'`,
    `object_id = gen_random_uuid()::text`,
    `object_kind = 'evidence'`,
    `actor_id = 'mallory'`,
    `created_at = 'infinity'`,
    `outcome = 'failure'`,
  ])('when an event is looked up by what it does not say: %s', async (set) => {
    const id = await eventOf('member', 'member.changed');
    const undo = await superuser.behind(edits.update('audit_event', `id = '${id}'`, set));
    await comparisons.examine();
    const altered = await comparisons.found();
    await undo();
    await comparisons.examine();
    expect(altered).toContainEqual(expect.objectContaining({ table: 'audit_event', kind: 'event', id }));
    expect(await comparisons.found()).toEqual([]);
  });

  it.each([
    ['member', 'member.added', `role = 'admin', subject = 'mallory'`],
    ['engagement', 'engagement.created', `subject = 'mallory'`],
    ['webhook', 'webhook.changed', `url = 'https://mallory.example/'`],
  ])('when the details of events about a %s are gone, so that nobody can tell', async (table, action, set) => {
    const event = await eventOf(table, action);
    const undoRow = await superuser.behind(edits.update(table, own(table), set));
    const undo = await superuser.behind(edits.remove('audit_detail', `event_id = '${event}'`));
    await comparisons.examine();
    const altered = await comparisons.found();
    await undo();
    await undoRow();
    await comparisons.examine();
    expect(altered).toContainEqual(expect.objectContaining({ table: 'audit_detail', kind: 'event', id: event }));
    expect(await comparisons.found()).toEqual([]);
  });

  it('when the details by which a scan was stored are gone, and does a package about its system say so?', async () => {
    const { items } = (await officer.get(`${clinic.path}/audit-events?action=scan.stored`).expect(200)).body as {
      items: { id: string }[];
    };
    const { id } = items[0]!;
    const undo = await superuser.behind(edits.remove('audit_detail', `event_id = '${id}'`));
    const made = await packages.settled((await packages.request({ scope: { systemId: clinic.systemId } })).id);
    const file = join(directory, `${made.id}.zip`);
    await writeFile(file, await packages.bytes(made.id));
    await undo();
    await comparisons.examine();
    const { index, fault } = await verify(file);
    expect(fault).toBeNull();
    expect(index?.alteredRows).toContainEqual(expect.objectContaining({ table: 'audit_detail', kind: 'event', id }));
    expect(await comparisons.found()).toEqual([]);
  });

  it('when the details of an event about one member cannot be read, also of all others?', async () => {
    const { id: other } = (
      await clinic.admin
        .post(`${clinic.path}/members`, {
          ...{ issuer: world.provider.issuer, subject: 'other' },
          name: 'B',
          role: 'viewer',
        })
        .expect(201)
    ).body as { id: string };
    const event = await eventOf('member', 'member.added');
    const undo = [
      await superuser.behind(edits.update('audit_detail', `event_id = '${event}'`, `encrypted_detail = '\\x00'`)),
      await superuser.behind(edits.update('member', `id = '${other}'`, `role = 'admin'`)),
      await superuser.behind(edits.update('webhook', own('webhook'), `url = 'https://mallory.example/'`)),
    ];
    await comparisons.examine();
    const altered = await comparisons.found();
    for (const one of undo) await one();
    await comparisons.examine();
    expect(altered.map(({ table, id }) => [table, id]).toSorted()).toEqual(
      [
        ['member', other],
        ['member', ids.get('member')],
        ['webhook', ids.get('webhook')],
      ].toSorted(),
    );
    expect(await comparisons.found()).toEqual([]);
  });

  /** By the tables' own names. */
  const TABLES: EditedTable[] = [
    [
      'organization',
      () => 'true',
      [`name = 'Seaside'`, 'version = version + 1', `settings = settings || '{"overlays":["nprm-2025"]}'`],
      null,
    ],
    [
      'organization_version',
      () => 'version = 2',
      [`settings = settings || '{"overlays":["nprm-2025"]}'`, `recorded_at = recorded_at - interval '1 day'`],
      () => ['version = 99', `'version', 99`],
    ],
    [
      'member',
      () => own('member'),
      [`role = 'admin'`, `subject = 'mallory'`, `removed_at = now()`],
      (id) => [`id = '${id}'`, `'id', '${id}', 'subject', 'mallory'`],
    ],
    [
      'system',
      () => own('system'),
      [`phi = 'none'`, `name = 'another'`, 'retired_at = now()'],
      (id) => [`id = '${id}'`, `'id', '${id}', 'name', 'another'`],
    ],
    [
      'system_version',
      () => `${own('system', 'system_id')} and version = 1`,
      [`phi = 'none'`, `recorded_at = recorded_at - interval '1 day'`],
      () => ['version = 99', `'version', 99`],
    ],
    [
      'agent_trust',
      () => own('agent_trust'),
      [`subject_pattern = 'mallory'`, `revoked_at = now()`, `signing_keys = '{mine}'`],
      (id) => [`id = '${id}'`, `'id', '${id}'`],
    ],
    [
      'check_version',
      () => 'version = 1',
      [`definition = definition || '{"title":"Another"}'`, `recorded_by = 'mallory'`],
      () => ['version = 99', `'version', 99`],
    ],
    [
      'record_type_version',
      () => 'version = 1',
      [`definition = definition || '{"title":"Another"}'`, `reason = 'another'`],
      () => ['version = 99', `'version', 99`],
    ],
    [
      'engagement',
      () => own('engagement'),
      [
        `ends_at = ends_at + interval '1 day'`,
        `subject = 'mallory'`,
        `system_ids = null`,
        'revoked_at = now()',
        `period_from = period_from - interval '1 year'`,
      ],
      (id) => [`id = '${id}'`, `'id', '${id}', 'subject', 'mallory'`],
    ],
    [
      'engagement_package',
      () => own('engagement', 'engagement_id'),
      [`shared_by = 'mallory'`],
      (id) => [`package_id = '${id}'`, `'package_id', '${id}'`],
    ],
    [
      'webhook',
      () => own('webhook'),
      [`url = 'https://mallory.example/'`, `state = 'failing'`],
      (id) => [`id = '${id}'`, `'id', '${id}'`],
    ],
    [
      'record_interval',
      () => own('record', 'record_id'),
      [
        `effective_to = effective_from + interval '1 day', ended_known = known_from`,
        `effective_from = effective_from - interval '1 day'`,
        `fails = not fails`,
        'known_to = known_from',
      ],
      (id) => [`system_id = '${id}'`, `'system_id', '${id}'`],
    ],
  ];

  it.each(TABLES)('when a row of %s was edited, deleted or put in', async (...edited) => {
    for (const [what, altered] of await comparisons.foundAfterEach(editsOf(edited, edits)))
      expect([what, ...altered.map(({ table }) => table)]).toEqual([what, edited[0]]);
  });

  it('is it a leaf and a notice, and told in the next package, also when the finding is deleted?', async () => {
    const undo = await superuser.behind(edits.update('member', own('member'), `role = 'admin'`));
    const file = await fileOfNext();
    const { lines } = await verify(file);
    expect(lines.find(({ check }) => check === 'complete')).toMatchObject({
      result: 'ok',
      text: expect.stringContaining('rows of 1 objects were found altered past the service'),
    });
    const files = bagIn(await readZip(await readFile(file)));
    const { alteredRows } = JSON.parse(files.get('data/index.json')!.toString()) as { alteredRows: Altered[] };
    expect(alteredRows).toMatchObject([{ table: 'member', id: ids.get('member'), reason: 'the row has another role' }]);
    const { body: events } = await officer.get(`${clinic.path}/audit-events?action=row.altered&limit=1`).expect(200);
    expect(events.items[0]).toMatchObject({
      object: { kind: 'member', id: ids.get('member') },
      details: { table: 'member', reason: 'the row has another role' },
    });
    const { body: notices } = await officer.get(`${clinic.path}/notices?type=row.altered&limit=1`).expect(200);
    expect(notices.items[0]).toMatchObject({ data: { table: 'member', objects: [ids.get('member')] } });
    await superuser.behind(edits.remove('row_finding', 'true'));
    await undo();
    // What the log says is taken back by the log, whoever deleted the finding.
    expect(failed(await verify(await fileOfNext()))).toEqual([]);
    const { body: later } = await officer.get(`${clinic.path}/audit-events?action=row.restored&limit=1`).expect(200);
    expect(later.items[0].object).toEqual({ kind: 'member', id: ids.get('member'), table: 'member' });
  });

  it('does a finding that was put in make no room for one that is taken out?', async () => {
    const of = ids.get('member');
    const before = await officer.get(`${clinic.path}/audit-events?objectId=${of}&action=row.restored`).expect(200);
    const values = `'${clinic.organizationId}', 'member', 'member', '${of}', now(), 'altered', 'x'`;
    await superuser.unguarded('row_finding', `insert into row_finding values (${values})`);
    await comparisons.examine();
    expect(await comparisons.found()).toEqual([]);
    const after = await officer.get(`${clinic.path}/audit-events?objectId=${of}&action=row.restored`).expect(200);
    expect(after.body.items).toEqual(before.body.items);
  });

  it('also of an organisation whose own row is gone?', async () => {
    const service = world.app.get(ReconciliationService, { strict: false });
    const database = world.app.get(Database, { strict: false });
    const program = servicePrincipal('reconciliation', null, 'test');
    const undo = await superuser.behind(edits.remove('organization', 'true'));
    const asked = await database.read(program, (tx) => service.organizations(tx));
    await undo();
    expect(asked).toContain(clinic.organizationId);
  });
});
