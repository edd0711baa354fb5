import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';

/** Tables of no tenant, each with the reason. */
const SHARED: Readonly<Record<string, string>> = {
  anchor_copy: 'which head of each log is outside: of the service, by the names of logs',
  anchor_leaf: 'heads of all logs, signed: names, sizes and roots, which the anchor log is made of',
  anchor_pending: 'the same, before they are leaves',
  anchor_tile: 'hashes of the anchor log',
  anchoring: 'heads of the anchor log, as they went out',
  log_fault: 'of which logs no head is signed, by their names',
  log_generation: 'how often all logs were begun anew; of the database, not of an organisation',
  migration: 'which migrations ran; the app may only read it',
  signing_key: 'public keys that the service has signed by, for every organisation; nothing of any',
  signing_key_voucher: 'that they are the service’s, sealed',
  session: 'who is signed in, before any organisation is chosen; found by an unguessable id',
};

/** Indexes that do not lead with the organisation, each with the reason. */
const ACROSS: Readonly<Record<string, string>> = {
  anchor_copy_pk: 'of a shared table',
  anchor_leaf_pk: 'of a shared table',
  anchor_leaf_origin: 'of a shared table',
  anchor_pending_pk: 'of a shared table',
  anchor_tile_pk: 'of a shared table',
  anchoring_pk: 'of a shared table',
  log_fault_pk: 'of a shared table',
  log_generation_pk: 'of a shared table',
  member_self: '«which organisations am I in» is asked before any is chosen; the policy shows the own rows',
  session_pk: 'of a shared table',
  session_expire: 'of a shared table',
  signing_key_pk: 'of a shared table',
  signing_key_voucher_pk: 'of a shared table',
  migration_pk: 'of a shared table',
};

/** What is never changed or deleted by the app, whatever is asked of it. */
const APPEND_ONLY = [
  'audit_detail',
  'audit_erasure',
  'audit_event',
  'audit_leaf',
  'check_version',
  'coverage',
  'engagement_package',
  'event',
  'evidence',
  'evidence_disposal',
  'evidence_export',
  'evidence_finding',
  'evidence_request_move',
  'frozen_posture',
  'import_row',
  'log_checkpoint',
  'log_tile',
  'notice',
  'organization_version',
  'record_document',
  'record_link',
  'record_move',
  'record_type_version',
  'row_finding',
  'sighting',
  'sighting_loss',
  'system_change',
  'system_version',
  'target',
];

/** What was made of other rows, and is made anew when they are others: no evidence. */
const MEMORIES = ['posture_timeline'];

/** Details of an event go where a row says by which decision (test/api/erasure.spec.ts), and a trigger refuses all others. */
const UNTOLD = '23001';

/** What waits in a line, and leaves it. */
const LINES = ['audit_queue'];

let database: TestDatabase;
let admin: pg.Client;
let server: pg.Client;
let tables: string[];
const mine = randomUUID();
const foreign = randomUUID();

beforeAll(async () => {
  database = await createTestDatabase();
  admin = await connected(database.urls.admin);
  server = await connected(database.urls.server);
  const { rows } = await admin.query<{ name: string }>(
    `select relname as name from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') order by 1`,
  );
  tables = rows.map(({ name }) => name).filter((name) => !(name in SHARED));
  // A row of each table in two organisations, by the superuser: no key, check or trigger stands in the way of making them up.
  await admin.query('set session_replication_role = replica');
  for (const organization of [mine, foreign]) {
    for (const table of tables) await admin.query(await insertOf(table, organization));
  }
});
afterAll(async () => {
  await server.end();
  await admin.end();
  await database.drop();
});

async function connected(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  return client;
}

/** A made-up row: what the types ask for, and of the words that checks allow the first. The check of a column's words bears its name; others may name some of them. */
async function insertOf(table: string, organization: string): Promise<string> {
  const { rows } = await admin.query<{ name: string; type: string; words: string | null }>(
    `select a.attname as name, format_type(a.atttypid, null) as type,
            (select (regexp_match(pg_get_constraintdef(c.oid), a.attname || ' = ANY \\(ARRAY\\[''([a-z_]+)'''))[1]
             from pg_constraint c where c.conrelid = a.attrelid and c.contype = 'c' and pg_get_constraintdef(c.oid) ~ (a.attname || ' = ANY')
             order by c.conname = format('%s_%s', c.conrelid::regclass, a.attname) desc limit 1) as words
     from pg_attribute a where a.attrelid = $1::regclass and a.attnum > 0 and not a.attisdropped and a.attnotnull`,
    [`public.${table}`],
  );
  const values: Readonly<Record<string, string>> = {
    uuid: `'${randomUUID()}'`,
    text: `'${randomUUID()}'`,
    jsonb: `'{}'`,
    bytea: `decode(md5('${table}'), 'hex')`,
    boolean: 'true',
    integer: '1',
    bigint: '1',
    'timestamp with time zone': `'2026-01-01T00:00:00Z'`,
    'text[]': `'{}'`,
    'uuid[]': `'{}'`,
  };
  const cells = rows.map(({ name, type, words }) => {
    if (name === 'organization_id') return `'${organization}'`;
    if (words !== null) return `'${words}'`;
    const value = values[type];
    if (value === undefined) throw new Error(`no value for ${table}.${name} ${type}`);
    return value;
  });
  return `insert into ${table} (${rows.map(({ name }) => name).join(', ')}) values (${cells.join(', ')})`;
}

