import { Injectable } from '@nestjs/common';
import type { Tx, WriteTx } from '../kernel/db/database.js';
import type { Instant } from '../kernel/http/instant.js';
import type { ApprovedRecord, PastRecord } from './effective.js';
import { PAST, visibleIntervals } from './interval.js';
import type { VersionRef } from './interval.store.js';
import { RecordEntity, RecordVersion } from './record.entity.js';
import type { Decision, RecordRow, VersionRow } from './records.store.js';

/** Of a record without a version of that kind: null. */
export interface StandingRecord {
  record: RecordRow;
  /** The last that was approved, unless it has ended the record. */
  approved: VersionRow | null;
  open: VersionRow | null;
}

/** A version to be written, with the row that its record gets where it is the first. */
export interface NewVersion {
  version: VersionRow;
  record: RecordRow | null;
}

/** A page of records in effect, by id. */
export interface EffectivePage {
  after: string | null;
  limit: number;
  /** Of these systems, or (WHOLE) of the whole organisation; left out: of every place. */
  places?: readonly string[];
}

const EFFECTIVE = `r.type = $4 and ($5::uuid is null or r.record_id > $5) and ($7::uuid[] is null or r.system_id = any ($7))`;

/** From an instant on to another (`asOf`), by what was known then, in some of the places. */
export interface Period {
  instant: Instant;
  from: Date;
  places: readonly string[];
}

/** A page of versions, by id and version. */
export interface PastPage {
  after: { id: string; version: number } | null;
  limit: number;
}

/** Intervals `r` that ended after $4 and are not in effect at $2 in one of the places $5; all that ended after is PAST after it. */
const ended = (where: string): string =>
  `select r.record_id, r.version, r.type, r.effective_to from record_interval r
   where r.organization_id = $1 and r.known_from <= $3 and (r.known_to is null or r.known_to > $3)
     and ${PAST} > $4 and r.effective_to > $4 and r.effective_to <= $2 and r.ended_known <= $3
     and r.system_id = any ($5::uuid[]) and (${where})
     and (r.record_id, r.version) not in (
       select i.record_id, i.version from (${visibleIntervals('r.record_id, r.version', 'r.system_id = any ($5::uuid[])')}) i)`;

const CONTENT = `v.record_id as id, v.version, v.type, v.natural_key as "naturalKey", v.subject, v.title, v.owner_id as "ownerId",
  v.system_ids as "systemIds", v.fields, v.effective_from as "effectiveFrom", v.expires_at as "expiresAt", v.good_from as "goodFrom",
  v.outcome, v.fails, v.links, v.documents, v.submitted_by as "submittedBy", v.decided_by as "decidedBy", v.decided_at as "decidedAt",
  v.disposed_at is not null as disposed`;

/** Statements over many records at once. */
@Injectable()
export class RecordBulkStore {
  /** Records of a type, by id. */
  async standing(tx: Tx, type: string, after: string | null, limit: number): Promise<StandingRecord[]> {
    const query = tx.manager
      .createQueryBuilder(RecordEntity, 'r')
      .where('r.organization_id = :organizationId and r.type = :type', { organizationId: tx.organizationId, type });
    if (after !== null) query.andWhere('r.id > :after', { after });
    const records = await query.orderBy('r.id').limit(limit).getMany();
    return this.withVersions(tx, records);
  }

  async find(tx: Tx, ids: readonly string[]): Promise<StandingRecord[]> {
    return ids.length === 0 ? [] : this.withVersions(tx, await this.byIds(tx, ids).getMany());
  }

  /** Those records, locked in the order of their ids. */
  async lock(tx: WriteTx, ids: readonly string[]): Promise<StandingRecord[]> {
    return this.withVersions(tx, await this.byIds(tx, ids).setLock('pessimistic_write').getMany());
  }

  private byIds(tx: Tx, ids: readonly string[]) {
    return tx.manager
      .createQueryBuilder(RecordEntity, 'r')
      .where('r.organization_id = :organizationId and r.id = any (cast(:ids as uuid[]))', {
        organizationId: tx.organizationId,
        ids,
      })
      .orderBy('r.id');
  }

  private async withVersions(tx: Tx, records: readonly RecordRow[]): Promise<StandingRecord[]> {
    const named = records.flatMap(({ id, approvedVersion, openVersion }) =>
      [approvedVersion, openVersion].flatMap((version) => (version === null ? [] : [{ recordId: id, version }])),
    );
    const found = new Map<string, VersionRow>();
    if (named.length > 0) {
      const versions = await tx.manager
        .createQueryBuilder(RecordVersion, 'v')
        .where(
          `v.organization_id = :organizationId
           and (v.record_id, v.version) in (select * from unnest(cast(:ids as uuid[]), cast(:versions as integer[])))`,
          { organizationId: tx.organizationId, ...refs(named) },
        )
        .getMany();
      for (const version of versions) found.set(`${version.recordId}/${version.version}`, version);
    }
    const versionOf = ({ id }: RecordRow, version: number | null): VersionRow | null =>
      version === null ? null : (found.get(`${id}/${version}`) ?? null);
    return records.map((record) => {
      const approved = versionOf(record, record.approvedVersion);
      return {
        record,
        approved: approved?.kind === 'end' ? null : approved,
        open: versionOf(record, record.openVersion),
      };
    });
  }

