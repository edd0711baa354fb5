import { expect, it } from 'vitest';
import { targetId } from '../results/series.js';
import type { CheckResult, Coverage, ReportHead } from './report.js';
import { Stager, type RowChunk, type StagedReport } from './stage.js';

const node = { kind: 'node', name: 'worker-1' } as const;
const result = (source: string): CheckResult => ({
  target: node,
  source,
  check: 'a',
  resource: 'r',
  namespace: null,
  title: '',
  status: 'fail',
  severity: 'high',
  message: '',
});
const complete: Coverage = { target: node, source: 'one', extent: 'complete', checks: null, silentPass: ['a'] };
const head = (observedAt: string | null = null): ReportHead => ({
  format: 'x',
  tool: 'x',
  toolVersion: null,
  observedAt,
  clusterName: null,
  clusterUid: null,
  coverage: [complete],
  rejects: [],
  notes: [],
});

function stage(
  rows: readonly (readonly [series: string, source: string, replaces?: boolean])[],
  of: ReportHead = head(),
): { report: StagedReport; chunks: RowChunk[] } {
  const chunks: RowChunk[] = [];
  const stager = new Stager((chunk) => chunks.push(chunk));
  for (const [series, source, replaces = false] of rows) {
    stager.result(series, targetId('node', 'worker-1'), result(source), replaces);
  }
  return { report: stager.finish(of, ['results']), chunks };
}

it('does a result that the report does not say it covered count as seen, and close nothing?', () => {
  const { coverage } = stage([
    ['1', 'one'],
    ['2', 'two'],
    ['3', 'two'],
  ]).report;
  expect(coverage.map(({ source, complete: isComplete }) => [source, isComplete])).toEqual([
    ['one', true],
    ['two', false],
  ]);
});

it('is a row that replaces another counted once, and told?', () => {
  expect(stage([['1', 'one']]).report).toMatchObject({ totals: { result: 1 }, replaced: false });
  const { report, chunks } = stage([
    ['1', 'one'],
    ['1', 'one', true],
  ]);
  expect(report).toMatchObject({ totals: { result: 1 }, replaced: true });
  expect(
    Buffer.concat(chunks.map(({ bytes }) => bytes))
      .toString()
      .split('\n'),
  ).toHaveLength(3);
});

it('is a list of checks the same in whatever order a tool gives it?', () => {
  const checksOf = (...checks: string[]): unknown =>
    stage([], { ...head(), coverage: [{ ...complete, checks }] }).report.coverage[0]?.checks;
  expect(checksOf('b', 'a', 'c')).toEqual(['a', 'b', 'c']);
});

it('do two reports have one digest only if they say the same, whenever they were made?', () => {
  const digest = (...of: Parameters<typeof stage>): string => Buffer.from(stage(...of).report.digest).toString('hex');
  const one = digest([['1', 'one']]);
  expect(digest([['1', 'one']], head('2026-01-01T00:00:00.000Z'))).toBe(one);
  expect(digest([['2', 'one']])).not.toBe(one);
  expect(digest([])).not.toBe(one);
  expect(digest([['1', 'one']], { ...head(), coverage: [{ ...complete, extent: 'partial' }] })).not.toBe(one);
});