/** Runs as the app within one organisation, and rolls back. */
async function inside<T>(organization: string | null, work: () => Promise<T>): Promise<T> {
  await server.query('begin');
  try {
    await server.query(`select set_config('app.organization_id', $1, true)`, [organization ?? '']);
    return await work();
  } finally {
    await server.query('rollback');
  }
}

const codeOf = async (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'done',
    (error: unknown) => String((error as { code?: unknown }).code),
  );

/** 42501: not granted, or refused by the policy. */
const DENIED = '42501';

describe('does docs/log.md say of each table, once, how an edit of it is found?', () => {
  const source = (path: string): Promise<string> => readFile(new URL(`../../../${path}`, import.meta.url), 'utf8');
  /** By lines of the table: the tables, and by whom an edit of them is found. */
  const said = async (): Promise<[names: string[], by: string][]> => {
    const [, section = ''] = (await source('docs/log.md')).split('### Table by table\n');
    return section
      .split('\n')
      .filter((line) => line.startsWith('| `'))
      .map((line) => {
        const [, names = '', by = ''] = line.split('|');
        return [[...names.matchAll(/`(\w+)`/g)].map(([, name]) => name!), by];
      });
  };

  it('of all that there are', async () => {
    const names = (await said()).flatMap(([these]) => these);
    expect(names.toSorted()).toEqual([...tables, ...Object.keys(SHARED)].sort());
  });

  it('and is it tried, but where nobody finds it?', async () => {
    const found = (await said()).filter(([, by]) => !by.includes('by nobody')).flatMap(([names]) => names);
    const api = [
      'tampering',
      'tampering-rows',
      'tampering-kept',
      'tampering-custody',
      'session',
      'signing-keys',
      'log',
    ];
    const specs = [...api.map((name) => `test/api/${name}.spec.ts`), 'src/audit/anchor/anchor-rows.spec.ts'];
    const tried = (await Promise.all(specs.map(source))).join('\n');
    // As an edit names it: helpers of tampering.ts, rows of a table of edits, and statements.
    const isTried = (name: string) =>
      [
        `\\b(update|remove|insert|rows|unguarded|edit)\\(\\s*'${name}'`,
        `\\[\\s*'${name}',\\s*[\\w(]`,
        `table: '${name}'`,
        `\\b(update|insert into|delete from|alter table) ${name}\\b`,
      ].some((edit) => new RegExp(edit).test(tried));
    expect(found.filter((name) => !isTried(name))).toEqual([]);
  });
});

