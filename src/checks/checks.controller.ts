import { Controller } from '@nestjs/common';
import { Database } from '../kernel/db/database.js';
import { Call, Endpoint, type CallOf } from '../kernel/http/endpoint.js';
import { decodeCursor, toPage } from '../kernel/http/page.js';
import { changeCheck, getCheck, listChecks, listCheckVersions, withdrawCheck } from './checks.schema.js';
import { ChecksService } from './checks.service.js';
import { CheckTrial } from './trial.js';

@Controller()
export class ChecksController {
  constructor(
    private readonly database: Database,
    private readonly checks: ChecksService,
    private readonly trial: CheckTrial,
  ) {}

  @Endpoint(listChecks)
  async list(@Call() { principal, query }: CallOf<typeof listChecks>) {
    const { limit, cursor, ...filter } = query;
    const [after] = decodeCursor(cursor, ['text']) ?? [null];
    const rows = await this.database.read(principal, (tx) =>
      this.checks.list(tx, { ...filter, after, limit: limit + 1 }),
    );
    return toPage(
      rows,
      limit,
      (row) => row,
      (row) => [row.id],
    );
  }

  @Endpoint(getCheck)
  async read(@Call() { principal, params }: CallOf<typeof getCheck>) {
    return this.database.read(principal, (tx) => this.checks.read(tx, params.checkId));
  }

  @Endpoint(listCheckVersions)
  async versions(@Call() { principal, params, query }: CallOf<typeof listCheckVersions>) {
    const [before] = decodeCursor(query.cursor, ['number']) ?? [null];
    const rows = await this.database.read(principal, (tx) =>
      this.checks.versions(tx, params.checkId, { before, limit: query.limit + 1 }),
    );
    return toPage(
      rows,
      query.limit,
      (row) => row,
      (row) => [row.version],
    );
  }

  @Endpoint(changeCheck)
  async change(@Call() { principal, params, body, ifMatch }: CallOf<typeof changeCheck>) {
    // Tried with nothing in hand: whoever waits for the thread holds no connection.
    if ('definition' in body) await this.trial.require(body.definition);
    return this.database.write(principal, (tx) => this.checks.change(tx, params.checkId, ifMatch, body));
  }

  @Endpoint(withdrawCheck)
  async withdraw(@Call() { principal, params }: CallOf<typeof withdrawCheck>) {
    await this.database.write(principal, (tx) => this.checks.withdraw(tx, params.checkId));
  }
}
