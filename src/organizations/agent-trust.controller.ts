import { Controller } from '@nestjs/common';
import { Database } from '../kernel/db/database.js';
import { Call, Endpoint, Reply, type CallOf } from '../kernel/http/endpoint.js';
import { decodeCursor, toPage } from '../kernel/http/page.js';
import { getAgent, listAgents, revokeAgent, trustAgent } from './agent-trust.schema.js';
import { AgentTrustService } from './agent-trust.service.js';

@Controller()
export class AgentTrustController {
  constructor(
    private readonly database: Database,
    private readonly trusts: AgentTrustService,
  ) {}

  @Endpoint(listAgents)
  async list(@Call() { principal, query }: CallOf<typeof listAgents>) {
    const { limit, cursor, ...filter } = query;
    const [after] = decodeCursor(cursor, ['uuid']) ?? [null];
    const rows = await this.database.read(principal, (tx) =>
      this.trusts.list(tx, { ...filter, after, limit: limit + 1 }),
    );
    return toPage(
      rows,
      limit,
      (row) => row,
      (row) => [row.id],
    );
  }

  @Endpoint(trustAgent)
  async trust(@Call() { principal, params, body, once }: CallOf<typeof trustAgent>) {
    const trusted = await this.database.write(principal, (tx) => this.trusts.trust(tx, body), once);
    return new Reply(201, trusted, { Location: `/v1/organizations/${params.organizationId}/agents/${trusted.id}` });
  }

  @Endpoint(getAgent)
  async read(@Call() { principal, params }: CallOf<typeof getAgent>) {
    return this.database.read(principal, (tx) => this.trusts.read(tx, params.agentId));
  }

  @Endpoint(revokeAgent)
  async revoke(@Call() { principal, params }: CallOf<typeof revokeAgent>) {
    await this.database.write(principal, (tx) => this.trusts.revoke(tx, params.agentId));
  }
}
