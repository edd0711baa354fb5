/** Objects of a cluster as an API server lists them, made up: the same ones for the same number of pods. */

type Json = Record<string, unknown>;

/** For 10,000 pods; fewer pods have the same share of each. */
const PER_10_000 = {
  namespaces: 500,
  nodes: 200,
  deployments: 2_500,
  serviceAccounts: 2_000,
  policies: 1_000,
  services: 2_000,
  claims: 1_500,
  secrets: 2_500,
  configMaps: 2_000,
  roles: 1_000,
  clusterRoles: 120,
  ingresses: 300,
  backups: 1_500,
  reports: 2_500,
} as const;

const TIME = '2026-11-25T08:00:00Z';
const hex = (seed: number): string => seed.toString(16).padStart(8, '0').repeat(8);
const uid = (kind: string, index: number): string => `${kind.toLowerCase()}-${hex(index).slice(0, 24)}`;

/** Each object of the cluster, one after another. */
export function* objectsOf(pods: number): Generator<Json> {
  const share = (of: keyof typeof PER_10_000): number => Math.max(1, Math.round((PER_10_000[of] * pods) / 10_000));
  const namespaces = share('namespaces');
  const deployments = share('deployments');
  const accounts = share('serviceAccounts');
  const home = (index: number): string => `ns-${index % namespaces}`;
  const object = (
    apiVersion: string,
    kind: string,
    name: string,
    namespace: string | null,
    index: number,
    more: Json,
    metadata: Json = {},
  ): Json => ({
    apiVersion,
    kind,
    metadata: {
      name,
      ...(namespace === null ? {} : { namespace }),
      uid: uid(kind, index),
      resourceVersion: `${1_000_000 + index}`,
      creationTimestamp: TIME,
      ...metadata,
    },
    ...more,
  });
  const list = function* (count: number, make: (index: number) => Json): Generator<Json> {
    for (let index = 0; index < count; index++) yield make(index);
  };

  yield object('v1', 'Namespace', 'kube-system', null, 900_000, {}, { uid: 'bench' });
  yield* list(namespaces, (index) =>
    object(
      'v1',
      'Namespace',
      home(index),
      null,
      index,
      { spec: { finalizers: ['kubernetes'] }, status: { phase: 'Active' } },
      {
        labels: {
          'kubernetes.io/metadata.name': home(index),
          'pod-security.kubernetes.io/enforce': index % 3 === 0 ? 'baseline' : 'restricted',
          ...(index % 2 === 0 ? { 'data-classification': 'phi' } : {}),
        },
      },
    ),
  );
  yield* list(share('nodes'), (index) =>
    object('v1', 'Node', `node-${index}`, null, index, {
      spec: { providerID: `kvm://node-${index}`, podCIDR: '10.0.0.0/24' },
      status: {
        nodeInfo: {
          kubeletVersion: 'v1.34.1',
          containerRuntimeVersion: 'containerd://2.1.0',
          osImage: 'Talos',
          kernelVersion: '6.12',
        },
        conditions: [{ type: 'Ready', status: 'True' }],
      },
    }),
  );
  yield* list(accounts, (index) =>
    object('v1', 'ServiceAccount', `sa-${index}`, home(index), index, {
      automountServiceAccountToken: index % 4 !== 0,
    }),
  );
  yield* list(deployments, (index) =>
    object(
      'apps/v1',
      'Deployment',
      `app-${index}`,
      home(index),
      index,
      {
        spec: {
          replicas: 4,
          selector: { matchLabels: { app: `app-${index}` } },
          template: templateOf(index, accounts, namespaces),
        },
        status: { readyReplicas: 4 },
      },
      { labels: { app: `app-${index}` } },
    ),
  );
  yield* list(deployments, (index) =>
    object(
      'apps/v1',
      'ReplicaSet',
      `app-${index}-1`,
      home(index),
      index,
      { spec: { replicas: 4, template: templateOf(index, accounts, namespaces) }, status: { readyReplicas: 4 } },
      {
        ownerReferences: [
          {
            apiVersion: 'apps/v1',
            kind: 'Deployment',
            name: `app-${index}`,
            uid: uid('Deployment', index),
            controller: true,
          },
        ],
      },
    ),
  );
  yield* list(pods, (number) => {
    const index = number % deployments;
    const { metadata, spec } = templateOf(index, accounts, namespaces);
    return object(
      'v1',
      'Pod',
      `app-${index}-1-${number}`,
      home(index),
      number,
      {
        spec: {
          ...spec,
          nodeName: `node-${number % share('nodes')}`,
          tolerations: [
            { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 },
          ],
        },
        status: {
          phase: 'Running',
          podIP: '10.0.0.1',
          containerStatuses: [
            { name: 'main', ready: true, restartCount: 0, imageID: `registry.example.org/app@sha256:${hex(index)}` },
          ],
        },
      },
      {
        ...metadata,
        ownerReferences: [
          {
            apiVersion: 'apps/v1',
            kind: 'ReplicaSet',
            name: `app-${index}-1`,
            uid: uid('ReplicaSet', index),
            controller: true,
          },
        ],
      },
    );
  });
  yield* list(share('policies'), (index) =>
    object('networking.k8s.io/v1', 'NetworkPolicy', `policy-${index}`, home(index), index, {
      spec:
        index < namespaces
          ? { podSelector: {}, policyTypes: ['Ingress', 'Egress'] }
          : {
              podSelector: { matchExpressions: [{ key: 'app', operator: 'Exists' }] },
              policyTypes: ['Ingress', 'Egress'],
              ingress: [
                {
                  from: [{ namespaceSelector: { matchLabels: { 'data-classification': 'phi' } } }],
                  ports: [{ port: 8080 }],
                },
              ],
              egress: [
                {
                  to: [{ ipBlock: { cidr: '10.0.0.0/8', except: ['10.1.0.0/16'] } }],
                  ports: [{ protocol: 'UDP', port: 53 }],
                },
              ],
            },
    }),
  );
  yield* list(share('services'), (index) =>
    object('v1', 'Service', `app-${index}`, home(index), index, {
      spec: {
        type: 'ClusterIP',
        selector: { app: `app-${index}` },
        ports: [{ name: 'http', port: 80, targetPort: 8080 }],
      },
    }),
  );
  yield object('storage.k8s.io/v1', 'StorageClass', 'fast', null, 0, {
    provisioner: 'ebs.csi.aws.com',
    parameters: { encrypted: 'true', kmsKeyId: 'arn:aws:kms:eu-central-1:1:key/1' },
    reclaimPolicy: 'Delete',
  });
  yield* list(share('claims'), (index) =>
    object('v1', 'PersistentVolumeClaim', `data-${index}`, home(index), index, {
      spec: { storageClassName: 'fast', volumeName: `pv-${index}`, resources: { requests: { storage: '10Gi' } } },
      status: { phase: 'Bound' },
    }),
  );
  yield* list(share('claims'), (index) =>
    object('v1', 'PersistentVolume', `pv-${index}`, null, index, {
      spec: {
        capacity: { storage: '10Gi' },
        storageClassName: 'fast',
        persistentVolumeReclaimPolicy: 'Delete',
        claimRef: { kind: 'PersistentVolumeClaim', namespace: home(index), name: `data-${index}` },
        csi: { driver: 'ebs.csi.aws.com', volumeHandle: `vol-${index}` },
      },
      status: { phase: 'Bound' },
    }),
  );
  yield* list(share('secrets'), (index) =>
    object('v1', 'Secret', `secret-${index}`, home(index), index, { type: 'Opaque' }),
  );
  yield* list(share('configMaps'), (index) => object('v1', 'ConfigMap', `config-${index}`, home(index), index, {}));
  const rule = (index: number): Json => ({
    apiGroups: [''],
    resources: index % 50 === 0 ? ['secrets', 'pods'] : ['pods', 'services'],
    verbs: ['get', 'list', 'watch'],
  });
  yield* list(share('roles'), (index) =>
    object('rbac.authorization.k8s.io/v1', 'Role', `role-${index}`, home(index), index, { rules: [rule(index)] }),
  );
  yield* list(share('roles'), (index) =>
    object('rbac.authorization.k8s.io/v1', 'RoleBinding', `binding-${index}`, home(index), index, {
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: `role-${index}` },
      subjects: [
        { kind: 'ServiceAccount', name: `sa-${index % accounts}`, namespace: home(index % accounts) },
        { kind: 'Group', name: `team-${index % 40}`, apiGroup: 'rbac.authorization.k8s.io' },
      ],
    }),
  );
  yield* list(share('clusterRoles'), (index) =>
    object(
      'rbac.authorization.k8s.io/v1',
      'ClusterRole',
      `cluster-role-${index}`,
      null,
      index,
      index % 10 === 0
        ? { aggregationRule: { clusterRoleSelectors: [{ matchLabels: { aggregate: 'yes' } }] }, rules: [] }
        : { rules: [rule(index)] },
      { labels: { aggregate: index % 3 === 0 ? 'yes' : 'no' } },
    ),
  );
  yield* list(share('clusterRoles'), (index) =>
    object('rbac.authorization.k8s.io/v1', 'ClusterRoleBinding', `cluster-binding-${index}`, null, index, {
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: `cluster-role-${index}` },
      subjects: [{ kind: 'Group', name: `team-${index % 40}`, apiGroup: 'rbac.authorization.k8s.io' }],
    }),
  );
  yield* list(share('ingresses'), (index) =>
    object('networking.k8s.io/v1', 'Ingress', `app-${index}`, home(index), index, {
      spec: {
        ingressClassName: 'nginx',
        tls: [{ hosts: [`app-${index}.example.org`], secretName: 'tls' }],
        rules: [
          {
            host: `app-${index}.example.org`,
            http: {
              paths: [
                { path: '/', pathType: 'Prefix', backend: { service: { name: `app-${index}`, port: { number: 80 } } } },
              ],
            },
          },
        ],
      },
    }),
  );
  yield* list(namespaces, (index) =>
    object('velero.io/v1', 'Schedule', `daily-${index}`, 'velero', index, {
      spec: { schedule: '0 3 * * *', template: { includedNamespaces: [home(index)], ttl: '720h' } },
      status: { phase: 'Enabled', lastBackup: TIME },
    }),
  );
  yield* list(share('backups'), (index) =>
    object(
      'velero.io/v1',
      'Backup',
      `daily-${index}`,
      'velero',
      index,
      {
        spec: { includedNamespaces: [home(index)] },
        status: { phase: 'Completed', startTimestamp: TIME, completionTimestamp: TIME },
      },
      { labels: { 'velero.io/schedule-name': `daily-${index % namespaces}` } },
    ),
  );
  yield* list(share('reports'), (index) =>
    object(
      'aquasecurity.github.io/v1alpha1',
      'VulnerabilityReport',
      `replicaset-app-${index}-1-main`,
      home(index),
      index,
      {
        report: {
          updateTimestamp: TIME,
          registry: { server: 'registry.example.org' },
          artifact: { repository: 'app', digest: `sha256:${hex(index)}` },
          summary: { criticalCount: index % 9 === 0 ? 1 : 0, highCount: 2 },
        },
      },
      {
        labels: {
          'trivy-operator.resource.kind': 'ReplicaSet',
          'trivy-operator.resource.name': `app-${index}-1`,
          'trivy-operator.container.name': 'main',
        },
      },
    ),
  );
}

