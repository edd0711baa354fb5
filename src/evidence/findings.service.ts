import { Injectable } from '@nestjs/common';
import { AuditService } from '../audit/audit.service.js';
import { IntegrityError } from '../kernel/crypto/integrity-error.js';
import { Database, type Tx } from '../kernel/db/database.js';
import { servicePrincipal, type Principal } from '../kernel/principal.js';
import { Queue } from '../kernel/queue.js';
import type { Evidence } from './evidence.entity.js';
import { FindingsStore, type Finding } from './findings.store.js';

/**
 * Whether the stored bytes of evidence are still those that were kept. Found by whoever reads them: every read authenticates them, and a package reads all of its
 * scope. What is found is an audit event and a row, for the posture calls nothing evidenced that rests on bytes which can no longer be shown.
 */
@Injectable()
export class FindingsService {
  constructor(
    private readonly database: Database,
    private readonly store: FindingsStore,
    private readonly audit: AuditService,
    private readonly queue: Queue,
  ) {}

  /** Does what reads stored bytes; that they are not what was kept is recorded before it is told. */
  async watching<T>(principal: Principal, evidence: Evidence, read: () => Promise<T>): Promise<T> {
    try {
      return await read();
    } catch (error) {
      await this.noticeFault(principal, evidence, error);
      throw error;
    }
  }

  /** The same within a transaction: it is recorded when that is over, and before whoever waits for it is told. */
  async watchingIn<T>(tx: Tx, evidence: Evidence, read: () => Promise<T>): Promise<T> {
    try {
      return await read();
    } catch (error) {
      tx.afterEnd(() => this.noticeFault(tx.principal, evidence, error));
      throw error;
    }
  }

  /** The same bytes. `heals`: they are all of an evidence that was found corrupt, so that their end proves it to be whole again. */
  async *watched(
    principal: Principal,
    evidence: Evidence,
    content: AsyncIterable<Buffer>,
    heals: boolean,
  ): AsyncGenerator<Buffer, void> {
    // Of what heals the last is given when it is recorded: whoever has read all of it finds it whole.
    let last: Buffer | null = null;
    try {
      for await (const chunk of content) {
        if (!heals) {
          yield chunk;
          continue;
        }
        if (last !== null) yield last;
        // A copy: the next chunk may be written where this one lies.
        last = Buffer.from(chunk);
      }
    } catch (error) {
      await this.noticeFault(principal, evidence, error);
      throw error;
    }
    if (heals) await this.record(principal, evidence, 'intact', HEALED);
    if (last !== null) yield last;
  }

  /** By id, of those of which anything was ever found. */
  last(tx: Tx, evidenceIds: readonly string[]): Promise<Map<string, Finding>> {
    return this.store.last(tx, evidenceIds);
  }

  /** Evidence whose bytes were known at an instant to be no longer those that were kept. */
  corrupt(tx: Tx, knownAt: Date): Promise<ReadonlySet<string>> {
    return tx.once(`corrupt ${knownAt.toISOString()}`, () => this.store.corrupt(tx, knownAt));
  }

  /** When something was last found; null where nothing ever was. */
  lastFound(tx: Tx): Promise<Date | null> {
    return this.store.lastFound(tx);
  }

  /** After it, what was found by an instant that has passed is final. */
  awaitWritten(tx: Tx): Promise<void> {
    return this.store.awaitWritten(tx);
  }

  /** Records that stored bytes are not what was kept, if that is the fault. */
  async noticeFault(principal: Principal, evidence: Evidence, error: unknown): Promise<void> {
    if (!(error instanceof IntegrityError)) return;
    // That it cannot be recorded now takes nothing from the fault: the read fails by it, and the next one finds it again.
    await this.record(principal, evidence, 'corrupt', error.message).catch(() => undefined);
  }

  /** Once for each change: what is known already is not found again. */
  private async record(
    { requestId }: Principal,
    evidence: Evidence,
    state: Finding['state'],
    reason: string,
  ): Promise<void> {
    const { organizationId, id: evidenceId } = evidence;
    const principal = servicePrincipal('custody', organizationId, requestId);
    const isNews = async (tx: Tx) => {
      const last = (await this.store.last(tx, [evidenceId])).get(evidenceId);
      return (last?.state ?? 'intact') !== state;
    };
    if (!(await this.database.read(principal, isNews))) return;
    await this.database.write(principal, async (tx) => {
      const foundAt = await this.store.lock(tx);
      if (!(await isNews(tx))) {
        tx.withoutAudit('somebody else has found it meanwhile');
        return;
      }
      await this.store.insert(tx, { organizationId, evidenceId, foundAt, state, reason });
      await this.queue.send(tx, 'posture', { organizationId, systemId: '', id: organizationId });
      await this.audit.record(tx, {
        action: state === 'corrupt' ? 'evidence.corrupt' : 'evidence.restored',
        object: { kind: 'evidence', id: evidenceId, sha256: evidence.sha256.toString('hex'), size: evidence.size },
        outcome: state === 'corrupt' ? 'failure' : 'success',
        details: { reason },
        at: foundAt,
      });
    });
  }
}

const HEALED = 'All of it was read, and has the digest that it was kept with.';
