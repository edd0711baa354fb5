import { Injectable } from '@nestjs/common';
import { In } from 'typeorm';
import type { DueRow, Row, Says } from '../audit/account.js';
import { SIFTED, type Derivation } from '../audit/derived-account.js';
import type { Tx } from '../kernel/db/database.js';
import { rowsOf } from '../kernel/db/rows.js';
import { WHOLE } from './interval.js';
import { RecordInterval } from './interval.entity.js';
import { RecordVersion } from './record.entity.js';
import { replayed, type Replayed } from './replay.js';

/** What the rows of records say, and what those that they follow from say that there is: of what is in effect these are the approved versions. */
@Injectable()
export class AccountsStore {
  /** A key is that of the versions that were submitted, until the record is disposed of, or its only version abandoned. Its revision goes up with each move and each disposal. */
  readonly record: Derivation = {
    rows: (of) => `
      select id, '' as key, jsonb_build_object('type', type, 'naturalKey', natural_key, 'revision', revision, 'lastVersion', last_version,
        'approvedVersion', approved_version, 'openVersion', open_version, 'createdAt', created_at, 'createdBy', created_by) as says
      from record where organization_id = $1 and ${of('id')}`,
    due: (of) => `
      select v.id, '' as key, jsonb_build_object('type', v.type, 'naturalKey', case when v.approved is null and v.open is null then '' else v.natural_key end,
        'revision', m.moves + coalesce(d.disposals, 0), 'lastVersion', v.last, 'approvedVersion', v.approved, 'openVersion', v.open,
        'createdAt', v.created_at, 'createdBy', m.created_by) as says
      from (
          select record_id as id, min(type) filter (where version = 1) as type, max(natural_key) as natural_key, max(version) as last,
            max(version) filter (where state = 'approved') as approved, max(version) filter (where state in ('draft', 'submitted')) as open,
            min(created_at) filter (where version = 1) as created_at
          from record_version where organization_id = $1 and ${of('record_id')} group by record_id
        ) v
        left join (
          select record_id as id, count(*) as moves, min(by) filter (where version = 1 and number = 1) as created_by
          from record_move where organization_id = $1 and ${of('record_id')} group by record_id
        ) m using (id)
        left join (
          select object_id, count(*) as disposals from audit_event
          where organization_id = $1 and object_kind = 'record' and action = 'record.disposed' group by object_id
        ) d on d.object_id = v.id::text`,
  };

  readonly links: Derivation = {
    rows: (of) => `
      select record_id as id, version::text as key, jsonb_build_object('targets', jsonb_agg(distinct jsonb_build_array(kind, target))) as says
      from record_link where organization_id = $1 and ${of('record_id')} group by record_id, version`,
    due: (of) => `
      select v.record_id as id, v.version::text as key, jsonb_build_object('targets', jsonb_agg(distinct jsonb_build_array(l.kind, l.target))) as says
      from record_version v cross join lateral jsonb_to_recordset(v.links) as l(kind text, target text)
      where v.organization_id = $1 and v.state = 'approved' and ${of('v.record_id')} group by v.record_id, v.version`,
  };

  readonly documents: Derivation = {
    rows: (of) => `
      select record_id as id, version || ' with ' || evidence_id as key, '{}'::jsonb as says
      from record_document where organization_id = $1 and ${of('record_id')}`,
    due: (of) => `
      select distinct v.record_id as id, v.version || ' with ' || (d.named ->> 'evidenceId') as key, '{}'::jsonb as says
      from record_version v cross join lateral jsonb_array_elements(v.documents) as d(named)
      where v.organization_id = $1 and ${of('v.record_id')}`,
  };

  /** Records of which more than one version was approved, or an end, or whose intervals are others than those of the one. */
  async differing(tx: Tx, after: string | null, last: string | null): Promise<string[]> {
    const rows = await tx.query<{ id: string }>(DIFFERING, [tx.organizationId, after, last, WHOLE]);
    return rows.map(({ id }) => id);
  }

