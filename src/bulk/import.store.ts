import { Injectable } from '@nestjs/common';
import type { Row } from '../audit/account.js';
import type { Tx, WriteTx } from '../kernel/db/database.js';
import { idsOf, rowsOf } from '../kernel/db/rows.js';
import { ROWS_DIGEST } from './rows-digest.js';
import { Import, ImportRow, type ImportOutcome, type ImportStatus } from './import.entity.js';

export type ImportedRow = Pick<Import, keyof Import>;

export interface RowOutcome {
  number: number;
  outcome: ImportOutcome;
  recordId: string | null;
  version: number | null;
}

@Injectable()
export class ImportStore {
  /** False where the same bytes are an import that stands. */
  insert(tx: WriteTx, row: ImportedRow): Promise<boolean> {
    return tx.insertUnlessThere({ entity: Import, row });
  }

  find(tx: Tx, id: string): Promise<ImportedRow | null> {
    return tx.manager.findOneBy(Import, { organizationId: tx.organizationId, id });
  }

  ids(tx: Tx, after: string | null, limit: number): Promise<string[]> {
    return idsOf(tx, Import, 'id', after, limit);
  }

  byIds(tx: Tx, ids: readonly string[]): Promise<ImportedRow[]> {
    return rowsOf(tx, Import, 'id', ids);
  }

  /** Of imports that have rows. */
  idsOfRows(tx: Tx, after: string | null, limit: number): Promise<string[]> {
    return idsOf(tx, ImportRow, 'importId', after, limit);
  }

  /** What the rows of each import say together. */
  async rowsOfEach(tx: Tx, importIds: readonly string[]): Promise<Row[]> {
    const rows = await tx.query<{ id: string; rowsDigest: string; counts: Record<string, number> }>(
      `select i.id, r.*
       from unnest($2::uuid[]) as i(id) cross join lateral (
         select ${ROWS_DIGEST} as "rowsDigest", jsonb_build_object(
           'created', count(*) filter (where outcome = 'created'), 'changed', count(*) filter (where outcome = 'changed'),
           'unchanged', count(*) filter (where outcome = 'unchanged'), 'draft', count(*) filter (where outcome = 'draft')) as counts
         from import_row where organization_id = $1 and import_id = i.id
       ) r where r."rowsDigest" is not null`,
      [tx.organizationId, importIds],
    );
    return rows.map(({ id, rowsDigest, counts }) => ({ id, key: '', says: { rowsDigest, ...counts } }));
  }

  /** Locked until the transaction ends. */
  lock(tx: WriteTx, id: string): Promise<ImportedRow | null> {
    return tx.manager.findOne(Import, {
      where: { organizationId: tx.organizationId, id },
      lock: { mode: 'pessimistic_write' },
    });
  }

  /** The import that the same bytes are. */
  findStanding(
    tx: Tx,
    { type, evidenceId, sheet, register }: Pick<ImportedRow, 'type' | 'evidenceId' | 'sheet' | 'register'>,
  ): Promise<ImportedRow | null> {
    return tx.manager
      .createQueryBuilder(Import, 'i')
      .where(
        `i.organization_id = :organizationId and i.type = :type and i.evidence_id = :evidenceId and i.sheet = :sheet and i.register = :register
         and not i.dry_run and i.status in ('received', 'applied', 'approved')`,
        { organizationId: tx.organizationId, type, evidenceId, sheet, register },
      )
      .getOne();
  }

  /** Newest first. */
  list(
    tx: Tx,
    filter: { status: ImportStatus | undefined; before: string | null; limit: number },
  ): Promise<ImportedRow[]> {
    const query = tx.manager
      .createQueryBuilder(Import, 'i')
      .where('i.organization_id = :organizationId', { organizationId: tx.organizationId });
    if (filter.status !== undefined) query.andWhere('i.status = :status', { status: filter.status });
    if (filter.before !== null) query.andWhere('i.id < :before', { before: filter.before });
    return query.orderBy('i.id', 'DESC').limit(filter.limit).getMany();
  }

  async change(tx: WriteTx, id: string, changed: Partial<ImportedRow>): Promise<void> {
    await tx.update(Import, { organizationId: tx.organizationId, id }, changed);
  }

  async insertRows(tx: WriteTx, importId: string, rows: readonly RowOutcome[]): Promise<void> {
    await tx.execute(
      `insert into import_row (organization_id, import_id, number, outcome, record_id, version)
       select $1, $2, number, outcome, record_id, version
       from unnest($3::integer[], $4::text[], $5::uuid[], $6::integer[]) as r(number, outcome, record_id, version)`,
      [
        tx.organizationId,
        importId,
        rows.map(({ number }) => number),
        rows.map(({ outcome }) => outcome),
        rows.map(({ recordId }) => recordId),
        rows.map(({ version }) => version),
      ],
    );
  }

  /** By number. */
  rows(
    tx: Tx,
    importId: string,
    filter: { outcomes: readonly ImportOutcome[]; after: number; limit: number },
  ): Promise<RowOutcome[]> {
    return tx.query<RowOutcome>(
      `select number, outcome, record_id as "recordId", version from import_row
       where organization_id = $1 and import_id = $2 and outcome = any ($3::text[]) and number > $4
       order by number
       limit $5`,
      [tx.organizationId, importId, filter.outcomes, filter.after, filter.limit],
    );
  }
}
