import type { Control, PracticeLink } from '../catalog/catalog.types.js';
import type { ControlPosture } from './posture.schema.js';
import type { Status } from './status.js';
import { plural } from './words.js';

/**
 * The rule of a control, from the statuses of its practices. Only primary practices decide: a supporting one helps and is shown.
 * 1. An item that is judged through others (`needs: nothing`) is not applicable by itself.
 * 2. Without a primary practice nothing in the catalogue would evidence it: missing.
 * 3. Where scanners never count (164.310), all that stands behind a practice today is left aside, failures too: missing.
 * 4. A failing primary practice makes it failing.
 * 5. All missing: missing. Nothing but stale and missing: stale.
 * 6. Else partial, never evidenced: every item asks for a document (policy, procedure, record), and documents are not kept yet. No number of scanner
 *    passes stands in for one.
 */
export function evaluateControl(
  control: Control,
  links: readonly PracticeLink[],
  statusOf: (practice: string) => Status,
): Omit<ControlPosture, 'counts' | 'scanIds' | 'evidenceIds'> {
  const practices = links.map(({ link, practice }) => ({ id: practice.id, link, status: statusOf(practice.id) }));
  const primary = practices.filter(({ link }) => link === 'primary').map(({ status }) => status);
  const [status, reason] = judge(control, primary);
  const { id, title, citation, family, type, required, overlay } = control;
  return { id, title, citation, family, type, required, overlay, status, reason: withMark(control, reason), practices };
}

function judge(control: Control, primary: readonly Status[]): [Status, string] {
  if (control.needs === 'nothing') return ['not_applicable', control.needsWhy ?? 'Judged through other items.'];
  const asks = asksOf(control);
  if (primary.length === 0) return ['missing', `No practice of the catalogue would evidence it yet. ${asks}`];
  if (control.scanners === 'never') return ['missing', `Scanner results never count for this item. ${asks}`];

  const count = (...wanted: Status[]) => primary.filter((status) => wanted.includes(status)).length;
  const of = plural(primary.length, 'primary practice');
  const failing = count('failing');
  if (failing > 0) return ['failing', `Failing: ${failing} of ${of}.`];
  const missing = count('missing');
  if (missing === primary.length) return ['missing', `There is no evidence of ${of}. ${asks}`];
  const stale = count('stale');
  if (stale + missing === primary.length) {
    return ['stale', `The evidence of ${stale} of ${of} is too old, and there is no other. ${asks}`];
  }
  const fresh = count('evidenced', 'partial', 'excepted');
  return ['partial', `Fresh evidence of ${fresh} of ${of}. Scanner evidence alone never meets this item. ${asks}`];
}

/** What an auditor would want to see, as far as the catalogue knows. */
const asksOf = ({ auditorAsks }: Control): string =>
  auditorAsks.length === 0
    ? 'It asks for documents, and none is kept yet.'
    : `An auditor asks for: ${auditorAsks.join('; ')}. None is kept yet.`;

/** 164.306(d)(3): assess; then implement, or write why not and do what is equivalent, or write how the standard is met without. */
const withMark = ({ required, needs }: Control, reason: string): string =>
  required === 'addressable' && needs === 'document'
    ? `${reason} Addressable is not optional: what is not implemented needs a written assessment (164.306(d)(3)).`
    : reason;
