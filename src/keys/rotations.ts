import { normalVersion } from './reference.js';

/** What one source says of one rotation. */
export interface Telling {
  at: Date;
  /** Null where the source does not name versions. */
  version: string | null;
  /** Rotations that one source tells apart are different ones: a record, or a fact over one interval. */
  source: string;
  by:
    | { kind: 'record'; recordId: string; version: number }
    /** `automatic`: the provider did it by itself; null: it does not say. */
    | { kind: 'fact'; series: string; source: string; scanId: string; automatic: boolean | null };
}

export interface Rotation {
  /** When it was: by the provider, where it tells of it, else by the record. */
  at: Date;
  version: string | null;
  tellings: readonly Telling[];
}

/** People write down when they rotated a key by the day, and in another zone. */
export const SAME_WITHIN_MS = 24 * 3_600_000;

/**
 * The rotations of one key that several sources tell of, each once, newest first. Two tellings are of one rotation if they name the same version; where one does not
 * name it, if they lie within a day of each other and neither is closer to another.
 */
export function joinRotations(tellings: readonly Telling[]): Rotation[] {
  const groups = tellings
    .toSorted((one, other) => one.at.getTime() - other.at.getTime() || (one.source < other.source ? -1 : 1))
    .map((telling) => new Group(telling));
  joinEqualVersions(groups);
  for (const { one, other } of closePairs(groups)) {
    const [left, right] = [one.root(), other.root()];
    if (left !== right && left.fits(right)) left.take(right);
  }
  return groups
    .filter((group) => group.root() === group)
    .map((group) => group.rotation())
    .sort((one, other) => other.at.getTime() - one.at.getTime());
}

class Group {
  private into: Group | null = null;
  private readonly members: Telling[];
  private readonly sources: Set<string>;
  version: string | null;

  constructor(readonly first: Telling) {
    this.members = [first];
    this.sources = new Set([first.source]);
    this.version = first.version === null ? null : normalVersion(first.version);
  }

  /** The group that this one has gone into. */
  root(): Group {
    return this.into === null ? this : this.into.root();
  }

  /**
   * Whether both may be one rotation: no two versions, no two of one source. That none lies further than a day from another does not hold of what names the version:
   * who writes the wrong day there is understood all the same.
   */
  fits(other: Group): boolean {
    if (this.version !== null && other.version !== null) return false;
    if ([...other.sources].some((source) => this.sources.has(source))) return false;
    const isNamed = this.version !== null || other.version !== null;
    return isNamed
      ? this.members.some((one) => other.members.some((its) => areClose(one, its)))
      : this.members.every((one) => other.members.every((its) => areClose(one, its)));
  }

  take(other: Group): void {
    for (const member of other.members) this.members.push(member);
    for (const source of other.sources) this.sources.add(source);
    this.version ??= other.version;
    other.into = this;
  }

  rotation(): Rotation {
    const tellings = this.members.toSorted((one, other) => one.at.getTime() - other.at.getTime());
    const instant = (tellings.find(({ by }) => by.kind === 'fact') ?? tellings[0] ?? this.first).at;
    return { at: instant, version: tellings.find(({ version }) => version !== null)?.version ?? null, tellings };
  }
}

const areClose = (one: Telling, other: Telling): boolean =>
  Math.abs(one.at.getTime() - other.at.getTime()) <= SAME_WITHIN_MS;

function joinEqualVersions(groups: readonly Group[]): void {
  const byVersion = new Map<string, Group>();
  for (const group of groups) {
    if (group.version === null) continue;
    const found = byVersion.get(group.version);
    if (found === undefined) byVersion.set(group.version, group);
    else found.take(group);
  }
}

/** The closest first. `groups`: by their instants. */
function closePairs(groups: readonly Group[]): { one: Group; other: Group }[] {
  const pairs: { one: Group; other: Group; apart: number }[] = [];
  for (const [index, one] of groups.entries()) {
    for (let next = index + 1; next < groups.length; next++) {
      const other = groups[next];
      if (other === undefined || !areClose(one.first, other.first)) break;
      pairs.push({ one, other, apart: other.first.at.getTime() - one.first.at.getTime() });
    }
  }
  return pairs.sort((one, other) => one.apart - other.apart);
}
