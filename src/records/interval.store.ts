import { Injectable } from '@nestjs/common';
import type { Tx, WriteTx } from '../kernel/db/database.js';
import { awaitTurns, takeTurn } from '../kernel/db/turns.js';
import type { Instant } from '../kernel/http/instant.js';
import type {
  DocumentedRecord,
  EffectiveFilter,
  EffectiveRecord,
  EndedRecord,
  NeedLimit,
  NeedSummary,
  RecordDocument,
  KeptDocument,
} from './effective.js';
import type { EndedInterval, HeldInterval } from './held-intervals.js';
import { KNOWN, OPEN, PAST, plannedEnd, visibleIntervals, WHOLE } from './interval.js';
import { IntervalMemory, keyOf, lastDecision } from './interval.memory.js';
import { APPROVED_INTERVALS, NEEDS } from './interval.sql.js';
import { conditionsOf, isOfPlaces } from './interval-filter.js';
import type { Neighbour } from './rules.js';

/** All that a transaction sees is known by then. */
const END_OF_TIME = new Date(8.64e15);

/** More records than a judge can hold are an error, never a list that ends early. */
const MAX_EFFECTIVE = 20_000;

/** How many past versions are read at once. */
const PAST_PAGE = 2_000;

const lockName = (tx: Tx): string => `records/${tx.organizationId}`;

/** A version, and the record that it is of. */
export interface VersionRef {
  recordId: string;
  version: number;
}

const CONTENT = `
  v.record_id as id, v.version, v.type, v.natural_key as "naturalKey", v.subject, v.title, v.owner_id as "ownerId", v.system_ids as "systemIds",
  v.fields, v.effective_from as "effectiveFrom", v.expires_at as "expiresAt", v.good_from as "goodFrom", v.outcome, v.fails, v.links, v.documents,
  v.decided_at as "decidedAt", v.disposed_at is not null as disposed`;

/**
 * What records say of instants: read by judges and the posture, written by approvals alone. One place, the whole organisation, has most of the records, so what reads a
 * place is planned for its values each time: one plan for all of them is a hundred times as dear for that one.
 */
@Injectable()
export class IntervalStore {
  constructor(private readonly memory: IntervalMemory) {}

  /**
   * Decisions of an organisation are made one after another, and what they make known has an order: each one's instant is later than any before it (in
   * milliseconds, the resolution of the API). Held until the transaction ends.
   */
  async lockDecisions(tx: WriteTx): Promise<Date> {
    await takeTurn(tx, lockName(tx));
    const [row] = await tx.query<{ known: Date }>(
      `select greatest(date_trunc('milliseconds', service_clock()),
                       max(greatest(known_from, ended_known, known_to)) + interval '1 millisecond') as known
       from record_interval where organization_id = $1`,
      [tx.organizationId],
    );
    if (row === undefined) throw new Error('no instant');
    return row.known;
  }

  /** Waits for decisions under way. */
  awaitDecisions(tx: Tx, knownAt: Date): Promise<void> {
    return awaitTurns(tx, [lockName(tx)], knownAt, 'A record is being decided on');
  }

  /** The last instant at which anything became known: of one place, or (null) of all. Null where nothing was approved. */
  async lastKnown(tx: Tx, systemId: string | null): Promise<Date | null> {
    if (systemId === null) {
      const last = await lastDecision(tx);
      return last && new Date(last.at);
    }
    const [row] = await tx.query<{ last: Date | null }>(
      `select max(greatest(known_from, ended_known, known_to)) as last
       from record_interval where organization_id = $1 and system_id = $2`,
      [tx.organizationId, systemId],
    );
    return row?.last ?? null;
  }

  /** By place (`placeId` null: each): the last instant at which anything became known of it. In the database it steps through the index from place to place. */
  async told(tx: Tx, placeId: string | null): Promise<Map<string, Date>> {
    const recalled = await this.memory.recall(tx, { asOf: END_OF_TIME, knownAt: END_OF_TIME });
    if (recalled !== null) return recalled.intervals.told(placeId, recalled.knownAt);
    const last = `select system_id, ${KNOWN} as at from record_interval where organization_id = $1`;
    const rows = await tx.query<{ id: string; at: Date }>(
      `with recursive told as (
         (${last} and ($2::uuid is null or system_id = $2) order by system_id desc, ${KNOWN} desc limit 1)
         union all
         select n.* from told t cross join lateral (
           ${last} and $2::uuid is null and system_id < t.system_id order by system_id desc, ${KNOWN} desc limit 1) n
       )
       select system_id as id, at from told`,
      [tx.organizationId, placeId],
    );
    return new Map(rows.map(({ id, at }) => [id, at]));
  }

