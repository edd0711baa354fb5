import { describe, expect, it } from 'vitest';
import { catalog } from '../../test/support/catalog-faults.js';

describe('what does a source speak of?', () => {
  it.each([
    ['trivy/misconfiguration', 'AVD-KSV-0014', 'trivy KSV-0014', ''],
    ['policy-report/kyverno', 'require-ro-rootfs/validate', 'kyverno require-ro-rootfs', 'validate'],
    ['policy-report/kyverno', 'require-ro-rootfs', 'kyverno require-ro-rootfs', ''],
    ['gatekeeper', 'K8sPSPPrivilegedContainer/clinic', 'gatekeeper K8sPSPPrivilegedContainer', 'clinic'],
    ['prowler', 'kubernetes/core_no_secrets_envs', 'prowler kubernetes/core_no_secrets_envs', ''],
    ['kubernetes/ControlPlaneInfo', 'audit-stages', 'kubernetes audit-stages', ''],
    ['sarif/trivy', 'KSV014', 'trivy KSV-0014', ''],
    ['sarif/checkov/main', 'CKV_K8S_16', 'checkov CKV_K8S_16', ''],
    ['policy-report/kubescape', 'C-0017/Immutable container filesystem', 'kubescape C-0017', 'Immutable container filesystem'],
    ['policy-report/kyvernovalidatingpolicy', 'require-ro-rootfs', 'kyverno require-ro-rootfs', ''],
    [
      'xccdf/ocp4-cis',
      'xccdf_org.ssgproject.content_rule_etcd_unique_ca',
      'compliance-operator xccdf_org.ssgproject.content_rule_etcd_unique_ca',
      '',
    ],
  ])('does a result of %s, %s, speak of %s?', (source, name, expected, part) => {
    const found = catalog.resolveResult(source, name);
    expect([`${found?.check.tool} ${found?.check.id}`, found?.part]).toEqual([expected, part]);
  });

  it.each([
    ['kyverno', 'require-ro-rootfs/validate'],
    ['policy-report/falco', 'require-ro-rootfs/validate'],
    ['policy-report/kyverno', 'restrict-annotations/x'],
    ['trivy-compliance/k8s-nsa-1-0', 'KSV-0014'],
    ['sarif/trivyfs', 'KSV014'],
    ['sarif/kubeaudit', 'AppArmorAnnotationMissing'],
    ['oscal/findings', 'xccdf_org.ssgproject.content_rule_etcd_unique_ca'],
    ['hdf/etcd', 'xccdf_org.ssgproject.content_rule_etcd_unique_ca'],
    ['xccdf/rhel7', 'xccdf_org.ssgproject.content_rule_disable_prelink'],
    ['checkov/terraform', 'CKV_AWS_93'],
    ['kubescape/ControlPlaneInfo', 'audit-stages'],
    ['custom/kubernetes', 'audit-stages'],
    ['', ''],
  ])('does a result of %s, %s, speak of nothing?', (source, name) => {
    expect(catalog.resolveResult(source, name)).toBeNull();
  });

  it.each([
    ['trivy/vulnerability', undefined, 'trivy VulnerabilityReport'],
    ['trivy/secret', 'aws-access-key-id', 'trivy ExposedSecretReport'],
    ['grype/vulnerability', 'ELSA-2026-1', 'grype vulnerabilities'],
    ['sarif/grype', 'CVE-2026-0001-busybox', 'grype vulnerabilities'],
    ['sarif/trivy/nightly', 'GHSA-aaaa-bbbb-cccc', 'trivy VulnerabilityReport'],
    ['cyclonedx/trivy/vulnerability', 'CVE-2026-0001', 'trivy VulnerabilityReport'],
  ])('is %s, %s, of a whole report?', (source, name, expected) => {
    const found = catalog.reportOf(source, name)?.check;
    expect(`${found?.tool} ${found?.id}`).toBe(expected);
    expect(found?.practices.length).toBeGreaterThan(0);
  });

  // A source that holds other things beside says by its silence nothing of any of them.
  it.each([
    ['sarif/trivy', undefined],
    ['sarif/trivy', 'KSV-0014'],
    ['sarif/trivy', 'aws-access-key-id'],
    ['cyclonedx/trivy/vex', 'CVE-2026-0001'],
    ['cyclonedx/trivy', undefined],
    ['trivy/sbomreport', undefined],
    ['trivy/misconfiguration', 'KSV-0014'],
    ['ocsf/trivy', 'CVE-2026-0001'],
    ['', ''],
  ])('is %s, %s, of none?', (source, name) => {
    expect(catalog.reportOf(source, name)).toBeNull();
  });
});
