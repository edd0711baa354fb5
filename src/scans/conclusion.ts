import { Injectable } from '@nestjs/common';
import { AuditService } from '../audit/audit.service.js';
import type { RecordedEvent } from '../audit/event.js';
import { EventsService } from '../events/events.service.js';
import { EVENT_STAGING, EVENT_STAGING_COLUMNS } from '../events/staged-event.js';
import { Clock } from '../kernel/clock.js';
import type { JsonValue } from '../kernel/crypto/canonical-json.js';
import type { WriteTx } from '../kernel/db/database.js';
import { Refusal } from '../kernel/http/problem.js';
import { Queue } from '../kernel/queue.js';
import { SystemService } from '../organizations/system.service.js';
import { FACT, RESULT } from '../results/merge.sql.js';
import { ResultsService } from '../results/results.service.js';
import type { OpenedRows, StagedRows } from '../results/staged.js';
import { clusterFlags, judge } from './judgement.js';
import type { Parsing } from './parser.js';
import { READER_REVISION } from './reader-revision.js';
import type { RowCounts, Scan, ScanCounts, ScanFlag, ScanProblem } from './scan.entity.js';
import { ScansStore, type EarlierScan } from './scans.store.js';
import { SnapshotsService } from './snapshots.service.js';
import type { RowChunk, StagedReport } from './stage.js';

/**
 * Merges of one system wait for each other in the database too, but there each would hold a connection while it waits. Here they wait with nothing in hand,
 * and all of them together leave half of the pool to everybody else.
 */
export const MERGE_TURNS = Symbol('turns of merges');

/** What a report turned out to be, or turns out to be as its rows are taken. */
export type Reading =
  | { parsing: Parsing; isPatient?: boolean }
  | { problem: ScanProblem }
  /** The bytes were read before, in the same way: what they say is what that scan said. */
  | { repeats: Scan; observedAt: Date };

/** What was taken for granted of a report did not hold: it has to be read, or read again, with nothing taken for granted. Nothing of the transaction stays. */
export class Presumed extends Error {}

/** A report whose rows were being taken turned out to be none: nothing of the transaction stays. */
export class Unfit extends Error {
  constructor(readonly problem: ScanProblem) {
    super(problem.code);
  }
}

/** Ends scans: what a report turned out to be becomes rows, or the reason why it has none, in the transaction that is given. */
@Injectable()
export class Conclusion {
  constructor(
    private readonly store: ScansStore,
    private readonly results: ResultsService,
    private readonly events: EventsService,
    private readonly snapshots: SnapshotsService,
    private readonly systems: SystemService,
    private readonly audit: AuditService,
    private readonly queue: Queue,
    private readonly clock: Clock,
  ) {}

  /** Ends a scan; returns what changed of its row, and the event of it. `noted`: what is to be said of it whatever it says itself. */
  async conclude(
    tx: WriteTx,
    scan: Scan,
    reading: Reading,
    noted: string[],
  ): Promise<{ change: Partial<Scan>; event: RecordedEvent }> {
    const object = { kind: 'scan', id: scan.id } as const;
    const of = { systemId: scan.systemId, evidenceId: scan.evidenceId };
    if ('problem' in reading) {
      const change = { status: 'refused', problem: reading.problem, notes: noted } as const;
      await this.store.update(tx, scan.systemId, scan.id, change);
      const event = await this.audit.record(tx, {
        action: 'scan.refused',
        object,
        outcome: 'failure',
        details: { ...of, code: reading.problem.code },
      });
      return { change, event };
    }
    const said = 'repeats' in reading ? await this.repeat(tx, scan, reading) : await this.take(tx, scan, reading);
    const notes = [...noted, ...(said.notes ?? []).filter((note) => !noted.includes(note))];
    // Of what is judged anew, the same may be noticed again.
    const flags = [
      ...said.flags,
      ...(scan.flags ?? []).filter(({ code }) => !said.flags.some((flag) => flag.code === code)),
    ];
    const change = { ...said, flags, notes, status: 'stored' } as const;
    await this.store.update(tx, scan.systemId, scan.id, change);
    // Known as soon as all of it was taken.
    const rules = 'parsing' in reading ? reading.parsing.rules : null;
    if (rules !== null) await this.snapshots.settle(tx, scan, said.observedAt, rules);
    const event = await this.audit.record(tx, {
      action: 'scan.stored',
      object,
      at: said.knownAt,
      details: {
        ...of,
        format: said.format,
        observedAt: said.observedAt.toISOString(),
        counts: said.counts as unknown as JsonValue,
        flags: flags.map(({ code }) => code),
        reader: READER_REVISION,
        ...(rules === null ? {} : { rules: rules.digest, program: this.snapshots.program.toString('hex') }),
        ...(scan.declared.cause === undefined ? {} : { cause: { ...scan.declared.cause } }),
      },
    });
    const { organizationId } = tx;
    await this.queue.send(tx, 'posture', { organizationId, systemId: scan.systemId, id: scan.systemId });
    return { change, event };
  }

