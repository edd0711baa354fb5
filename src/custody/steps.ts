import type { ListedEvent } from '../audit/audit.service.js';
import type { Action } from '../audit/event.js';
import type { JsonValue } from '../kernel/crypto/canonical-json.js';
import type { KeepingStep } from '../records/custody.service.js';

/*
 * The chain of custody of an evidence, as ISO/IEC 27037 and NIST SP 800-86 ask for one: who had it, when, what they did with it, and its digest at each step. Each step
 * is an event of the audit log, so that nothing is told here which the log does not hold.
 */

/** What was done, in the words of custody. */
export const STEPS = [
  'received',
  'queued',
  'evaluated',
  'quarantined',
  'read',
  'exported',
  'found-corrupt',
  'found-intact',
  'retention-extended',
  'hold-set',
  'hold-lifted',
  'disposed',
] as const;
export type StepName = (typeof STEPS)[number];

/** Events that are steps of whatever evidence they are about. An approval is one only of what the version that was approved names (`KeepingStep`). */
const STEP_OF: Partial<Record<Action, StepName>> = {
  'evidence.received': 'received',
  'evidence.read': 'read',
  'evidence.corrupt': 'found-corrupt',
  'evidence.restored': 'found-intact',
  'evidence.disposed': 'disposed',
  'scan.queued': 'queued',
  'scan.stored': 'evaluated',
  'scan.refused': 'quarantined',
  'package.built': 'exported',
};

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
  details: JsonValue;
}

/** Details of these are about more than the one evidence. */
const OTHERS_DETAILS: readonly Action[] = ['package.built', 'record.approved'];

/** The step that an event is for an evidence; null where it is none. */
export function stepOf({ leaf, details }: ListedEvent, records: readonly KeepingStep[]): Step | null {
  const { id: objectId, version } = leaf.object;
  const step =
    leaf.action === 'record.approved'
      ? records.find((one) => one.recordId === objectId && one.version === version)?.step
      : STEP_OF[leaf.action];
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
    details: OTHERS_DETAILS.includes(leaf.action) ? null : details,
  };
}
