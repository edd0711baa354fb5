import { Readable } from 'node:stream';
import { Inject, Injectable } from '@nestjs/common';
import type { Logger } from 'pino';
import { AuditService } from '../audit/audit.service.js';
import { Clock } from '../kernel/clock.js';
import { IntegrityError } from '../kernel/crypto/integrity-error.js';
import { Keyring, type DataKey } from '../kernel/crypto/keyring.js';
import type { ByteRange } from '../kernel/crypto/streaming-aead.js';
import { Database, type Tx, type WriteTx } from '../kernel/db/database.js';
import { announcedDigest, type ContentHeaders, type ContentLimits } from '../kernel/http/content.js';
import { reasonOf } from '../kernel/http/outbound.js';
import { Refusal } from '../kernel/http/problem.js';
import { newId } from '../kernel/ids.js';
import { LOGGER } from '../kernel/logger.js';
import type { Principal } from '../kernel/principal.js';
import { retentionEnd } from '../kernel/retention.js';
import { Room } from '../kernel/slots.js';
import type { Swept } from '../kernel/sweeper.js';
import type { EvidenceDriver } from './drivers/driver.js';
import type { Evidence } from './evidence.entity.js';
import type { OpenedEvidence } from './evidence-file.js';
import { EvidenceStore } from './evidence.store.js';
import { FindingsService } from './findings.service.js';
import type { Finding } from './findings.store.js';
import { evidenceFile, HELD_TOGETHER, openEvidence, takeAgain, takeIn, type Ahead } from './intake.js';
import { fromCustody, type Received, type ReceivedAgain } from './received.js';
import type { Door, Dropped } from './redaction.js';

export const EVIDENCE_DRIVER = Symbol('where bytes lie');

export interface EvidenceInfo {
  id: string;
  sha256: string;
  size: number;
  mediaType: string;
  source: { kind: string; id: string };
  receivedAt: Date;
  retainUntil: Date;
  /** When its bytes were removed by a disposal; null while it is kept. */
  disposedAt: Date | null;
  /** That its stored bytes are no longer those that were kept, since when that is known; null while nothing of the sort is. */
  fault: { foundAt: Date; reason: string } | null;
  /** Of evidence from which something was dropped before it was kept: what was received, and how many values of which kind are not in it. */
  redaction: { receivedSha256: string; receivedSize: number; dropped: Dropped } | null;
}

/** Of the bytes of an evidence as they are stored: encrypted. */
export interface StoredAs {
  key: string;
  version: string | null;
  size: number;
  sha256: Buffer;
  dataKeyId: string;
}

@Injectable()
export class EvidenceService {
  private readonly room = new Room(HELD_TOGETHER);

