import { parse } from 'csv-parse/sync';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ROLE_PERMISSIONS } from '../../src/auth/roles.js';
import type { Operation } from '../../src/kernel/http/endpoint.js';
import { Operations } from '../../src/kernel/http/operations.js';
import { columnsOf, isTabled } from '../../src/kernel/http/table.js';
import { ROLES, type Role } from '../../src/kernel/principal.js';
import { readXlsx } from '../../src/kernel/tables/xlsx-read.js';
import { XLSX_TYPE } from '../../src/kernel/tables/xlsx-write.js';
import { ReconciliationService } from '../../src/reconciliation/reconciliation.service.js';
import { startApp, startClinic, type Caller, type Clinic, type World } from '../support/app.js';
import { startAudited, type Audited } from '../support/engaged.js';
import { holdFact } from '../support/held.js';
import { Keeper } from '../support/keep.js';
import { digestOf, holdingsOf, nothing, type Holdings } from '../support/holdings.js';
import { programOf } from '../support/log.js';
import { requestOf } from '../support/requests.js';
import { Superuser } from '../support/tampering.js';
import { send } from './reports.js';

let world: World;
let clinic: Clinic;
let foreign: Clinic;
let held: Holdings;
let callers: Record<Role, Caller>;
let stranger: Caller;
let admin: pg.Client;
let tabled: Operation[];

/** What a spreadsheet would take for formulas, or drop and then take for one. */
const HOSTILE = ['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1', ' =1', "'=1"];

beforeAll(async () => {
  world = await startApp({ environment: { WEBHOOK_PRIVATE_HOSTS: '127.0.0.1' } });
  admin = new pg.Client({ connectionString: world.database.urls.admin });
  await admin.connect();
  clinic = await startClinic(world);
  foreign = await startClinic(world, { admin: 'other-admin', agent: 'other-agent' });
  held = await holdingsOf(world, admin, clinic, {
    officer: 'tables-officer',
    approver: 'tables-approver',
    auditor: 'tables-engaged',
    name: 'of the first',
  });
  for (const subject of HOSTILE) {
    const value = { provider: subject, ready: true, reason: null };
    await holdFact(admin, clinic, { kind: 'secret-store', subject, value });
  }
  await alterRow();
  const officer = await world.as('tables-officer');
  await keepMore(officer);
  callers = {
    admin: clinic.admin,
    compliance_officer: officer,
    approver: await world.as('tables-approver'),
    auditor: await clinic.member('auditor'),
    viewer: await clinic.member('viewer'),
    agent: clinic.agent,
    engaged_auditor: await world.as('tables-engaged'),
  };
  stranger = await foreign.member('compliance_officer');
  tabled = world.app.get(Operations, { strict: false }).all().filter(isTabled);
});
afterAll(async () => {
  await admin.end();
  await world.stop();
});

/** Somebody with all rights on the database edits a row, and the service finds it. */
async function alterRow(): Promise<void> {
  const edit = `update webhook set url = url || '/other' where organization_id = '${clinic.organizationId}'`;
  await new Superuser(admin).unguarded('webhook', edit);
  await world.app.get(ReconciliationService, { strict: false }).examine(programOf(clinic));
}

/** A backup and two objectives, the rows of a table that is no list; and a rotation. */
async function keepMore(officer: Caller): Promise<void> {
  const backup = {
    apiVersion: 'velero.io/v1',
    kind: 'Backup',
    metadata: { name: 'emr', namespace: 'velero' },
    spec: { includedNamespaces: ['emr', 'images'], storageLocation: 'default' },
    status: {
      phase: 'Completed',
      startTimestamp: '2026-02-10T01:00:00Z',
      completionTimestamp: '2026-02-10T01:20:00Z',
    },
  };
  const { status } = await send(
    world.url,
    clinic.agent,
    'POST',
    `${clinic.systemPath}/scans?observedAt=2026-02-10T02:00:00Z&targets=cluster/cluster`,
    { body: JSON.stringify({ apiVersion: 'v1', kind: 'List', items: [backup] }) },
  );
  expect(status).toBe(201);
  const keeper = await Keeper.of(clinic, officer, await world.as('tables-approver'));
  for (const scope of ['emr', 'images']) {
    await keeper.keep({
      type: 'recovery_objective',
      title: scope,
      systemIds: [clinic.systemId],
      fields: { scope, namespaces: [scope], criticality: 'critical', rtoMinutes: 240, rpoMinutes: 1500 },
    });
  }
  await keeper.keep({
    type: 'key_rotation_event',
    systemIds: [clinic.systemId],
    fields: {
      key: held.keyId,
      toVersion: '2',
      requestedBy: 'M. Alvarez',
      performedBy: 'T. Nguyen',
      performedAt: '2026-02-01T00:00:00Z',
      reason: 'scheduled',
      reencryption: 'not_needed',
    },
  });
}

