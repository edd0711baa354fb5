/*
 * Every kind of object that checks may read: what the agent asks the API server for, what its ClusterRole lets it list, and what completeness is reckoned in.
 * A kind that stands here costs each cluster a list per snapshot, so one stands here only while a check reads it.
 */

export interface Kind {
  /** As checks write it: the kind; `Kind.group` where another group of this table has the plain name (`Gateway.networking.istio.io`). */
  readonly name: string;
  readonly kind: string;
  /** "" of the core group. */
  readonly group: string;
  /** The versions whose fields checks know, the best first. An object of another version is not readable: its kind is not complete. */
  readonly versions: readonly string[];
  /** The plural of its URL. `*`: every resource of the group is of this kind (the constraints of Gatekeeper, one kind for each template). */
  readonly resource: string;
  readonly namespaced: boolean;
  /** `metadata`: asked for as PartialObjectMetadata, so that nothing else of the object leaves the API server. */
  readonly listed: 'object' | 'metadata';
  /** What the agent leaves out: secrets that a scanner found, and lists that are large and of no use to a check. Paths of fields; `[]` goes into a list. */
  readonly without: readonly string[];
}

interface Given {
  group: string;
  versions: string[];
  /** Kind → its plural. */
  namespaced?: Record<string, string>;
  cluster?: Record<string, string>;
  /** Names for kinds whose plain name is another's. */
  named?: Record<string, string>;
  metadata?: string[];
  without?: Record<string, string[]>;
}

/**
 * Groups of which every API server has the kinds of this table, since Kubernetes 1.21 in these versions: that one of them is absent is no word of an API server.
 * https://kubernetes.io/docs/reference/using-api/deprecation-guide/
 */
export const ALWAYS_SERVED: ReadonlySet<string> = new Set([
  '',
  'apps',
  'batch',
  'networking.k8s.io',
  'rbac.authorization.k8s.io',
  'storage.k8s.io',
]);

