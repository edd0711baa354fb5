import { Controller } from '@nestjs/common';
import { Database } from '../kernel/db/database.js';
import { Call, Endpoint, type CallOf } from '../kernel/http/endpoint.js';
import { decodeCursor, toPage } from '../kernel/http/page.js';
import { listAuditEvents } from './audit.schema.js';
import { AuditService } from './audit.service.js';

@Controller()
export class AuditController {
  constructor(
    private readonly database: Database,
    private readonly audit: AuditService,
  ) {}

  @Endpoint(listAuditEvents)
  async list(@Call() call: CallOf<typeof listAuditEvents>) {
    const { limit, cursor, ...filter } = call.query;
    const [before] = decodeCursor(cursor, ['uuid']) ?? [null];
    const events = await this.database.read(call.principal, (tx) =>
      this.audit.findEvents(tx, { ...filter, before, limit: limit + 1 }),
    );
    return toPage(
      events,
      limit,
      ({ leaf, leafText, logIndex, details, salt, erasedBy }) => ({
        id: leaf.id,
        time: leaf.time,
        action: leaf.action,
        actor: leaf.actor,
        object: leaf.object,
        outcome: leaf.outcome,
        requestId: leaf.request_id,
        logIndex,
        details,
        salt,
        erasedBy,
        leaf: leafText,
      }),
      ({ leaf }) => [leaf.id],
    );
  }
}
