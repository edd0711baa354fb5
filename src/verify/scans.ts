import { z } from 'zod';
import type { JsonValue } from '../kernel/crypto/canonical-json.js';
import type { ShownEvents } from './events.js';
import { Fault } from './fault.js';
import type { WholeLog } from './log.js';
import type { PackageFiles } from './package-files.js';
import type { PackageIndex } from './package-index.js';
import { jsonOf, linesOf } from './read.js';

export const SCANS = 'bag/data/scans.jsonl';

const stored = z.object({ systemId: z.string(), observedAt: z.string() });
const scanLine = z.object({ id: z.string() });

/** The scans that a package has to have, by its events: of its systems and its period. */
export class DueScans {
  private readonly due = new Set<string>();
  private readonly systems: ReadonlySet<string>;

  constructor(private readonly index: PackageIndex) {
    this.systems = new Set(index.scope.systems.map(({ id }) => id));
  }

  /** An event by which a scan was stored; `details`: null where the package does not have them. */
  add(scanId: string, details: JsonValue): void {
    const { data } = stored.safeParse(details);
    if (data === undefined) return;
    const { period, asOf } = this.index;
    const at = Date.parse(data.observedAt);
    if (this.systems.has(data.systemId) && at >= Date.parse(period.from) && at <= Date.parse(asOf)) {
      this.due.add(scanId);
    }
  }

  /** How many of them there are, and none is left out. */
  async check(files: PackageFiles): Promise<number> {
    const missing = new Set(this.due);
    let number = 0;
    for await (const bytes of linesOf(files, SCANS)) {
      number += 1;
      missing.delete(jsonOf(scanLine, bytes, `${SCANS}, line ${number}`).id);
    }
    const [first] = missing;
    if (first !== undefined) throw new Fault(`${SCANS} leaves out scan ${first}, which the log says was stored`);
    return this.due.size;
  }
}

/**
 * Nothing is left out of it without a reason that the log gives: it is about the systems that the log says there were, as they were; it has the scans of their period that the log says
 * were stored; and what it withholds is what the service itself has frozen of other systems too.
 */
export async function checkComplete(
  files: PackageFiles,
  { evidence }: PackageIndex,
  events: ShownEvents,
  log: WholeLog,
): Promise<string> {
  const scans = await events.scans.check(files);
  const systems = events.register.check();
  const withheld = evidence.filter((one) => one.withheld !== null);
  const bare = withheld.filter(({ evidenceId }) => !events.frozen.has(evidenceId));
  // Of an event whose details were erased nobody can tell any more which it was; and the same bytes may have been a document before they were frozen.
  if (bare.length > log.frozenLater && !events.isFrozenErased) {
    throw new Fault(
      `evidence ${bare[0]?.evidenceId ?? ''} is withheld, and no event says that it is a posture of all systems`,
    );
  }
  const [said, unsaid] = [withheld.length - bare.length, bare.length];
  return [
    `none of ${scans} scans that the log says were stored of its systems within its period is left out`,
    systems,
    ...(said > 0 ? [`${said} withheld evidence are postures of all systems`] : []),
    ...(unsaid > 0
      ? [
          `${unsaid} withheld evidence are such postures by the service’s word: events that were erased or are of later do not say of which evidence they are`,
        ]
      : []),
  ].join('; ');
}
