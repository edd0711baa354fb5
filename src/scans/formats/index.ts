import { NO_RULES, type SnapshotRules } from '../../checks/snapshot-rules.js';
import type { SecurityEvent } from '../../events/event.js';
import type { CheckResult, Declared, Fact, Format, Report, ReportHead, Rows } from '../report.js';
import { BOUNDS, ReportFault } from '../report.js';
import type { SigningTrust } from '../signing-trust.js';
import { isList } from '../text/lazy-list.js';
import { readDocument } from '../text/read-document.js';
import { XmlElement } from '../text/xml-element.js';
import { Draft, isStorable } from './draft.js';
import { firstOf, isFields, Unreadable } from './fields.js';
import { awsKms } from './aws-kms.js';
import { azureKeyVault } from './azure-keyvault.js';
import { certManager } from './cert-manager.js';
import { checkov } from './checkov.js';
import { clusterSnapshot } from './cluster-snapshot.js';
import { cosignVerify } from './cosign-verify.js';
import { cycloneDx } from './cyclonedx.js';
import { externalSecrets } from './external-secrets.js';
import { falco } from './falco.js';
import { gatekeeper } from './gatekeeper.js';
import { gcpKms } from './gcp-kms.js';
import { grype } from './grype.js';
import { hdf } from './hdf.js';
import { intotoAttestation } from './intoto-attestation.js';
import { istio } from './istio.js';
import { k8sAuditEvents } from './k8s-audit-events.js';
import { k8sAuditPolicy } from './k8s-audit-policy.js';
import { k8sEncryptionConfiguration } from './k8s-encryption-configuration.js';
import { k8sObjects } from './k8s-objects.js';
import { kubeBench } from './kube-bench.js';
import { kubeLinter } from './kube-linter.js';
import { kubeaudit } from './kubeaudit.js';
import { kubernetesStorage } from './kubernetes-storage.js';
import { kubescape } from './kubescape.js';
import { ocsf } from './ocsf.js';
import { openReports } from './openreports.js';
import { oscal } from './oscal.js';
import { polaris } from './polaris.js';
import { policyReport } from './policy-report.js';
import { prowler } from './prowler.js';
import { safeguard } from './safeguard.js';
import { sarif } from './sarif.js';
import { secretsStoreCsi } from './secrets-store-csi.js';
import { spdx } from './spdx.js';
import { assertKinds } from './targets.js';
import { trivy } from './trivy.js';
import { trivyK8s } from './trivy-k8s.js';
import { trivyK8sCompliance } from './trivy-k8s-compliance.js';
import { trivyOperator } from './trivy-operator.js';
import { vaultTransit } from './vault-transit.js';
import { velero } from './velero.js';
import { xccdf } from './xccdf.js';

/** All formats that are read. No document is of two of them: a test holds it for every fixture. */
export const FORMATS: readonly Format[] = [
  awsKms,
  azureKeyVault,
  certManager,
  checkov,
  clusterSnapshot,
  cosignVerify,
  cycloneDx,
  externalSecrets,
  falco,
  gatekeeper,
  gcpKms,
  grype,
  hdf,
  intotoAttestation,
  istio,
  k8sAuditEvents,
  k8sAuditPolicy,
  k8sEncryptionConfiguration,
  k8sObjects,
  kubeBench,
  kubeLinter,
  kubeaudit,
  kubernetesStorage,
  kubescape,
  ocsf,
  openReports,
  oscal,
  polaris,
  policyReport,
  prowler,
  safeguard,
  sarif,
  secretsStoreCsi,
  spdx,
  trivy,
  trivyK8s,
  trivyK8sCompliance,
  trivyOperator,
  vaultTransit,
  velero,
  xccdf,
];

export interface ParseOptions {
  /** The slug that the poster named; without it the document decides. */
  format?: string | undefined;
  declared: Declared;
  /** By what signatures are verified; without it none is. */
  trust?: readonly SigningTrust[];
  /** By what snapshots of clusters are judged; called when one is read, and always the same. Without it none is. */
  rules?: () => SnapshotRules;
}

