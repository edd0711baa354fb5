import { Cidr } from './addresses.js';
import {
  described,
  Fields,
  integerOf,
  lazy,
  listAt,
  MalformedError,
  type KubernetesObject,
  type Objects,
} from './objects.js';
import { labelsOf, LabelSelector } from './selectors.js';

/** What network policies of networking.k8s.io/v1 let through (https://kubernetes.io/docs/concepts/services-networking/network-policies/). */
export type Direction = 'Ingress' | 'Egress';

export interface Port {
  /** `TCP`, `UDP` or `SCTP`. */
  readonly protocol: string;
  /** 0 where every port of the protocol is meant, and where a name could not be resolved. */
  readonly port: bigint;
  /** The last of a range; that of a single port is itself. */
  readonly endPort: bigint;
  /** Empty if the policy gives it by number. */
  readonly name: string;
}

/** With whom a pod may speak, by one rule of a policy. */
export interface Peer {
  /** The policy's name; empty if the pod is not isolated and may speak with all. */
  readonly policy: string;
  /** The rule names nobody, so it means everybody, inside the cluster and outside. */
  readonly everything: boolean;
  /** Null where the policy's own namespace is meant, and for networks. */
  readonly namespaceSelector: KubernetesObject | null;
  /** Null where every pod of the namespaces is meant, and for networks. */
  readonly podSelector: KubernetesObject | null;
  /** Empty if the peers are pods. */
  readonly cidr: string;
  readonly except: readonly string[];
  /** None for all of them. */
  readonly ports: readonly Port[];
}

interface Policy {
  readonly name: string;
  readonly selector: LabelSelector;
  /** The directions in which it isolates what it selects, and what it allows there. */
  readonly rules: ReadonlyMap<Direction, readonly Fields[]>;
  readonly source: KubernetesObject;
}

export function directionOf(text: unknown): Direction {
  if (text === 'Ingress' || text === 'Egress') return text;
  throw new MalformedError(`${described(text)} is neither Ingress nor Egress`);
}

export class NetworkPolicies {
  private readonly byNamespace: () => ReadonlyMap<string, readonly Policy[]>;

  constructor(objects: Objects) {
    this.byNamespace = lazy(() => {
      const policies = new Map<string, Policy[]>();
      for (const object of objects.list('NetworkPolicy')) {
        listAt(policies, Fields.of(object, '').need('metadata').needText('namespace')).push(policyOf(object));
      }
      return policies;
    });
  }

  /** Whether a policy of the namespace selects all its pods and lets nothing through: who adds no other policy is cut off. */
  denies(namespace: unknown, direction: Direction): boolean {
    const name = typeof namespace === 'string' ? namespace : Fields.of(namespace, '').need('metadata').needText('name');
    return this.of(name).some(({ selector, rules }) => selector.everything && rules.get(direction)?.length === 0);
  }

  /** The policies that select a pod with these labels. */
  selecting(namespace: string, labels: unknown): KubernetesObject[] {
    return this.policiesFor(namespace, labels).map(({ source }) => source);
  }

  /** Whether some policy selects the pod for this direction: then only what policies allow gets through. */
  isolated(namespace: string, labels: unknown, direction: Direction): boolean {
    return this.policiesFor(namespace, labels).some(({ rules }) => rules.has(direction));
  }

  /**
   * With whom a pod may speak, over all policies that select it: none if it is isolated and nothing is allowed; one peer that is everything if it is not
   * isolated.
   * @param podSpec of the pod: names of ports of `Ingress` are then resolved. Those of `Egress` are names in the pods spoken to.
   */
  peers(namespace: string, labels: unknown, direction: Direction, podSpec?: unknown): Peer[] {
    if (!this.isolated(namespace, labels, direction)) {
      return [
        { policy: '', everything: true, namespaceSelector: null, podSelector: null, cidr: '', except: [], ports: [] },
      ];
    }
    const named =
      direction === 'Ingress' && podSpec !== undefined && podSpec !== null ? portsByName(podSpec) : new Map();
    return this.policiesFor(namespace, labels).flatMap(({ name, rules }) =>
      (rules.get(direction) ?? []).flatMap((rule) => peersOf(name, rule, direction, named)),
    );
  }

  private of(namespace: string): readonly Policy[] {
    return this.byNamespace().get(namespace) ?? [];
  }