  /** The first instant of which anything became known after `known` (null: ever) of a place; null where nothing did. */
  async firstTold(tx: Tx, placeId: string, known: Date | null): Promise<Date | null> {
    const [row] = await tx.query<{ first: Date | null }>(
      `select min(effective_from) as first from record_interval
       where organization_id = $1 and system_id = $2 and ($3::timestamptz is null or ${KNOWN} > $3)`,
      [tx.organizationId, placeId, known],
    );
    return row?.first ?? null;
  }

  /** When a disposal last became known: it takes the fields of what was in effect before. */
  async lastDisposal(tx: Tx): Promise<Date | null> {
    const recalled = await this.memory.recall(tx, { asOf: END_OF_TIME, knownAt: END_OF_TIME });
    if (recalled !== null) return recalled.intervals.lastKnown('record_disposal', WHOLE, recalled.knownAt);
    const [row] = await tx.query<{ last: Date | null }>(
      `select max(known) as last from (
         select ${KNOWN} as known from record_interval r where organization_id = $1 and system_id = $2 and type = 'record_disposal' and ${OPEN}
         union all
         select ${KNOWN} from record_interval r where organization_id = $1 and system_id = $2 and type = 'record_disposal' and ${PAST} is not null
       ) disposals`,
      [tx.organizationId, WHOLE],
    );
    return row?.last ?? null;
  }

  /** The places of which something became known at that instant. */
  async placesTold(tx: Tx, known: Date): Promise<string[]> {
    const rows = await tx.query<{ id: string }>(
      `select distinct system_id as id from record_interval
       where organization_id = $1 and greatest(known_from, ended_known, known_to) = $2`,
      [tx.organizationId, known],
    );
    return rows.map(({ id }) => id);
  }

  /** Writes what approved versions change, of all of them by one statement. */
  async approve(tx: WriteTx, known: Date, versions: readonly VersionRef[]): Promise<void> {
    await tx.execute(APPROVED_INTERVALS, [
      tx.organizationId,
      known,
      versions.map(({ recordId }) => recordId),
      versions.map(({ version }) => version),
    ]);
  }

  async effective(tx: Tx, instant: Instant, filter: EffectiveFilter): Promise<EffectiveRecord[]> {
    const recalled = isOfPlaces(filter) ? await this.memory.recall(tx, instant) : null;
    if (recalled !== null) {
      const { intervals, asOf, knownAt } = recalled;
      return this.contents(tx, intervals.effective(filter.types, filter.systemId ?? null, asOf, knownAt));
    }
    const { where, values } = conditionsOf(filter, 4);
    const rows = await tx.query<ContentRow>(
      `with found as materialized (
         select distinct i.record_id, i.version from (${visibleIntervals('r.record_id, r.version', where)}) i limit ${MAX_EFFECTIVE + 1}
       )
       select ${CONTENT} from found f
         join record_version v on v.organization_id = $1 and v.record_id = f.record_id and v.version = f.version
       order by v.type collate "C", v.record_id`,
      [tx.organizationId, instant.asOf, instant.knownAt, ...values],
    );
    return bounded(rows).map(recordOf);
  }

  /** By type and record. Of the whole organisation's records the contents are remembered: every question wants them, and those of a system only its own. */
  private async contents(tx: Tx, intervals: readonly HeldInterval[]): Promise<EffectiveRecord[]> {
    bounded(intervals);
    const found = await this.memory.contents(
      tx,
      intervals,
      async (missing) =>
        (
          await tx.query<ContentRow>(
            `select ${CONTENT} from unnest($2::uuid[], $3::integer[]) as f(record_id, version)
               join record_version v on v.organization_id = $1 and v.record_id = f.record_id and v.version = f.version`,
            [tx.organizationId, missing.map(({ recordId }) => recordId), missing.map(({ version }) => version)],
          )
        ).map(recordOf),
      ({ systemIds }) => systemIds.length === 0,
    );
    return found.sort((a, b) => compare(a.type, b.type) || compare(a.id, b.id));
  }

