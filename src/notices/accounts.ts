import { Injectable } from '@nestjs/common';
import { accountOf, lastSaid } from '../audit/account.js';
import { Accounts } from '../audit/accounts.js';
import { AuditService } from '../audit/audit.service.js';
import { WebhooksStore } from './webhooks.store.js';

/** Whom organisations are told by, as the events of their webhooks tell it: but for the secrets, and how their servers have answered. */
@Injectable()
export class WebhookAccounts {
  constructor(accounts: Accounts, audit: AuditService, store: WebhooksStore) {
    accounts.add(
      accountOf(audit, {
        table: 'webhook',
        kind: 'webhook',
        actions: ['webhook.changed', 'webhook.removed'],
        ids: (tx, after, limit) => store.ids(tx, after, limit),
        rows: (tx, ids) => store.rows(tx, ids),
        due(told) {
          const [first, last] = [told[0], told.at(-1)];
          if (first === undefined || last === undefined) return [];
          const isRemoved = last.action === 'webhook.removed';
          return [
            {
              key: '',
              says: {
                ...lastSaid(told),
                ...(isRemoved ? { state: 'off' } : {}),
                ...{ version: last.version, createdAt: first.at, createdBy: first.by, updatedAt: last.at },
                removedAt: isRemoved ? last.at : null,
              },
            },
          ];
        },
      }),
    );
  }
}
