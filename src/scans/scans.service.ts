import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { Inject, Injectable } from '@nestjs/common';
import { AuditService } from '../audit/audit.service.js';
import { EvidenceService, type Received } from '../evidence/evidence.service.js';
import { Clock } from '../kernel/clock.js';
import type { OpenedEvidence } from '../evidence/intake.js';
import { Database, type Tx, type WriteTx } from '../kernel/db/database.js';
import type { ContentHeaders, ContentLimits } from '../kernel/http/content.js';
import type { Instant } from '../kernel/http/instant.js';
import { newId } from '../kernel/ids.js';
import type { Principal } from '../kernel/principal.js';
import { Queue } from '../kernel/queue.js';
import { Turns } from '../kernel/slots.js';
import { SystemService } from '../organizations/system.service.js';
import { judgeSignature, type AgentSignature } from './agent-signature.js';
import { Conclusion, Presumed, Unfit, type Reading } from './conclusion.js';
import { declaredDigest, readingDigest } from './digests.js';
import { isAhead, judge, refusalOf } from './judgement.js';
import { Parser } from './parser.js';
import { droppedNotes } from './redaction/dropped.js';
import { Redactor } from './redactor.js';
import type { Declaration, Scan, ScanFlag } from './scan.entity.js';
import { ScansStore, type ScanFilter } from './scans.store.js';
import { SnapshotsService } from './snapshots.service.js';

export const REPORT_LIMITS = Symbol('bounds on a posted report');

/**
 * Merges of one system wait for each other in the database too, but there each would hold a connection while it waits. Here they wait with nothing in hand,
 * and all of them together leave half of the pool to everybody else.
 */
export const MERGE_TURNS = Symbol('turns of merges');

/** Posts at once that are being written or wait to be. */
const MAX_WRITING = 256;

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
}

export interface PostedScan {
  scan: Scan;
  duplicate: boolean;
}

@Injectable()
export class ScansService {
  /**
   * The same bytes at once are written one after another: in the database each would wait, with a connection in hand, for the one that makes them evidence. What
   * an agent posts again while the first is still being merged is of that kind.
   */
  private readonly sameBytes = new Turns(MAX_WRITING, MAX_WRITING);

