import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readCsv } from '../../src/kernel/tables/csv-read.js';
import type { Cell } from '../../src/kernel/tables/table.js';
import { readXlsx } from '../../src/kernel/tables/xlsx-read.js';
import { XLSX_TYPE, xlsxOf } from '../../src/kernel/tables/xlsx-write.js';
import { ReconciliationService } from '../../src/reconciliation/reconciliation.service.js';
import { startApp, startClinic, type Caller, type Clinic, type World } from '../support/app.js';
import { programOf } from '../support/log.js';
import { defineOwnTypes } from '../support/record-types.js';
import { send } from './reports.js';

let world: World;
let clinic: Clinic;
let officer: Caller;
let approver: Caller;
let ownerId: string;
let database: pg.Client;

beforeAll(async () => {
  world = await startApp();
  clinic = await startClinic(world);
  officer = await clinic.member('compliance_officer');
  approver = await clinic.member('approver');
  const { body } = await clinic.admin.get(`${clinic.path}/members`).expect(200);
  ownerId = body.items.find(({ role }: { role: string }) => role === 'compliance_officer').id;
  await defineOwnTypes(officer, clinic.path);
  database = new pg.Client({ connectionString: world.database.urls.admin });
  await database.connect();
});
afterAll(async () => {
  await database.end();
  await world.stop();
});

interface ImportBody {
  id: string;
  status: string;
  rows: number;
  created: number;
  changed: number;
  unchanged: number;
  drafts: number;
  faultCount: number;
  faults: { row: number; column: string | null; detail: string }[];
  decidedCount: number | null;
  [member: string]: unknown;
}

async function sendTable(
  table: string | Buffer,
  type: string,
  { caller = officer, query = '', mediaType = 'text/csv', path = clinic.path } = {},
) {
  const body = Buffer.from(table as string);
  const digest = createHash('sha256').update(body).digest('base64');
  return send<ImportBody>(world.url, caller, 'POST', `${path}/imports?type=${encodeURIComponent(type)}${query}`, {
    headers: { 'Content-Type': mediaType, 'Content-Digest': `sha-256=:${digest}:` },
    body,
  });
}

async function finished(id: string, seconds = 30): Promise<ImportBody> {
  for (let tries = 0; tries < seconds * 10; tries++) {
    const { body } = await officer.get(`${clinic.path}/imports/${id}`).expect(200);
    if (body.status !== 'received') return body;
    await new Promise((done) => setTimeout(done, 100));
  }
  throw new Error(`the import ${id} was not read within ${seconds} s`);
}

async function imported(...sent: Parameters<typeof sendTable>): Promise<ImportBody> {
  const answer = await sendTable(...sent);
  expect(answer.status, JSON.stringify(answer.body)).toBe(202);
  return finished(answer.body.id);
}

const decide = (id: string, body: object = { decision: 'approve' }, caller = approver) =>
  caller.post(`${clinic.path}/imports/${id}/decision`, body);

async function approved(...sent: Parameters<typeof sendTable>): Promise<ImportBody> {
  const applied = await imported(...sent);
  expect(applied, JSON.stringify(applied.faults)).toMatchObject({ status: 'applied' });
  return (await decide(applied.id).expect(200)).body;
}

async function countOf(type: string): Promise<number> {
  const { rows } = await database.query<{ count: number }>(
    'select count(*)::int as count from record where organization_id = $1 and type = $2',
    [clinic.organizationId, type],
  );
  return rows[0]?.count ?? 0;
}

async function exported(type: string, query = ''): Promise<Buffer> {
  const answer = await send(
    world.url,
    officer,
    'GET',
    `${clinic.path}/exports/records?type=${encodeURIComponent(type)}${query}`,
  );
  expect(answer.status, answer.bytes.toString()).toBe(200);
  return answer.bytes;
}

async function tableOf(bytes: Buffer): Promise<Record<string, Cell>[]> {
  const isWorkbook = bytes.subarray(0, 2).toString() === 'PK';
  const { columns, rows } = isWorkbook ? await readXlsx(bytes) : await readCsv(Readable.from([bytes]));
  const found: Record<string, Cell>[] = [];
  for await (const { cells } of rows)
    found.push(Object.fromEntries(columns.map((name, at) => [name, cells[at] ?? null])));
  return found;
}

