import { Controller } from '@nestjs/common';
import { Database } from '../kernel/db/database.js';
import { Call, Endpoint, Reply, type CallOf } from '../kernel/http/endpoint.js';
import { decodeCursor, toPage } from '../kernel/http/page.js';
import { changeSystem, createSystem, getSystem, listSystems, retireSystem } from './system.schema.js';
import { SystemService } from './system.service.js';

@Controller()
export class SystemController {
  constructor(
    private readonly database: Database,
    private readonly systems: SystemService,
  ) {}

  @Endpoint(listSystems)
  async list(@Call() { principal, query }: CallOf<typeof listSystems>) {
    const { limit, cursor, ...filter } = query;
    const [after] = decodeCursor(cursor, ['uuid']) ?? [null];
    const rows = await this.database.read(principal, (tx) =>
      this.systems.list(tx, { ...filter, after, limit: limit + 1 }),
    );
    return toPage(
      rows,
      limit,
      (row) => row,
      (row) => [row.id],
    );
  }

  @Endpoint(createSystem)
  async create(@Call() { principal, params, body, once }: CallOf<typeof createSystem>) {
    const created = await this.database.write(principal, (tx) => this.systems.create(tx, body), once);
    return new Reply(201, created, { Location: `/v1/organizations/${params.organizationId}/systems/${created.id}` });
  }

  @Endpoint(getSystem)
  async read(@Call() { principal, params }: CallOf<typeof getSystem>) {
    return this.database.read(principal, (tx) => this.systems.requireSystem(tx, params.systemId));
  }

  @Endpoint(changeSystem)
  async change(@Call() { principal, params, body, ifMatch }: CallOf<typeof changeSystem>) {
    return this.database.write(principal, (tx) => this.systems.change(tx, params.systemId, ifMatch, body));
  }

  @Endpoint(retireSystem)
  async retire(@Call() { principal, params }: CallOf<typeof retireSystem>) {
    return this.database.write(principal, (tx) => this.systems.retire(tx, params.systemId));
  }
}