  constructor(
    private readonly database: Database,
    private readonly store: ScansStore,
    private readonly systems: SystemService,
    private readonly evidence: EvidenceService,
    private readonly conclusion: Conclusion,
    private readonly snapshots: SnapshotsService,
    private readonly audit: AuditService,
    private readonly parser: Parser,
    private readonly redactor: Redactor,
    private readonly queue: Queue,
    private readonly clock: Clock,
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
    const { content, headers } = posted;
    const received = await this.evidence.receive(principal, content, headers, this.limits, this.redactor);
    const bytes = { named: false };
    try {
      const signature = signatureOf(principal, posted, received);
      // Few bytes are read faster than it is found out whether they are known.
      const { twin, repeated } =
        received.content === null
          ? await this.findEarlier(principal, posted, received)
          : { twin: null, repeated: null };
      if (twin !== null && posted.idempotencyKey === null) return { scan: twin, duplicate: true };
      const readAfresh = (): Promise<Reading> =>
        this.read(
          principal,
          posted.systemId,
          received.kept.size,
          posted.declared,
          async () => received.content ?? this.evidence.fileOf(principal, received),
        );
      const written: { scan: Scan | null } = { scan: null };
      const write = (reading: Reading | null) => {
        const once = () =>
          this.database.write(
            principal,
            async (tx) => {
              const { id: evidenceId, isNew } = await this.evidence.keep(tx, received);
              const recorded = await this.record(tx, posted, { ...received, evidenceId, signature }, reading);
              // From here on the commit may happen without our being told: bytes that a row may name are never removed.
              bytes.named = isNew;
              written.scan = recorded.scan;
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
      const reading = posted.wait && twin === null ? (repeated ?? (await readAfresh())) : null;
      const outcome = reading === null ? await write(null) : await this.conclusively(reading, readAfresh, write);
      const isReplay = written.scan === null;
      const scan =
        written.scan ?? (await this.database.read(principal, (tx) => this.store.find(tx, posted.systemId, outcome.id)));
      if (scan === null) throw new Error('the scan that was written is not there');
      if (scan.status === 'refused' && scan.problem !== null) throw refusalOf(scan, scan.problem);
      return { scan, duplicate: outcome.duplicate || isReplay };
    } finally {
      if (!bytes.named) await this.evidence.discard(received);
    }
  }

  /** Writes what was read; what turns out to be otherwise on the way is written anew, as what it is. */
  private async conclusively<T>(
    reading: Reading,
    readAfresh: () => Promise<Reading>,
    write: (reading: Reading) => Promise<T>,
  ): Promise<T> {
    try {
      return await write(reading);
    } catch (error) {
      if (error instanceof Unfit) return await write({ problem: error.problem });
      if (error instanceof Presumed) return await this.conclusively(patient(await readAfresh()), readAfresh, write);
      throw error;
    } finally {
      if ('parsing' in reading) reading.parsing.close();
    }
  }

  /** Finishes a scan that was queued. Does nothing if it is finished: a worker may have died between its commit and its acknowledgement. */
  async finish(principal: Principal, systemId: string, id: string): Promise<void> {
    const queued = await this.database.read(principal, (tx) => this.store.find(tx, systemId, id));
    if (queued?.status !== 'queued') return;
    const { size } = await this.database.read(principal, (tx) => this.evidence.find(tx, queued.evidenceId));
    const readAfresh = () =>
      this.read(principal, systemId, size, queued.declared, () => this.evidence.openFile(principal, queued.evidenceId));
    await this.conclusively(await readAfresh(), readAfresh, (reading) =>
      this.concludeQueued(principal, queued, reading),
    );
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
        const { redaction } = await this.evidence.find(tx, scan.evidenceId);
        await this.conclusion.conclude(tx, scan, reading, droppedNotes(redaction?.dropped ?? {}));
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

  /** Begins to read a report. What it says wrongly may be known at once, or only when its rows were taken. */
  private async read(
    principal: Principal,
    systemId: string,
    size: number,
    declared: Declaration,
    open: () => Promise<Uint8Array | OpenedEvidence>,
  ): Promise<Reading> {
    const parsing = await this.parser.parse(size, open, {
      format: declared.format ?? undefined,
      declared,
      rules: () => this.database.read(principal, (tx) => this.snapshots.rulesFor(tx, systemId)),
    });
    if (parsing.early === null) return { parsing };
    const judged = judge(parsing.early, declared, this.clock.now());
    return 'problem' in judged ? judged : { parsing };
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
  ): Promise<{ scan: Scan; duplicate: boolean }> {
    const digest = declaredDigest(posted.declared);
    const scan: Scan = {
      organizationId: tx.organizationId,
      systemId: posted.systemId,
      id: newId(),
      evidenceId,
      status: 'queued',
      declared: posted.declared,
      declaredDigest: digest,
      readingDigest: readingDigest(posted.declared, this.parser.revision),
      format: null,
      tool: null,
      toolVersion: null,
      clusterName: null,
      clusterUid: null,
      rowsDigest: null,
      observedAt: null,
      saysWhen: null,
      receivedAt,
      knownAt: null,
      postedBy: tx.principal.id,
      counts: null,
      rejects: null,
      notes: null,
      flags: unsigned(tx.principal, signature),
      signature,
      problem: null,
    };
    if (!(await this.store.insertOnce(tx, scan))) {
      const twin = await this.store.findTwin(tx, posted.systemId, evidenceId, digest);
      if (twin === null) throw new Error('the scan that these bytes already are is not there');
      tx.withoutAudit('the same report again changes nothing');
      return { scan: twin, duplicate: true };
    }
    if (reading === null) {
      await this.queue.send(tx, 'scan', { organizationId: tx.organizationId, systemId: posted.systemId, id: scan.id });
      await this.audit.record(tx, { action: 'scan.queued', object: { kind: 'scan', id: scan.id } });
    } else {
      Object.assign(scan, await this.conclusion.conclude(tx, scan, reading, droppedNotes(redacted?.dropped ?? {})));
    }
    return { scan, duplicate: false };
  }
}

/** Nothing is taken for granted of it. */
const patient = (reading: Reading): Reading => ('parsing' in reading ? { ...reading, isPatient: true } : reading);

/** An agent that has keys signs what it sends: noticed when it comes, whoever reads it later. */
function unsigned({ signingKeys = [] }: Principal, signature: AgentSignature | null): ScanFlag[] | null {
  if (signature !== null || signingKeys.length === 0) return null;
  return [{ code: 'unsigned', detail: 'The agent has a key to sign by, and the report came without a signature.' }];
}

function signatureOf(principal: Principal, { signature }: PostedReport, received: Received): AgentSignature | null {
  if (signature === undefined) return null;
  return judgeSignature(signature, principal.signingKeys ?? [], received.redacted ?? received.kept);
}

const fingerprint = (posted: PostedReport, received: Received): string =>
  createHash('sha256')
    .update(posted.systemId)
    .update(received.redacted?.sha256 ?? received.kept.sha256)
    .update(declaredDigest(posted.declared))
    .digest('base64url');
