import { Injectable } from '@nestjs/common';
import { AgreementsService } from '../agreements/agreements.service.js';
import { Database, type WriteTx } from '../kernel/db/database.js';
import type { Instant } from '../kernel/http/instant.js';
import type { Principal } from '../kernel/principal.js';
import { Queue } from '../kernel/queue.js';
import { PostureService } from '../posture/posture.service.js';
import { WorkService } from '../posture/work.service.js';
import { RecordsService } from '../records/records.service.js';
import { NoticesService } from './notices.service.js';
import { NoticesStore } from './notices.store.js';
import { lookedAt, type Sight } from './signals.js';
import { Sources } from './sources.service.js';
import { WebhooksService } from './webhooks.service.js';

/** Seconds after which an organisation is looked at again where nothing has asked for it: what a date alone changes is told so late at most. */
const AGAIN = 900;

const LOOKING = 'looking changes nothing that anybody is told';

/** Looks at an organisation, and has told what has changed since it was last looked at. Of one that nobody is to be told of anything nothing is looked at. */
@Injectable()
export class Lookout {
  constructor(
    private readonly database: Database,
    private readonly webhooks: WebhooksService,
    private readonly notices: NoticesService,
    private readonly store: NoticesStore,
    private readonly posture: PostureService,
    private readonly work: WorkService,
    private readonly records: RecordsService,
    private readonly agreements: AgreementsService,
    private readonly sources: Sources,
    private readonly queue: Queue,
  ) {}

  /** Safe to run twice, and by several at once: who saw the later instant counts. */
  async look(principal: Principal): Promise<void> {
    const told = await this.database.read(principal, (tx) => this.webhooks.told(tx));
    if (told.length === 0) return;
    const sight = await this.sight(principal);
    await this.database.write(principal, async (tx) => {
      tx.withoutAudit(LOOKING);
      const last = await this.store.lockState(tx);
      if (last === null || last.seenAt < sight.at) {
        const { notices, levels } = lookedAt(tx.organizationId, sight, last?.levels ?? null);
        // What there was before anybody looked is no news.
        await (last === null ? this.notices.keep(tx, notices) : this.notices.tell(tx, notices));
        await this.store.keepState(tx, sight.at, levels);
      }
      await this.send(tx, AGAIN);
    });
  }

  async lookSoon(principal: Principal): Promise<void> {
    await this.database.write(principal, async (tx) => {
      tx.withoutAudit(LOOKING);
      await this.send(tx, 0);
    });
  }

  async lookLater(principal: Principal): Promise<void> {
    await this.database.write(principal, async (tx) => {
      tx.withoutAudit(LOOKING);
      await this.send(tx, AGAIN);
    });
  }

  private send(tx: WriteTx, after: number): Promise<void> {
    const { organizationId } = tx;
    return this.queue.send(tx, 'notice', { organizationId, systemId: '', id: organizationId }, { after });
  }

  private async sight(principal: Principal): Promise<Sight> {
    const at = await this.posture.present(principal, null);
    const instant: Instant = { asOf: at, knownAt: at };
    const { document } = await this.posture.evaluate(principal, { systemId: null, ...instant });
    const work = await this.work.listKnown(principal, { systemId: null, ...instant });
    const { ended, waiting, coming } = await this.database.readSnapshot(principal, async (tx) => ({
      ended: await this.agreements.endedOpen(tx, instant),
      coming: await this.sources.coming(tx, instant),
      waiting: await this.records.waiting(tx),
    }));
    const statuses = new Map(document.controls.map(({ id, status }) => [id, status]));
    return { at, statuses, work, ended, waiting, coming };
  }
}
