import { expect, it } from 'vitest';
import { valuesIn } from '../../test/support/copy.js';
import { nameId } from '../kernel/ids.js';
import { targetId } from '../results/series.js';
import type { CheckResult, Coverage, Fact, ReportHead } from './report.js';
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
const fact: Fact<'storage-class'> = {
  target: node,
  source: 'one',
  kind: 'storage-class',
  subject: 'fast',
  namespace: null,
  value: { provisioner: 'ebs.csi.aws.com', encrypted: true, kmsKeyId: null, reclaimPolicy: null, default: false },
};
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
  rows: readonly (readonly [name: string, source: string, replaces?: boolean])[],
  of: ReportHead = head(),
): { report: StagedReport; chunks: RowChunk[] } {
  const chunks: RowChunk[] = [];
  const stager = new Stager((chunk) => chunks.push(chunk));
  for (const [name, source, replaces = false] of rows) {
    stager.result(nameId(name), targetId('node', 'worker-1'), result(source), replaces);
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
  expect(chunks.flatMap(({ bytes }) => valuesIn(bytes))).toHaveLength(2);
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

it('do results and facts that a report tells in turns leave in one chunk of each kind?', () => {
  const chunks: RowChunk[] = [];
  const stager = new Stager((chunk) => chunks.push(chunk));
  const of = targetId('node', 'worker-1');
  for (let turn = 0; turn < 100; turn++) {
    stager.result(nameId(`r${turn}`), of, result('one'), false);
    stager.fact(nameId(`f${turn}`), of, fact, false);
  }
  stager.finish(head(), ['results', 'facts']);
  expect(chunks.map(({ kind, bytes }) => [kind, valuesIn(bytes).length])).toEqual([
    ['result', 100],
    ['fact', 100],
  ]);
});

it('is a row that is larger than a chunk whole, and the next one after it?', () => {
  const chunks: RowChunk[] = [];
  const stager = new Stager((chunk) => chunks.push(chunk));
  const message = '€'.repeat(200_000);
  stager.result(nameId('1'), targetId('node', 'worker-1'), { ...result('one'), message }, false);
  stager.result(nameId('2'), targetId('node', 'worker-1'), result('one'), false);
  stager.finish(head(), ['results']);
  expect(chunks.map(({ bytes }) => valuesIn(bytes).map((row) => row.at(-1)))).toEqual([[message], ['']]);
});