const isEngaged = ({ path }: Operation): boolean => path.includes('/:engagementId');

/** Whoever may ask. */
function callerOf(operation: Operation): Caller {
  const role = [...ROLES]
    .sort((one, other) => Number(other === 'engaged_auditor') - Number(one === 'engaged_auditor'))
    .find(
      (one) =>
        (one !== 'engaged_auditor' || isEngaged(operation)) &&
        (operation.permission === 'authenticated' ||
          (ROLE_PERMISSIONS[one] as readonly string[]).includes(operation.permission)),
    );
  return callers[role!];
}

/** A period that does not move on from one question to the next. */
const PERIOD = 'from=2026-02-01T00:00:00Z&to=2026-03-01T00:00:00Z';

function pathOf(operation: Operation, of = held): string {
  const { path } = requestOf(operation, of, world.provider.issuer);
  return ['getRecovery', 'listBackups'].includes(operation.id) ? withQuery(path, PERIOD) : path;
}

const withQuery = (path: string, query: string): string => `${path}${path.includes('?') ? '&' : '?'}${query}`;

interface Listed {
  items?: object[];
  next?: string | null;
}

/** All pages as JSON: their items, or the one answer that is no list. */
async function allOf(operation: Operation, caller: Caller): Promise<object[]> {
  const found: object[] = [];
  const path = pathOf(operation);
  for (let cursor: string | null = null; ;) {
    const asked: string = cursor === null ? path : withQuery(path, `cursor=${encodeURIComponent(cursor)}`);
    const { status, body }: { status: number; body: Listed } = await send<Listed>(world.url, caller, 'GET', asked);
    expect(status, `${operation.id} ${JSON.stringify(body)}`).toBe(200);
    found.push(...(body.items ?? [body]));
    if (typeof body.next !== 'string') return found;
    cursor = body.next;
  }
}

/** The rows that a table of these should have, as a person would write them out. */
function written(items: readonly object[], { layout }: Operation, columns: readonly string[]): string[][] {
  const rows = items.flatMap((item): unknown[] => {
    const entries = layout === undefined ? undefined : (item as Record<string, unknown[]>)[layout.each];
    if (layout === undefined || entries === undefined) return [item];
    return (entries.length === 0 ? [null] : entries).map((entry) => ({ ...item, [layout.each]: entry }));
  });
  return rows.map((row) => columns.map((column) => textOf(column.split('.').reduce(member, row))));
}

const member = (value: unknown, name: string): unknown =>
  Array.isArray(value)
    ? value.map((entry) => member(entry, name))
    : ((value as Record<string, unknown> | null | undefined)?.[name] ?? null);

function textOf(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'string') return value;
  if (!Array.isArray(value)) return JSON.stringify(value);
  if (value.every((entry) => entry === null)) return '';
  const isPlain = value.every(
    (entry) =>
      entry !== null &&
      typeof entry !== 'object' &&
      /^[^;]+$/.test(String(entry)) &&
      String(entry).trim() === String(entry),
  );
  return isPlain && !String(value[0]).startsWith('[') ? value.map(String).join('; ') : JSON.stringify(value);
}

