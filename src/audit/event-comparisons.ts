import { Injectable } from '@nestjs/common';
import type { Comparison } from './account.js';
import { AuditStore, type EventFault } from './audit.store.js';

/** Events that one statement looks at. */
const PAGE = 10_000;

/**
 * Events are looked up by columns beside their text, which alone is in the log, and what they say is in their details: before rows are compared with events, these are. What an event
 * whose details are gone has said nobody can compare, so that it has to be said that they were erased.
 */
@Injectable()
export class EventComparisons {
  readonly all: readonly Comparison[];

  constructor(store: AuditStore) {
    const of = (table: string, fault: EventFault, reason: string): Comparison => ({
      table,
      kind: 'event',
      async page(tx, after) {
        const { ids, last } = await store.faulty(tx, fault, after, PAGE);
        return { found: ids.map((id) => ({ id, reason })), next: last };
      },
    });
    this.all = [
      of('audit_event', 'altered', 'the columns are not what the text of the event says'),
      of('audit_detail', 'bare', 'the row is gone, and no event says that it was erased'),
    ];
  }
}
