import { Injectable } from '@nestjs/common';
import type { Tx } from '../kernel/db/database.js';
import type { Instant } from '../kernel/http/instant.js';
import type { FactKind } from './fact.js';
import { VISIBLE } from './interval.js';
import type { ListedFact } from './listed-fact.js';

export interface FactFilter {
  kind?: FactKind | undefined;
  source?: string | undefined;
  namespace?: string | undefined;
  subject?: string | undefined;
  target?: string | undefined;
  after: string | null;
  limit: number;
}

/** That there is a fact of a kind: who says so, and since when. */
export interface FirstFact {
  kind: FactKind;
  source: string;
  observedFrom: Date;
}

/** Of observed time, as it was known at an instant. */
export interface FactPeriod {
  from: Date;
  to: Date;
  knownAt: Date;
}

const LISTED = `
  r.series, json_build_object('kind', t.kind, 'name', t.name) as target, r.source, r.kind, r.subject, r.namespace, r.value,
  r.scan_id as "scanId", r.observed_from as "observedFrom", r.known_from as "knownFrom", r.known_to as "knownTo"`;

const FACTS = `
  fact r join target t on t.organization_id = r.organization_id and t.system_id = r.system_id and t.id = r.target_id`;

@Injectable()
export class FactsStore {
  /** Sorted by series. The end of an interval is shown only if it was known. */
  async list(tx: Tx, systemId: string, instant: Instant, filter: FactFilter): Promise<ListedFact[]> {
    return tx.query<ListedFact>(
      `select ${LISTED}, case when r.ended_known <= $4 then r.observed_to end as "observedTo"
       from ${FACTS}
       where ${VISIBLE}
         and ($5::text is null or r.kind = $5)
         and ($6::text is null or r.source = $6)
         and ($7::text is null or r.namespace = $7)
         and ($8::text is null or r.subject = $8)
         and ($9::text is null or t.kind || '/' || t.name = $9)
         and ($10::uuid is null or r.series > $10)
       order by r.series
       limit $11`,
      [
        tx.organizationId,
        systemId,
        instant.asOf,
        instant.knownAt,
        filter.kind ?? null,
        filter.source ?? null,
        filter.namespace ?? null,
        filter.subject ?? null,
        filter.target ?? null,
        filter.after,
        filter.limit,
      ],
    );
  }

  /** Of each of the kinds the first fact of the system, by series; nothing of one that it has none of. */
  firstOf(tx: Tx, systemId: string, instant: Instant, kinds: readonly FactKind[]): Promise<FirstFact[]> {
    return tx.query<FirstFact>(
      `select k.kind, f.source, f.observed_from as "observedFrom"
       from unnest($5::text[]) as k(kind) cross join lateral (
         select r.source, r.observed_from from fact r where ${VISIBLE} and r.kind = k.kind order by r.series limit 1) f`,
      [tx.organizationId, systemId, instant.asOf, instant.knownAt, kinds],
    );
  }

  /**
   * What was so at some instant from `from` to `to`, as it was known at `knownAt`: every interval of it, by series and time. Both the same: what was visible then.
   */
  async overlapping(
    tx: Tx,
    systemId: string,
    kinds: readonly FactKind[],
    { from, to, knownAt }: FactPeriod,
    limit: number,
  ): Promise<ListedFact[]> {
    return tx.query<ListedFact>(
      `select ${LISTED}, case when r.ended_known <= $4 then r.observed_to end as "observedTo"
       from ${FACTS}
       where r.organization_id = $1 and r.system_id = $2 and r.kind = any ($5::text[])
         and r.known_from <= $4 and (r.known_to is null or r.known_to > $4)
         and r.observed_from <= $3 and (r.observed_to is null or r.observed_to > $6 or r.ended_known > $4)
       order by r.series, r.observed_from
       limit $7`,
      [tx.organizationId, systemId, to, knownAt, kinds, from, limit],
    );
  }

  /** Every interval of one series, corrections included, in the order in which they became known. */
  async history(tx: Tx, systemId: string, series: string, limit: number): Promise<ListedFact[]> {
    return tx.query<ListedFact>(
      `select ${LISTED}, r.observed_to as "observedTo"
       from ${FACTS}
       where r.organization_id = $1 and r.system_id = $2 and r.series = $3
       order by r.known_from, r.observed_from
       limit $4`,
      [tx.organizationId, systemId, series, limit],
    );
  }
}
