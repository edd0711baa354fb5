import { Injectable } from '@nestjs/common';
import type { Tx, WriteTx } from '../kernel/db/database.js';
import { EvidenceFinding, type FindingState } from './finding.entity.js';

/** The last that was found of an evidence. */
export interface Finding {
  evidenceId: string;
  foundAt: Date;
  state: FindingState;
  reason: string;
}

const lockName = (tx: Tx): string => `evidence-findings/${tx.organizationId}`;

/** What was found of stored bytes. There are rows of what was ever wrong alone: few, and mostly none. */
@Injectable()
export class FindingsStore {
  /**
   * Findings of an organisation are written one after another, each with a later instant than any before it (milliseconds, the resolution of the API): what becomes
   * known has an order. Held until the transaction ends.
   */
  async lock(tx: WriteTx): Promise<Date> {
    await tx.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [lockName(tx)]);
    const [row] = await tx.query<{ known: Date }>(
      `select greatest(date_trunc('milliseconds', service_clock()), max(found_at) + interval '1 millisecond') as known
       from evidence_finding where organization_id = $1`,
      [tx.organizationId],
    );
    if (row === undefined) throw new Error('no instant');
    return row.known;
  }

  /** Waits for findings that are being written. Such a transaction writes two rows, so that there is nothing to wait for for long. */
  async awaitWritten(tx: Tx): Promise<void> {
    await tx.query('select pg_advisory_xact_lock_shared(hashtextextended($1, 0))', [lockName(tx)]);
  }

  async insert(tx: WriteTx, finding: EvidenceFinding): Promise<void> {
    await tx.insert({ entity: EvidenceFinding, row: finding });
  }

  /** Of those of the evidence of which anything was ever found: the last of it. */
  async last(tx: Tx, evidenceIds: readonly string[]): Promise<Map<string, Finding>> {
    const rows = await tx.query<Finding>(
      `select distinct on (evidence_id) evidence_id as "evidenceId", found_at as "foundAt", state, reason
       from evidence_finding where organization_id = $1 and evidence_id = any ($2::uuid[])
       order by evidence_id, found_at desc`,
      [tx.organizationId, evidenceIds],
    );
    return new Map(rows.map((row) => [row.evidenceId, row]));
  }

  /** Evidence that was known at an instant to be corrupt, but for what was disposed of: its bytes are gone by a decision of two people. */
  async corrupt(tx: Tx, knownAt: Date): Promise<Set<string>> {
    const rows = await tx.query<{ id: string }>(
      `select f.id from (
         select distinct on (evidence_id) evidence_id as id, state
         from evidence_finding where organization_id = $1 and found_at <= $2
         order by evidence_id, found_at desc) f
       where f.state = 'corrupt'
         and not exists (select from evidence_disposal d where d.organization_id = $1 and d.evidence_id = f.id)`,
      [tx.organizationId, knownAt],
    );
    return new Set(rows.map(({ id }) => id));
  }

  /** When something was last found; null where nothing ever was. */
  async lastFound(tx: Tx): Promise<Date | null> {
    const [row] = await tx.query<{ last: Date | null }>(
      'select max(found_at) as last from evidence_finding where organization_id = $1',
      [tx.organizationId],
    );
    return row?.last ?? null;
  }
}
