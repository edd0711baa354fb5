import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { accountOf, pagesOf, type DueRow } from '../audit/account.js';
import { Accounts } from '../audit/accounts.js';
import { AuditService } from '../audit/audit.service.js';
import { AccountsStore, changeKey } from './accounts.store.js';
import { LOSSES, SIGHTINGS, TARGETS } from './coverage-accounts.js';

const Noted = z.object({ observedAt: z.iso.datetime().transform((text) => new Date(text)), value: z.string() });
const Judged = z.object({ rules: z.string(), program: z.string() });

/** What of a system's cluster its snapshots have said: which is the latest follows from its scans, and what was new in one is an event. */
@Injectable()
export class ScanAccounts {
  constructor(accounts: Accounts, audit: AuditService, store: AccountsStore) {
    const changes = accountOf(audit, {
      table: 'system_change',
      ...{ kind: 'system', actions: ['system.version_observed'] },
      ids: (tx, after, limit) => store.changedSystems(tx, after, limit),
      rows: (tx, ids) => store.changes(tx, ids),
      due: (told) =>
        told.map(({ at, after }) => {
          const { data: noted } = Noted.safeParse(after);
          // Of an event whose details are gone nobody can tell.
          if (noted === undefined) return { key: null, says: {} };
          return { key: changeKey(noted.observedAt, at), says: { value: noted.value } };
        }),
    });
    accounts.add(
      {
        ...changes,
        due: async (tx, ids) => [...(await changes.due(tx, ids)), ...(await store.changesBeforeEvents(tx, ids))],
      },
      {
        table: 'snapshot',
        kind: 'system',
        page: pagesOf((tx, after, limit) => store.systems(tx, after, limit)),
        rows: (tx, ids) => store.snapshots(tx, ids),
        async due(tx, ids) {
          const latest = await store.latestSnapshots(tx, ids);
          const scanIds = latest.map(({ scanId }) => scanId);
          const stored = await audit.findAbout(tx, 'scan', ['scan.stored'], scanIds);
          return latest.map(({ systemId, ...says }): DueRow => {
            const event = stored.find(({ leaf }) => leaf.object.id === says.scanId);
            // Events from before it was told say nothing of it.
            return { id: systemId, key: '', says: { ...says, ...Judged.safeParse(event?.details).data } };
          });
        },
      },
      TARGETS,
      SIGHTINGS,
      LOSSES,
    );
  }
}
