import { Controller } from '@nestjs/common';
import { Database } from '../kernel/db/database.js';
import { Call, Endpoint, type CallOf } from '../kernel/http/endpoint.js';
import { listAlteredRows } from './reconciliation.schema.js';
import { decodeCursor, toPage } from '../kernel/http/page.js';
import { ReconciliationService } from './reconciliation.service.js';

@Controller()
export class ReconciliationController {
  constructor(
    private readonly database: Database,
    private readonly reconciliation: ReconciliationService,
  ) {}

  @Endpoint(listAlteredRows)
  async list(@Call() { principal, query }: CallOf<typeof listAlteredRows>) {
    const { limit, cursor } = query;
    const [table, id] = decodeCursor(cursor, ['text', 'uuid']) ?? ['', ''];
    // In the order of the names, not of a collation.
    const { altered, comparedAt } = await this.database.readSnapshot(principal, async (tx) => ({
      altered: await this.reconciliation.altered(tx),
      comparedAt: await this.reconciliation.lastCompared(tx),
    }));
    const page = toPage(
      altered
        .filter((rows) => rows.table > table || (rows.table === table && rows.id > id))
        .sort((a, b) => (a.table < b.table || (a.table === b.table && a.id < b.id) ? -1 : 1)),
      limit,
      ({ foundAt, ...rows }) => ({ ...rows, foundAt: foundAt.toISOString() }),
      (rows) => [rows.table, rows.id],
    );
    return { ...page, lastComparedAt: comparedAt?.toISOString() ?? null };
  }
}
