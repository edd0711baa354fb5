import type { ListedEvent } from '../audit/audit.service.js';
import type { Action } from '../audit/event.js';
import { leafHash } from '../audit/merkle.js';
import type { JsonValue } from '../kernel/crypto/canonical-json.js';
import type { KeepingStep } from '../records/custody.service.js';
import { OTHERS_DETAILS, stepsOf, type StepName } from './step-names.js';

/*
 * The chain of custody of an evidence, as ISO/IEC 27037 and NIST SP 800-86 ask for one: who had it, when, what they did with it, and its digest at each step. Each step
 * is an event of the audit log, so that nothing is told here which the log does not hold.
 */

/** One step, as it is shown and exported. */
export interface Step {
  /** The event of the audit log that it is. */
  eventId: string;
  /** UTC. */
  time: string;
  step: StepName;
  action: Action;
  actor: ListedEvent['leaf']['actor'];
  object: ListedEvent['leaf']['object'];
  outcome: 'success' | 'failure';
  requestId: string;
  /** What whoever posted the report was given: the signed promise that the log has this event. Null of steps that nobody is given one for. */
  receipt: string | null;
  details: JsonValue;
}

/** Of these whoever posted the report has a receipt. */
const RECEIPTED: readonly Action[] = ['scan.queued', 'scan.stored', 'scan.refused'];

/** Signs receipts anew: by the key and for the log of today, so that the same event has the same until one of them is another. What was given before holds as well. */
export type Receipts = (event: { leafHash: Buffer; time: Date }) => Promise<string>;

/** The step that an event is for an evidence; null where it is none. */
export async function stepOf(
  { leaf, leafText, details }: ListedEvent,
  records: readonly KeepingStep[],
  receipts: Receipts,
): Promise<Step | null> {
  const { id: objectId, version } = leaf.object;
  const step =
    leaf.action === 'record.approved'
      ? records.find((one) => one.recordId === objectId && one.version === version)?.step
      : stepsOf(leaf.action)[0];
  if (step === undefined) return null;
  return {
    eventId: leaf.id,
    time: leaf.time,
    step,
    action: leaf.action,
    actor: leaf.actor,
    object: leaf.object,
    outcome: leaf.outcome,
    requestId: leaf.request_id,
    receipt: RECEIPTED.includes(leaf.action)
      ? await receipts({ leafHash: leafHash(Buffer.from(leafText, 'utf8')), time: new Date(leaf.time) })
      : null,
    details: OTHERS_DETAILS.includes(leaf.action) ? null : details,
  };
}
