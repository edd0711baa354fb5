import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { Inject, Injectable } from '@nestjs/common';
import { AuditService } from '../audit/audit.service.js';
import { LogService } from '../audit/log.service.js';
import { EvidenceService } from '../evidence/evidence.service.js';
import { HELD_CONTENT } from '../evidence/intake.js';
import type { Received, ReceivedAgain } from '../evidence/received.js';
import { Clock } from '../kernel/clock.js';
import { Database, type Tx, type WriteTx } from '../kernel/db/database.js';
import { Foreground } from '../kernel/foreground.js';
import type { ContentHeaders, ContentLimits } from '../kernel/http/content.js';
import type { Instant } from '../kernel/http/instant.js';
import type { Principal } from '../kernel/principal.js';
import { Queue } from '../kernel/queue.js';
import { SlotsByKey, Turns } from '../kernel/slots.js';
import { SystemService } from '../organizations/system.service.js';
import { judgeSignature, type AgentSignature } from './agent-signature.js';
import { begunScan } from './begun-scan.js';
import { Conclusion, MERGE_TURNS, type Reading } from './conclusion.js';
import { declaredDigest, readingDigest } from './digests.js';
import { EarlyReading } from './early-reading.js';
import { isAhead, refusalOf } from './judgement.js';
import { Parser } from './parser.js';
import { Readings, type ReadingAsk } from './readings.js';
import { droppedNotes } from './redaction/dropped.js';
import { Redactor } from './redactor.js';
import type { Declaration, Scan, ScanFlag } from './scan.entity.js';
import {
  ScansStore,
  type KnownScans,
  type Period,
  type ReportedCluster,
  type ScanFilter,
  type ScanOfEvidence,
  type ScanPage,
} from './scans.store.js';
import { SnapshotsService } from './snapshots.service.js';

export const REPORT_LIMITS = Symbol('bounds on a posted report');

/** Posts at once that are being written or wait to be. */
const MAX_WRITING = 256;

/**
 * Reports of one account that are received at once, and that wait with nothing read of them. One that comes slowly holds its buffers for as long as it likes, and by zstd a window of up to
 * 8 MiB: whoever begins many keeps himself waiting, and no other account.
 */
export const UPLOADS = { atOnce: 64, waiting: 64 } as const;

export interface PostedReport {
  systemId: string;
  content: Readable;
  headers: ContentHeaders & { mediaType: string };
  declared: Declaration;
  /** As the header has it. */
  signature: string | undefined;
  /** False: answer as soon as the bytes are safe (RFC 7240 respond-async). */
  wait: boolean;
  idempotencyKey: string | null;
  /** Of which so many may be received at once; null where whoever calls has bounded them. */
  account: string | null;
}

export interface PostedScan {
  scan: Scan;
  duplicate: boolean;
  /** The log's promise, a signed note. */
  receipt: string;
}

@Injectable()
export class ScansService {
  /**
   * The same bytes at once are written one after another: in the database each would wait, with a connection in hand, for the one that makes them evidence. What
   * an agent posts again while the first is still being merged is of that kind.
   */
  private readonly sameBytes = new Turns(MAX_WRITING, MAX_WRITING);
  private readonly uploads = new SlotsByKey(UPLOADS.atOnce, UPLOADS.waiting);

  constructor(
    private readonly database: Database,
    private readonly store: ScansStore,
    private readonly systems: SystemService,
    private readonly evidence: EvidenceService,
    private readonly conclusion: Conclusion,
    private readonly readings: Readings,
    private readonly snapshots: SnapshotsService,
    private readonly audit: AuditService,
    private readonly log: LogService,
    private readonly parser: Parser,
    private readonly redactor: Redactor,
    private readonly queue: Queue,
    private readonly clock: Clock,
    private readonly foreground: Foreground,
    @Inject(MERGE_TURNS) private readonly turns: Turns,
    @Inject(REPORT_LIMITS) private readonly limits: ContentLimits,
  ) {}

  /**
   * Takes a report: bytes into custody, then read, then its results merged, all of it in one transaction. A crash before its commit leaves nothing (the
   * caller has had no answer, and posts again); after it, everything. Refused reports are kept too, as evidence of what was sent. What must not be kept of a
   * report is dropped before all of this.
   */
  async post(principal: Principal, posted: PostedReport): Promise<PostedScan> {
    // The systems of an agent were looked up with its trust, for this very request.
    if (principal.systemIds?.includes(posted.systemId) !== true) {
      await this.database.read(principal, (tx) => this.systems.requireSystem(tx, posted.systemId));
    }
    const ask = this.snapshots.asking(principal, posted.systemId, posted.declared);
    const early = posted.wait && isLarge(posted) ? new EarlyReading(this.readings, ask) : null;
    const receive = () => this.receive(principal, posted, early);
    const { account } = posted;
    const received = await (account === null ? receive() : this.uploads.run(account, receive)).catch(
      (error: unknown) => {
        early?.close();
        throw error;
      },
    );
    // Not before: whoever sends slowly waits for himself.
    return this.foreground.run(() => this.settle(principal, posted, ask, received, early));
  }

