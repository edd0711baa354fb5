import { Injectable } from '@nestjs/common';
import type { ObjectKind } from '../audit/event.js';
import type { Tx, WriteTx } from '../kernel/db/database.js';
import { RowComparison } from './row-comparison.entity.js';
import { RowFinding } from './row-finding.entity.js';

/** Rows of an object that were found to be another thing than what they follow from, and not found right since. */
export interface AlteredRows {
  readonly table: string;
  readonly kind: ObjectKind;
  readonly id: string;
  readonly foundAt: Date;
  readonly reason: string;
}

@Injectable()
export class ReconciliationStore {
  /** Findings of an organisation are written one after another; until the end of the transaction. */
  async lock(tx: WriteTx): Promise<Date> {
    await tx.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [`row-findings/${tx.organizationId}`]);
    const [row] = await tx.query<{ known: Date }>(
      `select greatest(date_trunc('milliseconds', service_clock()), max(found_at) + interval '1 millisecond') as known
       from row_finding where organization_id = $1`,
      [tx.organizationId],
    );
    if (row === undefined) throw new Error('no instant');
    return row.known;
  }

  insert(tx: WriteTx, findings: readonly RowFinding[]): Promise<void> {
    return tx.insert(...findings.map((row) => ({ entity: RowFinding, row })));
  }

  /** By table and object. */
  altered(tx: Tx): Promise<AlteredRows[]> {
    return tx.query<AlteredRows>(
      `select "table", kind, id, "foundAt", reason from (
         select distinct on (table_name, object_id) table_name as "table", object_kind as kind, object_id as id, found_at as "foundAt", state, reason
         from row_finding where organization_id = $1
         order by table_name, object_id, found_at desc
       ) last where state = 'altered'`,
      [tx.organizationId],
    );
  }

  /** That all rows were compared after an instant. */
  async keepCompared(tx: WriteTx, comparedAt: Date): Promise<void> {
    await tx.execute(
      `insert into row_comparison (organization_id, compared_at) values ($1, $2)
       on conflict (organization_id) do update set compared_at = excluded.compared_at`,
      [tx.organizationId, comparedAt],
    );
  }

  async lastCompared(tx: Tx): Promise<Date | null> {
    const row = await tx.manager.findOneBy(RowComparison, { organizationId: tx.organizationId });
    return row?.comparedAt ?? null;
  }

  /** Whether the organisation's own row is there: without it nothing refers to it, a notice neither. */
  async hasOrganization(tx: Tx): Promise<boolean> {
    return (await tx.query('select from organization where organization_id = $1', [tx.organizationId])).length > 0;
  }

  /** Of all (the policies `program` and `reconciliation`), also where the organisation's own row is gone. */
  async organizations(tx: Tx): Promise<string[]> {
    await tx.query(`select set_config('app.program', 'reconciliation', true)`);
    const rows = await tx.query<{ id: string }>(
      'select organization_id as id from organization union select organization_id from log_state order by 1',
    );
    return rows.map(({ id }) => id);
  }
}
