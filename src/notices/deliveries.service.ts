import { Inject, Injectable } from '@nestjs/common';
import { AuditService } from '../audit/audit.service.js';
import { Clock } from '../kernel/clock.js';
import { Database, type Tx, type WriteTx } from '../kernel/db/database.js';
import { poster, reasonOf, type Post } from '../kernel/http/outbound.js';
import { Refusal } from '../kernel/http/problem.js';
import type { Principal } from '../kernel/principal.js';
import { Queue } from '../kernel/queue.js';
import { CLOUD_EVENT, cloudEventOf } from './cloud-event.js';
import { NOTICES_CONFIG, type NoticesConfig } from './notices.config.js';
import { NoticesStore, type DeliveryFilter, type ListedDelivery } from './notices.store.js';
import { failedAgain, FINE, isDelivered, isGone, pauseAfter, saysGone } from './retries.js';
import { signedHeaders } from './signature.js';
import { WebhooksService } from './webhooks.service.js';
import { VERSION } from '../kernel/version.js';

/** Milliseconds in which a receiver answers. It is to take the message, not to work on it. */
const PATIENCE = 10_000;

/** Which delivery, and after how many attempts: a job of another number is of the past. */
export interface DeliveryJob {
  webhookId: string;
  noticeId: string;
  attempts: number;
}

/** What a receiver made of it. */
type Answer = { status: number } | { fault: string };

const PROGRESS = 'what became of a delivery changes nothing that was told';

/** Tells webhooks of notices: at least once each, until it is taken or no try is left. */
@Injectable()
export class DeliveriesService {
  private readonly post: Post;

  constructor(
    private readonly database: Database,
    private readonly store: NoticesStore,
    private readonly webhooks: WebhooksService,
    private readonly audit: AuditService,
    private readonly queue: Queue,
    private readonly clock: Clock,
    @Inject(NOTICES_CONFIG) { privateHosts }: NoticesConfig,
  ) {
    this.post = poster({ publicOnly: true, privateHosts, allowInsecure: false, patience: PATIENCE });
  }

  /** Newest first. */
  list(tx: Tx, webhookId: string, filter: DeliveryFilter): Promise<ListedDelivery[]> {
    return this.store.listDeliveries(tx, webhookId, filter);
  }

  /** Has each webhook that asks for them told of notices. */
  async begin(tx: WriteTx, notices: readonly { id: string; type: string }[]): Promise<void> {
    const now = this.clock.now();
    for (const { id: webhookId, events } of await this.webhooks.told(tx)) {
      const wanted = notices.filter(({ type }) => events.some((event) => event === type)).map(({ id }) => id);
      if (wanted.length === 0) continue;
      await this.store.addDeliveries(tx, webhookId, wanted, now);
      for (const noticeId of wanted) await this.send(tx, { webhookId, noticeId, attempts: 0 }, 0);
    }
  }

  /** Once more, from the first try on. */
  async redeliver(tx: WriteTx, webhookId: string, noticeId: string): Promise<ListedDelivery> {
    const { state } = await this.webhooks.require(tx, webhookId);
    if (state !== 'on') throw new Refusal('conflict', 'The webhook is not on. Switch it on first.');
    const notice = await this.store.find(tx, noticeId);
    if (notice === null) throw new Refusal('not-found', 'There is no such notice.');
    const now = this.clock.now();
    let before = await this.store.lockDelivery(tx, webhookId, noticeId);
    if (before === null) {
      // Of before the webhook was there, or of a type that it is not told of.
      await this.store.addDeliveries(tx, webhookId, [noticeId], now);
      before = await this.store.findDelivery(tx, webhookId, noticeId);
    }
    if (before === null) throw new Error('the delivery that was added is not there');
    // A number of its own: what still waits for a later try is of the past.
    const changed = { status: 'waiting', attempts: before.attempts + 1, tries: 0, nextAt: now } as const;
    await this.store.changeDelivery(tx, before, changed);
    await this.send(tx, { webhookId, noticeId, attempts: changed.attempts }, 0);
    await this.audit.record(tx, {
      action: 'webhook.redelivered',
      object: { kind: 'webhook', id: webhookId },
      details: { notice: noticeId },
    });
    return { ...before, ...changed, type: notice.type, subject: notice.subject };
  }

