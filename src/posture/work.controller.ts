import { Controller } from '@nestjs/common';
import { Call, Endpoint, type CallOf } from '../kernel/http/endpoint.js';
import { instantOf } from '../kernel/http/instant.js';
import { decodeCursor, toPage } from '../kernel/http/page.js';
import { compareKeys, keyOfWork, type WorkItem } from './work-list.js';
import { listWork, type WorkItemView } from './work.schema.js';
import { WorkService } from './work.service.js';

@Controller()
export class WorkController {
  constructor(private readonly work: WorkService) {}

  @Endpoint(listWork)
  async list(@Call() { principal, query }: CallOf<typeof listWork>) {
    const { limit, cursor, kind, owner, system = null, asOf, knownAt } = query;
    const after = decodeCursor(cursor, ['number', 'text', 'text', 'uuid']);
    const ask = { systemId: system, ...instantOf({ asOf, knownAt }, await this.work.present(principal, system)) };
    const all =
      knownAt === undefined
        ? await this.work.list(principal, ask, asOf === undefined)
        : await this.work.listKnown(principal, ask);
    const rest = all.filter(
      (item) =>
        (kind === undefined || item.kind === kind) &&
        (owner === undefined || item.ownerId === owner) &&
        (after === null || compareKeys(keyOfWork(item), after) > 0),
    );
    return toPage(rest, limit, view, keyOfWork);
  }
}

const view = (item: WorkItem): WorkItemView => ({
  ...item,
  practices: [...item.practices],
  controls: [...item.controls],
  systems: [...item.systems],
  records: [...item.records],
  auditorAsks: [...item.auditorAsks],
  dueAt: item.dueAt?.toISOString() ?? null,
});
