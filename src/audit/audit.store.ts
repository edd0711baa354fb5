import { Injectable } from '@nestjs/common';
import type { Tx, WriteTx } from '../kernel/db/database.js';
import { AuditDetail, AuditErasure, AuditEvent } from './audit.entity.js';
import type { SignedHead } from './log.js';

export interface EventFilter {
  action?: string | undefined;
  objectKind?: string | undefined;
  objectId?: string | undefined;
  actorId?: string | undefined;
  from?: string | undefined;
  to?: string | undefined;
  /** Id of the last event of the page before; events come newest first. */
  before: string | null;
  /** Only events that a signed head speaks of, and those that are in no log and wait for none: whoever reads both finds that they are not there. */
  below?: Pick<SignedHead, 'generation' | 'size'> | undefined;
  limit: number;
}

/** What the custody of evidence is told by. */
export interface CustodyFilter {
  evidenceIds: readonly string[];
  scanIds: readonly string[];
  /** Only their approvals. */
  recordIds: readonly string[];
  eventIds: readonly string[];
  /** Events up to this instant; null: all. */
  knownAt: Date | null;
  /** As that of an EventFilter; null: all. */
  below: Pick<SignedHead, 'generation' | 'size'> | null;
  /** Id of the last event of the page before. */
  after: string | null;
  limit: number;
}

export interface EventRow {
  id: string;
  leaf: Buffer;
  logIndex: string | null;
  dataKeyId: string | null;
  salt: Buffer | null;
  encryptedDetail: Buffer | null;
  /** The record by which its details were erased. */
  erasedBy: string | null;
}

/** What an erasure of details goes by. */
export interface ErasableEvent {
  id: string;
  at: Date;
  objectKind: string;
  objectId: string;
  hasDetails: boolean;
}

/** Of events `e` with their leaves `l`: what `below` of an EventFilter asks for. */
const belowHead = (size: string): string =>
  `(${size}::bigint is null or l.index < ${size} or (l.index is null and not exists (
     select from audit_queue q where q.organization_id = e.organization_id and q.event_id = e.id)))`;

/**
 * Of an event: that its columns are what its text says. As the text is canonical it begins and ends with what they say, and no text can be such that comparing it fails.
 */
