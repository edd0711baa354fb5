import { Inject, Injectable } from '@nestjs/common';
import { hash } from 'node:crypto';
import type { Readable } from 'node:stream';
import type { Logger } from 'pino';
import { AuditService } from '../audit/audit.service.js';
import type { EvidenceDriver } from '../evidence/drivers/driver.js';
import { EVIDENCE_DRIVER } from '../evidence/evidence.service.js';
import { CustodyService } from '../custody/custody.service.js';
import { Clock } from '../kernel/clock.js';
import { Keyring, type DataKey } from '../kernel/crypto/keyring.js';
import { SigningKeys } from '../kernel/crypto/signing/signing-keys.js';
import type { ByteRange } from '../kernel/crypto/streaming-aead.js';
import { Database, type Once, type Tx, type WriteTx } from '../kernel/db/database.js';
import { instantOf } from '../kernel/http/instant.js';
import { reasonOf } from '../kernel/http/outbound.js';
import { problemDocument, Refusal } from '../kernel/http/problem.js';
import { newId } from '../kernel/ids.js';
import { LOGGER } from '../kernel/logger.js';
import { servicePrincipal, type Principal } from '../kernel/principal.js';
import { Queue } from '../kernel/queue.js';
import { retentionEnd } from '../kernel/retention.js';
import { Swept } from '../kernel/sweeper.js';
import { SystemService } from '../organizations/system.service.js';
import { PostureService } from '../posture/posture.service.js';
import { encryptTo } from './age.js';
import { Abandoned, ProgressMeter } from './build-progress.js';
import { builtDetails } from './built-details.js';
import { packageFiles } from './contents.js';
import { PackageGatherer, requireInScope } from './gather.js';
import { keepPackage, openPackage, storageKeyOf } from './package-content.js';
import { requireReady, statusOf, viewOf, type ReadyPackage } from './package-view.js';
import type { Package } from './package.entity.js';
import type { NewPackage, PackageView } from './packages.schema.js';
import { periodFromOf } from './period.js';
import { PackagesStore, type RemovablePackage } from './packages.store.js';
import { TIME_STAMPING, type Signing, type TimeStamping } from './signature/signing.js';
import { zip } from './zip.js';

interface Attempt {
  row: Package;
  key: DataKey;
  storageKey: string;
}

