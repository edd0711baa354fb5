import { WORKLOADS } from './kinds.js';
import { at, isMap, listAt, namespaceOf, nameOf, textAt, type KubernetesObject } from './values.js';

interface Objects {
  list(kind: string): readonly KubernetesObject[];
}

/** A key of an object among workloads: they are of Kubernetes' own groups, and their kinds' names are their own. */
function keyOf(namespace: string, kind: string, name: string): string {
  return `${namespace}/${kind}/${name}`;
}

/** The groups of WORKLOADS. */
const GROUPS: ReadonlySet<string> = new Set(['v1', 'apps/v1', 'batch/v1']);

/** A pod, its Job, its CronJob; none of Kubernetes' own is longer. */
const MAX_LINE = 5;

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

  /** The object itself, its owner, and so on. Owners are written by whoever writes the object: they may go in a circle. */
  *#lineOf(object: KubernetesObject): Generator<KubernetesObject> {
    let next: KubernetesObject | null = object;
    for (let steps = 0; next !== null && steps < MAX_LINE; steps++) {
      yield next;
      next = this.#ownerOf(next);
    }
  }

  /** Nobody owns it, or its owners own each other, so that none of them would be judged. */
  #standsForItself(object: KubernetesObject): boolean {
    if (this.#ownerOf(object) === null) return true;
    return [...this.#lineOf(object)].length === MAX_LINE;
  }

  /**
   * The workload that owns it. Where the owner is of another kind (a pod of a database operator, a static pod of its node), is not there, or is another one of the
   * same name, it stands for itself: a reference that anybody can write must hide nothing.
   */
  #ownerOf(object: KubernetesObject): KubernetesObject | null {
    for (const reference of listAt(object, 'metadata', 'ownerReferences')) {
      if (at(reference, 'controller') !== true) continue;
      const kind = textAt(reference, 'kind');
      if (!Object.hasOwn(WORKLOADS, kind) || !GROUPS.has(textAt(reference, 'apiVersion'))) return null;
      const owner = this.#byKey.get(keyOf(namespaceOf(object), kind, textAt(reference, 'name')));
      if (owner === undefined || owner === object) return null;
      const [uid, known] = [textAt(reference, 'uid'), textAt(owner, 'metadata', 'uid')];
      return uid === '' || known === '' || uid === known ? owner : null;
    }
    return null;
  }
}

/** The pod template of a workload: its metadata and spec; of a pod itself. null of what has none. */
export function templateOf(object: KubernetesObject): KubernetesObject | null {
  const kind = textAt(object, 'kind');
  const path = Object.hasOwn(WORKLOADS, kind) ? WORKLOADS[kind] : undefined;
  if (path === undefined) return null;
  const template = at(object, ...path);
  return isMap(template) ? template : null;
}
