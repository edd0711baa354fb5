import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import type { Action } from '../audit/event.js';
import { leafHash } from '../audit/merkle.js';
import type { VerifierKey } from '../audit/note.js';
import { openReceipt, type Receipt } from '../audit/receipt.js';
import { OTHERS_DETAILS, stepsOf, type StepName } from '../custody/step-names.js';
import type { ShownEvents } from './events.js';
import { Fault } from './fault.js';
import { readEvent, type WholeLog } from './log.js';
import { asFault } from './notes.js';
import type { PackageFiles } from './package-files.js';
import type { PackageIndex } from './package-index.js';
import { jsonOf, linesOf } from './read.js';

const CUSTODY = /^bag\/data\/evidence\/([^/]+)\/custody\.jsonl$/;

const stepShape = z.object({
  seq: z.number(),
  eventId: z.string(),
  time: z.string(),
  step: z.string(),
  action: z.string(),
  actor: z.unknown(),
  object: z.object({ kind: z.string(), id: z.string() }).loose(),
  outcome: z.string(),
  requestId: z.string(),
  receipt: z.string().nullable(),
  details: z.json(),
});

/**
 * Each evidence has its chain of custody, in which every step is an entry of the log, is called what such an event is and says what that says; no entry about the evidence
 * itself is left out of it; and a receipt is the log's, for just that entry.
 * @param keys of the log's receipts, among others
 * @param events by which details are compared; undefined where they are wrong themselves
 */
export async function checkCustody(
  files: PackageFiles,
  { evidence }: PackageIndex,
  log: WholeLog,
  keys: readonly VerifierKey[],
  events: ShownEvents | undefined,
): Promise<string> {
  const known = new Set(evidence.map(({ evidenceId }) => evidenceId));
  const stray = [...files.sizes.keys()].find((path) => {
    const of = CUSTODY.exec(path)?.[1];
    return of !== undefined && !known.has(of);
  });
  if (stray !== undefined) throw new Fault(`${stray} is the custody of no evidence that the package lists`);
  let steps = 0;
  for (const evidenceId of known) steps += await checkChain(files, evidenceId, log, keys, events);
  return `${known.size} chains of custody: each of ${steps} steps is an entry of the log, and no entry about an evidence is left out`;
}

/** How many steps it has. */
async function checkChain(
  files: PackageFiles,
  evidenceId: string,
  log: WholeLog,
  keys: readonly VerifierKey[],
  events: ShownEvents | undefined,
): Promise<number> {
  const path = `bag/data/evidence/${evidenceId}/custody.jsonl`;
  if (!files.sizes.has(path)) throw new Fault(`${path} is not there`);
  let [number, about, before] = [0, 0, ''];
  for await (const bytes of linesOf(files, path)) {
    number += 1;
    const at = `${path}, line ${number}`;
    const { seq, eventId, step: name, requestId, receipt, details, ...step } = jsonOf(stepShape, bytes, at);
    const index = log.indexOf(eventId);
    const leaf = index === null ? null : await log.leafAt(index);
    if (index === null || leaf === null) throw new Fault(`${at}: the log has no such event`);
    const { time, action, actor, object, outcome, request_id } = readEvent(leaf, index) ?? {};
    if (!isDeepStrictEqual({ ...step, request_id: requestId }, { time, action, actor, object, outcome, request_id })) {
      throw new Fault(`${at} is not what entry ${index} of the log says`);
    }
    if (!stepsOf(step.action).includes(name as StepName)) {
      throw new Fault(`${at} calls the event ${step.action} ${name}`);
    }
    if (
      OTHERS_DETAILS.includes(step.action as Action) ? details !== null : events?.hasDetails(index, details) === false
    ) {
      throw new Fault(`${at} has other details than the event`);
    }
    const isAbout = step.object.kind === 'evidence';
    // Ids of events are in the order in which they were made: none is there twice.
    if (seq !== number || eventId <= before || (isAbout && step.object.id !== evidenceId)) {
      throw new Fault(`${at} does not belong there`);
    }
    before = eventId;
    if (
      receipt !== null &&
      !isPromised(
        asFault(at, () => openReceipt(Buffer.from(receipt), keys)),
        leaf,
        step.time,
        log,
      )
    ) {
      throw new Fault(`${at}: the receipt is of another event`);
    }
    if (isAbout) about += 1;
  }
  const there = log.aboutEvidence.get(evidenceId) ?? 0;
  if (about !== there) throw new Fault(`${path} has ${about} of the ${there} entries of the log about that evidence`);
  return number;
}

const isPromised = ({ origin, time, leafHash: promised }: Receipt, leaf: Buffer, at: string, log: WholeLog): boolean =>
  origin === log.origin && time === Date.parse(at) && promised.equals(leafHash(leaf));
