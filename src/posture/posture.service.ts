import { Injectable } from '@nestjs/common';
import { Catalog } from '../catalog/catalog.js';
import { overlaid } from '../catalog/overlaid.js';
import { ChecksService } from '../checks/checks.service.js';
import { Database, type Tx } from '../kernel/db/database.js';
import type { Instant } from '../kernel/http/instant.js';
import { Refusal } from '../kernel/http/problem.js';
import type { Principal } from '../kernel/principal.js';
import { OrganizationService } from '../organizations/organization.service.js';
import { SystemService, type SystemInEffect } from '../organizations/system.service.js';
import { RecordsService } from '../records/records.service.js';
import { ResultsService } from '../results/results.service.js';
import { postureDocument } from './document.js';
import { meaning } from './meanings.js';
import { PlaceReader } from './place.reader.js';
import { evaluateOrganization, evaluateSystem, MAX_EVIDENCE, type Yardstick } from './evaluate.js';
import type { Posture } from './posture.schema.js';

export interface PostureAsk extends Instant {
  /** Null: the organisation that the principal acts for. */
  systemId: string | null;
}

/** A posture, and the catalogue it was judged by: titles, summaries and what auditors ask for, for whoever writes it out. */
export interface EvaluatedPosture {
  document: Posture;
  catalog: Catalog;
}

@Injectable()
export class PostureService {
  constructor(
    private readonly database: Database,
    private readonly organizations: OrganizationService,
    private readonly systems: SystemService,
    private readonly results: ResultsService,
    private readonly checks: ChecksService,
    private readonly records: RecordsService,
    private readonly places: PlaceReader,
    private readonly catalog: Catalog,
  ) {}

  /** «Now» for a question that names no instant: all that the systems have been told, and all that was decided on records, is known at it. */
  present(principal: Principal, systemId: string | null): Promise<Date> {
    return this.database.read(principal, async (tx) => {
      const told = await this.results.present(tx, systemId);
      const decided = await this.records.lastKnown(tx, null);
      return decided !== null && decided > told ? decided : told;
    });
  }

  /** The final answer for two instants: the same for as long as the catalogue is. Waits for merges and decisions under way. */
  async evaluate(principal: Principal, ask: PostureAsk): Promise<EvaluatedPosture> {
    // In a transaction of its own: a snapshot is taken by its first statement, and would not show what was waited for.
    await this.database.read(principal, async (tx) => {
      const systems = await this.systemsOf(tx, ask);
      await this.results.awaitMerges(
        tx,
        systems.map(({ id }) => id),
        ask.knownAt,
      );
      await this.records.awaitDecisions(tx, ask.knownAt);
    });
    return this.evaluateNow(principal, ask);
  }

  /** As it shows now, without waiting: what is being merged is not in it. */
  async evaluateNow(principal: Principal, ask: PostureAsk): Promise<EvaluatedPosture> {
    return this.database.readSnapshot(principal, async (tx) => {
      const { version: settingsVersion, settings } = await this.organizations.settingsAsOf(tx, ask);
      const catalog = meaning(this.catalogOf(settings.overlays), await this.checks.meanings(tx, ask.knownAt));
      const asked = await this.places.askedFor(tx, catalog, settings.recordFreshness, ask.knownAt);
      const freshness = { scanner: settings.freshness };
      const yardstick: Yardstick = { catalog, asOf: ask.asOf, freshness, asks: asked.asks };
      const systems = await this.systemsOf(tx, ask);
      // A system asked for by name answers for itself, whether it counts for the organisation or not.
      const inScope = systems.filter(({ id, phi }) => phi !== 'none' || id === ask.systemId);
      const maxEvidence = Math.max(1, Math.ceil(MAX_EVIDENCE / Math.max(1, inScope.length)));
      const whole = await this.places.part(tx, ask, null, asked, await this.places.accepted(tx, ask, null));
      const evaluations = [];
      // One after another: they share the transaction's connection, and memory holds the summaries of one.
      for (const { id, name, environment, phiNamespaces } of inScope) {
        const accepted = await this.places.accepted(tx, ask, id);
        const checks = await this.results.summarise(tx, id, ask, phiNamespaces, [...accepted.results]);
        const coverage = await this.results.findCoverage(tx, id, ask);
        const part = await this.places.part(tx, ask, id, asked, accepted, coverage);
        const input = { id, name, evidence: { checks, coverage }, part };
        evaluations.push({ ...evaluateSystem(yardstick, input, whole, maxEvidence), environment });
      }
      const [first] = evaluations;
      const document = postureDocument({
        organizationId: tx.organizationId,
        ask,
        catalog,
        settingsVersion,
        evaluation:
          ask.systemId !== null && first !== undefined ? first : evaluateOrganization(yardstick, evaluations, whole),
        systems: evaluations,
        excluded: systems.filter((system) => !inScope.includes(system)),
      });
      return { document, catalog };
    });
  }

  private async systemsOf(tx: Tx, ask: PostureAsk): Promise<SystemInEffect[]> {
    if (ask.systemId === null) {
      if (tx.principal.systemIds !== null) {
        throw new Refusal('forbidden', 'An agent that is bound to systems reads the posture of each of them.');
      }
      return this.systems.systemsAsOf(tx, ask);
    }
    await this.systems.requireSystem(tx, ask.systemId);
    const system = (await this.systems.systemsAsOf(tx, ask)).find(({ id }) => id === ask.systemId);
    if (system === undefined)
      throw new Refusal('not-found', 'At that instant the system was retired or not known yet.');
    return [system];
  }

  /** Law in force, with the overlay that the organisation has switched on, if the catalogue has it. */
  private catalogOf(overlays: readonly string[]): Catalog {
    const known = this.catalog.overlays.find(({ id }) => overlays.includes(id));
    return known === undefined ? this.catalog : overlaid(this.catalog, known.id);
  }
}
