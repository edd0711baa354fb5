import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { finished } from 'node:stream/promises';
import { Injectable } from '@nestjs/common';
import pg from 'pg';
import { from as copyFrom, type CopyStreamQuery } from 'pg-copy-streams';
import type { Tx, WriteTx } from '../kernel/db/database.js';
import { COPY_BEGIN, COPY_END } from '../kernel/db/copy-rows.js';
import { awaitTurns } from '../kernel/db/turns.js';
import { freeBuffer } from '../kernel/memory.js';
import { keepCoverage, type Place } from './coverage.sql.js';
import { FACT, insertAll, mergeForward, mergeLate, RESULT, type IntervalKind } from './merge.sql.js';
import type { MergeCounts, OpenedRows, StagedRows, StagedScan } from './staged.js';

/** Bytes of rows that lie in a staging table before `open` takes them: enough to fill pages of the primary key in order, few enough that reading does not wait. */
const TAKEN_AT = 2 * 1024 * 1024;

/** Empties a staging table of what it holds. */
type Take = (table: string) => Promise<void>;

/** The merge of a scan into the intervals, set-based: the number of statements does not depend on the number of results. */
@Injectable()
export class MergeStore {
  /**
   * Scans of one system are merged one after another, and knowledge has an order: each merge's «known» instant is later than any before it (in
   * milliseconds, the resolution of the API). Held until the transaction ends.
   */
  async lockSystem(tx: WriteTx, systemId: string): Promise<{ known: Date; isFirst: boolean }> {
    // One message: so the texts are literals, quoted by the driver. The place of the rows is in it, for nearly every scan has some.
    const client = await tx.client();
    const [organization, system] = [tx.organizationId, systemId].map(pg.escapeLiteral);
    const answers = (await client.query(
      `${makeStaging(RESULT)};
       select pg_advisory_xact_lock(hashtextextended(${pg.escapeLiteral(lockName(tx, systemId))}, 0));
       select greatest(date_trunc('milliseconds', service_clock()), max(known_at) + interval '1 millisecond') as known, max(known_at) is null as first
       from coverage where organization_id = ${organization} and system_id = ${system}`,
    )) as unknown as readonly pg.QueryResult<{ known: Date; first: boolean }>[];
    const row = answers.at(-1)?.rows[0];
    if (row === undefined) throw new Error('no instant');
    return { known: row.known, isFirst: row.first };
  }

  /** Where the system has had scans nothing is waited for, and null is given. */
  async lockNewSystem(tx: WriteTx, systemId: string): Promise<Date | null> {
    const [row] = await tx.query<{ covered: boolean }>(
      'select exists (select from coverage where organization_id = $1 and system_id = $2) as covered',
      [tx.organizationId, systemId],
    );
    if (row?.covered !== false) return null;
    const { known, isFirst } = await this.lockSystem(tx, systemId);
    return isFirst ? known : null;
  }

  /** Waits for merges under way. */
  awaitMerges(tx: Tx, systemIds: readonly string[], knownAt: Date): Promise<void> {
    const names = systemIds.map((id) => lockName(tx, id));
    return awaitTurns(tx, names, knownAt, 'A report is being merged');
  }

  /**
   * Rows into the staging tables of the transaction: COPY is refused on tables under row-level security, so they arrive in temporary ones. They live as long as the
   * connection and are empty again after each transaction: to make and drop one each time costs Postgres more than all the rest of a small scan.
   */
  async stage(
    tx: WriteTx,
    chunks: AsyncIterable<StagedRows>,
    isLocked: boolean,
    take: Take | null = null,
  ): Promise<void> {
    const client = await tx.client();
    const made = new Set<string>(isLocked ? [RESULT.staging] : []);
    /** Bytes that lie in each table. */
    const lying = new Map<string, number>();
    let copy = null as Copy | null;
    try {
      for await (const { table, columns, bytes } of chunks) {
        if (copy?.table !== table) {
          await copy?.end();
          if (!made.has(table)) await tx.query(makeStaging({ staging: table, stagingColumns: columns }));
          made.add(table);
          const stream = client.query(copyFrom(`copy ${table} from stdin (format binary)`));
          copy = new Copy(table, client.connection.stream, stream);
        }
        const length = (lying.get(table) ?? 0) + bytes.length;
        await copy.write(bytes);
        lying.set(table, length);
        if (take === null || length < TAKEN_AT) continue;
        await copy.end();
        copy = null;
        await take(table);
        lying.set(table, 0);
      }
      await copy?.end();
    } catch (error) {
      await copy?.abandon();
      throw error;
    }
    if (take === null) return;
    for (const [table, length] of lying) if (length > 0) await take(table);
  }

