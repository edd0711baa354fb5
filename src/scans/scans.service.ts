import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { Inject, Injectable } from '@nestjs/common';
import { AuditService } from '../audit/audit.service.js';
import { EvidenceService, type Received } from '../evidence/evidence.service.js';
import { Clock } from '../kernel/clock.js';
import { canonicalJson } from '../kernel/crypto/canonical-json.js';
import { Database, type Tx, type WriteTx } from '../kernel/db/database.js';
import type { ContentHeaders, ContentLimits } from '../kernel/http/content.js';
import type { Instant } from '../kernel/http/instant.js';
import { Refusal, type ProblemCode } from '../kernel/http/problem.js';
import { newId } from '../kernel/ids.js';
import type { Principal } from '../kernel/principal.js';
import { Queue } from '../kernel/queue.js';
import { type Turns } from '../kernel/slots.js';
import { SystemService } from '../organizations/system.service.js';
import { ResultsService } from '../results/results.service.js';
import { Parser } from './parser.js';
import { READER_REVISION } from './reader-revision.js';
import type { Declaration, Scan, ScanCounts, ScanProblem } from './scan.entity.js';
import { ScansStore, type ScanFilter } from './scans.store.js';
import type { StagedReport } from './stage.js';

export const REPORT_LIMITS = Symbol('bounds on a posted report');

/**
 * Merges of one system wait for each other in the database too, but there each would hold a connection while it waits. Here they wait with nothing in hand,
 * and all of them together leave half of the pool to everybody else.
 */
export const MERGE_TURNS = Symbol('turns of merges');

/** Clocks of nodes differ; a report from further ahead than this is wrong about its time, and would outlive its freshness. */
const CLOCK_SKEW = 5 * 60_000;

export interface PostedReport {
  systemId: string;
  content: Readable;
  headers: ContentHeaders & { mediaType: string };
  declared: Declaration;
  /** False: answer as soon as the bytes are safe (RFC 7240 respond-async). */
  wait: boolean;
  idempotencyKey: string | null;
}

export interface PostedScan {
  scan: Scan;
  duplicate: boolean;
}

/** What a report turned out to be. */
type Reading =
  | { report: StagedReport; observedAt: Date }
  | { problem: ScanProblem }
  /** The bytes were read before, in the same way: what they say is what that scan said. */
  | { repeats: Scan; observedAt: Date };

/** Something else has covered the targets of a repeated scan: then its bytes have to be read after all. */
class Overtaken extends Error {}

@Injectable()
export class ScansService {
  constructor(
    private readonly database: Database,
    private readonly store: ScansStore,
    private readonly systems: SystemService,
    private readonly evidence: EvidenceService,
    private readonly results: ResultsService,
    private readonly audit: AuditService,
    private readonly parser: Parser,
    private readonly queue: Queue,
    private readonly clock: Clock,
    @Inject(MERGE_TURNS) private readonly turns: Turns,
    @Inject(REPORT_LIMITS) private readonly limits: ContentLimits,
  ) {}

