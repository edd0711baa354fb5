import { hash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { nameId } from '../kernel/ids.js';
import type { TargetKind } from '../scans/report.js';
import { Fault } from './fault.js';
import type { Said, SaidRow } from './said.js';
import { ShownIntervals, type Speaker } from './shown-intervals.js';
import type { StoredScan } from './stored-scans.js';

const digest = (text: string): string => hash('sha256', text);
const digests = (status: string, message = ''): Said => ({
  whole: digest(`${status} ${message}`),
  says: digest(status),
});
const scanOf = (id: string, isReadAlike = true): StoredScan =>
  ({ id, systemId: 'system', isReadAlike }) as unknown as StoredScan;
/** The latest first. */
const SCANS = [scanOf('later'), scanOf('earlier')];
const speaker = (place: number, scans = SCANS, unsure: TargetKind[] = []): Speaker => ({
  scan: scans[place]!,
  place,
  unsure: new Set(unsure),
});
const said = (check: string, status: string, message = ''): SaidRow => ({
  kind: 'results',
  series: nameId(check),
  ...{ targetId: 'target', targetKind: 'cluster', source: 'tool', check, replaces: false },
  ...digests(status, message),
});
const shown = (...rows: [check: string, scan: number, status: string, message?: string][]): ShownIntervals => {
  const intervals = new ShownIntervals('results.csv');
  for (const [check, scan, status, message = ''] of rows) {
    intervals.add('system', nameId(check), scan, digests(status, message));
  }
  return intervals;
};
const all = { targetId: 'target', source: 'tool', checks: null };
const read = new Set([0, 1]);

describe('rows of a package that are held against reports, the latest first', () => {
  it('is a row that is said again what was said first?', () => {
    const rows = shown(['a', 1, 'fail', 'as it was first said']);
    rows.hear(speaker(0), said('a', 'fail', 'as it is said now'));
    rows.hear(speaker(1), said('a', 'fail', 'as it was first said'));
    expect(rows.finish(SCANS, read)).toEqual({ same: 1, unread: 0, unsure: 0 });
  });

  it('of two words in one report, does the last stand?', () => {
    const rows = shown(['a', 0, 'fail']);
    rows.hear(speaker(0), said('a', 'pass'));
    rows.hear(speaker(0), said('a', 'fail'));
    expect(rows.finish(SCANS, read).same).toBe(1);
  });

  it.each<[string, () => void]>([
    [
      'says another status than the last report',
      () => {
        const rows = shown(['a', 1, 'fail']);
        rows.hear(speaker(0), said('a', 'pass'));
        rows.hear(speaker(1), said('a', 'fail'));
        rows.finish(SCANS, read);
      },
    ],
    [
      'was closed since',
      () => {
        const rows = shown(['a', 1, 'fail']);
        rows.close('system', [{ ...all, checks: ['a'] }]);
        rows.hear(speaker(1), said('a', 'fail'));
        rows.finish(SCANS, read);
      },
    ],
    ['no report has', () => void shown(['a', 1, 'fail']).finish(SCANS, read)],
    ['is left out', () => shown().hear(speaker(1), said('a', 'fail'))],
    ['is there twice', () => void shown(['a', 1, 'fail'], ['a', 0, 'fail'])],
  ])('is a row blamed that %s?', (_, compare) => {
    expect(compare).toThrow(Fault);
  });

  it('is nothing missed that a later report has closed, and only what it was complete for?', () => {
    const rows = shown();
    rows.close('system', [{ ...all, checks: ['a'] }]);
    rows.hear(speaker(1), said('a', 'fail'));
    expect(() => rows.hear(speaker(1), said('b', 'fail'))).toThrow(/leaves out/);
    rows.close('system', [all]);
    rows.hear(speaker(1), said('b', 'fail'));
    expect(rows.finish(SCANS, read)).toEqual({ same: 0, unread: 0, unsure: 0 });
  });

  it('is what other readers have read, or nobody reads again, told and not blamed?', () => {
    const scans = [scanOf('later', false), scanOf('earlier', false)];
    const rows = shown(['a', 1, 'fail'], ['b', 0, 'fail'], ['c', 1, 'fail']);
    const of = (place: number) => speaker(place, scans, ['cluster']);
    rows.hear(of(0), said('a', 'pass'));
    rows.hear(of(0), said('b', 'fail', 'otherwise'));
    rows.hear(of(0), said('d', 'fail'));
    expect(rows.finish(scans, new Set([0]))).toEqual({ same: 0, unread: 1, unsure: 3 });
  });

  it('is nothing blamed of a report that was not read to its end, and is what it told of not said to be as shown?', () => {
    const rows = shown(['a', 1, 'fail'], ['b', 1, 'fail']);
    rows.hear(speaker(0), said('a', 'pass'));
    rows.hear(speaker(0), said('b', 'fail'));
    rows.doubt(0);
    rows.hear(speaker(1), said('a', 'fail'));
    rows.hear(speaker(1), said('b', 'fail'));
    expect(rows.finish(SCANS, new Set([1]))).toEqual({ same: 0, unread: 0, unsure: 2 });
  });

  it('are a hundred thousand rows found again?', () => {
    const rows = shown();
    for (let row = 0; row < 100_000; row += 1) {
      rows.add('system', nameId(String(row)), 0, digests('fail'));
    }
    for (let row = 0; row < 100_000; row += 1) rows.hear(speaker(0), said(String(row), 'fail'));
    expect(rows.finish(SCANS, read).same).toBe(100_000);
  });
});
