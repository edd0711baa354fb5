import { Inject, Injectable } from '@nestjs/common';
import type { Logger } from 'pino';
import type { Compared, Comparison, Difference } from '../audit/account.js';
import { Accounts } from '../audit/accounts.js';
import { AuditService, type RowEvent } from '../audit/audit.service.js';
import type { ObjectKind } from '../audit/event.js';
import { EventComparisons } from '../audit/event-comparisons.js';
import { Clock } from '../kernel/clock.js';
import { Database, type Tx } from '../kernel/db/database.js';
import { Refusal } from '../kernel/http/problem.js';
import { reasonOf } from '../kernel/http/outbound.js';
import { nameId } from '../kernel/ids.js';
import { LOGGER } from '../kernel/logger.js';
import { servicePrincipal, type Principal } from '../kernel/principal.js';
import { NoticesService } from '../notices/notices.service.js';
import { ReconciliationStore, type AlteredRows } from './reconciliation.store.js';
import type { RowState } from './row-finding.entity.js';

export type { AlteredRows };

/** What was found of a table. */
interface Found {
  readonly differences: readonly Difference[];
  /** Whether that is all. */
  readonly isWhole: boolean;
}

interface News extends Difference {
  readonly state: RowState;
  /** By the last event about it, which cannot be taken back; a row can. */
  readonly isTold: boolean;
  readonly isKept: boolean;
}

/** Of one table. Whoever has altered more finds that in the log as well. */
const MAX_ALTERED = 1_000;

/**
 * Compares rows with what they follow from: the events about them, or other rows. Triggers and rights keep the service from changing rows without an event; what a superuser has done past
 * them is found here. It is an event and a notice, and a row, so that it is said once, and until it is put right.
 */
@Injectable()
export class ReconciliationService {
  constructor(
    private readonly database: Database,
    private readonly store: ReconciliationStore,
    private readonly audit: AuditService,
    private readonly notices: NoticesService,
    private readonly clock: Clock,
    @Inject(LOGGER) private readonly logger: Logger,
    private readonly ofEvents: EventComparisons,
    private readonly accounts: Accounts,
  ) {}

  private get comparisons(): readonly Comparison[] {
    return [...this.ofEvents.all, ...this.accounts.comparisons];
  }

  /** The tables whose rows are compared. */
  get tables(): string[] {
    return this.comparisons.map(({ table }) => table);
  }

  /** Of all tables of the principal's organisation: where the database does not answer for one, all others are compared before that is an error. Safe to run twice, and by several at once. */
  async examine({ organizationId, requestId }: Principal): Promise<void> {
    const principal = servicePrincipal('reconciliation', organizationId, requestId);
    const begun = this.clock.now();
    const known = await this.database.read(principal, (tx) => this.known(tx));
    const failures: unknown[] = [];
    let areWhole = true;
    for (const comparison of this.comparisons) {
      try {
        const found = await this.compare(principal, comparison);
        areWhole &&= found.isWhole;
        if (newsOf(comparison, found, known).length > 0) await this.record(principal, comparison, found);
      } catch (error) {
        failures.push(error);
      }
    }
    // Of each the queue asks again; the first is told, as the others mostly have its cause.
    if (failures.length > 0) throw failures[0];
    if (!areWhole) return;
    await this.database.write(principal, async (tx) => {
      await this.store.keepCompared(tx, begun);
      tx.withoutAudit('what was found is recorded when it is found');
    });
  }

  /** What was found and not found right since, by table and object. */
  altered(tx: Tx): Promise<AlteredRows[]> {
    return this.store.altered(tx);
  }

  /** All rows were compared after that instant; null: never yet. */
  lastCompared(tx: Tx): Promise<Date | null> {
    return this.store.lastCompared(tx);
  }

  organizations(tx: Tx): Promise<string[]> {
    return this.store.organizations(tx);
  }

  /** A row that cannot be read is no reason to say nothing of all others: that its table could not be compared is found of the organisation. */
  private async compare(principal: Principal, comparison: Comparison): Promise<Found> {
    const differences: Difference[] = [];
    let after: string | null = null;
    do {
      const from: string | null = after;
      let page: Compared;
      try {
        // Rows and events of one snapshot: a change and its event are seen together, or neither.
        page = await this.database.readSnapshot(principal, (tx) => comparison.page(tx, from));
      } catch (error) {
        const { organizationId } = principal;
        if (error instanceof Refusal || organizationId === null) throw error;
        this.logger.error({ organizationId, table: comparison.table, reason: reasonOf(error) }, 'rows cannot be read');
        return { differences: [...differences, { id: organizationId, reason: UNREADABLE }], isWhole: false };
      }
      differences.push(...page.found);
      after = page.next;
    } while (after !== null && differences.length < MAX_ALTERED);
    return { differences: differences.slice(0, MAX_ALTERED), isWhole: differences.length < MAX_ALTERED };
  }

