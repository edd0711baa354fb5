import { equals } from './functions/lists.js';
import { WORKLOADS } from './kinds.js';
import { at, isMap, listAt, namespaceOf, nameOf, textAt, type KubernetesObject } from './values.js';

interface Objects {
  list(kind: string): readonly KubernetesObject[];
}

/** A key of an object among workloads: they are of Kubernetes' own groups, and their kinds' names are their own. */
function keyOf(namespace: string, kind: string, name: string): string {
  return `${namespace}/${kind}/${name}`;
}

/** Which workloads make which. A controller that makes no objects of a kind takes none away either: of a pod that names a Deployment as its owner nobody is the owner. */
const MAKERS: Readonly<Record<string, readonly string[]>> = {
  Pod: ['apps/v1/ReplicaSet', 'v1/ReplicationController', 'apps/v1/StatefulSet', 'apps/v1/DaemonSet', 'batch/v1/Job'],
  ReplicaSet: ['apps/v1/Deployment'],
  Job: ['batch/v1/CronJob'],
};

/**
 * Who owns whom among workloads. People write owners, and judge them: a Deployment, and not its ReplicaSets and pods, which come and go under random names.
 */
export class Workloads {
  readonly #byKey = new Map<string, KubernetesObject>();
  readonly #pods = new Map<KubernetesObject, KubernetesObject[]>();
  /** What no other workload owns: what is judged. */
  readonly all: readonly KubernetesObject[];

  constructor(objects: Objects) {
    const all = Object.keys(WORKLOADS).flatMap((kind) => objects.list(kind));
    for (const object of all)
      this.#byKey.set(keyOf(namespaceOf(object), textAt(object, 'kind'), nameOf(object)), object);
    this.all = all.filter((object) => this.#standsForItself(object));
    for (const pod of objects.list('Pod')) {
      const phase = textAt(pod, 'status', 'phase');
      if (phase === 'Succeeded' || phase === 'Failed') continue;
      for (const owner of this.#lineOf(pod)) {
        const pods = this.#pods.get(owner);
        if (pods === undefined) this.#pods.set(owner, [pod]);
        else pods.push(pod);
      }
    }
  }

  /** The pods of a workload, or of what lies between it and them, that have not ended; of a pod: itself. */
  podsOf(object: KubernetesObject): readonly KubernetesObject[] {
    return this.#pods.get(object) ?? [];
  }

  /** The object itself, its owner, and so on. No kind makes, over however many others, what makes it, so that there is an end. */
  *#lineOf(object: KubernetesObject): Generator<KubernetesObject> {
    for (let next: KubernetesObject | null = object; next !== null; next = this.#ownerOf(next)) yield next;
  }

  /** Nobody owns it, or it runs what its owner's template does not say. */
  #standsForItself(object: KubernetesObject): boolean {
    const owner = this.#ownerOf(object);
    return owner === null || (isAtWork(object) && !isMadeBy(object, owner));
  }

  /**
   * The workload that owns it. Where the owner is of another kind (a pod of a database operator, a static pod of its node), is not there, or is another one of the
   * same name, it stands for itself: a reference that anybody can write must hide nothing.
   */
  #ownerOf(object: KubernetesObject): KubernetesObject | null {
    for (const reference of listAt(object, 'metadata', 'ownerReferences')) {
      if (at(reference, 'controller') !== true) continue;
      const kind = textAt(reference, 'kind');
      const own = textAt(object, 'kind');
      const makers = Object.hasOwn(MAKERS, own) ? MAKERS[own] : undefined;
      if (makers?.includes(`${textAt(reference, 'apiVersion')}/${kind}`) !== true) return null;
      const owner = this.#byKey.get(keyOf(namespaceOf(object), kind, textAt(reference, 'name')));
      if (owner === undefined) return null;
      const [uid, known] = [textAt(reference, 'uid'), textAt(owner, 'metadata', 'uid')];
      return uid === '' || known === '' || uid === known ? owner : null;
    }
    return null;
  }
}

/** Whether pods of it run or may be made: a Deployment keeps the ReplicaSets of its earlier templates at none, and a CronJob its ended Jobs. */
function isAtWork(object: KubernetesObject): boolean {
  switch (textAt(object, 'kind')) {
    case 'ReplicaSet':
      return (at(object, 'spec', 'replicas') ?? 1n) !== 0n || (at(object, 'status', 'replicas') ?? 0n) !== 0n;
    case 'Job':
      return !listAt(object, 'status', 'conditions').some(
        (condition) =>
          ['Complete', 'Failed'].includes(textAt(condition, 'type')) && textAt(condition, 'status') === 'True',
      );
    default:
      return true;
  }
}

/**
 * Whether it is what its owner's template says. A Deployment whose new template does not come up runs the one before, and so does a Job of a CronJob that was changed since;
 * `kubectl debug` puts containers into a pod that no template can have. Sidecars that a webhook puts into pods do not count, or each pod of a mesh would stand for itself.
 */
function isMadeBy(object: KubernetesObject, owner: KubernetesObject): boolean {
  if (textAt(object, 'kind') === 'Pod') return (at(object, 'spec', 'ephemeralContainers') ?? null) === null;
  return equals(at(templateOf(object), 'spec'), at(templateOf(owner), 'spec'));
}

/** The pod template of a workload: its metadata and spec; of a pod itself. null of what has none. */
export function templateOf(object: KubernetesObject): KubernetesObject | null {
  const kind = textAt(object, 'kind');
  const path = Object.hasOwn(WORKLOADS, kind) ? WORKLOADS[kind] : undefined;
  if (path === undefined) return null;
  const template = at(object, ...path);
  return isMap(template) ? template : null;
}