describe('is every table a tenant’s, or known to be nobody’s?', () => {
  it('the shared tables are there', async () => {
    const { rows } = await admin.query<{ name: string }>(
      `select relname as name from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') order by 1`,
    );
    expect(rows.map(({ name }) => name)).toEqual([...tables, ...Object.keys(SHARED)].sort());
    expect(tables.length).toBeGreaterThanOrEqual(15);
  });

  it('the organisation leads every primary key, and every index', async () => {
    const { rows } = await admin.query<{ name: string; first: string; primary: boolean; table: string }>(
      `select i.relname as name, t.relname as table, x.indisprimary as primary,
              (select attname from pg_attribute where attrelid = t.oid and attnum = x.indkey[0]) as first
       from pg_index x join pg_class i on i.oid = x.indexrelid join pg_class t on t.oid = x.indrelid
       where t.relnamespace = 'public'::regnamespace`,
    );
    for (const table of tables) {
      expect(rows.filter((row) => row.table === table && row.primary).map(({ first }) => first)).toEqual([
        'organization_id',
      ]);
    }
    const across = rows.filter(({ first, table }) => first !== 'organization_id' && table !== 'migration');
    expect(across.map(({ name }) => name).filter((name) => !(name in ACROSS))).toEqual([]);
  });

  it('row-level security is enabled and forced on the owner too, with the tenant policy for reads and writes', async () => {
    const { rows } = await admin.query<{ name: string; enabled: boolean; forced: boolean }>(
      `select relname as name, relrowsecurity as enabled, relforcerowsecurity as forced from pg_class
       where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and relname = any ($1)`,
      [tables],
    );
    expect(rows.filter(({ enabled, forced }) => !enabled || !forced)).toEqual([]);
    const { rows: policies } = await admin.query<{ table: string; name: string; cmd: string; check: string }>(
      `select tablename as table, policyname as name, cmd, coalesce(with_check, '') as check from pg_policies where schemaname = 'public' order by 1, 2`,
    );
    for (const table of tables) {
      expect(policies, table).toContainEqual({
        table,
        name: 'tenant',
        cmd: 'ALL',
        check: '(organization_id = current_organization())',
      });
    }
    // Own rows, for reading, before an organisation is chosen; whose events wait for the log and whose head is not signed; which packages have expired, which snapshots
    // another version of the program has judged, whom somebody is to be told anything, and whose rows are compared.
    expect(policies.filter(({ name }) => name !== 'tenant')).toEqual([
      { table: 'audit_queue', name: 'program', cmd: 'SELECT', check: '' },
      { table: 'log_state', name: 'program', cmd: 'SELECT', check: '' },
      { table: 'log_state', name: 'reconciliation', cmd: 'SELECT', check: '' },
      { table: 'member', name: 'self', cmd: 'SELECT', check: '' },
      { table: 'organization', name: 'program', cmd: 'SELECT', check: '' },
      { table: 'organization', name: 'self', cmd: 'SELECT', check: '' },
      { table: 'package', name: 'program', cmd: 'SELECT', check: '' },
      { table: 'snapshot', name: 'program', cmd: 'SELECT', check: '' },
      { table: 'webhook', name: 'program', cmd: 'SELECT', check: '' },
    ]);
  });
});