  /** Records in effect in one place that name some of the evidence: as a document or by a link, but not to hold it or to dispose of it. */
  documentedBy(
    tx: Tx,
    instant: Instant,
    systemId: string | null,
    evidenceIds: readonly string[],
  ): Promise<DocumentedRecord[]> {
    return tx.query<DocumentedRecord>(
      `select i.record_id as id, i.type, i.about, array_agg(distinct d.evidence_id order by d.evidence_id) as "evidenceIds"
       from (${visibleIntervals(
         'r.record_id, r.version, r.type, r.about',
         `r.system_id = $4 and r.type not in ('legal_hold', 'record_disposal')`,
       )}) i
         join (
           select record_id, version, evidence_id from record_document
           where organization_id = $1 and evidence_id = any ($5::uuid[])
           union
           select record_id, version, target::uuid from record_link
           where organization_id = $1 and kind = 'evidence' and target = any ($5::uuid[]::text[])
         ) d on d.record_id = i.record_id and d.version = i.version
       group by i.record_id, i.type, i.about
       order by i.record_id`,
      [tx.organizationId, instant.asOf, instant.knownAt, systemId ?? WHOLE, evidenceIds],
    );
  }

  /** Of each record of which nothing is in effect at an instant, the last version that was, with the instant at which it ended. */
  async ended(tx: Tx, instant: Instant, filter: EffectiveFilter): Promise<EndedRecord[]> {
    const recalled = isOfPlaces(filter) ? await this.memory.recall(tx, instant) : null;
    if (recalled !== null) {
      const { intervals, asOf, knownAt } = recalled;
      const last = intervals.ended(filter.types, filter.systemId ?? null, asOf, knownAt);
      const endedAt = new Map(last.map((interval) => [interval.recordId, interval.endedAt]));
      return (await this.contents(tx, last)).flatMap((record) => {
        const at = endedAt.get(record.id);
        return at === undefined ? [] : [{ ...record, endedAt: at }];
      });
    }
    const { where, values } = conditionsOf(filter, 4);
    const rows = await tx.query<ContentRow & { endedAt: Date }>(
      `with found as materialized (
         select distinct on (r.record_id) r.record_id, r.version, r.effective_to
         from record_interval r
         where r.organization_id = $1 and r.known_from <= $3 and (r.known_to is null or r.known_to > $3)
           and r.effective_to <= $2 and r.ended_known <= $3 and (${where})
           and r.record_id not in (select i.record_id from (${visibleIntervals('r.record_id', 'r.type = any ($4::text[])')}) i)
         order by r.record_id, r.effective_to desc, r.version desc
         limit ${MAX_EFFECTIVE + 1}
       )
       select ${CONTENT}, f.effective_to as "endedAt" from found f
         join record_version v on v.organization_id = $1 and v.record_id = f.record_id and v.version = f.version
       order by v.type collate "C", v.record_id`,
      [tx.organizationId, instant.asOf, instant.knownAt, ...values],
    );
    return bounded(rows).map((row) => ({ ...recordOf(row), endedAt: row.endedAt }));
  }

  /**
   * Each version that was in effect and is no more at an instant, with when it ended; what of it stood in several places ended in all of them at once. Record by
   * record, each version after the one before it; however many they are, few are held.
   */
  async *past(tx: Tx, instant: Instant, types: readonly string[]): AsyncGenerator<EndedRecord> {
    const recalled = await this.memory.recall(tx, instant);
    const past =
      recalled !== null
        ? recalled.intervals.past(types, recalled.asOf, recalled.knownAt)
        : await tx.query<EndedInterval>(
            `select distinct r.record_id as "recordId", r.version, r.subject, r.about, r.effective_to as "endedAt"
             from record_interval r
             where r.organization_id = $1 and r.known_from <= $3 and (r.known_to is null or r.known_to > $3)
               and r.effective_to <= $2 and r.ended_known <= $3 and r.type = any ($4::text[])`,
            [tx.organizationId, instant.asOf, instant.knownAt, types],
          );
    const endedAt = new Map(past.map((interval) => [keyOf(interval), interval.endedAt]));
    const inOrder = past.toSorted((a, b) => compare(a.recordId, b.recordId) || a.version - b.version);
    for (let from = 0; from < inOrder.length; from += PAST_PAGE) {
      for (const record of await this.contents(tx, inOrder.slice(from, from + PAST_PAGE))) {
        const at = endedAt.get(keyOf({ recordId: record.id, version: record.version }));
        if (at !== undefined) yield { ...record, endedAt: at };
      }
    }
  }

  /** By record in effect at an instant: when it ends, where that is decided on already. A version that another one follows ends no record. */
  async endings(tx: Tx, instant: Instant, types: readonly string[]): Promise<ReadonlyMap<string, Date>> {
    const recalled = await this.memory.recall(tx, instant);
    if (recalled !== null) return recalled.intervals.endings(types, recalled.asOf, recalled.knownAt);
    const rows = await tx.query<{ id: string; at: Date }>(
      `select distinct i.record_id as id, i.ends as at
       from (${visibleIntervals((isOpen) => `r.record_id, ${plannedEnd(isOpen)} as ends`, 'r.type = any ($4::text[])')}) i
       where i.ends is not null
         and not exists (${visibleIntervals('1', 'r.record_id = i.record_id', 'i.ends')})`,
      [tx.organizationId, instant.asOf, instant.knownAt, types],
    );
    return new Map(rows.map(({ id, at }) => [id, at]));
  }