  async rows(tx: Tx, ids: readonly string[]): Promise<Row[]> {
    return (await rowsOf(tx, RecordInterval, 'recordId', ids)).map((row) => ({
      id: row.recordId,
      key: keyOf(row),
      says: saidBy(row, row),
    }));
  }

  async due(tx: Tx, ids: readonly string[]): Promise<DueRow[]> {
    const versions = await tx.manager.find(RecordVersion, {
      select: DECIDING,
      where: { organizationId: tx.organizationId, recordId: In([...ids]), state: 'approved' },
    });
    return [...Map.groupBy(versions, ({ recordId }) => recordId)].flatMap(([id, ofRecord]) => {
      const decided = ofRecord.flatMap(({ decidedAt, ...version }) =>
        decidedAt === null ? [] : [{ ...version, decidedAt }],
      );
      const byVersion = new Map(decided.map((one) => [one.version, { ...one, subject: one.subjectId }]));
      return replayed(decided).flatMap((interval) => {
        const of = byVersion.get(interval.version);
        return of === undefined ? [] : [{ id, key: keyOf(interval), says: saidBy(interval, of) }];
      });
    });
  }
}

/** Of most records one version was approved, and is in effect from then on in each of its places. */
const DIFFERING = `
  with approved as (
    select record_id, version, system_ids, effective_from, decided_at, count(*) over (partition by record_id) = 1 and kind = 'content' as is_only,
      to_jsonb(array[type, subject_id::text, outcome, fails::text]) || to_jsonb(about) || to_jsonb(array[good_from, expires_at]) as says
    from record_version where organization_id = $1 and state = 'approved' and ${SIFTED('record_id')}
  ),
  due as (
    select record_id, version, p.system_id, effective_from, decided_at as known_from, says
    from approved cross join lateral unnest(case when system_ids = '{}' then array[$4::uuid] else system_ids end) as p(system_id)
    where is_only
  ),
  found as (
    select record_id, version, system_id, effective_from, known_from,
      case when coalesce(effective_to, ended_known, known_to) is null
        then to_jsonb(array[type, subject::text, outcome, fails::text]) || to_jsonb(about) || to_jsonb(array[good_from, expires_at]) end as says
    from record_interval where organization_id = $1 and ${SIFTED('record_id')}
  )
  select record_id as id from found f full join due d using (record_id, version, system_id, effective_from, known_from) where (f.says = d.says) is not true
  union select record_id from approved where not is_only
  order by id`;

/** Of a version, without its fields, links and documents: these may be megabytes. */
const DECIDING = {
  ...{ recordId: true, version: true, kind: true, systemIds: true, effectiveFrom: true, decidedAt: true },
  ...{ type: true, subjectId: true, goodFrom: true, expiresAt: true, outcome: true, fails: true, about: true },
} as const;

const keyOf = ({ version, systemId, effectiveFrom, knownFrom }: Replayed): string =>
  `${version} in ${systemId} from ${effectiveFrom.toISOString()} as known from ${knownFrom.toISOString()}`;

type Content = Pick<RecordInterval, 'type' | 'subject' | 'goodFrom' | 'expiresAt' | 'outcome' | 'fails' | 'about'>;

/** Instants by their text: they are exact. */
const saidBy = (
  { effectiveTo, endedKnown, knownTo }: Replayed,
  { type, subject, goodFrom, expiresAt, outcome, fails, about }: Content,
): Says => ({
  ...{ type, subject, outcome, fails, about },
  effectiveTo: effectiveTo?.toISOString() ?? null,
  endedKnown: endedKnown?.toISOString() ?? null,
  knownTo: knownTo?.toISOString() ?? null,
  goodFrom: goodFrom.toISOString(),
  expiresAt: expiresAt?.toISOString() ?? null,
});
