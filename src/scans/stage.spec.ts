import { expect, it } from 'vitest';
import type { CheckResult, Coverage, Report } from './report.js';
import { stageReport } from './stage.js';

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
const report = (coverage: Coverage[], results: CheckResult[]): Report => ({
  format: 'x',
  tool: 'x',
  toolVersion: null,
  observedAt: null,
  clusterName: null,
  clusterUid: null,
  facts: [],
  events: [],
  coverage,
  results,
  rejects: [],
  notes: [],
});

it('does a result that the report does not say it covered count as seen, and close nothing?', () => {
  const complete: Coverage = { target: node, source: 'one', extent: 'complete', checks: null, silentPass: ['a'] };
  const { coverage } = stageReport(report([complete], [result('one'), result('two'), result('two')]));
  expect(coverage.map(({ source, complete: isComplete }) => [source, isComplete])).toEqual([
    ['one', true],
    ['two', false],
  ]);
});
