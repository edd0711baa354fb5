import { describe, expect, it } from 'vitest';
import { bytesOf, declared, faultOf, fixture, golden } from '../../../test/fixtures/reports/load.js';
import type { Report } from '../report.js';
import { parseReport } from './index.js';

const NAME = 'kubeaudit/cluster.ndjson';
type Line = Record<string, unknown>;
const lines = () =>
  fixture(NAME)
    .toString()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
const parse = (document: unknown, ...targets: string[]): Report =>
  parseReport(Buffer.isBuffer(document) ? document : bytesOf(document), { declared: declared(...targets) });
const extents = (report: Report) => report.coverage.map(({ target, extent }) => [target.kind, extent]);

const result = (extra: Line = {}): Line => ({
  AuditResultName: 'PrivilegedTrue',
  Container: 'server',
  ResourceApiVersion: 'apps/v1',
  ResourceKind: 'Deployment',
  ResourceName: 'api',
  ResourceNamespace: 'clinic',
  level: 'error',
  msg: 'privileged',
  time: '2026-06-01T04:00:01+02:00',
  ...extra,
});

describe('kubeaudit', () => {
  it('do the lines give their golden rows?', () => {
    const report = parse(fixture(NAME), 'cluster/cluster');
    expect(report).toEqual(golden(NAME, report));
  });

  it('are lines of other loggers left out, before the first result and after it?', () => {
    const other = { level: 'warning', msg: 'x', time: '2026-06-01T04:00:00Z' };
    const report = parse([other, result(), { level: 'info', hello: 1 }], 'cluster/cluster');
    expect(report.results).toHaveLength(1);
    expect(report.rejects).toEqual([]);
    expect(report.notes).toEqual(['Lines that are no results of kubeaudit: 2.']);
    expect(extents(report)).toEqual([['cluster', 'partial']]);
  });

  it('is a log without a result, or with one only far below, no report of kubeaudit?', () => {
    const other = { level: 'info', msg: 'x', time: '2026-06-01T04:00:00Z' };
    expect(faultOf(bytesOf([other]))).toBe('unknown-format');
    expect(faultOf(bytesOf([...Array<Line>(100).fill(other), result()]))).toBe('unknown-format');
    expect(faultOf(bytesOf([{ rule: 'x', output: 'y' }, result()]))).toBe('unknown-format');
  });

  it('does an error between the results, or a result that cannot be read, leave everything open?', () => {
    const failed = { level: 'error', msg: 'cannot list pods', time: '2026-06-01T04:00:00Z' };
    for (const broken of [failed, result({ ResourceName: undefined }), result({ AuditResultName: 7 }), 'text']) {
      const report = parse([result(), broken], 'cluster/cluster');
      expect(report.rejects).toHaveLength(1);
      expect(extents(report)).toEqual([['cluster', 'partial']]);
    }
  });

  it('is no finding a pass, whatever its level says?', () => {
    const statuses = (extra: Line) => parse([result(extra)], 'cluster/cluster').results.map(({ status }) => status);
    expect(statuses({ level: 'warning' })).toEqual(['fail']);
    expect(statuses({ level: 'info' })).toEqual(['warn']);
    expect(statuses({ level: 'debug' })).toEqual([]);
    expect(statuses({ AuditResultName: 'RunAsUserPSCRoot' })).toEqual(['fail']);
    expect(statuses({ AuditResultName: 'RunAsUserPSCRoot', level: 'warning' })).toEqual(['warn']);
    expect(parse(fixture(NAME), 'cluster/cluster').results.map(({ status }) => status)).not.toContain('pass');
  });

  it('is a finding that a label overrides the same check, as `warn`, without the reason that somebody wrote?', () => {
    const report = parse(
      [
        result({ AuditResultName: 'PrivilegedTrueAllowed', level: 'info', OverrideReason: 'Not Kept says so' }),
        result({
          AuditResultName: 'MissingDefaultDenyIngressAndEgressNetworkPolicyAllowed',
          level: 'warning',
          ResourceKind: 'Namespace',
        }),
      ],
      'cluster/cluster',
    );
    expect(report.results.map(({ check, status }) => [check, status])).toEqual([
      ['PrivilegedTrue', 'warn'],
      ['MissingDefaultDenyIngressAndEgressNetworkPolicy', 'warn'],
    ]);
    expect(JSON.stringify([report, parse(fixture(NAME), 'cluster/cluster')])).not.toMatch(/Not Kept|not-to-be-kept/);
  });

  it('is what is said of a namespace counted in it, though it lies in none?', () => {
    const namespaces = parse(fixture(NAME), 'cluster/cluster').results.map(({ resource, namespace }) => [
      resource,
      namespace,
    ]);
    expect(namespaces).toContainEqual(['Namespace/clinic', 'clinic']);
    expect(namespaces).toContainEqual(['ComponentStatus/scheduler', null]);
  });

  it('has the poster to say what was audited?', () => {
    expect(faultOf(bytesOf(lines()))).toBe('target-unknown');
    expect(faultOf(bytesOf(lines()), declared('namespace/clinic'))).toBe('target-mismatch');
    expect(faultOf(bytesOf([result()]), declared('node/a'))).toBe('target-mismatch');
    expect(extents(parse([result()], 'namespace/clinic'))).toEqual([['namespace', 'partial']]);
    expect(extents(parse([result({ ResourceNamespace: '' })], 'repository/app'))).toEqual([['repository', 'partial']]);
    expect(faultOf(bytesOf([result()]), declared('repository/a', 'cluster/cluster'))).toBe('target-mismatch');
  });

  it('is it as old as its oldest result, and of no known time if one does not say?', () => {
    const later = result({ time: '2026-06-01T05:00:00+02:00', Container: 'b' });
    expect(parse([later, result()], 'cluster/cluster').observedAt).toBe('2026-06-01T02:00:01.000Z');
    expect(parse([later, result({ time: '2026-06-01T05:00:00' })], 'cluster/cluster').observedAt).toBeNull();
  });

  it('is one line alone a report?', () => {
    expect(parse(result(), 'cluster/cluster').results).toMatchObject([{ resource: 'clinic/Deployment/api#server' }]);
  });
});
