import { Injectable } from '@nestjs/common';
import { accountOf, type DueRow, type Row, type Says, type Told } from '../audit/account.js';
import { Accounts } from '../audit/accounts.js';
import { AuditService } from '../audit/audit.service.js';
import type { Action } from '../audit/event.js';
import type { JsonValue } from '../kernel/crypto/canonical-json.js';
import { ImportStore } from './import.store.js';
import { faultsDigest } from './rows-digest.js';

/** Imports whose rows are compared at once: each may have a hundred thousand. */
const SIZE = 5;

const OF_IMPORT = {
  kind: 'import',
  actions: ['import.received', 'import.refused', 'import.applied', 'import.approved', 'import.rejected'],
} as const;

/** Which tables were imported, by whom, and what became of their rows, as the events tell it. A dry run is told when it is asked for, and not how it ended. */
@Injectable()
export class ImportAccounts {
  constructor(accounts: Accounts, audit: AuditService, store: ImportStore) {
    accounts.add(
      accountOf(audit, {
        table: 'import',
        ...OF_IMPORT,
        ids: (tx, after, limit) => store.ids(tx, after, limit),
        rows: async (tx, ids) =>
          (await store.byIds(tx, ids)).map(({ id, organizationId: _, faults, ...says }): Row => ({
            id,
            key: '',
            says: { ...says, faults: faultsDigest(faults ?? []) },
          })),
        due: (told) => {
          const [received] = told;
          if (received === undefined) return [];
          return [{ key: '', says: { ...askedBy(received), ...endedBy(received, told), ...decidedBy(told) } }];
        },
      }),
      accountOf(audit, {
        table: 'import_row',
        ...OF_IMPORT,
        size: SIZE,
        ids: (tx, after, limit) => store.idsOfRows(tx, after, limit),
        rows: (tx, ids) => store.rowsOfEach(tx, ids),
        due: importRows,
      }),
    );
  }
}

const FINISHES = { 'import.applied': 'applied', 'import.refused': 'refused' } as const;
const DECIDES = { 'import.approved': 'approved', 'import.rejected': 'rejected' } as const;

/** Of those events the first, with the status that it makes. */
function first<Status extends string>(
  told: readonly Told[],
  makes: Partial<Record<Action, Status>>,
): (Told & { status: Status }) | null {
  for (const one of told) {
    const status = makes[one.action];
    if (status !== undefined) return { ...one, status };
  }
  return null;
}

/** Details of before some of them were told do not say them. */
const known = (said: Told['after'], names: Readonly<Record<string, string>>): Record<string, JsonValue> =>
  Object.fromEntries(
    Object.entries(names).flatMap(([name, column]) => (said?.[name] === undefined ? [] : [[column, said[name]]])),
  );

const askedBy = ({ at, by, after }: Told): Says => ({
  ...{ requestedAt: at, requestedBy: by },
  ...known(after, {
    ...{ type: 'type', dryRun: 'dryRun', evidence: 'evidenceId', sheet: 'sheet', register: 'register' },
    ...{ mediaType: 'mediaType', person: 'requestedPerson' },
  }),
});

function endedBy({ after }: Told, told: readonly Told[]): Says {
  const finished = first(told, FINISHES);
  if (finished !== null) {
    return {
      ...{ status: finished.status, finishedAt: finished.at },
      ...known(finished.after, {
        ...{ rows: 'rows', created: 'created', changed: 'changed', unchanged: 'unchanged', draft: 'drafts' },
        ...{ faults: 'faultCount', faultsDigest: 'faults' },
      }),
    };
  }
  return after?.['dryRun'] === false ? { status: 'received', finishedAt: null } : {};
}

function decidedBy(told: readonly Told[]): Says {
  const decided = first(told, DECIDES);
  if (decided === null) {
    return { decidedAt: null, decidedBy: null, decidedPerson: null, decidedCount: null, reason: null };
  }
  return {
    ...{ status: decided.status, decidedAt: decided.at, decidedBy: decided.by },
    ...known(decided.after, { versions: 'decidedCount', reason: 'reason', person: 'decidedPerson' }),
  };
}

/** All of an import's together: how many there are of each outcome, and the digest of them. */
function importRows(told: readonly Told[]): Omit<DueRow, 'id'>[] {
  const applied = told.find(({ action }) => action === 'import.applied');
  if (applied !== undefined) {
    const counts = { created: 'created', changed: 'changed', unchanged: 'unchanged', draft: 'draft' };
    return [{ key: '', says: known(applied.after, { ...counts, rowsDigest: 'rowsDigest' }) }];
  }
  return told[0]?.after?.['dryRun'] === false ? [] : [{ key: null, says: {} }];
}
