import { DAY_MS, dayOf } from '../kernel/dates.js';
import type { EffectiveRecord, EndedRecord } from '../records/effective.js';
import { agreementOf, returnOf } from './fields.js';
import { endOf } from './rules.js';
import { Cover, coverOf, lacking, uncovered, type Scope } from './scope.js';
import { agreementStanding, nameOf, vendorOfAgreement, type AgreementsInput } from './standing.js';

/**
 * After an agreement has ended, within how many days its PHI has to be shown to be returned, destroyed, or protected where neither is feasible. The rule says
 * «at termination» (45 CFR 164.504(e)(2)(ii)(J)) and names no days; sixty are what agreements of this kind commonly give, and what breaches have (164.404(b)).
 */
export const RETURN_DAYS = 60;

/** What an agreement that has ended leaves open, or that covers less than it did. */
export interface OpenReturn {
  agreement: EffectiveRecord;
  /** What it covered then, and no agreement of the vendor has covered since. */
  left: Scope;
  /** Another version of it has followed. */
  isNarrowed: boolean;
  vendorId: string;
  vendorName: string;
  endedAt: Date;
  dueAt: Date;
}

/** A version of an agreement that is in force, or was. */
interface Version {
  record: EffectiveRecord;
  /** Null: it is in force. */
  endsAt: Date | null;
  /** Another version of it has followed. */
  isNarrowed: boolean;
  cover: Scope;
}

type PastVersion = Version & { endsAt: Date };

const isPast = (version: Version): version is PastVersion => version.endsAt !== null;

/**
 * Returns that are still to be shown. A version of an agreement leaves none open where others carry it on: those that are in force, or ended later and so leave their own, and
 * together cover all of what it did. They are of other agreements of the vendor, or what followed it.
 */
export function openReturns(input: AgreementsInput, asOf: Date): OpenReturn[] {
  const versions = versionsOf(input, asOf);
  // Of most organisations at most instants none has ended.
  if (!versions.some(isPast)) return [];
  const left = leftBy(versions, input);
  const shown = shownOf(versions, left, input, asOf);
  const names = new Map(
    [...input.ended.filter(({ type }) => type === 'vendor'), ...input.vendors].map((vendor) => [
      vendor.id,
      nameOf(vendor),
    ]),
  );
  return versions.filter(isPast).flatMap((version): OpenReturn[] => {
    const parts = left.get(version) ?? [];
    if (parts.length === 0 || shown.has(version)) return [];
    const { record, endsAt, isNarrowed } = version;
    const vendorId = vendorOfAgreement(record);
    return [
      {
        agreement: record,
        left: parts,
        isNarrowed,
        vendorId,
        vendorName: names.get(vendorId) ?? vendorId,
        endedAt: endsAt,
        dueAt: dueAfter(endsAt),
      },
    ];
  });
}

const dueAfter = (endsAt: Date): Date => new Date(endsAt.getTime() + RETURN_DAYS * DAY_MS);

function versionsOf(input: AgreementsInput, asOf: Date): Version[] {
  const gone = new Set(input.ended.map(versionOf));
  const past = [
    ...input.ended.filter(({ type }) => type === 'baa'),
    ...input.past.filter((record) => !gone.has(versionOf(record))),
  ];
  return [
    ...input.agreements.flatMap((record): Version[] => {
      const { endsAt, inForce, cover } = agreementStanding(record, input, asOf);
      if (!inForce && endsAt === null) return [];
      return [{ record, endsAt: inForce ? null : endsAt, isNarrowed: false, cover }];
    }),
    // One that was disposed of has been kept for six years after its end, and two people have let it go.
    ...past
      .filter(({ disposed }) => !disposed)
      .map((record) => ({
        record,
        endsAt: endOfEnded(record),
        isNarrowed: !gone.has(versionOf(record)),
        cover: coverOfRecord(record),
      })),
  ];
}

/** What each version left as it ended, and no agreement of the vendor has covered since. */
function leftBy(versions: readonly Version[], systems: Systems): Map<Version, Scope> {
  const left = new Map<Version, Scope>();
  for (const ofVendor of Map.groupBy(versions, ({ record }) => vendorOfAgreement(record)).values()) {
    const later = new Cover();
    const byEnd = Map.groupBy(ofVendor, ({ endsAt }) => endsAt?.getTime() ?? Infinity);
    for (const [, ending] of [...byEnd].sort(([a], [b]) => b - a)) {
      // Of what ended at once only what followed in the same agreement carries on.
      const following = new Map<string, Cover>();
      for (const version of ending.filter(isPast).sort((a, b) => b.record.version - a.record.version)) {
        const { record, cover } = version;
        const own = following.get(record.id) ?? new Cover();
        left.set(
          version,
          lacking(cover, (part) => later.has(part) || own.has(part), systemsThen(version, systems)),
        );
        own.add(cover);
        following.set(record.id, own);
      }
      for (const { cover } of ending) later.add(cover);
    }
  }
  return left;
}

type Systems = Pick<AgreementsInput, 'systems' | 'spans'>;

/**
 * «All systems» are those that were in scope at any time of it, until it ended, or until it was recorded, if that was later: what has gone since, or had before, has left its PHI
 * there. Where none was yet, nobody can tell them from those that came.
 */
