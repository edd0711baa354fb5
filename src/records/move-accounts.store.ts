import { Injectable } from '@nestjs/common';
import { SIFTED, SIFTED_OBJECTS } from '../audit/derived-account.js';
import type { Row } from '../audit/account.js';
import type { Tx } from '../kernel/db/database.js';
import type { Move } from './moves.js';

/** A move that an import has made of a version: of those there are no events, but the import and its rows tell them. */
export interface ImportedMove {
  recordId: string;
  version: number;
  move: Move;
  /** Within the import; as the row says where that may be. */
  at: Date;
  by: string;
}

/** The moves of imports: a version is begun, and submitted unless documents lack. `of`: which records. */
const imported = (of: (column: string) => string): string => `
  select w.record_id, w.version, n as number, case when n = 2 then 'submit' when w.version = 1 then 'create' else 'revise' end as move,
    i.requested_by as by, i.requested_at, i.finished_at
  from import_row w join import i on i.organization_id = $1 and i.id = w.import_id and not i.dry_run
    cross join lateral generate_series(1, case w.outcome when 'draft' then 1 else 2 end) n
  where w.organization_id = $1 and ${of('w.record_id')} and w.outcome in ('created', 'changed', 'draft')`;

/** Of an event: the version that it is of, as its text says. */
const VERSION = `split_part(encode(substr(leaf, position('"version":'::bytea in leaf) + 10, 11), 'escape'), '}', 1)`;

/**
 * Records of which a move is not as the imports and the events say, the first after the first. What is said of them in details is looked at for those whose moves may have a reason. Events
 * are ordered here by their ids, which is nearly the order of the log.
 */
const DIFFERING = `
  with imported as materialized (${imported(SIFTED)}),
  due as (
    select record_id::text as id, version::text as version, number, move, by, requested_at as since, finished_at as until from imported
    union all
    select e.id, e.version, e.number + coalesce(i.moves, 0), e.move, e.by, e.at, e.at
    from (
      select object_id as id, ${VERSION} as version, actor_id as by, created_at as at,
        row_number() over (partition by object_id, ${VERSION} order by id) as number,
        case action when 'record.created' then 'create' when 'record.revised' then 'revise' when 'record.submitted' then 'submit' when 'record.recalled' then 'recall'
          when 'record.rejected' then 'reject' when 'record.approved' then 'approve' when 'record.abandoned' then 'abandon' else 'edit' end as move
      from audit_event
      where organization_id = $1 and object_kind = 'record' and action = any ($4)
        and ${SIFTED_OBJECTS}
    ) e left join (select record_id::text as id, version::text as version, count(*) as moves from imported group by 1, 2) i using (id, version)
  ),
  found as (
    select m.record_id::text as id, m.version::text as version, m.number::bigint as number, case m.move when 'end' then 'revise' else m.move end as move, m.by, m.at,
      m.reason is not null or m.move in ('reject', 'abandon', 'end') or (m.number = 1 and v.kind = 'end') as may_have_reason
    from record_move m left join record_version v on v.organization_id = $1 and v.record_id = m.record_id and v.version = m.version
    where m.organization_id = $1 and ${SIFTED('m.record_id')}
  )
  select distinct id from found f full join due d using (id, version, number)
  where (f.move = d.move and f.by = d.by and f.at between d.since - interval '1 minute' and d.until + interval '1 minute' and not f.may_have_reason) is not true
  order by id`;

@Injectable()
export class MoveAccountsStore {
  async differing(tx: Tx, after: string | null, last: string | null, actions: readonly string[]): Promise<string[]> {
    const rows = await tx.query<{ id: string }>(DIFFERING, [tx.organizationId, after, last, actions]);
    return rows.map(({ id }) => id);
  }

  rows(tx: Tx, ids: readonly string[]): Promise<Row[]> {
    return tx
      .query<{ id: string; key: string; move: string; at: Date; by: string; reason: string | null }>(
        `select record_id as id, version || '.' || number as key, move, at, by, reason from record_move
       where organization_id = $1 and record_id = any ($2::uuid[])`,
        [tx.organizationId, ids],
      )
      .then((rows) => rows.map(({ id, key, ...says }) => ({ id, key, says })));
  }

  /** In their order. */
  imported(tx: Tx, ids: readonly string[]): Promise<ImportedMove[]> {
    return tx.query(
      `select i.record_id as "recordId", i.version, i.move, i.by,
         coalesce(least(greatest(m.at, i.requested_at), i.finished_at), i.requested_at) as at
       from (${imported((column) => `${column} = any ($2::uuid[])`)}) i
         left join record_move m on m.organization_id = $1 and m.record_id = i.record_id and m.version = i.version and m.number = i.number
       order by i.record_id, i.version, i.number`,
      [tx.organizationId, ids],
    );
  }
}
