import type { Action } from '../audit/event.js';

/*
 * What was done with evidence, in the words of custody, and the events of the audit log that say so. Pure: who verifies a package stands on the same lines.
 */

export const STEPS = [
  'received',
  'queued',
  'evaluated',
  'quarantined',
  'read',
  'exported',
  'found-corrupt',
  'found-intact',
  'found-altered',
  'found-restored',
  'retention-extended',
  'hold-set',
  'hold-lifted',
  'disposed',
] as const;
export type StepName = (typeof STEPS)[number];

const STEPS_OF: Partial<Record<Action, readonly StepName[]>> = {
  'evidence.received': ['received'],
  'evidence.read': ['read'],
  'evidence.corrupt': ['found-corrupt'],
  'evidence.restored': ['found-intact'],
  'row.altered': ['found-altered'],
  'row.restored': ['found-restored'],
  'evidence.disposed': ['disposed'],
  'scan.queued': ['queued'],
  'scan.stored': ['evaluated'],
  'scan.refused': ['quarantined'],
  'package.built': ['exported'],
  'record.approved': ['retention-extended', 'hold-set', 'hold-lifted'],
};

/**
 * Which steps an event may be. Most are one whatever evidence they are about; an approval is one of three, or none, by what the version that was approved says of the
 * evidence (`KeepingStep`).
 */
export const stepsOf = (action: string): readonly StepName[] =>
  Object.hasOwn(STEPS_OF, action) ? (STEPS_OF[action as Action] ?? []) : [];

/** Details of these are about more than the one evidence, and are not told with its steps. */
export const OTHERS_DETAILS: readonly Action[] = ['package.built', 'record.approved'];
