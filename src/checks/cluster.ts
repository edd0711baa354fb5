import { ALWAYS_SERVED, CLUSTER, KINDS, WORKLOAD, WORKLOADS, kindNamed, kindOf, type Kind } from './kinds.js';
import { Phi, type PhiScope } from './phi.js';
import { providerOf } from './provider.js';
import { SharedParts } from './shared-parts.js';
import {
  integersIn,
  isMap,
  namespaceOf,
  nameOf,
  splitApiVersion,
  textAt,
  Views,
  type KubernetesObject,
} from './values.js';
import { Workloads } from './workloads.js';

/** What the first line of a snapshot says of the cluster. */
export interface ClusterHead {
  readonly uid: string;
  readonly name: string | null;
  readonly serverVersion: {
    readonly major: string;
    readonly minor: string;
    readonly gitVersion: string;
    readonly platform: string;
  };
  /** When the collector began: what the snapshot shows is as old as this. */
  readonly startedAt: Date;
}

/** How a list ended. `absent`: the API server does not know the resource, so there are none. */
export type ListOutcome = 'complete' | 'absent' | 'refused' | 'failed';

export interface ListEnd {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly outcome: ListOutcome;
  /** Objects that the collector wrote. */
  readonly count: number;
  readonly reason: string | null;
}

/**
 * Takes the objects of a cluster one by one, in any order, and makes of them what checks are evaluated over. Nothing that it is given is an error of the program: what is
 * not readable, contradicts itself or is missing takes the completeness of a kind, or of all of them, and says why.
 */
export class ClusterBuilder {
  readonly #objects = new Map<string, KubernetesObject[]>();
  readonly #seen = new Map<string, string>();
  readonly #counts = new Map<string, number>();
  readonly #faults = new Map<string, string>();
  readonly #partial: string[] = [];
  readonly #views = new Views();
  readonly #shared = new SharedParts();
  #kubeSystem: string | null = null;

