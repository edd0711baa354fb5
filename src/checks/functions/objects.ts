import { createHash } from 'node:crypto';
import { Duration } from '@marcbachmann/cel-js/evaluator';
import type { ClusterObjects } from '../cluster.js';
import { WORKLOAD, WORKLOADS, kindNamed } from '../kinds.js';
import { at, isMap, textAt, type KubernetesObject } from '../values.js';
import { templateOf } from '../workloads.js';
import { instantOf } from './conversions.js';
import { Unanswerable, type CheckFunction } from './function.js';

/** The cluster that is being judged. */
export type Now = () => ClusterObjects;

const WORKLOAD_KINDS: readonly string[] = Object.keys(WORKLOADS);

export function objectIn(value: unknown, of: string): KubernetesObject {
  if (!isMap(value)) throw new Unanswerable(`${of}(): takes an object of Kubernetes`);
  return value;
}

/** containers, initContainers and ephemeralContainers: whichever of them runs, runs in the pod. */
function allContainers(spec: unknown): readonly unknown[] {
  if (!isMap(spec)) throw new Unanswerable('allContainers(): takes the spec of a pod');
  const containers = containersIn(spec, 'containers');
  // The API stores no pod without one, so that what holds of all of none would be said of what nobody has read.
  if (containers.length === 0) throw new Unanswerable('allContainers(): the pod has no containers');
  return [...containers, ...containersIn(spec, 'initContainers'), ...containersIn(spec, 'ephemeralContainers')];
}

/** What is no list of containers is not read as none of them. */
function containersIn(spec: KubernetesObject, name: string): readonly unknown[] {
  const list = at(spec, name) ?? [];
  if (!Array.isArray(list) || !list.every(isMap))
    throw new Unanswerable(`allContainers(): ${name} is no list of containers`);
  return list;
}

const COMPONENTS: ReadonlySet<string> = new Set([
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'etcd',
]);

/**
 * Which part of the control plane a pod is, by the labels that kubeadm, RKE2 and Talos give its static pods. k3s and k0s run it in one process without pods; OpenShift's pods
 * are there and take their settings from files: it is '' of all of these.
 */
export function component(object: KubernetesObject): string {
  if (textAt(object, 'kind') !== 'Pod' || textAt(object, 'metadata', 'namespace') !== 'kube-system') return '';
  const isStatic =
    textAt(object, 'metadata', 'labels', 'tier') === 'control-plane' ||
    textAt(object, 'metadata', 'annotations', 'kubernetes.io/config.mirror') !== '';
  if (!isStatic) return '';
  const name = textAt(object, 'metadata', 'labels', 'component') || textAt(object, 'metadata', 'labels', 'k8s-app');
  return COMPONENTS.has(name) ? name : '';
}

/** A person under the same pseudonym wherever one is written; groups and users of Kubernetes itself, and service accounts, are no people. */
function pseudonym(subject: string): string {
  const slash = subject.indexOf('/');
  const [kind, name] = [subject.slice(0, slash), subject.slice(slash + 1)];
  if (kind === 'ServiceAccount' || kind === 'Group' || name.startsWith('system:')) return subject;
  return `${kind || 'User'}/sha256:${createHash('sha256').update(name).digest('hex').slice(0, 16)}`;
}

function subjectText(subject: unknown): string {
  if (typeof subject === 'string') return subject;
  const [kind, name, namespace] = [textAt(subject, 'kind'), textAt(subject, 'name'), textAt(subject, 'namespace')];
  if (kind === '') throw new Unanswerable('who(): takes subjects');
  return kind === 'ServiceAccount' ? `${kind}/${namespace}/${name}` : `${kind}/${name}`;
}

function who(subjects: unknown): string {
  return (Array.isArray(subjects) ? subjects : [subjects]).map((subject) => pseudonym(subjectText(subject))).join(', ');
}

