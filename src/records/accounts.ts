import { Injectable } from '@nestjs/common';
import type { Account } from '../audit/account.js';
import { AccountsStore } from './accounts.store.js';

/** What is in effect follows from the versions that were approved; what those say is told by the digests in their events, to whoever verifies a package. */
@Injectable()
export class RecordAccounts {
  readonly all: readonly Account[];

  constructor(store: AccountsStore) {
    this.all = [
      {
        table: 'record_interval',
        kind: 'record',
        ids: (tx, after, limit) => store.ids(tx, after, limit),
        rows: (tx, ids) => store.rows(tx, ids),
        due: (tx, ids) => store.due(tx, ids),
      },
    ];
  }
}
