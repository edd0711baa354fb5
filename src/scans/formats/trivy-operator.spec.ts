import { describe, expect, it } from 'vitest';
import { bytesOf, declared, faultOf, fixture, golden } from '../../../test/fixtures/reports/load.js';
import { currentCatalog } from '../../catalog/load.js';
import type { Report } from '../report.js';
import { parseReport } from './index.js';

const parse = (document: unknown, ...targets: string[]): Report =>
  parseReport(Buffer.isBuffer(document) ? document : bytesOf(document), { declared: declared(...targets) });

const extents = (report: Report) =>
  report.coverage.map(({ target, source, extent }) => `${target.kind}/${target.name} ${source} ${extent}`);

const NO_FAILURES = { criticalCount: 0, highCount: 0, mediumCount: 0, lowCount: 0, unknownCount: 0 };

const object = (kind: string, report: object, metadata: object = {}) => ({
  apiVersion: 'aquasecurity.github.io/v1alpha1',
  kind,
  metadata: {
    namespace: 'clinic',
    labels: { 'trivy-operator.resource.kind': 'Pod', 'trivy-operator.resource.name': 'emr' },
    ...metadata,
  },
  report: { updateTimestamp: '2026-05-02T06:00:00Z', summary: NO_FAILURES, ...report },
});
const failure = { checkID: 'KSV001', severity: 'HIGH', success: false };
const listOf = (...items: object[]) => ({ apiVersion: 'v1', kind: 'List', items });

