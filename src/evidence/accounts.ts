import { Injectable } from '@nestjs/common';
import { accountOf, type Row, type Says, type Told } from '../audit/account.js';
import { Accounts } from '../audit/accounts.js';
import { AuditService } from '../audit/audit.service.js';
import { sifted, SIFTED, SIFTED_OBJECTS, type Sift } from '../audit/derived-account.js';
import { idsOf, rowsOf } from '../kernel/db/rows.js';
import { instantOfId } from '../kernel/ids.js';
import { retentionEnd } from '../kernel/retention.js';
import { EvidenceDisposal } from './disposal.entity.js';
import { Evidence } from './evidence.entity.js';
import { EvidenceFinding } from './finding.entity.js';

/** What became of stored bytes, as the events about an evidence tell it: by these rows the posture takes it for corrupt, and readers for disposed of. */
@Injectable()
export class EvidenceAccounts {
  constructor(accounts: Accounts, audit: AuditService) {
    accounts.add(
      {
        ...accountOf(audit, {
          table: 'evidence',
          ...{ kind: 'evidence', actions: ['evidence.received'] },
          ids: (tx, after, limit) => idsOf(tx, Evidence, 'id', after, limit),
          rows: async (tx, ids) => (await rowsOf(tx, Evidence, 'id', ids)).map(received),
          due: (told, id) => told.slice(0, 1).map((first) => ({ key: '', says: receivedBy(id, first) })),
        }),
        page: sifted('evidence', sift),
      },
      accountOf(audit, {
        table: 'evidence_finding',
        ...{ kind: 'evidence', actions: ['evidence.corrupt', 'evidence.restored'] },
        ids: (tx, after, limit) => idsOf(tx, EvidenceFinding, 'evidenceId', after, limit),
        rows: async (tx, ids) =>
          (await rowsOf(tx, EvidenceFinding, 'evidenceId', ids)).map(({ evidenceId: id, foundAt, state, reason }) => ({
            ...{ id, key: foundAt.toISOString(), says: { state, reason } },
          })),
        due: (told) =>
          told.map(({ at, action, after }) => ({
            key: at.toISOString(),
            says: {
              state: action === 'evidence.corrupt' ? 'corrupt' : 'intact',
              ...(after === null ? {} : { reason: after['reason'] ?? null }),
            },
          })),
      }),
      accountOf(audit, {
        table: 'evidence_disposal',
        ...{ kind: 'evidence', actions: ['evidence.disposed'] },
        ids: (tx, after, limit) => idsOf(tx, EvidenceDisposal, 'evidenceId', after, limit),
        rows: async (tx, ids) =>
          (await rowsOf(tx, EvidenceDisposal, 'evidenceId', ids)).map(({ evidenceId: id, recordId, disposedAt }) => ({
            ...{ id, key: '', says: { record: recordId, disposedAt } },
          })),
        // An evidence is disposed of once: what somebody adds later takes nothing from what was said first.
        due: (told) =>
          told.slice(0, 1).map(({ at, after }) => ({
            key: '',
            says: { disposedAt: at, ...(after === null ? {} : { record: after['record'] ?? null }) },
          })),
      }),
    );
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

/** When it was received is in its id, until when it is kept follows from that, and who sent it has the event. */
function receivedBy(id: string, { sha256, size, byKind, by, isBare, after }: Told): Says {
  const receivedAt = instantOfId(id);
  const nothing = { receivedSha256: null, receivedSize: null, dropped: null };
  // Details that were erased say nothing.
  const dropped = isBare ? nothing : after === null ? {} : { ...nothing, ...after };
  return {
    ...{ sha256, size, sourceKind: byKind, sourceId: by },
    ...{ receivedAt, retainUntil: retentionEnd(receivedAt) },
    ...dropped,
  };
}

/** Evidence of which an event says something else than its row, or that has details, which the database cannot read; and what has the one without the other. */
const sift: Sift = async (tx, after, last) => {
  const rows = await tx.query<{ id: string }>(
    `select distinct coalesce(e.id::text, t.object_id) as id
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
     order by id`,
    [tx.organizationId, after, last],
  );
  return rows.map(({ id }) => id);
};
