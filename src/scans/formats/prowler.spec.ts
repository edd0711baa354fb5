import { describe, expect, it } from 'vitest';
import { bytesOf, declared, faultOf, fixture, golden, parsed } from '../../../test/fixtures/reports/load.js';
import { currentCatalog } from '../../catalog/load.js';
import type { Report } from '../report.js';

const CLUSTER = 'prowler-ocsf/kubernetes.json';
const ACCOUNT = 'prowler-ocsf/aws-v4.json';

type Finding = Record<string, unknown>;
const findings = (name: string) => JSON.parse(fixture(name).toString()) as Finding[];
/** The first finding of a fixture, which passes, with some of it changed. */
const read = (name: string, more: Finding, ...targets: string[]): Report =>
  parsed([{ ...findings(name)[0], ...more }], ...targets);

describe('Prowler', () => {
  it.each([
    [CLUSTER, ['cluster/clinic-prod']],
    [ACCOUNT, ['account/111122223333']],
  ] as const)('does %s give its golden rows?', (name, targets) => {
    const report = parsed(fixture(name), ...targets);
    expect(report).toEqual(golden(name, report));
  });

  it('does the catalogue know its checks as they are spelled here?', () => {
    const catalog = currentCatalog();
    for (const { check } of [...parsed(fixture(CLUSTER)).results, ...parsed(fixture(ACCOUNT)).results.slice(0, 1)]) {
      expect(catalog.resolveCheck('prowler', check)?.id, check).toBe(check);
    }
  });

  it.each([
    ['PASS', 'New', 'pass'],
    ['FAIL', 'New', 'fail'],
    ['MANUAL', 'New', 'manual'],
    ['PASS', 'Suppressed', 'warn'],
    ['FAIL', 'Suppressed', 'warn'],
    ['MANUAL', 'Suppressed', 'warn'],
  ])('is %s, %s, a %s?', (status_code, status, expected) => {
    expect(read(ACCOUNT, { status_code, status }).results).toMatchObject([{ status: expected }]);
  });

  it.each([
    { status_code: 'pass' },
    { status_code: '' },
    { status_code: undefined },
    { status_code: 'constructor' },
    { status: 'Resolved' },
    { status: undefined },
    { status: null },
    { class_uid: 2003 },
    { metadata: { product: { name: 'Prowler' } } },
    { metadata: { event_code: 'x', product: { name: 'Other' } } },
    { resources: [] },
    { resources: [{ uid: 'a' }, { uid: 'b' }] },
    { cloud: { provider: 'aws' } },
    { cloud: { provider: 'AWS/..', account: { uid: '1' } } },
    { cloud: undefined },
    { cloud: { provider: 'iac', account: { uid: 'iac' } } },
  ])('is a finding with %j rejected, and does it leave everything open?', (more) => {
    const report = parsed([findings(ACCOUNT)[1], { ...findings(ACCOUNT)[0], ...more }], 'account/111122223333');
    expect(report.results).toMatchObject([{ status: 'fail' }]);
    expect(report.rejects).toMatchObject([{ pointer: expect.stringMatching(/^\/1/) as unknown }]);
    expect(report.coverage).toMatchObject([{ extent: 'partial', checks: null }]);
  });

  it('is one finding alone, and are findings one per line, read too?', () => {
    const [first, second] = findings(CLUSTER);
    expect(parsed(first).results).toHaveLength(1);
    const lines = Buffer.from(`${JSON.stringify(first)}\n${JSON.stringify(second)}\n`);
    expect(parsed(lines).results.map(({ status }) => status)).toEqual(['pass', 'fail']);
  });

  it('does the same id of two providers stay apart?', () => {
    const azure = { ...findings(ACCOUNT)[0], cloud: { provider: 'azure', account: { uid: 'subscription-1' } } };
    const { results } = parsed([findings(ACCOUNT)[0], azure]);
    expect(results.map(({ check, source, target }) => [check, source, target.name])).toEqual([
      ['aws/kms_cmk_rotation_enabled', 'prowler/aws', '111122223333'],
      ['azure/kms_cmk_rotation_enabled', 'prowler/azure', 'subscription-1'],
    ]);
  });

  it('is a finding of Kubernetes known as such by older versions, which do not name the provider?', () => {
    const report = read(CLUSTER, { unmapped: { compliance: {} } });
    expect(report.results).toMatchObject([{ check: 'kubernetes/apiserver_anonymous_requests' }]);
    expect(report.clusterName).toBeNull();
  });

  it('what does it close?', () => {
    const extents = (name: string, ...targets: string[]) =>
      parsed(fixture(name), ...targets).coverage.map(({ target, extent, checks }) => [
        `${target.kind}/${target.name}`,
        extent,
        checks?.length ?? null,
      ]);
    expect(extents(ACCOUNT)).toEqual([['account/111122223333', 'partial', null]]);
    expect(extents(ACCOUNT, 'account/111122223333')).toEqual([['account/111122223333', 'complete', 4]]);
    expect(extents(CLUSTER)).toEqual([['cluster/cluster', 'partial', null]]);
    expect(extents(CLUSTER, 'cluster/cluster')).toEqual([['cluster/cluster', 'complete', 4]]);
    expect(extents(CLUSTER, 'namespace/kube-system', 'namespace/monitoring')).toEqual([
      ['namespace/kube-system', 'complete', 2],
      ['namespace/monitoring', 'complete', 1],
      ['cluster/cluster', 'partial', null],
    ]);
  });

  it.each([
    [ACCOUNT, 'account/444455556666'],
    [ACCOUNT, 'cluster/cluster'],
    [ACCOUNT, 'node/a'],
    [CLUSTER, 'account/111122223333'],
    [CLUSTER, 'cluster/other'],
    [CLUSTER, 'namespace/kube-system'],
  ])('does %s contradict the declaration %s?', (name, target) => {
    expect(faultOf(fixture(name), declared(target))).toBe('target-mismatch');
  });

  it('is a second cluster in one report rejected?', () => {
    const [first] = findings(CLUSTER);
    const other = { ...first, unmapped: { provider: 'kubernetes', provider_uid: 'clinic-test' } };
    const report = parsed([first, other], 'cluster/clinic-prod');
    expect(report).toMatchObject({ clusterName: 'clinic-prod', rejects: [{ pointer: '/1/unmapped/provider_uid' }] });
    expect(report.coverage).toMatchObject([{ extent: 'partial' }]);
  });

  it.each([
    [{ time: 1780300800 }, '2026-06-01T08:00:00.000Z'],
    [{ time: 1780300800000 }, '2026-06-01T08:00:00.000Z'],
    [{ time_dt: '2026-06-01T10:00:00+02:00' }, '2026-06-01T08:00:00.000Z'],
    [{ time_dt: '2026-06-01T10:00:00' }, null],
    [{ time: 0 }, null],
    [{ time: '2026-06-01T10:00:00' }, null],
    [{}, null],
  ])('is a report of %j from %j?', (more, expected) => {
    expect(read(ACCOUNT, more).observedAt).toBe(expected);
  });

  it('is it as old as the oldest finding, and of no known time if one has none?', () => {
    const [first] = findings(ACCOUNT);
    const at = (...times: unknown[]) => parsed(times.map((time) => ({ ...first, time }))).observedAt;
    expect(at(1780300800, 1780300000)).toBe('2026-06-01T07:46:40.000Z');
    expect(at(1780300800, undefined)).toBeNull();
  });

  it('do command lines, environments, labels, names of accounts and addresses of people stay behind?', () => {
    expect(JSON.stringify([parsed(fixture(CLUSTER)), parsed(fixture(ACCOUNT))])).not.toMatch(/hunter2|jane/);
    const [row] = read(ACCOUNT, { status_detail: 'user:jane@clinic.example. uses image@sha256:abc.' }).results;
    expect(row?.message).toBe('(address) uses image@sha256:abc.');
  });

  it('is the account of a person told by a pseudonym, and nothing else of the person?', () => {
    const [finding] = findings(ACCOUNT);
    const [resource] = finding?.['resources'] as Finding[];
    const row = (more: Finding, status_detail: string) =>
      read(ACCOUNT, { resources: [{ ...resource, ...more }], status_detail }).results[0];
    const user = (name: string) =>
      row({ uid: `arn:aws:iam::111122223333:user/${name}`, name, type: 'AwsIamUser' }, `User ${name} has no MFA.`);
    expect(user('jane.doe')).toMatchObject({
      resource: expect.stringMatching(/^eu-central-1\/arn:aws:iam::111122223333:user\/sha256:[0-9a-f]{16}$/) as unknown,
      message: '',
    });
    expect(user('jane.doe')?.resource).not.toBe(user('joe')?.resource);
    const azure = { uid: '11111111-2222-4333-8444-555555555555', name: 'Jane', type: '#microsoft.graph.users' };
    expect(row(azure, 'User Jane has no MFA.')).toMatchObject({ resource: `eu-central-1/${azure.uid}`, message: '' });
    const role = { uid: 'arn:aws:iam::111122223333:role/Audit', name: 'Audit', type: 'AwsIamRole' };
    expect(row(role, 'Role Audit is wide.')).toMatchObject({ message: 'Role Audit is wide.' });
  });

  it('is another producer of Detection Findings not taken for it?', () => {
    const [first] = findings(ACCOUNT);
    expect(faultOf(bytesOf([{ ...first, metadata: { product: { name: 'GuardDuty' } } }]))).toBe('unknown-format');
  });
});
