import { describe, expect, it } from 'vitest';
import { bytesOf, declared, faultOf, fixture, golden } from '../../../test/fixtures/reports/load.js';
import type { Report } from '../report.js';
import { parseReport } from './index.js';

const parse = (document: unknown, ...targets: string[]): Report =>
  parseReport(Buffer.isBuffer(document) ? document : bytesOf(document), { declared: declared(...targets) });

const constraint = (status: object | undefined, spec: object = {}) => ({
  apiVersion: 'constraints.gatekeeper.sh/v1beta1',
  kind: 'K8sRequiredLabels',
  metadata: { name: 'owner' },
  spec,
  status,
});
const AUDITED = { auditTimestamp: '2026-05-02T06:00:01Z', byPod: [{ id: 'a', enforced: true }] };
const violation = { kind: 'Namespace', name: 'clinic', message: 'no owner', enforcementAction: 'deny' };

const statuses = (report: Report) => report.results.map(({ resource, status }) => `${resource} ${status}`);
const OWN = 'K8sRequiredLabels.constraints.gatekeeper.sh/owner';

describe('Gatekeeper', () => {
  it.each(['gatekeeper/constraints.yaml', 'gatekeeper/audit-log.json'])('does %s give its golden rows?', (name) => {
    const report = parse(fixture(name));
    expect(report).toEqual(golden(name, report));
  });

  it('does a constraint pass where it was audited and counts no violation, and is it then complete?', () => {
    const report = parse(constraint({ ...AUDITED, totalViolations: 0 }));
    expect(statuses(report)).toEqual([`${OWN} pass`]);
    expect(report.coverage).toMatchObject([{ extent: 'complete', checks: ['K8sRequiredLabels/owner'] }]);
  });

  const scoped = (...names: string[]) => ({
    enforcementAction: 'scoped',
    scopedEnforcementActions: [{ action: 'deny', enforcementPoints: names.map((name) => ({ name })) }],
  });

  it.each<[string, object, object]>([
    ['is not counted', AUDITED, {}],
    ['says no time', { ...AUDITED, totalViolations: 0, auditTimestamp: undefined }, {}],
    ['says an unreadable time', { ...AUDITED, totalViolations: 0, auditTimestamp: 'yesterday' }, {}],
    ['no pod took', { ...AUDITED, totalViolations: 0, byPod: [] }, {}],
    ['counts fewer than none', { ...AUDITED, totalViolations: -1 }, {}],
    ['is not in force', { ...AUDITED, totalViolations: 0, byPod: [{ enforced: false }] }, {}],
    ['has errors', { ...AUDITED, totalViolations: 0, byPod: [{ enforced: true, errors: [{}] }] }, {}],
    ['is of admission only', { ...AUDITED, totalViolations: 0 }, scoped('validation.gatekeeper.sh')],
    ['has no enforcement point', { ...AUDITED, totalViolations: 0 }, scoped()],
  ])('does a constraint that %s neither pass nor close anything?', (_, status, spec) => {
    const report = parse(constraint(status, spec));
    expect(report.results).toEqual([]);
    expect(report.coverage).toMatchObject([{ extent: 'partial', checks: null }]);
  });

  it('does a constraint without its specification not pass?', () => {
    expect(parse({ ...constraint({ ...AUDITED, totalViolations: 0 }), spec: undefined }).results).toEqual([]);
  });

  it('does one whose scoped actions reach the audit pass?', () => {
    for (const point of ['*', 'audit.gatekeeper.sh']) {
      const report = parse(constraint({ ...AUDITED, totalViolations: 0 }, scoped(point)));
      expect(statuses(report)).toEqual([`${OWN} pass`]);
    }
  });

  it('does a constraint that was never audited prove nothing?', () => {
    for (const status of [undefined, {}, { byPod: [] }]) {
      expect(faultOf(bytesOf(constraint(status)))).toBe('empty-report');
    }
  });

  it('are violations that the status does not list still a failure, and nothing of the constraint closed?', () => {
    for (const totalViolations of [21, undefined]) {
      const report = parse(constraint({ ...AUDITED, totalViolations, violations: [violation] }));
      expect(statuses(report)).toEqual(['Namespace/clinic fail', `${OWN} fail`]);
      expect(report.coverage).toMatchObject([{ extent: 'partial' }]);
    }
    const whole = parse(constraint({ ...AUDITED, totalViolations: 1, violations: [violation] }));
    expect(whole.coverage).toMatchObject([{ extent: 'complete', checks: ['K8sRequiredLabels/owner'] }]);
  });

  it('does a constraint that is there twice close nothing?', () => {
    const [none, one] = [
      constraint({ ...AUDITED, totalViolations: 0 }),
      constraint({ ...AUDITED, totalViolations: 1, violations: [violation] }),
    ];
    for (const twice of [
      [none, one],
      [one, none],
    ]) {
      const report = parse(twice);
      expect(report.results.map(({ status }) => status)).toEqual(['fail', 'fail']);
      expect(report.coverage).toMatchObject([{ extent: 'partial' }]);
    }
  });

  it.each(['dryrun', 'warn'])('is a violation of a constraint that is a %s a failure that says so?', (action) => {
    const row = { ...violation, enforcementAction: action };
    const [first] = parse(
      constraint({ ...AUDITED, totalViolations: 1, violations: [row] }, { enforcementAction: action }),
    ).results;
    expect(first).toMatchObject({ status: 'fail', message: `${action}: no owner` });
  });

  it('does a violation that cannot be read keep its constraint open, and let it fail?', () => {
    const report = parse(constraint({ ...AUDITED, totalViolations: 1, violations: [{ kind: 'Namespace' }] }));
    expect(report.rejects).toMatchObject([{ pointer: '/status/violations/0/name' }]);
    expect(statuses(report)).toEqual([`${OWN} fail`]);
    expect(report.coverage).toMatchObject([{ extent: 'partial' }]);
  });

  it('is a list of constraints read whose items leave out what they are?', () => {
    const { apiVersion, kind, ...item } = constraint({ ...AUDITED, totalViolations: 0 });
    const report = parse({ apiVersion, kind: `${kind}List`, items: [item] });
    expect(statuses(report)).toEqual([`${OWN} pass`]);
  });

  it('is it about the cluster and nothing else?', () => {
    const bytes = bytesOf(constraint({ ...AUDITED, totalViolations: 0 }));
    expect(faultOf(bytes, declared('cluster/cluster'))).toBe('');
    expect(faultOf(bytes, declared('cluster/other'))).toBe('target-mismatch');
    expect(faultOf(bytes, declared('namespace/clinic'))).toBe('target-mismatch');
  });
});

