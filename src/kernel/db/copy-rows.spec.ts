import fc from 'fast-check';
import pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { pipeline } from 'node:stream/promises';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { copyOf } from '../../../test/support/copy.js';
import { createTestDatabase, type TestDatabase } from '../../../test/support/postgres.js';
import { CopyRows } from './copy-rows.js';

let database: TestDatabase;
let client: pg.Client;
beforeAll(async () => {
  database = await createTestDatabase();
  client = new pg.Client({ connectionString: database.urls.admin });
  await client.connect();
  await client.query('create temporary table copied (n int, id uuid, said text, value jsonb, at timestamptz)');
});
afterAll(async () => {
  await client.end();
  await database.drop();
});

interface Row {
  n: number | null;
  id: string;
  said: string | null;
  value: unknown;
  at: string;
}

function write(to: CopyRows, { n, id, said, value, at }: Row): void {
  to.row(5);
  to.integer(n);
  to.uuid(id);
  to.text(said);
  to.jsonb(JSON.stringify(value));
  to.instant(at);
}

/** As JavaScript's own encoder has it: a half of a pair is no character. Postgres' texts have no NUL, and no report's row has. */
const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ maxLength: 200 }),
  fc.constantFrom('\t\n\\N\\', '', '\ud800'),
);
const row = fc.record({
  n: fc.option(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })),
  id: fc.uuid(),
  said: fc.option(text.map((said) => said.replaceAll('\0', ''))),
  value: fc.dictionary(
    fc.stringMatching(/^[a-z]{1,5}$/),
    fc.oneof(fc.integer(), fc.boolean(), fc.constantFrom('ü', 'x'.repeat(300))),
  ),
  at: fc
    .date({ noInvalidDate: true, min: new Date('1900-01-01'), max: new Date('2200-01-01') })
    .map((at) => at.toISOString()),
});

describe('does Postgres have what was written', () => {
  it('of all types, of short texts and long ones, in any characters?', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(row, { maxLength: 30 }), async (rows) => {
        const copy = client.query(copyFrom('copy copied from stdin (format binary)'));
        await pipeline(Readable.from([copyOf(rows, write)], { objectMode: false }), copy);
        const { rows: read } = await client.query<Row & { at: Date }>('select * from copied order by ctid');
        await client.query('truncate copied');
        expect(read.map((one) => ({ ...one, at: one.at.toISOString() }))).toEqual(
          rows.map((one) => ({ ...one, said: one.said?.toWellFormed() ?? null })),
        );
      }),
      { numRuns: 50 },
    );
  });
});

describe('what leaves', () => {
  it('is it a buffer of its own, and is the next row in another one?', () => {
    const rows = new CopyRows(64);
    rows.row(1);
    rows.text('one');
    const first = rows.take();
    expect([first.byteOffset, rows.written]).toEqual([0, 0]);
    rows.row(1);
    rows.text('two');
    expect(rows.take().buffer).not.toBe(first.buffer);
    expect(first.toString('latin1')).toBe('\0\x01\0\0\0\x03one');
  });

  it('is a row whole that is larger than what is allocated at once?', () => {
    const rows = new CopyRows(8);
    rows.row(2);
    rows.text('a'.repeat(1_000));
    rows.text('b'.repeat(10));
    expect(rows.take().toString('latin1')).toBe(`\0\x02\0\0\x03\xe8${'a'.repeat(1_000)}\0\0\0\x0a${'b'.repeat(10)}`);
  });

  it('is what is no UUID refused?', () => {
    expect(() => new CopyRows(64).uuid('018f0000-0000-7000-8000-00000000000g')).toThrow('no UUID');
    expect(() => new CopyRows(64).uuid('018f')).toThrow('no UUID');
  });
});