  /**
   * One try. Sent with no transaction open: the receiver may take its time. A program that dies between the answer and its commit sends it again, under the same
   * id.
   */
  async attempt(principal: Principal, job: DeliveryJob): Promise<void> {
    const message = await this.database.read(principal, async (tx) => {
      const row = await this.store.findDelivery(tx, job.webhookId, job.noticeId);
      if (row?.status !== 'waiting' || row.attempts !== job.attempts) return null;
      const [webhook] = (await this.webhooks.told(tx)).filter(({ id }) => id === job.webhookId);
      const notice = await this.store.find(tx, job.noticeId);
      if (webhook === undefined || notice === null) return { row, to: null };
      const body = cloudEventOf(tx.organizationId, notice);
      const secrets = await this.webhooks.secretsOf(tx, webhook);
      return { row, to: { url: webhook.url, body, secrets } };
    });
    if (message === null) return;
    const { row, to } = message;
    const answer = to === null ? null : await this.tell(row.noticeId, to);
    await this.database.write(principal, async (tx) => {
      tx.withoutAudit(PROGRESS);
      await this.conclude(tx, job, answer);
    });
  }

  private async tell(id: string, to: { url: string; body: string; secrets: readonly Buffer[] }): Promise<Answer> {
    try {
      const headers = {
        'content-type': `${CLOUD_EVENT}; charset=utf-8`,
        'user-agent': `safeguard/${VERSION}`,
        ...signedHeaders(id, this.clock.now(), to.body, to.secrets),
      };
      return { status: await this.post(to.url, headers, to.body) };
    } catch (error) {
      return { fault: reasonOf(error) };
    }
  }

  /** `answer` null: there was nobody to be told any more. */
  private async conclude(tx: WriteTx, job: DeliveryJob, answer: Answer | null): Promise<void> {
    const now = this.clock.now();
    // The webhook first, as whoever changes it does: no two wait for each other.
    const isTaken = answer !== null && 'status' in answer && isDelivered(answer.status);
    if (answer !== null) {
      const refusesAll = 'status' in answer && saysGone(answer.status);
      await this.webhooks.answered(tx, job.webhookId, (before) => {
        if (isTaken) return { ...FINE, isGone: false };
        const standing = failedAgain(before, now);
        return { ...standing, isGone: refusesAll || isGone(standing, now) };
      });
    }
    const row = await this.store.lockDelivery(tx, job.webhookId, job.noticeId);
    if (row?.status !== 'waiting' || row.attempts !== job.attempts) return;
    if (answer === null) return this.store.changeDelivery(tx, row, { status: 'dropped', nextAt: null });
    const told = {
      attempts: row.attempts + 1,
      tries: row.tries + 1,
      lastAt: now,
      answered: 'status' in answer ? answer.status : null,
      fault: 'fault' in answer ? answer.fault : null,
    };
    const pause = isTaken ? null : pauseAfter(told.tries, Math.random());
    if (pause === null) {
      await this.store.changeDelivery(tx, row, { ...told, status: isTaken ? 'delivered' : 'failed', nextAt: null });
      return;
    }
    await this.store.changeDelivery(tx, row, { ...told, nextAt: new Date(now.getTime() + pause) });
    await this.send(tx, { ...job, attempts: told.attempts }, pause);
  }

  private async send(tx: WriteTx, job: DeliveryJob, pause: number): Promise<void> {
    const { organizationId } = tx;
    const id = [job.webhookId, job.noticeId, job.attempts].join('/');
    // One organisation's receivers wait for each other and for nobody else's.
    await this.queue.send(
      tx,
      'delivery',
      { organizationId, systemId: '', id, line: organizationId },
      { after: Math.ceil(pause / 1_000) },
    );
  }
}

/** The id of a job in the queue. */
export function jobOf(id: string): DeliveryJob {
  const [webhookId, noticeId, attempts] = id.split('/');
  if (webhookId === undefined || noticeId === undefined || attempts === undefined) throw new Error('no delivery');
  return { webhookId, noticeId, attempts: Number(attempts) };
}
