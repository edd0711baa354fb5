import { describe, expect, it } from 'vitest';
import { bytesOf, declared, faultOf, fixture, golden } from '../../../test/fixtures/reports/load.js';
import type { Report } from '../report.js';
import { parseReport } from './index.js';

const parse = (document: unknown, ...targets: string[]): Report =>
  parseReport(Buffer.isBuffer(document) ? document : bytesOf(document), { declared: declared(...targets) });

const report = (extra: object = {}, results: object[] = [{ policy: 'p', result: 'pass', source: 'kyverno' }]) => ({
  apiVersion: 'wgpolicyk8s.io/v1alpha2',
  kind: 'PolicyReport',
  metadata: { name: 'r', namespace: 'clinic' },
  scope: { apiVersion: 'v1', kind: 'Pod', name: 'a' },
  results,
  summary: { pass: results.length },
  ...extra,
});

describe('PolicyReport and OpenReports', () => {
  it.each(['policy-report/kyverno-list.yaml', 'policy-report/typed-list.json', 'openreports/two-documents.yaml'])(
    'does %s give its golden rows?',
    (name) => {
      const parsed = parse(fixture(name), 'cluster/cluster');
      expect(parsed).toEqual(golden(name, parsed));
    },
  );

  it('does it close something only where the poster says what was scanned?', () => {
    const extent = (document: unknown, ...targets: string[]) => parse(document, ...targets).coverage[0]?.extent;
    expect(extent(report())).toBe('partial');
    expect(extent(report(), 'cluster/cluster')).toBe('complete');
    expect(extent(report(), 'namespace/clinic')).toBe('complete');
    expect(faultOf(bytesOf(report()), declared('namespace/other'))).toBe('target-mismatch');
    expect(faultOf(bytesOf(report()), declared('node/a'))).toBe('target-mismatch');
  });

  it.each([{ summary: { pass: 2 } }, { summary: undefined }, { configuration: { limits: { maxResults: 5 } } }])(
    'is a report with %j partial, whatever is declared?',
    (extra) => {
      expect(parse(report(extra), 'cluster/cluster').coverage).toMatchObject([{ extent: 'partial' }]);
    },
  );

  it('is a result that does not say its result rejected, and never a pass?', () => {
    const parsed = parse(report({}, [{ policy: 'p' }, { policy: 'q', result: 'PASS' }, { policy: 'r', result: null }]));
    expect(parsed.results).toEqual([]);
    expect(parsed.rejects.map(({ pointer }) => pointer)).toEqual([
      '/results/0/result',
      '/results/1/result',
      '/results/2/result',
    ]);
  });

  it('is a result whose number cannot be read taken for no other?', () => {
    const parsed = parse(
      report({}, [{ policy: 'p', result: 'pass', properties: { index: ['1.2.3'] } }]),
      'cluster/cluster',
    );
    expect(parsed.results).toEqual([]);
    expect(parsed.rejects).toEqual([{ pointer: '/results/0/properties/index', reason: 'must be a text or number' }]);
  });

  it.each([
    'DB_URL=postgres://emr:hunter2@db/emr is not allowed',
    'a: Bearer hunter2hunter2hunter2',
    '-----BEGIN PRIVATE KEY-----',
  ])('is a text that quotes a secret dropped? (%s)', (message) => {
    const { results, notes } = parse(report({}, [{ policy: 'p', result: 'fail', message, category: message }]));
    expect(results).toMatchObject([{ title: '[dropped]', message: '[dropped]', status: 'fail' }]);
    expect(notes).toContain('Texts that have the form of a secret were dropped from results.');
  });

  it('are objects that list nothing no evidence?', () => {
    expect(faultOf(bytesOf(report({}, [])), declared('cluster/cluster'))).toBe('empty-report');
    const list = { apiVersion: 'v1', kind: 'List', items: [] };
    expect(faultOf(bytesOf(list))).toBe('unknown-format');
  });

  it('is something else in a list a reject, which leaves all of it partial?', () => {
    const list = { apiVersion: 'v1', kind: 'List', items: [report(), { apiVersion: 'v1', kind: 'Pod' }] };
    const parsed = parse(list, 'cluster/cluster');
    expect(parsed.rejects).toEqual([{ pointer: '/items/1/kind', reason: 'is no report of wgpolicyk8s.io' }]);
    expect(parsed.coverage.map(({ extent }) => extent)).toEqual(['partial']);
    // What a list is of, its first object says.
    list.items.reverse();
    expect(parse(list, 'cluster/cluster')).toMatchObject({ format: 'k8s-objects', results: [], rejects: [{}, {}] });
  });

  it('is it as old as the newest result, for an engine leaves what stays as it was with its old time?', () => {
    const result = (policy: string, seconds: unknown) => ({ policy, result: 'pass', timestamp: { seconds, nanos: 0 } });
    const of = (...results: object[]) => report({ summary: { pass: results.length } }, results);
    const list = (...items: object[]) => parse({ apiVersion: 'v1', kind: 'List', items }).observedAt;
    const [old, recent] = [result('a', 1_772_323_200), result('b', 1_780_300_800)];
    expect(list(of(recent, old))).toBe('2026-06-01T08:00:00.000Z');
    expect(list(of(recent), of(old))).toBe('2026-06-01T08:00:00.000Z');
    expect(list(of(old), of({ policy: 'c', result: 'pass' }))).toBe('2026-03-01T00:00:00.000Z');
    for (const seconds of [0, -1, '1780300800', null]) expect(list(of(result('a', seconds)))).toBeNull();
  });
});
