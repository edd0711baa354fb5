import { Inject, Injectable } from '@nestjs/common';
import type { Logger } from 'pino';
import { comparisonOf, type Compared, type Comparison, type Difference } from '../audit/account.js';
import { AuditService } from '../audit/audit.service.js';
import { EventComparisons } from '../audit/event-comparisons.js';
import { CheckAccounts } from '../checks/accounts.js';
import { EngagementAccounts } from '../engagements/accounts.js';
import { Database, type Tx } from '../kernel/db/database.js';
import { nameId } from '../kernel/ids.js';
import { LOGGER } from '../kernel/logger.js';
import { servicePrincipal, type Principal } from '../kernel/principal.js';
import { WebhookAccounts } from '../notices/accounts.js';
import { NoticesService } from '../notices/notices.service.js';
import { OrganizationAccounts } from '../organizations/accounts.js';
import { RecordAccounts } from '../records/accounts.js';
import { RecordTypeAccounts } from '../records/types/accounts.js';
import { ReconciliationStore, type AlteredRows } from './reconciliation.store.js';
import type { RowState } from './row-finding.entity.js';

export type { AlteredRows };

interface News extends Difference {
  readonly state: RowState;
}

/** Of one table. Whoever has altered more finds that in the log as well. */
const MAX_ALTERED = 1_000;

/**
 * Compares rows with what they follow from: the events about them, or other rows. Triggers and rights keep the service from changing rows without an event; what a superuser has done past
 * them is found here. It is an event and a notice, and a row, so that it is said once, and until it is put right.
 */
@Injectable()
export class ReconciliationService {
  private readonly comparisons: readonly Comparison[];

  constructor(
    private readonly database: Database,
    private readonly store: ReconciliationStore,
    private readonly audit: AuditService,
    private readonly notices: NoticesService,
    @Inject(LOGGER) private readonly logger: Logger,
    ofEvents: EventComparisons,
    ofOrganizations: OrganizationAccounts,
    ofEngagements: EngagementAccounts,
    ofChecks: CheckAccounts,
    ofRecordTypes: RecordTypeAccounts,
    ofRecords: RecordAccounts,
    ofWebhooks: WebhookAccounts,
  ) {
    const rooms = [ofOrganizations, ofEngagements, ofChecks, ofRecordTypes, ofRecords, ofWebhooks];
    this.comparisons = [...ofEvents.all, ...rooms.flatMap(({ all }) => all.map(comparisonOf))];
  }

  /** The tables whose rows are compared. */
  get tables(): string[] {
    return this.comparisons.map(({ table }) => table);
  }

  /** Of all tables of the principal's organisation. Safe to run twice, and by several at once. */
  async examine({ organizationId, requestId }: Principal): Promise<void> {
    const principal = servicePrincipal('reconciliation', organizationId, requestId);
    for (const comparison of this.comparisons) {
      await this.record(principal, comparison, await this.compare(principal, comparison));
    }
  }

  /** What was found and not found right since, by table and object. */
  altered(tx: Tx): Promise<AlteredRows[]> {
    return this.store.altered(tx);
  }

  organizations(tx: Tx): Promise<string[]> {
    return this.store.organizations(tx);
  }

  private async compare(principal: Principal, comparison: Comparison): Promise<Difference[]> {
    const found: Difference[] = [];
    let after: string | null = null;
    do {
      const from: string | null = after;
      // Rows and events of one snapshot: a change and its event are seen together, or neither.
      const page: Compared = await this.database.readSnapshot(principal, (tx) => comparison.page(tx, from));
      found.push(...page.found);
      after = page.next;
    } while (after !== null && found.length < MAX_ALTERED);
    return found.slice(0, MAX_ALTERED);
  }

  private async record(principal: Principal, { table, kind }: Comparison, found: readonly Difference[]): Promise<void> {
    const reasonOf = new Map(found.map(({ id, reason }) => [id, reason]));
    const isWhole = found.length < MAX_ALTERED;
    const news = async (tx: Tx): Promise<News[]> => {
      const known = await this.store.altered(tx, table);
      const isKnown = new Set(known.map(({ id }) => id));
      return [
        ...found.filter(({ id }) => !isKnown.has(id)).map((one): News => ({ ...one, state: 'altered' })),
        ...known
          .filter(({ id }) => isWhole && !reasonOf.has(id))
          .map(({ id }): News => ({ id, reason: RESTORED, state: 'restored' })),
      ];
    };
    if ((await this.database.read(principal, news)).length === 0) return;
    await this.database.write(principal, async (tx) => {
      const foundAt = await this.store.lock(tx);
      const all = await news(tx);
      if (all.length === 0) {
        tx.withoutAudit('somebody else has found it meanwhile');
        return;
      }
      const { organizationId } = tx;
      await this.store.insert(
        tx,
        all.map(({ id, reason, state }) => ({
          ...{ organizationId, tableName: table, objectKind: kind, objectId: id, foundAt, state, reason },
        })),
      );
      await this.audit.recordAll(
        tx,
        all.map(({ id, reason, state }) => ({
          action: state === 'altered' ? ('row.altered' as const) : ('row.restored' as const),
          object: { kind, id },
          outcome: state === 'altered' ? ('failure' as const) : ('success' as const),
          details: { table, reason },
          at: foundAt,
        })),
      );
      const altered = all.filter(({ state }) => state === 'altered').map(({ id }) => id);
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

const RESTORED = 'They are again what they follow from.';
const MAX_TOLD = 100;
