import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readAll } from '../../../test/support/xlsx.js';
import { TABLE_LIMITS, type Cell } from './table.js';
import { XlsxParts } from './xlsx-parts.js';
import { readXlsx } from './xlsx-read.js';
import { isTooLong, xlsxOf, xlsxOfSheets } from './xlsx-write.js';

const paged = (rows: readonly (readonly Cell[])[]): AsyncIterable<readonly (readonly Cell[])[]> =>
  Readable.from([rows]);

const FULL = '[More rows than a sheet holds. A CSV holds them all.]';

describe('writing an XLSX', () => {
  const day = new Date('2026-11-26T15:00:00Z');
  const columns = [
    { name: 'name', note: 'What it is called' },
    { name: 'due', note: 'By when' },
    { name: 'n', note: 'How many' },
  ];

  it('writes what is read again, with what the columns mean on a sheet of its own?', async () => {
    const rows: Cell[][] = [
      ['=1+1', new Date('2026-02-28T00:00:00Z'), -5],
      ['a\r\n\tb & <c> ]]> "d"', null, 0.1],
      ['_x0041_ \u0001\uFFFE 🙂', new Date('1900-01-15T00:00:00Z'), true],
      [' ', '007', false],
    ];
    const file = await buffer(xlsxOf(columns, paged(rows), day));
    const { columns: head, rows: read } = await readAll(file);
    expect(head).toEqual(['name', 'due', 'n']);
    expect(read.map(({ number }) => number)).toEqual([2, 3, 4, 5]);
    // A day that Excel's calendar tells otherwise is written as text.
    expect(read.map(({ cells }) => cells)).toEqual(
      rows.map((row) =>
        row.map((cell) => (cell instanceof Date && cell.getUTCFullYear() === 1900 ? '1900-01-15' : cell)),
      ),
    );
    expect((await readAll(file, 'Notes')).rows.map(({ cells }) => cells)).toEqual([
      ['name', 'What it is called'],
      ['due', 'By when'],
      ['n', 'How many'],
    ]);
  });

  it('gives the same bytes for the same table and day?', async () => {
    const once = await buffer(xlsxOf(columns, paged([['a', null, 1]]), day));
    expect((await buffer(xlsxOf(columns, paged([['a', null, 1]]), day))).equals(once)).toBe(true);
  });

  it('says so where no cell can hold a text, and never cuts it?', async () => {
    const rows = [
      ['x'.repeat(TABLE_LIMITS.cell), null, null],
      ['x'.repeat(TABLE_LIMITS.cell + 1), null, null],
    ];
    const { rows: read } = await readAll(await buffer(xlsxOf(columns, paged(rows), day)));
    expect(read[0]?.cells[0]).toBe(rows[0]?.[0]);
    expect(read[1]?.cells[0]).toBe('[32768 characters: too long for a cell. A CSV holds it whole.]');
    expect(read.map(({ cells }) => isTooLong(cells[0] ?? null))).toEqual([false, true]);
  });

  it('says so where a sheet cannot hold more rows, and goes on with the next?', async () => {
    const full = function* (): Generator<Cell[][]> {
      const page = Array.from({ length: 100_000 }, (): Cell[] => []);
      for (let count = 0; count <= 10; count++) yield page;
    };
    const stream = xlsxOfSheets(
      [
        { name: 'Full', columns: ['A'], pages: full() },
        { name: 'Next', columns: ['A'], pages: [[['one']]] },
      ],
      day,
    );
    const file = await buffer(stream);
    const parts = await XlsxParts.open(file);
    let last: string | undefined;
    let told = '';
    await parts.read('xl/worksheets/sheet1.xml', {
      open: (name, attributes) => {
        if (name === 'row') last = attributes['r'];
      },
      close: () => undefined,
      text: (text) => {
        told += text;
      },
    });
    expect(last).toBe('1048576');
    expect(told.trim()).toBe(`A${FULL}`);
    const { rows } = await readXlsx(file, { sheet: 'Next' });
    for await (const row of rows) expect(row.cells).toEqual(['one']);
  });

  it('does a sheet that is filled to its end by a page hold its last row, or say that there are more?', async () => {
    const pages = function* (more: Cell[][]): Generator<Cell[][], void> {
      const page = Array.from({ length: 100_000 }, (): Cell[] => []);
      for (let count = 0; count < 10; count++) yield page;
      yield [...page.slice(0, 48_574), ['last']];
      yield [];
      yield more;
    };
    const sheets = [[], [['more']]].map((more, at) => ({ name: `${at}`, columns: ['A'], pages: pages(more) }));
    const parts = await XlsxParts.open(await buffer(xlsxOfSheets(sheets, day)));
    for (const [sheet, told] of [
      [1, 'last'],
      [2, FULL],
    ] as const) {
      let [row, text] = ['', ''];
      await parts.read(`xl/worksheets/sheet${sheet}.xml`, {
        open: (name, attributes) => {
          if (name === 'row') row = attributes['r'] ?? '';
        },
        close: () => undefined,
        text: (piece) => {
          text += piece;
        },
      });
      expect([row, text.trim()]).toEqual(['1048576', `A${told}`]);
    }
  });

  it('ends in the fault of its rows?', async () => {
    function* failing(): Generator<Cell[][]> {
      yield [['a', null, null]];
      throw new Error('the database is away');
    }
    await expect(buffer(xlsxOf(columns, Readable.from(failing()), day))).rejects.toThrow('the database is away');
  });

  it('reads what was written, whatever it is?', async () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 30 }).filter((cell) => cell !== '' && !cell.includes('\0'));
    const cell = fc.oneof(
      text,
      fc.boolean(),
      fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => (Object.is(value, -0) ? 0 : value)),
      fc.constant(null),
      fc.date({ min: new Date('1900-03-01'), max: new Date('9999-12-31'), noInvalidDate: true }).map((date) => {
        date.setUTCHours(0, 0, 0, 0);
        return date;
      }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(text, cell, cell), { maxLength: 4 }), async (rows) => {
        const { rows: read } = await readAll(await buffer(xlsxOf(columns, paged(rows), day)));
        expect(read.map(({ cells }) => cells)).toEqual(rows);
      }),
      { numRuns: 100 },
    );
  });
});
