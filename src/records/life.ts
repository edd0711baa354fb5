import { nameId } from '../kernel/ids.js';
import { Refusal } from '../kernel/http/problem.js';
import type { Principal } from '../kernel/principal.js';
import { MOVES, type Move, type MoveRule } from './moves.js';
import type { RecordRow, VersionRow } from './records.store.js';
import type { RecordFault } from './rules.js';

/** Who does it, and the person behind: another role, another membership or another token of the same subject is the same person. */
export interface Actor {
  id: string;
  person: string;
}

export const personOf = (issuer: string, subject: string): string => nameId('person', issuer, subject);

/** Records are people's: an agent or the program itself has no hands, and decides on nothing. */
export function actorOf({ kind, id, issuer, subject }: Principal): Actor {
  if (kind !== 'user') throw new Refusal('forbidden', 'People keep records and decide on them: sign in as one.');
  return { id, person: personOf(issuer, subject) };
}

/** Whether the table of moves allows it: refuses what it does not. `open`: the version that the move is of, if one is open. */
export function requireMove(move: Move, record: RecordRow, open: VersionRow | null, actor: Actor): void {
  const rule: MoveRule = MOVES[move];
  const state = open === null ? 'none' : open.state;
  const isFrom = rule.from.some((from) => from === state);
  if (!isFrom || (rule.afterApproved && record.approvedVersion === null)) {
    throw new Refusal('move-refused', refusalText(move, rule, state), { extra: { move, state } });
  }
  if (rule.notOwnHands && open?.hands.includes(actor.person) === true) {
    throw new Refusal(
      'own-approval',
      'You have written or submitted it, be it in another role: another person decides.',
    );
  }
}

function refusalText(move: Move, rule: MoveRule, state: string): string {
  if (!rule.from.includes('none')) {
    return `«${move}» is of a version that is ${rule.from.join(' or ')}; ${state === 'none' ? 'no version is open' : `this one is ${state}`}.`;
  }
  return state === 'none'
    ? `«${move}» goes on from an approved version; there is none.`
    : `A version is open (${state}): finish or abandon it first.`;
}

/** One refusal for all faults, with the problem of the first. */
export function refuseFaults(faults: readonly RecordFault[]): void {
  const [first] = faults;
  if (first === undefined) return;
  const { pointer, detail, code = 'record-refused', extra = {} } = first;
  throw new Refusal(code, detail, {
    pointer,
    extra: { ...extra, faults: faults.slice(0, 50).map((fault) => ({ pointer: fault.pointer, detail: fault.detail })) },
  });
}
