import { Injectable } from '@nestjs/common';
import type { Catalog } from '../catalog/catalog.js';
import { Database, type Tx } from '../kernel/db/database.js';
import { instantOf, type Instant, type InstantQuery } from '../kernel/http/instant.js';
import type { Principal } from '../kernel/principal.js';
import { ScansService } from '../scans/scans.service.js';
import { blindClusters, longestLimit } from './blind-spots.js';
import { organizationDocument, postureDocument, type DocumentParts } from './document.js';
import { evaluateSystem } from './evaluate.js';
import { PostureMemory } from './memory.service.js';
import { evaluateOrganization, type OrganizationSystem } from './organization.js';
import type { OrganizationPosture } from './organization.schema.js';
import { PostureReader, type PostureAsk, type Question } from './posture.reader.js';
import type { Posture } from './posture.schema.js';
import { systemStates, type SystemStates } from './states.js';

/** A posture, and the catalogue it was judged by: titles, summaries and what auditors ask for, for whoever writes it out. */
export interface EvaluatedPosture<Document = Posture | OrganizationPosture> {
  document: Document;
  catalog: Catalog;
}

type SystemAsk = Instant & { systemId: string };
type OrganizationAsk = Instant & { systemId: null };

@Injectable()
export class PostureService {
  constructor(
    private readonly database: Database,
    private readonly reader: PostureReader,
    private readonly memory: PostureMemory,
    private readonly scans: ScansService,
  ) {}

  /** «Now» for a question that names no instant: all that the systems have been told, and all that was decided on records, is known at it. */
  present(principal: Principal, systemId: string | null): Promise<Date> {
    return this.database.read(principal, (tx) => this.reader.present(tx, systemId));
  }

  /** What a request asks for. Without an instant of knowledge the answer is of now, in the snapshot that says when that is, and nobody is kept waiting for it. */
  async asked(
    principal: Principal,
    systemId: null,
    query: InstantQuery,
  ): Promise<EvaluatedPosture<OrganizationPosture>>;
  async asked(principal: Principal, systemId: string, query: InstantQuery): Promise<EvaluatedPosture<Posture>>;
  async asked(principal: Principal, systemId: string | null, query: InstantQuery): Promise<EvaluatedPosture> {
    const askOf = (present: Date): PostureAsk => ({ systemId, ...instantOf(query, present) });
    if (query.knownAt === undefined) {
      return this.remembering(principal, async (tx) => askOf(await this.reader.present(tx, systemId)));
    }
    return this.evaluate(principal, askOf(await this.present(principal, systemId)));
  }

  /** The final answer for two instants: the same for as long as the catalogue is. Waits for merges and decisions under way. */
  evaluate(principal: Principal, ask: SystemAsk): Promise<EvaluatedPosture<Posture>>;
  evaluate(principal: Principal, ask: OrganizationAsk): Promise<EvaluatedPosture<OrganizationPosture>>;
  evaluate(principal: Principal, ask: PostureAsk): Promise<EvaluatedPosture>;
  async evaluate(principal: Principal, ask: PostureAsk): Promise<EvaluatedPosture> {
    await this.reader.awaitKnown(principal, ask);
    return this.evaluateNow(principal, ask);
  }

  /** As it shows now, without waiting: what is being merged is not in it. */
  evaluateNow(principal: Principal, ask: SystemAsk): Promise<EvaluatedPosture<Posture>>;
  evaluateNow(principal: Principal, ask: OrganizationAsk): Promise<EvaluatedPosture<OrganizationPosture>>;
  evaluateNow(principal: Principal, ask: PostureAsk): Promise<EvaluatedPosture>;
  evaluateNow(principal: Principal, ask: PostureAsk): Promise<EvaluatedPosture> {
    return this.remembering(principal, () => Promise.resolve(ask));
  }

  private async remembering(principal: Principal, askOf: (tx: Tx) => Promise<PostureAsk>): Promise<EvaluatedPosture> {
    const { forgotten, ...evaluated } = await this.answer(principal, askOf);
    if (forgotten) await this.memory.askFor(principal, null);
    return evaluated;
  }

  /** `forgotten`: it had to be evaluated though all of it was known before. */
  private answer(
    principal: Principal,
    askOf: (tx: Tx) => Promise<PostureAsk>,
  ): Promise<EvaluatedPosture & { forgotten: boolean }> {
    return this.database.readSnapshot(principal, async (tx) => {
      const ask = await askOf(tx);
      const question = await this.reader.question(tx, ask);
      const { catalog } = question.yardstick;
      const [system] = ask.systemId === null ? [] : question.inScope;
      if (system !== undefined)
        return { document: await this.ofSystem(tx, question, system), catalog, forgotten: false };
      return { ...(await this.ofOrganization(tx, question)), catalog };
    });
  }

  private async ofSystem(tx: Tx, question: Question, system: Question['inScope'][number]): Promise<Posture> {
    const whole = await this.reader.whole(tx, question);
    const input = await this.reader.system(tx, question, system);
    const evaluation = evaluateSystem(question.yardstick, input, whole);
    const clusters = blindClusters(system.id, await this.clustersOf(tx, question, system));
    return postureDocument(partsOf(tx, question), {
      ...evaluation,
      environment: system.environment,
      blindClusters: clusters,
    });
  }

  /** Of which clusters reports came while anything of them may still be fresh. */
  private clustersOf(tx: Tx, { ask, yardstick }: Question, { id }: Question['inScope'][number]) {
    const { catalog, freshness } = yardstick;
    const limit = longestLimit(
      catalog.practices.map((practice) => catalog.freshnessOf(practice.id, freshness).scanner),
    );
    return this.scans.clusters(tx, id, ask, new Date(Math.max(0, ask.asOf.getTime() - limit)));
  }

  private async ofOrganization(
    tx: Tx,
    question: Question,
  ): Promise<{ document: OrganizationPosture; forgotten: boolean }> {
    const { yardstick, inScope, excluded } = question;
    const { states: remembered, forgotten } = await this.memory.recall(tx, question);
    const whole = await this.reader.whole(tx, question);
    const systems: OrganizationSystem[] = [];
    // One after another: they share the transaction's connection, and memory holds the summaries of one.
    for (const system of inScope) {
      const { id, name, environment } = system;
      systems.push({
        id,
        name,
        environment,
        states: remembered.get(id) ?? (await this.statesOf(tx, question, system)),
      });
    }
    const evaluation = evaluateOrganization(yardstick, systems, whole);
    return { document: organizationDocument(partsOf(tx, question), evaluation, excluded), forgotten };
  }

  private async statesOf(tx: Tx, question: Question, system: Question['inScope'][number]): Promise<SystemStates> {
    const { evidence, part } = await this.reader.system(tx, question, system);
    return systemStates(question.yardstick, evidence, part);
  }
}

const partsOf = (tx: Tx, { ask, yardstick, settings }: Question): DocumentParts => ({
  organizationId: tx.organizationId,
  instant: ask,
  catalog: yardstick.catalog,
  settingsVersion: settings.version,
});