  /**
   * The rows of the first scan of a system become intervals while they are still being made: there is nothing that they could end or go on with, so that all of them
   * begin, whatever else comes. After `lockNewSystem`, of rows of which no identity comes twice.
   */
  async open(
    tx: WriteTx,
    chunks: AsyncIterable<StagedRows>,
    { systemId, scanId, observedAt }: Pick<StagedScan, 'systemId' | 'scanId' | 'observedAt'>,
    known: Date,
  ): Promise<OpenedRows> {
    const opened = { result: 0, fact: 0 };
    await this.stage(tx, chunks, true, async (table) => {
      const kind = [RESULT, FACT].find(({ staging }) => staging === table);
      if (kind === undefined) return;
      opened[kind.table] += await tx.execute(insertAll(kind), [tx.organizationId, systemId, observedAt, known, scanId]);
      await tx.query(`truncate ${table}`);
    });
    return opened;
  }

  /** What is staged into the intervals. `kinds`: those that the scan speaks of, be it by their absence. */
  async merge(tx: WriteTx, scan: StagedScan, kinds: readonly IntervalKind[], known: Date): Promise<MergeCounts[]> {
    const parameters = [tx.organizationId, scan.systemId, coverageJson(scan), scan.observedAt, known, scan.scanId];
    const place = await this.place(tx, parameters.slice(0, 4));
    const { opened } = scan;
    if (opened !== null) {
      if (place.covered) throw new Error('the first scan of a system finds it covered');
      await tx.query(keepCoverage(kinds, scan.coverage, place, true), [...parameters, scan.evidenceId]);
      return kinds.map(({ table }) => {
        if (opened[table] !== scan.totals[table]) throw new Error('other rows were taken than were read');
        return { new: opened[table], changed: 0, unchanged: 0, closed: 0 };
      });
    }
    const counts: MergeCounts[] = [];
    for (const kind of kinds) {
      const total = scan.totals[kind.table];
      // No row was staged by this connection yet: then the table may not be there.
      if (total === 0) await tx.query(makeStaging(kind));
      if (scan.replaced) await this.dropReplaced(tx, kind);
      if (!place.covered) {
        const begun = await tx.execute(insertAll(kind), [...parameters.slice(0, 2), ...parameters.slice(3)]);
        counts.push({ new: begun, changed: 0, unchanged: 0, closed: 0 });
        continue;
      }
      const [row] = await tx.query<CountsRow>(place.late ? mergeLate(kind) : mergeForward(kind), parameters);
      if (row === undefined) throw new Error('the merge gave no counts');
      const { changed, closed } = row;
      counts.push({ new: row.opened, changed, closed, unchanged: total - row.opened - changed });
    }
    await tx.query(keepCoverage(kinds, scan.coverage, place, false), [...parameters, scan.evidenceId]);
    return counts;
  }

