import { pipeline } from 'node:stream/promises';
import { Readable } from 'node:stream';
import { Injectable } from '@nestjs/common';
import { from as copyFrom } from 'pg-copy-streams';
import type { Tx, WriteTx } from '../kernel/db/database.js';
import { Refusal } from '../kernel/http/problem.js';
import { STAGING_COLUMNS } from './copy.js';
import type { MergeCounts, StagedScan } from './staged.js';

/** Milliseconds that a question waits for merges under way. */
const MERGE_PATIENCE = 10_000;

/** lock_timeout or statement_timeout (PostgreSQL, appendix A: 55P03, 57014). */
const isImpatience = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === '55P03' || error.code === '57014');

/** $1 organisation, $2 system, $3 coverage, $4 observed, $5 known, $6 scan, $7 evidence. */
const COVERED = `
  covered as materialized (
    select * from jsonb_to_recordset($3::jsonb) as c("targetId" uuid, source text, complete boolean, checks text[])
  )`;

/** A scan that completely covered a target speaks of a series by its absence, if the series' check is among those that it evaluated. */
const CLOSABLE = `c.complete and (c.checks is null or p.check_id = any (c.checks))`;

const DIFFERS = `(s.status, s.severity) is distinct from (p.status, p.severity)`;

/** The merge of a scan into the intervals, set-based: the number of statements does not depend on the number of results. */
@Injectable()
export class MergeStore {
  /**
   * Scans of one system are merged one after another, and knowledge has an order: each merge's «known» instant is later than any before it (in
   * milliseconds, the resolution of the API). Held until the transaction ends.
   */
  async lockSystem(tx: WriteTx, systemId: string): Promise<Date> {
    await tx.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [lockName(tx, systemId)]);
    const [row] = await tx.query<{ known: Date }>(
      `select greatest(
         date_trunc('milliseconds', clock_timestamp()),
         (select max(known_at) + interval '1 millisecond' from coverage where organization_id = $1 and system_id = $2)) as known`,
      [tx.organizationId, systemId],
    );
    if (row === undefined) throw new Error('no instant');
    return row.known;
  }

  /**
   * Waits for merges under way, whose «known» instant may be in the past already, and until the database's clock has passed the instant: merges to come are
   * known later. A little only: whoever asks holds a connection.
   */
  async awaitMerges(tx: Tx, systemIds: readonly string[], knownAt: Date): Promise<void> {
    try {
      await tx.query(`select set_config('lock_timeout', $1, true), set_config('statement_timeout', $1, true)`, [
        `${MERGE_PATIENCE}ms`,
      ]);
      await tx.query(
        `select pg_sleep(greatest(0, extract(epoch from $1::timestamptz - clock_timestamp()) + 0.001)::double precision)`,
        [knownAt],
      );
      await tx.query(`select pg_advisory_xact_lock_shared(hashtextextended(name, 0)) from unnest($1::text[]) as name`, [
        systemIds.map((id) => lockName(tx, id)),
      ]);
    } catch (error) {
      if (!isImpatience(error)) throw error;
      throw new Refusal('unavailable', 'A report is being merged; what is known at that instant is not final yet.', {
        headers: { 'Retry-After': '5' },
      });
    }
  }

  async merge(tx: WriteTx, scan: StagedScan, known: Date): Promise<MergeCounts> {
    const staged = await this.stage(tx, scan.rows);
    await this.keepTargets(tx, scan);
    const parameters = [tx.organizationId, scan.systemId, coverageJson(scan), scan.observedAt, known, scan.scanId];
    const kept = [...parameters, scan.evidenceId];
    const late = await this.isLate(tx, parameters.slice(0, 4));
    const counts = late ? await this.mergeLate(tx, parameters) : await this.mergeForward(tx, parameters);
    await this.keepCoverage(tx, kept);
    return { ...counts, unchanged: staged - counts.new - counts.changed };
  }

  /**
   * A scan that said what an earlier one said, of a later instant: if nothing else has covered any of its targets and sources since, all its results are what
   * they were, and only that they were seen again is new. False when something has; then nothing was written.
   */
  async repeat(
    tx: WriteTx,
    scan: { systemId: string; scanId: string; observedAt: Date },
    earlierScanId: string,
    known: Date,
  ): Promise<boolean> {
    const written = await tx.execute(
      `with earlier as materialized (
         select * from coverage where organization_id = $1 and system_id = $2 and scan_id = $3
       )
       insert into coverage (organization_id, system_id, target_id, source, observed_at, scan_id, evidence_id, known_at, complete, checks, silent_pass, sighting_id)
       select e.organization_id, e.system_id, e.target_id, e.source, $4, $5::uuid, e.evidence_id, $6, e.complete, e.checks, e.silent_pass, e.sighting_id
       from earlier e
       where not exists (
         select from earlier o
           join coverage c on c.organization_id = $1 and c.system_id = $2 and c.target_id = o.target_id and c.source = o.source
         where o.observed_at >= $4 or (c.observed_at >= o.observed_at and c.scan_id <> o.scan_id))`,
      [tx.organizationId, scan.systemId, earlierScanId, scan.observedAt, scan.scanId, known],
    );
    return written > 0;
  }

  /** COPY is refused on tables under row-level security, so rows arrive in a temporary one. */
  private async stage(tx: WriteTx, rows: Iterable<Uint8Array>): Promise<number> {
    await tx.query(`create temporary table staging (${STAGING_COLUMNS}) on commit drop`);
    const client = await tx.client();
    const copy = client.query(copyFrom('copy staging from stdin'));
    await pipeline(Readable.from(rows, { objectMode: false }), copy);
    return copy.rowCount;
  }

  private async keepTargets(tx: WriteTx, scan: StagedScan): Promise<void> {
    await tx.query(
      `insert into target (organization_id, system_id, id, kind, name)
       select distinct $1::uuid, $2::uuid, t."targetId", t."targetKind", t."targetName"
       from jsonb_to_recordset($3::jsonb) as t("targetId" uuid, "targetKind" text, "targetName" text)
       on conflict do nothing`,
      [tx.organizationId, scan.systemId, coverageJson(scan)],
    );
  }

  /** Late: something that this scan covers was covered at or after its instant already. */
  private async isLate(tx: WriteTx, parameters: readonly unknown[]): Promise<boolean> {
    const [row] = await tx.query<{ late: boolean }>(
      `with ${COVERED}
       select exists (
         select from coverage k join covered c on k.target_id = c."targetId" and k.source = c.source
         where k.organization_id = $1 and k.system_id = $2 and k.observed_at >= $4) as late`,
      parameters,
    );
    return row?.late === true;
  }

  /** The common case: nothing is known of a later instant. What differs from the open intervals ends them and opens new ones. */
  private async mergeForward(tx: WriteTx, parameters: readonly unknown[]): Promise<Omit<MergeCounts, 'unchanged'>> {
    return counted(
      await tx.query<CountsRow>(
        `with ${COVERED},
         present as (
           select r.series, r.observed_from, r.known_from, r.status, r.severity, r.check_id, c.complete, c.checks
           from result r join covered c on r.target_id = c."targetId" and r.source = c.source
           where r.organization_id = $1 and r.system_id = $2 and r.observed_to is null and r.known_to is null
         ),
         delta as materialized (
           select s.series as staged, p.series as ended, p.observed_from, p.known_from
           from present p full join staging s on s.series = p.series
           where case when s.series is null then (select ${CLOSABLE} from (select p.complete, p.checks) c)
                      when p.series is null then true
                      else ${DIFFERS} end
         ),
         ended as (
           update result r set observed_to = $4, ended_known = $5
           from delta d
           where r.organization_id = $1 and r.system_id = $2
             and r.series = d.ended and r.observed_from = d.observed_from and r.known_from = d.known_from
         ),
         opened as (
           insert into result (organization_id, system_id, series, observed_from, known_from, target_id, scan_id, source,
                               check_id, resource, namespace, status, severity, title, message)
           select $1, $2, s.series, $4, $5, s.target_id, $6::uuid, s.source,
                  s.check_id, s.resource, s.namespace, s.status, s.severity, s.title, s.message
           from staging s where s.series in (select staged from delta where staged is not null)
         )
         ${COUNTS}`,
        parameters,
      ),
    );
  }

  /**
   * A late report takes its true place. What it says holds from its instant to the next one at which a scan spoke of the same series; the interval that it
   * corrects is not changed but known to be wrong from now on, and replaced by its parts on either side.
   */
  private async mergeLate(tx: WriteTx, parameters: readonly unknown[]): Promise<Omit<MergeCounts, 'unchanged'>> {
    return counted(
      await tx.query<CountsRow>(
        `with ${COVERED},
         present as (
           select r.*, c.complete, c.checks
           from result r join covered c on r.target_id = c."targetId" and r.source = c.source
           where r.organization_id = $1 and r.system_id = $2 and r.known_to is null
             and r.observed_from <= $4 and (r.observed_to is null or r.observed_to > $4)
         ),
         delta as materialized (
           select coalesce(s.series, p.series) as series, coalesce(s.target_id, p.target_id) as target_id,
                  coalesce(s.source, p.source) as source, coalesce(s.check_id, p.check_id) as check_id,
                  s.series as staged, p.series as ended, p.observed_from, p.observed_to, p.known_from
           from present p full join staging s on s.series = p.series
           where case when s.series is null then (select ${CLOSABLE} from (select p.complete, p.checks) c)
                      when p.series is null then true
                      else ${DIFFERS} end
         ),
         later as materialized (
           select k.target_id, k.source, k.observed_at, k.complete, k.checks, k.sighting_id
           from coverage k join covered c on k.target_id = c."targetId" and k.source = c.source
           where k.organization_id = $1 and k.system_id = $2 and k.observed_at > $4
         ),
         said as (
           select d.series, min(l.observed_at) as at
           from delta d join later l on l.target_id = d.target_id and l.source = d.source
             and l.complete and (l.checks is null or d.check_id = any (l.checks))
           group by d.series
           union all
           select g.series, min(l.observed_at)
           from later l join sighting s on s.organization_id = $1 and s.id = l.sighting_id
             cross join lateral unnest(s.series) as g(series)
           where g.series in (select series from delta)
           group by g.series
         ),
         placed as materialized (
           select d.*, n.at as next
           from delta d left join (select series, min(at) as at from said group by series) n on n.series = d.series
         ),
         ended as (
           update result r set
             observed_to = case when p.simple then $4 else r.observed_to end,
             ended_known = case when p.simple then $5 else r.ended_known end,
             known_to = case when p.simple then null else $5 end
           from (select *, observed_to is null and next is null and observed_from < $4 as simple from placed) p
           where r.organization_id = $1 and r.system_id = $2
             and r.series = p.ended and r.observed_from = p.observed_from and r.known_from = p.known_from
         ),
         pieces as (
           select p.ended, p.observed_from as old_from, p.known_from as old_known, piece.starts, piece.ends
           from placed p cross join lateral (values
             (p.observed_from, $4::timestamptz),
             (p.next, p.observed_to)) as piece(starts, ends)
           where p.ended is not null
             and not (p.observed_to is null and p.next is null and p.observed_from < $4)
             and piece.starts is not null and (piece.ends is null or piece.starts < piece.ends)
         ),
         kept as (
           insert into result (organization_id, system_id, series, observed_from, known_from, observed_to, ended_known, target_id,
                               scan_id, source, check_id, resource, namespace, status, severity, title, message)
           select r.organization_id, r.system_id, r.series, k.starts, $5, k.ends, case when k.ends is null then null else $5::timestamptz end,
                  r.target_id, r.scan_id, r.source, r.check_id, r.resource, r.namespace, r.status, r.severity, r.title, r.message
           from pieces k join result r on r.organization_id = $1 and r.system_id = $2
             and r.series = k.ended and r.observed_from = k.old_from and r.known_from = k.old_known
         ),
         opened as (
           insert into result (organization_id, system_id, series, observed_from, known_from, observed_to, ended_known, target_id,
                               scan_id, source, check_id, resource, namespace, status, severity, title, message)
           select $1, $2, s.series, $4, $5, p.next, case when p.next is null then null else $5::timestamptz end, s.target_id,
                  $6::uuid, s.source, s.check_id, s.resource, s.namespace, s.status, s.severity, s.title, s.message
           from staging s join placed p on p.staged = s.series
         )
         ${COUNTS}`,
        parameters,
      ),
    );
  }

  /**
   * One row per target and source. What a scan saw without covering it completely (all of a partial scan; of a complete one, results of checks that it does
   * not list) is kept once per distinct set of series: it spoke of them too.
   */
  private async keepCoverage(tx: WriteTx, parameters: readonly unknown[]): Promise<void> {
    await tx.query(
      `with covered as (
         select * from jsonb_to_recordset($3::jsonb)
           as c("targetId" uuid, source text, complete boolean, checks text[], "silentPass" text[])
       ),
       seen as materialized (
         select c."targetId", c.source, coalesce(array_agg(s.series order by s.series) filter (where s.series is not null), '{}') as series
         from covered c left join staging s on s.target_id = c."targetId" and s.source = c.source
           and not (c.complete and (c.checks is null or s.check_id = any (c.checks)))
         group by c."targetId", c.source
         having not bool_and(c.complete) or count(s.series) > 0
       ),
       named as materialized (
         select *, encode(substring(sha256(convert_to(array_to_string(series, ','), 'UTF8')) for 16), 'hex')::uuid as id from seen
       ),
       kept as (
         insert into sighting (organization_id, id, series)
         select distinct on (id) $1::uuid, id, series from named
         on conflict do nothing
       )
       insert into coverage (organization_id, system_id, target_id, source, observed_at, scan_id, evidence_id, known_at, complete, checks, silent_pass, sighting_id)
       select $1, $2, c."targetId", c.source, $4, $6::uuid, $7::uuid, $5, c.complete, c.checks, coalesce(c."silentPass", '{}'), n.id
       from covered c left join named n on n."targetId" = c."targetId" and n.source = c.source`,
      parameters,
    );
  }
}

interface CountsRow {
  opened: number;
  changed: number;
  closed: number;
}

const COUNTS = `
  select count(*) filter (where staged is not null and ended is null)::int as opened,
         count(*) filter (where staged is not null and ended is not null)::int as changed,
         count(*) filter (where staged is null)::int as closed
  from delta`;

function counted(rows: CountsRow[]): Omit<MergeCounts, 'unchanged'> {
  const [row] = rows;
  if (row === undefined) throw new Error('the merge gave no counts');
  return { new: row.opened, changed: row.changed, closed: row.closed };
}

const lockName = (tx: Tx, systemId: string): string => `merge/${tx.organizationId}/${systemId}`;

const coverageJson = (scan: StagedScan): string => JSON.stringify(scan.coverage);
