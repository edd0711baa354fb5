import { Inject, Injectable } from '@nestjs/common';
import type { Readable } from 'node:stream';
import { AuditService } from '../audit/audit.service.js';
import type { EvidenceDriver } from '../evidence/drivers/driver.js';
import { EVIDENCE_DRIVER } from '../evidence/evidence.service.js';
import { CustodyService } from '../custody/custody.service.js';
import { Clock } from '../kernel/clock.js';
import { Keyring, type DataKey } from '../kernel/crypto/keyring.js';
import type { ByteRange } from '../kernel/crypto/streaming-aead.js';
import { Database, type Once, type Tx } from '../kernel/db/database.js';
import { instantOf } from '../kernel/http/instant.js';
import { problemDocument, Refusal } from '../kernel/http/problem.js';
import { newId } from '../kernel/ids.js';
import type { Principal } from '../kernel/principal.js';
import { Queue } from '../kernel/queue.js';
import { retentionEnd } from '../kernel/retention.js';
import { SystemService } from '../organizations/system.service.js';
import { PostureService } from '../posture/posture.service.js';
import { builtDetails } from './built-details.js';
import { packageFiles } from './contents.js';
import { PackageGatherer, requireInScope } from './gather.js';
import { keepPackage, openPackage, storageKeyOf, type KeptPackage } from './package-content.js';
import type { Package } from './package.entity.js';
import type { NewPackage, PackageView } from './packages.schema.js';
import { PackagesStore } from './packages.store.js';
import { zip } from './zip.js';

interface ReadyPackage {
  id: string;
  kept: KeptPackage;
  dataKeyId: string;
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
    @Inject(EVIDENCE_DRIVER) private readonly driver: EvidenceDriver,
  ) {}

  /** Queues a package in the transaction that records the request. Its instants are fixed here. */
  async request(principal: Principal, body: NewPackage, once: Once | null): Promise<PackageView> {
    const { systemId } = body.scope;
    await this.database.read(principal, async (tx) => {
      if (systemId !== null) await this.systems.requireSystem(tx, systemId);
    });
    const createdAt = await this.posture.present(principal, systemId);
    refuseFuture('asOf', body.asOf, createdAt);
    refuseFuture('knownAt', body.knownAt, createdAt);
    const instant = instantOf(body, createdAt);
    requireInScope(await this.gatherer.systemsInScope(principal, systemId, instant), systemId);
    return this.database.write(
      principal,
      async (tx) => {
        const row: Package = {
          organizationId: tx.organizationId,
          id: newId(),
          systemId,
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
        };
        await this.store.insert(tx, row);
        await this.queue.send(tx, 'package', { organizationId: tx.organizationId, systemId: '', id: row.id });
        await this.audit.record(tx, {
          action: 'package.requested',
          object: { kind: 'package', id: row.id },
          details: { systemId, asOf: instant.asOf.toISOString(), knownAt: instant.knownAt.toISOString() },
        });
        return view(row);
      },
      once,
    );
  }

  async find(tx: Tx, id: string): Promise<PackageView> {
    return view(found(await this.store.find(tx, id)));
  }

  /** Newest first. */
  async list(tx: Tx, filter: { before: string | null; limit: number }): Promise<PackageView[]> {
    return (await this.store.list(tx, filter)).map(view);
  }

  /** A read is recorded before the first byte leaves. */
  recordRead(principal: Principal, id: string): Promise<ReadyPackage> {
    return this.database.write(principal, async (tx) => {
      const ready = requireReady(found(await this.store.find(tx, id)));
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
    const { row, key, storageKey } = attempt;
    const { facts, rows } = await this.gatherer.gather(principal, row);
    const content = zip(packageFiles(facts, rows), row.createdAt);
    // What was shown to an auditor is documentation itself.
    const kept = await keepPackage(this.driver, key.streaming, storageKey, content, retentionEnd(this.clock.now()));
    const finished = await this.database.write(principal, async (tx) => {
      if (!(await this.store.finish(tx, id, kept, key.id, this.clock.now()))) return false;
      const read = facts.evidence.filter(({ disposedAt }) => disposedAt === null);
      for (const details of builtDetails(read, facts.faults)) {
        const eventId = await this.audit.record(tx, {
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

  /** Makes this attempt the one that may finish the package, and clears away what the one before has left. */
  private async claim(
    principal: Principal,
    id: string,
  ): Promise<{ row: Package; key: DataKey; storageKey: string } | null> {
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

function found(row: Package | null): Package {
  if (row === null) throw new Refusal('not-found', 'There is no such package.');
  return row;
}

function requireReady(row: Package): ReadyPackage {
  const { id, dataKeyId, size, sha256, storageKey, storageVersion, storageSize, storageSha256 } = row;
  if (row.status !== 'ready') {
    throw new Refusal(
      'conflict',
      row.status === 'queued'
        ? 'The package is being built. Read it until it is ready.'
        : 'The package could not be built. Ask for another.',
      { extra: { packageStatus: row.status } },
    );
  }
  if (
    dataKeyId === null ||
    size === null ||
    sha256 === null ||
    storageKey === null ||
    storageSize === null ||
    storageSha256 === null
  ) {
    throw new Error('a ready package does not say where its bytes are');
  }
  return { id, dataKeyId, kept: { sha256, size, storageKey, storageVersion, storageSize, storageSha256 } };
}

const view = (row: Package): PackageView => ({
  id: row.id,
  status: row.status,
  scope: { systemId: row.systemId },
  asOf: row.asOf.toISOString(),
  knownAt: row.knownAt.toISOString(),
  createdAt: row.createdAt.toISOString(),
  finishedAt: row.finishedAt?.toISOString() ?? null,
  size: row.size,
  sha256: row.sha256?.toString('hex') ?? null,
  problem: row.problem,
});