  /**
   * Takes a report: bytes into custody, then read, then its results merged, all of it in one transaction. A crash before its commit leaves nothing (the
   * caller has had no answer, and posts again); after it, everything. Refused reports are kept too, as evidence of what was sent.
   */
  async post(principal: Principal, posted: PostedReport): Promise<PostedScan> {
    await this.database.read(principal, (tx) => this.systems.requireSystem(tx, posted.systemId));
    const received = await this.evidence.receive(principal, posted.content, posted.headers, this.limits);
    const bytes = { named: false };
    try {
      const { twin, repeated } = await this.findEarlier(principal, posted, received);
      if (twin !== null && posted.idempotencyKey === null) return { scan: twin, duplicate: true };
      const readAfresh = () =>
        this.read(() => this.evidence.reopen(principal, received), received.kept.size, posted.declared);
      let isReplay = true;
      const write = (reading: Reading | null) =>
        this.turns.run(posted.systemId, () =>
          this.database.write(
            principal,
            async (tx) => {
              isReplay = false;
              const { id: evidenceId, isNew } = await this.evidence.keep(tx, received);
              const recorded = await this.record(tx, posted, evidenceId, received.receivedAt, reading);
              // From here on the commit may happen without our being told: bytes that a row may name are never removed.
              bytes.named = isNew;
              return recorded;
            },
            posted.idempotencyKey === null
              ? null
              : { operation: 'postScan', key: posted.idempotencyKey, fingerprint: fingerprint(posted, received) },
          ),
        );
      const outcome = await write(posted.wait && twin === null ? (repeated ?? (await readAfresh())) : null).catch(
        async (error: unknown) => {
          if (!(error instanceof Overtaken)) throw error;
          return write(await readAfresh());
        },
      );
      const scan = await this.database.read(principal, (tx) => this.store.find(tx, posted.systemId, outcome.id));
      if (scan === null) throw new Error('the scan that was written is not there');
      if (scan.status === 'refused' && scan.problem !== null) throw refusalOf(scan, scan.problem);
      return { scan, duplicate: outcome.duplicate || isReplay };
    } finally {
      if (!bytes.named) await this.evidence.discard(received);
    }
  }

  /** Finishes a scan that was queued. Does nothing if it is finished: a worker may have died between its commit and its acknowledgement. */
  async finish(principal: Principal, systemId: string, id: string): Promise<void> {
    const queued = await this.database.read(principal, (tx) => this.store.find(tx, systemId, id));
    if (queued?.status !== 'queued') return;
    const evidence = await this.database.read(principal, (tx) => this.evidence.find(tx, queued.evidenceId));
    const open = () => this.evidence.open(principal, evidence.id);
    await this.concludeQueued(principal, queued, await this.read(open, evidence.size, queued.declared));
  }

  /** Ends a queued scan that could not be read however often it was tried: its bytes are kept, and it counts for nothing. */
  async giveUp(principal: Principal, systemId: string, id: string): Promise<void> {
    const queued = await this.database.read(principal, (tx) => this.store.find(tx, systemId, id));
    if (queued?.status !== 'queued') return;
    await this.concludeQueued(principal, queued, {
      problem: {
        code: 'unreadable',
        detail: 'The report could not be read, however often it was tried. Tell the operator.',
      },
    });
  }

  private async concludeQueued(principal: Principal, { systemId, id }: Scan, reading: Reading): Promise<void> {
    await this.turns.run(systemId, () =>
      this.database.write(principal, async (tx) => {
        const scan = await this.store.findForUpdate(tx, systemId, id);
        if (scan?.status !== 'queued') {
          tx.withoutAudit('another worker has finished it; the lock alone is no change');
          return;
        }
        await this.conclude(tx, scan, reading);
      }),
    );
  }

  findScan(tx: Tx, systemId: string, id: string): Promise<Scan | null> {
    return this.store.find(tx, systemId, id);
  }

  findScans(tx: Tx, systemId: string, filter: ScanFilter): Promise<Scan[]> {
    return this.store.list(tx, systemId, filter);
  }

  /** Stored scans that were known at an instant, of observations up to another; in the order of their ids. */
  findKnownScans(tx: Tx, systemId: string, instant: Instant, after: string | null, limit: number): Promise<Scan[]> {
    return this.store.known(tx, systemId, instant, after, limit);
  }

  /** Whether the organisation has these bytes already: as this very scan (`twin`), or as an earlier one that said the same of another instant (`repeated`). */
  private async findEarlier(
    principal: Principal,
    { systemId, declared }: PostedReport,
    received: Received,
  ): Promise<{ twin: Scan | null; repeated: Reading | null }> {
    return this.database.read(principal, async (tx) => {
      const evidence = await this.evidence.findKept(tx, received.kept.sha256);
      if (evidence === null) return { twin: null, repeated: null };
      const twin = await this.store.findTwin(tx, systemId, evidence.id, declaredDigest(declared));
      if (twin !== null || declared.observedAt === null) return { twin, repeated: null };
      const earlier = await this.store.findLatestReading(tx, systemId, evidence.id, readingDigest(declared));
      const observedAt = new Date(declared.observedAt);
      // A report with a time of its own is of that time, whatever is declared: then it is read, and says so.
      const isRepeated =
        earlier !== null &&
        earlier.saysWhen === false &&
        earlier.observedAt !== null &&
        earlier.observedAt < observedAt &&
        !this.isAhead(observedAt);
      return { twin: null, repeated: isRepeated ? { repeats: earlier, observedAt } : null };
    });
  }