  /** Unchanged without being read: throws Presumed where that cannot be known. */
  private async repeat(
    tx: WriteTx,
    scan: Scan,
    { repeats, observedAt }: { repeats: Scan; observedAt: Date },
  ): Promise<Said> {
    const knownAt = await this.results.lockSystem(tx, scan.systemId);
    refuseUndatable(observedAt, knownAt);
    if (!(await this.isUnchanged(tx, scan, repeats, observedAt, knownAt))) throw new Presumed();
    const { format, tool, toolVersion, clusterName, clusterUid, rejects, notes, rowsDigest, flags } = repeats;
    const head = { format, tool, toolVersion, clusterName, clusterUid, rejects, notes, rowsDigest, flags: flags ?? [] };
    return { ...head, saysWhen: false, observedAt, knownAt, counts: unchanged(repeats) };
  }

  /**
   * Takes a report's rows. Few are read already. Many are copied while they are being read, and only then wait for other scans of the system; those of the system's first
   * scan become what is known of it on the way.
   */
  private async take(tx: WriteTx, scan: Scan, { parsing, isPatient }: Parsed): Promise<Said> {
    const isEarly = parsing.early !== null;
    const first = isEarly || isPatient === true ? null : await this.firstOf(tx, scan, parsing);
    const at = first && { systemId: scan.systemId, scanId: scan.id, observedAt: first.observedAt };
    const opened = at && (await this.results.open(tx, staged(onceEach(parsing.rows())), at, first.knownAt));
    if (!isEarly && first === null) await this.results.stage(tx, staged(parsing.rows()), false);
    const judged = judge(await parsing.outcome(), scan.declared, this.clock.now());
    if ('problem' in judged) throw new Unfit(judged.problem);
    const { report, observedAt } = judged;
    // What it was said to be of when its first rows were taken.
    if (first !== null && first.observedAt.getTime() !== observedAt.getTime()) throw new Presumed();
    const knownAt = first?.knownAt ?? (await this.results.lockSystem(tx, scan.systemId));
    refuseUndatable(observedAt, knownAt);
    const flags = await this.flagsOf(tx, scan.systemId, report);
    // Also of a report whose rows are those of an earlier one: an API server may be of another version with the same objects.
    if (report.clusterVersion !== undefined) {
      await this.systems.noteVersion(tx, scan.systemId, { version: report.clusterVersion, observedAt, knownAt });
    }
    const { format, tool, toolVersion, clusterName, clusterUid, rejects, notes } = report;
    const rowsDigest = Buffer.from(report.digest);
    const head = { format, tool, toolVersion, clusterName, clusterUid, rejects, notes, rowsDigest, flags };
    const time = { saysWhen: report.observedAt !== null, observedAt, knownAt };

    const same = report.totals.event === 0 ? await this.store.findLatestSame(tx, scan.systemId, rowsDigest) : null;
    if (same !== null && (await this.isUnchanged(tx, scan, same, observedAt, knownAt))) {
      return { ...head, ...time, counts: unchanged(same) };
    }
    if (isEarly) await this.results.stage(tx, staged(parsing.rows()), true);
    const counts = await this.merge(tx, scan, report, { observedAt, knownAt, opened });
    return { ...head, ...time, counts };
  }

  /** Of a report that is being read: the instants of its rows, where it is the system's first scan and says by now when it was so, or its poster did. */
  private async firstOf(tx: WriteTx, { systemId, declared }: Scan, parsing: Parsing): Promise<Instants | null> {
    const said = parsing.observedAt ?? declared.observedAt;
    if (said === null) return null;
    const knownAt = await this.results.lockNewSystem(tx, systemId);
    return knownAt && { observedAt: new Date(said), knownAt };
  }

