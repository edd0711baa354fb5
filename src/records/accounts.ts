import { Injectable } from '@nestjs/common';
import type { Account, DueRow } from '../audit/account.js';
import { Accounts } from '../audit/accounts.js';
import { AuditService } from '../audit/audit.service.js';
import type { Action } from '../audit/event.js';
import { derivedAccount, sifted } from '../audit/derived-account.js';
import { AccountsStore } from './accounts.store.js';
import { moveAccount } from './move-account.js';
import { MoveAccountsStore } from './move-accounts.store.js';

/**
 * What is in effect follows from the versions that were approved, and what lists show of a record from its versions and moves; what versions say is told by the digests in their events, to
 * whoever verifies a package.
 */
@Injectable()
export class RecordAccounts {
  constructor(accounts: Accounts, audit: AuditService, store: AccountsStore, moves: MoveAccountsStore) {
    accounts.add(
      {
        table: 'record_interval',
        kind: 'record',
        page: sifted('record', (tx, after, last) => store.differing(tx, after, last)),
        rows: (tx, ids) => store.rows(tx, ids),
        due: (tx, ids) => store.due(tx, ids),
      },
      RECORD,
      moveAccount(audit, moves),
      LINKS,
      documents(audit),
    );
  }
}

/** A key is that of the versions that were submitted, until the record is disposed of, or its only version abandoned. Its revision goes up with each move and each disposal. */
const RECORD = derivedAccount({
  ...{ table: 'record', kind: 'record', objects: 'record' },
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
});

const LINKS = derivedAccount({
  ...{ table: 'record_link', kind: 'record', objects: 'record' },
  rows: (of) => `
    select record_id as id, version::text as key, jsonb_build_object('targets', jsonb_agg(distinct jsonb_build_array(kind, target))) as says
    from record_link where organization_id = $1 and ${of('record_id')} group by record_id, version`,
  due: (of) => `
    select v.record_id as id, v.version::text as key, jsonb_build_object('targets', jsonb_agg(distinct jsonb_build_array(l.kind, l.target))) as says
    from record_version v cross join lateral jsonb_to_recordset(v.links) as l(kind text, target text)
    where v.organization_id = $1 and v.state = 'approved' and ${of('v.record_id')} group by v.record_id, v.version`,
});

const REMOVED: readonly Action[] = ['document.removed'];
const DOCUMENTS = derivedAccount({
  ...{ table: 'record_document', kind: 'record', objects: 'record', told: REMOVED },
  rows: (of) => `
    select record_id as id, version || ' with ' || evidence_id as key, '{}'::jsonb as says
    from record_document where organization_id = $1 and ${of('record_id')}`,
  due: (of) => `
    select distinct v.record_id as id, v.version || ' with ' || (d.named ->> 'evidenceId') as key, '{}'::jsonb as says
    from record_version v cross join lateral jsonb_array_elements(v.documents) as d(named)
    where v.organization_id = $1 and ${of('v.record_id')}`,
});

/** What a version names, and what it has named: that a document was removed is an event. */
const documents = (audit: AuditService): Account => ({
  ...DOCUMENTS,
  async due(tx, ids) {
    const removed = await audit.findAbout(tx, 'record', REMOVED, ids);
    return [
      ...(await DOCUMENTS.due(tx, ids)),
      ...removed.map(({ leaf: { object }, details }): DueRow => {
        const evidenceId = (details as { evidence?: string } | null)?.evidence;
        return {
          id: object.id,
          // Of an event whose details are gone nobody can tell.
          key: evidenceId === undefined ? null : `${object.version ?? 0} with ${evidenceId}`,
          says: {},
        };
      }),
    ];
  },
});
