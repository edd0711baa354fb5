import { Controller } from '@nestjs/common';
import { Database } from '../../kernel/db/database.js';
import { Call, Endpoint, type CallOf } from '../../kernel/http/endpoint.js';
import { decodeCursor, toPage } from '../../kernel/http/page.js';
import {
  changeRecordType,
  getRecordType,
  listRecordTypes,
  listRecordTypeVersions,
  withdrawRecordType,
} from './record-types.schema.js';
import { RecordTypesService } from './record-types.service.js';

@Controller()
export class RecordTypesController {
  constructor(
    private readonly database: Database,
    private readonly types: RecordTypesService,
  ) {}

  @Endpoint(listRecordTypes)
  async list(@Call() { principal, query }: CallOf<typeof listRecordTypes>) {
    const [after] = decodeCursor(query.cursor, ['text']) ?? [null];
    const rows = await this.database.read(principal, (tx) => this.types.list(tx, { after, limit: query.limit + 1 }));
    return toPage(
      rows,
      query.limit,
      (row) => row,
      (row) => [row.type],
    );
  }

  @Endpoint(getRecordType)
  async read(@Call() { principal, params }: CallOf<typeof getRecordType>) {
    return this.database.read(principal, (tx) => this.types.read(tx, params.type));
  }

  @Endpoint(listRecordTypeVersions)
  async versions(@Call() { principal, params, query }: CallOf<typeof listRecordTypeVersions>) {
    const [before] = decodeCursor(query.cursor, ['number']) ?? [null];
    const rows = await this.database.read(principal, (tx) =>
      this.types.versions(tx, params.type, { before, limit: query.limit + 1 }),
    );
    return toPage(
      rows,
      query.limit,
      (row) => row,
      (row) => [row.version],
    );
  }

  @Endpoint(changeRecordType)
  async change(@Call() { principal, params, body, ifMatch }: CallOf<typeof changeRecordType>) {
    return this.database.write(principal, (tx) => this.types.change(tx, params.type, ifMatch, body));
  }

  @Endpoint(withdrawRecordType)
  async withdraw(@Call() { principal, params }: CallOf<typeof withdrawRecordType>) {
    await this.database.write(principal, (tx) => this.types.withdraw(tx, params.type));
  }
}
