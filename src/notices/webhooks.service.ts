import { Inject, Injectable } from '@nestjs/common';
import { AuditService } from '../audit/audit.service.js';
import { Clock } from '../kernel/clock.js';
import { Keyring } from '../kernel/crypto/keyring.js';
import { open, seal } from '../kernel/crypto/sealed.js';
import type { Tx, WriteTx } from '../kernel/db/database.js';
import { Refusal } from '../kernel/http/problem.js';
import { newId } from '../kernel/ids.js';
import { Queue } from '../kernel/queue.js';
import { requireVersion } from '../organizations/version.js';
import { refuseAddress } from './address.js';
import type { NoticeType } from './events.js';
import { NOTICES_CONFIG, type NoticesConfig } from './notices.config.js';
import { FINE, type Standing } from './retries.js';
import { newSecret } from './signature.js';
import type { WebhookRow } from './webhook.entity.js';
import type { WebhookChange } from './webhooks.schema.js';
import { WebhooksStore } from './webhooks.store.js';

const MAX_WEBHOOKS = 10;

/** How long the secret before the present one signs too. */
const BOTH_SECRETS = 24 * 3_600_000;

@Injectable()
export class WebhooksService {
  constructor(
    private readonly store: WebhooksStore,
    private readonly keyring: Keyring,
    private readonly audit: AuditService,
    private readonly queue: Queue,
    private readonly clock: Clock,
    @Inject(NOTICES_CONFIG) private readonly config: NoticesConfig,
  ) {}

  /** By id. */
  list(tx: Tx, page: { after: string | null; limit: number }): Promise<WebhookRow[]> {
    return this.store.list(tx, page);
  }

  async require(tx: Tx, id: string): Promise<WebhookRow> {
    return found(await this.store.find(tx, id));
  }

  /** Those that are to be told. */
  async told(tx: Tx): Promise<WebhookRow[]> {
    const all = await this.store.list(tx, { after: null, limit: MAX_WEBHOOKS });
    return all.filter(({ state }) => state === 'on');
  }

  async create(tx: WriteTx, { url, events }: { url: string; events: readonly NoticeType[] }): Promise<string> {
    this.requireAddress(url);
    await this.store.lockAll(tx);
    const all = await this.store.list(tx, { after: null, limit: MAX_WEBHOOKS });
    if (all.length >= MAX_WEBHOOKS) {
      throw new Refusal('conflict', `An organisation has at most ${MAX_WEBHOOKS} webhooks. Remove one.`);
    }
    const now = this.clock.now();
    const id = newId();
    const row: WebhookRow = {
      organizationId: tx.organizationId,
      id,
      url,
      events: [...events],
      state: 'on',
      ...FINE,
      ...UNPRECEDED,
      ...(await this.sealed(tx, id, newSecret())),
      version: 1,
      createdAt: now,
      createdBy: tx.principal.id,
      updatedAt: now,
      removedAt: null,
    };
    await this.store.insert(tx, row);
    await this.changed(tx, row);
    return id;
  }

  async change(tx: WriteTx, id: string, ifMatch: number | null, change: WebhookChange): Promise<WebhookRow> {
    const before = found(await this.store.lock(tx, id));
    requireVersion(before.version, ifMatch);
    this.requireAddress(change.url);
    return this.write(tx, before, { ...change, events: [...change.events], ...FINE });
  }

  async remove(tx: WriteTx, id: string): Promise<void> {
    const before = found(await this.store.lock(tx, id));
    const now = this.clock.now();
    const version = before.version + 1;
    const gone = { state: 'off', secret: Buffer.alloc(0), ...UNPRECEDED, removedAt: now } as const;
    await this.store.change(tx, id, { ...gone, version, updatedAt: now });
    await this.audit.record(tx, {
      action: 'webhook.removed',
      object: { kind: 'webhook', id, version },
      details: described(before),
    });
  }

  /** The present secret signs for a while beside the new one, and the one before it no more. */
  async rotate(tx: WriteTx, id: string, ifMatch: number | null): Promise<WebhookRow> {
    const before = found(await this.store.lock(tx, id));
    requireVersion(before.version, ifMatch);
    return this.write(tx, before, {
      ...(await this.sealed(tx, id, newSecret())),
      previousDataKeyId: before.dataKeyId,
      previousSecret: before.secret,
      previousUntil: new Date(this.clock.now().getTime() + BOTH_SECRETS),
    });
  }

  /** What it is told is signed with: the present secret first. */
  async secretsOf(tx: Tx, row: WebhookRow): Promise<Buffer[]> {
    const secrets = [await this.opened(tx, row.id, row.dataKeyId, row.secret)];
    const { previousDataKeyId, previousSecret, previousUntil } = row;
    if (previousDataKeyId === null || previousSecret === null || previousUntil === null) return secrets;
    if (previousUntil <= this.clock.now()) return secrets;
    return [...secrets, await this.opened(tx, row.id, previousDataKeyId, previousSecret)];
  }

  /** How it has answered. `isGone`: it is told nothing more until somebody switches it on again. */
  async answered(
    tx: WriteTx,
    id: string,
    standingOf: (before: Standing) => Standing & { isGone: boolean },
  ): Promise<void> {
    const before = await this.store.lock(tx, id);
    if (before === null) return;
    const { isGone, failures, failingSince } = standingOf(before);
    if (isGone && before.state === 'on') await this.write(tx, before, { state: 'failing', failures, failingSince });
    else if (before.failures !== failures) await this.store.change(tx, id, { failures, failingSince });
  }

  private async write(tx: WriteTx, before: WebhookRow, changed: Partial<WebhookRow>): Promise<WebhookRow> {
    const stamped = { ...changed, version: before.version + 1, updatedAt: this.clock.now() };
    const row: WebhookRow = { ...before, ...stamped };
    await this.store.change(tx, row.id, stamped);
    await this.changed(tx, row, before);
    return row;
  }

  private async changed(tx: WriteTx, row: WebhookRow, before: WebhookRow | null = null): Promise<void> {
    await this.audit.record(tx, {
      action: 'webhook.changed',
      object: { kind: 'webhook', id: row.id, version: row.version },
      details: {
        before: before === null ? null : described(before),
        after: described(row),
        newSecret: before === null || before.secret !== row.secret,
      },
    });
    const { organizationId } = tx;
    if (row.state === 'on') await this.queue.send(tx, 'notice', { organizationId, systemId: '', id: organizationId });
  }

  private async sealed(tx: WriteTx, id: string, secret: Buffer): Promise<Pick<WebhookRow, 'dataKeyId' | 'secret'>> {
    const key = await this.keyring.current(tx);
    return { dataKeyId: key.id, secret: seal(key.sealing, secret, context(tx, id)) };
  }

  private async opened(tx: Tx, id: string, dataKeyId: string, sealed: Buffer): Promise<Buffer> {
    return open((await this.keyring.find(tx, dataKeyId)).sealing, sealed, context(tx, id));
  }

  private requireAddress(url: string): void {
    const fault = refuseAddress(url, this.config.privateHosts);
    if (fault !== null) throw new Refusal('address-refused', fault, { pointer: '/url' });
  }
}

const UNPRECEDED = { previousDataKeyId: null, previousSecret: null, previousUntil: null } as const;

function found(row: WebhookRow | null): WebhookRow {
  if (row === null) throw new Refusal('not-found', 'There is no such webhook.');
  return row;
}

const described = ({ url, events, state }: WebhookRow) => ({ url, events, state });

/** A secret opens for its own webhook alone. */
const context = (tx: Tx, id: string): Buffer => Buffer.from(`webhook-secret|${tx.organizationId}|${id}`);