  /**
   * A scan that said what an earlier one said, of a later instant: if nothing else has covered any of its targets and sources since, all its results are what
   * they were, and only that they were seen again is new. False when something has; then nothing was written.
   */
  async repeat(
    tx: WriteTx,
    scan: { systemId: string; scanId: string; evidenceId: string; observedAt: Date },
    earlierScanId: string,
    known: Date,
  ): Promise<boolean> {
    const written = await tx.execute(
      `with earlier as materialized (
         select * from coverage where organization_id = $1 and system_id = $2 and scan_id = $3
       )
       insert into coverage (organization_id, system_id, target_id, source, observed_at, scan_id, evidence_id, known_at, complete, checks, checks_id, silent_pass, sighting_id)
       select e.organization_id, e.system_id, e.target_id, e.source, $4, $5::uuid, $7::uuid, $6, e.complete, e.checks, e.checks_id, e.silent_pass, e.sighting_id
       from earlier e
       where not exists (
         select from earlier o
         where o.observed_at >= $4 or o.observed_at <= (
           select max(c.observed_at) from coverage c
           where c.organization_id = $1 and c.system_id = $2 and c.target_id = o.target_id and c.source = o.source
             and c.scan_id <> o.scan_id))`,
      [tx.organizationId, scan.systemId, earlierScanId, scan.observedAt, scan.scanId, known, scan.evidenceId],
    );
    return written > 0;
  }

  /** Of rows with one identity the last one stands. */
  private async dropReplaced(tx: WriteTx, { staging }: IntervalKind): Promise<void> {
    // One pass over them: a join of the rows with each other would grow with the square of how often one was given.
    await tx.query(
      `delete from ${staging} s
       using (select series, max(ctid) as kept from ${staging} group by series having count(*) > 1) twice
       where twice.series = s.series and s.ctid <> twice.kept`,
    );
  }

  /** Makes the targets known, and says where the scan stands. */
  private async place(tx: WriteTx, parameters: readonly unknown[]): Promise<Place> {
    const [row] = await tx.query<Place>(
      `with covered as materialized (
         select * from jsonb_to_recordset($3::jsonb) as c("targetId" uuid, "targetKind" text, "targetName" text, source text)
       ),
       kept as (
         insert into target (organization_id, system_id, id, kind, name)
         select distinct $1::uuid, $2::uuid, "targetId", "targetKind", "targetName" from covered
         on conflict do nothing
       ),
       before as (
         select (select max(k.observed_at) from coverage k
                 where k.organization_id = $1 and k.system_id = $2 and k.target_id = c."targetId" and k.source = c.source) as at
         from covered c
       )
       select coalesce(bool_or(at >= $4), false) as late, coalesce(bool_or(at is not null), false) as covered from before`,
      parameters,
    );
    if (row === undefined) throw new Error('the scan has no place');
    return row;
  }
}

/** One COPY under way. What breaks it is told at the next write, or at its end. */
class Copy {
  private failure: Error | null = null;

  constructor(
    readonly table: string,
    private readonly socket: Duplex,
    private readonly stream: CopyStreamQuery,
  ) {
    stream.on('error', (error) => (this.failure ??= error));
    stream.write(COPY_BEGIN);
  }

  /** Ends without its rows: the connection takes nothing else before. */
  async abandon(): Promise<void> {
    if (this.failure !== null || this.stream.closed) return;
    const closed = new Promise((resolve) => this.stream.once('close', resolve));
    this.stream.destroy();
    await closed;
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (this.failure !== null) throw this.failure;
    if (this.stream.write(bytes)) return;
    await once(this.stream, 'drain');
    // All has left. What still has to would be sent as something else.
    if (this.socket.writableLength === 0) freeBuffer(bytes);
  }

  async end(): Promise<void> {
    if (this.failure !== null) throw this.failure;
    this.stream.end(COPY_END);
    await finished(this.stream);
  }
}

interface CountsRow {
  opened: number;
  changed: number;
  closed: number;
}

const makeStaging = ({ staging, stagingColumns }: Pick<IntervalKind, 'staging' | 'stagingColumns'>): string =>
  `create temporary table if not exists ${staging} (${stagingColumns}) on commit delete rows`;

/** One system has one lock, however its id is spelled. */
const lockName = (tx: Tx, systemId: string): string => `merge/${tx.organizationId}/${systemId}`.toLowerCase();

const coverageJson = (scan: StagedScan): string => JSON.stringify(scan.coverage);
