import { Injectable } from '@nestjs/common';
import { idsOf, rowsOf } from '../kernel/db/rows.js';
import { accountOf } from './account.js';
import { Accounts } from './accounts.js';
import { AuditErasure } from './audit.entity.js';
import { AuditService } from './audit.service.js';

/** Whose details were erased, and by which record, as the log tells it. */
@Injectable()
export class ErasureAccount {
  constructor(accounts: Accounts, audit: AuditService) {
    accounts.add(
      accountOf(audit, {
        table: 'audit_erasure',
        ...{ kind: 'event', actions: ['event.erased'] },
        ids: (tx, after, limit) => idsOf(tx, AuditErasure, 'eventId', after, limit),
        rows: async (tx, ids) =>
          (await rowsOf(tx, AuditErasure, 'eventId', ids)).map(({ eventId: id, recordId, erasedAt }) => ({
            ...{ id, key: '', says: { record: recordId, erasedAt } },
          })),
        // Details are erased once.
        due: (told) =>
          told.slice(0, 1).map(({ at, after }) => ({
            key: '',
            says: { erasedAt: at, ...(after === null ? {} : { record: after['by'] ?? null }) },
          })),
      }),
    );
  }
}