const disarmed = (text: string): string => (/^'*\s*[=+\-@]/.test(text) || /^'*[\t\r\n]/.test(text) ? `'${text}` : text);

async function csvAt(caller: Caller, path: string): Promise<string[][]> {
  const { status, headers, bytes } = await send(world.url, caller, 'GET', withQuery(path, 'table=csv'));
  expect(status, bytes.toString()).toBe(200);
  expect(headers['content-type']).toBe('text/csv; charset=utf-8; header=present');
  expect(headers['content-disposition']).toMatch(/^attachment; filename="[a-z-]+\.csv"$/);
  expect(headers['cache-control']).toBe('private, no-store');
  return parse(bytes, { bom: true, record_delimiter: '\r\n' });
}

async function xlsxAt(caller: Caller, path: string): Promise<string[][]> {
  const { status, headers, bytes } = await send(world.url, caller, 'GET', withQuery(path, 'table=xlsx'));
  expect([status, headers['content-type']]).toEqual([200, XLSX_TYPE]);
  const { columns, rows } = await readXlsx(bytes);
  const cells: string[][] = [columns];
  for await (const row of rows) cells.push(row.cells.map(textOf));
  return cells;
}

describe('a list', () => {
  it('of any kind that is paged is a table too', () => {
    const paged = world.app
      .get(Operations, { strict: false })
      .all()
      .filter(({ query }) => query?.shape['cursor'] !== undefined);
    expect(paged.filter((operation) => !isTabled(operation))).toEqual([]);
    expect(tabled.map(({ id }) => id)).toEqual(
      expect.arrayContaining([
        ...['listKeys', 'getKeyHistory', 'listAgreements', 'listWork', 'listBackups', 'getRecovery', 'listNotices'],
        ...['listSystemPostures', 'getOrganizationPosture', 'getSystemPosture', 'listRetention', 'listScans'],
        ...['listEngagementResults', 'listEvidenceRequests', 'listControls', 'listPractices', 'listAuditEvents'],
      ]),
    );
  });

  it('has columns, each of a name of its own', () => {
    for (const operation of tabled) {
      const names = columnsOf(operation).map(({ name }) => name);
      expect(names, operation.id).not.toEqual([]);
      expect(new Set(names).size, operation.id).toBe(names.length);
    }
  });

  it('says as CSV and as XLSX what it says as JSON', async () => {
    const filledOnes: string[] = [];
    for (const operation of tabled) {
      const caller = callerOf(operation);
      // The log and the queue go on meanwhile.
      await vi.waitFor(
        async () => {
          const items = await allOf(operation, caller);
          const [head = [], ...rows] = await csvAt(caller, pathOf(operation));
          const sheet = await xlsxAt(caller, pathOf(operation));
          const expected = written(items, operation, head);
          expect(rows.map(unmoved), operation.id).toEqual(expected.map((row) => unmoved(row.map(disarmed))));
          expect(sheet[0], operation.id).toEqual(head);
          expect(sheet.slice(1).map(unmoved), operation.id).toEqual(expected.map(unmoved));
          if (rows.length > 0) filledOnes.push(operation.id);
        },
        { timeout: 20_000, interval: 200 },
      );
    }
    // What a table is worth is tried with rows.
    expect(tabled.map(({ id }) => id).filter((id) => !filledOnes.includes(id))).toEqual([]);
  }, 240_000);

  it('longer than what is read at once is whole', async () => {
    const rows = 4_100;
    const table = `person,course,completedOn,result\n${Array.from(
      { length: rows },
      (_, at) => `Person ${at},Awareness,2026-01-20,passed`,
    ).join('\n')}\n`;
    const officer = callers.compliance_officer;
    const { body } = await send<{ id: string }>(
      world.url,
      officer,
      'POST',
      `${clinic.path}/imports?type=training_record&dryRun=true`,
      { headers: { 'Content-Type': 'text/csv', 'Content-Digest': digestOf(table) }, body: table },
    );
    const path = `${clinic.path}/imports/${body.id}`;
    await vi.waitUntil(async () => (await officer.get(path).expect(200)).body.status === 'checked', {
      timeout: 60_000,
      interval: 200,
    });
    const [head = [], ...read] = await csvAt(officer, `${path}/rows`);
    const at = head.indexOf('number');
    expect(read.map((row) => Number(row[at]))).toEqual(Array.from({ length: rows }, (_, index) => index + 2));
  }, 120_000);

  it('has no cell that a spreadsheet would calculate', async () => {
    const path = `${clinic.systemPath}/facts?kind=secret-store`;
    const [head = [], ...rows] = await csvAt(callers.compliance_officer, path);
    const subjects = rows.map((row) => row[head.indexOf('subject')] ?? '');
    expect(subjects).toEqual(expect.arrayContaining(HOSTILE.map((text) => `'${text}`)));
    for (const cell of rows.flat()) expect(cell).not.toMatch(/^(?:\s*[=+@]|\s*-\D|[\t\r\n])/);
  });

  it('is filtered as the list is', async () => {
    const path = `${clinic.path}/keys?state=unrecorded`;
    expect(await csvAt(callers.compliance_officer, path)).toHaveLength(1);
  });

  it.each(['limit=10', 'cursor=WzFd'])('has no page: %s is refused', async (paging) => {
    const { status, body } = await send(
      world.url,
      callers.compliance_officer,
      'GET',
      `${clinic.path}/keys?table=csv&${paging}`,
    );
    expect([status, body['type'], body['pointer']]).toEqual([
      400,
      '/problems/invalid-request',
      `query/${paging.split('=')[0]}`,
    ]);
  });

  it('that is refused is a problem, and no file', async () => {
    const future = await callers.compliance_officer.get(`${clinic.path}/keys?table=xlsx&asOf=2999-01-01T00:00:00Z`);
    expect([future.status, future.headers['content-type'], future.headers['content-disposition']]).toEqual([
      400,
      expect.stringContaining('application/problem+json'),
      undefined,
    ]);
    await callers.compliance_officer.get(`${clinic.path}/keys?table=pdf`).expect(400);
    await callers.agent.get(`${clinic.path}/keys?table=csv`).expect(403);
  });

  it('of another organisation is not there, as that of one that does not exist', async () => {
    for (const operation of tabled.filter(({ path }) => path.includes(':organizationId'))) {
      const said = async (of: Holdings) => {
        const path = withQuery(pathOf(operation, of), 'table=csv');
        const { status, body } = await send(world.url, stranger, 'GET', path);
        return [operation.id, status, body['type'], body['detail']];
      };
      const answer = await said(held);
      expect(answer[1], operation.id).toBe(404);
      expect(answer).toEqual(await said(nothing()));
    }
  });
});

