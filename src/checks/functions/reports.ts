import type { ClusterObjects } from '../cluster.js';
import { parseImage } from '../kubernetes/image.js';
import { WORKLOAD, WORKLOADS, kindNamed } from '../kinds.js';
import { at, isMap, listAt, namespaceOf, textAt, type KubernetesObject } from '../values.js';
import { Unanswerable, type CheckFunction } from './function.js';
import type { Now } from './objects.js';

/** Which container of its workload a report of trivy-operator is on. */
const CONTAINER = 'trivy-operator.container.name';

/** A pod, its Job, its CronJob; none of Kubernetes' own is longer. Owners are written by whoever writes the object: they may go in a circle. */
const MAX_LINE = 5;

/** The workload that an object belongs to in the end, by the uids of its owners: names are given again, uids are not. */
function topOf(workloads: ReadonlyMap<string, KubernetesObject>, object: KubernetesObject): string {
  let uid = textAt(object, 'metadata', 'uid');
  let next: KubernetesObject | undefined = object;
  for (let steps = 0; next !== undefined && steps < MAX_LINE; steps++) {
    uid = textAt(next, 'metadata', 'uid');
    const owner = listAt(next, 'metadata', 'ownerReferences').find((reference) => at(reference, 'controller') === true);
    next = workloads.get(textAt(owner, 'uid'));
  }
  return uid;
}

/** Reports of a kind by the uid of the workload that they are on, and its namespace. */
function reportsOf(cluster: ClusterObjects, kind: string): ReadonlyMap<string, readonly KubernetesObject[]> {
  return cluster.memo(`reports ${kind}`, () => {
    const workloads = cluster.memo('workloads by uid', () => byUid(cluster));
    return Map.groupBy(cluster.list(kind), (report) => keyOf(namespaceOf(report), topOf(workloads, report)));
  });
}

function byUid(cluster: ClusterObjects): ReadonlyMap<string, KubernetesObject> {
  const found = new Map<string, KubernetesObject>();
  for (const kind of Object.keys(WORKLOADS)) {
    for (const object of cluster.list(kind)) {
      const uid = textAt(object, 'metadata', 'uid');
      if (uid !== '') found.set(uid, object);
    }
  }
  return found;
}

function keyOf(namespace: string, uid: string): string {
  return `${namespace}/${uid}`;
}

/**
 * trivy-operator names what it scanned by repository and digest, or by repository and tag where the container names no digest: the digest of the report is then the
 * image's id, which is not what registries call it.
 */
function isOn(report: KubernetesObject, container: KubernetesObject): boolean {
  if (textAt(report, 'metadata', 'labels', CONTAINER) !== textAt(container, 'name')) return false;
  const { repository, tag, digest } = parseImage(container['image']);
  const of = (name: string) => textAt(report, 'report', 'artifact', name);
  return of('repository') === repository && (digest === '' ? of('tag') === tag : of('digest') === digest);
}

function reportOn(cluster: ClusterObjects, kind: string, object: unknown, container: unknown): KubernetesObject | null {
  if (kindNamed(kind) === null) throw new Unanswerable(`reportOn(): no kind ${kind}`);
  if (!isMap(object) || !isMap(container))
    throw new Unanswerable('reportOn(): takes a workload and one of its containers');
  const uid = textAt(object, 'metadata', 'uid');
  if (uid === '') return null;
  const reports = reportsOf(cluster, kind).get(keyOf(namespaceOf(object), uid)) ?? [];
  return reports.filter((report) => isOn(report, container)).reduce(newer, null);
}

/** Pages may hold a report of the template before, until the operator takes it away. Instants of the API are in UTC, without fractions: texts in their order. */
function newer(best: KubernetesObject | null, report: KubernetesObject): KubernetesObject {
  if (best === null) return report;
  return textAt(report, 'report', 'updateTimestamp') > textAt(best, 'report', 'updateTimestamp') ? report : best;
}

/** What scanners in the cluster wrote of images. */
export function reportFunctions(cluster: Now): readonly CheckFunction[] {
  return [
    {
      signature: 'reportOn(string, dyn, dyn): dyn',
      handler: (kind: string, object: unknown, container: unknown) => reportOn(cluster(), kind, object, container),
      about:
        'The newest report of trivy-operator of a kind, a literal (`VulnerabilityReport`, `SbomReport`, `ExposedSecretReport`), on the image of a container of a workload; null where there is none, ' +
        'and where it is on another image: `reportOn("VulnerabilityReport", object, allContainers(spec)[0])`.',
      reads: [WORKLOAD],
    },
  ];
}
