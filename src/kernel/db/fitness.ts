import type { DataSource } from 'typeorm';

/**
 * Whether this server may run on this database: its role must be held by row-level security, and the schema must be the one of this version. Throws with
 * the next step.
 */
export async function assertFit(source: DataSource): Promise<void> {
  const [role] = await source.query<{ name: string; free: boolean; owns: boolean }[]>(
    // What the role could become by SET ROLE counts as what it is.
    `select current_user as name,
            exists (select from pg_roles r where pg_has_role(current_user, r.oid, 'member') and (r.rolsuper or r.rolbypassrls)) as free,
            exists (select from pg_class c join pg_namespace n on n.oid = c.relnamespace
                    where n.nspname in ('public', 'queue') and c.relkind in ('r', 'p') and pg_has_role(current_user, c.relowner, 'member')) as owns`,
  );
  if (role === undefined || role.free || role.owns) {
    throw new Error(
      `The role ${role?.name ?? '?'} of DATABASE_URL is a superuser, bypasses row-level security or owns tables: one organisation could see another. ` +
        'Use a role that is only a member of safeguard_app (docs/operations.md).',
    );
  }
  const wanted = source.migrations.map((migration) => migration.constructor.name).sort();
  const ran = new Set((await migrationsRun(source)).map(({ name }) => name));
  const missing = wanted.filter((name) => !ran.has(name));
  if (missing.length > 0) {
    throw new Error(
      `The schema is behind by ${missing.length} migrations. Run «safeguard migrate» with DATABASE_MIGRATION_URL.`,
    );
  }
}

async function migrationsRun(source: DataSource): Promise<{ name: string }[]> {
  try {
    return await source.query<{ name: string }[]>('select name from migration');
  } catch (error) {
    // 42P01: no such table; 42501: not granted yet. Either way nothing has been migrated for this role.
    if (error instanceof Error && 'code' in error && (error.code === '42P01' || error.code === '42501')) return [];
    throw error;
  }
}
