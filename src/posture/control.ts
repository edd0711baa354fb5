import type { Control, PracticeLink } from '../catalog/catalog.types.js';
import type { NeedPart, Accepted, SubjectPart } from './needs.js';
import type { ControlPosture } from './posture.schema.js';
import { needPosture, type JudgedPractice } from './practice.js';
import { itemStatus, lifted, practiceStatus } from './rule.js';
import type { Status } from './status.js';
import { isAre, listed, plural, sentence } from './words.js';

/** All that an item of the law is judged by, in one system. */
export interface ControlCase {
  readonly control: Control;
  readonly links: readonly PracticeLink[];
  readonly practices: ReadonlyMap<
    string,
    Pick<JudgedPractice, 'part'> & { posture: { status: Status; needs: readonly Pick<NeedPart, 'type' | 'state'>[] } }
  >;
  /** What records say of the item itself: the system's own and the organisation's together. */
  readonly records: SubjectPart;
  /** The decision in effect that it is met otherwise, or need not be. */
  readonly decision: ReturnType<Accepted['controls']['get']>;
}

type Told = Omit<ControlPosture, 'counts' | 'scanIds' | 'evidenceIds'>;

interface Primary {
  readonly id: string;
  readonly status: Status;
}

/**
 * An item of the law, from its primary practices and what it asks for itself (rule.ts); a supporting practice helps and is shown. Where scanners never count
 * (164.310), practices count by their records alone, failures that scanners report left aside.
 */
export function evaluateControl({ control, links, practices, records, decision }: ControlCase): Told {
  const shown = links.map(({ link, practice }) => ({
    id: practice.id,
    link,
    status: practices.get(practice.id)?.posture.status ?? ('missing' as const),
  }));
  const { id, title, citation, family, type, required, overlay } = control;
  const told = { id, title, citation, family, type, required, overlay, practices: shown };
  if (control.needs === 'nothing') {
    const reason = control.needsWhy ?? 'Judged through other items.';
    return { ...told, status: 'not_applicable', reason, needs: [], decisionId: null };
  }
  const primary = links
    .filter(({ link }) => link === 'primary')
    .map(({ practice }): Primary => {
      const judged = practices.get(practice.id);
      if (judged === undefined) return { id: practice.id, status: 'missing' };
      const status =
        control.scanners === 'never'
          ? practiceStatus('records', { ...judged.part, scanner: 'none' })
          : judged.posture.status;
      return { id: practice.id, status };
    });
  const before = itemStatus({
    primary: primary.map(({ status }) => status),
    needs: records.needs.map(({ state }) => state),
    fails: records.failures.length > 0,
  });
  const { status, isLifted } = liftedStatus(control, before, decision);
  const reasons = [
    ...(isLifted && decision !== undefined ? [liftedReason(decision.outcome)] : []),
    ...practicesReason(control, primary),
    ...missingOf(primary, practices),
    ...records.failures,
    ...needsReasons(records),
  ];
  if (!isLifted && status !== 'evidenced') reasons.push(...asksOf(control, reasons));
  return {
    ...told,
    status,
    reason: isLifted ? reasons.join(' ') : withMark(control, status, reasons.join(' ')),
    needs: records.needs.map(needPosture),
    decisionId: isLifted ? (decision?.recordId ?? null) : null,
  };
}

/** With a decision in effect that takes the place of what is not evidenced. */
export function liftedStatus(
  { required }: Control,
  before: Status,
  decision: ControlCase['decision'],
): { status: Status; isLifted: boolean } {
  const status = lifted(before, required, decision !== undefined);
  return { status, isLifted: status !== before || (before === 'excepted' && decision !== undefined) };
}

function liftedReason(outcome: string): string {
  return outcome === 'alternative'
    ? 'Met otherwise: a decision in effect names the alternative measure and how the standard is met (164.306(d)(3)).'
    : 'Not implemented: a decision in effect says why that is not reasonable and appropriate here, and how the standard is met (164.306(d)(3)).';
}