/** A document → what it says; its rows go to `rows` as they are read. Throws `ReportFault` and nothing else. */
export function readReport(document: unknown, options: ParseOptions, rows: Rows): ReportHead {
  const { format: name, declared, trust = [], rules = () => NO_RULES } = options;
  assertDeclared(declared);
  const named = name === undefined ? null : formatNamed(name);
  if (isEmpty(document)) throw new ReportFault('empty-report', 'The report is empty, so it proves nothing.');
  if (named && !named.detect(document)) {
    throw new ReportFault('wrong-format', `The report is not of the format ${named.slug}; ${whatWasSeen(document)}.`);
  }
  const format = named ?? detectFormat(document);
  assertKinds(declared, format.targets, format.slug);
  const draft = new Draft(format.slug, format.tool, declared, trust, rules, rows);
  try {
    format.read(document, draft);
    return draft.finish();
  } catch (error) {
    // What is outside of all rows and coverage: then nothing of the report can be trusted.
    if (error instanceof Unreadable) throw new ReportFault('malformed-report', error.reason, { pointer: error.at });
    throw error;
  }
}

/** Bytes of a report → the report with all its rows in memory. Throws `ReportFault` and nothing else. */
export function parseReport(bytes: Uint8Array, options: ParseOptions): Report {
  const results = new Map<string, CheckResult>();
  const facts = new Map<string, Fact>();
  const events: SecurityEvent[] = [];
  const head = readReport(readDocument(bytes), options, {
    observed: () => undefined,
    result: (series, _targetId, result) => results.set(series, result),
    fact: (series, _targetId, fact) => facts.set(series, fact),
    event: (event) => events.push(event),
  });
  return { ...head, results: [...results.values()], facts: [...facts.values()], events };
}

/** The one format of the document. Throws `ReportFault` unknown-format. */
export function detectFormat(document: unknown): Format {
  const found = FORMATS.find((format) => format.detect(document));
  if (found) return found;
  throw new ReportFault(
    'unknown-format',
    `The report is of no known format; ${whatWasSeen(document)}. Formats: ${slugs()}.`,
  );
}

/** The format of that slug. Throws `ReportFault` unknown-format. */
export function formatNamed(slug: string): Format {
  const format = FORMATS.find((known) => known.slug === slug);
  if (!format) throw new ReportFault('unknown-format', `There is no format of that name. Formats: ${slugs()}.`);
  return format;
}

function slugs(): string {
  return FORMATS.map((format) => format.slug).join(', ');
}

/** Names of a report's top, never its values. */
function whatWasSeen(document: unknown): string {
  if (document instanceof XmlElement) return `it is XML whose root is ${printableName(document.name)}`;
  const inArray = isList(document);
  const top = inArray ? firstOf(document) : document;
  if (!isFields(top)) return inArray ? 'it is an array that does not hold objects' : 'it is no object';
  const keys = Object.keys(top).slice(0, 10).map(printableName);
  return `${inArray ? 'it is an array whose first object has' : 'it has'} the keys ${keys.join(', ')}`;
}

function printableName(name: string): string {
  return name.slice(0, 40).replace(/[^\w.$@-]/g, '?');
}

function isEmpty(document: unknown): boolean {
  if (document === null) return true;
  if (isList(document)) return document.length === 0;
  return isFields(document) && Object.keys(document).length === 0;
}

function assertDeclared(declared: Declared): void {
  if (declared.targets.length > BOUNDS.targets) {
    throw new ReportFault('too-many-targets', `A report may be about ${BOUNDS.targets} targets.`);
  }
  for (const { name } of declared.targets) {
    if (name === '' || name.length > BOUNDS.targetName || !isStorable(name)) {
      throw new ReportFault('target-mismatch', 'A declared target has no usable name.');
    }
  }
}
