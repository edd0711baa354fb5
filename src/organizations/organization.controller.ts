import { Controller } from '@nestjs/common';
import { Database } from '../kernel/db/database.js';
import { Call, Endpoint, Reply, type CallOf } from '../kernel/http/endpoint.js';
import { decodeCursor, toPage } from '../kernel/http/page.js';
import { changeOrganization, createOrganization, getOrganization, listOrganizations } from './organization.schema.js';
import { founder, OrganizationService } from './organization.service.js';

@Controller()
export class OrganizationController {
  constructor(
    private readonly database: Database,
    private readonly organizations: OrganizationService,
  ) {}

  @Endpoint(createOrganization)
  async create(@Call() { principal, body, once }: CallOf<typeof createOrganization>) {
    const created = await this.database.write(
      founder(principal, once?.key ?? null),
      (tx) => this.organizations.create(tx, body.name, body.adminName),
      once,
    );
    return new Reply(201, created, { Location: `/v1/organizations/${created.id}` });
  }

  @Endpoint(listOrganizations)
  async list(@Call() { principal, query }: CallOf<typeof listOrganizations>) {
    const [after] = decodeCursor(query.cursor, ['uuid']) ?? [null];
    const rows = await this.database.read(principal, (tx) =>
      this.organizations.listOwn(tx, { after, limit: query.limit + 1 }),
    );
    return toPage(
      rows,
      query.limit,
      (row) => row,
      (row) => [row.id],
    );
  }

  @Endpoint(getOrganization)
  async read(@Call() { principal }: CallOf<typeof getOrganization>) {
    return this.database.read(principal, (tx) => this.organizations.read(tx));
  }

  @Endpoint(changeOrganization)
  async change(@Call() { principal, body, ifMatch }: CallOf<typeof changeOrganization>) {
    return this.database.write(principal, (tx) => this.organizations.change(tx, ifMatch, body));
  }
}