  /** By what is known now, versions of records (other than `exceptId`) that are in effect at some instant from `from` on; each once, with its last end. */
  async neighbours(tx: Tx, exceptId: string | null, from: Date, filter: EffectiveFilter): Promise<Neighbour[]> {
    const { where, values } = conditionsOf(filter, 4);
    const rows = await tx.query<ContentRow & { effectiveTo: Date | null }>(
      `with found as materialized (
         select r.record_id, r.version, case when bool_or(r.effective_to is null) then null else max(r.effective_to) end as effective_to
         from record_interval r
         where r.organization_id = $1 and ($2::uuid is null or r.record_id <> $2) and r.known_to is null and (r.effective_to is null or r.effective_to > $3) and (${where})
         group by r.record_id, r.version
         limit ${MAX_EFFECTIVE + 1}
       )
       select ${CONTENT}, f.effective_to as "effectiveTo" from found f
         join record_version v on v.organization_id = $1 and v.record_id = f.record_id and v.version = f.version
       order by v.type collate "C", v.record_id, v.version`,
      [tx.organizationId, exceptId, from, ...values],
    );
    return bounded(rows).map((row) => ({ ...recordOf(row), effectiveTo: row.effectiveTo }));
  }

  /** In the order of the limits; nothing of those that nobody speaks to. What was done later than the instant says nothing of it, be it in effect since earlier. */
  async needs(tx: Tx, instant: Instant, systemId: string | null, limits: readonly NeedLimit[]): Promise<NeedSummary[]> {
    const recalled = await this.memory.recall(tx, instant);
    if (recalled !== null) {
      const { intervals, asOf, knownAt } = recalled;
      return limits.flatMap((limit) => intervals.need(limit, systemId, asOf, knownAt) ?? []);
    }
    const numbered = limits.map((limit, at) => ({ at, ...limit }));
    const rows = await tx.query<Omit<NeedSummary, 'limit' | 'systemId'> & { at: number }>(NEEDS, [
      tx.organizationId,
      instant.asOf,
      instant.knownAt,
      systemId ?? WHOLE,
      JSON.stringify(numbered.filter(({ about }) => about === undefined)),
      JSON.stringify(numbered.filter(({ about }) => about !== undefined)),
    ]);
    return rows.flatMap(({ at, ...summary }) => {
      const limit = limits[at];
      return limit === undefined ? [] : [{ limit, systemId, ...summary }];
    });
  }

  /**
   * The instants after `since` and up to `until` from which on, by what is known now, records of a place (null: of all) may say something else: one begins, ends,
   * expires, or has become too old for a limit.
   */
  async changePoints(
    tx: Tx,
    systemId: string | null,
    since: Date,
    until: Date,
    limits: readonly NeedLimit[],
  ): Promise<Date[]> {
    const days = limits.flatMap((limit) => (limit.days === null ? [] : [{ type: limit.type, days: limit.days }]));
    const rows = await tx.query<{ at: Date }>(
      `with standing as materialized (
         select type, effective_from, effective_to, expires_at, good_from from record_interval
         where organization_id = $1 and ($2::uuid is null or system_id = $2) and known_to is null
       )
       select distinct at from (
         select unnest(array[effective_from, effective_to, expires_at, good_from]) as at from standing
         union all
         -- At the last instant of its age it is not too old.
         select s.good_from + d.days * interval '24 hours' + interval '1 millisecond'
         from standing s join (select distinct type, days from jsonb_to_recordset($5::jsonb) as l(type text, days integer)) d on d.type = s.type
       ) p
       where at > $3 and at <= $4
       order by at`,
      [tx.organizationId, systemId, since, until, JSON.stringify(days)],
    );
    return rows.map(({ at }) => at);
  }
}

type ContentRow = Omit<EffectiveRecord, 'documents'> & { documents: KeptDocument[] };

const recordOf = ({ documents, ...row }: ContentRow): EffectiveRecord => ({
  ...row,
  documents: documents.map(({ evidenceId, role, name }): RecordDocument => ({ evidenceId, role, name })),
});

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function bounded<Row>(rows: readonly Row[]): readonly Row[] {
  if (rows.length > MAX_EFFECTIVE) throw new Error(`more than ${MAX_EFFECTIVE} records were asked for at once`);
  return rows;
}
