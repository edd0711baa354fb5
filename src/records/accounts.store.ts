import { Injectable } from '@nestjs/common';
import { In } from 'typeorm';
import type { DueRow, Row, Says } from '../audit/account.js';
import { SIFTED } from '../audit/derived-account.js';
import type { Tx } from '../kernel/db/database.js';
import { rowsOf } from '../kernel/db/rows.js';
import { WHOLE } from './interval.js';
import { RecordInterval } from './interval.entity.js';
import { RecordVersion } from './record.entity.js';
import { replayed, type Replayed } from './replay.js';

/** What is in effect of records, and what their approved versions say that there is. */
@Injectable()
export class AccountsStore {
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