function templateOf(index: number, accounts: number, namespaces: number): { metadata: Json; spec: Json } {
  const isGood = index % 3 !== 0;
  const account = index % accounts;
  const container = (name: string): Json => ({
    name,
    image: isGood
      ? `registry.example.org/app-${index}@sha256:${hex(index)}`
      : `docker.io/library/app-${index}:1.${index}`,
    command: ['/app'],
    args: ['--listen=:8080', `--name=${name}`],
    env: [{ name: 'MODE' }, { name: 'DB', valueFrom: { secretKeyRef: { name: `secret-${index}`, key: 'url' } } }],
    ports: [{ name: 'http', containerPort: 8080, protocol: 'TCP' }],
    resources: { requests: { cpu: '100m', memory: '128Mi' }, limits: { memory: '256Mi' } },
    securityContext: {
      runAsNonRoot: isGood,
      readOnlyRootFilesystem: isGood,
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
    },
    volumeMounts: [
      { name: 'tmp', mountPath: '/tmp' },
      { name: 'data', mountPath: '/data' },
    ],
    livenessProbe: {
      httpGet: { path: '/healthz', port: 'http', scheme: 'HTTP' },
      periodSeconds: 10,
      timeoutSeconds: 1,
      failureThreshold: 3,
    },
    terminationMessagePath: '/dev/termination-log',
    imagePullPolicy: 'IfNotPresent',
  });
  return {
    metadata: { labels: { app: `app-${index}`, tier: `tier-${index % 5}` } },
    spec: {
      serviceAccountName: index % namespaces === account % namespaces ? `sa-${account}` : 'default',
      automountServiceAccountToken: !isGood,
      securityContext: { runAsNonRoot: isGood, seccompProfile: { type: 'RuntimeDefault' }, fsGroup: 10_001 },
      containers: [container('main'), container('side')],
      initContainers: [container('init')],
      volumes: [
        { name: 'tmp', emptyDir: {} },
        { name: 'data', persistentVolumeClaim: { claimName: `data-${index}` } },
      ],
      restartPolicy: 'Always',
      dnsPolicy: 'ClusterFirst',
      schedulerName: 'default-scheduler',
    },
  };
}