describe('is the app’s role held by all of it?', () => {
  it('it is no superuser, bypasses nothing, owns nothing, makes no tables and is in one group', async () => {
    const { rows } = await server.query(
      `select r.rolsuper, r.rolbypassrls, r.rolcreaterole, r.rolcreatedb, r.rolreplication,
              (select count(*)::int from pg_class where pg_has_role(r.oid, relowner, 'member') and relnamespace in ('public'::regnamespace, 'queue'::regnamespace)) as owned,
              (select count(*)::int from pg_proc where pg_has_role(r.oid, proowner, 'member') and pronamespace = 'public'::regnamespace) as routines,
              has_schema_privilege('public', 'create') or has_schema_privilege('queue', 'create') as creates,
              (select array_agg(g.rolname::text) from pg_auth_members m join pg_roles g on g.oid = m.roleid where m.member = r.oid) as groups
       from pg_roles r where r.rolname = current_user`,
    );
    expect(rows).toEqual([
      {
        rolsuper: false,
        rolbypassrls: false,
        rolcreaterole: false,
        rolcreatedb: false,
        rolreplication: false,
        owned: 0,
        routines: 0,
        creates: false,
        groups: ['safeguard_app'],
      },
    ]);
  });

  it('no routine runs with the rights of its owner', async () => {
    const { rows } = await admin.query(
      `select proname from pg_proc where pronamespace = 'public'::regnamespace and prosecdef`,
    );
    expect(rows).toEqual([]);
  });

  it('without a context it sees no row of any table', async () => {
    for (const table of tables) {
      const { rows } = await inside(null, () => server.query(`select from ${table}`));
      expect(rows, table).toEqual([]);
    }
  });

  it('with an organisation it sees its rows and no others', async () => {
    for (const table of tables) {
      const { rows } = await inside(mine, () =>
        server.query<{ id: string }>(`select organization_id as id from ${table}`),
      );
      expect(rows, table).toEqual([{ id: mine }]);
    }
  });

  it('the context ends with its transaction', async () => {
    await inside(mine, () => server.query('select'));
    const { rows } = await server.query('select current_organization() as id');
    expect(rows).toEqual([{ id: null }]);
  });

  it('a row of another organisation is not inserted, and none without a context', async () => {
    for (const table of tables) {
      const sql = await insertOf(table, foreign);
      expect(await codeOf(inside(mine, () => server.query(sql))), table).toBe(DENIED);
      expect(await codeOf(inside(null, () => server.query(sql))), table).toBe(DENIED);
    }
  });

  it('no row is moved to another organisation', async () => {
    for (const table of tables) {
      const move = `update ${table} set organization_id = '${foreign}'`;
      expect(await codeOf(inside(mine, () => server.query(move))), table).toBe(DENIED);
    }
  });

  it('nothing is deleted or truncated, but sessions, what is remembered and what has left its line', async () => {
    for (const table of [...tables, 'migration']) {
      const removed = await codeOf(inside(mine, () => server.query(`delete from ${table}`)));
      const isErasable = table === 'audit_detail';
      expect(removed, table).toBe([...MEMORIES, ...LINES].includes(table) ? 'done' : isErasable ? UNTOLD : DENIED);
      expect(await codeOf(inside(mine, () => server.query(`truncate ${table} cascade`))), table).toBe(DENIED);
    }
    expect(await codeOf(inside(null, () => server.query('delete from session')))).toBe('done');
    expect(await codeOf(inside(null, () => server.query('truncate session')))).toBe(DENIED);
    const kept = {
      signing_key: 'use',
      signing_key_voucher: 'use',
      anchor_leaf: 'note',
      anchor_tile: 'hashes',
      anchoring: 'note',
      log_generation: 'number',
    };
    for (const [table, column] of Object.entries(kept)) {
      for (const change of [`delete from ${table}`, `truncate ${table}`, `update ${table} set ${column} = ${column}`]) {
        expect(await codeOf(inside(null, () => server.query(change))), change).toBe(DENIED);
      }
    }
  });

  it('what was said stays said: no column of evidence, coverage, events, versions or the audit log is changed', async () => {
    const { rows } = await admin.query<{ table: string; column: string }>(
      `select c.relname as table, a.attname as column from pg_attribute a join pg_class c on c.oid = a.attrelid
       where c.relnamespace = 'public'::regnamespace and c.relname = any ($1) and a.attnum > 0 and not a.attisdropped`,
      [APPEND_ONLY],
    );
    expect(rows.length).toBeGreaterThan(40);
    for (const { table, column } of rows) {
      const code = await codeOf(inside(mine, () => server.query(`update ${table} set ${column} = ${column}`)));
      // A disposal empties it, and the trigger lets nothing else.
      const isEmptied = table === 'record_move' && column === 'reason';
      expect(code, `${table}.${column}`).toBe(isEmptied ? UNTOLD : DENIED);
    }
  });

  it('even the owner changes none of it while the triggers stand', async () => {
    const owner = await connected(database.urls.owner);
    try {
      for (const table of [...APPEND_ONLY, 'result', 'fact', 'record_interval', 'record_version']) {
        await owner.query('begin');
        await owner.query(`select set_config('app.organization_id', $1, true)`, [mine]);
        // 23001: restrict_violation, raised by the trigger.
        expect(await codeOf(owner.query(`delete from ${table}`)), table).toBe('23001');
        await owner.query('rollback');
        await owner.query('begin');
        expect(await codeOf(owner.query(`truncate ${table} cascade`)), table).toBe('23001');
        await owner.query('rollback');
      }
    } finally {
      await owner.end();
    }
  });

  it.each([
    ['result', 'observed_to'],
    ['fact', 'observed_to'],
    ['record_interval', 'effective_to'],
  ])('of a %s nothing changes but its end, and that once', async (table, end) => {
    const { rows } = await admin.query<{ column: string }>(
      `select attname as column from pg_attribute where attrelid = $1::regclass and attnum > 0 and not attisdropped`,
      [table],
    );
    const changeable = [end, 'ended_known', 'known_to'];
    for (const { column } of rows.filter((row) => !changeable.includes(row.column))) {
      const code = await codeOf(inside(mine, () => server.query(`update ${table} set ${column} = ${column}`)));
      expect(code, column).toBe(DENIED);
    }
    const close = `update ${table} set ${end} = '2026-02-01T00:00:00Z', ended_known = '2026-02-01T00:00:01Z'`;
    const reopen = `update ${table} set ${end} = null, ended_known = null`;
    const correct = `update ${table} set known_to = '2026-02-01T00:00:02Z'`;
    const twice = (first: string, second: string) =>
      codeOf(
        inside(mine, async () => {
          await server.query(first);
          await server.query(second);
        }),
      );
    expect(await twice(close, correct)).toBe('done');
    expect(await twice(close, reopen)).toBe('23001');
    expect(await twice(close, `update ${table} set ${end} = '2026-03-01T00:00:00Z'`)).toBe('23001');
    expect(await twice(correct, `update ${table} set known_to = null`)).toBe('23001');
    expect(await twice(correct, close)).toBe('23001');
  });

  it('a finished scan and a finished package are not finished again', async () => {
    for (const table of ['scan', 'package']) {
      const { rows } = await admin.query<{ definition: string }>(
        `select pg_get_triggerdef(oid) as definition from pg_trigger where tgrelid = $1::regclass and tgname = 'finish_once'`,
        [table],
      );
      expect(rows).toHaveLength(1);
    }
    const finish = `update scan set status = 'refused', problem = '{}'`;
    expect(
      await codeOf(
        inside(mine, async () => {
          expect((await server.query(finish)).rowCount).toBe(1);
          await server.query(`update scan set status = 'stored'`);
        }),
      ),
    ).toBe('23001');
  });
});
