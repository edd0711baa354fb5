import { Readable } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { csvOf } from './csv.js';
import { readCsv } from './csv-read.js';
import { TABLE_LIMITS, TableFault, type Cell, type Row } from './table.js';

const bytesOf = (...chunks: (string | Uint8Array)[]): AsyncIterable<Uint8Array> =>
  Readable.from(chunks.map((chunk) => (typeof chunk === 'string' ? Buffer.from(chunk, 'utf8') : chunk)));

async function read(...chunks: (string | Uint8Array)[]): Promise<{ columns: string[]; rows: Row[] }> {
  const { columns, rows } = await readCsv(bytesOf(...chunks));
  const all: Row[] = [];
  for await (const row of rows) all.push(row);
  return { columns, rows: all };
}

const cellsOf = async (...chunks: string[]): Promise<Cell[][]> =>
  (await read(...chunks)).rows.map(({ cells }) => cells);

describe('reading a CSV', () => {
  it('gives the head and every row with its number, and passes over empty ones?', async () => {
    expect(await read('\uFEFFname, role\r\nA,1\r\n,\r\n"B ""x""\nC",\r\n')).toEqual({
      columns: ['name', 'role'],
      rows: [
        { number: 2, cells: ['A', '1'], faults: [] },
        { number: 4, cells: ['B "x"\nC', null], faults: [] },
      ],
    });
  });

  it.each([
    ['a;b\n1;2,5\n', [['1', '2,5']]],
    ['a\tb\n1\t2\n', [['1', '2']]],
    ['"a,b,c";d\n1;2\n', [['1', '2']]],
    ['a\n1;2\n', [['1;2']]],
  ])('finds out by the head what separates the cells of %j?', async (text, cells) => {
    expect(await cellsOf(text)).toEqual(cells);
  });

  it('leaves a formula the text that it is, and takes off what has disarmed it?', async () => {
    expect(await cellsOf(`a,b\n=1+1,'=1+1\n''=1,'tis\n007,1e3\n`)).toEqual([
      ['=1+1', '=1+1'],
      ["'=1", "'tis"],
      ['007', '1e3'],
    ]);
  });

  it('tells of a row that is shorter or longer than the head, and goes on?', async () => {
    const { rows } = await read('a,b\n1\n1,2,3\n1,2,\n');
    expect(rows).toEqual([
      { number: 2, cells: ['1', null], faults: [{ column: 1, detail: 'The row has fewer cells than the head.' }] },
      { number: 3, cells: ['1', '2'], faults: [{ column: 2, detail: 'It stands in no column of the head.' }] },
      { number: 4, cells: ['1', '2'], faults: [] },
    ]);
  });

  it('reads characters that are cut between two pieces?', async () => {
    const text = Buffer.from('a\nSørensen 🙂\n', 'utf8');
    const pieces = [...text].map((byte) => Uint8Array.of(byte));
    expect((await read(...pieces)).rows).toEqual([{ number: 2, cells: ['Sørensen 🙂'], faults: [] }]);
  });

  it.each([
    ['nothing', [''], /empty|no columns/],
    ['a head without names', [',,\n1,2,3\n'], /no columns/],
    ['two columns of one name', ['a,b, a\n'], /same name/],
    ['another code page', [Uint8Array.of(0x61, 0x0a, 0x53, 0xf8, 0x0a)], /UTF-8/],
    ['NUL', ['a\nb\0\n'], /UTF-8/],
    ['UTF-8 that is cut', [Uint8Array.of(0x61, 0x0a, 0xc3)], /UTF-8/],
    ['a quotation mark that is not closed', ['a\n"b\n'], /CSV|quotation/],
    ['a quotation mark within a cell', ['a\nb"c"\n'], /CSV at line 2/],
    ['a million columns', [`${'a,'.repeat(1_000_000)}\n`], /row is longer/],
    ['many columns', [Array.from({ length: 121 }, (_, at) => `c${at}`).join(',')], /more than 120 columns/],
    ['a row without end', ['a\n"', 'x'.repeat(2 ** 20)], /row is longer/],
  ])('refuses %s?', async (_what, chunks, reason) => {
    const refused = read(...chunks);
    await expect(refused).rejects.toThrow(TableFault);
    await expect(refused).rejects.toThrow(reason);
  });

  it('refuses one row too many, and not before?', async () => {
    const rows = 'x\n'.repeat(TABLE_LIMITS.rows);
    expect((await read(`a\n${rows}`)).rows).toHaveLength(TABLE_LIMITS.rows);
    await expect(read(`a\n${rows}x\n`)).rejects.toThrow(/more than 100000 rows/);
  });

  it('stops reading its source when nobody wants more?', async () => {
    let given = 0;
    let ended = false;
    async function* endless(): AsyncGenerator<Uint8Array> {
      try {
        for (;;) {
          given++;
          await new Promise(setImmediate);
          yield Buffer.from(given === 1 ? 'a\n' : 'x\n'.repeat(1000));
        }
      } finally {
        ended = true;
      }
    }
    const { rows } = await readCsv(endless());
    for await (const _ of rows) break;
    await new Promise((done) => setTimeout(done, 20));
    expect(ended).toBe(true);
    expect(given).toBeLessThan(200);
  });

  it('reads what was written, whatever it is?', async () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 20 }).filter((cell) => !cell.includes('\0'));
    const formula = fc.tuple(fc.constantFrom("'", '=', '+', '@', '\t', '\n', ' ', ''), text).map(([a, b]) => a + b);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(formula, formula), { maxLength: 5 }), async (rows) => {
        const written: Buffer[] = [];
        const pages = Readable.from([rows.map((row) => ['x', ...row])]);
        for await (const chunk of csvOf(['k', 'a', 'b'], pages)) written.push(chunk as Buffer);
        const cells = (await read(...written)).rows.map((row) => row.cells);
        expect(cells).toEqual(rows.map((row) => ['x', ...row.map((cell) => (cell === '' ? null : cell))]));
      }),
      { numRuns: 200 },
    );
  });
});
