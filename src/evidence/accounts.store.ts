import { Injectable } from '@nestjs/common';
import type { Ids, Row } from '../audit/account.js';
import { SIFTED, SIFTED_OBJECTS } from '../audit/derived-account.js';
import type { Tx } from '../kernel/db/database.js';
import { idsOf, rowsOf } from '../kernel/db/rows.js';
import { EvidenceDisposal } from './disposal.entity.js';
import { Evidence } from './evidence.entity.js';
import { EvidenceFinding } from './finding.entity.js';

type Rows = (tx: Tx, ids: readonly string[]) => Promise<Row[]>;

/** What the rows about an evidence say, as the events about it name it. */
@Injectable()
export class AccountsStore {
  readonly evidence: { ids: Ids; rows: Rows } = {
    ids: (tx, after, limit) => idsOf(tx, Evidence, 'id', after, limit),
    rows: async (tx, ids) => (await rowsOf(tx, Evidence, 'id', ids)).map(received),
  };

  readonly finding: { ids: Ids; rows: Rows } = {
    ids: (tx, after, limit) => idsOf(tx, EvidenceFinding, 'evidenceId', after, limit),
    rows: async (tx, ids) =>
      (await rowsOf(tx, EvidenceFinding, 'evidenceId', ids)).map(({ evidenceId: id, foundAt, state, reason }) => ({
        ...{ id, key: foundAt.toISOString(), says: { state, reason } },
      })),
  };

  readonly disposal: { ids: Ids; rows: Rows } = {
    ids: (tx, after, limit) => idsOf(tx, EvidenceDisposal, 'evidenceId', after, limit),
    rows: async (tx, ids) =>
      (await rowsOf(tx, EvidenceDisposal, 'evidenceId', ids)).map(({ evidenceId: id, recordId, disposedAt }) => ({
        ...{ id, key: '', says: { record: recordId, disposedAt } },
      })),
  };

  /** Evidence of which an event says something else than its row, or that has details, which the database cannot read; and what has the one without the other. */
  async differing(tx: Tx, after: string | null, last: string | null): Promise<string[]> {
    const rows = await tx.query<{ id: string }>(DIFFERING, [tx.organizationId, after, last]);
    return rows.map(({ id }) => id);
  }
}

/** Where its bytes lie, and what they are as stored, nothing says of it: they are found there and are what was received, or they are not. */
const received = ({ id, ...row }: Evidence): Row => ({
  id,
  key: '',
  says: {
    ...{ sha256: row.sha256.toString('hex'), size: row.size, sourceKind: row.sourceKind, sourceId: row.sourceId },
    ...{ receivedAt: row.receivedAt, retainUntil: row.retainUntil },
    ...{ receivedSha256: row.receivedSha256?.toString('hex') ?? null, receivedSize: row.receivedSize },
    dropped: row.dropped,
  },
});

const DIFFERING = `
  select distinct coalesce(e.id::text, t.object_id) as id
   from (select * from evidence where organization_id = $1 and ${SIFTED('id')}) e
     full join (
       select a.object_id, a.actor_kind, a.actor_id, convert_from(a.leaf, 'UTF8') as leaf, d.event_id as detailed from audit_event a
       left join audit_detail d on d.organization_id = $1 and d.event_id = a.id
       where a.organization_id = $1 and a.object_kind = 'evidence' and a.action = 'evidence.received' and ${SIFTED_OBJECTS}
     ) t on t.object_id = e.id::text
   where e.id is null or t.object_id is null or t.detailed is not null or e.received_sha256 is not null or e.received_size is not null or e.dropped is not null
     or position('"sha256":"' || encode(e.sha256, 'hex') || '","size":' || e.size || '}' in t.leaf) = 0
     or e.source_kind <> t.actor_kind or e.source_id <> t.actor_id
     or abs(extract(epoch from e.received_at) * 1000 - ('x' || left(replace(e.id::text, '-', ''), 12))::bit(48)::bigint) > 60000
     -- Six years after the 29th of February is the 1st of March.
     or e.retain_until at time zone 'UTC' <> e.received_at at time zone 'UTC' + interval '6 years'
       + case to_char(e.received_at at time zone 'UTC', 'MMDD') when '0229' then interval '1 day' else interval '0' end
   order by id`;
