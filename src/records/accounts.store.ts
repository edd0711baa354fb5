import { Injectable } from '@nestjs/common';
import { In } from 'typeorm';
import type { DueRow, Row, Says } from '../audit/account.js';
import type { Tx } from '../kernel/db/database.js';
import { idsOf, rowsOf } from '../kernel/db/rows.js';
import { RecordInterval } from './interval.entity.js';
import { RecordVersion } from './record.entity.js';
import { replayed, type Replayed } from './replay.js';

/** What is in effect of records, and what their approved versions say that there is. */
@Injectable()
export class AccountsStore {
  /** Of records of which anything was approved, or is in effect. */
  async ids(tx: Tx, after: string | null, limit: number): Promise<string[]> {
    const ids = [
      ...(await idsOf(tx, RecordVersion, 'recordId', after, limit)),
      ...(await idsOf(tx, RecordInterval, 'recordId', after, limit)),
    ];
    return [...new Set(ids)].sort().slice(0, limit);
  }

  async rows(tx: Tx, ids: readonly string[]): Promise<Row[]> {
    return (await rowsOf(tx, RecordInterval, 'recordId', ids)).map((row) => ({
      id: row.recordId,
      key: keyOf(row),
      says: saidBy(row, row),
    }));
  }

  async due(tx: Tx, ids: readonly string[]): Promise<DueRow[]> {
    const versions = await tx.manager.findBy(RecordVersion, {
      organizationId: tx.organizationId,
      recordId: In([...ids]),
      state: 'approved',
    });
    return [...Map.groupBy(versions, ({ recordId }) => recordId)].flatMap(([id, ofRecord]) => {
      const decided = ofRecord.flatMap(({ decidedAt, ...version }) =>
        decidedAt === null ? [] : [{ ...version, decidedAt }],
      );
      const byVersion = new Map(decided.map((one) => [one.version, { ...one, subject: one.subjectId }]));
      return replayed(decided).flatMap((interval) => {
        const of = byVersion.get(interval.version);
        return of === undefined ? [] : [{ id, key: keyOf(interval), says: saidBy(interval, of) }];
      });
    });
  }
}

const keyOf = ({ version, systemId, effectiveFrom, knownFrom }: Replayed): string =>
  `${version} in ${systemId} from ${effectiveFrom.toISOString()} as known from ${knownFrom.toISOString()}`;

type Content = Pick<RecordInterval, 'type' | 'subject' | 'goodFrom' | 'expiresAt' | 'outcome' | 'fails' | 'about'>;

/** Instants by their text: they are exact. */
const saidBy = (
  { effectiveTo, endedKnown, knownTo }: Replayed,
  { type, subject, goodFrom, expiresAt, outcome, fails, about }: Content,
): Says => ({
  ...{ type, subject, outcome, fails, about },
  effectiveTo: effectiveTo?.toISOString() ?? null,
  endedKnown: endedKnown?.toISOString() ?? null,
  knownTo: knownTo?.toISOString() ?? null,
  goodFrom: goodFrom.toISOString(),
  expiresAt: expiresAt?.toISOString() ?? null,
});
