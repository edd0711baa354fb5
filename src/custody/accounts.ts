import { hash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { accountOf, type DueRow } from '../audit/account.js';
import { Accounts } from '../audit/accounts.js';
import { AuditService } from '../audit/audit.service.js';
import { ExportsStore } from './exports.store.js';

/** Packages that are compared at once: each may have all evidence of the organisation. */
const SIZE = 5;

const Built = z.object({ evidence: z.array(z.string()), unreadable: z.array(z.string()), exported: z.number() });

/** Which evidence has left the service in packages, as the events of their builds tell it: of each event all of it together. */
@Injectable()
export class ExportAccounts {
  constructor(accounts: Accounts, audit: AuditService, store: ExportsStore) {
    accounts.add(
      accountOf(audit, {
        table: 'evidence_export',
        ...{ kind: 'package', actions: ['package.built'], size: SIZE },
        ids: (tx, after, limit) => store.packages(tx, after, limit),
        rows: (tx, ids) => store.ofPackages(tx, ids),
        due: (told) =>
          told.flatMap(({ eventId, after }): Omit<DueRow, 'id'>[] => {
            const { data: built } = Built.safeParse(after);
            // Of an event whose details are gone nobody can tell, nor of one from before exports were kept.
            if (built === undefined) return [{ key: null, says: {} }];
            const unreadable = new Set(built.unreadable);
            const exported = built.evidence.filter((id) => !unreadable.has(id)).sort();
            if (exported.length === 0) return [];
            return [{ key: eventId, says: { evidence: hash('sha256', exported.join(',')) } }];
          }),
      }),
    );
  }
}