describe('Trivy Operator', () => {
  it.each(['trivy-operator/list.yaml', 'trivy-operator/by-crd.json', 'trivy-operator/compliance.yaml'])(
    'does %s give its golden rows?',
    (name) => {
      const report = parse(fixture(name), 'cluster/cluster');
      expect(report).toEqual(golden(name, report));
    },
  );

  it('does the catalogue know its checks, by tool and id, as those of Trivy?', () => {
    const catalog = currentCatalog();
    const checks = ['list.yaml', 'by-crd.json']
      .flatMap((name) => parse(fixture(`trivy-operator/${name}`), 'cluster/cluster').results)
      .filter(({ check }) => /^K[SC]V/.test(check));
    expect(checks).toHaveLength(6);
    for (const { source, check } of checks) {
      expect(catalog.resolveCheck(source.split('/')[0] ?? '', check)?.id, check).toBe(check);
    }
  });

  it('does it close something only where the poster says that these are all?', () => {
    const bytes = bytesOf(listOf(object('ConfigAuditReport', { checks: [] }), object('VulnerabilityReport', IMAGE)));
    expect(extents(parse(bytes))).toEqual([
      'cluster/cluster trivy/configauditreport partial',
      'image/clinic/emr:1 trivy/vulnerabilityreport partial',
    ]);
    expect(extents(parse(bytes, 'cluster/cluster'))).toEqual([
      'cluster/cluster trivy/configauditreport complete',
      'image/clinic/emr:1 trivy/vulnerabilityreport complete',
    ]);
    // Another namespace may run the same image.
    expect(extents(parse(bytes, 'namespace/clinic'))).toEqual([
      'namespace/clinic trivy/configauditreport complete',
      'image/clinic/emr:1 trivy/vulnerabilityreport partial',
    ]);
    expect(faultOf(bytes, declared('namespace/other'))).toBe('target-mismatch');
    expect(faultOf(bytes, declared('image/clinic/emr:1'))).toBe('target-mismatch');
  });
  const IMAGE = { artifact: { repository: 'clinic/emr', tag: '1' }, vulnerabilities: null };

  it('is a resource without failures covered, and vouched for by nothing?', () => {
    const report = parse(object('ConfigAuditReport', { checks: [] }), 'cluster/cluster');
    expect(report.coverage).toMatchObject([{ extent: 'complete', silentPass: [] }]);
    expect(report.results).toEqual([]);
  });

  it.each<[string, object]>([
    ['without a summary', { summary: undefined }],
    ['that counts more failures than it lists', { summary: { ...NO_FAILURES, highCount: 2 } }],
  ])('does a report %s close nothing?', (_, more) => {
    const report = parse(object('ConfigAuditReport', { checks: [failure], ...more }), 'cluster/cluster');
    expect(report.coverage).toMatchObject([{ extent: 'partial' }]);
    expect(report.results).toHaveLength(1);
  });

  it('are roles without cluster roles, or these without those, never all that RBAC is about?', () => {
    const [roles, clusterRoles] = [
      object('RbacAssessmentReport', { checks: [{ ...failure, success: true }] }),
      object('ClusterRbacAssessmentReport', { checks: [] }, { namespace: undefined }),
    ];
    const extentOf = (...items: object[]) => parse(listOf(...items), 'cluster/cluster').coverage[0]?.extent;
    expect(extentOf(roles)).toBe('partial');
    expect(extentOf(clusterRoles)).toBe('partial');
    expect(extentOf(roles, clusterRoles)).toBe('complete');
    expect(parse(roles, 'namespace/clinic').coverage).toMatchObject([{ target: { kind: 'namespace' } }]);
  });

  it.each([
    [{ ...failure, checkID: undefined }, '/report/checks/0/checkID'],
    [{ ...failure, checkID: '' }, '/report/checks/0/checkID'],
    [{ ...failure, success: undefined }, '/report/checks/0/success'],
    [{ ...failure, success: 'true' }, '/report/checks/0/success'],
  ])('is the check %j rejected, and its source left open?', (check, pointer) => {
    const report = parse(object('ConfigAuditReport', { checks: [check] }), 'cluster/cluster');
    expect(report.results).toEqual([]);
    expect(report.rejects).toMatchObject([{ pointer }]);
    expect(report.coverage).toMatchObject([{ extent: 'partial' }]);
  });

  it('is the namespace that of the object, whatever its label says, and a name that is no label read?', () => {
    const labels = { 'trivy-operator.resource.kind': 'Role', 'trivy-operator.resource.namespace': 'default' };
    const annotations = { 'trivy-operator.resource.name': 'system:controller:token-cleaner' };
    const [row] = parse(
      object('RbacAssessmentReport', { checks: [failure] }, { namespace: 'kube-system', labels, annotations }),
    ).results;
    expect(row).toMatchObject({
      namespace: 'kube-system',
      resource: 'kube-system/Role/system:controller:token-cleaner',
    });
    const nameless = parse(object('ConfigAuditReport', { checks: [] }, { labels: {} }));
    expect(nameless).toMatchObject({ coverage: [], rejects: [{ pointer: '/metadata/labels' }] });
  });

  it('is the time that of the oldest object, so that nothing stale looks fresh?', () => {
    const at = (updateTimestamp: string | undefined) => object('ConfigAuditReport', { checks: [], updateTimestamp });
    const timeOf = (...items: object[]) => parse(listOf(...items)).observedAt;
    expect(timeOf(at('2026-05-02T06:00:00Z'), at('2026-05-01T06:00:00Z'))).toBe('2026-05-01T06:00:00.000Z');
    expect(timeOf(at('2026-05-02T06:00:00Z'), at(undefined))).toBeNull();
    expect(timeOf(at('2021-1-1T10:10:10Z'))).toBeNull();
  });

  it('does no text of a secret come out?', () => {
    const report = parse(fixture('trivy-operator/list.yaml'));
    expect(JSON.stringify(report)).not.toContain('hunter2');
    expect(report.notes).toContain('The text of secrets was dropped.');
  });

  it('is an export of empty lists, or of what is not known, no evidence?', () => {
    expect(faultOf(bytesOf({ 'sbomreports.aquasecurity.github.io': [] }))).toBe('empty-report');
    expect(faultOf(bytesOf(object('OtherReport', {})))).toBe('unknown-format');
  });

  it('are bills of materials facts, complete if they list what they count and the cluster is declared?', () => {
    const components = [{ type: 'library', name: 'a', version: '1' }];
    const bill = (count: unknown, more: object = {}) => ({
      ...IMAGE,
      summary: { componentsCount: count },
      components: { bomFormat: 'CycloneDX', specVersion: '1.6', components, ...more },
    });
    const read = (report: object, ...targets: string[]) => parse(object('SbomReport', report), ...targets);
    expect(read(bill(2)).facts).toMatchObject([
      { kind: 'image-component', target: { kind: 'image', name: 'clinic/emr:1' }, subject: 'library/a@1' },
    ]);
    expect(extents(read(bill(2)))).toEqual(['image/clinic/emr:1 trivy/sbomreport partial']);
    expect(extents(read(bill(2), 'cluster/cluster'))).toEqual(['image/clinic/emr:1 trivy/sbomreport complete']);
    expect(extents(read(bill(2), 'namespace/clinic'))).toEqual(['image/clinic/emr:1 trivy/sbomreport partial']);
    for (const cut of [bill(3), bill(undefined), bill(2, { components: [{ version: '1' }] })]) {
      expect(extents(read(cut, 'cluster/cluster'))).toEqual(['image/clinic/emr:1 trivy/sbomreport partial']);
    }
    for (const more of [{ components: null }, { components: { components: [] } }, { components: [] }]) {
      expect(read({ ...bill(2), ...more })).toMatchObject({
        facts: [],
        rejects: [{ pointer: expect.stringMatching(/^\/report\/components/) as unknown }],
      });
    }
    const cluster = parse(object('ClusterSbomReport', bill(2), { namespace: undefined }), 'cluster/cluster');
    expect(extents(cluster)).toEqual(['cluster/cluster trivy/clustersbomreport complete']);
  });

  it('is something else in a list a reject, which leaves all of it partial?', () => {
    const pod = { apiVersion: 'v1', kind: 'Pod' };
    const report = parse(listOf(object('ConfigAuditReport', { checks: [] }), pod), 'cluster/cluster');
    expect(report.rejects).toMatchObject([{ pointer: '/items/1/kind' }]);
    expect(report.coverage).toMatchObject([{ extent: 'partial' }]);
  });
});

