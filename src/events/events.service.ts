import { Injectable } from '@nestjs/common';
import { Clock } from '../kernel/clock.js';
import type { Tx, WriteTx } from '../kernel/db/database.js';
import type { EventRow } from './events.entity.js';
import { EventsStore, type Delivery, type EventFilter } from './events.store.js';

@Injectable()
export class EventsService {
  constructor(
    private readonly store: EventsStore,
    private readonly clock: Clock,
  ) {}

  /** Keeps what lies in the staging table (staged-event.ts) as known from `known` on, and says how many of the events were new. */
  keep(tx: WriteTx, delivery: Delivery, known: Date): Promise<number> {
    return this.store.insertStaged(tx, delivery, known);
  }

  /** What «now» means for a question that names an instant of knowledge. */
  present(tx: Tx): Promise<Date> {
    return this.store.present(tx, this.clock.now());
  }

  findEvents(tx: Tx, systemId: string, filter: EventFilter): Promise<EventRow[]> {
    return this.store.list(tx, systemId, filter);
  }
}
