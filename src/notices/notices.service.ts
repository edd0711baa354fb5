import { Injectable } from '@nestjs/common';
import type { Tx, WriteTx } from '../kernel/db/database.js';
import { DeliveriesService } from './deliveries.service.js';
import type { Notice } from './events.js';
import { NoticesStore, type NoticeFilter } from './notices.store.js';

/** What happened, kept once, and told to whoever wants to know. */
@Injectable()
export class NoticesService {
  constructor(
    private readonly store: NoticesStore,
    private readonly deliveries: DeliveriesService,
  ) {}

  /** Newest first. */
  list(tx: Tx, filter: NoticeFilter): Promise<Notice[]> {
    return this.store.list(tx, filter);
  }

  /** In the transaction in which it came about: it is told if and only if it did. What was told already is not told again. */
  async tell(tx: WriteTx, notices: readonly Notice[]): Promise<void> {
    const added = await this.store.add(tx, notices);
    await this.deliveries.begin(
      tx,
      notices.filter(({ id }) => added.has(id)),
    );
  }

  /** Keeps what was so before anybody looked: it is found, and is no news. */
  async keep(tx: WriteTx, notices: readonly Notice[]): Promise<void> {
    await this.store.add(tx, notices);
  }
}
