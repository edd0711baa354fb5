import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { others, type DueRow } from '../audit/account.js';
import { Accounts } from '../audit/accounts.js';
import { AuditService, type ListedEvent } from '../audit/audit.service.js';
import type { Action } from '../audit/event.js';
import type { Tx } from '../kernel/db/database.js';
import { rowsOf } from '../kernel/db/rows.js';
import { AnalysesStore } from './analyses.store.js';
import { FrozenPosture } from './frozen-posture.entity.js';

/** Records whose events are read at once. */
const PAGE = 200;
const FROZEN = ['posture.frozen'] as const satisfies Action[];

const Frozen = z.object({ evidence: z.uuid(), asOf: z.iso.datetime(), knownAt: z.iso.datetime() });

/** Who froze, and when. */
type Hand = Pick<FrozenPosture, 'frozenAt' | 'frozenBy'>;

/** What events say was frozen. */
interface Said {
  /** By the evidence: of what instants, and each time that it was. */
  readonly of: ReadonlyMap<string, { asOf: string; knownAt: string; hands: Hand[] }>;
  /** Of events whose details are gone, so that they may be of any evidence. */
  readonly unnamed: readonly Hand[];
}

/** Which evidence is a posture that the service froze, as the events about the analyses it was frozen for tell it: what is frozen is few, and read at once. */
@Injectable()
export class FrozenPostureAccounts {
  constructor(
    accounts: Accounts,
    private readonly audit: AuditService,
    store: AnalysesStore,
  ) {
    accounts.add({
      table: 'frozen_posture',
      kind: 'evidence',
      page: async (tx) => {
        const { of } = await this.said(tx);
        return { ids: [...new Set([...(await store.allFrozen(tx)), ...of.keys()])], next: null };
      },
      rows: async (tx, ids) =>
        (await rowsOf(tx, FrozenPosture, 'evidenceId', ids)).map(({ evidenceId: id, ...row }) => ({
          ...{ id, key: '' },
          says: { ...row, asOf: row.asOf.toISOString(), knownAt: row.knownAt.toISOString() },
        })),
      due: async (tx, ids) => {
        const { of, unnamed } = await this.said(tx);
        const rows = new Map((await rowsOf(tx, FrozenPosture, 'evidenceId', ids)).map((row) => [row.evidenceId, row]));
        return ids.flatMap((id): DueRow[] => {
          const [row, told] = [rows.get(id), of.get(id)];
          const isUnnamed = row !== undefined && unnamed.some((hand) => isBy(row, hand));
          if (told === undefined) return isUnnamed ? [{ id, key: null, says: {} }] : [];
          const { hands, ...instants } = told;
          // The same posture frozen again is the same evidence. What was said of it first stands, and of two at once the log may have either first.
          const hand = hands.find((one) => row !== undefined && isBy(row, one)) ?? hands[0];
          return [{ id, key: '', says: { ...instants, ...(isUnnamed ? {} : hand) } }];
        });
      },
    });
  }

  private said(tx: Tx): Promise<Said> {
    return tx.once('what events say was frozen', async () => {
      const of = new Map<string, { asOf: string; knownAt: string; hands: Hand[] }>();
      const unnamed: Hand[] = [];
      for (const { leaf, details } of await this.events(tx)) {
        const hand = { frozenAt: new Date(leaf.time), frozenBy: leaf.actor.id };
        const { data } = Frozen.safeParse(details);
        if (data !== undefined) {
          const { evidence, ...instants } = data;
          const told = of.get(evidence) ?? { ...instants, hands: [] };
          of.set(evidence, { ...told, hands: [...told.hands, hand] });
          // One that never had any is none of the service's.
        } else if (details === null && leaf.details_sha256 !== null) unnamed.push(hand);
      }
      return { of, unnamed };
    });
  }

  private async events(tx: Tx): Promise<ListedEvent[]> {
    const events: ListedEvent[] = [];
    let after: string | null = null;
    do {
      const records: string[] = await this.audit.findObjects(tx, 'record', FROZEN, after, PAGE);
      events.push(...(await this.audit.findAbout(tx, 'record', FROZEN, records)));
      after = records.length < PAGE ? null : (records.at(-1) ?? null);
    } while (after !== null);
    return events;
  }
}

const isBy = (row: Hand, { frozenAt, frozenBy }: Hand): boolean =>
  others({ ...row }, { frozenAt, frozenBy }).length === 0;
