import { Injectable } from '@nestjs/common';
import { Catalog } from '../catalog/catalog.js';
import { overlaid } from '../catalog/overlaid.js';
import { ChecksService } from '../checks/checks.service.js';
import { FindingsService } from '../evidence/findings.service.js';
import { Database, type Tx } from '../kernel/db/database.js';
import type { Instant } from '../kernel/http/instant.js';
import { Refusal } from '../kernel/http/problem.js';
import type { Principal } from '../kernel/principal.js';
import { OrganizationService, type SettingsInEffect } from '../organizations/organization.service.js';
import { SystemService, type SystemInEffect } from '../organizations/system.service.js';
import { RecordsService } from '../records/records.service.js';
import { ResultsService } from '../results/results.service.js';
import type { SystemInput, Yardstick } from './evaluate.js';
import { meaning } from './meanings.js';
import type { PlacePart } from './needs.js';
import { PlaceReader, type AskedFor } from './place.reader.js';

export interface PostureAsk extends Instant {
  /** Null: the organisation that the principal acts for. */
  systemId: string | null;
  /** Of the organisation's systems those alone that are named; null, or absent: each. */
  only?: readonly string[] | null;
}

/** By what a question is judged, and whom it is about. */
export interface Question {
  readonly ask: PostureAsk;
  readonly yardstick: Yardstick;
  readonly asked: AskedFor;
  readonly settings: SettingsInEffect;
  /** Evidence that was known then to be no longer what was kept. */
  readonly corrupt: ReadonlySet<string>;
  /** By id. */
  readonly inScope: readonly SystemInEffect[];
  /** Systems of the organisation that handle no PHI. */
  readonly excluded: readonly SystemInEffect[];
}

/** Reads what a posture is made of, place by place: memory holds what is known of one. */
@Injectable()
export class PostureReader {
  constructor(
    private readonly database: Database,
    private readonly organizations: OrganizationService,
    private readonly systems: SystemService,
    private readonly results: ResultsService,
    private readonly checks: ChecksService,
    private readonly records: RecordsService,
    private readonly places: PlaceReader,
    private readonly findings: FindingsService,
    private readonly catalog: Catalog,
  ) {}

  /** «Now» for a question that names no instant: all that the systems have been told, all that was decided on records, and all that was found of evidence is known at it. */
  async present(tx: Tx, systemId: string | null): Promise<Date> {
    const told = await this.results.present(tx, systemId);
    const others = [await this.records.lastKnown(tx, null), await this.findings.lastFound(tx)];
    return others.reduce<Date>((last, at) => (at !== null && at > last ? at : last), told);
  }

  /**
   * Waits for changes of systems and settings, and then for merges, decisions and findings under way: then what is known at the instant is final. In transactions of their own: a snapshot
   * is taken by its first statement, and would not show what was waited for; and nobody who changes a system is to wait for whoever waits for a long merge.
   */
  async awaitKnown(principal: Principal, ask: PostureAsk): Promise<void> {
    await this.database.read(principal, (tx) => this.systems.awaitRegistered(tx, ask.knownAt));
    await this.database.read(principal, async (tx) => {
      const systems = await this.systemsOf(tx, ask);
      await this.results.awaitMerges(
        tx,
        systems.map(({ id }) => id),
        ask.knownAt,
      );
      await this.records.awaitDecisions(tx, ask.knownAt);
      await this.findings.awaitWritten(tx);
    });
  }

  async question(tx: Tx, ask: PostureAsk): Promise<Question> {
    const settings = await this.organizations.settingsAsOf(tx, ask);
    const { overlays, freshness, recordFreshness } = settings.settings;
    const catalog = meaning(this.catalogOf(overlays), await this.checks.meanings(tx, ask.knownAt));
    const asked = await this.places.askedFor(tx, catalog, recordFreshness, ask.knownAt);
    const systems = await this.systemsOf(tx, ask);
    // A system asked for by name answers for itself, whether it counts for the organisation or not.
    const inScope = systems.filter(({ id, phi }) => phi !== 'none' || id === ask.systemId);
    return {
      ask,
      yardstick: { catalog, asOf: ask.asOf, freshness: { scanner: freshness }, asks: asked.asks },
      asked,
      settings,
      corrupt: await this.findings.corrupt(tx, ask.knownAt),
      inScope,
      excluded: systems.filter((system) => !inScope.includes(system)),
    };
  }

  /** What the organisation's records say of all its systems. */
  async whole(tx: Tx, { ask, asked, corrupt }: Question): Promise<PlacePart> {
    return this.places.part(tx, ask, null, asked, await this.places.accepted(tx, ask, null), corrupt);
  }

  async system(
    tx: Tx,
    { ask, asked, corrupt }: Question,
    { id, name, phiNamespaces }: Pick<SystemInEffect, 'id' | 'name' | 'phiNamespaces'>,
  ): Promise<SystemInput> {
    const accepted = await this.places.accepted(tx, ask, id);
    const checks = await this.results.summarise(tx, id, ask, phiNamespaces, [...accepted.results]);
    const coverage = await this.results.findCoverage(tx, id, ask);
    const part = await this.places.part(tx, ask, id, asked, accepted, corrupt, coverage);
    return { id, name, evidence: { checks, coverage, corrupt }, part };
  }

  private async systemsOf(tx: Tx, ask: PostureAsk): Promise<readonly SystemInEffect[]> {
    if (ask.systemId === null) {
      const only = ask.only ?? null;
      if (only === null && tx.principal.systemIds !== null) {
        throw new Refusal('forbidden', 'An agent that is bound to systems reads the posture of each of them.');
      }
      const systems = await this.systems.systemsAsOf(tx, ask);
      return only === null ? systems : systems.filter(({ id }) => only.includes(id));
    }
    const system = await this.systems.systemAsOf(tx, ask, ask.systemId);
    if (system !== null) return [system];
    await this.systems.requireSystem(tx, ask.systemId);
    throw new Refusal('not-found', 'At that instant the system was retired or not known yet.');
  }

  /** Law in force, with the overlay that the organisation has switched on, if the catalogue has it. */
  private catalogOf(overlays: readonly string[]): Catalog {
    const known = this.catalog.overlays.find(({ id }) => overlays.includes(id));
    return known === undefined ? this.catalog : overlaid(this.catalog, known.id);
  }
}
