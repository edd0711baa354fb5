import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { csv, csvHeader } from './csv.js';

const line = (cell: unknown): string => csv(['cell'], [{ cell }]).toString();

/** RFC 4180, for one record with one field; nothing of ours. */
function parsed(record: string): string {
  const text = record.slice(0, -2);
  return text.startsWith('"') ? text.slice(1, -1).replaceAll('""', '"') : text;
}

describe('csv', () => {
  it.each([
    '=cmd|/C calc!A0',
    '+1+1',
    '-2+3',
    '@SUM(A1)',
    '\t=1',
    '\r=1',
    '\n=1',
    ' =1',
    '\u00a0=1',
    '＝1',
    '＋1',
    '－1',
    '＠a',
    '=HYPERLINK("http://evil","x")',
    '-',
  ])('disarms %j?', (cell) => {
    expect(parsed(line(cell))).toBe(`'${cell}`);
  });

  it.each([
    'C-0013',
    'a=b',
    '1-2',
    'kube-system',
    'Ensure that the --anonymous-auth argument is set to false',
    '"x",y',
  ])('leaves %j as it is?', (cell) => {
    expect(parsed(line(cell))).toBe(cell);
  });

  it('never lets a cell begin like a formula, nor adds a record?', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (cell) => {
        const read = parsed(line(cell));
        expect(read).not.toMatch(/^\s*[=+\-@]/u);
        expect([cell, `'${cell}`]).toContain(read);
      }),
    );
  });

  it('writes dates, numbers, lists and nothing as one reads them?', () => {
    const row = { a: new Date('2026-11-23T00:00:00Z'), b: -5, c: ['x', 'y'], d: null, e: false };
    expect(csv(['a', 'b', 'c', 'd', 'e'], [row]).toString()).toBe('2026-11-23T00:00:00.000Z,-5,x y,,false\r\n');
    expect(csvHeader(['a', 'b']).toString()).toBe('a,b\r\n');
  });
});
