import { Controller } from '@nestjs/common';
import { Database, type Tx } from '../kernel/db/database.js';
import { Call, Endpoint, Reply, type CallOf } from '../kernel/http/endpoint.js';
import { decodeCursor, toPage } from '../kernel/http/page.js';
import { DeliveriesService } from './deliveries.service.js';
import type { ListedDelivery } from './notices.store.js';
import { writtenSecret } from './signature.js';
import type { WebhookRow } from './webhook.entity.js';
import {
  changeWebhook,
  createWebhook,
  getWebhook,
  listDeliveries,
  listWebhooks,
  redeliver,
  removeWebhook,
  rotateWebhookSecret,
  type DeliveryView,
  type WebhookView,
} from './webhooks.schema.js';
import { WebhooksService } from './webhooks.service.js';

@Controller()
export class WebhooksController {
  constructor(
    private readonly database: Database,
    private readonly webhooks: WebhooksService,
    private readonly deliveries: DeliveriesService,
  ) {}

  @Endpoint(listWebhooks)
  async list(@Call() { principal, query }: CallOf<typeof listWebhooks>) {
    const [after] = decodeCursor(query.cursor, ['uuid']) ?? [null];
    const rows = await this.database.read(principal, (tx) => this.webhooks.list(tx, { after, limit: query.limit + 1 }));
    return toPage(rows, query.limit, view, ({ id }) => [id]);
  }

  @Endpoint(createWebhook)
  async create(@Call() { principal, params, body, once }: CallOf<typeof createWebhook>) {
    // What a retry is answered with is kept for a while: the secret is not in it.
    const id = await this.database.write(principal, (tx) => this.webhooks.create(tx, body), once);
    const created = await this.database.read(principal, async (tx) =>
      this.shown(tx, await this.webhooks.require(tx, id)),
    );
    return new Reply(201, created, { Location: `/v1/organizations/${params.organizationId}/webhooks/${id}` });
  }

  @Endpoint(getWebhook)
  async read(@Call() { principal, params }: CallOf<typeof getWebhook>) {
    return view(await this.database.read(principal, (tx) => this.webhooks.require(tx, params.webhookId)));
  }

  @Endpoint(changeWebhook)
  async change(@Call() { principal, params, body, ifMatch }: CallOf<typeof changeWebhook>) {
    return view(
      await this.database.write(principal, (tx) => this.webhooks.change(tx, params.webhookId, ifMatch, body)),
    );
  }

  @Endpoint(removeWebhook)
  async remove(@Call() { principal, params }: CallOf<typeof removeWebhook>) {
    await this.database.write(principal, (tx) => this.webhooks.remove(tx, params.webhookId));
  }

  @Endpoint(rotateWebhookSecret)
  async rotate(@Call() { principal, params, ifMatch }: CallOf<typeof rotateWebhookSecret>) {
    return this.database.write(principal, async (tx) =>
      this.shown(tx, await this.webhooks.rotate(tx, params.webhookId, ifMatch)),
    );
  }

  @Endpoint(listDeliveries)
  async listDeliveries(@Call() { principal, params, query }: CallOf<typeof listDeliveries>) {
    const { limit, cursor, status } = query;
    const before = decodeCursor(cursor, ['time', 'uuid']);
    const rows = await this.database.read(principal, async (tx) => {
      await this.webhooks.require(tx, params.webhookId);
      return this.deliveries.list(tx, params.webhookId, { status, before, limit: limit + 1 });
    });
    return toPage(rows, limit, deliveryView, (row) => [row.createdAt.toISOString(), row.noticeId]);
  }

  @Endpoint(redeliver)
  async redeliver(@Call() { principal, params }: CallOf<typeof redeliver>) {
    const { webhookId, noticeId } = params;
    return deliveryView(
      await this.database.write(principal, (tx) => this.deliveries.redeliver(tx, webhookId, noticeId)),
    );
  }

  private async shown(tx: Tx, row: WebhookRow) {
    const [secret] = await this.webhooks.secretsOf(tx, row);
    if (secret === undefined) throw new Error('a webhook has no secret');
    return { ...view(row), secret: writtenSecret(secret) };
  }
}

const view = (row: WebhookRow): WebhookView => ({
  id: row.id,
  url: row.url,
  events: row.events,
  state: row.state,
  failures: row.failures,
  failingSince: row.failingSince?.toISOString() ?? null,
  previousSecretUntil: row.previousUntil?.toISOString() ?? null,
  version: row.version,
  createdAt: row.createdAt.toISOString(),
  createdBy: row.createdBy,
  updatedAt: row.updatedAt.toISOString(),
});

const deliveryView = (row: ListedDelivery): DeliveryView => ({
  noticeId: row.noticeId,
  type: row.type,
  subject: row.subject,
  status: row.status,
  attempts: row.attempts,
  nextAt: row.nextAt?.toISOString() ?? null,
  lastAt: row.lastAt?.toISOString() ?? null,
  answered: row.answered,
  fault: row.fault,
  createdAt: row.createdAt.toISOString(),
});
