import { Injectable } from '@nestjs/common';
import { EngagementService, type Asked, type EngagementScope } from '../engagements/engagement.service.js';
import { Database, type Tx } from '../kernel/db/database.js';
import type { Operation } from '../kernel/http/endpoint.js';
import type { Principal } from '../kernel/principal.js';

/** A call of an auditor's, of what is below an engagement. */
export interface Asking {
  principal: Principal;
  params: { engagementId: string };
  query?: Asked | undefined;
}

/** How an auditor is answered: nothing is told before it is an event that it was read. */
@Injectable()
export class Reading {
  constructor(
    private readonly database: Database,
    private readonly engagements: EngagementService,
  ) {}

  /** Reads in one snapshot, and records that it was read before it is told. */
  async seen<T>(operation: Operation, call: Asking, read: (tx: Tx, scope: EngagementScope) => Promise<T>): Promise<T> {
    const found = await this.database.readSnapshot(call.principal, async (tx) =>
      read(tx, await this.engagements.scopeOf(tx, call.params.engagementId)),
    );
    await this.record(operation, call);
    return found;
  }

  record({ id }: Operation, { principal, params, query }: Asking): Promise<void> {
    const { engagementId, organizationId: _, ...named } = params as Asking['params'] & { organizationId?: string };
    return this.engagements.recordRead(principal, engagementId, id, { ...named, ...query });
  }
}
