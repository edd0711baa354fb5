import type pg from 'pg';

export interface StoreSizes {
  /** Bytes of the whole database. */
  database: number;
  /** Bytes of the evidence store. */
  evidence: number;
  /** Each with its indexes and what lies out of line. */
  tables: Record<string, { bytes: number; rows: number }>;
}

export async function storeSizes(admin: pg.Client): Promise<StoreSizes> {
  const { rows: tables } = await admin.query<{ name: string; bytes: number }>(
    `select c.relname as name, pg_total_relation_size(c.oid)::float8 as bytes
     from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = 'public' and c.relkind = 'r'
     order by c.relname`,
  );
  const sizes: StoreSizes = { database: 0, evidence: 0, tables: {} };
  for (const { name, bytes } of tables) {
    sizes.tables[name] = { bytes, rows: await number(admin, `select count(*)::float8 as value from ${name}`) };
  }
  sizes.database = await number(admin, 'select pg_database_size(current_database())::float8 as value');
  sizes.evidence = await number(admin, 'select coalesce(sum(storage_size), 0)::float8 as value from evidence');
  return sizes;
}

async function number(admin: pg.Client, sql: string): Promise<number> {
  const { rows } = await admin.query<{ value: number }>(sql);
  return rows[0]?.value ?? 0;
}