const AS_ITS_TEXT = (() => {
  const json = (column: string): string => `to_json(${column})::text`;
  const begin = `'{"action":' || ${json('action')} || ',"actor":{"id":' || ${json('actor_id')} || ',"kind":' || ${json('actor_kind')} || '},"details_sha256":'`;
  const about = `',"id":"' || id::text || '","object":{"id":' || ${json('object_id')} || ',"kind":' || ${json('object_kind')}`;
  const time = `to_char(created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;
  const end = `'},"outcome":' || ${json('outcome')} || ',"request_id":' || ${json('request_id')} || ',"tenant":"' || organization_id::text || '","time":"' || ${time} || '","v":1}'`;
  const bytes = (text: string): string => `convert_to(${text}, 'UTF8')`;
  const [first, last] = [bytes(begin), bytes(end)];
  // Between them the digest of its details is null or of 64 digits.
  const digest = `case when substr(leaf, length(${first}) + 1, 4) = 'null' then 4 else 66 end`;
  const second = bytes(about);
  return `substr(leaf, 1, length(${first})) = ${first}
    and substr(leaf, length(${first}) + ${digest} + 1, length(${second})) = ${second}
    and substr(leaf, greatest(length(leaf) - length(${last}) + 1, 1)) = ${last}`;
})();

/** That it has details, as its text says. */
const HAS_DETAILS = `position('"details_sha256":"'::bytea in leaf) > 0`;

/** What is wrong with events, each by what is true of those that are not right. */
const EVENT_FAULTS = {
  altered: `(${AS_ITS_TEXT}) is not true`,
  bare: `${HAS_DETAILS}
    and not exists (select from audit_detail d where d.organization_id = e.organization_id and d.event_id = e.id)
    and not exists (
      select from audit_event x
      where x.organization_id = e.organization_id and x.object_kind = 'event' and x.object_id = e.id::text and x.action = 'event.erased')`,
} as const;
export type EventFault = keyof typeof EVENT_FAULTS;

@Injectable()
export class AuditStore {
  async insert(tx: WriteTx, event: AuditEvent, detail: AuditDetail | null): Promise<void> {
    const rows = [
      { entity: AuditEvent, row: event },
      ...(detail === null ? [] : [{ entity: AuditDetail, row: detail }]),
    ];
    await tx.insert(...rows);
  }

  /** Of one statement, however many they are: its text is the same, and its parameters are arrays. */
  async insertAll(tx: WriteTx, events: readonly AuditEvent[], details: readonly AuditDetail[]): Promise<void> {
    await tx.execute(
      `insert into audit_event (organization_id, id, created_at, action, actor_kind, actor_id, object_kind, object_id, outcome, request_id, leaf)
       select $1, e.* from unnest($2::uuid[], $3::timestamptz[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::bytea[]) as e`,
      [
        tx.organizationId,
        events.map(({ id }) => id),
        events.map(({ createdAt }) => createdAt),
        events.map(({ action }) => action),
        events.map(({ actorKind }) => actorKind),
        events.map(({ actorId }) => actorId),
        events.map(({ objectKind }) => objectKind),
        events.map(({ objectId }) => objectId),
        events.map(({ outcome }) => outcome),
        events.map(({ requestId }) => requestId),
        events.map(({ leaf }) => leaf),
      ],
    );
    if (details.length === 0) return;
    await tx.execute(
      `insert into audit_detail (organization_id, event_id, data_key_id, salt, encrypted_detail)
       select $1, d.* from unnest($2::uuid[], $3::uuid[], $4::bytea[], $5::bytea[]) as d`,
      [
        tx.organizationId,
        details.map(({ eventId }) => eventId),
        details.map(({ dataKeyId }) => dataKeyId),
        details.map(({ salt }) => salt),
        details.map(({ encryptedDetail }) => encryptedDetail),
      ],
    );
  }

  /** Events about any of the objects, and those of the ids: by id, which is the order in which they were made. */
  about(
    tx: Tx,
    { evidenceIds, scanIds, recordIds, eventIds, knownAt, below, after, limit }: CustodyFilter,
  ): Promise<EventRow[]> {
    return tx.query<EventRow>(
      `select e.id, e.leaf, d.data_key_id as "dataKeyId", d.salt, d.encrypted_detail as "encryptedDetail", x.record_id as "erasedBy"
       from audit_event e
       left join audit_leaf l on l.organization_id = e.organization_id and l.event_id = e.id and l.generation = $9
       left join audit_detail d on d.organization_id = e.organization_id and d.event_id = e.id
       left join audit_erasure x on x.organization_id = e.organization_id and x.event_id = e.id
       where e.organization_id = $1
         and (
           e.object_kind = 'evidence' and e.object_id = any ($2::text[])
           or e.object_kind = 'scan' and e.object_id = any ($3::text[])
           or e.object_kind = 'record' and e.object_id = any ($4::text[]) and e.action = 'record.approved'
           or e.id = any ($5::uuid[])
         )
         and ($6::timestamptz is null or e.created_at <= $6)
         and ($7::uuid is null or e.id > $7)
         and ${belowHead('$10')}
       order by e.id
       limit $8`,
      [
        ...[tx.organizationId, evidenceIds, scanIds, recordIds, eventIds, knownAt, after, limit],
        ...[below?.generation ?? null, below?.size ?? null],
      ],
    );
  }

  /** Ids of objects after one, in their order, of which there are such events. */
  async objects(
    tx: Tx,
    kind: string,
    actions: readonly string[],
    after: string | null,
    limit: number,
  ): Promise<string[]> {
    const rows = await tx.query<{ id: string }>(
      `select distinct object_id as id from audit_event
       where organization_id = $1 and object_kind = $2 and action = any ($3) and ($4::text is null or object_id > $4)
       order by object_id limit $5`,
      [tx.organizationId, kind, actions, after, limit],
    );
    return rows.map(({ id }) => id);
  }

  /** Such events about any of the objects, in the order of the log; those that have no place in it yet come last. */
  aboutObjects(tx: Tx, kind: string, actions: readonly string[], ids: readonly string[]): Promise<EventRow[]> {
    return tx.query<EventRow>(
      `select e.id, e.leaf, l.index as "logIndex", d.data_key_id as "dataKeyId", d.salt,
         d.encrypted_detail as "encryptedDetail", x.record_id as "erasedBy"
       from audit_event e
       left join audit_leaf l on l.organization_id = e.organization_id and l.event_id = e.id
         and l.generation = (select max(number) from log_generation)
       left join audit_detail d on d.organization_id = e.organization_id and d.event_id = e.id
       left join audit_erasure x on x.organization_id = e.organization_id and x.event_id = e.id
       where e.organization_id = $1 and e.object_kind = $2 and e.action = any ($3) and e.object_id = any ($4)
       order by l.index nulls last, e.id`,
      [tx.organizationId, kind, actions, ids],
    );
  }

  /** Of all that was found of rows, in the order of the log; what has no place in it yet comes last. */
  async rowLeaves(tx: Tx): Promise<{ id: string; leaf: Buffer }[]> {
    return tx.query(
      `select e.id, e.leaf from audit_event e
       left join audit_leaf l on l.organization_id = e.organization_id and l.event_id = e.id
         and l.generation = (select max(number) from log_generation)
       where e.organization_id = $1 and e.action in ('row.altered', 'row.restored')
       order by l.index nulls last, e.id`,
      [tx.organizationId],
    );
  }

  /** Ids of events with that fault, of so many after one by their ids; and the last of those that were looked at, null where there are no more. */
  async faulty(
    tx: Tx,
    fault: EventFault,
    after: string | null,
    limit: number,
  ): Promise<{ ids: string[]; last: string | null }> {
    const [last] = await tx.query<{ id: string }>(
      `select id from audit_event where organization_id = $1 and ($2::uuid is null or id > $2) order by id offset $3 limit 1`,
      [tx.organizationId, after, limit - 1],
    );
    const rows = await tx.query<{ id: string }>(
      `select id from audit_event e
       where organization_id = $1 and ($2::uuid is null or id > $2) and ($3::uuid is null or id <= $3) and ${EVENT_FAULTS[fault]}
       order by id`,
      [tx.organizationId, after, last?.id ?? null],
    );
    return { ids: rows.map(({ id }) => id), last: last?.id ?? null };
  }

  async list(tx: Tx, filter: EventFilter): Promise<EventRow[]> {
    return tx.query<EventRow>(
      `select e.id, e.leaf, l.index as "logIndex", d.data_key_id as "dataKeyId", d.salt,
         d.encrypted_detail as "encryptedDetail", x.record_id as "erasedBy"
       from audit_event e
       left join audit_leaf l on l.organization_id = e.organization_id and l.event_id = e.id
         and l.generation = coalesce($10, (select max(number) from log_generation))
       left join audit_detail d on d.organization_id = e.organization_id and d.event_id = e.id
       left join audit_erasure x on x.organization_id = e.organization_id and x.event_id = e.id
       where e.organization_id = $1
         and ($2::text is null or e.action = $2)
         and ($3::text is null or e.object_kind = $3)
         and ($4::text is null or e.object_id = $4)
         and ($5::text is null or e.actor_id = $5)
         and ($6::timestamptz is null or e.created_at >= $6)
         and ($7::timestamptz is null or e.created_at < $7)
         and ($8::uuid is null or e.id < $8)
         and ${belowHead('$9')}
       order by e.id desc
       limit $11`,
      [
        tx.organizationId,
        filter.action ?? null,
        filter.objectKind ?? null,
        filter.objectId ?? null,
        filter.actorId ?? null,
        filter.from ?? null,
        filter.to ?? null,
        filter.before,
        filter.below?.size ?? null,
        filter.below?.generation ?? null,
        filter.limit,
      ],
    );
  }

  /** By id, those of the ids that there are. Waits for whoever is erasing details of the organisation, until the transaction ends. */
  async erasable(tx: Tx, ids: readonly string[]): Promise<Map<string, ErasableEvent>> {
    await tx.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [`erasure/${tx.organizationId}`]);
    const rows = await tx.query<ErasableEvent>(
      `select e.id, e.created_at as at, e.object_kind as "objectKind", e.object_id as "objectId", d.event_id is not null as "hasDetails"
       from audit_event e left join audit_detail d on d.organization_id = e.organization_id and d.event_id = e.id
       where e.organization_id = $1 and e.id = any ($2::uuid[])`,
      [tx.organizationId, ids],
    );
    return new Map(rows.map((row) => [row.id, row]));
  }

  async isThere(tx: Tx, id: string): Promise<boolean> {
    const rows = await tx.query('select from audit_event where organization_id = $1 and id = $2', [
      tx.organizationId,
      id,
    ]);
    return rows.length > 0;
  }

  /** The row comes first: without it the database lets nobody delete them. */
  async erase(tx: WriteTx, erasure: AuditErasure): Promise<void> {
    await tx.insert({ entity: AuditErasure, row: erasure });
    await tx.execute('delete from audit_detail where organization_id = $1 and event_id = $2', [
      tx.organizationId,
      erasure.eventId,
    ]);
  }

  /** Events of that action on any of these objects which a signed head speaks of, by their index. */
  async leaves(
    tx: Tx,
    { generation, size }: Pick<SignedHead, 'generation' | 'size'>,
    action: string,
    kind: string,
    objectIds: readonly string[],
  ): Promise<{ eventId: string; index: number }[]> {
    const rows = await tx.query<{ eventId: string; index: string }>(
      `select e.id as "eventId", l.index from audit_event e
       join audit_leaf l on l.organization_id = e.organization_id and l.event_id = e.id and l.generation = $2
       where e.organization_id = $1 and e.object_kind = $3 and e.object_id = any ($4) and e.action = $5 and l.index < $6
       order by l.index`,
      [tx.organizationId, generation, kind, objectIds, action, size],
    );
    return rows.map(({ eventId, index }) => ({ eventId, index: Number(index) }));
  }
}
