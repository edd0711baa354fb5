import { describe, expect, it } from 'vitest';
import { bytesOf, declared, faultOf, fixture, golden, parsed } from '../../../test/fixtures/reports/load.js';
import type { Report } from '../report.js';

const COMPLIANCE = 'ocsf/compliance.json';
const OLD = 'ocsf/before-1.1.json';
const VULNERABILITIES = 'ocsf/vulnerabilities.json';
const ACCOUNT = 'account/111122223333';

type Finding = Record<string, unknown>;
const findings = (name: string) => [JSON.parse(fixture(name).toString())].flat() as Finding[];
/** The first finding of a fixture, with some of it changed. */
const read = (name: string, more: Finding, ...targets: string[]): Report =>
  parsed([{ ...findings(name)[0], ...more }], ...targets);

describe('OCSF findings', () => {
  it.each([COMPLIANCE, OLD, VULNERABILITIES])('does %s give its golden rows?', (name) => {
    const report = parsed(fixture(name), ACCOUNT);
    expect(report).toEqual(golden(name, report));
  });

  it.each([
    [{ status: 'PASSED' }, 'pass'],
    [{ status: 'Pass', status_id: 1 }, 'pass'],
    [{ status_id: 1 }, 'pass'],
    [{ status: 'FAILED' }, 'fail'],
    [{ status: 'fail', status_id: 3 }, 'fail'],
    [{ status_id: 3 }, 'fail'],
    [{ status: 'Warning', status_id: 2 }, 'warn'],
    [{ status: 'WARNING' }, 'warn'],
    [{ status: 'NOT_AVAILABLE', status_id: 99 }, 'skip'],
  ])('does a check of which is said %j %s?', (compliance, status) => {
    expect(read(COMPLIANCE, { compliance: { control: 'C', ...compliance } }).results).toMatchObject([{ status }]);
  });

  it.each([
    {},
    { status: '' },
    { status: null, status_id: 1 },
    { status: 'compliant' },
    { status: 'constructor' },
    { status: 'Pass', status_id: 3 },
    { status: 'Fail', status_id: 1 },
    { status_id: 0 },
    { status_id: 99 },
    { status_id: '1' },
  ])('is %j rejected, and never a pass?', (compliance) => {
    const report = read(COMPLIANCE, { compliance: { control: 'C', ...compliance } }, ACCOUNT);
    expect(report).toMatchObject({ results: [], rejects: [{}], coverage: [] });
  });

  it.each([
    [{ status: 'New', status_id: 1 }, 'pass'],
    [{ status: 'Resolved', status_id: 4 }, 'pass'],
    [{ status: 'Suppressed', status_id: 3 }, 'warn'],
    [{ status: 'Archived', status_id: 5 }, 'warn'],
    [{ status: 'Deleted' }, 'warn'],
    [{ status: undefined, status_id: 3 }, 'warn'],
    [{ status: undefined, status_id: 6 }, 'warn'],
    [{ status: 'New', status_id: 3 }, 'pass'],
  ])('is a check that passed, of a finding that is %j, a %s?', (state, status) => {
    expect(read(COMPLIANCE, state).results).toMatchObject([{ status }]);
  });

  it('does a failed check that somebody calls resolved still fail?', () => {
    const compliance = { control: 'C', status: 'FAILED' };
    expect(read(COMPLIANCE, { compliance, status: 'Resolved', status_id: 4 }).results).toMatchObject([
      { status: 'fail' },
    ]);
  });

  it.each([
    [{ status: 'New', status_id: 1 }, 'fail'],
    [{ status: 'In Progress' }, 'fail'],
    [{ status: 'Other', status_id: 99 }, 'fail'],
    [{ status: undefined, status_id: undefined }, 'fail'],
    [{ status: 'Resolved' }, 'warn'],
    [{ status: undefined, status_id: 4 }, 'warn'],
    [{ status: 'Suppressed' }, 'warn'],
  ])('is a vulnerability of a finding that is %j a %s?', (state, status) => {
    expect(read(VULNERABILITIES, state).results).toMatchObject([{ status }]);
  });

  it('is a finding of before version 1.1 of a check or of vulnerabilities, and left out if it is of neither?', () => {
    const [vulnerable] = findings(VULNERABILITIES);
    const { vulnerabilities } = vulnerable ?? {};
    expect(read(OLD, { compliance: undefined, vulnerabilities }).results).toMatchObject([{ status: 'warn' }]);
    expect(read(OLD, { compliance: undefined, vulnerabilities, state: 'New' }).results).toMatchObject([
      { check: 'CVE-2026-0001', status: 'fail' },
    ]);
    expect(faultOf(bytesOf([{ ...findings(OLD)[0], compliance: undefined }]))).toBe('empty-report');
  });

  it('is the check named by its control, its code or the rule that found it?', () => {
    const product = { name: 'X', feature: { uid: 'rule' } };
    const checkOf = (compliance: object, metadata: object) =>
      read(COMPLIANCE, { compliance: { status: 'Pass', ...compliance }, metadata: { product, ...metadata } });
    expect(checkOf({ control: 'C' }, { event_code: 'E' }).results).toMatchObject([{ check: 'C' }]);
    expect(checkOf({}, { event_code: 'E' }).results).toMatchObject([{ check: 'E' }]);
    expect(checkOf({}, {}).results).toMatchObject([{ check: 'rule', source: 'ocsf/x' }]);
    expect(checkOf({}, { product: { name: 'X' } }).rejects).toMatchObject([{ pointer: '/0/compliance/control' }]);
  });

  it.each([
    [[{ uid: 'a', name: 'b' }, { name: 'c' }], undefined, ['a', 'c']],
    [undefined, { uid: 'r' }, ['r']],
    [[{ uid: 'a' }], { uid: 'r' }, ['a']],
    [[], undefined, ['111122223333']],
  ])('are %j and %j the resources %j?', (resources, resource, names) => {
    expect(read(COMPLIANCE, { resources, resource }).results.map((row) => row.resource)).toEqual(names);
  });

  it.each([{ resources: [{}] }, { resources: Array.from({ length: 201 }, () => ({ uid: 'a' })) }, { resources: 'a' }])(
    'is a finding without readable resources rejected? (%#)',
    (more) => {
      expect(read(COMPLIANCE, more)).toMatchObject({ results: [], rejects: [{}] });
    },
  );

  it('what does it close?', () => {
    const extents = (...targets: string[]) => parsed(fixture(COMPLIANCE), ...targets).coverage;
    expect(extents()).toMatchObject([{ extent: 'partial', checks: null }]);
    expect(extents(ACCOUNT)).toMatchObject([
      { extent: 'complete', checks: ['KMS.4', 'KMS.3', 'Config.1', 'ECR.1'], silentPass: [] },
    ]);
    const broken = parsed([...findings(COMPLIANCE), { class_uid: 2003 }], ACCOUNT);
    expect(broken.coverage).toMatchObject([{ extent: 'partial' }]);
  });

  it('does a declaration have to be of the account that is named, and is there one where none is?', () => {
    expect(faultOf(fixture(COMPLIANCE), declared('account/444455556666'))).toBe('target-mismatch');
    expect(faultOf(fixture(COMPLIANCE), declared('cluster/cluster'))).toBe('target-mismatch');
    const nameless = { cloud: undefined };
    expect(faultOf(bytesOf([{ ...findings(COMPLIANCE)[0], ...nameless }]))).toBe('target-unknown');
    expect(faultOf(bytesOf([{ ...findings(COMPLIANCE)[0], ...nameless }]), declared('cluster/prod'))).toBe(
      'target-mismatch',
    );
    for (const target of ['cluster/cluster', 'node/a', ACCOUNT]) {
      expect(read(COMPLIANCE, nameless, target).coverage).toMatchObject([{ extent: 'partial', checks: null }]);
    }
  });

  it('is the product the tool, as long as there is one?', () => {
    expect(parsed(fixture(COMPLIANCE))).toMatchObject({ tool: 'security-hub', toolVersion: null });
    expect(parsed(fixture(VULNERABILITIES))).toMatchObject({ tool: 'inspector', toolVersion: '2' });
    const both = parsed([...findings(COMPLIANCE), ...findings(VULNERABILITIES)]);
    expect(both).toMatchObject({ tool: 'ocsf', toolVersion: null });
    expect(both.coverage.map(({ source }) => source)).toEqual(['ocsf/security-hub', 'ocsf/inspector']);
  });

  it('was it so when the findings were last seen, and as long ago as the oldest?', () => {
    expect(parsed(fixture(COMPLIANCE)).observedAt).toBe('2026-06-01T08:00:00.000Z');
    expect(parsed(fixture(VULNERABILITIES)).observedAt).toBe('2026-06-01T08:00:00.000Z');
    const old = { ...findings(COMPLIANCE)[0], finding_info: {}, time: 1770000000000 };
    expect(parsed([...findings(COMPLIANCE), old]).observedAt).toBe('2026-02-02T02:40:00.000Z');
    expect(parsed([...findings(COMPLIANCE), { ...old, time: undefined }]).observedAt).toBeNull();
  });

  it.each([0, 1, 2, 3, 4, 5, 6, 99])('is severity %d one of ours?', (severity_id) => {
    const of = ['unknown', 'info', 'low', 'medium', 'high', 'critical', 'critical'];
    expect(read(COMPLIANCE, { severity_id }).results).toMatchObject([{ severity: of[severity_id] ?? 'unknown' }]);
  });

  it('do details, processes, owners and notes stay behind?', () => {
    const rows = [COMPLIANCE, OLD, VULNERABILITIES].map((name) => parsed(fixture(name)));
    expect(JSON.stringify(rows)).not.toMatch(/hunter2|jane/);
  });

  it('is a class that is no finding, or none that is known, of no format?', () => {
    for (const class_uid of [2004, 1001, '2003', null]) {
      expect(faultOf(bytesOf([{ ...findings(COMPLIANCE)[0], class_uid }]))).toBe('unknown-format');
    }
    expect(parsed([...findings(OLD), { class_uid: 1001 }]).rejects).toMatchObject([{ pointer: '/1/class_uid' }]);
  });

  it('is a person among the resources told by a pseudonym?', () => {
    const uid = 'arn:aws:iam::111122223333:user/jane.doe';
    const { results } = read(COMPLIANCE, { resources: [{ uid, name: 'jane.doe', type: 'AwsIamUser' }] }, ACCOUNT);
    expect(results).toMatchObject([
      { resource: expect.stringMatching(/^arn:aws:iam::111122223333:user\/sha256:[0-9a-f]{16}$/) as unknown },
    ]);
    expect(JSON.stringify(results)).not.toContain('jane');
  });
});
