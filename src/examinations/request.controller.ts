import { Controller } from '@nestjs/common';
import { EngagementService } from '../engagements/engagement.service.js';
import { Database } from '../kernel/db/database.js';
import { Call, Endpoint, Reply, type CallOf } from '../kernel/http/endpoint.js';
import { decodeCursor, toPage } from '../kernel/http/page.js';
import {
  answerRequest,
  commentRequest,
  decideRequest,
  getRequest,
  listRequests,
  openRequest,
} from './request.schema.js';
import { RequestService } from './request.service.js';

/** What auditors ask for. Both sides read it; each does its own part of it. */
@Controller()
export class RequestController {
  constructor(
    private readonly database: Database,
    private readonly requests: RequestService,
    private readonly engagements: EngagementService,
  ) {}

  @Endpoint(openRequest)
  async open(@Call() { principal, params, body, once }: CallOf<typeof openRequest>) {
    const { organizationId, engagementId } = params;
    const opened = await this.database.write(principal, (tx) => this.requests.open(tx, engagementId, body), once);
    return new Reply(201, opened, {
      Location: `/v1/organizations/${organizationId}/engagements/${engagementId}/requests/${opened.id}`,
    });
  }

  @Endpoint(listRequests)
  async list(@Call() { principal, params, query }: CallOf<typeof listRequests>) {
    const { limit, cursor, state } = query;
    const [after] = decodeCursor(cursor, ['uuid']) ?? [null];
    const rows = await this.database.read(principal, (tx) =>
      this.requests.list(tx, params.engagementId, { state, after, limit: limit + 1 }),
    );
    await this.engagements.recordRead(principal, params.engagementId, listRequests.id, { ...query });
    return toPage(
      rows,
      limit,
      (row) => row,
      (row) => [row.id],
    );
  }

  @Endpoint(getRequest)
  async read(@Call() { principal, params }: CallOf<typeof getRequest>) {
    const { engagementId, requestId } = params;
    const view = await this.database.read(principal, (tx) => this.requests.read(tx, engagementId, requestId));
    await this.engagements.recordRead(principal, engagementId, getRequest.id, { requestId });
    return view;
  }

  @Endpoint(answerRequest)
  async answer(@Call() { principal, params, body, ifMatch }: CallOf<typeof answerRequest>) {
    const { engagementId, requestId } = params;
    return this.database.write(principal, (tx) => this.requests.answer(tx, engagementId, requestId, ifMatch, body));
  }

  @Endpoint(decideRequest)
  async decide(@Call() { principal, params, body, ifMatch }: CallOf<typeof decideRequest>) {
    const { engagementId, requestId } = params;
    return this.database.write(principal, (tx) => this.requests.decide(tx, engagementId, requestId, ifMatch, body));
  }

  @Endpoint(commentRequest)
  async comment(@Call() { principal, params, body, once }: CallOf<typeof commentRequest>) {
    const { engagementId, requestId } = params;
    const view = await this.database.write(
      principal,
      (tx) => this.requests.comment(tx, engagementId, requestId, body.comment),
      once,
    );
    return new Reply(201, view);
  }
}
