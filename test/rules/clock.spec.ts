import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';

const SRC = fileURLToPath(new URL('../../../src/', import.meta.url));

/** PostgreSQL's words for the present (documentation, section 9.9.5), in any case. */
const PRESENT =
  /(?<![\w.])(clock_timestamp|transaction_timestamp|statement_timestamp|timeofday|now)\s*\(|\b(current_(timestamp|date|time)|localtime(stamp)?)\b|'(now|today|tomorrow|yesterday)'::/i;

/** Texts that may say them, each with the reason. */
const ALLOWED: Readonly<Record<string, string>> = {
  'kernel/db/database.ts': 'how long an Idempotency-Key is remembered: nobody asks what it was then',
  'checks/functions/objects.ts': 'a function of the language of checks, which is no SQL',
};

/** The texts of a program that hold a word for the present. */
function presentsIn(name: string, program: string): string[] {
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    const isText = ts.isStringLiteralLike(node) || ts.isTemplateHead(node) || ts.isTemplateMiddleOrTemplateTail(node);
    if (isText && PRESENT.test(node.text)) found.push(node.text);
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(name, program, ts.ScriptTarget.Latest));
  return found;
}

const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .map((path) => path.replaceAll('\\', '/'))
  .filter((path) => path.endsWith('.ts') && !path.endsWith('.spec.ts'));

describe('has the program one word for the present in SQL?', () => {
  it('is nothing asked of the database’s own clock but through service_clock?', () => {
    expect(files.length).toBeGreaterThan(200);
    const found = files.filter((path) => presentsIn(path, readFileSync(join(SRC, path), 'utf8')).length > 0);
    expect(found.sort()).toEqual(Object.keys(ALLOWED).sort());
  });

  it('is a stray one found, and nothing else taken for one?', () => {
    for (const text of [
      'select clock_timestamp()',
      'insert into t values ($1, now ())',
      'set at = CURRENT_TIMESTAMP',
      `where at < 'today'::date`,
    ]) {
      expect(presentsIn('planted.ts', `const sql = \`\${x} ${text} \${y}\`;`), text).toHaveLength(1);
    }
    const innocent = 'const now = () => clock.now(); query(`select service_clock(), known_at, r.now()`);';
    expect(presentsIn('planted.ts', innocent)).toEqual([]);
  });
});

describe('whose is the clock?', () => {
  let database: TestDatabase;
  let server: pg.Client;
  beforeAll(async () => {
    database = await createTestDatabase();
    server = new pg.Client({ connectionString: database.urls.server });
    await server.connect();
  });
  afterAll(async () => {
    await server.end();
    await database.drop();
  });

  it('can the app neither replace it nor put another before it?', async () => {
    for (const statement of [
      `create or replace function service_clock() returns timestamptz language sql as 'select now()'`,
      `create or replace function public.service_clock() returns timestamptz language sql as 'select now()'`,
      'drop function service_clock()',
      'alter function service_clock() rename to other',
    ]) {
      await expect(server.query(statement)).rejects.toThrow(/permission denied|must be owner/);
    }
    const { rows } = await server.query<{ apart: number }>(
      'select abs(extract(epoch from service_clock() - clock_timestamp()))::float as apart',
    );
    expect(rows[0]?.apart).toBeLessThan(1);
  });

  it('does no default of a table ask another clock?', async () => {
    const { rows } = await server.query(
      `select a.attrelid::regclass::text as table, pg_get_expr(d.adbin, d.adrelid) as said
       from pg_attrdef d join pg_attribute a on a.attrelid = d.adrelid and a.attnum = d.adnum
         join pg_class c on c.oid = d.adrelid and c.relnamespace = 'public'::regnamespace
       where pg_get_expr(d.adbin, d.adrelid) ~* 'now\\(\\)|clock_timestamp|current_timestamp'`,
    );
    expect(rows).toEqual([]);
  });
});