/** How its primary practices stand, worst first; those that lack something by name. */
function practicesReason({ scanners }: Control, primary: readonly Primary[]): string[] {
  if (primary.length === 0) return [];
  const of = plural(primary.length, 'primary practice');
  const named = (status: Status, words: string) => {
    const found = primary.filter((one) => one.status === status).map(({ id }) => id);
    return found.length === 0 ? [] : [`${found.length} ${words} (${listed(found)})`];
  };
  const parts = [
    ...named('failing', 'failing'),
    ...named('missing', 'without evidence'),
    ...named('stale', 'stale'),
    ...named('partial', 'partly evidenced'),
    ...named('excepted', 'excepted'),
  ];
  const evidenced = primary.filter(({ status }) => status === 'evidenced').length;
  const all = [...parts, ...(evidenced > 0 ? [`${evidenced} evidenced`] : [])].join('; ');
  return [...(scanners === 'never' ? ['Scanner results never count for this item.'] : []), `Of ${of}: ${all}.`];
}

const needsReasons = ({ needs }: SubjectPart): string[] =>
  (['failing', 'missing', 'stale', 'met'] as const).flatMap((state) =>
    needs.flatMap((need) => (need.state === state ? [need.reason] : [])),
  );

/** What an auditor would want to see, as far as the catalogue knows, and where nothing above has said it. */
function asksOf({ auditorAsks }: Control, above: readonly string[]): string[] {
  const asks = sentence(auditorAsks.join('; '));
  return auditorAsks.length === 0 || above.some((reason) => reason.includes(asks))
    ? []
    : [`Of the item an auditor asks for: ${asks}`];
}

/** The records that its practices lack: who reads of the item alone is told what to keep. */
function missingOf(primary: readonly Primary[], practices: ControlCase['practices']): string[] {
  const types = primary.flatMap(({ id }) =>
    (practices.get(id)?.posture.needs ?? []).flatMap(({ type, state }) => (state === 'missing' ? [`\`${type}\``] : [])),
  );
  return types.length === 0 ? [] : [`Records that they lack: ${listed(types, MAX_MISSING)}.`];
}
const MAX_MISSING = 8;

/** 164.306(d)(3): assess; then implement, or write why not and do what is equivalent, or write how the standard is met without. */
const withMark = ({ required }: Control, status: Status, reason: string): string =>
  required === 'addressable' && status !== 'evidenced' && status !== 'excepted'
    ? `${reason} Addressable is not optional: what is not implemented needs a written assessment (record \`addressable_decision\`, 164.306(d)(3)).`
    : reason;

/** The general rule that each addressable specification is implemented, or decided on in writing. */
export const ADDRESSABLE_RULE = '164.306(d)(3)';

type Item = Pick<ControlPosture, 'id' | 'required' | 'status'>;

/** Whether what is open of other items can lower the rule on them. */
export const mayBeLowered = (rule: Status | undefined): boolean => rule === 'evidenced' || rule === 'excepted';

/** One decision says nothing of the other addressable items: while any is neither evidenced nor decided on, the rule on them is met in part. Null: that does not lower it. */
export function undecided(controls: readonly Item[]): string | null {
  const rule = controls.find(({ id }) => id === ADDRESSABLE_RULE);
  if (!mayBeLowered(rule?.status)) return null;
  const open = controls.filter(
    ({ required, status }) => required === 'addressable' && status !== 'evidenced' && status !== 'excepted',
  );
  return open.length === 0
    ? null
    : `${plural(open.length, 'addressable item')} ${isAre(open.length)} neither evidenced nor decided on (record \`addressable_decision\`): ${listed(open.map(({ id }) => id))}.`;
}

export function withEachDecided<T extends Item & Pick<ControlPosture, 'reason'>>(controls: readonly T[]): T[] {
  const reason = undecided(controls);
  return controls.map((control) =>
    reason !== null && control.id === ADDRESSABLE_RULE
      ? { ...control, status: 'partial' as const, reason: `${control.reason} ${reason}` }
      : control,
  );
}