  /** Ids by natural key. */
  async idsByKey(tx: Tx, type: string, keys: readonly string[]): Promise<Map<string, string>> {
    const rows = await tx.query<{ id: string; key: string }>(
      `select id, natural_key as key from record
       where organization_id = $1 and type = $2 and natural_key = any ($3::text[]) and natural_key <> ''`,
      [tx.organizationId, type, keys],
    );
    return new Map(rows.map(({ id, key }) => [key, id]));
  }

  /** Natural keys by id: of those that have one. */
  async keysById(tx: Tx, ids: readonly string[]): Promise<Map<string, { type: string; key: string }>> {
    const rows = await tx.query<{ id: string; type: string; key: string }>(
      `select id, type, natural_key as key from record
       where organization_id = $1 and id = any ($2::uuid[]) and natural_key <> ''`,
      [tx.organizationId, ids],
    );
    return new Map(rows.map(({ id, type, key }) => [id, { type, key }]));
  }

  /** The records of a type in effect at an instant, by id. */
  async effective(
    tx: Tx,
    type: string,
    instant: Instant,
    { after, limit, places }: EffectivePage,
  ): Promise<ApprovedRecord[]> {
    return tx.query(
      `with found as materialized (
         select distinct i.record_id, i.version
         from (${visibleIntervals('r.record_id, r.version', EFFECTIVE)}) i
         order by i.record_id
         limit $6
       )
       select ${CONTENT}
       from found f join record_version v on v.organization_id = $1 and v.record_id = f.record_id and v.version = f.version
       order by v.record_id`,
      [tx.organizationId, instant.asOf, instant.knownAt, type, after, limit, places ?? null],
    );
  }

  /** A page of the versions of a type that were in effect in one of the places after `from` and are in none of them at the instant, by id and version. */
  async past(
    tx: Tx,
    type: string,
    { instant, from, places }: Period,
    { after, limit }: PastPage,
  ): Promise<PastRecord[]> {
    return tx.query(
      `with found as materialized (
         select p.record_id, p.version, max(p.effective_to) as ended_at from (${ended('r.type = $6')}) p
         where $7::uuid is null or (p.record_id, p.version) > ($7::uuid, $8::integer)
         group by p.record_id, p.version
         order by p.record_id, p.version
         limit $9
       )
       select ${CONTENT}, f.ended_at as "endedAt"
       from found f join record_version v on v.organization_id = $1 and v.record_id = f.record_id and v.version = f.version
       order by v.record_id, v.version`,
      [
        ...[tx.organizationId, instant.asOf, instant.knownAt, from, places, type],
        ...[after?.id ?? null, after?.version ?? null, limit],
      ],
    );
  }

  /** The types of which there are such versions. */
  async pastTypes(tx: Tx, { instant, from, places }: Period): Promise<string[]> {
    const rows = await tx.query<{ type: string }>(`select distinct p.type from (${ended('true')}) p`, [
      ...[tx.organizationId, instant.asOf, instant.knownAt, from, places],
    ]);
    return rows.map(({ type }) => type).sort();
  }

  /** The types of which anything is in effect in one of the places. */
  async effectiveTypes(tx: Tx, instant: Instant, places: readonly string[]): Promise<string[]> {
    const rows = await tx.query<{ type: string }>(
      `select distinct i.type from (${visibleIntervals('r.type', 'r.system_id = any ($4::uuid[])')}) i`,
      [tx.organizationId, instant.asOf, instant.knownAt, places],
    );
    return rows.map(({ type }) => type).sort();
  }

