import { Controller } from '@nestjs/common';
import { SystemService } from '../organizations/system.service.js';
import { Database } from '../kernel/db/database.js';
import { Call, Endpoint, type CallOf } from '../kernel/http/endpoint.js';
import { instantOf } from '../kernel/http/instant.js';
import { decodeCursor, toPage } from '../kernel/http/page.js';
import type { EventRow } from './events.entity.js';
import { listSecurityEvents } from './events.schema.js';
import { EventsService } from './events.service.js';

@Controller()
export class EventsController {
  constructor(
    private readonly database: Database,
    private readonly systems: SystemService,
    private readonly events: EventsService,
  ) {}

  @Endpoint(listSecurityEvents)
  async list(@Call() call: CallOf<typeof listSecurityEvents>) {
    const { limit, cursor, knownAt, from, to, ...filter } = call.query;
    const before = decodeCursor(cursor, ['time', 'uuid']);
    const found = await this.database.read(call.principal, async (tx) => {
      await this.systems.requireSystem(tx, call.params.systemId);
      return this.events.findEvents(tx, call.params.systemId, {
        ...filter,
        from: from === undefined ? undefined : new Date(from),
        to: to === undefined ? undefined : new Date(to),
        knownAt: knownAt === undefined ? null : instantOf({ knownAt }, await this.events.present(tx)).knownAt,
        before,
        limit: limit + 1,
      });
    });
    return toPage(found, limit, view, ({ at, id }) => [at.toISOString(), id]);
  }
}

const view = ({ organizationId: _, systemId: __, at, knownAt, ...event }: EventRow) => ({
  ...event,
  at: at.toISOString(),
  knownAt: knownAt.toISOString(),
});