const GIVEN: readonly Given[] = [
  {
    group: '',
    versions: ['v1'],
    namespaced: {
      Pod: 'pods',
      ReplicationController: 'replicationcontrollers',
      Service: 'services',
      ServiceAccount: 'serviceaccounts',
      Secret: 'secrets',
      PersistentVolumeClaim: 'persistentvolumeclaims',
    },
    cluster: { Namespace: 'namespaces', Node: 'nodes', PersistentVolume: 'persistentvolumes' },
    // Secret: the type is in a list's Table too, which the agent asks for beside the metadata.
    metadata: ['Secret'],
    without: { Node: ['status.images'] },
  },
  {
    group: 'apps',
    versions: ['v1'],
    namespaced: {
      Deployment: 'deployments',
      StatefulSet: 'statefulsets',
      DaemonSet: 'daemonsets',
      ReplicaSet: 'replicasets',
    },
  },
  { group: 'batch', versions: ['v1'], namespaced: { Job: 'jobs', CronJob: 'cronjobs' } },
  {
    group: 'networking.k8s.io',
    versions: ['v1'],
    namespaced: { NetworkPolicy: 'networkpolicies', Ingress: 'ingresses' },
    cluster: { IngressClass: 'ingressclasses' },
  },
  {
    group: 'rbac.authorization.k8s.io',
    versions: ['v1'],
    namespaced: { Role: 'roles', RoleBinding: 'rolebindings' },
    cluster: { ClusterRole: 'clusterroles', ClusterRoleBinding: 'clusterrolebindings' },
  },
  { group: 'storage.k8s.io', versions: ['v1'], cluster: { StorageClass: 'storageclasses' } },
  {
    group: 'admissionregistration.k8s.io',
    versions: ['v1'],
    cluster: {
      ValidatingWebhookConfiguration: 'validatingwebhookconfigurations',
      MutatingWebhookConfiguration: 'mutatingwebhookconfigurations',
      ValidatingAdmissionPolicy: 'validatingadmissionpolicies',
      ValidatingAdmissionPolicyBinding: 'validatingadmissionpolicybindings',
    },
    without: {
      ValidatingWebhookConfiguration: ['webhooks[].clientConfig.caBundle'],
      MutatingWebhookConfiguration: ['webhooks[].clientConfig.caBundle'],
    },
  },
  {
    group: 'apiregistration.k8s.io',
    versions: ['v1'],
    cluster: { APIService: 'apiservices' },
    without: { APIService: ['spec.caBundle'] },
  },
  {
    group: 'certificates.k8s.io',
    versions: ['v1'],
    cluster: { CertificateSigningRequest: 'certificatesigningrequests' },
    without: { CertificateSigningRequest: ['spec.request', 'spec.extra', 'status.certificate'] },
  },
  {
    group: 'policy.networking.k8s.io',
    versions: ['v1alpha1'],
    cluster: {
      AdminNetworkPolicy: 'adminnetworkpolicies',
      BaselineAdminNetworkPolicy: 'baselineadminnetworkpolicies',
    },
  },
  {
    group: 'snapshot.storage.k8s.io',
    versions: ['v1'],
    namespaced: { VolumeSnapshot: 'volumesnapshots' },
    cluster: { VolumeSnapshotClass: 'volumesnapshotclasses', VolumeSnapshotContent: 'volumesnapshotcontents' },
  },
  {
    group: 'gateway.networking.k8s.io',
    versions: ['v1', 'v1beta1'],
    namespaced: { Gateway: 'gateways', HTTPRoute: 'httproutes' },
  },
  {
    group: 'gateway.networking.k8s.io',
    versions: ['v1', 'v1alpha3', 'v1alpha2'],
    namespaced: { BackendTLSPolicy: 'backendtlspolicies' },
  },
  {
    group: 'gateway.envoyproxy.io',
    versions: ['v1alpha1'],
    namespaced: { BackendTrafficPolicy: 'backendtrafficpolicies' },
  },
  {
    group: 'velero.io',
    versions: ['v1'],
    namespaced: {
      Schedule: 'schedules',
      Backup: 'backups',
      Restore: 'restores',
      BackupStorageLocation: 'backupstoragelocations',
    },
  },
  {
    group: 'cert-manager.io',
    versions: ['v1'],
    namespaced: { Certificate: 'certificates' },
  },
  {
    group: 'security.istio.io',
    versions: ['v1', 'v1beta1'],
    namespaced: {
      PeerAuthentication: 'peerauthentications',
      AuthorizationPolicy: 'authorizationpolicies',
      RequestAuthentication: 'requestauthentications',
    },
  },
  {
    group: 'networking.istio.io',
    versions: ['v1', 'v1beta1', 'v1alpha3'],
    namespaced: {
      DestinationRule: 'destinationrules',
      ServiceEntry: 'serviceentries',
      Sidecar: 'sidecars',
      Gateway: 'gateways',
      VirtualService: 'virtualservices',
    },
    named: { Gateway: 'Gateway.networking.istio.io' },
  },
  { group: 'telemetry.istio.io', versions: ['v1', 'v1alpha1'], namespaced: { Telemetry: 'telemetries' } },
  {
    group: 'policy.linkerd.io',
    versions: ['v1beta3', 'v1beta2', 'v1beta1'],
    namespaced: { Server: 'servers', ServerAuthorization: 'serverauthorizations' },
  },
  {
    group: 'policy.linkerd.io',
    versions: ['v1alpha1'],
    namespaced: { AuthorizationPolicy: 'authorizationpolicies', MeshTLSAuthentication: 'meshtlsauthentications' },
    named: { AuthorizationPolicy: 'AuthorizationPolicy.policy.linkerd.io' },
  },
  {
    group: 'cilium.io',
    versions: ['v2'],
    namespaced: { CiliumNetworkPolicy: 'ciliumnetworkpolicies' },
    cluster: { CiliumClusterwideNetworkPolicy: 'ciliumclusterwidenetworkpolicies' },
  },
  {
    // What calicoctl and Calico's controllers write; the aggregated API (projectcalico.org/v3) shows the same objects.
    group: 'crd.projectcalico.org',
    versions: ['v1'],
    namespaced: { NetworkPolicy: 'networkpolicies' },
    cluster: { GlobalNetworkPolicy: 'globalnetworkpolicies' },
    named: { NetworkPolicy: 'NetworkPolicy.crd.projectcalico.org' },
  },
  {
    group: 'kyverno.io',
    versions: ['v1', 'v2beta1'],
    namespaced: { Policy: 'policies' },
    cluster: { ClusterPolicy: 'clusterpolicies' },
  },
  {
    group: 'policies.kyverno.io',
    versions: ['v1', 'v1beta1', 'v1alpha1'],
    cluster: { ValidatingPolicy: 'validatingpolicies', ImageValidatingPolicy: 'imagevalidatingpolicies' },
  },
  { group: 'constraints.gatekeeper.sh', versions: ['v1beta1', 'v1alpha1'], cluster: { Constraint: '*' } },
  {
    group: 'policy.sigstore.dev',
    versions: ['v1beta1', 'v1alpha1'],
    cluster: { ClusterImagePolicy: 'clusterimagepolicies' },
  },
  {
    group: 'external-secrets.io',
    versions: ['v1', 'v1beta1'],
    namespaced: { ExternalSecret: 'externalsecrets', SecretStore: 'secretstores' },
    cluster: { ClusterSecretStore: 'clustersecretstores' },
  },
  {
    group: 'secrets-store.csi.x-k8s.io',
    versions: ['v1'],
    namespaced: { SecretProviderClass: 'secretproviderclasses' },
  },
  { group: 'bitnami.com', versions: ['v1alpha1'], namespaced: { SealedSecret: 'sealedsecrets' } },
  {
    group: 'aquasecurity.github.io',
    versions: ['v1alpha1'],
    namespaced: {
      VulnerabilityReport: 'vulnerabilityreports',
      ExposedSecretReport: 'exposedsecretreports',
      SbomReport: 'sbomreports',
      ConfigAuditReport: 'configauditreports',
    },
    cluster: {
      // Of the node collector: the only objects that show what kubelets are told.
      ClusterInfraAssessmentReport: 'clusterinfraassessmentreports',
      ClusterComplianceReport: 'clustercompliancereports',
    },
    without: {
      VulnerabilityReport: ['report.vulnerabilities'],
      ExposedSecretReport: ['report.secrets'],
      // Of its components the names, types and versions are left.
      SbomReport: [
        'report.components.dependencies',
        'report.components.metadata',
        'report.components.components[].bom-ref',
        'report.components.components[].group',
        'report.components.components[].purl',
        'report.components.components[].supplier',
        'report.components.components[].hashes',
        'report.components.components[].licenses',
        'report.components.components[].properties',
      ],
      ConfigAuditReport: ['report.checks'],
      ClusterComplianceReport: ['status.detailReport'],
    },
  },
  {
    group: 'wgpolicyk8s.io',
    versions: ['v1alpha2', 'v1beta1'],
    namespaced: { PolicyReport: 'policyreports' },
    cluster: { ClusterPolicyReport: 'clusterpolicyreports' },
    without: { PolicyReport: ['results'], ClusterPolicyReport: ['results'] },
  },
  {
    group: 'openreports.io',
    versions: ['v1alpha1'],
    namespaced: { Report: 'reports' },
    cluster: { ClusterReport: 'clusterreports' },
    without: { Report: ['results'], ClusterReport: ['results'] },
  },
  {
    group: 'postgresql.cnpg.io',
    versions: ['v1'],
    namespaced: { Cluster: 'clusters', Backup: 'backups', ScheduledBackup: 'scheduledbackups' },
    named: { Cluster: 'Cluster.postgresql.cnpg.io', Backup: 'Backup.postgresql.cnpg.io' },
  },
  { group: 'argoproj.io', versions: ['v1alpha1'], namespaced: { Application: 'applications' } },
  {
    group: 'kustomize.toolkit.fluxcd.io',
    versions: ['v1', 'v1beta2'],
    namespaced: { Kustomization: 'kustomizations' },
  },
  { group: 'monitoring.coreos.com', versions: ['v1'], namespaced: { PrometheusRule: 'prometheusrules' } },
  {
    group: 'config.openshift.io',
    versions: ['v1'],
    cluster: { APIServer: 'apiservers', OAuth: 'oauths', Image: 'images' },
  },
  {
    // Which images the nodes of OpenShift run only with a signature.
    group: 'config.openshift.io',
    versions: ['v1', 'v1alpha1'],
    namespaced: { ImagePolicy: 'imagepolicies' },
    cluster: { ClusterImagePolicy: 'clusterimagepolicies' },
    named: { ClusterImagePolicy: 'ClusterImagePolicy.config.openshift.io' },
  },
  { group: 'machine.openshift.io', versions: ['v1beta1'], namespaced: { Machine: 'machines' } },
  {
    group: 'observability.openshift.io',
    versions: ['v1'],
    namespaced: { ClusterLogForwarder: 'clusterlogforwarders' },
  },
  // That there are ways in beside Ingress and Gateway. A Route may hold its private key.
  { group: 'route.openshift.io', versions: ['v1'], namespaced: { Route: 'routes' }, metadata: ['Route'] },
  {
    group: 'traefik.io',
    versions: ['v1alpha1'],
    namespaced: { IngressRoute: 'ingressroutes' },
    metadata: ['IngressRoute'],
  },
  { group: 'projectcontour.io', versions: ['v1'], namespaced: { HTTPProxy: 'httpproxies' }, metadata: ['HTTPProxy'] },
  { group: 'k3s.cattle.io', versions: ['v1'], cluster: { ETCDSnapshotFile: 'etcdsnapshotfiles' } },
];