/** Functions that look at the cluster, and small ones over one object that save long expressions. */
export function objectFunctions(cluster: Now): readonly CheckFunction[] {
  return [
    {
      signature: 'objects(string): list<map>',
      handler: (kind: string) => {
        if (kind !== WORKLOAD && kindNamed(kind) === null) throw new Unanswerable(`objects(): no kind ${kind}`);
        return cluster().list(kind);
      },
      about:
        'All objects of a kind, a literal: `objects("NetworkPolicy")`; `objects("Workload")` are those that `each: Workload` judges.',
    },
    {
      signature: 'inNamespace(string, string): list<map>',
      handler: (kind: string, namespace: string) => inNamespace(cluster(), kind, namespace),
      about: 'Those of a kind, a literal, in a namespace: much faster than a filter over all.',
    },
    {
      signature: 'objectsBy(string, string, string): list<map>',
      handler: (kind: string, path: string, value: string) => objectsBy(cluster(), kind, path, value),
      about:
        'Those of a kind, a literal, whose field at a path is the text or a list that holds it; with an empty text, those that have none there: `objectsBy("Backup", "spec.includedNamespaces", "clinic")`. Much faster than a filter over all.',
    },
    {
      signature: 'holdsPhi(dyn): bool',
      handler: (object: unknown) => cluster().phi.holds(objectIn(object, 'holdsPhi')),
      about:
        'Whether the object is marked as holding PHI, or its pod template or namespace is, by a label of the organisation (default: `safeguard.dev/phi=true`, ' +
        '`data-classification=phi|ephi`) or by the list of the system. Where nothing in the cluster is marked, everything but kube-system, kube-public and kube-node-lease is.',
      reads: ['Namespace'],
    },
    {
      signature: 'labelledPhi(dyn): bool',
      handler: (object: unknown) => cluster().phi.isMarkedItself(objectIn(object, 'labelledPhi')),
      about:
        'Whether the object or its pod template carries such a label itself: what holdsPhi() takes for granted where nothing is marked.',
    },
    {
      signature: 'pods(dyn): list<map>',
      handler: (object: unknown) => cluster().workloads.podsOf(objectIn(object, 'pods')),
      about: 'The pods of a workload that have not ended.',
      reads: WORKLOAD_KINDS,
    },
    {
      signature: 'podSpec(dyn): dyn',
      handler: (object: unknown) => at(templateOf(objectIn(object, 'podSpec')), 'spec') ?? null,
      about:
        'The spec of the pods of a workload, or of a pod; null of what has none. In checks of `each: Workload` the variable `spec` is the same.',
    },
    {
      signature: 'allContainers(dyn): list<map>',
      handler: allContainers,
      about:
        'Containers, init containers and ephemeral containers of a pod spec: `allContainers(spec)`. An error of a spec without containers.',
    },
    {
      signature: 'component(dyn): string',
      handler: (object: unknown) => component(objectIn(object, 'component')),
      about:
        'Which part of the control plane a pod is: `kube-apiserver`, `kube-controller-manager`, `kube-scheduler`, `etcd`; empty of others. As kubeadm, RKE2 and Talos run them.',
    },
    {
      signature: 'controlPlane(string): list<map>',
      handler: (name: string) => controlPlane(cluster(), name),
      about: 'The pods that are this part of the control plane; none where a provider hides it.',
      reads: ['Pod'],
    },
    {
      signature: 'apiServers(): list<map>',
      handler: () => controlPlane(cluster(), 'kube-apiserver'),
      about: 'The pods of the API server.',
      reads: ['Pod'],
    },
    {
      signature: 'now(): google.protobuf.Timestamp',
      handler: () => cluster().head.startedAt,
      about: 'The instant of the snapshot, and not of the clock: the same snapshot gives the same results.',
    },
    {
      signature: 'age(string): google.protobuf.Duration',
      handler: (instant: string) => ageOf(cluster(), instantOf(instant)),
      about:
        'How long before the snapshot an instant was: `age(object.metadata.creationTimestamp) < duration("720h")`. Negative of what is to come.',
    },
    {
      signature: 'who(dyn): string',
      handler: who,
      about:
        'Subjects for a message: service accounts and groups by name, people by a pseudonym. Names of people stay out of messages: no other way is let through.',
    },
  ];
}

function ageOf(cluster: ClusterObjects, instant: Date): Duration {
  return Duration.fromMilliseconds(cluster.head.startedAt.getTime() - instant.getTime());
}

function controlPlane(cluster: ClusterObjects, name: string): readonly KubernetesObject[] {
  if (!COMPONENTS.has(name)) throw new Unanswerable(`controlPlane(): no part ${name}`);
  return cluster.memo('control plane', () => Map.groupBy(cluster.list('Pod'), component)).get(name) ?? [];
}

/** Every object stands under each text of the field once, under '' where the field is not there, null or an empty list. */
function objectsBy(cluster: ClusterObjects, kind: string, path: string, value: string): readonly KubernetesObject[] {
  if (kindNamed(kind) === null) throw new Unanswerable(`objectsBy(): no kind ${kind}`);
  const index = cluster.memo(`${kind} by ${path}`, () => {
    const found = new Map<string, KubernetesObject[]>();
    for (const object of cluster.list(kind)) {
      for (const text of textsIn(at(object, ...path.split('.')), `objectsBy(): ${path}`)) {
        const list = found.get(text);
        if (list === undefined) found.set(text, [object]);
        else list.push(object);
      }
    }
    return found;
  });
  return index.get(value) ?? [];
}

function textsIn(value: unknown, of: string): Iterable<string> {
  const list: unknown[] = Array.isArray(value) ? value : [value ?? ''];
  if (!list.every((text) => typeof text === 'string'))
    throw new Unanswerable(`${of} is neither a text nor a list of texts`);
  return list.length === 0 ? [''] : new Set(list);
}

function inNamespace(cluster: ClusterObjects, kind: string, namespace: string): readonly KubernetesObject[] {
  if (kind !== WORKLOAD && kindNamed(kind) === null) throw new Unanswerable(`inNamespace(): no kind ${kind}`);
  return (
    cluster
      .memo(`in namespace ${kind}`, () =>
        Map.groupBy(cluster.list(kind), (object) => textAt(object, 'metadata', 'namespace')),
      )
      .get(namespace) ?? []
  );
}
