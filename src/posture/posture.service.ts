import { Injectable } from '@nestjs/common';
import type { Catalog } from '../catalog/catalog.js';
import { besideEachOther, Database, type Tx } from '../kernel/db/database.js';
import { instantOf, type Instant, type InstantQuery } from '../kernel/http/instant.js';
import { Refusal } from '../kernel/http/problem.js';
import type { Principal } from '../kernel/principal.js';
import { ScansService } from '../scans/scans.service.js';
import { blindClusters, longestLimit } from './blind-spots.js';
import { organizationCounts, organizationDocument, postureDocument, type DocumentParts } from './document.js';
import { evaluateSystem } from './evaluate.js';
import { PostureMemory } from './memory.service.js';
import type { PlacePart } from './needs.js';
import { byName, evaluateOrganization, type OrganizationEvaluation, type OrganizationSystem } from './organization.js';
import type { OrganizationPosture } from './organization.schema.js';
import { PostureReader, type PostureAsk, type Question } from './posture.reader.js';
import type { Posture } from './posture.schema.js';
import { PastStatuses, type Statuses } from './past-statuses.js';
import { StampReader } from './stamp.reader.js';
import { systemStates, type SystemStates } from './states.js';
import type { StatusCounts } from './status.js';

/** A posture, and the catalogue it was judged by: titles, summaries and what auditors ask for, for whoever writes it out. */
export interface EvaluatedPosture<Document = Posture | OrganizationPosture> {
  document: Document;
  catalog: Catalog;
}

/** Systems that are evaluated for one history of statuses at most: of an organisation of three that has just begun all of it, and of one of hundreds those that have just sent a report. */
const MOST_EVALUATED = 100;

/** Counted in one snapshot, which keeps what is the same at all of them: it is not to be held for minutes where many systems have to be evaluated. */
const INSTANTS_TOGETHER = 4;

type SystemAsk = Instant & { systemId: string };
type OrganizationAsk = Instant & { systemId: null };
/** Of each of the systems by itself, of those that are named (null: of each). */
type SystemsAsk = OrganizationAsk & { only: readonly string[] | null };

export interface SystemPage {
  readonly ask: Instant;
  readonly systems: OrganizationEvaluation['systems'];
}

@Injectable()
export class PostureService {
  private readonly past = new PastStatuses();

