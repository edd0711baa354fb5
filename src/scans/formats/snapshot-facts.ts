import { certManager } from './cert-manager.js';
import type { Draft } from './draft.js';
import { externalSecrets } from './external-secrets.js';
import { field, fieldsIn, isFields, resourceName, Unreadable } from './fields.js';
import { istio } from './istio.js';
import { k8sObjects } from './k8s-objects.js';
import { nameOf, type KubernetesObject } from './kubernetes.js';
import { kubernetesStorage } from './kubernetes-storage.js';
import type { ObjectFormat, ObjectReader } from './object-format.js';
import { secretsStoreCsi } from './secrets-store-csi.js';
import { CLUSTER } from './targets.js';
import { velero } from './velero.js';

const FORMATS: readonly ObjectFormat[] = [
  k8sObjects,
  kubernetesStorage,
  velero,
  certManager,
  istio,
  externalSecrets,
  secretsStoreCsi,
];

/** `group/Kind` → who reads it, and what its facts are called: as those of the format that reads such objects alone, so that a snapshot goes on where a list ended. */
const READERS: ReadonlyMap<string, { read: ObjectReader; source: string }> = new Map(
  FORMATS.flatMap(({ tool, readers }) =>
    Object.entries(readers).flatMap(([group, kinds]) =>
      Object.entries(kinds).map(([kind, read]) => [`${group}/${kind}`, { read, source: `${tool}/${kind}` }] as const),
    ),
  ),
);

/** What controllers make by the thousand, under names of chance: their owners are told of. */
const MADE: ReadonlySet<string> = new Set(['/Pod', 'apps/ReplicaSet', 'batch/Job']);

/** Tells what an object says, if there are facts of its kind. */
export function tellFacts(draft: Draft, found: KubernetesObject): void {
  const { group, kind, object, pointer } = found;
  const of = `${group}/${kind}`;
  const reader = READERS.get(of);
  if (reader === undefined || (MADE.has(of) && isControlled(object))) return;
  const { source } = reader;
  draft.attempt(pointer, { target: CLUSTER, source }, () => {
    const { name, namespace } = nameOf(object);
    if (name === '') throw new Unreadable('/metadata/name', 'must name the object');
    const subject = resourceName(namespace, group, kind, name);
    draft.fact({ target: CLUSTER, source, subject, namespace, ...reader.read(object, found, draft) });
  });
}

/** Says that all objects of the kind were there. */
export function coverFacts(draft: Draft, group: string, kind: string): void {
  const source = READERS.get(`${group}/${kind}`)?.source;
  if (source === undefined) return;
  draft.cover({ target: CLUSTER, source, extent: 'complete', checks: null, silentPass: [] });
}

function isControlled(object: KubernetesObject['object']): boolean {
  const owners = field(fieldsIn(object, 'metadata'), 'ownerReferences');
  return Array.isArray(owners) && owners.some((owner) => isFields(owner) && field(owner, 'controller') === true);
}
