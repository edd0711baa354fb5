import { Injectable } from '@nestjs/common';
import { Database, type Tx } from '../kernel/db/database.js';
import { Foreground } from '../kernel/foreground.js';
import type { Principal } from '../kernel/principal.js';
import { Queue } from '../kernel/queue.js';
import { OrganizationService } from '../organizations/organization.service.js';
import { SystemService } from '../organizations/system.service.js';
import { RecordsService } from '../records/records.service.js';
import { ResultsService } from '../results/results.service.js';
import { PostureReader, type Question } from './posture.reader.js';
import { isSameStamp, type PresentStamp, type Stamp } from './stamp.js';
import { StampReader } from './stamp.reader.js';
import type { SystemStates } from './states.js';
import { TimelineMemory } from './timeline.memory.js';
import { TimelineStore } from './timeline.store.js';
import { walk } from './walk.js';

/** Before anything that this service is about (src/kernel/http/instant.ts). */
const BEGINNING = new Date(0);

/** Milliseconds after which a job of many systems goes behind those of others. */
const TURN = 10_000;

/** As far as anybody can ask for. */
const END = new Date(Date.UTC(9999, 11, 31));

export interface Recalled {
  /** By system; what is not in it has to be evaluated. */
  readonly states: ReadonlyMap<string, SystemStates>;
  /** Something that could be remembered is not. */
  readonly forgotten: boolean;
}

/**
 * What systems say by themselves, remembered. The evaluation is the truth: what is remembered was made by it, and counts only where nothing that it depends on has
 * changed since.
 */
@Injectable()
export class PostureMemory {
  constructor(
    private readonly database: Database,
    private readonly reader: PostureReader,
    private readonly stamps: StampReader,
    private readonly memory: TimelineMemory,
    private readonly timelines: TimelineStore,
    private readonly organizations: OrganizationService,
    private readonly systems: SystemService,
    private readonly results: ResultsService,
    private readonly records: RecordsService,
    private readonly queue: Queue,
    private readonly foreground: Foreground,
  ) {}

  /** Of the systems that a question is about, those of which memory has the answer. */
  async recall(tx: Tx, { ask, inScope, yardstick }: Question): Promise<Recalled> {
    // Of what there is it is the same at every instant that is asked for.
    const present = await tx.once(`stamps ${ask.systemId ?? ''}`, () => this.stamps.stamps(tx, ask.systemId));
    const { practices, controls } = yardstick.catalog;
    const items = practices.length + controls.length;
    const ids = inScope.flatMap(({ id }) => {
      const stamp = present.get(id);
      // What was known then is less than what is remembered.
      return stamp === undefined || ask.knownAt < stamp.knownSince ? [] : [id];
    });
    // Of a thousand systems a thousand arrays would be made, each with memory of its own.
    const room = new Uint16Array(items * ids.length);
    const states = new Map<string, SystemStates>();
    let right = 0;
    for await (const remembered of this.memory.recall(tx, ids)) {
      for (const [id, { stamp, timeline }] of remembered) {
        const now = present.get(id);
        if (now === undefined || !isSameStamp(now, stamp)) continue;
        const said = timeline.at(ask.asOf.getTime(), room.subarray(items * right, items * (right + 1)));
        right += 1;
        // An overlay has more items: what is remembered was made of the catalogue that was in force at its instant, as the question's is.
        if (said?.codes.length === items) states.set(id, said);
      }
    }
    return { states, forgotten: right < ids.length };
  }

  /** Asks for what of an organisation is not remembered, or no longer right. */
  async askFor(principal: Principal, systemId: string | null): Promise<void> {
    await this.database.write(principal, async (tx) => {
      const { organizationId } = tx;
      await this.queue.send(tx, 'posture', {
        organizationId,
        systemId: systemId ?? '',
        id: systemId ?? organizationId,
      });
      tx.withoutAudit('what is remembered is no news');
    });
  }