  constructor(
    private readonly database: Database,
    private readonly reader: PostureReader,
    private readonly memory: PostureMemory,
    private readonly stamps: StampReader,
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

  /**
   * A page of the systems in scope, by name, those behind the one that is named by its id, each with how its own posture counts. `isFinal`: waits for merges and decisions under
   * way, as `evaluate` does; without, what is being merged is in it as soon as it shows.
   */
  async systems(
    principal: Principal,
    ask: SystemsAsk,
    { after, limit, isFinal }: { after: string | null; limit: number; isFinal: boolean },
  ): Promise<SystemPage> {
    if (isFinal) await this.reader.awaitKnown(principal, ask);
    const { forgotten, ...page } = await this.database.readSnapshot(principal, async (tx) => {
      const question = await this.reader.question(tx, ask);
      const all = question.inScope.toSorted(byName);
      // It was in scope on the page before, which is of the same instants.
      const from = after === null ? 0 : all.findIndex(({ id }) => id === after) + 1;
      if (after !== null && from === 0) {
        throw new Refusal('invalid-request', 'The cursor is not one that this list gave.', { pointer: 'query/cursor' });
      }
      const inScope = all.slice(from, from + limit);
      const { evaluation, forgotten } = await this.ofSystems(tx, { ...question, inScope });
      return { ask, systems: evaluation.systems, forgotten };
    });
    if (forgotten) await this.memory.askFor(principal, null);
    return page;
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

  /**
   * How many items of the law had which status at each of the instants: as `evaluate` counts them, of what has to be final at `knownAt`. Null where the system was none of
   * the organisation's then. Evaluated anew, whatever is remembered: a package shows them, and nobody could hold them against anything in it. Of many systems that takes
   * minutes: each instant is of a snapshot of its own, and `before` is done before each.
   */
  async countsAt(
    principal: Principal,
    { systemId, knownAt }: Omit<PostureAsk, 'asOf'>,
    instants: readonly Date[],
    before: () => Promise<void>,
  ): Promise<(StatusCounts | null)[]> {
    const counts: (StatusCounts | null)[] = [];
    for (const asOf of instants) {
      await before();
      counts.push(await this.database.readSnapshot(principal, (tx) => this.countsOf(tx, { systemId, asOf, knownAt })));
    }
    return counts;
  }

  /**
   * The organisation's status of each item of the rules at each of the instants, by its id: as `evaluate` says it, of what has to be final at `knownAt`. Null where so much is
   * forgotten that nobody is to wait for it: then it is asked for, and there a little later.
   */
  async statusesAt(principal: Principal, knownAt: Date, instants: readonly Date[]): Promise<Statuses[] | null> {
    const { organizationId, knowledge } = await this.database.readSnapshot(principal, async (tx) => ({
      organizationId: tx.organizationId,
      knowledge: await this.stamps.knowledge(tx),
    }));
    // Of what has become known since `knownAt` nothing is in these answers.
    const isOfAll = knowledge.since <= knownAt;
    const kept = isOfAll ? this.past.recall(organizationId, knowledge) : new Map<number, Statuses>();
    const seen = { left: MOST_EVALUATED, isForgotten: false };
    const found = await this.atEach(principal, instants, async (tx, asOf): Promise<Statuses | null> => {
      const before = kept.get(asOf.getTime());
      if (before !== undefined || seen.left < 0) return before ?? null;
      const question = await this.reader.question(tx, { systemId: null, asOf, knownAt });
      const recalled = await this.memory.recall(tx, question);
      seen.isForgotten ||= recalled.forgotten;
      seen.left -= question.inScope.length - recalled.states.size;
      if (seen.left < 0) return null;
      const evaluation = await this.together(tx, question, recalled.states, await this.reader.whole(tx, question));
      return new Map(evaluation.controls.map(({ id, status }) => [id, status]));
    });
    if (seen.isForgotten) await this.memory.askFor(principal, null);
    const statuses = found.filter((one) => one !== null);
    if (isOfAll) {
      const past = instants.flatMap((asOf, index): [number, Statuses][] => {
        const one = found[index] ?? null;
        // The present is asked for each time, with the rights of whoever asks.
        return one === null || asOf >= knownAt ? [] : [[asOf.getTime(), one]];
      });
      this.past.keep(organizationId, knowledge, new Map(past));
    }
    return statuses.length < instants.length ? null : statuses;
  }

  /** Some at once in one transaction. */
  private async atEach<Said>(
    principal: Principal,
    instants: readonly Date[],
    said: (tx: Tx, asOf: Date) => Promise<Said>,
  ): Promise<Said[]> {
    const all: Said[] = [];
    for (let from = 0; from < instants.length; from += INSTANTS_TOGETHER) {
      await this.database.readSnapshot(principal, async (tx) => {
        for (const asOf of instants.slice(from, from + INSTANTS_TOGETHER)) all.push(await said(tx, asOf));
      });
    }
    return all;
  }

  /** A system is counted as the one of an organisation that has no other. */
  private async countsOf(tx: Tx, ask: PostureAsk): Promise<StatusCounts | null> {
    const question = await whereThere(this.reader.question(tx, ask));
    if (question === null) return null;
    const evaluation = await this.together(tx, question, new Map(), await this.reader.whole(tx, question));
    if (ask.systemId !== null) return evaluation.systems[0]?.counts.controls ?? null;
    return organizationCounts(evaluation).controls;
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
    // What the organisation says is mostly in memory, and is judged while Postgres counts the results of the system.
    const [input, whole] = await besideEachOther(
      this.reader.system(tx, question, system),
      this.reader.whole(tx, question),
    );
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
    const { evaluation, forgotten } = await this.ofSystems(tx, question);
    return { document: organizationDocument(partsOf(tx, question), evaluation, question.excluded), forgotten };
  }

  private async ofSystems(
    tx: Tx,
    question: Question,
  ): Promise<{ evaluation: OrganizationEvaluation; forgotten: boolean }> {
    // As of one system (`ofSystem`): Postgres finds what is remembered meanwhile.
    const [{ states: remembered, forgotten }, whole] = await besideEachOther(
      this.memory.recall(tx, question),
      this.reader.whole(tx, question),
    );
    return { evaluation: await this.together(tx, question, remembered, whole), forgotten };
  }

  /** What is not remembered is evaluated. */
  private async together(
    tx: Tx,
    question: Question,
    remembered: ReadonlyMap<string, SystemStates>,
    whole: PlacePart,
  ): Promise<OrganizationEvaluation> {
    const { yardstick, inScope } = question;
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
    return evaluateOrganization(yardstick, systems, whole);
  }

  private async statesOf(tx: Tx, question: Question, system: Question['inScope'][number]): Promise<SystemStates> {
    const { evidence, part } = await this.reader.system(tx, question, system);
    return systemStates(question.yardstick, evidence, part);
  }
}

/** Null where the system that is asked for was none then. */
async function whereThere<T>(asked: Promise<T>): Promise<T | null> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof Refusal && error.code === 'not-found') return null;
    throw error;
  }
}

const partsOf = (tx: Tx, { ask, yardstick, settings }: Question): DocumentParts => ({
  organizationId: tx.organizationId,
  instant: ask,
  catalog: yardstick.catalog,
  settingsVersion: settings.version,
});
