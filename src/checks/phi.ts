import { KINDS } from './kinds.js';
import { at, isMap, namespaceOf, nameOf, textAt, type KubernetesObject } from './values.js';
import { templateOf } from './workloads.js';

/** Where an organisation says that something holds PHI. */
export interface PhiScope {
  /** Labels that say so, on a namespace, an object or a pod template: any of the values of any of them, whatever their case, for `PHI` means no less than `phi`. */
  readonly labels: readonly { readonly key: string; readonly values: readonly string[] }[];
  /** The system's own list. */
  readonly namespaces: readonly string[];
}

export const DEFAULT_PHI_LABELS: PhiScope['labels'] = [
  { key: 'safeguard.dev/phi', values: ['true'] },
  { key: 'data-classification', values: ['phi', 'ephi'] },
];

/** What Kubernetes makes for itself in every cluster. */
const OF_KUBERNETES: ReadonlySet<string> = new Set(['kube-system', 'kube-public', 'kube-node-lease']);

/** Objects of no namespace that belong to one all the same: where they name it. */
const HOMES: Readonly<Record<string, readonly string[]>> = {
  PersistentVolume: ['spec', 'claimRef', 'namespace'],
  VolumeSnapshotContent: ['spec', 'volumeSnapshotRef', 'namespace'],
};

interface Objects {
  list(kind: string): readonly KubernetesObject[];
}

/**
 * Which objects hold PHI. Where nobody has said it of anything, every namespace does but those of Kubernetes: a cluster where nobody has marked anything is judged as a
 * whole, and not passed over.
 */
export class Phi {
  /** The namespaces of the cluster that hold PHI. */
  readonly namespaces: readonly string[];
  /** False where nobody has said what holds PHI. */
  readonly isMarked: boolean;
  /** On the list, and not in the cluster. */
  readonly unknown: readonly string[];
  readonly #holding: ReadonlySet<string>;
  readonly #labels: ReadonlyMap<string, ReadonlySet<string>>;

  constructor(objects: Objects, { labels, namespaces }: PhiScope) {
    this.#labels = new Map(labels.map(({ key, values }) => [key, new Set(values.map((value) => value.toLowerCase()))]));
    this.isMarked =
      namespaces.length > 0 ||
      KINDS.some(({ name }) => objects.list(name).some((object) => this.isMarkedItself(object)));
    const there = objects.list('Namespace');
    const names = new Set(there.map(nameOf));
    this.unknown = namespaces.filter((name) => !names.has(name));
    const listed = new Set(namespaces);
    const holding = there.filter(
      (namespace) =>
        listed.has(nameOf(namespace)) ||
        this.isMarkedItself(namespace) ||
        (!this.isMarked && !OF_KUBERNETES.has(nameOf(namespace))),
    );
    this.namespaces = holding.map(nameOf);
    this.#holding = new Set([...this.namespaces, ...namespaces]);
  }

  holds(object: KubernetesObject): boolean {
    if (this.isMarkedItself(object)) return true;
    const kind = textAt(object, 'kind');
    if (kind === 'Namespace') return this.#holdsIn(nameOf(object));
    const home = Object.hasOwn(HOMES, kind) ? HOMES[kind] : undefined;
    const namespace = home === undefined ? namespaceOf(object) : textAt(object, ...home);
    return namespace !== '' && this.#holdsIn(namespace);
  }

  #holdsIn(namespace: string): boolean {
    // An object whose namespace is not in the snapshot is in one all the same.
    return this.#holding.has(namespace) || (!this.isMarked && !OF_KUBERNETES.has(namespace));
  }

  /** The object itself or its pod template, and not its namespace. */
  isMarkedItself(object: KubernetesObject): boolean {
    return this.#isLabelled(object) || this.#isLabelled(templateOf(object));
  }

  #isLabelled(object: KubernetesObject | null): boolean {
    const labels = at(object, 'metadata', 'labels');
    if (!isMap(labels)) return false;
    for (const [key, values] of this.#labels) {
      const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
      if (typeof value === 'string' && values.has(value.toLowerCase())) return true;
    }
    return false;
  }
}