@Injectable()
export class PackagesService {
  constructor(
    private readonly database: Database,
    private readonly store: PackagesStore,
    private readonly systems: SystemService,
    private readonly posture: PostureService,
    private readonly gatherer: PackageGatherer,
    private readonly keyring: Keyring,
    private readonly audit: AuditService,
    private readonly custody: CustodyService,
    private readonly queue: Queue,
    private readonly clock: Clock,
    private readonly keys: SigningKeys,
    @Inject(EVIDENCE_DRIVER) private readonly driver: EvidenceDriver,
    @Inject(TIME_STAMPING) private readonly timeStamping: TimeStamping | null,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /**
   * Queues a package in the transaction that records the request. Its instants are fixed here. Who asks for the same while it is being built, by whatever key, gets that
   * one.
   */
  async request(principal: Principal, body: NewPackage, once: Once | null): Promise<PackageView> {
    const { systemId } = body.scope;
    await this.database.read(principal, async (tx) => {
      if (systemId !== null) await this.systems.requireSystem(tx, systemId);
    });
    const createdAt = await this.posture.present(principal, systemId);
    refuseFuture('asOf', body.asOf, createdAt);
    refuseFuture('knownAt', body.knownAt, createdAt);
    const instant = instantOf(body, createdAt);
    const periodFrom = periodFromOf(body.periodFrom, instant.asOf);
    const expiresAt = expiryOf(body.expiresAt, createdAt);
    const recipients = [...new Set(body.encryptTo ?? [])].sort();
    requireInScope(await this.gatherer.systemsInScope(principal, systemId, instant), systemId);
    return this.database.write(
      principal,
      async (tx) => {
        const row: Package = {
          organizationId: tx.organizationId,
          id: newId(),
          systemId,
          periodFrom,
          asOf: instant.asOf,
          knownAt: instant.knownAt,
          status: 'queued',
          requestedBy: principal.id,
          createdAt,
          finishedAt: null,
          size: null,
          sha256: null,
          dataKeyId: null,
          storageKey: null,
          storageVersion: null,
          storageSize: null,
          storageSha256: null,
          problem: null,
          encryptTo: recipients,
          expiresAt,
          removedAt: null,
          asked: hash(
            'sha256',
            JSON.stringify([systemId, periodFrom, instant.asOf, instant.knownAt, recipients, expiresAt]),
            'buffer',
          ),
          progress: null,
        };
        const { queued, isNew } = await this.queueOnce(tx, row);
        if (isNew) {
          await this.queue.send(tx, 'package', { organizationId: tx.organizationId, systemId: '', id: queued.id });
        }
        await this.audit.record(tx, {
          action: 'package.requested',
          object: { kind: 'package', id: queued.id },
          details: {
            systemId,
            periodFrom: periodFrom.toISOString(),
            asOf: instant.asOf.toISOString(),
            knownAt: instant.knownAt.toISOString(),
            encryptTo: recipients,
            expiresAt: expiresAt?.toISOString() ?? null,
          },
        });
        return viewOf(queued, createdAt);
      },
      once,
    );
  }

  async find(tx: Tx, id: string): Promise<PackageView> {
    return viewOf(found(await this.store.find(tx, id)), this.clock.now());
  }

  /** Newest first. */
  async list(tx: Tx, filter: { before: string | null; limit: number }): Promise<PackageView[]> {
    const now = this.clock.now();
    return (await this.store.list(tx, filter)).map((row) => viewOf(row, now));
  }

  /** Ends a package that is being built: the attempt under way notices and leaves nothing. */
  async cancel(principal: Principal, id: string): Promise<PackageView> {
    const { cancelled, abandoned } = await this.database.write(principal, async (tx) => {
      const row = found(await this.store.findForUpdate(tx, id));
      if (row.status !== 'queued') {
        throw new Refusal('conflict', 'The package is not being built any more.', {
          extra: { packageStatus: statusOf(row, this.clock.now()) },
        });
      }
      await this.store.cancel(tx, id, this.clock.now());
      await this.audit.record(tx, { action: 'package.cancelled', object: { kind: 'package', id } });
      return { cancelled: await this.find(tx, id), abandoned: row.storageKey };
    });
    // It is cancelled, whether the bytes can be removed now or not: what stays is swept (`removeBytes`).
    if (abandoned !== null) await this.removeAbandoned(id, abandoned);
    return cancelled;
  }

  private async removeAbandoned(id: string, key: string): Promise<void> {
    try {
      await this.driver.remove({ key, version: null });
    } catch (error) {
      this.logger.warn({ id, reason: reasonOf(error) }, 'the bytes of a cancelled package stay until they are swept');
    }
  }

  /** A read is recorded before the first byte leaves. */
  recordRead(principal: Principal, id: string): Promise<ReadyPackage> {
    return this.database.write(principal, async (tx) => {
      const ready = requireReady(found(await this.store.find(tx, id)), this.clock.now());
      await this.audit.record(tx, {
        action: 'package.read',
        object: { kind: 'package', id, sha256: ready.kept.sha256.toString('hex'), size: ready.kept.size },
      });
      return ready;
    });
  }

  async open(principal: Principal, { kept, dataKeyId }: ReadyPackage, range?: ByteRange): Promise<Readable> {
    const key = await this.database.read(principal, (tx) => this.keyring.find(tx, dataKeyId));
    return openPackage(this.driver, key.streaming, kept, range);
  }

  /**
   * Builds a queued package. Does nothing if it is finished. Of several attempts at once the latest finishes it; a kill at any point leaves it queued, and an
   * object that the next attempt removes.
   */
  async build(principal: Principal, id: string): Promise<void> {
    const attempt = await this.claim(principal, id);
    if (attempt === null) return;
    try {
      await this.buildAttempt(principal, attempt);
    } catch (error) {
      if (!(error instanceof Abandoned)) throw error;
    }
  }

  private async buildAttempt(principal: Principal, { row, key, storageKey }: Attempt): Promise<void> {
    const { id } = row;
    const meter = new ProgressMeter((progress) =>
      this.database.write(principal, async (tx) => {
        tx.withoutAudit('how far a build is, is bookkeeping; its outcome is recorded');
        return this.store.progress(tx, id, storageKey, progress);
      }),
    );
    const { facts, rows } = await this.gatherer.gather(principal, row, meter);
    const files = packageFiles(facts, rows, this.signing());
    await meter.begin(
      'writing',
      files.length,
      facts.evidence.reduce((sum, { path, size }) => sum + (path === null ? 0 : size), 0),
    );
    const archive = zip(meter.counting(files), row.createdAt);
    const content = row.encryptTo.length === 0 ? archive : await encryptTo(row.encryptTo, archive);
    // What was shown to an auditor is documentation itself.
    const retainUntil = row.expiresAt ?? retentionEnd(this.clock.now());
    const kept = await keepPackage(this.driver, key.streaming, storageKey, content, retainUntil);
    const finished = await this.database.write(principal, async (tx) => {
      if (!(await this.store.finish(tx, id, kept, key.id, this.clock.now()))) return false;
      const read = facts.evidence.filter(({ disposedAt, withheld }) => disposedAt === null && withheld === null);
      for (const details of builtDetails(read, facts.faults)) {
        const { id: eventId } = await this.audit.record(tx, {
          action: 'package.built',
          object: { kind: 'package', id, sha256: kept.sha256.toString('hex'), size: kept.size },
          details,
        });
        const unreadable = new Set(details.unreadable);
        const exported = details.evidence.filter((evidenceId) => !unreadable.has(evidenceId));
        await this.custody.recordExport(tx, id, eventId, exported);
      }
      return true;
    });
    // Had the commit failed, nobody would know here whether it took place: then the object stays, and the next attempt finds out.
    if (!finished) await this.driver.remove({ key: storageKey, version: kept.storageVersion });
  }

  /** Ends a package that cannot be built, with the reason. */
  async fail(principal: Principal, id: string, reason: Refusal): Promise<void> {
    const abandoned = await this.database.write(principal, async (tx) => {
      const row = await this.store.findForUpdate(tx, id);
      if (row?.status !== 'queued') {
        tx.withoutAudit('it is finished already; the lock alone is no change');
        return null;
      }
      await this.store.fail(tx, id, problemDocument(reason, principal.requestId), this.clock.now());
      await this.audit.record(tx, {
        action: 'package.failed',
        object: { kind: 'package', id },
        outcome: 'failure',
        details: { code: reason.code },
      });
      return row.storageKey;
    });
    if (abandoned !== null) await this.driver.remove({ key: abandoned, version: null });
  }

  /**
   * Removes the bytes of packages whose time is over, of all organisations, and what attempts that were killed have left of packages that were cancelled or failed, until it
   * has to end. Bytes first: a crash between is followed by another try.
   */
  async removeBytes(ending: AbortSignal): Promise<Swept> {
    const expiryPrincipal = (organizationId: string | null) =>
      servicePrincipal('package-expiry', organizationId, newId());
    const now = this.clock.now();
    const swept = new Swept();
    let last: RemovablePackage | null = null;
    do {
      const removable: RemovablePackage[] = await this.database.read(expiryPrincipal(null), (tx) =>
        this.store.removable(tx, now, last),
      );
      for (const one of removable) {
        if (ending.aborted) return swept;
        await swept.one(() => this.removeOne(expiryPrincipal(one.organizationId), one));
      }
      last = removable.at(-1) ?? null;
    } while (last !== null);
    return swept;
  }

  /** False when another has done it. */
  private async removeOne(
    principal: Principal,
    { id, isExpired, storageKey, storageVersion }: RemovablePackage,
  ): Promise<boolean> {
    await this.driver.remove({ key: storageKey, version: storageVersion });
    return this.database.write(principal, async (tx) => {
      const isRemoved = await this.store.markRemoved(tx, id, this.clock.now());
      if (!isExpired) {
        tx.withoutAudit('that it was ended is an event; nobody was ever given these bytes');
      } else if (isRemoved) {
        await this.audit.record(tx, { action: 'package.expired', object: { kind: 'package', id } });
      } else {
        tx.withoutAudit('another replica has removed it');
      }
      return isRemoved;
    });
  }

  private signing(): Signing {
    return { key: this.keys.package, authority: this.timeStamping };
  }

  private async queueOnce(tx: WriteTx, row: Package): Promise<{ queued: Package; isNew: boolean }> {
    // The one that stood in the way may have been finished before it was found: then there is room for another.
    for (let tries = 0; tries < 3; tries += 1) {
      if (await this.store.insert(tx, row)) return { queued: row, isNew: true };
      const same = row.asked === null ? null : await this.store.findAsked(tx, row.asked);
      if (same !== null) return { queued: same, isNew: false };
    }
    throw new Refusal('conflict', 'The same is being asked for by others again and again. Try again.');
  }

  /** Makes this attempt the one that may finish the package, and clears away what the one before has left. */
  private async claim(principal: Principal, id: string): Promise<Attempt | null> {
    const claimed = await this.database.write(principal, async (tx) => {
      tx.withoutAudit('which attempt is the latest is bookkeeping of the queue; the outcome is recorded');
      const row = await this.store.findForUpdate(tx, id);
      if (row?.status !== 'queued') return null;
      const storageKey = storageKeyOf(tx.organizationId, id, newId());
      await this.store.claim(tx, id, storageKey);
      return { row, key: await this.keyring.current(tx), storageKey };
    });
    if (claimed !== null && claimed.row.storageKey !== null) {
      await this.driver.remove({ key: claimed.row.storageKey, version: null });
    }
    return claimed;
  }
}

function refuseFuture(name: 'asOf' | 'knownAt', text: string | undefined, now: Date): void {
  if (text !== undefined && new Date(text) > now) {
    throw new Refusal('invalid-request', 'The instant lies in the future.', { pointer: `/${name}` });
  }
}

function expiryOf(text: string | undefined, now: Date): Date | null {
  if (text === undefined) return null;
  const expiresAt = new Date(text);
  if (expiresAt > now) return expiresAt;
  throw new Refusal('invalid-request', 'The instant has passed.', { pointer: '/expiresAt' });
}

function found(row: Package | null): Package {
  if (row === null) throw new Refusal('not-found', 'There is no such package.');
  return row;
}
