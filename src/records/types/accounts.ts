import { Injectable } from '@nestjs/common';
import { accountOf } from '../../audit/account.js';
import { Accounts } from '../../audit/accounts.js';
import { AuditService } from '../../audit/audit.service.js';
import { definedBy } from '../../audit/defined-account.js';
import { RecordTypesStore } from './record-types.store.js';

/** What organisations have made of types of records, as their events tell it. */
@Injectable()
export class RecordTypeAccounts {
  constructor(accounts: Accounts, audit: AuditService, store: RecordTypesStore) {
    accounts.add(
      accountOf(audit, {
        table: 'record_type_version',
        kind: 'record_type',
        actions: ['record_type.changed', 'record_type.withdrawn'],
        ids: async (tx, after, limit) =>
          [...new Set((await store.rows(tx)).map(({ id }) => id))]
            .sort()
            .filter((id) => after === null || id > after)
            .slice(0, limit),
        rows: async (tx, ids) => (await store.rows(tx)).filter(({ id }) => ids.includes(id)),
        due: definedBy,
      }),
    );
  }
}