  /** Records that a scan saw what an earlier one saw; false where something else has spoken of it since, and then nothing is written. */
  private async isUnchanged(
    tx: WriteTx,
    scan: Scan,
    earlier: EarlierScan,
    observedAt: Date,
    known: Date,
  ): Promise<boolean> {
    if (earlier.observedAt === null || earlier.observedAt >= observedAt) return false;
    const { systemId, id: scanId, evidenceId } = scan;
    return this.results.repeat(tx, { systemId, scanId, evidenceId, observedAt }, earlier.id, known);
  }

  private async merge(
    tx: WriteTx,
    scan: Scan,
    report: StagedReport,
    { observedAt, knownAt: known, opened }: Instants & { opened: OpenedRows | null },
  ): Promise<ScanCounts> {
    const { coverage, totals, replaced, rejects, yields } = report;
    const at = { systemId: scan.systemId, scanId: scan.id, evidenceId: scan.evidenceId };
    const kinds = [RESULT, FACT].filter(({ table }) => totals[table] > 0 || yields.includes(`${table}s`));
    const counted = await this.results.merge(
      tx,
      { ...at, observedAt, coverage, totals, replaced, opened },
      kinds,
      known,
    );
    const countsOf = (table: 'result' | 'fact'): RowCounts => {
      const counts = counted[kinds.findIndex((kind) => kind.table === table)];
      return { total: totals[table], ...(counts ?? { new: 0, changed: 0, unchanged: 0, closed: 0 }) };
    };
    const counts: ScanCounts = { ...countsOf('result'), rejected: rejects.length };
    if (kinds.includes(FACT)) counts.facts = countsOf('fact');
    if (totals.event > 0) counts.events = { total: totals.event, new: await this.events.keep(tx, at, known) };
    return counts;
  }

  private async flagsOf(tx: WriteTx, systemId: string, report: StagedReport): Promise<ScanFlag[]> {
    if (report.clusterName === null && report.clusterUid === null) return [];
    return clusterFlags(report, await this.store.findLastCluster(tx, systemId, report.tool));
  }
}

/** Milliseconds by which an observation may lie ahead of our knowledge of it (constraint coverage_ahead). */
const MAX_AHEAD_OF_KNOWLEDGE = 24 * 3_600_000;

/** What is not ahead by our own clock, which has judged it, is so far ahead only where the database's is wrong. */
function refuseUndatable(observedAt: Date, knownAt: Date): void {
  if (observedAt.getTime() - knownAt.getTime() <= MAX_AHEAD_OF_KNOWLEDGE) return;
  throw new Refusal(
    'unavailable',
    'The clock of the database is a day behind this server’s: when the report became known cannot be said. Nothing of it was kept. Tell the operator.',
    { headers: { 'Retry-After': '60' } },
  );
}

type Parsed = Extract<Reading, { parsing: Parsing }>;

/** When what a report says was so, and when it became known. */
interface Instants {
  observedAt: Date;
  knownAt: Date;
}

/** What a scan says when it is read: columns of its row. */
interface Said extends Pick<
  Scan,
  'format' | 'tool' | 'toolVersion' | 'clusterName' | 'clusterUid' | 'rejects' | 'notes' | 'rowsDigest'
> {
  saysWhen: boolean;
  observedAt: Date;
  knownAt: Date;
  counts: ScanCounts;
  flags: ScanFlag[];
}

/** The counts of a scan that says what an earlier one said. */
function unchanged({ counts }: EarlierScan): ScanCounts {
  if (counts === null) throw new Error('the scan was not stored');
  const none = { new: 0, changed: 0, closed: 0 };
  return {
    ...counts,
    ...none,
    unchanged: counts.total,
    ...(counts.facts === undefined ? {} : { facts: { ...counts.facts, ...none, unchanged: counts.facts.total } }),
  };
}

const TABLES: Readonly<Record<RowChunk['kind'], Omit<StagedRows, 'bytes'>>> = {
  result: { table: RESULT.staging, columns: RESULT.stagingColumns },
  fact: { table: FACT.staging, columns: FACT.stagingColumns },
  event: { table: EVENT_STAGING, columns: EVENT_STAGING_COLUMNS },
};

async function* staged(rows: AsyncIterable<RowChunk>): AsyncGenerator<StagedRows> {
  for await (const { kind, bytes } of rows) yield { ...TABLES[kind], bytes };
}

/** Rows that may be taken as they come: where an identity is given twice, the last stands, and only the end tells which that is. */
async function* onceEach(rows: AsyncIterable<RowChunk>): AsyncGenerator<RowChunk> {
  for await (const chunk of rows) {
    if (chunk.replaced) throw new Presumed();
    yield chunk;
  }
}
