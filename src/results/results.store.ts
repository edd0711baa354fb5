import { Injectable } from '@nestjs/common';
import type { Tx } from '../kernel/db/database.js';
import type { Instant } from '../kernel/http/instant.js';
import { VISIBLE, visibleResults } from './interval.js';
import { latest } from './latest.sql.js';

export interface ResultFilter {
  status?: string | undefined;
  severity?: string | undefined;
  check?: string | undefined;
  source?: string | undefined;
  namespace?: string | undefined;
  target?: string | undefined;
  after: string | null;
  limit: number;
}

export interface ListedResult {
  series: string;
  target: { kind: string; name: string };
  source: string;
  check: string;
  resource: string;
  namespace: string | null;
  status: string;
  severity: string;
  title: string;
  message: string;
  scanId: string;
  observedFrom: Date;
  observedTo: Date | null;
  knownFrom: Date;
  knownTo: Date | null;
}

/** Results by their series, or all of a check of a source. */
export interface NamedResults {
  series: readonly string[];
  checks: readonly { source: string; check: string }[];
}

export interface FailingResult {
  series: string | null;
  source: string;
  check: string;
}

/** All results of one status that one check of one source gave on one target, counted. */
export interface CheckSummary {
  source: string;
  check: string;
  targetId: string;
  target: { kind: string; name: string };
  status: string;
  count: number;
  /** How many of them lie in a namespace that holds PHI. */
  phi: number;
  /** How many of them are of the series that were named as accepted. */
  accepted: number;
  /** When the longest unseen of them was last seen by a scan, and the most recently seen. */
  oldestSeen: Date;
  newestSeen: Date;
  /** Up to five of them. */
  series: string[];
  /** The scan that saw them at `newestSeen`, and its report. */
  scanId: string;
  evidenceId: string;
}

/** The latest complete scan of a target, per source and set of checks. */
export interface CoverageSummary {
  targetId: string;
  target: { kind: string; name: string };
  source: string;
  checks: string[] | null;
  silentPass: string[];
  observedAt: Date;
  scanId: string;
  evidenceId: string;
}

const LISTED = `
  r.series, json_build_object('kind', t.kind, 'name', t.name) as target, r.source, r.check_id as "check", r.resource, r.namespace,
  r.status, r.severity, r.title, r.message, r.scan_id as "scanId", r.observed_from as "observedFrom",
  r.known_from as "knownFrom", r.known_to as "knownTo"`;

/** By `latest` of what is complete and of what is sighted: when, and by which scan, a series was last seen by one that did not cover all of its target. */
const SEEN = `
       -- A sighting matters where no later scan has covered all of that target and source.
       ahead as materialized (
         select p.target_id, p.source, p.sighting_id, p.observed_at as at, p.known_at, p.scan_id, p.evidence_id
         from sighted p
         where not exists (
           select from complete c
           where c.target_id = p.target_id and c.source = p.source and c.checks is null and c.observed_at >= p.observed_at)
       ),
       -- What has been seen is in the last sighting of its target and source, or lost after one before it.
       seen as materialized (
         select distinct on (series) series, at, known_at, scan_id, evidence_id
         from (
           select unnest(s.series) as series, p.at, p.known_at, p.scan_id, p.evidence_id
           from (select distinct on (target_id, source) * from ahead order by target_id, source, at desc, known_at desc) p
             join sighting s on s.organization_id = $1 and s.id = p.sighting_id
           union all
           select unnest(l.series), p.at, p.known_at, p.scan_id, p.evidence_id
           from ahead p join sighting_loss l on l.organization_id = $1 and l.earlier_id = p.sighting_id
         ) s
         order by series, at desc, known_at desc
       )`;

@Injectable()
export class ResultsStore {
  /** The latest of our clock, the database's and all that was told of the system (null: of all): what has been acknowledged is known by then, whoever's clock is behind. */
  async present(tx: Tx, systemId: string | null, now: Date): Promise<Date> {
    const told = [...(await this.told(tx, systemId)).values()];
    const [row] = await tx.query<{ present: Date }>(
      `select greatest($1::timestamptz, date_trunc('milliseconds', service_clock())) as present`,
      [told.reduce((last, at) => (at > last ? at : last), now)],
    );
    if (row === undefined) throw new Error('no instant');
    return row.present;
  }

