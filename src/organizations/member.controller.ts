import { Controller } from '@nestjs/common';
import { Database } from '../kernel/db/database.js';
import { Call, Endpoint, Reply, type CallOf } from '../kernel/http/endpoint.js';
import { decodeCursor, toPage } from '../kernel/http/page.js';
import { addMember, changeMember, getMember, listMembers, removeMember } from './member.schema.js';
import { MemberService } from './member.service.js';

@Controller()
export class MemberController {
  constructor(
    private readonly database: Database,
    private readonly members: MemberService,
  ) {}

  @Endpoint(listMembers)
  async list(@Call() { principal, query }: CallOf<typeof listMembers>) {
    const { limit, cursor, ...filter } = query;
    const [after] = decodeCursor(cursor, ['uuid']) ?? [null];
    const rows = await this.database.read(principal, (tx) =>
      this.members.list(tx, { ...filter, after, limit: limit + 1 }),
    );
    return toPage(
      rows,
      limit,
      (row) => row,
      (row) => [row.id],
    );
  }

  @Endpoint(addMember)
  async add(@Call() { principal, params, body, once }: CallOf<typeof addMember>) {
    const added = await this.database.write(principal, (tx) => this.members.add(tx, body), once);
    return new Reply(201, added, { Location: `/v1/organizations/${params.organizationId}/members/${added.id}` });
  }

  @Endpoint(getMember)
  async read(@Call() { principal, params }: CallOf<typeof getMember>) {
    return this.database.read(principal, (tx) => this.members.read(tx, params.memberId));
  }

  @Endpoint(changeMember)
  async change(@Call() { principal, params, body, ifMatch }: CallOf<typeof changeMember>) {
    return this.database.write(principal, (tx) => this.members.change(tx, params.memberId, ifMatch, body));
  }

  @Endpoint(removeMember)
  async remove(@Call() { principal, params }: CallOf<typeof removeMember>) {
    await this.database.write(principal, (tx) => this.members.remove(tx, params.memberId));
  }
}
