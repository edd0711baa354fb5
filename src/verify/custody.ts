import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { Fault } from './fault.js';
import { readEvent, type WholeLog } from './log.js';
import type { PackageFiles } from './package-files.js';
import { jsonOf, linesOf } from './read.js';

const CUSTODY = /^bag\/data\/evidence\/([^/]+)\/custody\.jsonl$/;

const stepShape = z.object({
  seq: z.number(),
  eventId: z.string(),
  time: z.string(),
  action: z.string(),
  actor: z.unknown(),
  object: z.object({ kind: z.string(), id: z.string() }).loose(),
  outcome: z.string(),
});

/** Each step of a chain of custody is an entry of the log and says what that says; and those that are about an evidence are about the one whose chain it is. */
export async function checkCustody(files: PackageFiles, log: WholeLog): Promise<string> {
  let [chains, steps] = [0, 0];
  for (const path of files.sizes.keys()) {
    const evidenceId = CUSTODY.exec(path)?.[1];
    if (evidenceId === undefined) continue;
    chains += 1;
    let number = 0;
    for await (const bytes of linesOf(files, path)) {
      number += 1;
      const at = `${path}, line ${number}`;
      const { seq, eventId, ...step } = jsonOf(stepShape, bytes, at);
      const index = log.indexOf(eventId);
      const leaf = index === null ? null : await log.leafAt(index);
      if (index === null || leaf === null) throw new Fault(`${at}: the log has no such event`);
      const { time, action, actor, object, outcome } = readEvent(leaf, index) ?? {};
      if (!isDeepStrictEqual(step, { time, action, actor, object, outcome })) {
        throw new Fault(`${at} is not what entry ${index} of the log says`);
      }
      if (seq !== number || (step.object.kind === 'evidence' && step.object.id !== evidenceId)) {
        throw new Fault(`${at} does not belong there`);
      }
    }
    steps += number;
  }
  return `${chains} chains of custody: each of ${steps} steps is an entry of the log`;
}
