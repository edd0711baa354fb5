import { Controller } from '@nestjs/common';
import { SystemService } from '../organizations/system.service.js';
import { Database } from '../kernel/db/database.js';
import { Call, Endpoint, type CallOf } from '../kernel/http/endpoint.js';
import { instantOf } from '../kernel/http/instant.js';
import { decodeCursor, toPage } from '../kernel/http/page.js';
import { Refusal } from '../kernel/http/problem.js';
import { getResultHistory, listResults } from './results.schema.js';
import { resultView } from './result-view.js';
import { ResultsService } from './results.service.js';

/** More corrections of one result than anybody reads; the package has them all. */
const MAX_HISTORY = 1_000;

@Controller()
export class ResultsController {
  constructor(
    private readonly database: Database,
    private readonly systems: SystemService,
    private readonly results: ResultsService,
  ) {}

  @Endpoint(listResults)
  async list(@Call() call: CallOf<typeof listResults>) {
    const { limit, cursor, asOf, knownAt, ...filter } = call.query;
    const [after] = decodeCursor(cursor, ['uuid']) ?? [null];
    const found = await this.database.read(call.principal, async (tx) => {
      await this.systems.requireSystem(tx, call.params.systemId);
      const instant = instantOf({ asOf, knownAt }, await this.results.present(tx, call.params.systemId));
      return this.results.findResults(tx, call.params.systemId, instant, { ...filter, after, limit: limit + 1 });
    });
    return toPage(found, limit, resultView, ({ series }) => [series]);
  }

  @Endpoint(getResultHistory)
  async history(@Call() call: CallOf<typeof getResultHistory>) {
    const { systemId, series } = call.params;
    const found = await this.database.read(call.principal, async (tx) => {
      await this.systems.requireSystem(tx, systemId);
      return this.results.findHistory(tx, systemId, series, MAX_HISTORY);
    });
    if (found.length === 0) throw new Refusal('not-found', 'The system has no such result.');
    return {
      items: found.map((result) => ({
        ...resultView(result),
        knownFrom: result.knownFrom.toISOString(),
        knownTo: result.knownTo?.toISOString() ?? null,
      })),
    };
  }
}