  private async settle(
    principal: Principal,
    posted: PostedReport,
    ask: ReadingAsk,
    received: Received | ReceivedAgain,
    early: EarlyReading | null,
  ): Promise<PostedScan> {
    const bytes = { named: false };
    try {
      // What was read is not what is kept.
      if (received.redacted !== null) early?.close();
      const signature = signatureOf(principal, posted, received);
      // Few bytes are read faster than it is found out whether they are known.
      const { twin, repeated } =
        received.content === null
          ? await this.findEarlier(principal, posted, received)
          : { twin: null, repeated: null };
      if (twin !== null && posted.idempotencyKey === null) {
        const receipt = await this.database.read(principal, (tx) => this.receiptOf(tx, twin));
        return { scan: twin, duplicate: true, receipt };
      }
      const readAfresh = async (): Promise<Reading> =>
        (await early?.take()) ??
        this.readings.begin(
          received.kept.size,
          async () => received.content ?? this.evidence.fileOf(principal, received),
          ask,
        );
      const written: { recorded: PostedScan | null } = { recorded: null };
      const write = (reading: Reading | null) => {
        const once = () =>
          this.database.write(
            principal,
            async (tx) => {
              const { id: evidenceId, isNew } = await this.evidence.keep(tx, received);
              const recorded = await this.record(tx, posted, { ...received, evidenceId, signature }, reading);
              // From here on the commit may happen without our being told: bytes that a row may name are never removed.
              bytes.named = isNew;
              written.recorded = recorded;
              return { id: recorded.scan.id, duplicate: recorded.duplicate };
            },
            posted.idempotencyKey === null
              ? null
              : { operation: 'postScan', key: posted.idempotencyKey, fingerprint: fingerprint(posted, received) },
          );
        const digest = `${principal.organizationId ?? ''}/${received.kept.sha256.toString('base64url')}`;
        // What is only queued merges nothing.
        return this.sameBytes.run(digest, () => (reading === null ? once() : this.turns.run(posted.systemId, once)));
      };
      const outcome =
        posted.wait && twin === null ? await this.readings.write(readAfresh, write, repeated) : await write(null);
      const recorded = written.recorded ?? (await this.replayed(principal, posted.systemId, outcome.id));
      const { scan } = recorded;
      if (scan.status === 'refused' && scan.problem !== null) throw refusalOf(scan, scan.problem);
      return recorded;
    } finally {
      early?.close();
      received.release();
      if (!bytes.named) await this.evidence.discard(received);
    }
  }

  private async receive(
    principal: Principal,
    posted: PostedReport,
    early: EarlyReading | null,
  ): Promise<Received | ReceivedAgain> {
    const { content, headers } = posted;
    // Few bytes are stored again faster than it is found out whether they are known.
    const again = isLarge(posted)
      ? await this.evidence.receiveAgain(principal, content, headers, this.limits, this.redactor)
      : null;
    return again ?? this.evidence.receive(principal, content, headers, this.limits, this.redactor, early?.begin);
  }

  /** What an earlier request with the same key has written. */
  private replayed(principal: Principal, systemId: string, id: string): Promise<PostedScan> {
    return this.database.read(principal, async (tx) => {
      const scan = await this.store.find(tx, systemId, id);
      if (scan === null) throw new Error('the scan that was written is not there');
      return { scan, duplicate: true, receipt: await this.receiptOf(tx, scan) };
    });
  }

  /** For what was posted before: of what became of it first. */
  private async receiptOf(tx: Tx, { id }: Scan): Promise<string> {
    const receipt = await this.log.receiptOf(tx, { kind: 'scan', id }, ['scan.queued', 'scan.stored', 'scan.refused']);
    if (receipt === null) throw new Error('the scan has no event');
    return receipt;
  }

  findScan(tx: Tx, systemId: string, id: string): Promise<Scan | null> {
    return this.store.find(tx, systemId, id);
  }

  findScans(tx: Tx, systemId: string, filter: ScanFilter): Promise<Scan[]> {
    return this.store.list(tx, systemId, filter);
  }

  /** In the order of their ids. */
  findKnownScans(tx: Tx, systemId: string, known: KnownScans, page: ScanPage): Promise<Scan[]> {
    return this.store.known(tx, systemId, known, page);
  }

  /** Scans that the evidence is the report of, of the systems (null: of all), the latest that came first. */
  ofEvidence(tx: Tx, evidenceIds: readonly string[], scanIds: readonly string[], limit: number): Promise<Scan[]> {
    return this.store.ofEvidence(tx, evidenceIds, scanIds, limit);
  }

  /** All scans that the evidence is the report of: which, and of which system. */
  idsOfEvidence(tx: Tx, evidenceIds: readonly string[]): Promise<ScanOfEvidence[]> {
    return this.store.idsOfEvidence(tx, evidenceIds);
  }

