import { describe, expect, it } from 'vitest';
import { bytesOf, declared, faultOf, fixture, fixtureNames, golden } from '../../../test/fixtures/reports/load.js';
import { currentCatalog } from '../../catalog/load.js';
import { ReportFault, type Report, type Rows } from '../report.js';
import { JSON_READING, readDocument } from '../text/read-document.js';
import { parseReport, readReport } from './index.js';

const CATALOG = currentCatalog();

const parse = (document: unknown): Report =>
  parseReport(Buffer.isBuffer(document) ? document : bytesOf(document), { declared: declared() });

const NODE = { kind: 'node', name: 'worker-1' };
const ROW = { check: 'disk-encrypted', resource: '/dev/sda', status: 'pass' };
const report = (extra: object = {}, target: object = {}) => ({
  safeguardReport: 1,
  tool: { name: 'badge-readers' },
  observedAt: '2026-03-01T02:00:00Z',
  targets: [{ ...NODE, complete: true, ...target }],
  results: [ROW],
  ...extra,
});
const pointerOf = (document: object): string | undefined => {
  try {
    parse(document);
    return undefined;
  } catch (error) {
    if (error instanceof ReportFault && error.code === 'malformed-report') return error.place.pointer;
    throw error;
  }
};

describe('reports of own tools', () => {
  it.each(fixtureNames('safeguard'))('does %s give its golden rows?', (name) => {
    const parsed = parse(fixture(name));
    expect(parsed).toEqual(golden(name, parsed));
  });

  it.each(['kube-bench', 'trivy', 'custom', 'policy-report'])(
    'can a tool that calls itself %s not speak for one?',
    (name) => {
      const { results, coverage } = parse(report({ tool: { name }, results: [{ ...ROW, check: 'cis-1.9/4.1.1' }] }));
      const sources = new Set([...results, ...coverage].map(({ source }) => source));
      expect([...sources]).toEqual([`custom/${name}`]);
      for (const source of sources) expect(CATALOG.resolveResult(source, 'cis-1.9/4.1.1')).toBeNull();
    },
  );

  it.each(['../trivy', 'trivy/vulnerability', 'Trivy', '', '検査', 'a b', 'a-', 'x'.repeat(101)])(
    'is a tool called %j refused, rather than called something like it?',
    (name) => {
      expect(pointerOf(report({ tool: { name } }))).toBe('/tool/name');
    },
  );

  it.each([
    ['/results2', { results2: [] }],
    ['/safeguardReport', { safeguardReport: 2 }],
    ['/tool', { tool: undefined }],
    ['/tool/email', { tool: { name: 'a', email: 'b' } }],
    ['/targets', { targets: [] }],
    ['/targets', { targets: { ...NODE, complete: true } }],
    ['/targets/0/complete', { targets: [NODE] }],
    ['/targets/0/kind', { targets: [{ kind: 'planet', name: 'x', complete: true }] }],
    ['/targets/0/only', { targets: [{ ...NODE, complete: true, only: 'x' }] }],
    ['/targets/0/name', { targets: [{ kind: 'cluster', name: 'prod', complete: true }] }],
    ['/targets/1', { targets: [NODE, NODE].map((target) => ({ ...target, complete: true })) }],
    ['/observedAt', { observedAt: '2026-03-01T02:00:00' }],
    ['/observedAt', { observedAt: '0001-01-01T00:00:00Z' }],
    ['/results', { results: ROW }],
    ['/facts', { facts: 'none' }],
  ])('is a report refused that is wrong at %s?', (pointer, extra) => {
    expect(pointerOf(report(extra))).toBe(pointer);
  });

  it('is a member that no text can name refused like any other?', () => {
    const text = JSON.stringify(report()).replace('{', '{"__proto__":{"results":[]},');
    expect(faultOf(Buffer.from(text))).toBe('malformed-report');
  });

  it.each([
    ['/results/1/check', { check: '' }],
    ['/results/1/status', { status: 'PASS' }],
    ['/results/1/severity', { severity: 'grave' }],
    ['/results/1/extra', { extra: 1 }],
    ['/results/1/target', { target: { kind: 'node', name: 'worker-2' } }],
    ['/results/1/target/name', { target: { kind: 'cluster', name: 'prod' } }],
    ['/results/1', { check: 'a\0b' }],
  ])('is a row that is wrong at %s rejected, and nothing closed?', (pointer, wrong) => {
    const parsed = parse(report({ results: [ROW, { ...ROW, ...wrong }] }));
    expect(parsed.results).toHaveLength(1);
    expect(parsed.rejects.map((reject) => reject.pointer)).toEqual([pointer]);
    expect(parsed.coverage).toMatchObject([{ extent: 'partial' }]);
  });

  it('is a fact held to its kind?', () => {
    const fact = { kind: 'volume-snapshot-class', subject: 'x', value: { driver: 'tape', deletionPolicy: null } };
    expect(parse(report({ facts: [fact] })).facts).toMatchObject([{ ...fact, source: 'custom/badge-readers' }]);
    const wrong = [
      { ...fact, kind: 'mood' },
      { ...fact, value: {} },
      { ...fact, value: null },
    ];
    expect(parse(report({ facts: wrong })).rejects.map(({ pointer }) => pointer)).toEqual([
      '/facts/0/kind',
      '/facts/1/value/driver',
      '/facts/2/value',
    ]);
  });

  it('what does it close?', () => {
    const covered = (extra: object, target: object = {}) =>
      parse(report(extra, target)).coverage.map(({ extent, checks }) => [extent, checks]);
    expect(covered({})).toEqual([['complete', null]]);
    expect(covered({}, { complete: false })).toEqual([['partial', null]]);
    expect(covered({}, { checks: ['disk-encrypted', 'clock'] })).toEqual([['complete', ['disk-encrypted', 'clock']]]);
    // A report without rows may be that of a tool that found nothing to look at.
    expect(covered({ results: [] })).toEqual([['partial', null]]);
    expect(covered({ results: [] }, { checks: ['disk-encrypted'] })).toEqual([['complete', ['disk-encrypted']]]);
    // It says that it did not make this check, and what came of it.
    expect(covered({}, { checks: ['clock'] })).toEqual([['partial', null]]);
  });

  it('must a row say its target where there are several?', () => {
    const targets = [
      { ...NODE, complete: true },
      { kind: 'cluster', name: 'emr-prod', complete: true },
    ];
    const named = { ...ROW, target: { kind: 'cluster', name: 'cluster' } };
    const parsed = parse(report({ clusterName: 'emr-prod', targets, results: [ROW, named] }));
    expect(parsed.rejects).toEqual([{ pointer: '/results/0/target', reason: expect.stringContaining('several') }]);
    expect(parsed.results).toMatchObject([{ target: { kind: 'cluster', name: 'cluster' } }]);
  });

  it('may its poster not declare what the report says itself?', () => {
    expect(faultOf(bytesOf(report()), declared('node/worker-1'))).toBe('target-mismatch');
  });

  it('is it read the same where its lists are too large to be held?', () => {
    const checks = ['disk-encrypted', ...Array.from({ length: 500 }, (_, index) => `check-${index}`)];
    const document = report(
      { results: Array.from({ length: 500 }, (_, n) => ({ ...ROW, resource: `/dev/${n}` })) },
      { checks },
    );
    const rows: string[] = [];
    const sink: Rows = {
      observed: () => undefined,
      result: (_, __, row) => rows.push(row.resource),
      fact: () => undefined,
      event: () => undefined,
    };
    const lazily = readDocument(bytesOf(document), { ...JSON_READING, window: 512, large: 256 });
    const head = readReport(lazily, { declared: declared() }, sink);
    expect(rows).toHaveLength(500);
    expect(head.coverage).toMatchObject([{ extent: 'complete', checks }]);
  });
});