async function workbook(columns: string[], rows: Cell[][]): Promise<Buffer> {
  const noted = columns.map((name) => ({ name, note: '' }));
  const chunks: Buffer[] = [];
  const stream = xlsxOf(noted, Readable.from([rows]), new Date(0));
  for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const trainings = (count: number, course: string, bad: readonly number[] = []): string =>
  `person,course,completedOn,result\n${Array.from(
    { length: count },
    (_, at) => `Person ${at},${course},${bad.includes(at) ? '2026-13-01' : '2026-01-20'},passed\n`,
  ).join('')}`;

describe('an import', () => {
  it('of trainings becomes records that another person approves, all at one instant?', async () => {
    const applied = await imported(trainings(50, 'Awareness'), 'training_record');
    expect(applied).toMatchObject({
      status: 'applied',
      rows: 50,
      created: 50,
      changed: 0,
      unchanged: 0,
      faultCount: 0,
    });
    const inEffect = async (): Promise<{ systemIds: string[]; effectiveFrom: string; title: string }[]> =>
      (await officer.get(`${clinic.path}/records?type=training_record&asOf=2026-06-01T00:00:00Z&limit=100`).expect(200))
        .body.items;
    expect(await inEffect()).toEqual([]);
    const { body: waiting } = await officer.get(`${clinic.path}/imports?status=applied`).expect(200);
    expect(waiting.items.map(({ id }: { id: string }) => id)).toContain(applied.id);

    const { body: decided } = await decide(applied.id).expect(200);
    expect(decided).toMatchObject({ status: 'approved', decidedCount: 50 });
    const found = await inEffect();
    expect(found).toHaveLength(50);
    // Without a column of its own it is so from the day on from which its age counts.
    expect(new Set(found.map(({ effectiveFrom }) => effectiveFrom))).toEqual(new Set(['2026-01-20T00:00:00.000Z']));
    const { rows } = await database.query(
      'select distinct known_from from record_interval where organization_id = $1 and type = $2',
      [clinic.organizationId, 'training_record'],
    );
    expect(rows).toHaveLength(1);
    const { body: became } = await officer.get(`${clinic.path}/imports/${applied.id}/rows?limit=2`).expect(200);
    expect(became.items).toMatchObject([
      { number: 2, outcome: 'created', version: 1 },
      { number: 3, outcome: 'created', version: 1 },
    ]);
    const { body: moves } = await officer.get(`${clinic.path}/records/${became.items[0].recordId}/moves`).expect(200);
    expect(moves.items.map(({ move, by }: { move: string; by: string }) => [move, by === ownerId])).toEqual([
      ['create', true],
      ['submit', true],
      ['approve', false],
    ]);
    const { body: events } = await clinic.admin.get(`${clinic.path}/audit-events?limit=500`).expect(200);
    const actions = events.items.map(({ action }: { action: string }) => action);
    expect(actions).toEqual(expect.arrayContaining(['import.received', 'import.applied', 'import.approved']));
    expect(actions.filter((action: string) => action === 'record.approved')).toHaveLength(50);
  });

  it('of what was exported changes nothing, as CSV and as XLSX?', async () => {
    for (const [format, mediaType] of [
      ['csv', 'text/csv'],
      ['xlsx', XLSX_TYPE],
    ] as const) {
      const bytes = await exported('training_record', `&format=${format}`);
      expect(await tableOf(bytes)).toHaveLength(50);
      const again = await imported(bytes, 'training_record', { mediaType });
      expect(again, JSON.stringify(again.faults)).toMatchObject({
        status: 'applied',
        rows: 50,
        unchanged: 50,
        created: 0,
      });
      expect((await decide(again.id).expect(200)).body).toMatchObject({ status: 'approved', decidedCount: 0 });
    }
    expect(await countOf('training_record')).toBe(50);
  });

  it('with one bad row is refused, says which, and leaves nothing?', async () => {
    const refused = await imported(trainings(1_200, 'Phishing', [700]), 'training_record');
    expect(refused).toMatchObject({ status: 'refused', rows: 1_200, faultCount: 1 });
    expect(refused.faults).toEqual([{ row: 702, column: 'completedOn', detail: 'It is not a day, as 2026-11-26.' }]);
    expect(await countOf('training_record')).toBe(50);
    const { rows } = await database.query('select 1 from import_row where import_id = $1', [refused.id]);
    expect(rows).toEqual([]);
    await decide(refused.id).expect(409);
  });

  it('that is dry says what each row would become, and writes none?', async () => {
    const before = await tableOf(await exported('training_record'));
    const table = `person,course,completedOn,result\n${String(before[0]?.person)},Awareness,2026-01-20,passed\nSomebody new,Awareness,2026-01-20,passed\n`;
    const checked = await imported(table, 'training_record', { query: '&dryRun=true' });
    expect(checked).toMatchObject({ status: 'checked', dryRun: true, rows: 2, created: 1, unchanged: 1 });
    const { body } = await officer.get(`${clinic.path}/imports/${checked.id}/rows`).expect(200);
    expect(body.items).toEqual([
      { number: 2, outcome: 'unchanged', recordId: before[0]?.id, version: 1 },
      { number: 3, outcome: 'created', recordId: null, version: null },
    ]);
    expect(await countOf('training_record')).toBe(50);
    await decide(checked.id).expect(409);
    const refused = await imported(trainings(3, 'Dry', [1]), 'training_record', { query: '&dryRun=true' });
    expect(refused).toMatchObject({ status: 'refused', faultCount: 1 });
  });

  it('that lacks a column which the type asks for is told so, in plain words?', async () => {
    const refused = await imported('person,course,completedOn\nSomebody new,Awareness,2026-01-20\n', 'training_record');
    expect(refused.faults).toEqual([{ row: 2, column: 'result', detail: 'It is missing.' }]);
  });

  it('of the same bytes is the same import while it stands, and another after it was refused?', async () => {
    const table = trainings(3, 'Twice');
    const first = await imported(table, 'training_record');
    const again = await sendTable(table, 'training_record');
    expect([again.status, again.body.id]).toEqual([200, first.id]);
    await decide(first.id).expect(200);
    const later = await sendTable(table, 'training_record');
    expect([later.status, later.body]).toMatchObject([200, { id: first.id, status: 'approved' }]);
    const bad = trainings(3, 'Bad', [0]);
    const refused = await imported(bad, 'training_record');
    const anew = await imported(bad, 'training_record');
    expect([refused.status, anew.status, refused.id === anew.id]).toEqual(['refused', 'refused', false]);
  });

  it('is decided on by nobody who sent it, in whatever role, and once?', async () => {
    const { id } = await imported(trainings(2, 'Own'), 'training_record');
    await decide(id, { decision: 'approve' }, officer).expect(403);
    const member = `${clinic.path}/members/${ownerId}`;
    const role = async (as: string): Promise<void> => {
      const { headers } = await clinic.admin.get(member).expect(200);
      await clinic.admin
        .patch(member, { role: as })
        .set('If-Match', headers.etag ?? '')
        .expect(200);
    };
    await role('approver');
    const { body } = await decide(id, { decision: 'approve' }, officer).expect(403);
    await role('compliance_officer');
    expect(body.type).toBe('/problems/own-approval');
    const both = await Promise.all([decide(id), decide(id)]);
    expect(both.map(({ status }) => status).sort()).toEqual([200, 409]);
  });

  it('that is rejected leaves no version that waits, and frees its keys?', async () => {
    const table = 'name,effectiveFrom\nNorth Lab,2026-01-01\n';
    const { id } = await imported(table, 'org/supplier');
    const { body } = await decide(id, { decision: 'reject', reason: 'Not ours' }).expect(200);
    expect(body).toMatchObject({ status: 'rejected', decidedCount: 1, reason: 'Not ours' });
    const { body: rows } = await officer.get(`${clinic.path}/imports/${id}/rows`).expect(200);
    const { body: record } = await officer.get(`${clinic.path}/records/${rows.items[0].recordId}`).expect(200);
    expect(record.state).toBe('withdrawn');
    const again = await approved(table, 'org/supplier');
    expect(again).toMatchObject({ status: 'approved', created: 1 });
  });
});

describe('a row', () => {
  it('of a known key is the next version of its record, and keeps what it does not say?', async () => {
    await approved('name,ephi,effectiveFrom,title\nEast Lab,true,2026-01-01,The lab in the east\n', 'org/supplier');
    const changed = await imported('Name,Has ePHI,effectiveFrom\nEast Lab,false,2026-03-01\n', 'org/supplier');
    expect(changed, JSON.stringify(changed.faults)).toMatchObject({ status: 'applied', changed: 1, created: 0 });
    const open = await imported('name,ephi,effectiveFrom\nEast Lab,true,2026-04-01\n', 'org/supplier');
    expect(open.faults).toEqual([
      { row: 2, column: 'id', detail: 'A version of this record is open (submitted): finish or abandon it first.' },
    ]);
    // What waits already is not another version.
    const same = await imported('ephi,name,effectiveFrom\nfalse,East Lab,2026-03-01\n', 'org/supplier');
    expect(same).toMatchObject({ status: 'applied', unchanged: 1 });
    await decide(changed.id).expect(200);
    const [row] = (await tableOf(await exported('org/supplier', '&asOf=2026-03-02T00:00:00Z'))).filter(
      ({ name }) => name === 'East Lab',
    );
    expect(row).toMatchObject({
      version: '2',
      title: 'The lab in the east',
      ephi: 'false',
      effectiveFrom: '2026-03-01',
    });
  });

  it('of a version that was gone on from is refused?', async () => {
    await approved('name,effectiveFrom\nWest Lab,2026-01-01\n', 'org/supplier');
    const bytes = (await exported('org/supplier')).toString();
    await approved('name,ephi,effectiveFrom\nWest Lab,true,2026-02-01\n', 'org/supplier');
    const stale = await imported(bytes, 'org/supplier');
    expect(stale.faults).toEqual([
      {
        row: expect.any(Number),
        column: 'version',
        detail: 'The record has gone on: its version is 2. Export it again.',
      },
    ]);
  });

  it('that names the same record as another is refused?', async () => {
    const refused = await imported('name,effectiveFrom\nTwin,2026-01-01\nTwin ,2026-02-01\n', 'org/supplier');
    expect(refused.faults).toEqual([{ row: 3, column: null, detail: 'Row 2 is of the same record.' }]);
  });

  it('of a record from before its type had a key gives it that key, unless another has it?', async () => {
    const names = ['Before keys', 'Also before keys'];
    await approved(`name,effectiveFrom\n${names.join(',2026-01-01\n')},2026-01-01\n`, 'org/supplier');
    const { rows } = await database.query<{ id: string; name: string }>(
      `select id, natural_key as name from record where organization_id = $1 and natural_key = any ($2)`,
      [clinic.organizationId, names],
    );
    const ids = names.map((name) => rows.find((row) => row.name === name)!.id);
    await database.query('begin');
    for (const [table, column] of [
      ['record', 'id'],
      ['record_version', 'record_id'],
    ]) {
      await database.query(`alter table ${table} disable trigger user`);
      await database.query(`update ${table} set natural_key = '' where ${column} = any ($1)`, [ids]);
      await database.query(`alter table ${table} enable trigger user`);
    }
    await database.query('commit');
    const changed = (...keys: string[]) =>
      `id,name,effectiveFrom\n${keys.map((key, at) => `${ids[at]},${key},2026-02-01\n`).join('')}`;
    const kept = `name,effectiveFrom\nHas it,2026-01-01\n`;
    await approved(kept, 'org/supplier');
    for (const [table, row] of [
      [changed('Has it'), 2],
      [changed('The same', 'The same'), 3],
    ] as const) {
      expect(await imported(table, 'org/supplier')).toMatchObject({
        status: 'refused',
        faults: [{ row, column: row === 2 ? 'name' : null }],
      });
    }
    await approved(changed(...names), 'org/supplier');
    await world.app.get(ReconciliationService, { strict: false }).examine(programOf(clinic));
    const { body } = await officer.get(`${clinic.path}/log/altered-rows`).expect(200);
    expect(body.items).toEqual([]);
    // By its key it is known from now on.
    expect(await imported(`name,effectiveFrom\n${names[0]},2026-03-01\n`, 'org/supplier')).toMatchObject({
      created: 0,
      changed: 1,
    });
  });

  it('keeps a formula as the text that it is, and gives it out disarmed?', async () => {
    await approved(`name,effectiveFrom\n"=HYPERLINK(""http://x"")",2026-01-01\n`, 'org/supplier');
    const { body } = await officer
      .get(
        `${clinic.path}/records?type=${encodeURIComponent('org/supplier')}&key=${encodeURIComponent('=HYPERLINK("http://x")')}`,
      )
      .expect(200);
    expect(body.items).toHaveLength(1);
    expect((await exported('org/supplier')).toString()).toContain(`"'=HYPERLINK(""http://x"")"`);
    const bytes = await workbook(['name', 'effectiveFrom'], [['=1+1', '2026-01-01']]);
    expect(await imported(bytes, 'org/supplier', { mediaType: XLSX_TYPE })).toMatchObject({
      status: 'applied',
      created: 1,
    });
  });

  it('holds instants to their zone, and keeps them in UTC?', async () => {
    await approved(`scope,systems,effectiveFrom\nemr,emr-production,2026-01-01\n`, 'org/target');
    const head = 'target,startedAt,completedAt,result,systems,effectiveFrom\n';
    const without = await imported(
      `${head}emr,2026-01-01T10:00:00,2026-01-01T11:00:00Z,passed,emr-production,2026-01-01\n`,
      'org/restore',
    );
    expect(without.faults).toMatchObject([
      { row: 2, column: 'startedAt', detail: expect.stringMatching(/with its zone/) },
    ]);
    const backwards = await imported(
      `${head}emr,2026-01-01T10:00:00Z,2026-01-01T11:00:00+02:00,passed,emr-production,2026-01-01\n`,
      'org/restore',
    );
    expect(backwards.faults).toMatchObject([{ row: 2, column: 'completedAt', detail: 'It lies before startedAt.' }]);
    const drafts = await imported(
      `${head}emr,2026-01-01T12:00:00+02:00,2026-01-01T11:00:00Z,passed,emr-production,2026-01-01T08:00:00+01:00\n`,
      'org/restore',
    );
    // A restore is documented: it waits as a draft for its log.
    expect(drafts, JSON.stringify(drafts.faults)).toMatchObject({ status: 'applied', drafts: 1, created: 0 });
    const { body: rows } = await officer.get(`${clinic.path}/imports/${drafts.id}/rows?outcome=draft`).expect(200);
    const { body } = await officer.get(`${clinic.path}/records/${rows.items[0].recordId}`).expect(200);
    expect(body).toMatchObject({
      state: 'draft',
      effectiveFrom: '2026-01-01T07:00:00.000Z',
      systemIds: [clinic.systemId],
      fields: { startedAt: '2026-01-01T10:00:00.000Z', result: 'passed' },
    });
    await decide(drafts.id).expect(200);
    expect((await officer.get(`${clinic.path}/records/${rows.items[0].recordId}`).expect(200)).body.state).toBe(
      'draft',
    );
  });

  it('takes days of a spreadsheet as days, and refuses what names nobody?', async () => {
    const columns = ['name', 'effectiveFrom', 'owner', 'systems'];
    const day = new Date('2026-05-01T00:00:00Z');
    const bytes = await workbook(columns, [['South Lab', day, 'compliance_officer', null]]);
    expect(await approved(bytes, 'org/supplier', { mediaType: XLSX_TYPE })).toMatchObject({ created: 1 });
    const refused = await imported(
      await workbook([...columns, 'colour'], [['X', day, 'Nobody', 'nowhere', 'red']]),
      'org/supplier',
      { mediaType: XLSX_TYPE },
    );
    expect(refused.faults).toMatchObject([{ row: 1, column: 'colour' }]);
    const nobody = await imported(await workbook(columns, [['X', day, 'Nobody', 'nowhere']]), 'org/supplier', {
      mediaType: XLSX_TYPE,
    });
    expect(nobody.faults.map(({ row, column }) => [row, column])).toEqual([
      [2, 'owner'],
      [2, 'systems'],
    ]);
  });
});

describe('rules of a type', () => {
  const vendor = (rows: string): string => `name,role,ephi,services,parent,effectiveFrom\n${rows}`;

  it('hold vendors of one table against each other: a cycle is refused whole, when it is decided on?', async () => {
    await approved(
      vendor(['Aa', 'Bb', 'Cc'].map((name) => `${name},business_associate,true,Hosting,,2026-01-01\n`).join('')),
      'vendor',
    );
    const cycle = await imported(
      vendor(
        'Aa,subcontractor,true,Hosting,Bb,2026-02-01\nBb,subcontractor,true,Hosting,Cc,2026-02-01\nCc,subcontractor,true,Hosting,Aa,2026-02-01\n',
      ),
      'vendor',
    );
    expect(cycle, JSON.stringify(cycle.faults)).toMatchObject({ status: 'applied', changed: 3 });
    const { body } = await decide(cycle.id).expect(422);
    expect(body.type).toBe('/problems/record-refused');
    const { body: still } = await officer.get(`${clinic.path}/imports/${cycle.id}`).expect(200);
    expect(still.status).toBe('applied');
    const rows = await tableOf(await exported('vendor', '&asOf=2026-03-01T00:00:00Z'));
    expect(rows.map(({ name, role }) => [name, role])).toEqual(
      expect.arrayContaining(['Aa', 'Bb', 'Cc'].map((name) => [name, 'business_associate'])),
    );
    await decide(cycle.id, { decision: 'reject', reason: 'A cycle' }).expect(200);
  });

  it('let agreements be brought by the name of their vendor, and wait for their paper?', async () => {
    const table =
      'vendor,signedOn,endsOn,renewal,incidentNoticeHours,returnOrDestroy,terms,effectiveFrom\n' +
      'Aa,2026-01-01,2026-12-31,none,24,destroy,"[{""term"":""314A"",""clause"":""§ 1""}]",2026-01-01\n';
    const drafts = await imported(table, 'baa');
    expect(drafts, JSON.stringify(drafts.faults)).toMatchObject({ status: 'applied', drafts: 1 });
    const { body: rows } = await officer.get(`${clinic.path}/imports/${drafts.id}/rows`).expect(200);
    const { body } = await officer.get(`${clinic.path}/records/${rows.items[0].recordId}`).expect(200);
    expect(body.fields).toMatchObject({ terms: [{ term: '314A', clause: '§ 1' }], incidentNoticeHours: 24 });
  });
});

describe('a table that cannot be read', () => {
  // Together: most of the time of each is the wait for its turn.
  it.concurrent.each<[string, string | Buffer, string, RegExp]>([
    ['is empty', '', 'text/csv', /empty/],
    ['has no rows', 'person,course,completedOn,result\n', 'text/csv', /no row/],
    ['has no field', 'title,owner\nx,y\n', 'text/csv', /No column is a field/],
    ['names a column twice', 'person,Person,course\na,b,c\n', 'text/csv', /same field/],
    ['is no workbook', 'PK', XLSX_TYPE, /does not read as XLSX/],
    ['is not closed', 'person,course\n"a,b\n', 'text/csv', /CSV|quotation/],
    ['is of another code page', Buffer.from([0x61, 0x0a, 0xf8, 0x0a]), 'text/csv', /UTF-8/],
  ])('%s: is refused and says so?', async (_, table, mediaType, detail) => {
    const refused = await imported(table, 'training_record', { mediaType });
    expect(refused.status).toBe('refused');
    expect(refused.faults[0]?.detail).toMatch(detail);
    expect(refused.faults[0]?.row).toBe(1);
  });

  it('is not taken where its type, its media type or its digest is wrong?', async () => {
    expect((await sendTable('a\n', 'no_such_type')).status).toBe(422);
    expect((await sendTable('a\n', 'training_record', { mediaType: 'application/json' })).status).toBe(415);
    const headers = { 'Content-Type': 'text/csv', 'Content-Digest': `sha-256=:${'A'.repeat(43)}=:` };
    const path = `${clinic.path}/imports?type=training_record`;
    expect((await send(world.url, officer, 'POST', path, { headers, body: 'a\n' })).status).toBe(400);
    const without = { 'Content-Type': 'text/csv' };
    expect((await send(world.url, officer, 'POST', path, { headers: without, body: 'a\n' })).status).toBe(400);
  });
});

describe('whoever may not', () => {
  it('sees, sends and decides on nothing?', async () => {
    const { body } = await officer.get(`${clinic.path}/imports?limit=1`).expect(200);
    const { id } = body.items[0];
    const viewer = await clinic.member('viewer');
    const table = trainings(1, 'No');
    expect((await sendTable(table, 'training_record', { caller: viewer })).status).toBe(403);
    expect((await sendTable(table, 'training_record', { caller: clinic.agent })).status).toBe(403);
    await viewer.get(`${clinic.path}/imports/${id}`).expect(403);
    await clinic.agent.get(`${clinic.path}/exports/records?type=vendor`).expect(403);
    const other = await startClinic(world, { admin: 'other-admin', agent: 'other-agent' });
    await other.admin
      .post(`${other.path}/members`, {
        issuer: world.provider.issuer,
        subject: 'dev-auditor',
        name: 'x',
        role: 'auditor',
      })
      .expect(201);
    const stranger = await world.as('dev-auditor');
    await stranger.get(`${other.path}/imports/${id}`).expect(404);
    await stranger.get(`${other.path}/imports/${id}/rows`).expect(404);
    const { bytes } = await send(world.url, stranger, 'GET', `${other.path}/exports/records?type=vendor`);
    expect(await tableOf(bytes)).toEqual([]);
  });
});

describe('a long table', () => {
  // Pages of every statement that there is, and not a whole number of them. Tried with 100,000 too.
  const MANY = Number(process.env['SAFEGUARD_TEST_ROWS'] ?? 4_100);

  it('with three bad rows is refused with three faults, and nothing is written; without them it is applied and approved?', async () => {
    const before = await countOf('training_record');
    const bad = [7, MANY / 2, MANY - 1];
    const sent = await sendTable(trainings(MANY, 'Everybody', bad), 'training_record');
    expect(sent.status).toBe(202);
    const refused = await finished(sent.body.id, 240);
    expect(refused).toMatchObject({ status: 'refused', rows: MANY, faultCount: 3 });
    expect(refused.faults.map(({ row }) => row)).toEqual(bad.map((at) => at + 2));
    expect(await countOf('training_record')).toBe(before);

    const good = await sendTable(trainings(MANY, 'Everybody'), 'training_record');
    const applied = await finished(good.body.id, 240);
    expect(applied, JSON.stringify(applied.faults)).toMatchObject({ status: 'applied', created: MANY });
    // One transaction: how long it took of the database's own clock.
    const { rows } = await database.query<{ seconds: number }>(
      `select extract(epoch from finished_at - requested_at)::float as seconds from import where id = $1`,
      [applied.id],
    );
    console.info(`${MANY} rows: ${rows[0]?.seconds.toFixed(1)} s`);
    const started = performance.now();
    expect((await decide(applied.id).expect(200)).body).toMatchObject({ status: 'approved', decidedCount: MANY });
    console.info(`${MANY} approvals: ${((performance.now() - started) / 1000).toFixed(1)} s`);
    expect(await countOf('training_record')).toBe(before + MANY);
  }, 900_000);
});
