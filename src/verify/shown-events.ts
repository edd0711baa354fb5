import { z } from 'zod';
import { EVENT_CATEGORIES, EVENT_SEVERITIES } from '../events/event.js';
import { eventId } from '../events/staged-event.js';
import { Fault } from './fault.js';
import type { PackageFiles } from './package-files.js';
import { jsonOf, linesOf } from './read.js';
import type { Counted } from './shown-intervals.js';
import { readAs, type SaidEvent } from './said.js';
import { NOBODY, OTHER, SAME, ShownRows } from './shown-rows.js';
import type { StoredScan } from './stored-scans.js';

export const SECURITY_EVENTS = 'bag/data/security-events.jsonl';

const lineShape = z.object({
  systemId: z.string(),
  id: z.string(),
  source: z.string(),
  nativeId: z.string(),
  at: z.string(),
  category: z.enum(EVENT_CATEGORIES),
  severity: z.enum(EVENT_SEVERITIES),
  actor: z.string(),
  action: z.string(),
  resource: z.string(),
  namespace: z.string().nullable(),
  statusCode: z.number().nullable(),
  sourceIp: z.string(),
  scanId: z.string(),
  evidenceId: z.string(),
});

/** What happened on the systems, as the package shows it, held against the logs that tell of it. */
export class ShownEvents {
  /** By system. */
  private readonly rows = new Map<string, ShownRows>();
  private readonly asOf: number;
  unsure = 0;

  constructor(asOf: string) {
    this.asOf = Date.parse(asOf);
  }

  async read(files: PackageFiles, scans: readonly StoredScan[], places: ReadonlyMap<string, number>): Promise<void> {
    if (!files.sizes.has(SECURITY_EVENTS)) return;
    let number = 0;
    for await (const bytes of linesOf(files, SECURITY_EVENTS)) {
      const at = `${SECURITY_EVENTS}, line ${(number += 1)}`;
      const { nativeId, ...line } = jsonOf(lineShape, bytes, at);
      if (eventId({ ...line, id: nativeId }) !== line.id) throw new Fault(`${at}: what is said is of another event`);
      const place = places.get(line.scanId) ?? NOBODY;
      const scan = scans[place];
      if (scan !== undefined && (scan.systemId !== line.systemId || scan.evidenceId !== line.evidenceId)) {
        throw new Fault(`${at}: scan ${line.scanId} is of another system or report`);
      }
      const rows = this.rows.get(line.systemId) ?? new ShownRows();
      this.rows.set(line.systemId, rows);
      const said = readAs(line);
      if (!rows.add(line.id, place, { whole: said, says: said })) throw new Fault(`${at} is there twice`);
    }
  }

  hear(scan: StoredScan, place: number, event: SaidEvent): void {
    if (Date.parse(event.at) > this.asOf) return;
    const rows = this.rows.get(scan.systemId);
    const at = rows?.find(event.id) ?? null;
    if (rows === undefined || at === null) {
      if (scan.isReadAlike)
        throw new Fault(`${SECURITY_EVENTS} leaves out event ${event.id}, of which scan ${scan.id} tells`);
      this.unsure += 1;
    } else if (rows.scanOf(at) === place) {
      rows.setOwn(at, rows.isWhole(at, { whole: event.readAs }) ? SAME : OTHER);
    }
  }

  finish(scans: readonly StoredScan[], read: ReadonlySet<number>): Counted {
    const counted = { same: 0, unread: 0, unsure: this.unsure };
    for (const rows of this.rows.values()) {
      for (let row = 0; row < rows.size; row += 1) {
        const place = rows.scanOf(row);
        if (rows.ownOutcome(row) === SAME) counted.same += 1;
        else if (!read.has(place)) counted.unread += 1;
        else if (scans[place]?.isReadAlike === false) counted.unsure += 1;
        else {
          throw new Fault(
            `${SECURITY_EVENTS}: event ${rows.idOf(row)} is not in the report of scan ${scans[place]?.id ?? ''} as it is shown`,
          );
        }
      }
    }
    return counted;
  }
}