  /** Brings what is remembered of one system (null: of each) to what is known; of many at once as far as there is time, and asks for the rest. */
  async refresh(principal: Principal, systemId: string | null): Promise<void> {
    const forgotten = await this.database.readSnapshot(principal, async (tx) => {
      const known = await this.timelines.stamps(tx);
      return [...(await this.stamps.stamps(tx, systemId))].flatMap(([id, stamp]) => {
        const before = known.get(id);
        return before !== undefined && isSameStamp(before, stamp) ? [] : [id];
      });
    });
    const faults: unknown[] = [];
    const began = performance.now();
    for (const [done, id] of forgotten.entries()) {
      if (done > 0 && performance.now() - began >= TURN) {
        await this.askFor(principal, systemId);
        break;
      }
      // What comes meanwhile of the same system is remembered with it.
      const refreshed = this.foreground.giveWay(() => this.refreshSystem(principal, id));
      await refreshed.catch((error: unknown) => faults.push(error));
    }
    // One that cannot be remembered keeps none of the others from it.
    if (faults.length > 0) throw faults[0];
  }

  private async refreshSystem(principal: Principal, systemId: string): Promise<void> {
    const made = await this.database.readSnapshot(principal, async (tx) => {
      const stamp = (await this.stamps.stamps(tx, systemId)).get(systemId);
      const before = (await this.timelines.find(tx, systemId))?.stamp ?? null;
      if (stamp === undefined || (before !== null && isSameStamp(before, stamp))) return null;
      const from = await this.touched(tx, systemId, before, stamp);
      // By all that the transaction sees: nothing of it can have become known later than this.
      const knownAt = new Date(Math.max(Date.now(), stamp.knownSince.getTime()));
      const segments = await walk(from, {
        points: await this.points(tx, systemId, from, knownAt),
        see: async (asOf) => {
          const question = await this.reader.question(tx, { systemId: null, asOf, knownAt });
          const system = await this.systems.systemAsOf(tx, { asOf, knownAt }, systemId);
          return {
            yardstick: question.yardstick,
            input: await this.reader.system(tx, question, system ?? gone(systemId)),
          };
        },
      });
      return { from, segments, before, stamp };
    });
    if (made === null) return;
    await this.database.write(principal, async (tx) => {
      await this.timelines.replace(tx, systemId, made.from, made.segments, made.before, made.stamp);
      tx.withoutAudit('what is remembered is no news');
    });
  }

  /** The first instant at which what has become known since may have changed anything. */
  private async touched(tx: Tx, systemId: string, before: Stamp | null, stamp: PresentStamp): Promise<Date> {
    if (before?.basis !== stamp.basis) return BEGINNING;
    const changes = [
      await this.results.firstTold(tx, systemId, before.resultsUpto),
      await this.records.firstTold(tx, systemId, before.recordsUpto),
      ...(await this.organizations.settingsChanges(tx, before.settingsVersion)),
      ...(await this.systems.changes(tx, systemId, before.systemVersion)),
    ].filter((at) => at !== null);
    return changes.reduce((first, at) => (at < first ? at : first), END);
  }

  private async points(tx: Tx, systemId: string, from: Date, knownAt: Date): Promise<Date[]> {
    const settings = await this.organizations.settingsChanges(tx, 0);
    const limits: Question['asked']['asks']['limits'][number][] = [];
    // What counts for how long is what the settings of each time said.
    for (const asOf of [from, ...settings.filter((at) => at > from)]) {
      const question = await this.reader.question(tx, { systemId: null, asOf, knownAt });
      limits.push(...question.asked.asks.limits);
    }
    return [
      ...settings,
      ...(await this.systems.changes(tx, systemId, 0)),
      ...(await this.results.observed(tx, systemId, from)),
      ...(await this.records.changePoints(tx, systemId, from, END, limits)),
    ];
  }
}

/** A system after its retirement, or of which nothing is known yet: nobody asks for it then, and what was said of it stands. */
const gone = (id: string) => ({
  id,
  name: '',
  phiNamespaces: [],
});