  /** An object as JSON.parse gives it. It is kept, and changed: whole numbers become bigint. */
  add(object: unknown): void {
    if (!isMap(object) || typeof object['apiVersion'] !== 'string' || typeof object['kind'] !== 'string') {
      this.partial('A line is no object of Kubernetes: it may have been of any kind.');
      return;
    }
    const { group, version } = splitApiVersion(object['apiVersion']);
    const of = `${group}/${object['kind']}`;
    this.#counts.set(of, (this.#counts.get(of) ?? 0) + 1);
    const kind = kindOf(group, object['kind']);
    if (kind === null) return;
    const name = nameOf(object);
    if (!kind.versions.includes(version)) {
      this.#fault(kind, `holds an object of version ${version}, which checks do not know`);
    } else if (name === '' || (namespaceOf(object) === '') === kind.namespaced) {
      this.#fault(
        kind,
        `holds an object ${name === '' ? 'without a name' : kind.namespaced ? 'without a namespace' : 'with a namespace'}`,
      );
    } else this.#keep(kind, object, name);
  }

  #keep(kind: Kind, object: KubernetesObject, name: string): void {
    const identity = `${kind.name}/${textAt(object, 'kind')}/${namespaceOf(object)}/${name}`;
    const uid = textAt(object, 'metadata', 'uid');
    const before = this.#seen.get(identity);
    // Pages of a list may overlap. Two objects of one name cannot be in one cluster, and without a uid nothing says that they are one.
    if (before !== undefined) {
      if (before !== uid) this.partial(`${kind.name} ${name} is there twice, with two uids.`);
      else if (uid === '') this.partial(`${kind.name} ${name} is there twice, without a uid.`);
      return;
    }
    this.#seen.set(identity, uid);
    if (kind.name === 'Namespace' && name === 'kube-system') this.#kubeSystem = uid;
    this.#shared.share(kind.name, object);
    try {
      if (integersIn(object)) this.#views.add(object);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.#fault(kind, `holds an object that ${error.message}`);
      return;
    }
    const list = this.#objects.get(kind.name);
    if (list === undefined) this.#objects.set(kind.name, [object]);
    else list.push(object);
  }

  /** Says why nothing of this snapshot is complete. */
  partial(reason: string): void {
    if (this.#partial.length < 20 && !this.#partial.includes(reason)) this.#partial.push(reason);
  }

  #fault(kind: Kind, reason: string): void {
    if (!this.#faults.has(kind.name)) this.#faults.set(kind.name, reason);
  }

  /** `lists`: the last line of the snapshot; null where there was none. */
  build(head: ClusterHead, lists: readonly ListEnd[] | null, phi: PhiScope): ClusterObjects {
    if (lists === null) this.partial('The snapshot has no end: it was cut.');
    if (this.#kubeSystem !== null && this.#kubeSystem !== '' && head.uid !== this.#kubeSystem) {
      this.partial('The namespace kube-system is of another cluster than the snapshot says that it is of.');
    }
    const said = new Map<string, ListEnd[]>();
    for (const list of lists ?? []) {
      const kind = kindOf(list.group, list.kind);
      const found = this.#counts.get(`${list.group}/${list.kind}`) ?? 0;
      if (list.outcome === 'complete' || list.outcome === 'absent') {
        if (found !== list.count)
          this.partial(`The snapshot says that it holds ${list.count} of ${list.kind}, and holds ${found}.`);
      }
      if (kind !== null) said.set(kind.name, [...(said.get(kind.name) ?? []), list]);
    }
    const incomplete = new Map<string, string>();
    for (const kind of KINDS) {
      const reason = this.#partial[0] ?? this.#faults.get(kind.name) ?? endOf(kind, said.get(kind.name) ?? []);
      if (reason !== null) incomplete.set(kind.name, reason);
    }
    return new ClusterObjects(head, this.#objects, incomplete, this.#partial, phi, this.#views);
  }
}

/** Why the kind is not complete by what the collector says of its lists; null where it is. */
function endOf(kind: Kind, lists: readonly ListEnd[]): string | null {
  if (lists.length === 0) return 'was not asked for';
  for (const { outcome, reason, version } of lists) {
    const because = reason === null || reason === '' ? '' : `: ${reason.slice(0, 200)}`;
    if (outcome === 'refused') return `was refused to the collector${because}`;
    if (outcome === 'failed') return `could not be listed to its end${because}`;
    if (!kind.versions.includes(version)) return `was asked for in version ${version}, which checks do not know`;
    if (outcome === 'absent' && ALWAYS_SERVED.has(kind.group))
      return 'is said to be absent, and every API server has it';
  }
  return null;
}

/** The objects of one cluster at one instant, and what is known of their completeness. */
export class ClusterObjects {
  readonly #objects: ReadonlyMap<string, readonly KubernetesObject[]>;
  readonly #incomplete: ReadonlyMap<string, string>;
  readonly #memo = new Map<string, unknown>();
  readonly #namespaces: ReadonlyMap<string, KubernetesObject>;
  readonly views: Views;
  readonly phi: Phi;
  /** The variable `cluster`. */
  readonly variable: KubernetesObject;

  /** Only for ClusterBuilder. `partial`: why nothing is complete. */
  constructor(
    readonly head: ClusterHead,
    objects: ReadonlyMap<string, readonly KubernetesObject[]>,
    incomplete: ReadonlyMap<string, string>,
    readonly partial: readonly string[],
    scope: PhiScope,
    views: Views,
  ) {
    this.#objects = objects;
    this.#incomplete = incomplete;
    this.views = views;
    this.#namespaces = new Map(this.list('Namespace').map((namespace) => [nameOf(namespace), namespace]));
    this.phi = new Phi(this, scope);
    this.variable = {
      uid: head.uid,
      name: head.name ?? '',
      version: head.serverVersion.gitVersion,
      platform: head.serverVersion.platform,
      provider: providerOf(this.list('Node'), head.serverVersion.gitVersion),
      phiNamespaces: this.phi.namespaces,
      phiLabels: scope.labels.map(({ key, values }) => ({ key, values })),
    };
  }

  /** All objects of a kind of the table, or the workloads; in the order of the snapshot. */
  list(name: string): readonly KubernetesObject[] {
    if (name === WORKLOAD) return this.workloads.all;
    return this.#objects.get(kindNamed(name)?.name ?? '') ?? NONE;
  }

  /** Why what there is of this kind is not all there is; null where it is. */
  incomplete(name: string): string | null {
    if (name === CLUSTER) return null;
    if (name === WORKLOAD) {
      for (const kind of Object.keys(WORKLOADS)) {
        const reason = this.incomplete(kind);
        if (reason !== null) return reason;
      }
      return null;
    }
    const kind = kindNamed(name);
    return kind === null ? 'is not known' : (this.#incomplete.get(kind.name) ?? null);
  }

  namespace(name: string): KubernetesObject | null {
    return this.#namespaces.get(name) ?? null;
  }

  get workloads(): Workloads {
    return this.memo('workloads', () => new Workloads(this));
  }

  /** What is worked out of all objects once, when it is first asked for. Kept only when it is done, for the work may be stopped in the middle. */
  memo<T>(name: string, make: () => T): T {
    if (!this.#memo.has(name)) this.#memo.set(name, make());
    return this.#memo.get(name) as T;
  }
}

const NONE: readonly KubernetesObject[] = [];
