/** Objects in which scanners keep their reports, read by one of the formats of docs/formats.md. */
export interface ReportKind {
  readonly group: string;
  /** The best first. */
  readonly versions: readonly string[];
  readonly resource: string;
  readonly kind: string;
}

/** What is posted as one document: a List that is complete for what its format says it covers. */
export interface ReportSet {
  /** Of its stream in the spool and in the log. */
  readonly name: string;
  readonly format: string;
  readonly kinds: readonly ReportKind[];
  /** A document for each engine that wrote results: what holds several is as new as the liveliest of them, and one that has died would not be seen to. */
  readonly byEngine: boolean;
}

const set = (
  name: string,
  format: string,
  group: string,
  versions: readonly string[],
  kinds: Record<string, string>,
  byEngine = false,
): ReportSet => ({
  name,
  format,
  byEngine,
  kinds: Object.entries(kinds).map(([kind, resource]) => ({ group, versions, resource, kind })),
});

const trivy = (name: string, kinds: Record<string, string>): ReportSet =>
  set(name, 'trivy-operator', 'aquasecurity.github.io', ['v1alpha1'], kinds);

/** A namespaced kind stands beside its cluster-wide one where results of both are one source: alone, either would close what the other says. */
export const REPORT_SETS: readonly ReportSet[] = [
  set(
    'policy-report',
    'policy-report',
    'wgpolicyk8s.io',
    ['v1beta1', 'v1alpha2', 'v1alpha1'],
    { PolicyReport: 'policyreports', ClusterPolicyReport: 'clusterpolicyreports' },
    true,
  ),
  set(
    'openreports',
    'openreports',
    'openreports.io',
    ['v1alpha1'],
    { Report: 'reports', ClusterReport: 'clusterreports' },
    true,
  ),
  trivy('vulnerabilities', { VulnerabilityReport: 'vulnerabilityreports' }),
  trivy('cluster-vulnerabilities', { ClusterVulnerabilityReport: 'clustervulnerabilityreports' }),
  trivy('exposed-secrets', { ExposedSecretReport: 'exposedsecretreports' }),
  trivy('config-audit', { ConfigAuditReport: 'configauditreports' }),
  trivy('cluster-config-audit', { ClusterConfigAuditReport: 'clusterconfigauditreports' }),
  trivy('rbac-assessment', {
    RbacAssessmentReport: 'rbacassessmentreports',
    ClusterRbacAssessmentReport: 'clusterrbacassessmentreports',
  }),
  trivy('infra-assessment', { InfraAssessmentReport: 'infraassessmentreports' }),
  trivy('cluster-infra-assessment', { ClusterInfraAssessmentReport: 'clusterinfraassessmentreports' }),
  trivy('compliance', { ClusterComplianceReport: 'clustercompliancereports' }),
  trivy('sbom', { SbomReport: 'sbomreports' }),
  trivy('cluster-sbom', { ClusterSbomReport: 'clustersbomreports' }),
];

/** Every kind of these sets: what the ClusterRole has to let the agent list. */
export const REPORT_KINDS: readonly ReportKind[] = REPORT_SETS.flatMap(({ kinds }) => kinds);
