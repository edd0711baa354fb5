import { Controller } from '@nestjs/common';
import { Database } from '../kernel/db/database.js';
import { Call, Endpoint, type CallOf } from '../kernel/http/endpoint.js';
import { decodeCursor } from '../kernel/http/page.js';
import { getCustody } from './custody.schema.js';
import { CustodyService } from './custody.service.js';

@Controller()
export class CustodyController {
  constructor(
    private readonly database: Database,
    private readonly custody: CustodyService,
  ) {}

  @Endpoint(getCustody)
  async read(@Call() { principal, params, query }: CallOf<typeof getCustody>) {
    const [after] = decodeCursor(query.cursor, ['uuid']) ?? [null];
    return this.database.readSnapshot(principal, (tx) =>
      this.custody.read(tx, params.evidenceId, null, { after, limit: query.limit }),
    );
  }
}
