import { Injectable } from '@nestjs/common';
import type { Tx } from '../kernel/db/database.js';
import type { Instant } from '../kernel/http/instant.js';
import type { LinkKind } from './effective.js';
import { visibleIntervals } from './interval.js';
import type { ShownState, VersionKind, VersionState } from './moves.js';
import type { WaitingRecords } from './waiting.js';

export interface RecordFilter {
  type?: string | undefined;
  state?: VersionState | undefined;
  key?: string | undefined;
  owner?: string | undefined;
  system?: string | undefined;
  linkedTo?: { kind: LinkKind; target: string } | undefined;
  expiringBefore?: Date | undefined;
  after: string | null;
  limit: number;
}

export interface ListedRecord {
  id: string;
  type: string;
  naturalKey: string;
  revision: number;
  version: number;
  kind: VersionKind;
  state: ShownState;
  title: string;
  ownerId: string;
  systemIds: string[];
  effectiveFrom: Date;
  goodFrom: Date;
  expiresAt: Date | null;
  disposedAt: Date | null;
}

/** `r` the record, `v` its version; the state as it is shown. */
const LISTED = `
  r.id, r.type, r.natural_key as "naturalKey", r.revision, v.version, v.kind, v.title, v.owner_id as "ownerId", v.system_ids as "systemIds",
  v.effective_from as "effectiveFrom", v.good_from as "goodFrom", v.expires_at as "expiresAt", v.disposed_at as "disposedAt",
  case when v.state = 'approved' and v.kind = 'content' and r.approved_version > v.version
       then case (select l.kind from record_version l
                  where l.organization_id = $1 and l.record_id = r.id and l.version > v.version and l.state = 'approved'
                  order by l.version limit 1)
            when 'end' then 'withdrawn' else 'superseded' end
       else v.state end as state`;

/** Which version of a record stands for it, by the state that is asked for. */
const SHOWN: Readonly<Record<VersionState | 'any', string>> = {
  any: 'v.version = coalesce(r.open_version, r.approved_version, r.last_version)',
  draft: `v.version = r.open_version and v.state = 'draft'`,
  submitted: `v.version = r.open_version and v.state = 'submitted'`,
  approved: `v.version = r.approved_version and v.kind = 'content'`,
  withdrawn: `r.open_version is null and v.version = coalesce(r.approved_version, r.last_version) and (v.kind = 'end' or v.state = 'withdrawn')`,
};

@Injectable()
export class RecordListStore {
  /** What waits for a decision now. */
  async waiting(tx: Tx): Promise<WaitingRecords[]> {
    return tx.query<WaitingRecords>(
      `select v.type, v.owner_id as "ownerId", count(*)::int as count, min(v.submitted_at) as "firstSubmittedAt", max(v.submitted_at) as "lastSubmittedAt",
              (array_agg(v.record_id order by v.submitted_at, v.record_id))[1:5] as records
       from record_version v
       where v.organization_id = $1 and v.state = 'submitted'
       group by v.type, v.owner_id`,
      [tx.organizationId],
    );
  }

  /** By record: who owned the last version that was approved by then. */
  async owners(tx: Tx, ids: readonly string[], knownAt: Date): Promise<Map<string, string>> {
    const rows = await tx.query<{ id: string; ownerId: string }>(
      `select distinct on (v.record_id) v.record_id as id, v.owner_id as "ownerId"
       from record_version v
       where v.organization_id = $1 and v.record_id = any ($2::uuid[]) and v.state = 'approved' and v.decided_at <= $3
       order by v.record_id, v.version desc`,
      [tx.organizationId, ids, knownAt],
    );
    return new Map(rows.map(({ id, ownerId }) => [id, ownerId]));
  }

  async formerly(
    tx: Tx,
    { asOf, knownAt }: Instant,
    ids: readonly string[],
    { field, value }: { field: string; value: string },
  ): Promise<string[]> {
    const rows = await tx.query<{ id: string }>(
      `select distinct v.record_id as id from record_version v
       where v.organization_id = $1 and v.record_id = any ($2::uuid[]) and v.state = 'approved' and v.kind = 'content'
         and v.effective_from <= $3 and v.decided_at <= $4 and v.fields ->> $5 = $6`,
      [tx.organizationId, ids, asOf, knownAt, field, value],
    );
    return rows.map(({ id }) => id);
  }

  async list(tx: Tx, filter: RecordFilter, instant: Instant | null): Promise<ListedRecord[]> {
    const values: unknown[] = [tx.organizationId];
    const parameter = (value: unknown): string => `$${values.push(value)}`;
    let from: string;
    if (instant === null) {
      from = `record r join record_version v on v.organization_id = $1 and v.record_id = r.id and ${SHOWN[filter.state ?? 'any']}`;
    } else {
      values.push(instant.asOf, instant.knownAt);
      const conditions = [
        filter.type === undefined ? 'true' : `r.type = ${parameter(filter.type)}`,
        filter.system === undefined ? 'true' : `r.system_id = ${parameter(filter.system)}::uuid`,
      ];
      from = `(select distinct i.record_id, i.version from (${visibleIntervals('r.record_id, r.version', conditions.join(' and '))}) i) i
              join record r on r.organization_id = $1 and r.id = i.record_id
              join record_version v on v.organization_id = $1 and v.record_id = i.record_id and v.version = i.version`;
    }
    const where = ['r.organization_id = $1'];
    if (filter.type !== undefined) where.push(`r.type = ${parameter(filter.type)}`);
    if (filter.key !== undefined) where.push(`r.natural_key = ${parameter(filter.key)} and r.natural_key <> ''`);
    if (filter.owner !== undefined) where.push(`v.owner_id = ${parameter(filter.owner)}`);
    if (filter.system !== undefined) where.push(`${parameter(filter.system)}::uuid = any (v.system_ids)`);
    if (filter.expiringBefore !== undefined) where.push(`v.expires_at < ${parameter(filter.expiringBefore)}`);
    if (filter.linkedTo !== undefined) {
      const { kind, target } = filter.linkedTo;
      // An approved version is found by what it points at; of those that are worked on there are few.
      where.push(
        `(r.open_version is not null or r.id in (
            select l.record_id from record_link l
            where l.organization_id = $1 and l.kind = ${parameter(kind)} and l.target = ${parameter(target)}))
         and v.links @> ${parameter(JSON.stringify([{ kind, target }]))}::jsonb`,
      );
    }
    if (filter.after !== null) where.push(`r.id > ${parameter(filter.after)}::uuid`);
    return tx.query<ListedRecord>(
      `select ${LISTED} from ${from} where ${where.join(' and ')} order by r.id limit ${parameter(filter.limit)}`,
      values,
    );
  }
}
