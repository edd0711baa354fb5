import { z } from 'zod';
import type { VerifierKey } from '../audit/note.js';
import { Fault } from './fault.js';
import { checkReceipt } from './held.js';
import type { WholeLog } from './log.js';
import { eventOf } from './log.js';
import type { PackageFiles } from './package-files.js';
import { jsonOf, linesOf } from './read.js';

const CUSTODY = /^bag\/data\/evidence\/[^/]+\/custody\.jsonl$/;

const lineShape = z.object({
  eventId: z.string(),
  logIndex: z.number().int().nonnegative(),
  time: z.string(),
  action: z.string(),
  receipt: z.string().nullable().optional(),
});

/** Each line of a chain of custody is an entry of the log, as the log has it; and the receipts in it are kept promises. */
export async function checkCustody(
  files: PackageFiles,
  log: WholeLog,
  receiptKeys: readonly VerifierKey[],
): Promise<string> {
  let [chains, lines, receipts] = [0, 0, 0];
  for (const path of files.sizes.keys()) {
    if (!CUSTODY.test(path)) continue;
    chains += 1;
    let number = 0;
    for await (const bytes of linesOf(files, path)) {
      number += 1;
      const at = `${path}, line ${number}`;
      const line = jsonOf(lineShape, bytes, at);
      const leaf = await log.leafAt(line.logIndex);
      const event = leaf === null ? null : eventOf(leaf, line.logIndex);
      if (event?.id !== line.eventId || event.time !== line.time || event.action !== line.action) {
        throw new Fault(`${at}: entry ${line.logIndex} of the log is not that event`);
      }
      if (typeof line.receipt !== 'string') continue;
      receipts += 1;
      if (checkReceipt(log, { name: at, bytes: Buffer.from(line.receipt, 'utf8') }, receiptKeys) !== line.logIndex) {
        throw new Fault(`${at}: the receipt is of another entry of the log`);
      }
    }
    lines += number;
  }
  return `${chains} chains of custody, of ${lines} steps, are entries of the log; ${receipts} receipts were kept`;
}
