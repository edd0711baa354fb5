import { Controller } from '@nestjs/common';
import { Database } from '../kernel/db/database.js';
import { Call, Endpoint, Reply, type CallOf } from '../kernel/http/endpoint.js';
import { decodeCursor, toPage } from '../kernel/http/page.js';
import {
  changeEngagement,
  createEngagement,
  getEngagement,
  listEngagements,
  revokeEngagement,
} from './engagement.schema.js';
import { EngagementService } from './engagement.service.js';

@Controller()
export class EngagementController {
  constructor(
    private readonly database: Database,
    private readonly engagements: EngagementService,
  ) {}

  @Endpoint(createEngagement)
  async create(@Call() { principal, params, body, once }: CallOf<typeof createEngagement>) {
    const created = await this.database.write(principal, (tx) => this.engagements.create(tx, body), once);
    return new Reply(201, created, {
      Location: `/v1/organizations/${params.organizationId}/engagements/${created.id}`,
    });
  }

  @Endpoint(listEngagements)
  async list(@Call() { principal, query }: CallOf<typeof listEngagements>) {
    const { limit, cursor, includeEnded } = query;
    const [after] = decodeCursor(cursor, ['uuid']) ?? [null];
    const rows = await this.database.read(principal, (tx) =>
      this.engagements.list(tx, { includeEnded, after, limit: limit + 1 }),
    );
    return toPage(
      rows,
      limit,
      (row) => row,
      (row) => [row.id],
    );
  }

  @Endpoint(getEngagement)
  async read(@Call() { principal, params }: CallOf<typeof getEngagement>) {
    const { engagementId } = params;
    const view = await this.database.read(principal, (tx) => this.engagements.read(tx, engagementId));
    await this.engagements.recordRead(principal, engagementId, getEngagement.id);
    return view;
  }

  @Endpoint(changeEngagement)
  async change(@Call() { principal, params, body, ifMatch }: CallOf<typeof changeEngagement>) {
    return this.database.write(principal, (tx) => this.engagements.change(tx, params.engagementId, ifMatch, body));
  }

  @Endpoint(revokeEngagement)
  async revoke(@Call() { principal, params }: CallOf<typeof revokeEngagement>) {
    await this.database.write(principal, (tx) => this.engagements.revoke(tx, params.engagementId));
  }
}