describe('compliance reports of Trivy Operator', () => {
  const report = (status: object) => ({
    apiVersion: 'aquasecurity.github.io/v1alpha1',
    kind: 'ClusterComplianceReport',
    metadata: { name: 'cis' },
    spec: { compliance: { id: 'cis' } },
    status: { updateTimestamp: '2026-05-02T06:00:00Z', ...status },
  });
  const control = (...checks: object[]) =>
    report({ detailReport: { id: 'cis', results: [{ id: '5.1.2', name: 'Secrets', severity: 'HIGH', checks }] } });

  it('is a control with one empty check neither passed nor covered?', () => {
    const parsed = parse(control({ checkID: '', severity: '', success: true }), 'cluster/cluster');
    expect(parsed.results).toEqual([]);
    expect(parsed.coverage).toMatchObject([{ extent: 'partial' }]);
    expect(parsed.notes).toContain('Controls without findings are not taken as passed.');
  });

  it('does an empty check that failed, or one without a target, leave everything open?', () => {
    for (const check of [
      { checkID: '', success: false },
      { checkID: 'AVD-KSV-0041', success: false },
      { checkID: 'AVD-KSV-0041', success: true },
    ]) {
      const parsed = parse(control(check), 'cluster/cluster');
      expect(parsed.results).toEqual([]);
      expect(parsed.rejects).toHaveLength(1);
      expect(parsed.coverage).toMatchObject([{ extent: 'partial' }]);
    }
  });

  it('do only controls with findings close anything?', () => {
    const parsed = parse(fixture('trivy-operator/compliance.yaml'), 'cluster/cluster');
    expect(parsed.coverage).toMatchObject([
      { extent: 'complete', checks: ['k8s-cis-1.23/5.1.2', 'k8s-cis-1.23/5.2.6'] },
      { extent: 'partial', checks: null },
    ]);
  });

  it.each([
    ['/clusterrole-csi-node-role', 'ClusterRole/csi-node-role', null],
    ['clinic/replicaset-portal-7c9d', 'clinic/ReplicaSet/portal-7c9d', 'clinic'],
    ['/widget-x', 'widget/x', null],
    ['nonsense', 'nonsense', null],
  ])('is the target %s the resource %s?', (target, resource, namespace) => {
    const [row] = parse(control({ checkID: 'AVD-KSV-0041', success: false, target })).results;
    expect(row).toMatchObject({ resource: `${resource}#KSV-0041`, namespace });
  });

  it('is a report that was not evaluated yet told, and proves nothing?', () => {
    const parsed = parse(report({}), 'cluster/cluster');
    expect(parsed).toMatchObject({ results: [], coverage: [{ extent: 'partial' }] });
    expect(parsed.notes.join()).toContain('without results');
  });
});
