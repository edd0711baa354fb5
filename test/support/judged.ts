import { ClusterBuilder, type ClusterHead, type ListEnd } from '../../src/checks/cluster.js';
import { compileCheck } from '../../src/checks/definition.js';
import { evaluate, type Budget, type Outcome } from '../../src/checks/evaluate.js';
import { pathOf } from '../../src/checks/examples.js';
import { KINDS } from '../../src/checks/kinds.js';
import { DEFAULT_PHI_LABELS } from '../../src/checks/phi.js';
import { exampleCheck } from './checks.js';

export type Json = Record<string, unknown>;

export const HEAD: ClusterHead = {
  uid: 'u-1',
  name: null,
  serverVersion: { major: '1', minor: '34', gitVersion: 'v1.34.1', platform: 'linux/amd64' },
  startedAt: new Date('2026-11-26T08:00:00Z'),
};

export interface Snapshot {
  objects: unknown[];
  /** Kind → how its list ended, and how many it says that there are. */
  ends?: Record<string, Partial<ListEnd>>;
  cut?: boolean;
  phi?: string[];
}

export function clusterOf({ objects, ends = {}, cut = false, phi = ['clinic'] }: Snapshot) {
  const builder = new ClusterBuilder();
  const counts = new Map<string, number>();
  for (const object of structuredClone(objects)) {
    const kind = (object as Json | null)?.['kind'];
    if (typeof kind === 'string') counts.set(kind, (counts.get(kind) ?? 0) + 1);
    builder.add(object);
  }
  const lists = KINDS.flatMap(({ name, group, kind, versions }): ListEnd[] => {
    const count = name === kind ? (counts.get(kind) ?? 0) : 0;
    const end: ListEnd = { group, kind, version: versions[0] ?? '', outcome: 'complete', count, reason: null };
    const told = Object.hasOwn(ends, name) ? ends[name] : {};
    return told === undefined ? [] : [{ ...end, ...told }];
  });
  return builder.build(HEAD, cut ? null : lists, { labels: DEFAULT_PHI_LABELS, namespaces: phi });
}

export const checkOf = (more: Json) => compileCheck(exampleCheck(more));

export function judge(check: Json, snapshot: Snapshot, budget?: Budget) {
  const outcomes: Outcome[] = [];
  const { complete, notes } = evaluate(
    [checkOf(check)],
    clusterOf(snapshot),
    (outcome) => outcomes.push(outcome),
    budget,
  );
  const said = outcomes.map(
    (outcome) => `${pathOf(outcome)} ${outcome.status}${outcome.message === null ? '' : `: ${outcome.message}`}`,
  );
  return { said, complete: complete.length === 1, notes };
}

export const pod = (name: string, more: Json = {}, metadata: Json = {}): Json => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'clinic', uid: `uid-${name}`, ...metadata },
  spec: { containers: [{ name: 'main', image: 'nginx' }], ...more },
});
export const namespace = (name: string, labels: Json = {}, uid = `uid-${name}`): Json => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name, labels, uid },
});
export const policy = (name: string, spec: Json): Json => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  metadata: { name, namespace: 'clinic' },
  spec,
});
