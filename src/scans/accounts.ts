import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { accountOf, pagesOf, type DueRow } from '../audit/account.js';
import { Accounts } from '../audit/accounts.js';
import { AuditService } from '../audit/audit.service.js';
import type { Tx } from '../kernel/db/database.js';
import { AccountsStore, changeKey } from './accounts.store.js';

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
    /** By what scans were judged, as the first event of each says; events from before it was told say nothing of it. */
    const judgements = async (tx: Tx, scanIds: readonly string[]) => {
      const stored = await audit.findAbout(tx, 'scan', ['scan.stored'], scanIds);
      return new Map(stored.toReversed().map(({ leaf, details }) => [leaf.object.id, Judged.safeParse(details).data]));
    };
    accounts.add(
      {
        ...changes,
        async due(tx, ids) {
          const told = await changes.due(tx, ids);
          const known = new Set(told.map(({ id, key }) => `${id} ${key}`));
          const others = (await store.changesOfSnapshots(tx, ids)).filter(({ id, key }) => !known.has(`${id} ${key}`));
          const judgedBy = await judgements(
            tx,
            others.map(({ scanId }) => scanId),
          );
          // A program that says by what it has judged a snapshot also says what was new in it.
          return [
            ...told,
            ...others
              .filter(({ scanId }) => judgedBy.get(scanId) === undefined)
              .map(({ id, key }) => ({ id, key, says: {} })),
          ];
        },
      },
      {
        table: 'snapshot',
        kind: 'system',
        page: pagesOf((tx, after, limit) => store.systems(tx, after, limit)),
        rows: (tx, ids) => store.snapshots(tx, ids),
        async due(tx, ids) {
          const latest = await store.latestSnapshots(tx, ids);
          const judgedBy = await judgements(
            tx,
            latest.map(({ scanId }) => scanId),
          );
          return latest.map(({ systemId, ...says }): DueRow => {
            const judged = judgedBy.get(says.scanId);
            // Taken by a program that may have kept no latest snapshot yet.
            return judged === undefined
              ? { id: systemId, key: null, says: {} }
              : { id: systemId, key: '', says: { ...says, ...judged } };
          });
        },
      },
    );
  }
}
