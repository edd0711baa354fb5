import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';

/*
 * Whether the schema could be distributed by organisation: what Citus asks of keys, said by its documentation («Creating and Modifying Distributed Objects»,
 * «Adding/Removing Constraints») and its source (foreign_constraint.c, policy.c). What it would refuse all the same is in docs/scaling.md, and listed here.
 */

const DISTRIBUTION_COLUMN = 'organization_id';

/** Tables without the column: they would stay on the coordinator, as «local tables», or be copied to every node, as «reference tables». */
const UNDISTRIBUTED: Readonly<Record<string, string>> = {
  'public.anchor_copy': 'local: read and written by the one replica that anchors',
  'public.anchor_leaf': 'local: the same',
  'public.anchor_pending': 'local: the same, and written with each head that is signed',
  'public.anchor_tile': 'local: the same',
  'public.anchoring': 'local: the same',
  'public.log_fault': 'reference: mostly empty; read before each signature of a head',
  'public.log_generation': 'reference: a row in years, read by who appends to a log and who reads one',
  'public.migration': 'local: read at the start of a replica, written by migrate',
  'public.signing_key': 'reference: some rows in years, read by who makes packages and proofs',
  'public.signing_key_voucher': 'reference: the same',
  'public.session': 'local: found by its id before any organisation is known, and joined with nothing',
};

/** Schemas whose tables are all local. */
const LOCAL_SCHEMAS: Readonly<Record<string, string>> = {
  queue: 'pg-boss: a job is found by whoever is free, of whatever organisation it is',
};

/** Triggers that only look at the row itself. Citus refuses them unless `citus.enable_unsafe_triggers` is set. */
const WITH_TRIGGERS = [
  'anchor_leaf',
  'anchor_tile',
  'anchoring',
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
  'fact',
  'frozen_posture',
  'import_row',
  'log_checkpoint',
  'log_generation',
  'log_tile',
  'notice',
  'organization_version',
  'package',
  'record_document',
  'record_interval',
  'record_link',
  'record_move',
  'record_type_version',
  'record_version',
  'result',
  'row_finding',
  'scan',
  'sighting',
  'sighting_loss',
  'signing_key',
  'signing_key_voucher',
  'system_change',
  'system_version',
  'target',
];

/** Policies that ask another table. Citus refuses them. */
const WITH_SUBQUERY = ['organization.self'];

let database: TestDatabase;
let admin: pg.Client;
beforeAll(async () => {
  database = await createTestDatabase();
  admin = new pg.Client({ connectionString: database.urls.admin });
  await admin.connect();
});
afterAll(async () => {
  await admin.end();
  await database.drop();
});

/** What Citus would say no to, of keys and of tables, one line each. */
const VIOLATIONS = `
  with ours as (
    select c.oid, n.nspname || '.' || c.relname as name, a.attnum as at, a.attnotnull as required, a.atttypid::regtype as type
    from pg_class c
      join pg_namespace n on n.oid = c.relnamespace and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast') and n.nspname !~ '^pg_temp'
      left join pg_attribute a on a.attrelid = c.oid and a.attname = $1 and not a.attisdropped
    where c.relkind in ('r', 'p') and not (n.nspname = any ($3))
  ),
  keys as (
    select x.indrelid as of, i.relname as name, x.indkey[0] as first
    from pg_index x join pg_class i on i.oid = x.indexrelid
    where x.indisunique or x.indisexclusion
  ),
  links as (
    select k.conname as name, f.name as "from", t.name as "to", f.at as from_at, t.at as to_at,
           (select count(*) from unnest(k.conkey, k.confkey) as pair(one, other) where one = f.at and other = t.at) as carried,
           k.confdeltype in ('n', 'd') or k.confupdtype in ('n', 'd', 'c') as acts
    from pg_constraint k join ours f on f.oid = k.conrelid join ours t on t.oid = k.confrelid
    where k.contype = 'f'
  )
  select name || ': has no ' || $1 || ' and is not said to be of no organisation' as violation from ours where at is null and not (name = any ($2))
  union all
  select name || ': ' || $1 || ' is ' || type || case when required then '' else ', and may be null' end
  from ours where at is not null and not (required and type = 'uuid'::regtype)
  union all
  select o.name || ': has no primary key' from ours o
  where o.at is not null and not exists (select from pg_constraint k where k.conrelid = o.oid and k.contype = 'p')
  union all
  select o.name || ': the key ' || k.name || ' does not begin with ' || $1 from ours o join keys k on k.of = o.oid
  where o.at is not null and k.first is distinct from o.at
  union all
  select l."from" || ': the foreign key ' || l.name || ' does not carry ' || $1 || ' to ' || l."to" from links l
  where l.from_at is not null and l.to_at is not null and l.carried = 0
  union all
  select l."from" || ': the foreign key ' || l.name || ' leads from one of no organisation to ' || l."to" from links l
  where l.from_at is null and l.to_at is not null
  union all
  select l."from" || ': the foreign key ' || l.name || ' leads to ' || l."to" || ', which would be on another node' from links l
  where l.from_at is not null and l.to_at is null
  union all
  select l."from" || ': the foreign key ' || l.name || ' would change ' || $1 from links l where l.from_at is not null and l.acts
  union all
  select o.name || ': numbers of a sequence are not of one node alone (' || a.attname || ')'
  from ours o join pg_attribute a on a.attrelid = o.oid and a.attnum > 0 and not a.attisdropped
    left join pg_attrdef d on d.adrelid = o.oid and d.adnum = a.attnum
  where o.at is not null and (a.attidentity <> '' or pg_get_expr(d.adbin, d.adrelid) ~ 'nextval')
  union all
  select o.name || ': inherits, or is a partition of a partition' from ours o where exists (
    select from pg_inherits i left join pg_class p on p.oid = i.inhparent where i.inhrelid = o.oid and p.relkind <> 'p')
    or exists (select from pg_inherits i join pg_inherits above on above.inhrelid = i.inhparent where i.inhrelid = o.oid)
  union all
  select o.name || ': has a rule' from ours o where exists (select from pg_rewrite r where r.ev_class = o.oid)
  order by 1`;

