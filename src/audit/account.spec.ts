import { describe, expect, it } from 'vitest';
import { differences, type DueRow, type Row } from './account.js';

const at = new Date('2026-11-23T09:00:00Z');
const row = (says: Row['says'], key = '', id = 'a'): Row => ({ id, key, says });
const found = (rows: Row[], due: DueRow[]) => differences(rows, due).map(({ id, reason }) => `${id}: ${reason}`);

describe('what of rows is not what they follow from?', () => {
  it('nothing, where they say what is known of them, in whatever order and by more columns', () => {
    expect(
      found([row({ name: 'emr', list: [{ b: 1, a: 2 }], more: 1 })], [row({ list: [{ a: 2, b: 1 }], name: 'emr' })]),
    ).toEqual([]);
    expect(found([], [])).toEqual([]);
  });

  it('columns that say otherwise, by their names alone', () => {
    expect(found([row({ name: 'other', role: 'admin' })], [row({ name: 'emr', role: 'viewer' })])).toEqual([
      'a: the row has another name, role',
    ]);
    expect(found([row({ name: null })], [row({ name: 'emr' })])).toEqual(['a: the row has another name']);
    expect(found([row({})], [row({ endedAt: at })])).toEqual(['a: the row has another endedAt']);
  });

  it('instants that are more than a minute from what is known', () => {
    const later = (ms: number) => [row({ at: new Date(at.getTime() - ms) })];
    expect(found(later(60_000), [row({ at })])).toEqual([]);
    expect(found(later(60_001), [row({ at })])).toEqual(['a: the row has another at']);
    expect(found([row({ at: at.toISOString() })], [row({ at })])).toEqual(['a: the row has another at']);
  });

  it('rows that are gone, and rows that nothing speaks of', () => {
    expect(found([row({}, '2')], [row({}, '1'), row({}, '2')])).toEqual(['a: row 1 is gone']);
    expect(found([row({}, '1'), row({}, '2')], [row({}, '1')])).toEqual(['a: nothing says that there is row 2']);
    expect(found([row({}, '', 'b')], [row({}, '', 'a')])).toEqual([
      'a: the row is gone',
      'b: nothing says that there is the row',
    ]);
  });

  it('not rows of which nobody can tell any more whether there have to be any', () => {
    expect(found([row({}, '1'), row({}, '2')], [row({}, '1'), { id: 'a', key: null, says: {} }])).toEqual([]);
    expect(found([row({}, '2')], [row({}, '1'), { id: 'a', key: null, says: {} }])).toEqual(['a: row 1 is gone']);
  });
});