function systemsThen({ record, endsAt }: PastVersion, { systems, spans }: Systems): string[] {
  const until = endsAt > record.decidedAt ? endsAt : record.decidedAt;
  const known = spans.filter(({ from, to }) => from <= until && (to === null || to > record.effectiveFrom));
  return [...new Set((known.length === 0 ? systems : known).map(({ id }) => id))];
}

/** Versions of which what they left is shown to be returned. */
function shownOf(
  versions: readonly Version[],
  left: ReadonlyMap<Version, Scope>,
  { returns, ...systems }: AgreementsInput,
  asOf: Date,
): Set<Version> {
  const byAgreement = Map.groupBy(versions, ({ record }) => record.id);
  const returned = Map.groupBy(
    returns
      .flatMap((record) => returnOf(record) ?? [])
      .filter(({ completedOn }) => Date.parse(completedOn) <= asOf.getTime()),
    ({ agreement }) => agreement,
  );
  return new Set(
    [...returned].flatMap(([id, ofAgreement]) =>
      shownBy(
        ofAgreement.map(({ completedOn }) => completedOn).sort(),
        leavingsOf(byAgreement.get(id) ?? [], systems),
        left,
      ),
    ),
  );
}

/** Versions of one agreement with which something left it, the first end first, be it carried on by others or not. */
function leavingsOf(versions: readonly Version[], systems: Systems): PastVersion[] {
  const inOrder = versions.toSorted((a, b) => a.record.version - b.record.version);
  const isLeaving = (version: PastVersion, next: Version | undefined): boolean =>
    next === undefined ||
    next.record.effectiveFrom > version.endsAt ||
    uncovered(version.cover, next.cover, systemsThen(version, systems)).length > 0;
  return inOrder
    .flatMap((version, at) => (isPast(version) && isLeaving(version, inOrder[at + 1]) ? [version] : []))
    .sort((a, b) => a.endsAt.getTime() - b.endsAt.getTime());
}

/**
 * A return is of all that had left the agreement by the day on which it was completed, as long as any of that was to be returned. Where nothing was, it is of what leaves
 * next: who lets an agreement end returns what there is as it ends. But what was returned long before is not what was handed over since.
 */
function shownBy(
  days: readonly string[],
  leavings: readonly PastVersion[],
  left: ReadonlyMap<Version, Scope>,
): readonly Version[] {
  const shown = new Set<Version>();
  const isOpen = (version: PastVersion): boolean => !shown.has(version) && (left.get(version) ?? []).length > 0;
  for (const day of days) {
    const gone = leavings.filter(({ endsAt }) => dayOf(endsAt) <= day);
    const isOfGone = gone.some((version) => day < dayOf(dueAfter(version.endsAt)) || isOpen(version));
    const next = leavings.slice(gone.length, gone.length + 1).filter(({ endsAt }) => dueAfter(new Date(day)) >= endsAt);
    for (const version of isOfGone ? gone : next) {
      if (day >= (agreementOf(version.record)?.signedOn ?? day)) shown.add(version);
    }
  }
  return [...shown];
}

/** Versions come agreement by agreement, each after the one before it. Those that went on and covered the same are one: so much is held, however often it was agreed anew. */
export async function runsOf(versions: AsyncIterable<EndedRecord> | Iterable<EndedRecord>): Promise<EndedRecord[]> {
  const runs: EndedRecord[] = [];
  for await (const version of versions) {
    const last = runs.at(-1);
    if (last !== undefined && goesOn(last, version)) {
      runs[runs.length - 1] = { ...version, effectiveFrom: last.effectiveFrom };
    } else runs.push(version);
  }
  return runs;
}

function goesOn(last: EndedRecord, next: EndedRecord): boolean {
  const [cover, nextCover] = [coverOfRecord(last), coverOfRecord(next)];
  return (
    last.id === next.id &&
    vendorOfAgreement(last) === vendorOfAgreement(next) &&
    last.disposed === next.disposed &&
    next.effectiveFrom <= endOfEnded(last) &&
    endOfEnded(last) <= endOfEnded(next) &&
    uncovered(cover, nextCover, []).length === 0 &&
    uncovered(nextCover, cover, []).length === 0
  );
}

const versionOf = ({ id, version }: EffectiveRecord): string => `${id}/${version}`;

/** When returns of agreements that are in force yet will be due at the earliest, if nothing is done until then. */
export const returnsToCome = (input: AgreementsInput, asOf: Date): Date[] =>
  input.agreements.flatMap((record) => {
    const { inForce, endsAt } = agreementStanding(record, input, asOf);
    return inForce && endsAt !== null ? [dueAfter(endsAt)] : [];
  });

/** What was ended after its time had run out ended when that was, unless it had renewed itself. */
function endOfEnded(record: EndedRecord): Date {
  const fields = agreementOf(record);
  const endsAt = fields === null ? null : endOf(record, fields);
  return endsAt !== null && endsAt < record.endedAt ? endsAt : record.endedAt;
}

function coverOfRecord(record: EffectiveRecord): Scope {
  const fields = agreementOf(record);
  return fields === null ? coverOf([], []) : coverOf(record.systemIds, fields.namespaces);
}
