import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { accountOf, type Row, type Told } from '../audit/account.js';
import { Accounts } from '../audit/accounts.js';
import { AuditService } from '../audit/audit.service.js';
import type { Action } from '../audit/event.js';
import type { JsonValue } from '../kernel/crypto/canonical-json.js';
import { moved, type Move, type RequestState } from './moves.js';
import { EVENTS } from './request.service.js';
import { RequestStore } from './request.store.js';

/** Requests that are compared at once: of one a thousand things may be said, each of ten thousand characters. */
const SIZE = 10;

const MOVE_OF = new Map(Object.entries(EVENTS).map(([move, action]): [Action, Move] => [action, move as Move]));
const OF_REQUEST = { kind: 'evidence_request', actions: Object.values(EVENTS), size: SIZE } as const;

/** What auditors have asked for, and what became of it, as the events tell it: each is a move, whose number is the version that it made. */
@Injectable()
export class RequestAccounts {
  constructor(accounts: Accounts, audit: AuditService, store: RequestStore) {
    accounts.add(
      accountOf(audit, {
        table: 'evidence_request',
        ...OF_REQUEST,
        ids: (tx, after, limit) => store.ids(tx, after, limit),
        rows: async (tx, ids) =>
          (await store.rows(tx, ids)).map(({ id, organizationId: _, dueAt, ...says }): Row => ({
            id,
            key: '',
            says: { ...says, dueAt: dueAt?.toISOString() ?? null },
          })),
        due(told) {
          const [first, last] = [told[0], told.at(-1)];
          if (first === undefined || last === undefined) return [];
          const state = stateOf(told);
          return [
            {
              key: '',
              says: {
                ...(first.after ?? {}),
                ...{ version: last.version, createdAt: first.at },
                ...(state === null ? {} : { state }),
              },
            },
          ];
        },
      }),
      accountOf(audit, {
        table: 'evidence_request_move',
        ...OF_REQUEST,
        ids: (tx, after, limit) => store.movedIds(tx, after, limit),
        rows: async (tx, ids) =>
          (await store.movesOf(tx, ids)).map(({ requestId: id, organizationId: _, number, ...says }): Row => ({
            id,
            key: String(number),
            says,
          })),
        due: (told) =>
          told.map(({ version, action, at, by, after }) => ({
            key: String(version),
            says: { move: MOVE_OF.get(action) ?? null, at, by, ...saidBy(after) },
          })),
      }),
    );
  }
}

/** Null: after what was said first there is what cannot come. */
function stateOf([, ...others]: readonly Told[]): RequestState | null {
  return others.reduce<RequestState | null>((state, { action }) => {
    const move = MOVE_OF.get(action);
    return state === null || move === undefined || move === 'open' ? null : moved(state, move);
  }, 'open');
}

const ids = z.array(z.string()).default([]);
const Said = z.object({
  engagementId: z.string(),
  comment: z.string().default(''),
  records: ids,
  evidence: ids,
  packages: ids,
});

/** Of what opens a request the details say what it is. What is handed over twice is handed over. */
function saidBy(after: Told['after']): Record<string, JsonValue> {
  const { data: said } = Said.safeParse(after);
  if (said === undefined) return {};
  const { records, evidence, packages, ...rest } = said;
  return {
    ...rest,
    ...{ records: [...new Set(records)], evidence: [...new Set(evidence)], packages: [...new Set(packages)] },
  };
}
