import { Injectable } from '@nestjs/common';
import type { Catalog } from '../catalog/catalog.js';
import type { TypeDefinition } from '../catalog/record-type.js';
import type { Tx } from '../kernel/db/database.js';
import type { Instant } from '../kernel/http/instant.js';
import type { NeedSummary } from '../records/effective.js';
import { WHOLE } from '../records/interval.js';
import { RecordsService } from '../records/records.service.js';
import { RecordTypesService } from '../records/types/record-types.service.js';
import { FACT_KINDS, type FactKind } from '../results/fact.js';
import { ResultsService } from '../results/results.service.js';
import { asksOf, type Asks } from './asks.js';
import { lateStatements, openDues, overdueStatements } from './dues.js';
import { lostStatements } from './lost.js';
import type { CoverageSummary } from './evidence.js';
import { Judges } from './judges.js';
import { NOTHING_ACCEPTED, placePart, type Accepted, type MachineWord, type PlacePart } from './needs.js';

const DAY = 24 * 60 * 60 * 1000;

/** What is asked for, by the record types as an organisation had tightened them. */
export interface AskedFor {
  readonly asks: Asks;
  readonly types: ReadonlyMap<string, TypeDefinition>;
}

/** Reads what records, and those who judge them, say of a place. */
@Injectable()
export class PlaceReader {
  private readonly unchanged = new WeakMap<Catalog, AskedFor>();

  constructor(
    private readonly records: RecordsService,
    private readonly recordTypes: RecordTypesService,
    private readonly results: ResultsService,
    private readonly judges: Judges,
  ) {}

  async askedFor(
    tx: Tx,
    catalog: Catalog,
    recordFreshness: Readonly<Record<string, number>>,
    knownAt: Date,
  ): Promise<AskedFor> {
    const inForce = await this.recordTypes.definitions(tx, knownAt);
    const types = new Map([...inForce].map(([type, { definition }]) => [type, definition]));
    const isOwn = [...types].some(([type, definition]) => catalog.recordType(type) !== definition);
    if (isOwn || Object.keys(recordFreshness).length > 0)
      return { asks: asksOf(catalog, recordFreshness, types), types };
    // Of most organisations: what the catalogue asks for, made once.
    const known = this.unchanged.get(catalog) ?? { asks: asksOf(catalog, {}, types), types };
    this.unchanged.set(catalog, known);
    return known;
  }

  /** Of a system, or (null) of the organisation. */
  async accepted(tx: Tx, instant: Instant, systemId: string | null): Promise<Accepted> {
    return (await this.judges.acceptances?.inEffect(tx, instant, systemId)) ?? NOTHING_ACCEPTED;
  }

  /** `corrupt`: evidence that is no longer what was kept. `coverage`: of the system; none of the organisation. */
  async part(
    tx: Tx,
    instant: Instant,
    systemId: string | null,
    { asks, types }: AskedFor,
    accepted: Accepted,
    corrupt: ReadonlySet<string>,
    coverage: readonly CoverageSummary[] = [],
  ): Promise<PlacePart> {
    // A record is of the places that its type is of: of the others there is none.
    const elsewhere = systemId === null ? 'system' : 'organization';
    const limits = asks.limits.filter(({ type }) => types.get(type)?.place !== elsewhere);
    const summaries = await this.records.needs(tx, instant, systemId, limits);
    const dues = await this.records.obligations(tx, instant, systemId);
    const statements = [
      ...overdueStatements(dues, asks, types, instant.asOf),
      ...lateStatements(dues, asks, types, instant.asOf),
    ];
    if (corrupt.size > 0) {
      const lost = await this.records.documentedBy(tx, instant, systemId, [...corrupt]);
      statements.push(...lostStatements(lost, asks, types, instant.asOf));
    }
    for (const judge of this.judges.judges) statements.push(...(await judge.statements(tx, instant, systemId)));
    return placePart(asks, {
      systemId,
      asOf: instant.asOf,
      summaries,
      statements,
      works: openDues(dues, asks, types, instant.asOf),
      machines: systemId === null ? new Map() : await this.machines(tx, instant, systemId, asks, coverage),
      none: await this.none(tx, instant, systemId, asks, summaries),
      accepted,
    });
  }

  /**
   * Of the types that count what was: those of which every record that may still be asked about says that there was none. A register of a day says nothing of the quarter before it, whose
   * own one named some; nor is one that is too old asked any more, but where there is no other.
   */
  private async none(
    tx: Tx,
    instant: Instant,
    systemId: string | null,
    asks: Asks,
    summaries: readonly NeedSummary[],
  ): Promise<Set<string>> {
    const counted = Map.groupBy(
      summaries.filter(({ limit }) => asks.counting.has(limit.type)),
      ({ limit }) => limit.type,
    );
    if (counted.size === 0) return new Set();
    const found = await this.records.effective(tx, instant, {
      types: [...counted.keys()],
      systemId: systemId ?? WHOLE,
    });
    const none = new Set<string>();
    for (const [type, said] of counted) {
      const speaking = new Set(said.flatMap(({ records }) => records));
      const days = Math.max(...said.map(({ limit }) => limit.days ?? Infinity));
      const since = instant.asOf.getTime() - days * DAY;
      const asked = found.filter(
        (record) => record.type === type && (speaking.has(record.id) || record.goodFrom.getTime() >= since),
      );
      if (asked.length > 0 && asked.every(({ fields }) => isNone(fields[asks.counting.get(type) ?? ''])))
        none.add(type);
    }
    return none;
  }

  /** Of each type that a machine may stand in for, when one last did. Only complete scans say that somebody has looked. */
  private async machines(
    tx: Tx,
    instant: Instant,
    systemId: string,
    asks: Asks,
    coverage: readonly CoverageSummary[],
  ): Promise<Map<string, MachineWord>> {
    const asked = [...asks.practices.values(), ...asks.controls.values()].flat();
    const standIns = new Map(asked.flatMap(({ type, metBy }) => (metBy === null ? [] : [[type, metBy] as const])));
    const kinds = new Set([...standIns.values()].flatMap(({ facts }) => facts.filter(isFactKind)));
    const found = kinds.size === 0 ? [] : await this.results.firstFacts(tx, systemId, instant, [...kinds]);
    const words = new Map<string, MachineWord>();
    for (const [type, { sources, facts }] of standIns) {
      const scans = coverage.filter(({ source }) =>
        sources.some((from) => source === from || source.startsWith(`${from}/`)),
      );
      const seen = scans.map(({ source, observedAt }): MachineWord => ({ source, seen: observedAt }));
      for (const fact of found.filter(({ kind }) => facts.includes(kind))) {
        const since = [
          fact.observedFrom,
          ...coverage.flatMap((one) => (one.source === fact.source ? one.observedAt : [])),
        ];
        seen.push(...since.map((at) => ({ source: fact.source, seen: at })));
      }
      const [last] = seen.sort((a, b) => b.seen.getTime() - a.seen.getTime());
      if (last !== undefined) words.set(type, last);
    }
    return words;
  }
}

const isNone = (count: unknown): boolean => count === 0 || (Array.isArray(count) && count.length === 0);

const isFactKind = (kind: string): kind is FactKind => Object.hasOwn(FACT_KINDS, kind);
