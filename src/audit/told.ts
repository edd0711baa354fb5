import type { ObjectKind } from './event.js';

/**
 * What an auditor is told the details of: what is judged by, whenever it was decided, and what happened within a period to evidence, scans and records. Of all others there are the
 * leaves: who is a member and by which address, whom notices go to, who else was let in and what was said with them is for nobody whom a package is made for, or handed over to.
 * Pure: who verifies a package stands on the same lines.
 */
const TOLD: Partial<Record<ObjectKind, 'ever' | 'period'>> = {
  organization: 'ever',
  system: 'ever',
  agent_trust: 'ever',
  check: 'ever',
  record_type: 'ever',
  event: 'ever',
  evidence: 'period',
  scan: 'period',
  record: 'period',
};

/** Whether auditors are told the details of an event about such an object, of this time; `from`: when the period begins. Both in milliseconds. */
export function isToldOf(kind: ObjectKind, time: number, from: number): boolean {
  const told = TOLD[kind];
  return told === 'ever' || (told === 'period' && time >= from);
}

/** Whether they ever are of any. */
export const isEverTold = (kind: ObjectKind): boolean => TOLD[kind] !== undefined;