  private policiesFor(namespace: string, labels: unknown): Policy[] {
    const own = labelsOf(labels);
    return this.of(namespace).filter(({ selector }) => selector.matches(own));
  }
}

function policyOf(object: KubernetesObject): Policy {
  const fields = Fields.of(object, '');
  const spec = fields.need('spec');
  const lists = { Ingress: spec.maps('ingress'), Egress: spec.maps('egress') };
  const types = spec.texts('policyTypes').map(directionOf);
  // The API server's defaults (k8s.io/kubernetes/pkg/apis/networking/v1, defaults.go).
  const directions =
    types.length > 0 ? types : (['Ingress', ...(lists.Egress.length > 0 ? ['Egress'] : [])] as Direction[]);
  const rules = new Map(directions.map((direction) => [direction, lists[direction]]));
  const policy: Policy = {
    name: fields.need('metadata').needText('name'),
    selector: LabelSelector.parse(spec.value('podSelector') ?? {}, 'spec.podSelector'),
    rules,
    source: object,
  };
  // What is malformed is told when the policies are read, not by the first pod that a rule concerns.
  for (const [direction, list] of rules) for (const rule of list) peersOf(policy.name, rule, direction, new Map());
  return policy;
}

function peersOf(policy: string, rule: Fields, direction: Direction, named: ReadonlyMap<string, bigint>): Peer[] {
  const ports = rule.maps('ports').map((port) => portOf(port, named));
  const peers = rule.maps(direction === 'Ingress' ? 'from' : 'to');
  const nobody = { policy, everything: false, namespaceSelector: null, podSelector: null, cidr: '', except: [], ports };
  if (peers.length === 0) return [{ ...nobody, everything: true }];
  return peers.map((peer) => {
    const block = peer.map('ipBlock');
    const podSelector = selectorOf(peer, 'podSelector');
    const namespaceSelector = selectorOf(peer, 'namespaceSelector');
    if ((block === undefined) === (podSelector === null && namespaceSelector === null)) {
      throw new MalformedError(`${policy}: ${peer.path} is neither a network nor pods`);
    }
    if (block === undefined) return { ...nobody, podSelector, namespaceSelector };
    const cidr = Cidr.parse(block.value('cidr')).toString();
    return { ...nobody, cidr, except: block.texts('except').map((text) => Cidr.parse(text).toString()) };
  });
}

function selectorOf(peer: Fields, name: string): KubernetesObject | null {
  const selector = peer.map(name);
  if (selector === undefined) return null;
  LabelSelector.parse(selector.raw(), selector.path);
  return selector.raw();
}

const LAST_PORT = 65_535n;

function portOf(fields: Fields, named: ReadonlyMap<string, bigint>): Port {
  const protocol = fields.text('protocol') ?? 'TCP';
  const value = fields.value('port');
  const end = fields.integer('endPort');
  const refuse = (why: string): never => {
    throw new MalformedError(`${fields.path}: ${why}`);
  };
  if (!['TCP', 'UDP', 'SCTP'].includes(protocol))
    return refuse(`${described(protocol)} is no protocol of network policies`);
  if (typeof value === 'string') {
    if (value === '' || end !== undefined) return refuse('a range of ports begins with a number');
    const port = named.get(`${protocol}/${value}`) ?? 0n;
    return { protocol, port, endPort: port, name: value };
  }
  if (value === undefined) {
    return end === undefined ? { protocol, port: 0n, endPort: 0n, name: '' } : refuse('endPort needs a port');
  }
  const port = integerOf(value, `${fields.path}.port`);
  const endPort = end ?? port;
  if (port < 1n || endPort < port || endPort > LAST_PORT) return refuse(`${port} to ${endPort} are no ports`);
  return { protocol, port, endPort, name: '' };
}

function portsByName(podSpec: unknown): Map<string, bigint> {
  const pod = Fields.of(podSpec, 'spec');
  const ports = new Map<string, bigint>();
  for (const container of [...pod.maps('containers'), ...pod.maps('initContainers')]) {
    for (const port of container.maps('ports')) {
      const name = port.text('name');
      const number = port.integer('containerPort');
      if (name !== undefined && number !== undefined) ports.set(`${port.text('protocol') ?? 'TCP'}/${name}`, number);
    }
  }
  return ports;
}
