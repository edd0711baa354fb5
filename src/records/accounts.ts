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
      derivedAccount({ ...OF_RECORDS, table: 'record', ...store.record }),
      moveAccount(audit, moves),
      derivedAccount({ ...OF_RECORDS, table: 'record_link', ...store.links }),
      documents(audit, store),
    );
  }
}

const OF_RECORDS = { kind: 'record', objects: 'record' } as const;

const REMOVED: readonly Action[] = ['document.removed'];

/** What a version names, and what it has named: that a document was removed is an event. */
function documents(audit: AuditService, store: AccountsStore): Account {
  const named = derivedAccount({ ...OF_RECORDS, table: 'record_document', told: REMOVED, ...store.documents });
  return {
    ...named,
    async due(tx, ids) {
      const removed = await audit.findAbout(tx, 'record', REMOVED, ids);
      return [
        ...(await named.due(tx, ids)),
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
  };
}
