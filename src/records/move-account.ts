import { others, type Account, type DueRow, type Says } from '../audit/account.js';
import type { AuditService, ListedEvent } from '../audit/audit.service.js';
import { sifted } from '../audit/derived-account.js';
import type { Action } from '../audit/event.js';
import type { JsonValue } from '../kernel/crypto/canonical-json.js';
import type { MoveAccountsStore } from './move-accounts.store.js';
import type { Move } from './moves.js';

/** Which move an event tells; of `record.revised` its details say whether it was an end. */
const MOVE_OF: Partial<Record<Action, Move>> = {
  'record.created': 'create',
  'record.revised': 'revise',
  'record.edited': 'edit',
  'document.added': 'edit',
  'document.removed': 'edit',
  'record.submitted': 'submit',
  'record.recalled': 'recall',
  'record.rejected': 'reject',
  'record.approved': 'approve',
  'record.abandoned': 'abandon',
};
const TELLING = Object.keys(MOVE_OF) as Action[];

/** Who has done what with the versions of records: each move is an event, but for those that an import has made. */
export const moveAccount = (audit: AuditService, store: MoveAccountsStore): Account => ({
  table: 'record_move',
  kind: 'record',
  page: sifted('record', (tx, after, last) => store.differing(tx, after, last, TELLING)),
  rows: (tx, ids) => store.rows(tx, ids),
  async due(tx, ids) {
    const events = await audit.findAbout(tx, 'record', [...TELLING, 'record.disposed'], ids);
    const disposed = new Set(events.flatMap(({ leaf }) => (leaf.action === 'record.disposed' ? [leaf.object.id] : [])));
    const moves = [
      ...(await store.imported(tx, ids)).map(({ recordId, version, ...says }) => ({ id: recordId, version, says })),
      ...events.flatMap((event) => told(event, disposed)),
    ];
    const kept = new Map((await store.rows(tx, ids)).map(({ id, key, says }) => [`${id} ${key}`, says]));
    const ofVersions = Map.groupBy(moves, ({ id, version }) => `${id} ${version}`);
    return [...ofVersions.values()].flatMap((ofVersion) =>
      inOrderOf((at) => kept.get(`${ofVersion[0]?.id} ${ofVersion[0]?.version}.${at + 1}`), ofVersion).map(
        ({ id, version, says }, at): DueRow => ({ id, key: `${version}.${at + 1}`, says }),
      ),
    );
  },
});

/** Moves among which one may stand elsewhere than the log has it. */
const NEAR = 10;

/**
 * The log has events in the order of their servers' clocks: of two moves that two servers have told, the later may come first. So each stands where a row says the same, and what no row
 * says where it stood.
 */
function inOrderOf<Told extends { says: Says }>(row: (at: number) => Says | undefined, moves: readonly Told[]): Told[] {
  const left = [...moves];
  return moves.flatMap((_, at) => {
    const says = row(at);
    const found =
      says === undefined ? -1 : left.slice(0, NEAR).findIndex((move) => others(says, move.says).length === 0);
    return left.splice(Math.max(found, 0), 1);
  });
}

function told(
  { leaf, details }: ListedEvent,
  disposed: ReadonlySet<string>,
): { id: string; version: number; says: Says }[] {
  const { action, object, actor, time } = leaf;
  const move = MOVE_OF[action];
  if (move === undefined) return [];
  const said = details as Readonly<Record<string, JsonValue>> | null;
  const says: Says = {
    ...{ at: new Date(time), by: actor.id },
    // Of a next version whose details are gone nobody can tell whether it was an end.
    ...(move === 'revise' && said === null ? {} : { move: said?.['kind'] === 'end' ? 'end' : move }),
    // What was disposed of has no reasons any more.
    ...(disposed.has(object.id) ? { reason: null } : said === null ? {} : { reason: said['reason'] ?? null }),
  };
  return [{ id: object.id, version: object.version ?? 0, says }];
}
