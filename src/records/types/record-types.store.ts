import { Injectable } from '@nestjs/common';
import type { Row } from '../../audit/account.js';
import { definedRow } from '../../audit/defined-account.js';
import type { Tx, WriteTx } from '../../kernel/db/database.js';
import { prepared } from '../../kernel/db/prepared.js';
import { nameId } from '../../kernel/ids.js';
import { RecordTypeVersion, type RecordTypeVersionRow } from './record-type-version.entity.js';

/** A change of a type as it was recorded. */
export type TypeChangeRow = Omit<RecordTypeVersionRow, 'organizationId'>;

/** The last version of a type, with the last definition that it had. */
export interface LastChange extends TypeChangeRow {
  lastDefinition: object;
}

@Injectable()
export class RecordTypesStore {
  /** By type. `knownAt`: of the versions that were recorded by then; null: of all. `type`: of that one alone. */
  last(tx: Tx, knownAt: Date | null, type: string | null = null): Promise<LastChange[]> {
    return tx.query<LastChange>(
      prepared(`select l.*, (select d.definition from record_type_version d
                    where d.organization_id = $1 and d.type = l.type and d.version <= l.version and d.definition is not null
                    order by d.version desc limit 1) as "lastDefinition"
       from (
         select distinct on (type) type, version, recorded_at as "recordedAt", recorded_by as "recordedBy", state, definition, reason
         from record_type_version
         where organization_id = $1 and ($2::timestamptz is null or recorded_at <= $2) and ($3::text is null or type = $3)
         order by type, version desc
       ) l
       order by l.type collate "C"`),
      [tx.organizationId, knownAt, type],
    );
  }

  /** How many changes there were, and when the last was recorded. */
  async lastChange(tx: Tx): Promise<{ count: number; recordedAt: Date | null }> {
    const [row] = await tx.query<{ count: number; recordedAt: Date | null }>(
      prepared(
        `select count(*)::int as count, max(recorded_at) as "recordedAt" from record_type_version where organization_id = $1`,
      ),
      [tx.organizationId],
    );
    return row ?? { count: 0, recordedAt: null };
  }

  /** Newest first. */
  versions(tx: Tx, type: string, page: { before: number | null; limit: number }): Promise<TypeChangeRow[]> {
    return tx.query(
      `select type, version, recorded_at as "recordedAt", recorded_by as "recordedBy", state, definition, reason
       from record_type_version
       where organization_id = $1 and type = $2 and ($3::int is null or version < $3)
       order by version desc
       limit $4`,
      [tx.organizationId, type, page.before, page.limit],
    );
  }

  /** Of two that add the same version the second fails by the constraint `record_type_version_pk`. */
  async insert(tx: WriteTx, row: RecordTypeVersionRow): Promise<void> {
    await tx.insert({ entity: RecordTypeVersion, row });
  }

  /** All versions, each of the id that its event names. There are some hundreds. */
  async rows(tx: Tx): Promise<Row[]> {
    const versions = await tx.manager.findBy(RecordTypeVersion, { organizationId: tx.organizationId });
    return versions.map((version) => definedRow(nameId('record_type', version.type), version));
  }
}