  /** By system (`systemId` null: each): the last instant at which a scan of it became known. Steps through the index from system to system. */
  told(tx: Tx, systemId: string | null): Promise<ReadonlyMap<string, Date>> {
    return tx.once(`told ${systemId ?? ''}`, () => this.readTold(tx, systemId));
  }

  private async readTold(tx: Tx, systemId: string | null): Promise<Map<string, Date>> {
    const last = 'select system_id, known_at from coverage where organization_id = $1';
    const rows = await tx.query<{ id: string; at: Date }>(
      `with recursive told as (
         (${last} and ($2::uuid is null or system_id = $2) order by system_id desc, known_at desc limit 1)
         union all
         select n.* from told t cross join lateral (
           ${last} and $2::uuid is null and system_id < t.system_id order by system_id desc, known_at desc limit 1) n
       )
       select system_id as id, known_at as at from told`,
      [tx.organizationId, systemId],
    );
    return new Map(rows.map(({ id, at }) => [id, at]));
  }

  /** The first instant that a scan of the system saw which became known after `known` (null: ever); null where none did. */
  async firstTold(tx: Tx, systemId: string, known: Date | null): Promise<Date | null> {
    const [row] = await tx.query<{ first: Date | null }>(
      `select min(observed_at) as first from coverage
       where organization_id = $1 and system_id = $2 and ($3::timestamptz is null or known_at > $3)`,
      [tx.organizationId, systemId, known],
    );
    return row?.first ?? null;
  }

  /** The instants after one that scans of the system saw. */
  async observed(tx: Tx, systemId: string, after: Date): Promise<Date[]> {
    const rows = await tx.query<{ at: Date }>(
      `select distinct observed_at as at from coverage
       where organization_id = $1 and system_id = $2 and observed_at > $3 order by observed_at`,
      [tx.organizationId, systemId, after],
    );
    return rows.map(({ at }) => at);
  }

  /** Scans that the results and facts of an instant name: those that first told of them. */
  async scansNamed(tx: Tx, systemId: string, { asOf, knownAt }: Instant): Promise<string[]> {
    const rows = await tx.query<{ id: string }>(
      `select scan_id as id from (${visibleResults('r.scan_id')}) results
       union select r.scan_id from fact r where ${VISIBLE}`,
      [tx.organizationId, systemId, asOf, knownAt],
    );
    return rows.map(({ id }) => id);
  }

  /** Scans that last saw the results of an instant, where no later one has covered all of their target: those that a posture names beside the complete ones. */
  async scansSeeing(tx: Tx, systemId: string, { asOf, knownAt }: Instant): Promise<string[]> {
    const rows = await tx.query<{ id: string }>(
      `with recursive ${latest('complete')}, ${latest('sighted')}, ${SEEN}
       select distinct p.scan_id as id from (${visibleResults('series')}) r join seen p on p.series = r.series`,
      [tx.organizationId, systemId, asOf, knownAt],
    );
    return rows.map(({ id }) => id);
  }

  /** Sorted by series. The end of an interval is shown only if it was known. */
  async list(tx: Tx, systemId: string, instant: Instant, filter: ResultFilter): Promise<ListedResult[]> {
    return tx.query<ListedResult>(
      `select ${LISTED}, case when r.ended_known <= $4 then r.observed_to end as "observedTo"
       from result r join target t on t.organization_id = r.organization_id and t.system_id = r.system_id and t.id = r.target_id
       where ${VISIBLE}
         and ($5::text is null or r.status = $5)
         and ($6::text is null or r.severity = $6)
         and ($7::text is null or r.check_id = $7)
         and ($8::text is null or r.source = $8)
         and ($9::text is null or r.namespace = $9)
         and ($10::text is null or t.kind || '/' || t.name = $10)
         and ($11::uuid is null or r.series > $11)
       order by r.series
       limit $12`,
      [
        tx.organizationId,
        systemId,
        instant.asOf,
        instant.knownAt,
        filter.status ?? null,
        filter.severity ?? null,
        filter.check ?? null,
        filter.source ?? null,
        filter.namespace ?? null,
        filter.target ?? null,
        filter.after,
        filter.limit,
      ],
    );
  }