  private async known(tx: Tx): Promise<Known> {
    return { rows: await this.store.altered(tx), events: await this.audit.findRowEvents(tx) };
  }

  private async record(principal: Principal, comparison: Comparison, found: Found): Promise<void> {
    const { table, kind } = comparison;
    await this.database.write(principal, async (tx) => {
      const foundAt = await this.store.lock(tx);
      const all = newsOf(comparison, found, await this.known(tx));
      if (all.length === 0) {
        tx.withoutAudit('somebody else has found it meanwhile');
        return;
      }
      const { organizationId } = tx;
      const kept = all.filter(({ isKept }) => !isKept);
      const told = all.filter(({ isTold }) => !isTold);
      if (kept.length > 0) {
        await this.store.insert(
          tx,
          kept.map(({ id, reason, state }) => ({
            ...{ organizationId, tableName: table, objectKind: kind, objectId: id, foundAt, state, reason },
          })),
        );
      }
      if (told.length === 0) {
        tx.withoutAudit('the log says it already');
        return;
      }
      await this.audit.recordAll(
        tx,
        told.map(({ id, reason, state }) => ({
          action: state === 'altered' ? ('row.altered' as const) : ('row.restored' as const),
          object: { kind, id, table },
          outcome: state === 'altered' ? ('failure' as const) : ('success' as const),
          details: { table, reason },
          at: foundAt,
        })),
      );
      const altered = told.filter(({ state }) => state === 'altered').map(({ id }) => id);
      if (altered.length === 0) return;
      this.logger.error({ organizationId, table, objects: altered.length }, 'rows are not what their events say');
      if (!(await this.store.hasOrganization(tx))) return;
      await this.notices.tell(tx, [
        {
          id: nameId('notice', organizationId, 'row.altered', table, foundAt.toISOString()),
          type: 'row.altered',
          subject: 'log/altered-rows',
          at: foundAt,
          data: { table, kind, objects: altered.slice(0, MAX_TOLD) },
        },
      ]);
    });
  }
}

/** What was found before, by rows and by the log. */
interface Known {
  readonly rows: readonly AlteredRows[];
  readonly events: readonly RowEvent[];
}

function newsOf({ table, kind }: Comparison, { differences: found, isWhole }: Found, known: Known): News[] {
  const isFound = new Set(found.map(({ id }) => id));
  const inRows = new Set(known.rows.filter((row) => row.table === table).map(({ id }) => id));
  const { named, unnamed } = alteredBy(known.events, kind, table);
  const inLog = new Set([...named, ...unnamed]);
  const right = isWhole ? [...new Set([...inRows, ...inLog])].filter((id) => !isFound.has(id)) : [];
  return [
    ...found.map((one): News => ({
      ...one,
      state: 'altered',
      isTold: named.has(one.id),
      isKept: inRows.has(one.id),
    })),
    ...right.map((id): News => ({
      ...{ id, reason: RESTORED, state: 'restored' },
      ...{ isTold: !inLog.has(id), isKept: !inRows.has(id) },
    })),
  ].filter(({ isTold, isKept }) => !isTold || !isKept);
}

/** Objects whose rows in a table the log says were altered, and not since that they are right; `unnamed`: by events from before they named the table. */
function alteredBy(
  events: readonly RowEvent[],
  kind: ObjectKind,
  table: string,
): { named: Set<string>; unnamed: Set<string> } {
  const altered = { named: new Set<string>(), unnamed: new Set<string>() };
  for (const { action, object } of events) {
    if (object.kind !== kind || (object.table ?? table) !== table) continue;
    if (action === 'row.altered') altered[object.table === undefined ? 'unnamed' : 'named'].add(object.id);
    else for (const ids of [altered.named, altered.unnamed]) ids.delete(object.id);
  }
  return altered;
}

const UNREADABLE = 'not all rows are compared, as one of them, or of what they follow from, cannot be read';
const RESTORED = 'They are again what they follow from.';
const MAX_TOLD = 100;
