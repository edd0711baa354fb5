import { Controller } from '@nestjs/common';
import { SystemService } from '../organizations/system.service.js';
import { Database } from '../kernel/db/database.js';
import { Call, Endpoint, type CallOf } from '../kernel/http/endpoint.js';
import { instantOf } from '../kernel/http/instant.js';
import { decodeCursor, toPage } from '../kernel/http/page.js';
import { Refusal } from '../kernel/http/problem.js';
import { getFactHistory, listFacts } from './facts.schema.js';
import type { ListedFact } from './listed-fact.js';
import { ResultsService } from './results.service.js';

/** More changes of one fact than anybody reads. */
const MAX_HISTORY = 1_000;

@Controller()
export class FactsController {
  constructor(
    private readonly database: Database,
    private readonly systems: SystemService,
    private readonly results: ResultsService,
  ) {}

  @Endpoint(listFacts)
  async list(@Call() call: CallOf<typeof listFacts>) {
    const { limit, cursor, asOf, knownAt, ...filter } = call.query;
    const [after] = decodeCursor(cursor, ['uuid']) ?? [null];
    const found = await this.database.read(call.principal, async (tx) => {
      await this.systems.requireSystem(tx, call.params.systemId);
      const instant = instantOf({ asOf, knownAt }, await this.results.present(tx, call.params.systemId));
      return this.results.findFacts(tx, call.params.systemId, instant, { ...filter, after, limit: limit + 1 });
    });
    return toPage(found, limit, view, ({ series }) => [series]);
  }

  @Endpoint(getFactHistory)
  async history(@Call() call: CallOf<typeof getFactHistory>) {
    const { systemId, factSeries } = call.params;
    const found = await this.database.read(call.principal, async (tx) => {
      await this.systems.requireSystem(tx, systemId);
      return this.results.findFactHistory(tx, systemId, factSeries, MAX_HISTORY);
    });
    if (found.length === 0) throw new Refusal('not-found', 'The system has no such fact.');
    return {
      items: found.map((fact) => ({
        fact: view(fact),
        knownFrom: fact.knownFrom.toISOString(),
        knownTo: fact.knownTo?.toISOString() ?? null,
      })),
    };
  }
}

const view = (fact: ListedFact) => ({
  ...fact,
  observedFrom: fact.observedFrom.toISOString(),
  observedTo: fact.observedTo?.toISOString() ?? null,
});
