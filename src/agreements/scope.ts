/** A part of the organisation; null: every system, every namespace. */
export interface Part {
  systemId: string | null;
  namespace: string | null;
}

/** What something is about: the parts together. */
export type Scope = readonly Part[];

/** `<system>/<namespace>`, or a namespace of every system that the record is of. */
function namespaceOf(text: string): Part {
  const slash = text.indexOf('/');
  return slash < 0
    ? { systemId: null, namespace: text }
    : { systemId: text.slice(0, slash).toLowerCase(), namespace: text.slice(slash + 1) };
}

const placesOf = (systemIds: readonly string[]): readonly (string | null)[] =>
  systemIds.length === 0 ? [null] : systemIds;

/** What an agreement covers: the systems that it is of (none named: all), and where it names namespaces these alone. */
export function coverOf(systemIds: readonly string[], namespaces: readonly string[]): Scope {
  const places = placesOf(systemIds);
  if (namespaces.length === 0) return places.map((systemId) => ({ systemId, namespace: null }));
  return namespaces.flatMap((text) => {
    const named = namespaceOf(text);
    if (named.systemId === null) return places.map((systemId) => ({ systemId, namespace: named.namespace }));
    return places.some((place) => place === null || place === named.systemId) ? [named] : [];
  });
}

/** Where a vendor handles ePHI: the systems that its record is of (none named: all), and of a system of which it links namespaces these alone. */
export function reachOf(systemIds: readonly string[], namespaces: readonly string[]): Scope {
  const named = namespaces.map(namespaceOf).filter(({ systemId }) => systemId !== null);
  const narrowed = new Set(named.map(({ systemId }) => systemId));
  const whole = placesOf(systemIds).filter((place) => !narrowed.has(place));
  // A vendor of no named system is of all of them; namespaces that it links besides narrow nothing.
  if (systemIds.length === 0) return [{ systemId: null, namespace: null }];
  return [...whole.map((systemId) => ({ systemId, namespace: null })), ...named];
}

const meets = (one: string | null, other: string | null): boolean => one === null || other === null || one === other;

/** Whether a part lies in both. */
export function overlaps(one: Scope, other: Scope): boolean {
  return one.some((a) => other.some((b) => meets(a.systemId, b.systemId) && meets(a.namespace, b.namespace)));
}

/** All that is covered, by however many agreements: a part is looked up, and not searched for. */
export class Cover {
  private readonly parts = new Set<string>();

  constructor(scope: Scope = []) {
    this.add(scope);
  }

  add(scope: Scope): void {
    for (const { systemId, namespace } of scope) this.parts.add(partKey(systemId, namespace));
  }

  has({ systemId, namespace }: Part): boolean {
    return [systemId, null].some((system) => [namespace, null].some((name) => this.parts.has(partKey(system, name))));
  }
}

const partKey = (systemId: string | null, namespace: string | null): string => JSON.stringify([systemId, namespace]);

/** What of the reach is not covered. All systems are covered by what covers each of those in scope, of which there has to be one. */
export function uncovered(reach: Scope, cover: Scope, systems: readonly string[]): Scope {
  const covered = new Cover(cover);
  return lacking(reach, (part) => covered.has(part), systems);
}

/** As `uncovered`, where something else tells of a part whether it is covered. */
export const lacking = (reach: Scope, isCovered: (part: Part) => boolean, systems: readonly string[]): Scope =>
  reach.flatMap((wanted) => {
    if (isCovered(wanted)) return [];
    if (wanted.systemId !== null || systems.length === 0) return [wanted];
    return systems.map((systemId) => ({ systemId, namespace: wanted.namespace })).filter((part) => !isCovered(part));
  });

const MAX_NAMED = 5;

/** `emr-production/billing, pacs`, the first of them; the names of systems by their ids. */
export function partNames(parts: Scope, names: ReadonlyMap<string, string>): string {
  const named = parts.slice(0, MAX_NAMED).map((part) => partName(part, names));
  return `${named.join(', ')}${parts.length > named.length ? ` and ${parts.length - named.length} more` : ''}`;
}

function partName(part: Part, names: ReadonlyMap<string, string>): string {
  const system = part.systemId === null ? 'the whole organisation' : (names.get(part.systemId) ?? part.systemId);
  return part.namespace === null ? system : `${system}/${part.namespace}`;
}
