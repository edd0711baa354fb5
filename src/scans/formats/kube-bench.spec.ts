import { describe, expect, it } from 'vitest';
import { bytesOf, declared, faultOf, fixture, golden } from '../../../test/fixtures/reports/load.js';
import type { Report } from '../report.js';
import { parseReport } from './index.js';

const parse = (document: unknown, ...targets: string[]): Report =>
  parseReport(Buffer.isBuffer(document) ? document : bytesOf(document), { declared: declared(...targets) });

const control = (nodeType: string, ...rows: object[]) => ({
  id: '1',
  version: 'cis-1.9',
  node_type: nodeType,
  tests: [{ section: '1', results: rows }],
});
const row = (number: string, status: string, extra: object = {}) => ({
  test_number: number,
  test_desc: 'x',
  status,
  ...extra,
});

describe('kube-bench', () => {
  it.each(['kube-bench/totals.json', 'kube-bench/lines.json'])('does %s give its golden rows?', (name) => {
    const report = parse(fixture(name), 'node/a');
    expect(report).toEqual(golden(name, report));
  });

  it('does it need to be told its node, unless it is about the cluster?', () => {
    const bytes = fixture('kube-bench/totals.json');
    expect(faultOf(bytes)).toBe('target-unknown');
    expect(faultOf(bytes, declared('node/a', 'node/b'))).toBe('target-mismatch');
    expect(faultOf(bytes, declared('image/a'))).toBe('target-mismatch');
    expect(faultOf(bytes, declared('node/a', 'cluster/cluster'))).toBe('');
    const policies = bytesOf({ Controls: [control('policies', row('5.1.1', 'PASS'))] });
    expect(faultOf(policies)).toBe('');
    expect(faultOf(policies, declared('node/a'))).toBe('target-mismatch');
  });

  it('are the results of several nodes in one report refused?', () => {
    const one = control('node', row('4.1.1', 'PASS'));
    expect(faultOf(bytesOf([one, one]), declared('node/a'))).toBe('target-mismatch');
    expect(faultOf(bytesOf([one, control('node', row('4.1.2', 'PASS'))]), declared('node/a'))).toBe('');
  });

  it('does a report that was cut, or a row that cannot be read, close nothing?', () => {
    const cut = { ...control('node', row('4.1.1', 'PASS')), total_pass: 2 };
    expect(parse([cut], 'node/a').coverage).toMatchObject([{ extent: 'partial', checks: null }]);
    const odd = parse([control('node', row('4.1.1', 'PASS'), row('4.1.2', 'GREEN'))], 'node/a');
    expect(odd.coverage).toMatchObject([{ extent: 'partial' }]);
    expect(odd.rejects).toMatchObject([{ pointer: '/0/tests/0/results/1/status' }]);
  });

  it('is it complete for the checks that it lists, and no others?', () => {
    const { coverage } = parse([control('node', row('4.1.1', 'PASS'))], 'node/a');
    expect(coverage).toEqual([
      {
        target: { kind: 'node', name: 'a' },
        source: 'kube-bench/node',
        extent: 'complete',
        checks: ['cis-1.9/4.1.1'],
        silentPass: [],
      },
    ]);
  });

  it('is a pass of a check that only a person makes none?', () => {
    const { results } = parse([control('node', row('4.1.1', 'PASS', { type: 'manual' }))], 'node/a');
    expect(results).toMatchObject([{ status: 'manual' }]);
  });

  it('is a report without results no evidence?', () => {
    expect(faultOf(bytesOf({ Controls: null, Totals: {} }))).toBe('empty-report');
    expect(faultOf(bytesOf({ Controls: [] }))).toBe('empty-report');
    expect(faultOf(bytesOf([control('node')]), declared('node/a'))).toBe('empty-report');
  });

  it('do process arguments stay out of messages?', () => {
    expect(JSON.stringify(parse(fixture('kube-bench/totals.json'), 'node/a'))).not.toContain('not-to-be-kept');
  });
});