  /** Clocks of nodes differ, but not by this much. */
  private isAhead(observedAt: Date): boolean {
    return observedAt.getTime() > this.clock.now().getTime() + CLOCK_SKEW;
  }

  /** Bytes → what they say, or why they say nothing. */
  private async read(open: () => Promise<Readable>, size: number, declared: Declaration): Promise<Reading> {
    const outcome = await this.parser.parse(async () => bytesOf(await open(), size), {
      format: declared.format ?? undefined,
      declared,
    });
    if (outcome === 'limit') {
      return {
        problem: { code: 'parse-limit', detail: 'The report needs more memory or time than a report is given.' },
      };
    }
    if ('fault' in outcome) {
      const { code, detail, place } = outcome.fault;
      return { problem: { code, detail, ...place } };
    }
    return this.placeInTime(outcome.report, declared);
  }

  private placeInTime(report: StagedReport, declared: Declaration): Reading {
    const said = report.observedAt === null ? null : new Date(report.observedAt);
    const declaredAt = declared.observedAt === null ? null : new Date(declared.observedAt);
    const observedAt = said ?? declaredAt;
    if (observedAt === null) {
      return {
        problem: {
          code: 'observed-at-required',
          detail: 'The report does not say when it was made. Post it with observedAt=<RFC 3339 time of the scan>.',
        },
      };
    }
    if (said !== null && declaredAt !== null && Math.abs(said.getTime() - declaredAt.getTime()) >= 1_000) {
      return {
        problem: {
          code: 'observed-at-mismatch',
          detail: 'The report says another time than observedAt. Post it without observedAt.',
        },
      };
    }
    if (this.isAhead(observedAt)) {
      return {
        problem: {
          code: 'observed-in-future',
          detail: 'The report was made more than 5 minutes from now. Check the clocks.',
        },
      };
    }
    return { report, observedAt };
  }

  private async record(
    tx: WriteTx,
    posted: PostedReport,
    evidenceId: string,
    receivedAt: Date,
    reading: Reading | null,
  ): Promise<{ id: string; duplicate: boolean }> {
    const digest = declaredDigest(posted.declared);
    const scan: Scan = {
      organizationId: tx.organizationId,
      systemId: posted.systemId,
      id: newId(),
      evidenceId,
      status: 'queued',
      declared: posted.declared,
      declaredDigest: digest,
      readingDigest: readingDigest(posted.declared),
      format: null,
      tool: null,
      toolVersion: null,
      clusterName: null,
      clusterUid: null,
      observedAt: null,
      saysWhen: null,
      receivedAt,
      knownAt: null,
      postedBy: tx.principal.id,
      counts: null,
      rejects: null,
      notes: null,
      flags: null,
      problem: null,
    };
    if (!(await this.store.insertOnce(tx, scan))) {
      const twin = await this.store.findTwin(tx, posted.systemId, evidenceId, digest);
      if (twin === null) throw new Error('the scan that these bytes already are is not there');
      tx.withoutAudit('the same report again changes nothing');
      return { id: twin.id, duplicate: true };
    }
    if (reading === null) {
      await this.queue.send(tx, 'scan', { organizationId: tx.organizationId, systemId: posted.systemId, id: scan.id });
      await this.audit.record(tx, { action: 'scan.queued', object: { kind: 'scan', id: scan.id } });
    } else {
      await this.conclude(tx, scan, reading);
    }
    return { id: scan.id, duplicate: false };
  }

