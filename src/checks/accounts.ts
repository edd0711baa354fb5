import { Injectable } from '@nestjs/common';
import { accountOf, type Account } from '../audit/account.js';
import { AuditService } from '../audit/audit.service.js';
import { definedBy } from '../audit/defined-account.js';
import { ChecksStore } from './checks.store.js';

/** What organisations have made of checks, as their events tell it. */
@Injectable()
export class CheckAccounts {
  readonly all: readonly Account[];

  constructor(audit: AuditService, store: ChecksStore) {
    this.all = [
      accountOf(audit, {
        table: 'check_version',
        kind: 'check',
        actions: ['check.changed', 'check.withdrawn'],
        ids: async (tx, after, limit) =>
          [...new Set((await store.rows(tx)).map(({ id }) => id))]
            .sort()
            .filter((id) => after === null || id > after)
            .slice(0, limit),
        rows: async (tx, ids) => (await store.rows(tx)).filter(({ id }) => ids.includes(id)),
        due: definedBy,
      }),
    ];
  }
}
