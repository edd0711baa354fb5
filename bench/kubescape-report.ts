import { hex, mix, word } from './words.js';

type Control = readonly [id: string, name: string, scoreFactor: number, rule: string, path: string];

/** Kubescape's controls of workloads: number, name, score factor, rule, and where under the pod's template the rule looks. */
const CONTROLS: readonly Control[] = [
  ['C-0009', 'Resource limits', 7, 'resource-policies', 'resources.limits.cpu'],
  ['C-0012', 'Applications credentials in configuration files', 8, 'rule-credentials-in-env-var', 'env[0].name'],
  ['C-0013', 'Non-root containers', 6, 'non-root-containers', 'securityContext.runAsNonRoot'],
  [
    'C-0016',
    'Allow privilege escalation',
    6,
    'rule-allow-privilege-escalation',
    'securityContext.allowPrivilegeEscalation',
  ],
  [
    'C-0017',
    'Immutable container filesystem',
    3,
    'immutable-container-filesystem',
    'securityContext.readOnlyRootFilesystem',
  ],
  ['C-0018', 'Configured readiness probe', 3, 'configured-readiness-probe', 'readinessProbe'],
  ['C-0030', 'Ingress and Egress blocked', 6, 'ingress-and-egress-blocked', ''],
  ['C-0034', 'Automatic mapping of service account', 6, 'automount-service-account', 'automountServiceAccountToken'],
  ['C-0038', 'Host PID/IPC privileges', 7, 'host-pid-ipc-privileges', 'hostPID'],
  ['C-0041', 'HostNetwork access', 7, 'host-network-access', 'hostNetwork'],
  ['C-0042', 'SSH server running inside container', 3, 'rule-can-ssh-to-pod-v1', ''],
  ['C-0044', 'Container hostPort', 4, 'container-hostPort', 'ports[0].hostPort'],
  ['C-0045', 'Writable hostPath mount', 8, 'alert-rw-hostpath', 'volumeMounts[0].readOnly'],
  ['C-0046', 'Insecure capabilities', 7, 'insecure-capabilities', 'securityContext.capabilities.add[0]'],
  ['C-0048', 'HostPath mount', 7, 'alert-any-hostpath', 'volumes[0].hostPath.path'],
  ['C-0050', 'Resources CPU limit and request', 8, 'resources-cpu-limit-and-request', 'resources.requests.cpu'],
  ['C-0055', 'Linux hardening', 4, 'linux-hardening', 'securityContext.seccompProfile'],
  ['C-0056', 'Configured liveness probe', 4, 'configured-liveness-probe', 'livenessProbe'],
  ['C-0057', 'Privileged container', 8, 'rule-privileged-container', 'securityContext.privileged'],
  ['C-0061', 'Pods in default namespace', 3, 'pods-in-default-namespace', 'metadata.namespace'],
];

/** One in so many results fails at first. */
const FAILING = 8;
const NAMESPACES = 12;

/**
 * A cluster that Kubescape scans again and again, and what `kubescape scan --format json` (version 3) says of it: all of its results and when they are of,
 * without indentation, as Kubescape writes it. Between scans results can change. Text is made anew only of what changed: a bench is to measure the server.
 */
export class ScannedCluster {
  private readonly failing: Uint8Array;
  /** Of each workload, as they stand in the report; emptied when one of its results changes. */
  private readonly texts: (string | null)[];
  private readonly resources: string;
  private draws = 0;
  private changes = 0;

  /** @param results a multiple of 20. */
  constructor(
    private readonly number: number,
    results: number,
  ) {
    if (results % CONTROLS.length !== 0) throw new Error(`a cluster has a multiple of ${CONTROLS.length} results`);
    const workloads = results / CONTROLS.length;
    this.failing = Uint8Array.from({ length: results }, (_, index) =>
      Number(mix(number * 7_919 + index) % FAILING === 0),
    );
    this.texts = Array.from({ length: workloads }, () => null);
    this.resources = Array.from({ length: workloads }, (_, index) => JSON.stringify(this.resource(index))).join(',');
  }

  /** That so many results turn over: in turn a failure is mended and another thing fails, so that a cluster is after a year what it was. */
  change(count: number): void {
    const changed = new Set<number>();
    while (changed.size < count) {
      const next = this.changes++ % 2;
      const index = this.drawn((one) => this.failing[one] !== next && !changed.has(one));
      this.failing[index] = next;
      this.texts[Math.floor(index / CONTROLS.length)] = null;
      changed.add(index);
    }
  }