  constructor(
    private readonly database: Database,
    private readonly store: EvidenceStore,
    private readonly keyring: Keyring,
    private readonly audit: AuditService,
    private readonly findings: FindingsService,
    private readonly clock: Clock,
    @Inject(EVIDENCE_DRIVER) private readonly driver: EvidenceDriver,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /**
   * Streams content into the store, encrypted and durable, checking what its headers say of it. What the door finds in it is dropped first. Nothing stays when it
   * fails.
   */
  async receive(
    principal: Principal,
    source: Readable,
    headers: ContentHeaders & { mediaType: string },
    limits: ContentLimits,
    door: Door,
    ahead: Ahead | null = null,
  ): Promise<Received> {
    const key = await this.currentKey(principal);
    const receivedAt = this.clock.now();
    // So the log, which has the id, has the instant as well.
    const id = newId(receivedAt);
    const retainUntil = retentionEnd(receivedAt);
    const identity = { organizationId: organizationOf(principal), evidenceId: id, version: 1 };
    const custody = { driver: this.driver, key: key.streaming, identity, retainUntil, room: this.room };
    const taken = await takeIn(source, headers, limits, custody, door, ahead);
    return { id, ...taken, dataKeyId: key.id, mediaType: headers.mediaType, receivedAt, retainUntil };
  }

  /**
   * The same of bytes of which the headers tell the digest, where the organisation has them whole already: they are checked as they come, and not stored again. Null, before
   * the first of them, where it has not, or that cannot be known before. What is suspect is received once more from custody: nobody may have looked through it when it was kept.
   */
  async receiveAgain(
    principal: Principal,
    source: Readable,
    headers: ContentHeaders & { mediaType: string },
    limits: ContentLimits,
    door: Door,
  ): Promise<Received | ReceivedAgain | null> {
    const sha256 = announcedDigest(headers);
    if (sha256 === null) return null;
    const evidence = await this.database.read(principal, (tx) => this.findWhole(tx, sha256));
    if (evidence === null) return null;
    const receivedAt = this.clock.now();
    const watch = door.watch();
    const size = await takeAgain(source, headers, limits, watch);
    if (watch.isSuspect()) {
      const suspect = await this.open(principal, evidence.id);
      const { mediaType } = headers;
      return fromCustody(suspect, () => this.receive(principal, suspect, { mediaType }, limits, door));
    }
    const kept = { sha256, size };
    return { evidenceId: evidence.id, kept, content: null, redacted: null, receivedAt, release: () => undefined };
  }

  /** Makes received bytes evidence, in the transaction of what they are evidence for. The same bytes are kept once: then the evidence kept earlier is given. */
  async keep(tx: WriteTx, received: Received | ReceivedAgain): Promise<{ id: string; isNew: boolean }> {
    if ('evidenceId' in received) return this.keptEarlier(tx, received.kept.sha256);
    const { kept, redacted } = received;
    const isNew = await this.store.insertUnlessKept(tx, {
      organizationId: tx.organizationId,
      id: received.id,
      sha256: kept.sha256,
      size: kept.size,
      mediaType: received.mediaType,
      sourceKind: tx.principal.kind,
      sourceId: tx.principal.id,
      receivedAt: received.receivedAt,
      retainUntil: received.retainUntil,
      dataKeyId: received.dataKeyId,
      storageKey: kept.storageKey,
      storageVersion: kept.storageVersion,
      storageSize: kept.storageSize,
      storageSha256: kept.storageSha256,
      receivedSha256: redacted?.sha256 ?? null,
      receivedSize: redacted?.size ?? null,
      dropped: redacted?.dropped ?? null,
    });
    if (!isNew) return this.keptEarlier(tx, kept.sha256);
    await this.audit.record(tx, {
      action: 'evidence.received',
      object: { kind: 'evidence', id: received.id, sha256: kept.sha256.toString('hex'), size: kept.size },
      // In the details, which can be erased: who has the rest of a report can try what was dropped against its digest.
      ...(redacted === null
        ? {}
        : {
            details: {
              receivedSha256: redacted.sha256.toString('hex'),
              receivedSize: redacted.size,
              dropped: redacted.dropped,
            },
          }),
    });
    return { id: received.id, isNew };
  }

  private async keptEarlier(tx: WriteTx, sha256: Buffer): Promise<{ id: string; isNew: false }> {
    const earlier = await this.store.findByDigest(tx, sha256);
    if (earlier === null) throw new Error('evidence of this digest was kept and is not there');
    await this.requireWhole(tx, earlier);
    return { id: earlier.id, isNew: false };
  }

  private async requireWhole(tx: Tx, evidence: Evidence): Promise<void> {
    await this.requireKept(tx, evidence.id);
    await this.findings.watchingIn(tx, evidence, () => this.assertStored(evidence));
  }

  /** Nobody is told that bytes are kept when the object that holds them is gone or cut: an IntegrityError, for the operator to see. */
  private async assertStored(evidence: Evidence): Promise<void> {
    const found = await this.driver.stat({ key: evidence.storageKey, version: evidence.storageVersion });
    if (found?.size !== evidence.storageSize) {
      throw new IntegrityError(`evidence ${evidence.id}: its object is gone or has another size`);
    }
  }

  /**
   * Removes received bytes that became no evidence. Where they cannot be removed that is logged: they stay and harm nobody (`sweep`), and whoever sent them is told of what was
   * done with them, and of no more.
   */
  async discard(received: Received | ReceivedAgain): Promise<void> {
    if ('evidenceId' in received) return;
    const { id, kept } = received;
    try {
      await this.driver.remove({ key: kept.storageKey, version: kept.storageVersion });
    } catch (error) {
      this.logger.error({ id, reason: reasonOf(error) }, 'received bytes that became no evidence stay');
    }
  }

  /** The bytes just received, for a thread to read: what is parsed is what was stored. */
  async fileOf(principal: Principal, received: Received | ReceivedAgain): Promise<OpenedEvidence> {
    if ('evidenceId' in received) return this.openFile(principal, received.evidenceId);
    const key = await this.database.read(principal, (tx) => this.keyring.find(tx, received.dataKeyId));
    const identity = { organizationId: organizationOf(principal), evidenceId: received.id, version: 1 };
    return evidenceFile({ driver: this.driver, key: key.streaming, identity }, received.kept, true);
  }

  /** Evidence for a thread of the program to read (a queued scan). */
  async openFile(principal: Principal, id: string): Promise<OpenedEvidence> {
    const { evidence, key } = await this.database.read(principal, async (tx) => {
      const found = await this.store.find(tx, id);
      if (found === null) throw new Refusal('not-found', 'There is no such evidence.');
      await this.requireKept(tx, id);
      return { evidence: found, key: await this.keyOf(tx, found) };
    });
    await this.findings.watching(principal, evidence, () => this.assertStored(evidence));
    const identity = { organizationId: evidence.organizationId, evidenceId: evidence.id, version: 1 };
    const opened = await evidenceFile({ driver: this.driver, key: key.streaming, identity }, evidence, false);
    return { ...opened, damaged: (fault) => this.findings.noticeFault(principal, evidence, fault) };
  }

  /** For the program's own use (a queued scan, a package). A person's or agent's reading goes through `read`, which is audited. */
  async open(principal: Principal, id: string, range?: ByteRange): Promise<Readable> {
    const { evidence, key, last } = await this.database.read(principal, async (tx) => {
      const found = await this.store.find(tx, id);
      if (found === null) throw new Refusal('not-found', 'There is no such evidence.');
      await this.requireKept(tx, id);
      const last = (await this.findings.last(tx, [id])).get(id);
      return { evidence: found, key: await this.keyOf(tx, found), last };
    });
    const identity = { organizationId: evidence.organizationId, evidenceId: evidence.id, version: 1 };
    const content = await this.findings.watching(principal, evidence, () =>
      openEvidence({ driver: this.driver, key: key.streaming, identity }, evidence, range),
    );
    const heals = range === undefined && last?.state === 'corrupt';
    return Readable.from(this.findings.watched(principal, evidence, content, heals), { objectMode: false });
  }

  /** The key that its bytes are read by: without it they are lost as well. */
  private keyOf(tx: Tx, evidence: Evidence): Promise<DataKey> {
    return this.findings.watchingIn(tx, evidence, () => this.keyring.find(tx, evidence.dataKeyId));
  }

  /** A read is recorded before the first byte leaves. */
  async recordRead(principal: Principal, id: string): Promise<EvidenceInfo> {
    return this.database.write(principal, async (tx) => {
      const info = await this.find(tx, id);
      await this.requireKept(tx, id);
      await this.audit.record(tx, {
        action: 'evidence.read',
        object: { kind: 'evidence', id, sha256: info.sha256, size: info.size },
      });
      return info;
    });
  }

  async find(tx: Tx, id: string): Promise<EvidenceInfo> {
    const evidence = await this.store.find(tx, id);
    if (evidence === null) throw new Refusal('not-found', 'There is no such evidence.');
    return this.infoOf(tx, evidence);
  }

  /** How and where its bytes lie. */
  async storedAs(tx: Tx, id: string): Promise<StoredAs> {
    const evidence = await this.store.find(tx, id);
    if (evidence === null) throw new Refusal('not-found', 'There is no such evidence.');
    const { storageKey: key, storageVersion: version, storageSize: size, storageSha256: sha256, dataKeyId } = evidence;
    return { key, version, size, sha256, dataKeyId };
  }

  /** Whether the organisation has it, and has not disposed of it. */
  async isKept(tx: Tx, id: string): Promise<boolean> {
    return (await this.store.find(tx, id)) !== null && !(await this.store.disposals(tx, [id])).has(id);
  }

  private async requireKept(tx: Tx, id: string): Promise<void> {
    if (!(await this.store.disposals(tx, [id])).has(id)) return;
    throw new Refusal('disposed', 'It was disposed of: its bytes are no more, its digest stays.', {
      extra: { evidenceId: id },
    });
  }

  /** That evidence is disposed of, by the record that two people decided it by. Its bytes go when `dispose` is called after the commit. False where it was already. */
  async recordDisposal(tx: WriteTx, id: string, recordId: string, disposedAt: Date): Promise<boolean> {
    const evidence = await this.store.find(tx, id);
    if (evidence === null) throw new Refusal('not-found', 'There is no such evidence.');
    const row = { organizationId: tx.organizationId, evidenceId: id, recordId, disposedAt };
    if (!(await this.store.insertDisposal(tx, row))) return false;
    await this.audit.record(tx, {
      action: 'evidence.disposed',
      object: { kind: 'evidence', id, sha256: evidence.sha256.toString('hex'), size: evidence.size },
      details: { record: recordId },
      at: disposedAt,
    });
    return true;
  }

  /** Removes the bytes of evidence that was disposed of, and of no other. Safe to run twice. */
  async dispose(principal: Principal, id: string): Promise<void> {
    const evidence = await this.database.read(principal, async (tx) =>
      (await this.store.disposals(tx, [id])).has(id) ? this.store.find(tx, id) : null,
    );
    if (evidence === null) throw new Error('evidence that nobody has disposed of is not removed');
    await this.driver.remove({ key: evidence.storageKey, version: evidence.storageVersion });
  }

  /** Null also of what was disposed of or found corrupt, or whose object is not there: whoever has its bytes sends them, and is told. */
  private async findWhole(tx: Tx, sha256: Buffer): Promise<Evidence | null> {
    const evidence = await this.store.findByDigest(tx, sha256);
    if (evidence === null || (await this.store.disposals(tx, [evidence.id])).has(evidence.id)) return null;
    if ((await this.findings.last(tx, [evidence.id])).get(evidence.id)?.state === 'corrupt') return null;
    const found = await this.driver.stat({ key: evidence.storageKey, version: evidence.storageVersion });
    return found?.size === evidence.storageSize ? evidence : null;
  }

  /** The evidence with these bytes, if the organisation has it whole. */
  async findKept(tx: Tx, sha256: Buffer): Promise<EvidenceInfo | null> {
    const evidence = await this.store.findByDigest(tx, sha256);
    if (evidence === null) return null;
    await this.requireWhole(tx, evidence);
    return this.infoOf(tx, evidence);
  }

  async findAll(
    tx: Tx,
    filter: { sha256: string | undefined; before: string | null; limit: number },
  ): Promise<EvidenceInfo[]> {
    const sha256 = filter.sha256 === undefined ? null : Buffer.from(filter.sha256, 'hex');
    const listed = await this.store.list(tx, { ...filter, sha256 });
    const ids = listed.map(({ id }) => id);
    const disposals = await this.store.disposals(tx, ids);
    const findings = await this.findings.last(tx, ids);
    return listed.map((evidence) => infoOf(evidence, disposals.get(evidence.id), findings.get(evidence.id)));
  }

  private async infoOf(tx: Tx, evidence: Evidence): Promise<EvidenceInfo> {
    const { id } = evidence;
    const disposals = await this.store.disposals(tx, [id]);
    return infoOf(evidence, disposals.get(id), (await this.findings.last(tx, [id])).get(id));
  }

  /**
   * Removes unfinished uploads that are older than a day. A finished object that no row names (its transaction failed after it was durable)
   * stays: it is encrypted and harms nobody, while a service that removes what its database does not name would empty the store when it is given a wrong or
   * an older database.
   */
  sweep(ending: AbortSignal): Promise<Swept> {
    return this.driver.sweep(this.clock.now(), ending);
  }

  /** The key that encrypts now. An organisation's keys that an older key-encryption key wraps are wrapped anew on the way: that is how a rotation ends. */
  private async currentKey(principal: Principal): Promise<DataKey> {
    const organizationId = organizationOf(principal);
    const recent = this.keyring.recent(organizationId);
    if (recent !== null) return recent;
    const key = await this.database.write(principal, async (tx) => {
      const object = { kind: 'organization', id: tx.organizationId } as const;
      const rewrapped = await this.keyring.rewrap(tx);
      if (rewrapped > 0) {
        await this.audit.record(tx, { action: 'data_keys.rewrapped', object, details: { keys: rewrapped } });
      }
      const current = await this.keyring.current(tx);
      if (current.created) {
        await this.audit.record(tx, { action: 'data_key.created', object, details: { key: current.id } });
      } else tx.withoutAudit('looking for keys to wrap anew locks rows and changes none');
      return current;
    });
    this.keyring.remember(organizationId, key);
    return key;
  }
}

function organizationOf(principal: Principal): string {
  if (principal.organizationId === null) throw new Error('evidence belongs to an organisation');
  return principal.organizationId;
}

const infoOf = (evidence: Evidence, disposedAt: Date | undefined, found: Finding | undefined): EvidenceInfo => ({
  id: evidence.id,
  sha256: evidence.sha256.toString('hex'),
  size: evidence.size,
  mediaType: evidence.mediaType,
  source: { kind: evidence.sourceKind, id: evidence.sourceId },
  receivedAt: evidence.receivedAt,
  retainUntil: evidence.retainUntil,
  disposedAt: disposedAt ?? null,
  fault: found?.state === 'corrupt' ? { foundAt: found.foundAt, reason: found.reason } : null,
  redaction: redactionOf(evidence),
});

function redactionOf({ receivedSha256, receivedSize, dropped }: Evidence): EvidenceInfo['redaction'] {
  if (receivedSha256 === null || receivedSize === null || dropped === null) return null;
  return { receivedSha256: receivedSha256.toString('hex'), receivedSize, dropped };
}
