import { Injectable } from '@nestjs/common';
import type { Row } from '../audit/account.js';
import { definedRow } from '../audit/defined-account.js';
import type { Tx, WriteTx } from '../kernel/db/database.js';
import { prepared } from '../kernel/db/prepared.js';
import { nameId } from '../kernel/ids.js';
import { CheckVersion, type ChangeState, type CheckVersionRow } from './check-version.entity.js';

/** The last version of a check, with the last definition that it had. */
export interface LastVersion {
  checkId: string;
  version: number;
  recordedAt: Date;
  recordedBy: string;
  state: ChangeState;
  reason: string | null;
  definition: object | null;
}

@Injectable()
export class ChecksStore {
  /** Changes of an organisation's checks come one after another: each sees what the one before has made. Until the end of the transaction. */
  async lock(tx: WriteTx): Promise<void> {
    await tx.execute('select pg_advisory_xact_lock(hashtextextended($1, 0))', [`checks/${tx.organizationId}`]);
  }

  /** By check. `knownAt`: of the versions that were recorded by then; null: of all. */
  last(tx: Tx, knownAt: Date | null): Promise<LastVersion[]> {
    return tx.query<LastVersion>(
      prepared(`select l.*, (select d.definition from check_version d
                    where d.organization_id = $1 and d.check_id = l."checkId" and d.version <= l.version and d.definition is not null
                    order by d.version desc limit 1) as definition
       from (
         select distinct on (check_id) check_id as "checkId", version, recorded_at as "recordedAt", recorded_by as "recordedBy", state, reason
         from check_version
         where organization_id = $1 and ($2::timestamptz is null or recorded_at <= $2)
         order by check_id, version desc
       ) l
       order by l."checkId" collate "C"`),
      [tx.organizationId, knownAt],
    );
  }

  /** How many changes there were, and when the last was recorded. */
  async lastChange(tx: Tx): Promise<{ count: number; recordedAt: Date | null }> {
    const [row] = await tx.query<{ count: number; recordedAt: Date | null }>(
      prepared(
        `select count(*)::int as count, max(recorded_at) as "recordedAt" from check_version where organization_id = $1`,
      ),
      [tx.organizationId],
    );
    return row ?? { count: 0, recordedAt: null };
  }

  /** Newest first. */
  versions(
    tx: Tx,
    checkId: string,
    page: { before: number | null; limit: number },
  ): Promise<Omit<CheckVersionRow, 'organizationId' | 'checkId'>[]> {
    return tx.query(
      `select version, recorded_at as "recordedAt", recorded_by as "recordedBy", state, definition, reason
       from check_version
       where organization_id = $1 and check_id = $2 and ($3::int is null or version < $3)
       order by version desc
       limit $4`,
      [tx.organizationId, checkId, page.before, page.limit],
    );
  }

  async insert(tx: WriteTx, row: CheckVersionRow): Promise<void> {
    await tx.insert({ entity: CheckVersion, row });
  }

  /** All versions, each of the id that its event names. There are some hundreds. */
  async rows(tx: Tx): Promise<Row[]> {
    const versions = await tx.manager.findBy(CheckVersion, { organizationId: tx.organizationId });
    return versions.map((version) => definedRow(nameId('check', version.checkId), version));
  }
}
