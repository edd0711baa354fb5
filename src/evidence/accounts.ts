import { Injectable } from '@nestjs/common';
import { accountOf, type Says, type Told } from '../audit/account.js';
import { Accounts } from '../audit/accounts.js';
import { AuditService } from '../audit/audit.service.js';
import { sifted } from '../audit/derived-account.js';
import { instantOfId } from '../kernel/ids.js';
import { retentionEnd } from '../kernel/retention.js';
import { AccountsStore } from './accounts.store.js';

/** What became of stored bytes, as the events about an evidence tell it: by these rows the posture takes it for corrupt, and readers for disposed of. */
@Injectable()
export class EvidenceAccounts {
  constructor(accounts: Accounts, audit: AuditService, store: AccountsStore) {
    accounts.add(
      {
        ...accountOf(audit, {
          table: 'evidence',
          ...{ kind: 'evidence', actions: ['evidence.received'] },
          ...store.evidence,
          due: (told, id) => told.slice(0, 1).map((first) => ({ key: '', says: receivedBy(id, first) })),
        }),
        page: sifted('evidence', (tx, after, last) => store.differing(tx, after, last)),
      },
      accountOf(audit, {
        table: 'evidence_finding',
        ...{ kind: 'evidence', actions: ['evidence.corrupt', 'evidence.restored'] },
        ...store.finding,
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
        ...store.disposal,
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
