import { Injectable } from '@nestjs/common';
import type { Tx, WriteTx } from '../kernel/db/database.js';
import type { EventCategory, EventSeverity } from './event.js';
import { EventRow } from './events.entity.js';
import { EVENT_STAGING } from './staged-event.js';

/** The scan that delivers events. */
export interface Delivery {
  systemId: string;
  scanId: string;
  /** The report's own bytes. */
  evidenceId: string;
}

export interface EventFilter {
  category?: EventCategory | undefined;
  severity?: EventSeverity | undefined;
  source?: string | undefined;
  namespace?: string | undefined;
  /** At or after. */
  from?: Date | undefined;
  /** Before. */
  to?: Date | undefined;
  /** Null: all that is known. */
  knownAt: Date | null;
  /** Sort key of the last event of the page before; events come newest first. */
  before: readonly [at: string, id: string] | null;
  limit: number;
}

@Injectable()
export class EventsStore {
  /** Takes what lies staged, and says how many of them were not known before. An event that comes twice, in one report or in two, is kept once. */
  insertStaged(tx: WriteTx, { systemId, scanId, evidenceId }: Delivery, known: Date): Promise<number> {
    return tx.execute(
      `insert into event (organization_id, system_id, at, id, source, native_id, category, severity, actor, action, resource, namespace,
                          status_code, source_ip, scan_id, evidence_id, known_at)
       select $1, $2, at, id, source, native_id, category, severity, actor, action, resource, namespace,
              status_code, source_ip, $3, $4, $5
       from ${EVENT_STAGING}
       on conflict do nothing`,
      [tx.organizationId, systemId, scanId, evidenceId, known],
    );
  }

  /** The later of our clock and the database's, by which «known at» is told: what has been acknowledged is known by then, whoever's clock is behind. */
  async present(tx: Tx, now: Date): Promise<Date> {
    const [row] = await tx.query<{ present: Date }>(
      `select greatest($1::timestamptz, date_trunc('milliseconds', service_clock())) as present`,
      [now],
    );
    if (row === undefined) throw new Error('no instant');
    return row.present;
  }

  /** Newest first. */
  list(tx: Tx, systemId: string, filter: EventFilter): Promise<EventRow[]> {
    const { category, severity, source, namespace, from, to, knownAt, before, limit } = filter;
    const query = tx.manager
      .createQueryBuilder(EventRow, 'e')
      .where('e.organization_id = :organizationId and e.system_id = :systemId', {
        organizationId: tx.organizationId,
        systemId,
      });
    if (category !== undefined) query.andWhere('e.category = :category', { category });
    if (severity !== undefined) query.andWhere('e.severity = :severity', { severity });
    if (source !== undefined) query.andWhere('e.source = :source', { source });
    if (namespace !== undefined) query.andWhere('e.namespace = :namespace', { namespace });
    if (from !== undefined) query.andWhere('e.at >= :from', { from });
    if (to !== undefined) query.andWhere('e.at < :to', { to });
    if (knownAt !== null) query.andWhere('e.known_at <= :knownAt', { knownAt });
    if (before !== null) query.andWhere('(e.at, e.id) < (:at, :id)', { at: before[0], id: before[1] });
    return query.orderBy('e.at', 'DESC').addOrderBy('e.id', 'DESC').limit(limit).getMany();
  }
}