async function violations(): Promise<string[]> {
  const { rows } = await admin.query<{ violation: string }>(VIOLATIONS, [
    DISTRIBUTION_COLUMN,
    Object.keys(UNDISTRIBUTED),
    Object.keys(LOCAL_SCHEMAS),
  ]);
  return rows.map(({ violation }) => violation);
}

const names = async (sql: string): Promise<string[]> =>
  (await admin.query<{ name: string }>(sql)).rows.map((row) => row.name);

describe('could the schema be distributed by organisation?', () => {
  it('every key begins with it, and every foreign key carries it', async () => {
    expect(await violations()).toEqual([]);
  });

  it('and are the tables of no organisation those that are said to be?', async () => {
    const bare = await names(
      `select n.nspname || '.' || c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
       where c.relkind in ('r', 'p') and n.nspname not in ('pg_catalog', 'information_schema')
         and not exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = '${DISTRIBUTION_COLUMN}')
       order by 1`,
    );
    expect(bare.filter((name) => !(name.split('.')[0]! in LOCAL_SCHEMAS))).toEqual(Object.keys(UNDISTRIBUTED).sort());
    expect(bare.some((name) => name.startsWith('queue.'))).toBe(true);
  });

  it('what Citus would refuse beside keys is what the documentation tells of', async () => {
    const triggers = await names(
      `select distinct c.relname::text as name from pg_trigger g join pg_class c on c.oid = g.tgrelid
       where not g.tgisinternal and c.relnamespace = 'public'::regnamespace order by 1`,
    );
    expect(triggers).toEqual(WITH_TRIGGERS);
    const policies = await names(
      `select c.relname || '.' || p.polname as name from pg_policy p join pg_class c on c.oid = p.polrelid
       where coalesce(p.polqual::text, '') || coalesce(p.polwithcheck::text, '') ~ 'SUBLINK' order by 1`,
    );
    expect(policies).toEqual(WITH_SUBQUERY);
    const told = await readFile(fileURLToPath(new URL('../../../docs/scaling.md', import.meta.url)), 'utf8');
    for (const name of [...WITH_TRIGGERS, ...Object.keys(UNDISTRIBUTED).map((table) => table.replace(/.*\./, ''))]) {
      expect(told, name).toContain(`\`${name}\``);
    }
  });
});

const PLANTED: readonly [sql: string, violation: string][] = [
  [
    'create table extra (id uuid primary key)',
    'public.extra: has no organization_id and is not said to be of no organisation',
  ],
  ['create table extra (organization_id text primary key)', 'public.extra: organization_id is text'],
  ['create table extra (organization_id uuid)', 'public.extra: organization_id is uuid, and may be null'],
  ['create table extra (organization_id uuid not null)', 'public.extra: has no primary key'],
  [
    'create table extra (id uuid, organization_id uuid, primary key (id, organization_id))',
    'public.extra: the key extra_pkey does not begin with organization_id',
  ],
  [
    'alter table system add constraint by_name unique (name)',
    'public.system: the key by_name does not begin with organization_id',
  ],
  [
    'create unique index one_name on system (lower(name)) where retired_at is null',
    'public.system: the key one_name does not begin with organization_id',
  ],
  [
    `create unique index held on evidence (sha256, organization_id);
       alter table scan add column digest bytea, add foreign key (digest, organization_id) references evidence (sha256, organization_id)`,
    'public.evidence: the key held does not begin with organization_id',
  ],
  [
    `create unique index one_id on evidence (id); alter table scan add constraint loose foreign key (evidence_id) references evidence (id)`,
    'public.scan: the foreign key loose does not carry organization_id to public.evidence',
  ],
  [
    `alter table scan add constraint crossed foreign key (id, organization_id) references evidence (organization_id, id)`,
    'public.scan: the foreign key crossed does not carry organization_id to public.evidence',
  ],
  [
    'alter table session add column of uuid, add constraint mine foreign key (of) references organization (organization_id)',
    'public.session: the foreign key mine leads from one of no organisation to public.organization',
  ],
  [
    'alter table audit_event add column sid text, add constraint seen foreign key (sid) references session (sid)',
    'public.audit_event: the foreign key seen leads to public.session, which would be on another node',
  ],
  [
    `alter table scan add constraint forgets foreign key (organization_id, evidence_id) references evidence (organization_id, id) on delete set null`,
    'public.scan: the foreign key forgets would change organization_id',
  ],
  [
    'alter table scan add column number serial',
    'public.scan: numbers of a sequence are not of one node alone (number)',
  ],
  [
    'create table extra () inherits (target); alter table extra add primary key (organization_id, id)',
    'public.extra: inherits, or is a partition of a partition',
  ],
  ['create rule quiet as on delete to target do instead nothing', 'public.target: has a rule'],
];

describe('would a table that could not be distributed be found?', () => {
  it.each(PLANTED.map(([sql, violation]) => ({ sql, violation })))('$violation', async ({ sql, violation }) => {
    await admin.query('begin');
    try {
      await admin.query(sql);
      expect(await violations()).toContain(violation);
    } finally {
      await admin.query('rollback');
    }
  });
});