  /** Of the given series and checks of a system, those that fail: a series with its check, a check with null for its series. */
  async failing(tx: Tx, systemId: string, instant: Instant, named: NamedResults): Promise<FailingResult[]> {
    return tx.query<FailingResult>(
      `select distinct case when r.series = any ($5::uuid[]) then r.series end as series, r.source, r.check_id as "check"
       from (${visibleResults('r.series, r.source, r.check_id, r.status')}) r
       where r.status = 'fail'
         and (r.series = any ($5::uuid[]) or (r.source, r.check_id) in (select * from unnest($6::text[], $7::text[])))`,
      [
        tx.organizationId,
        systemId,
        instant.asOf,
        instant.knownAt,
        named.series,
        named.checks.map(({ source }) => source),
        named.checks.map(({ check }) => check),
      ],
    );
  }

  /** Every interval of one series, corrections included, in the order in which they became known. */
  async history(tx: Tx, systemId: string, series: string, limit: number): Promise<ListedResult[]> {
    return tx.query<ListedResult>(
      `select ${LISTED}, r.observed_to as "observedTo"
       from result r join target t on t.organization_id = r.organization_id and t.system_id = r.system_id and t.id = r.target_id
       where r.organization_id = $1 and r.system_id = $2 and r.series = $3
       order by r.known_from, r.observed_from
       limit $4`,
      [tx.organizationId, systemId, series, limit],
    );
  }

  /** `phiNamespaces` and `accepted` (series) only count; they filter nothing. */
  async summarise(
    tx: Tx,
    systemId: string,
    instant: Instant,
    phiNamespaces: readonly string[],
    accepted: readonly string[] = [],
  ): Promise<CheckSummary[]> {
    return tx.query<CheckSummary>(
      `with recursive ${latest('complete')}, ${latest('sighted')},
       ${SEEN},
       counted as materialized (
         select r.source, r.check_id, r.target_id, r.status, count(*)::int as count,
                count(*) filter (where r.namespace = any ($5::text[]))::int as phi,
                count(*) filter (where r.series = any ($6::uuid[]))::int as accepted,
                min(greatest(r.observed_from, p.at)) as oldest, max(greatest(r.observed_from, p.at)) as newest,
                (array_agg(r.series order by r.series))[1:5] as series,
                max(p.at) as sighted_at, (array_agg(p.scan_id order by p.at desc nulls last, p.known_at desc))[1] as scan_id,
                (array_agg(p.evidence_id order by p.at desc nulls last, p.known_at desc))[1] as evidence_id
         from (${visibleResults('series, source, check_id, target_id, status, namespace, observed_from')}) r
           left join seen p on p.series = r.series
         group by r.source, r.check_id, r.target_id, r.status
       )
       select distinct on (n.source, n.check_id, n.target_id, n.status)
              n.source, n.check_id as "check", n.target_id as "targetId", json_build_object('kind', t.kind, 'name', t.name) as target, n.status, n.count, n.phi, n.accepted,
              greatest(n.oldest, c.observed_at) as "oldestSeen", greatest(n.newest, c.observed_at) as "newestSeen", n.series,
              case when c.observed_at >= n.sighted_at or n.sighted_at is null then c.scan_id else n.scan_id end as "scanId",
              case when c.observed_at >= n.sighted_at or n.sighted_at is null then c.evidence_id else n.evidence_id end as "evidenceId"
       from counted n
       left join complete c on c.target_id = n.target_id and c.source = n.source and (c.checks is null or n.check_id = any (c.checks))
       -- By its key, of each row: where a planner expects few rows of an organisation and a system, all else would be done once for each target.
       cross join lateral (
         select t.kind, t.name from target t where t.organization_id = $1 and t.system_id = $2 and t.id = n.target_id offset 0) t
       order by n.source, n.check_id, n.target_id, n.status, c.observed_at desc, c.known_at desc`,
      [tx.organizationId, systemId, instant.asOf, instant.knownAt, phiNamespaces, accepted],
    );
  }

  async coverage(tx: Tx, systemId: string, instant: Instant): Promise<CoverageSummary[]> {
    return tx.query<CoverageSummary>(
      `with recursive ${latest('complete')}
       select c.target_id as "targetId", json_build_object('kind', t.kind, 'name', t.name) as target, c.source, c.checks,
         c.silent_pass as "silentPass", c.observed_at as "observedAt", c.scan_id as "scanId", c.evidence_id as "evidenceId"
       from complete c join target t on t.organization_id = $1 and t.system_id = $2 and t.id = c.target_id
       order by c.target_id, c.source, c.checks`,
      [tx.organizationId, systemId, instant.asOf, instant.knownAt],
    );
  }
}
