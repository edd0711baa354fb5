import { Injectable } from '@nestjs/common';
import type { TypeDefinition } from '../catalog/record-type.js';
import type { Tx } from '../kernel/db/database.js';
import type { Instant } from '../kernel/http/instant.js';
import type {
  DocumentedRecord,
  EffectiveFilter,
  EffectiveRecord,
  EndedRecord,
  NeedLimit,
  NeedSummary,
} from './effective.js';
import { RecordTypesService } from './types/record-types.service.js';
import { dueOf, isOfSystems, typesAsked, type Due } from './obligations.js';
import { IntervalStore } from './interval.store.js';
import { RecordListStore } from './record-list.store.js';
import type { WaitingRecords } from './waiting.js';

/** What records say of instants: what judges and the posture read. */
@Injectable()
export class RecordsService {
  constructor(
    private readonly intervals: IntervalStore,
    private readonly types: RecordTypesService,
    private readonly lists: RecordListStore,
  ) {}

  /**
   * The records in effect at an instant, with their fields; by type and record. More than 20,000 at once are an error. Several judges ask for the same types: of a
   * place each type is read once in a snapshot.
   */
  async effective(tx: Tx, instant: Instant, filter: EffectiveFilter): Promise<EffectiveRecord[]> {
    const { types, systemId, ...narrower } = filter;
    if (Object.keys(narrower).length > 0) return this.intervals.effective(tx, instant, filter);
    const { asOf, knownAt } = instant;
    const read = await tx.once(`records ${systemId ?? ''} ${asOf.toISOString()} ${knownAt.toISOString()}`, () =>
      Promise.resolve(new Map<string, readonly EffectiveRecord[]>()),
    );
    const wanted = [...new Set(types)].sort();
    const missing = wanted.filter((type) => !read.has(type));
    if (missing.length > 0) {
      const found = Map.groupBy(
        await this.intervals.effective(tx, instant, { ...filter, types: missing }),
        ({ type }) => type,
      );
      for (const type of missing) read.set(type, found.get(type) ?? []);
    }
    return wanted.flatMap((type) => read.get(type) ?? []);
  }

  /** Of each record of which nothing is in effect at the instant, the last version that was: what ended, and may leave something open. Bounded as `effective`. */
  ended(tx: Tx, instant: Instant, filter: EffectiveFilter): Promise<EndedRecord[]> {
    return this.intervals.ended(tx, instant, filter);
  }

  /** Each version that was in effect and is no more at the instant, with when it ended: also those that another version followed. Record by record, in their order; read as they are taken. */
  past(tx: Tx, instant: Instant, types: readonly string[]): AsyncIterable<EndedRecord> {
    return this.intervals.past(tx, instant, types);
  }

  /** When records in effect at the instant end, by record, where that is decided on already. */
  endings(tx: Tx, instant: Instant, types: readonly string[]): Promise<ReadonlyMap<string, Date>> {
    return this.intervals.endings(tx, instant, types);
  }

  /** The records in effect in one place that some of the evidence documents: as their document, or by a link. `systemId` as in `needs`. */
  documentedBy(
    tx: Tx,
    instant: Instant,
    systemId: string | null,
    evidenceIds: readonly string[],
  ): Promise<DocumentedRecord[]> {
    return this.intervals.documentedBy(tx, instant, systemId, evidenceIds);
  }

  /**
   * What the records of one place say for each of the limits, without their fields; nothing of a limit that nobody speaks to. `systemId`: records of that system
   * alone; null: those of the whole organisation alone.
   */
  needs(tx: Tx, instant: Instant, systemId: string | null, limits: readonly NeedLimit[]): Promise<NeedSummary[]> {
    return this.intervals.needs(tx, instant, systemId, limits);
  }

  /**
   * The instants after `since` and up to `until` from which on, by what is known now, records of a place (null: of every place) may say something else: one begins,
   * ends, expires, or becomes too old for one of the limits.
   */
  changePoints(
    tx: Tx,
    systemId: string | null,
    since: Date,
    until: Date,
    limits: readonly NeedLimit[],
  ): Promise<Date[]> {
    return this.intervals.changePoints(tx, systemId, since, until, limits);
  }

  /**
   * What records in effect make due of others, by the types as they were known then. `systemId`: of that system, where both records are of systems; null: all the
   * rest, of every place.
   */
  async obligations(tx: Tx, instant: Instant, systemId: string | null): Promise<Due[]> {
    const types = await this.types.definitions(tx, instant.knownAt);
    const placeOf = (type: string) => types.get(type)?.definition.place;
    const here = [...types.values()].flatMap(({ definition }): TypeDefinition[] => {
      const obliges = definition.obliges.filter(
        (obligation) => isOfSystems(definition, obligation, placeOf) === (systemId !== null),
      );
      return obliges.length === 0 ? [] : [{ ...definition, obliges }];
    });
    const place = systemId === null ? {} : { systemId };
    const obliging = await this.effective(tx, instant, { types: here.map(({ type }) => type), ...place });
    if (obliging.length === 0) return [];
    const asked = typesAsked(here.flatMap(({ obliges }) => obliges));
    const others = await this.effective(tx, instant, { types: asked, ...place });
    return here.flatMap((definition) =>
      obliging
        .filter(({ type }) => type === definition.type)
        .flatMap((record) => dueOf(definition, record, others, instant.asOf)),
    );
  }

  /** What waits for a decision now, by type and owner. */
  waiting(tx: Tx): Promise<WaitingRecords[]> {
    return this.lists.waiting(tx);
  }

  /** Who owns records, by the last version of each that was approved by then. */
  owners(tx: Tx, ids: readonly string[], knownAt: Date): Promise<Map<string, string>> {
    return this.lists.owners(tx, ids, knownAt);
  }

  /** Which of these records had that in a field once: in a version that had come into effect at the instant. */
  formerly(
    tx: Tx,
    instant: Instant,
    ids: readonly string[],
    said: { field: string; value: string },
  ): Promise<string[]> {
    return ids.length === 0 ? Promise.resolve([]) : this.lists.formerly(tx, instant, ids, said);
  }

  /** After it, what was known of records at the instant is final: no decision under way or to come can still add to it. Refuses (`unavailable`) when that takes too long. */
  awaitDecisions(tx: Tx, knownAt: Date): Promise<void> {
    return this.intervals.awaitDecisions(tx, knownAt);
  }

  /** By place (a system, or WHOLE; `placeId` null: each): the last instant at which anything became known of its records. */
  told(tx: Tx, placeId: string | null): Promise<Map<string, Date>> {
    return this.intervals.told(tx, placeId);
  }

  /** The first instant of which anything became known after `known` (null: ever) of records of a system; null where nothing did. */
  firstTold(tx: Tx, systemId: string, known: Date | null): Promise<Date | null> {
    return this.intervals.firstTold(tx, systemId, known);
  }

  /** When a disposal last became known; null where none did. */
  lastDisposal(tx: Tx): Promise<Date | null> {
    return this.intervals.lastDisposal(tx);
  }

  /** The last instant at which anything became known of records: of one place (a system, or WHOLE), or (null) of every place. Null where nothing was approved. */
  lastKnown(tx: Tx, placeId: string | null): Promise<Date | null> {
    return this.intervals.lastKnown(tx, placeId);
  }
}
