import type { AnalysisFields } from './fields.js';

/** A system in scope, as the register has it. */
export interface ScopedSystem {
  id: string;
  name: string;
  /** Empty: no namespace alone holds PHI, any may. */
  phiNamespaces: readonly string[];
}

/** Of what an analysis has to be, at the instant that is asked for. */
export interface Surroundings {
  /** Systems with PHI. */
  systems: readonly ScopedSystem[];
  /** The same when the analysis came into effect. */
  systemsThen: readonly ScopedSystem[];
  /** Major and minor of the cluster of a system, by its id, where a snapshot has said it: now, and when the analysis came into effect. */
  versions: ReadonlyMap<string, string>;
  versionsThen: ReadonlyMap<string, string>;
  vendors: readonly { id: string; name: string }[];
}

/** What an analysis was made of. */
type Known = Pick<AnalysisFields, 'systems' | 'namespaces' | 'vendors' | 'leftOut'>;

/** The same since an evaluation, which names nothing that it was made of: what there was then was in it. */
export const changesSince = (around: Surroundings & { readonly vendorsThen: readonly { id: string }[] }): string[] =>
  materialChanges(
    {
      systems: around.systemsThen.map(({ id }) => ({ systemId: id, version: around.versionsThen.get(id) })),
      namespaces: around.systemsThen.flatMap(({ id, phiNamespaces }) => phiNamespaces.map((name) => `${id}/${name}`)),
      vendors: around.vendorsThen.map(({ id }) => id),
      leftOut: [],
    },
    around,
  );

/**
 * What has changed so much since an analysis that it speaks of something else (45 CFR 164.306(e); HHS guidance on risk analysis: «as needed», with new technology
 * and business operations): a system or a vendor that it neither names nor leaves out, another minor version of a cluster, namespaces with PHI that it does not know.
 * One sentence part each.
 */
export function materialChanges(analysis: Known, around: Surroundings): string[] {
  const isLeftOut = leftOutOf(analysis);
  const named = new Map(analysis.systems.map((system) => [system.systemId, system]));
  const systems = around.systems.filter(({ name }) => !isLeftOut(name));
  return [
    ...systems.filter(({ id }) => !named.has(id)).map(({ name }) => `system ${name} is new in scope`),
    ...systems.flatMap((system) => {
      const scope = named.get(system.id);
      if (scope === undefined) return [];
      return [...versionChange(system, scope.version, around), ...namespaceChanges(system, analysis, around)];
    }),
    ...around.vendors
      .filter(({ id, name }) => !analysis.vendors.includes(id) && !isLeftOut(name))
      .map(({ name }) => `vendor ${name} is a new vendor`),
  ];
}

/** What is left out is named as the register names it: letters and blanks around it do not matter. */
export function leftOutOf({ leftOut }: Pick<AnalysisFields, 'leftOut'>): (name: string) => boolean {
  const names = new Set(leftOut.map(({ what }) => plain(what)));
  return (name) => names.has(plain(name));
}

const plain = (name: string): string => name.normalize('NFC').trim().toLowerCase();

/** As the analysis names it, or else as it was known to be when the analysis came into effect. What nobody has told of is no change. */
function versionChange(
  { id, name }: ScopedSystem,
  said: string | undefined,
  { versions, versionsThen }: Surroundings,
): string[] {
  const now = versions.get(id);
  const then = said ?? versionsThen.get(id);
  if (now === undefined || then === undefined || now === then) return [];
  return [`the cluster of ${name} runs Kubernetes ${now}, before ${then}`];
}

function namespaceChanges(
  { id, name, phiNamespaces }: ScopedSystem,
  analysis: Known,
  { systemsThen }: Surroundings,
): string[] {
  const isLeftOut = leftOutOf(analysis);
  const known = new Set(analysis.namespaces);
  const added = phiNamespaces.filter(
    (namespace) => !known.has(`${id}/${namespace}`) && !isLeftOut(`${name}/${namespace}`),
  );
  const then = systemsThen.find((system) => system.id === id)?.phiNamespaces ?? [];
  // With no namespace named any may hold PHI: the scope has become wider, not narrower.
  if (phiNamespaces.length === 0 && then.length > 0) return [`any namespace of ${name} may hold PHI now`];
  const removed = then.filter((namespace) => !phiNamespaces.includes(namespace));
  return [
    ...added.map((namespace) => `namespace ${namespace} of ${name} holds PHI now`),
    ...removed.map((namespace) => `namespace ${namespace} of ${name} holds no PHI any more`),
  ];
}
