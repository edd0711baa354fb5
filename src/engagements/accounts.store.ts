import { Injectable } from '@nestjs/common';
import type { Row } from '../audit/account.js';
import type { Tx } from '../kernel/db/database.js';
import { idsOf, rowsOf } from '../kernel/db/rows.js';
import { Engagement, EngagementPackage } from './engagement.entity.js';

/** What the rows say of engagements, as the details of their events name it. */
@Injectable()
export class AccountsStore {
  readonly engagement = {
    ids: (tx: Tx, after: string | null, limit: number): Promise<string[]> => idsOf(tx, Engagement, 'id', after, limit),
    rows: async (tx: Tx, ids: readonly string[]): Promise<Row[]> =>
      (await rowsOf(tx, Engagement, 'id', ids)).map(({ id, organizationId: _, email, ...says }) => ({
        id,
        key: '',
        says: { ...says, email: email === '' ? null : email },
      })),
  };

  readonly sharedPackage = {
    ids: (tx: Tx, after: string | null, limit: number): Promise<string[]> =>
      idsOf(tx, EngagementPackage, 'engagementId', after, limit),
    rows: async (tx: Tx, ids: readonly string[]): Promise<Row[]> =>
      (await rowsOf(tx, EngagementPackage, 'engagementId', ids)).map(
        ({ engagementId: id, packageId: key, sharedAt, sharedBy }) => ({ id, key, says: { sharedAt, sharedBy } }),
      ),
  };
}
