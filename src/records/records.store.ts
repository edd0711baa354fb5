import { Injectable } from '@nestjs/common';
import { brokenConstraint, type Tx, type WriteTx } from '../kernel/db/database.js';
import { Refusal } from '../kernel/http/problem.js';
import type { VersionRef } from './interval.store.js';
import type { Move } from './moves.js';
import { RecordDocumentRow, RecordEntity, RecordVersion, type RecordMove } from './record.entity.js';

/** A record as plain data. */
export type RecordRow = Pick<RecordEntity, keyof RecordEntity>;
export type VersionRow = Pick<RecordVersion, keyof RecordVersion>;

export type MoveRow = Pick<RecordMove, 'version' | 'number' | 'move' | 'at' | 'by' | 'reason'>;

export interface Decision {
  known: Date;
  /** The member who decided, and the person that the member is. */
  by: string;
  person: string;
}

@Injectable()
export class RecordsStore {
  find(tx: Tx, id: string): Promise<RecordRow | null> {
    return tx.manager.findOneBy(RecordEntity, { organizationId: tx.organizationId, id });
  }

  /** Locked until the transaction ends: of two moves the second sees what the first has made. */
  lock(tx: WriteTx, id: string): Promise<RecordRow | null> {
    return tx.manager.findOne(RecordEntity, {
      where: { organizationId: tx.organizationId, id },
      lock: { mode: 'pessimistic_write' },
    });
  }

  findVersion(tx: Tx, recordId: string, version: number): Promise<VersionRow | null> {
    return tx.manager.findOneBy(RecordVersion, { organizationId: tx.organizationId, recordId, version });
  }

  /** All of them, by number. */
  versions(tx: Tx, recordId: string): Promise<VersionRow[]> {
    return tx.manager.find(RecordVersion, {
      where: { organizationId: tx.organizationId, recordId },
      order: { version: 'ASC' },
    });
  }

  moves(
    tx: Tx,
    recordId: string,
    page: { after: readonly [version: number, number: number]; limit: number },
  ): Promise<MoveRow[]> {
    return tx.query<MoveRow>(
      `select version, number, move, at, by, reason from record_move
       where organization_id = $1 and record_id = $2 and (version, number) > ($3, $4)
       order by version, number
       limit $5`,
      [tx.organizationId, recordId, ...page.after, page.limit],
    );
  }

  async insert(tx: WriteTx, record: RecordRow): Promise<void> {
    await tx.insert({ entity: RecordEntity, row: record });
  }

  async insertVersion(tx: WriteTx, version: VersionRow): Promise<void> {
    await tx.insert({ entity: RecordVersion, row: version });
  }

  /** Refuses (`conflict`) a natural key that another record of the type has. */
  async change(tx: WriteTx, id: string, changed: Partial<RecordRow>): Promise<void> {
    try {
      await tx.update(RecordEntity, { organizationId: tx.organizationId, id }, changed);
    } catch (error) {
      if (brokenConstraint(error) !== 'record_natural_key') throw error;
      throw new Refusal('conflict', 'Another record of this type has this key. Go on with that one by a next version.');
    }
  }

  async changeVersion(tx: WriteTx, { recordId, version }: VersionRef, changed: Partial<VersionRow>): Promise<void> {
    await tx.update(RecordVersion, { organizationId: tx.organizationId, recordId, version }, changed);
  }

  /** Of the given versions, one move each. */
  async keepMoves(
    tx: WriteTx,
    versions: readonly VersionRef[],
    move: Move,
    made: { at: Date; by: string; reason: string | null },
  ): Promise<void> {
    await tx.execute(
      `insert into record_move (organization_id, record_id, version, number, move, at, by, reason)
       select $1, d.record_id, d.version, 1 + coalesce(m.last, 0), $4, $5, $6, $7
       from unnest($2::uuid[], $3::integer[]) as d(record_id, version)
         -- At once: a question for each would read what this very statement has written so far.
         left join (select record_id, version, max(number) as last from record_move
                    where organization_id = $1 and record_id = any($2) group by record_id, version) m
           on m.record_id = d.record_id and m.version = d.version`,
      [tx.organizationId, ...refs(versions), move, made.at, made.by, made.reason],
    );
  }

  /** That a version has named evidence; said once. */
  async keepDocuments(tx: WriteTx, { recordId, version }: VersionRef, evidenceIds: readonly string[]): Promise<void> {
    for (const evidenceId of evidenceIds) {
      await tx.insertUnlessThere({
        entity: RecordDocumentRow,
        row: { organizationId: tx.organizationId, recordId, version, evidenceId },
      });
    }
  }

  /** Submitted versions become approved, all of them by a fixed number of statements. Throws where one of them does not wait for a decision. */
  async approve(tx: WriteTx, versions: readonly VersionRef[], decision: Decision): Promise<void> {
    const approved = await tx.execute(
      `update record_version v set state = 'approved', decided_at = $4, decided_by = $5, decided_person = $6
       from unnest($2::uuid[], $3::integer[]) as d(record_id, version)
       where v.organization_id = $1 and v.record_id = d.record_id and v.version = d.version and v.state = 'submitted'`,
      [tx.organizationId, ...refs(versions), decision.known, decision.by, decision.person],
    );
    if (approved !== versions.length) throw new Error('a version that was to be approved was not submitted');
    await tx.execute(
      `update record r set approved_version = d.version, open_version = null, revision = r.revision + 1
       from unnest($2::uuid[], $3::integer[]) as d(record_id, version)
       where r.organization_id = $1 and r.id = d.record_id`,
      [tx.organizationId, ...refs(versions)],
    );
    await this.keepMoves(tx, versions, 'approve', { at: decision.known, by: decision.by, reason: null });
    await tx.execute(
      `insert into record_link (organization_id, record_id, version, kind, target)
       select distinct $1::uuid, v.record_id, v.version, l.kind, l.target
       from unnest($2::uuid[], $3::integer[]) as d(record_id, version)
         join record_version v on v.organization_id = $1 and v.record_id = d.record_id and v.version = d.version
         cross join lateral jsonb_to_recordset(v.links) as l(kind text, target text)`,
      [tx.organizationId, ...refs(versions)],
    );
  }
}

const refs = (versions: readonly VersionRef[]): [string[], number[]] => [
  versions.map(({ recordId }) => recordId),
  versions.map(({ version }) => version),
];