  /** Of each of the evidence the systems that it is a report of; `knownAt`: by the scans whose results were known then, null: by all. */
  async systemsOfEvidence(
    tx: Tx,
    evidenceIds: readonly string[],
    knownAt: Date | null,
  ): Promise<ReadonlyMap<string, readonly string[]>> {
    const found = await this.store.systemsOfEvidence(tx, evidenceIds, knownAt);
    return new Map(
      [...Map.groupBy(found, ({ evidenceId }) => evidenceId)].map(([id, all]) => [
        id,
        all.map(({ systemId }) => systemId),
      ]),
    );
  }

  /** Those of the evidence that are reports of scans of the systems (null: of all) and of the period. */
  evidenceOfPeriod(
    tx: Tx,
    evidenceIds: readonly string[],
    systemIds: readonly string[] | null,
    period: Period,
  ): Promise<string[]> {
    return this.store.evidenceOfPeriod(tx, evidenceIds, systemIds, period);
  }

  /** Which clusters the reports of a system told they are of since an instant; the latest first. */
  clusters(tx: Tx, systemId: string, ask: Instant, since: Date): Promise<ReportedCluster[]> {
    return this.store.clusters(tx, systemId, ask, since);
  }

  /** Whether the organisation has these bytes already: as this very scan (`twin`), or as an earlier one that said the same of another instant (`repeated`). */
  private async findEarlier(
    principal: Principal,
    { systemId, declared }: PostedReport,
    received: Received | ReceivedAgain,
  ): Promise<{ twin: Scan | null; repeated: Reading | null }> {
    return this.database.read(principal, async (tx) => {
      const evidence = await this.evidence.findKept(tx, received.kept.sha256);
      if (evidence === null) return { twin: null, repeated: null };
      const twin = await this.store.findTwin(tx, systemId, evidence.id, declaredDigest(declared));
      if (twin !== null || declared.observedAt === null) return { twin, repeated: null };
      const earlier = await this.store.findLatestReading(
        tx,
        systemId,
        evidence.id,
        readingDigest(declared, this.parser.revision),
      );
      const observedAt = new Date(declared.observedAt);
      // A report with a time of its own is of that time, whatever is declared: then it is read, and says so.
      const isRepeated =
        earlier !== null &&
        earlier.saysWhen === false &&
        earlier.observedAt !== null &&
        earlier.observedAt < observedAt &&
        !isAhead(observedAt, this.clock.now());
      return { twin: null, repeated: isRepeated ? { repeats: earlier, observedAt } : null };
    });
  }

  private async record(
    tx: WriteTx,
    posted: PostedReport,
    {
      evidenceId,
      receivedAt,
      redacted,
      signature,
    }: Pick<Received, 'receivedAt' | 'redacted'> & { evidenceId: string; signature: AgentSignature | null },
    reading: Reading | null,
  ): Promise<PostedScan> {
    const { systemId, declared } = posted;
    const flags = unsigned(tx.principal, systemId, signature);
    const scan = begunScan(tx, { systemId, evidenceId, declared, receivedAt, flags, signature }, this.parser.revision);
    if (!(await this.store.insertOnce(tx, scan))) {
      const twin = await this.store.findTwin(tx, systemId, evidenceId, scan.declaredDigest);
      if (twin === null) throw new Error('the scan that these bytes already are is not there');
      tx.withoutAudit('the same report again changes nothing');
      return { scan: twin, duplicate: true, receipt: await this.receiptOf(tx, twin) };
    }
    if (reading === null) {
      await this.queue.send(tx, 'scan', { organizationId: tx.organizationId, systemId, id: scan.id });
      const event = await this.audit.record(tx, { action: 'scan.queued', object: { kind: 'scan', id: scan.id } });
      return { scan, duplicate: false, receipt: await this.log.receipt(tx, event) };
    }
    const notes = droppedNotes(redacted?.dropped ?? {});
    const { change, event } = await this.conclusion.conclude(tx, scan, reading, notes);
    return { scan: Object.assign(scan, change), duplicate: false, receipt: await this.log.receipt(tx, event) };
  }
}

const isLarge = ({ headers }: PostedReport): boolean => Number(headers.contentLength) > HELD_CONTENT;

/** An agent that has keys signs what it sends: noticed when it comes, whoever reads it later. */
function unsigned(principal: Principal, systemId: string, signature: AgentSignature | null): ScanFlag[] | null {
  if (signature !== null || keysOf(principal, systemId).length === 0) return null;
  return [{ code: 'unsigned', detail: 'The agent has a key to sign by, and the report came without a signature.' }];
}

function signatureOf(
  principal: Principal,
  { systemId, signature }: PostedReport,
  received: Received | ReceivedAgain,
): AgentSignature | null {
  if (signature === undefined) return null;
  return judgeSignature(signature, keysOf(principal, systemId), received.redacted ?? received.kept);
}

const keysOf = ({ signingKeys }: Principal, systemId: string): readonly string[] => signingKeys?.get(systemId) ?? [];

const fingerprint = (posted: PostedReport, received: Received | ReceivedAgain): string =>
  createHash('sha256')
    .update(posted.systemId)
    .update(received.redacted?.sha256 ?? received.kept.sha256)
    .update(declaredDigest(posted.declared))
    .digest('base64url');