  /**
   * Writes versions with their records. False where one of the records is not as it was read any more: another version of it was begun meanwhile.
   */
  async insert(tx: WriteTx, versions: readonly NewVersion[]): Promise<boolean> {
    await tx.execute(
      `insert into record (organization_id, id, type, natural_key, revision, last_version, approved_version, open_version, created_at, created_by)
       select $1, id, type, natural_key, revision, 1, null, 1, created_at, created_by
       from jsonb_to_recordset($2::jsonb)
         as r(id uuid, type text, natural_key text, revision integer, created_at timestamptz, created_by text)`,
      [
        tx.organizationId,
        JSON.stringify(
          versions.flatMap(({ record }) =>
            record === null
              ? []
              : [
                  {
                    id: record.id,
                    type: record.type,
                    natural_key: record.naturalKey,
                    revision: record.revision,
                    created_at: record.createdAt,
                    created_by: record.createdBy,
                  },
                ],
          ),
        ),
      ],
    );
    const next = versions.flatMap(({ record, version }) => (record === null ? [version] : []));
    const { ids, versions: numbers } = refs(next);
    const moved = await tx.execute(
      `update record r set last_version = d.version, open_version = d.version,
         -- «revise», and «submit» where it was submitted.
         revision = r.revision + d.moves,
         -- Of a record from before its type had a key: that of the version that has one.
         natural_key = case r.natural_key when '' then d.natural_key else r.natural_key end
       from unnest($2::uuid[], $3::integer[], $4::integer[], $5::text[]) as d(record_id, version, moves, natural_key)
       where r.organization_id = $1 and r.id = d.record_id and r.last_version = d.version - 1 and r.open_version is null`,
      [
        ...[tx.organizationId, ids, numbers, next.map(({ state }) => (state === 'submitted' ? 2 : 1))],
        next.map(({ naturalKey }) => naturalKey),
      ],
    );
    if (moved !== next.length) return false;
    await tx.execute(INSERT_VERSIONS, [
      tx.organizationId,
      JSON.stringify(versions.map(({ version }) => snakeCased(version))),
    ]);
    await tx.execute(
      `insert into record_document (organization_id, record_id, version, evidence_id)
       select distinct $1::uuid, v.record_id, v.version, (d.named ->> 'evidenceId')::uuid
       from unnest($2::uuid[], $3::integer[]) as n(record_id, version)
         join record_version v on v.organization_id = $1 and v.record_id = n.record_id and v.version = n.version
         cross join lateral jsonb_array_elements(v.documents) as d(named)`,
      [tx.organizationId, ids, numbers],
    );
    return true;
  }

  /** Submitted versions are withdrawn. What never was approved does not keep a key from what is. */
  async abandon(tx: WriteTx, versions: readonly VersionRef[], decision: Decision): Promise<void> {
    const { ids, versions: numbers } = refs(versions);
    const withdrawn = await tx.execute(
      `update record_version v set state = 'withdrawn', decided_at = $4, decided_by = $5, decided_person = $6
       from unnest($2::uuid[], $3::integer[]) as d(record_id, version)
       where v.organization_id = $1 and v.record_id = d.record_id and v.version = d.version and v.state = 'submitted'`,
      [tx.organizationId, ids, numbers, decision.known, decision.by, decision.person],
    );
    if (withdrawn !== versions.length) throw new Error('a version that was to be abandoned was not submitted');
    await tx.execute(
      `update record r set open_version = null, revision = r.revision + 1,
         natural_key = case when r.approved_version is null then '' else r.natural_key end
       from unnest($2::uuid[]) as d(record_id)
       where r.organization_id = $1 and r.id = d.record_id`,
      [tx.organizationId, ids],
    );
  }
}

const refs = (versions: readonly VersionRef[]): { ids: string[]; versions: number[] } => ({
  ids: versions.map(({ recordId }) => recordId),
  versions: versions.map(({ version }) => version),
});

/** Columns of record_version with their types, by the members of its rows. What is decided later is null in all of them. */
const VERSION_COLUMNS = {
  recordId: 'record_id uuid',
  version: 'version integer',
  kind: 'kind text',
  state: 'state text',
  type: 'type text',
  typeVersion: 'type_version text',
  title: 'title text',
  ownerId: 'owner_id text',
  fields: 'fields jsonb',
  systemIds: 'system_ids uuid[]',
  effectiveFrom: 'effective_from timestamptz',
  expiresAt: 'expires_at timestamptz',
  goodFrom: 'good_from timestamptz',
  naturalKey: 'natural_key text',
  subject: 'subject text',
  subjectId: 'subject_id uuid',
  outcome: 'outcome text',
  fails: 'fails boolean',
  about: 'about text[]',
  links: 'links jsonb',
  documents: 'documents jsonb',
  reason: 'reason text',
  hands: 'hands uuid[]',
  createdAt: 'created_at timestamptz',
  createdBy: 'created_by text',
  submittedAt: 'submitted_at timestamptz',
  submittedBy: 'submitted_by text',
} as const satisfies Partial<Record<keyof VersionRow, string>>;

const nameOf = (column: string): string => column.slice(0, column.indexOf(' '));
const names = Object.values(VERSION_COLUMNS).map(nameOf).join(', ');
const INSERT_VERSIONS = `
  insert into record_version (organization_id, ${names})
  select $1, ${names} from jsonb_to_recordset($2::jsonb) as v(${Object.values(VERSION_COLUMNS).join(', ')})`;

const snakeCased = (version: VersionRow): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(VERSION_COLUMNS).map(([member, column]) => [nameOf(column), version[member as keyof VersionRow]]),
  );