  private drawn(fits: (index: number) => boolean): number {
    for (;;) {
      const index = mix(this.number * 104_729 + this.draws++) % this.failing.length;
      if (fits(index)) return index;
    }
  }

  report(at: Date): Buffer {
    return Buffer.from(
      `{"generationTime":"${at.toISOString()}","clusterAPIServerInfo":{"major":"1","minor":"33","gitVersion":"v1.33.4"},` +
        `"clusterCloudProvider":"","customerGUID":"","clusterName":"clinic-${this.number}","reportGUID":"","jobID":"",` +
        `"summaryDetails":{"controls":{${this.summary()}},"status":"failed","frameworks":[{"name":"NSA","status":"failed"}]},` +
        `"resources":[${this.resources}],"attributes":null,"results":[${this.results()}],"metadata":${METADATA},` +
        `"paginationInfo":{"chunkNumber":0,"isLastChunk":true},"customerGUIDGenerated":false}`,
    );
  }

  private summary(): string {
    const failed = CONTROLS.map(() => 0);
    this.failing.forEach((fails, index) => {
      const control = index % CONTROLS.length;
      failed[control] = (failed[control] ?? 0) + fails;
    });
    return CONTROLS.map(([id, name, scoreFactor], index) => {
      const count = failed[index] ?? 0;
      const passed = this.texts.length - count;
      const status = count > 0 ? 'failed' : 'passed';
      return (
        `"${id}":{"statusInfo":{"status":"${status}"},"controlID":"${id}","name":"${name}","status":"${status}","resourceIDs":{},` +
        `"ResourceCounters":{"passedResources":${passed},"failedResources":${count},"skippedResources":0,"excludedResources":0},` +
        `"subStatusCounters":{"ignoredResources":0},"score":${count},"complianceScore":${(100 * passed) / this.texts.length},` +
        `"scoreFactor":${scoreFactor},"category":{"name":"Workload","id":"Cat-5"}}`
      );
    }).join(',');
  }

  private results(): string {
    return this.texts.map((text, index) => text ?? (this.texts[index] = this.resultsOf(index))).join(',');
  }

  private resultsOf(workload: number): string {
    const controls = CONTROLS.map(([controlID, name, , rule, path], index) => {
      const fails = this.failing[workload * CONTROLS.length + index] === 1;
      const status = fails ? 'failed' : 'passed';
      const paths = fails && path !== '' ? { paths: [{ failedPath: `spec.template.spec.containers[0].${path}` }] } : {};
      return { controlID, name, status: { status }, rules: [{ name: rule, status, subStatus: '', ...paths }] };
    });
    return JSON.stringify({ resourceID: this.resourceId(workload), controls });
  }

  private resourceId(workload: number): string {
    const { namespace, name } = this.nameOf(workload);
    return `apps/v1/${namespace}/Deployment/${name}`;
  }

  private nameOf(workload: number): { namespace: string; name: string } {
    const seed = this.number * 1_009 + workload;
    return {
      namespace: `${word((workload % NAMESPACES) * 5)}-${workload % NAMESPACES}`,
      name: `${word(seed * 7)}-${word(seed * 11 + 3)}-${workload}`,
    };
  }

  private resource(workload: number): object {
    const { namespace, name } = this.nameOf(workload);
    const labels = { app: name };
    const image = `registry.clinic.example/emr/${name}@sha256:${hex(this.number * 1_009 + workload)}`;
    const resources = { limits: { cpu: '500m', memory: '256Mi' }, requests: { cpu: '100m', memory: '128Mi' } };
    const container = { name, image, ports: [{ containerPort: 8080 }], resources };
    return {
      resourceID: this.resourceId(workload),
      object: {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name, namespace, labels },
        spec: {
          replicas: 2,
          selector: { matchLabels: labels },
          template: { metadata: { labels }, spec: { containers: [container] } },
        },
      },
    };
  }
}

const METADATA = JSON.stringify({
  targetMetadata: {},
  clusterMetadata: { numberOfWorkerNodes: 6 },
  scanMetadata: {
    targetType: 'Framework',
    kubescapeVersion: 'v3.0.40',
    formatVersion: 'v2',
    formats: ['json'],
    targetNames: ['nsa'],
    scanningTarget: 0,
  },
});