describe("Gatekeeper's log", () => {
  const line = (more: object) => ({
    process: 'audit',
    audit_id: '2026-05-02T06:00:01Z',
    constraint_kind: 'K8sRequiredLabels',
    constraint_name: 'owner',
    constraint_action: 'deny',
    ...more,
  });
  const violated = line({
    event_type: 'violation_audited',
    resource_kind: 'Namespace',
    resource_name: 'clinic',
    msg: 'no owner',
  });
  const counted = (count: unknown) => line({ event_type: 'constraint_audited', constraint_violations: count });
  const extentOf = (...lines: object[]) => parse(lines).coverage[0]?.extent;

  it('is a constraint complete where the log holds as many violations as it counts?', () => {
    expect(extentOf(violated, counted('1'))).toBe('complete');
    expect(extentOf(violated, counted('2'))).toBe('partial');
    expect(extentOf(violated)).toBe('partial');
    expect(extentOf(violated, counted('one'))).toBe('partial');
    expect(extentOf(violated, counted(1))).toBe('partial');
  });

  it('does a count without its lines let the constraint fail?', () => {
    expect(statuses(parse([counted('3')]))).toEqual([`${OWN} fail`]);
  });

  it('is a log never a pass?', () => {
    expect(faultOf(bytesOf([line({ event_type: 'audit_started' }), line({ event_type: 'audit_finished' })]))).toBe(
      'empty-report',
    );
    expect(statuses(parse([violated, counted('0')]))).toEqual(['Namespace/clinic fail', `${OWN} fail`]);
    expect(parse([counted('0')]).results).toEqual([]);
  });

  it('does the last of several audits speak, and no line without a time?', () => {
    const older = { ...violated, audit_id: '2026-05-02T05:00:01Z', resource_name: 'mended' };
    for (const lines of [
      [older, violated],
      [violated, older],
    ]) {
      const report = parse(lines);
      expect(statuses(report)).toEqual(['Namespace/clinic fail', `${OWN} fail`]);
      expect(report.observedAt).toBe('2026-05-02T06:00:01.000Z');
    }
    expect(faultOf(bytesOf([{ ...violated, audit_id: 'x' }]))).toBe('malformed-report');
  });
});
