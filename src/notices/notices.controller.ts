import { Controller } from '@nestjs/common';
import { Database } from '../kernel/db/database.js';
import { Call, Endpoint, type CallOf } from '../kernel/http/endpoint.js';
import { decodeCursor, toPage } from '../kernel/http/page.js';
import { NoticesService } from './notices.service.js';
import { listNotices, type NoticeView } from './webhooks.schema.js';

@Controller()
export class NoticesController {
  constructor(
    private readonly database: Database,
    private readonly notices: NoticesService,
  ) {}

  @Endpoint(listNotices)
  async list(@Call() { principal, query }: CallOf<typeof listNotices>) {
    const { limit, cursor, type, since } = query;
    const before = decodeCursor(cursor, ['time', 'uuid']);
    const rows = await this.database.read(principal, (tx) =>
      this.notices.list(tx, {
        type,
        since: since === undefined ? undefined : new Date(since),
        before,
        limit: limit + 1,
      }),
    );
    return toPage(
      rows,
      limit,
      ({ at, data, ...row }): NoticeView => ({ ...row, at: at.toISOString(), data: { ...data } as NoticeView['data'] }),
      ({ at, id }) => [at.toISOString(), id],
    );
  }
}
