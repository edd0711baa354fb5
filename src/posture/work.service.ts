import { Injectable } from '@nestjs/common';
import { Database } from '../kernel/db/database.js';
import type { Principal } from '../kernel/principal.js';
import { RecordsService } from '../records/records.service.js';
import { evaluateAlone, evaluateSystem } from './evaluate.js';
import { emptyPart } from './needs.js';
import { PostureReader, type PostureAsk } from './posture.reader.js';
import { WorkList, type WorkItem } from './work-list.js';

/** References to evidence are not part of the list. */
const NO_EVIDENCE = 0;

@Injectable()
export class WorkService {
  constructor(
    private readonly database: Database,
    private readonly reader: PostureReader,
    private readonly records: RecordsService,
  ) {}

  /** «Now» for a question that names no instant. */
  present(principal: Principal, systemId: string | null): Promise<Date> {
    return this.database.read(principal, (tx) => this.reader.present(tx, systemId));
  }

  /** All of it, in the order in which it is to be done. `isOfNow`: what waits for a decision is told of now alone. */
  async list(principal: Principal, ask: PostureAsk, isOfNow: boolean): Promise<WorkItem[]> {
    return this.database.readSnapshot(principal, async (tx) => {
      const question = await this.reader.question(tx, ask);
      const { yardstick, inScope, settings } = question;
      const whole = await this.reader.whole(tx, question);
      const list = new WorkList(yardstick);
      for (const system of inScope) {
        const input = await this.reader.system(tx, question, system);
        list.add(system.id, evaluateSystem(yardstick, input, whole, NO_EVIDENCE), input.part, whole);
      }
      if (inScope.length === 0) {
        list.add(null, evaluateAlone(yardstick, whole), emptyPart(yardstick.asks, null), whole);
      }
      if (isOfNow && ask.systemId === null) {
        for (const waiting of await this.records.waiting(tx)) list.addWaiting(waiting);
      }
      const owners = await this.records.owners(tx, list.records(), ask.knownAt);
      return list.items(owners, settings.settings.owners);
    });
  }

  /** The final answer for two instants: waits for merges and decisions under way. */
  async listKnown(principal: Principal, ask: PostureAsk): Promise<WorkItem[]> {
    await this.reader.awaitKnown(principal, ask);
    return this.list(principal, ask, false);
  }
}
