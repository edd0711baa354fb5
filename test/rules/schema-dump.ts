import pg from 'pg';

/** Everything that a schema says, one line each and in order: what two schemas are compared by. */
const PARTS: Readonly<Record<string, string>> = {
  columns: `
    select format('%s.%s %s %s %s %s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod),
                  case when a.attnotnull then 'not null' else 'null' end, a.attidentity, pg_get_expr(d.adbin, d.adrelid))
    from pg_attribute a join pg_class c on c.oid = a.attrelid
      left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v', 'm') and a.attnum > 0 and not a.attisdropped`,
  constraints: `
    select format('%s %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
    from pg_constraint where connamespace = 'public'::regnamespace and conrelid <> 0`,
  indexes: `select indexdef from pg_indexes where schemaname = 'public'`,
  tables: `
    select format('%s %s owner %s rls %s forced %s grants %s', c.relkind, c.relname, c.relowner::regrole, c.relrowsecurity, c.relforcerowsecurity,
                  (select string_agg(acl::text, ' ' order by acl::text) from unnest(c.relacl) as acl))
    from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v', 'm', 'S')`,
  columnGrants: `
    select format('%s.%s %s', c.relname, a.attname, a.attacl)
    from pg_attribute a join pg_class c on c.oid = a.attrelid
    where c.relnamespace = 'public'::regnamespace and a.attacl is not null and not a.attisdropped`,
  policies: `
    select format('%s %s %s %s %s using %s check %s', tablename, policyname, permissive, roles, cmd, qual, with_check)
    from pg_policies where schemaname = 'public'`,
  triggers: `
    select format('%s %s', tgenabled, pg_get_triggerdef(t.oid))
    from pg_trigger t join pg_class c on c.oid = t.tgrelid where c.relnamespace = 'public'::regnamespace and not tgisinternal`,
  routines: `
    select format('%s acl %s', pg_get_functiondef(oid), proacl)
    from pg_proc where pronamespace = 'public'::regnamespace`,
  types: `
    select format('%s %s', typname, typtype)
    from pg_type where typnamespace = 'public'::regnamespace and typtype in ('e', 'd', 'r')`,
};

export async function dumpSchema(url: string): Promise<Record<string, string[]>> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const dump: Record<string, string[]> = {};
    for (const [part, sql] of Object.entries(PARTS)) {
      const { rows } = await client.query<[string]>({ text: `${sql} order by 1`, rowMode: 'array' });
      dump[part] = rows.map(([line]) => line);
    }
    return dump;
  } finally {
    await client.end();
  }
}