  private async conclude(tx: WriteTx, scan: Scan, reading: Reading): Promise<void> {
    const object = { kind: 'scan', id: scan.id } as const;
    const of = { systemId: scan.systemId, evidenceId: scan.evidenceId };
    if ('problem' in reading) {
      await this.store.update(tx, scan.systemId, scan.id, { status: 'refused', problem: reading.problem });
      await this.audit.record(tx, {
        action: 'scan.refused',
        object,
        outcome: 'failure',
        details: { ...of, code: reading.problem.code },
      });
      return;
    }
    const { observedAt } = reading;
    const known = await this.results.lockSystem(tx, scan.systemId);
    const at = { systemId: scan.systemId, scanId: scan.id, evidenceId: scan.evidenceId, observedAt };
    const said =
      'repeats' in reading
        ? await this.repeat(tx, reading.repeats, at, known)
        : await this.merge(tx, reading.report, at, known);
    await this.store.update(tx, scan.systemId, scan.id, { ...said, status: 'stored', observedAt, knownAt: known });
    await this.audit.record(tx, {
      action: 'scan.stored',
      object,
      at: known,
      details: { ...of, format: said.format, observedAt: observedAt.toISOString(), counts: { ...said.counts } },
    });
  }

  private async merge(tx: WriteTx, report: StagedReport, at: ScanAt, known: Date): Promise<Said> {
    const { coverage, rows, format, tool, toolVersion, clusterName, rejects, notes, total } = report;
    const merged = await this.results.merge(tx, { ...at, coverage, rows }, known);
    return {
      saysWhen: report.observedAt !== null,
      format,
      tool,
      toolVersion,
      clusterName,
      rejects,
      notes,
      counts: { total, ...merged, rejected: rejects.length },
    };
  }

  /** Unchanged without being read: throws Overtaken where that cannot be known. */
  private async repeat(tx: WriteTx, earlier: Scan, at: ScanAt, known: Date): Promise<Said> {
    if (earlier.counts === null || !(await this.results.repeat(tx, at, earlier.id, known))) throw new Overtaken();
    const { format, tool, toolVersion, clusterName, rejects, notes, counts } = earlier;
    const unchanged = { ...counts, new: 0, changed: 0, closed: 0, unchanged: counts.total };
    return { saysWhen: false, format, tool, toolVersion, clusterName, rejects, notes, counts: unchanged };
  }
}

type ScanAt = { systemId: string; scanId: string; evidenceId: string; observedAt: Date };
type Said = Pick<Scan, 'saysWhen' | 'format' | 'tool' | 'toolVersion' | 'clusterName' | 'rejects' | 'notes'> & {
  counts: ScanCounts;
};

async function bytesOf(content: Readable, size: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(size);
  let filled = 0;
  for await (const chunk of content as AsyncIterable<Buffer>) {
    bytes.set(chunk, filled);
    filled += chunk.length;
  }
  return bytes;
}

const declaredDigest = (declared: Declaration): Buffer =>
  createHash('sha256')
    .update(canonicalJson({ ...declared, targets: declared.targets.map((target) => ({ ...target })) }))
    .digest();

/** The readers are part of it: when one changes, the same bytes are read again. */
const readingDigest = ({ format, targets, partial }: Declaration): Buffer =>
  createHash('sha256')
    .update(
      canonicalJson({ format, targets: targets.map((target) => ({ ...target })), partial, reader: READER_REVISION }),
    )
    .digest();

const fingerprint = (posted: PostedReport, received: Received): string =>
  createHash('sha256')
    .update(posted.systemId)
    .update(received.kept.sha256)
    .update(declaredDigest(posted.declared))
    .digest('base64url');

/** The caller is told why, and where the bytes lie. */
function refusalOf(scan: Scan, { code, detail, ...place }: ScanProblem): Refusal {
  const problem: ProblemCode =
    code === 'observed-at-required' || code === 'observed-in-future'
      ? code
      : code === 'parse-limit'
        ? 'too-large'
        : 'report-refused';
  const { pointer, ...where } = place;
  return new Refusal(problem, detail, {
    ...(pointer === undefined ? {} : { pointer }),
    extra: { ...where, reason: code, scanId: scan.id, evidenceId: scan.evidenceId },
  });
}
