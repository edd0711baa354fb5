import { hash } from 'node:crypto';
import { z } from 'zod';
import { canonicalJson, type JsonValue } from '../kernel/crypto/canonical-json.js';
import type { ShownEvents } from './events.js';
import { Fault } from './fault.js';
import type { PackageFiles } from './package-files.js';
import type { PackageIndex } from './package-index.js';
import { jsonOf, linesOf } from './read.js';

const SCANS = 'bag/data/scans.jsonl';

/** What a scan and the details of its event say both. */
const stored = z.object({
  systemId: z.string(),
  evidenceId: z.string(),
  format: z.string(),
  observedAt: z.string(),
  counts: z.json(),
});
const scanLine = stored.extend({ id: z.string() });

/** What the events of a package say of scans. */
export class StoredScans {
  /** By id: the digest of what its event says of it. */
  private readonly said = new Map<string, string>();
  /** That the package has to have: of its systems and its period, and known by its instant. */
  private readonly due = new Set<string>();
  /** Of which the package does not have what the event says. */
  private readonly untold = new Set<string>();
  private readonly systems: ReadonlySet<string>;

  constructor(private readonly index: PackageIndex) {
    this.systems = new Set(index.scope.systems.map(({ id }) => id));
  }

  /** An event by which a scan was stored; `details`: null where the package does not have them. */
  add(scanId: string, details: JsonValue): void {
    const { data } = stored.safeParse(details);
    if (data === undefined) {
      this.untold.add(scanId);
      return;
    }
    this.said.set(scanId, digestOf(data));
    const { period, asOf } = this.index;
    const at = Date.parse(data.observedAt);
    if (this.systems.has(data.systemId) && at >= Date.parse(period.from) && at <= Date.parse(asOf)) {
      this.due.add(scanId);
    }
  }

  /** The scans of the package are those of its events, none of which is left out. */
  async check(files: PackageFiles): Promise<{ scans: number; untold: number }> {
    const missing = new Set(this.due);
    let scans = 0;
    let untold = 0;
    for await (const bytes of linesOf(files, SCANS)) {
      scans += 1;
      const at = `${SCANS}, line ${scans}`;
      const { id, ...scan } = jsonOf(scanLine, bytes, at);
      missing.delete(id);
      const said = this.said.get(id);
      if (said === undefined && !this.untold.has(id)) throw new Fault(`${at}: the log does not say that it was stored`);
      if (said === undefined) untold += 1;
      else if (said !== digestOf(scan)) throw new Fault(`${at}: it is not what the log says was stored`);
    }
    const [first] = missing;
    if (first !== undefined) throw new Fault(`${SCANS} leaves out scan ${first}, which the log says was stored`);
    return { scans, untold };
  }
}

const digestOf = ({ systemId, evidenceId, format, observedAt, counts }: z.infer<typeof stored>): string =>
  hash('sha256', canonicalJson({ systemId, evidenceId, format, observedAt, counts }), 'base64');

/**
 * Nothing of the package's systems and period is left out of it without a reason that the log gives: its scans are those that the log says were stored, and what it withholds is what
 * the service itself has frozen of other systems too.
 */
export async function checkComplete(
  files: PackageFiles,
  { evidence }: PackageIndex,
  events: ShownEvents,
): Promise<string> {
  const { scans, untold } = await events.scans.check(files);
  const withheld = evidence.filter((one) => one.withheld !== null);
  const bare = withheld.find(({ evidenceId }) => !events.frozen.has(evidenceId));
  if (bare !== undefined) {
    throw new Fault(`evidence ${bare.evidenceId} is withheld, and no event says that it is a posture of all systems`);
  }
  return [
    `${scans} scans are those that the log says were stored, and none of the period is left out`,
    ...(untold > 0 ? [`of ${untold} of them the package does not have what was said then`] : []),
    ...(withheld.length > 0 ? [`${withheld.length} withheld evidence are postures of all systems`] : []),
  ].join('; ');
}