/** The instants of an answer that names none are of its own moment. */
const unmoved = (row: readonly string[]): string[] =>
  row.map((cell) => (/^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(cell) && Date.parse(cell) > Date.now() - 60_000 ? 'now' : cell));

describe('an engaged auditor', () => {
  let audited: Audited;
  beforeAll(async () => {
    audited = await startAudited();
  });
  afterAll(() => audited.stop());

  it('has tables of what the engagement is on, and of nothing else', async () => {
    const { path, auditor } = await audited.engaged();
    const idsAt = async (list: string): Promise<string[]> => {
      const { bytes, status } = await send(audited.world.url, auditor, 'GET', `${path}/${list}?table=csv`);
      expect(status).toBe(200);
      const [head = [], ...rows] = parse(bytes, { bom: true });
      return rows.map((row) => row[head.indexOf('id')] ?? '');
    };
    expect(await idsAt(`systems/${audited.clinic.systemId}/scans`)).toEqual([audited.inside.id]);
    expect(await idsAt('evidence')).toEqual([audited.inside.evidenceId]);
    expect(await idsAt('systems')).toEqual([audited.clinic.systemId]);
    const elsewhere = `${path}/systems/${audited.other.id}/results?table=csv`;
    await auditor.get(elsewhere).expect(404);
    await auditor.get(`${audited.clinic.path}/keys?table=csv`).expect(404);
  });
});