function kindsOf(given: Given): Kind[] {
  const of = (kinds: Record<string, string> | undefined, namespaced: boolean) =>
    Object.entries(kinds ?? {}).map(([kind, resource]) => ({
      name: given.named?.[kind] ?? kind,
      kind,
      group: given.group,
      versions: given.versions,
      resource,
      namespaced,
      listed: given.metadata?.includes(kind) === true ? ('metadata' as const) : ('object' as const),
      without: given.without?.[kind] ?? [],
    }));
  return [...of(given.namespaced, true), ...of(given.cluster, false)];
}

/** All of them, in the order in which a snapshot lists them. */
export const KINDS: readonly Kind[] = GIVEN.flatMap(kindsOf);

/** What no API server lists: the cluster itself, judged once. */
export const CLUSTER = 'Cluster';

/** The pod templates that people write, whatever their kind: see `isWorkload`. */
export const WORKLOAD = 'Workload';

/** The kinds of workloads, with the way to their pod template; a pod is its own. */
export const WORKLOADS: Readonly<Record<string, readonly string[]>> = {
  Deployment: ['spec', 'template'],
  StatefulSet: ['spec', 'template'],
  DaemonSet: ['spec', 'template'],
  CronJob: ['spec', 'jobTemplate', 'spec', 'template'],
  Job: ['spec', 'template'],
  ReplicaSet: ['spec', 'template'],
  ReplicationController: ['spec', 'template'],
  Pod: [],
};

const byName = new Map<string, Kind>();
for (const kind of KINDS) {
  byName.set(kind.name, kind);
  if (kind.group !== '') byName.set(`${kind.kind}.${kind.group}`, kind);
}

/** A kind as a check names it: `Pod`, `Schedule`, or with its group, `Schedule.velero.io`. */
export function kindNamed(name: string): Kind | null {
  return byName.get(name) ?? null;
}

const byGroup = new Map<string, Kind>();
const byWholeGroup = new Map<string, Kind>();
for (const kind of KINDS) {
  if (kind.resource === '*') byWholeGroup.set(kind.group, kind);
  else byGroup.set(`${kind.group}/${kind.kind}`, kind);
}

/** The kind of an object of that API group and kind, whatever its version. */
export function kindOf(group: string, kind: string): Kind | null {
  return byGroup.get(`${group}/${kind}`) ?? byWholeGroup.get(group) ?? null;
}
