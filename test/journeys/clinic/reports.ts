import { KINDS } from '../../../src/checks/kinds.js';
import { dayOf, later } from '../../../src/kernel/dates.js';

export { kubeBench } from '../../api/reports.js';

const PORTAL = { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'portal', uid: 'emr-portal', controller: true };
const DIGEST = `sha256:${'1'.repeat(64)}`;
const PHI = { 'data-classification': 'phi' };

/** What of the clinic's cluster changes in its year. */
export interface ClusterState {
  /** Restores of PHI that Velero has completed. */
  restores: readonly Date[];
  /** A namespace without a policy that denies: a migration is under way. */
  hasMigration: boolean;
}

interface KubernetesObject {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string };
}

/** The clinic's cluster as its agent collects it: one application that holds PHI, kept as the checks of what is asserted want it, and no better. */
export function snapshot(startedAt: Date, state: ClusterState): string {
  const objects = objectsAt(startedAt, state);
  const lists = KINDS.map(({ group, versions, resource, kind }) => ({ group, version: versions[0], resource, kind }));
  const head = {
    apiVersion: 'safeguard.dev/v1',
    kind: 'ClusterSnapshot',
    cluster: { uid: 'clinic-cluster', name: 'clinic' },
    serverVersion: { major: '1', minor: '34', gitVersion: 'v1.34.1', platform: 'linux/amd64' },
    collector: { name: 'safeguard', version: '0.1.0' },
    startedAt: startedAt.toISOString(),
    requested: lists,
    stripped: [],
  };
  const end = {
    apiVersion: 'safeguard.dev/v1',
    kind: 'ClusterSnapshotEnd',
    finishedAt: new Date(startedAt.getTime() + 9_000).toISOString(),
    lists: lists.map((list) => ({
      ...list,
      // Kinds of a whole group, whose API this cluster does not serve.
      outcome: list.resource === '*' ? 'absent' : 'complete',
      count: objects.filter(({ apiVersion, kind }) => kind === list.kind && groupOf(apiVersion) === list.group).length,
      reason: null,
    })),
  };
  return [head, ...objects, end].map((line) => `${JSON.stringify(line)}\n`).join('');
}

const groupOf = (apiVersion: string): string => (apiVersion.includes('/') ? apiVersion.split('/')[0]! : '');

function objectsAt(at: Date, { restores, hasMigration }: ClusterState): KubernetesObject[] {
  const namespaces = [
    namespace('kube-system', 'clinic-cluster', {}),
    namespace('emr', 'emr', PHI),
    ...(hasMigration ? [namespace('migration', 'migration', { 'data-classification': 'none' })] : []),
  ];
  return [...namespaces, ...WORKLOADS, ...ADMISSION, ...imageReports(at), ...backups(at), ...restores.map(restored)];
}

const namespace = (name: string, uid: string, labels: Record<string, string>) => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name, uid, labels },
});

const WORKLOADS = [
  {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name: 'cilium', namespace: 'kube-system', uid: 'cilium' },
    spec: { template: { spec: { containers: [{ name: 'cilium', image: `registry.example/cilium@${DIGEST}` }] } } },
    status: { desiredNumberScheduled: 1, currentNumberScheduled: 1, numberReady: 1 },
  },
  {
    apiVersion: PORTAL.apiVersion,
    kind: PORTAL.kind,
    metadata: { name: PORTAL.name, namespace: 'emr', uid: PORTAL.uid, labels: PHI },
    spec: {
      selector: { matchLabels: { app: 'portal' } },
      template: {
        metadata: { labels: { app: 'portal', ...PHI } },
        spec: { containers: [{ name: 'portal', image: `registry.example/portal@${DIGEST}` }] },
      },
    },
  },
  {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: 'data-portal-0', namespace: 'emr', uid: 'data-portal-0', labels: PHI },
    spec: { accessModes: ['ReadWriteOnce'] },
  },
  {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name: 'default-deny', namespace: 'emr', uid: 'default-deny' },
    spec: { podSelector: {}, policyTypes: ['Ingress', 'Egress'] },
  },
];

/** What refuses workloads that do not say whether they hold PHI, and images without a signed scan and bill of materials. */
const ADMISSION = [
  {
    apiVersion: 'kyverno.io/v1',
    kind: 'ClusterPolicy',
    metadata: { name: 'attested-images', uid: 'attested-images' },
    spec: {
      rules: [
        {
          name: 'attested',
          match: { any: [{ resources: { kinds: ['Pod'] } }] },
          verifyImages: [
            {
              imageReferences: ['registry.example/*'],
              failureAction: 'Enforce',
              attestations: [
                { type: 'https://cyclonedx.org/bom' },
                { type: 'https://cosign.sigstore.dev/attestation/vuln/v1' },
              ],
            },
          ],
        },
      ],
    },
  },
  {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingAdmissionPolicy',
    metadata: { name: 'phi-label', uid: 'phi-label' },
    spec: {
      failurePolicy: 'Fail',
      matchConstraints: { resourceRules: [{ apiGroups: ['apps'], resources: ['statefulsets'] }] },
      validations: [{ expression: "'data-classification' in object.metadata.?labels.orValue({})" }],
    },
  },
  {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingAdmissionPolicyBinding',
    metadata: { name: 'phi-label', uid: 'phi-label-binding' },
    spec: { policyName: 'phi-label', validationActions: ['Deny'] },
  },
];

/** What trivy-operator keeps of the one image: its vulnerabilities as of the day before, and its bill of materials. */
function imageReports(at: Date): KubernetesObject[] {
  const artifact = { repository: 'portal', digest: DIGEST };
  const report = (kind: string, said: object) => ({
    apiVersion: 'aquasecurity.github.io/v1alpha1',
    kind,
    metadata: {
      name: 'statefulset-portal-portal',
      namespace: 'emr',
      uid: kind,
      labels: { 'trivy-operator.container.name': 'portal' },
      ownerReferences: [PORTAL],
    },
    report: { updateTimestamp: later(at, -1).toISOString(), artifact, ...said },
  });
  return [
    report('VulnerabilityReport', { summary: { criticalCount: 0 } }),
    report('SbomReport', {
      summary: { componentsCount: 1, dependenciesCount: 1 },
      components: { bomFormat: 'CycloneDX', components: [{ type: 'library', name: 'libc6' }] },
    }),
  ];
}

/** The backups of the last four weeks, one a week, each made in the night before a scan. */
const backups = (at: Date): KubernetesObject[] =>
  [0, 7, 14, 21].map((back) => {
    const startTimestamp = later(at, -back - 1 / 6).toISOString();
    return {
      apiVersion: 'velero.io/v1',
      kind: 'Backup',
      metadata: { name: `weekly-${startTimestamp.slice(0, 10)}`, namespace: 'velero', uid: startTimestamp },
      spec: { includedNamespaces: ['*'], ttl: '720h0m0s', snapshotVolumes: true, storageLocation: 'default' },
      status: {
        phase: 'Completed',
        startTimestamp,
        completionTimestamp: later(new Date(startTimestamp), 1 / 48).toISOString(),
        expiration: later(new Date(startTimestamp), 30).toISOString(),
      },
    };
  });

const restored = (completed: Date): KubernetesObject & { spec: object; status: object } => ({
  apiVersion: 'velero.io/v1',
  kind: 'Restore',
  metadata: { name: `drill-${dayOf(completed)}`, namespace: 'velero' },
  spec: { backupName: 'weekly', includedNamespaces: ['emr'], namespaceMapping: { emr: 'emr-drill' } },
  status: {
    phase: 'Completed',
    startTimestamp: later(completed, -1 / 24).toISOString(),
    completionTimestamp: completed.toISOString(),
  },
});

export const KEY_ARN = 'arn:aws:kms:us-east-1:111122223333:key/11111111-2222-4333-8444-555555555555';

/** Three answers of AWS KMS about the clinic's key: what it is, whether it rotates by itself, and when it was rotated. */
export const kmsAnswers = (created: Date, rotations: readonly Date[]): string =>
  JSON.stringify([
    {
      KeyMetadata: {
        KeyId: KEY_ARN.split('/')[1],
        Arn: KEY_ARN,
        Enabled: true,
        KeyState: 'Enabled',
        KeyManager: 'CUSTOMER',
        CreationDate: created.toISOString(),
      },
    },
    { KeyId: KEY_ARN, KeyRotationEnabled: false },
    {
      Rotations: rotations.map((at) => ({
        KeyId: KEY_ARN,
        RotationDate: at.toISOString(),
        RotationType: 'ON_DEMAND',
      })),
      Truncated: false,
    },
  ]);
