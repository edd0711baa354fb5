import { z } from 'zod';
import { hash } from 'node:crypto';
import { canonicalJson } from '../kernel/crypto/canonical-json.js';
import { READER_REVISION } from '../scans/reader-revision.js';
import { TARGET_KINDS } from '../scans/report.js';
import { Fault } from './fault.js';
import type { PackageFiles } from './package-files.js';
import type { PackageIndex } from './package-index.js';
import { jsonOf, linesOf } from './read.js';
import { SCANS } from './scans.js';
import type { StoredEvent, StoredEvents } from './stored-events.js';

const nullable = z.string().nullable();
const rowCounts = z.looseObject({ total: z.number() });
const scanShape = z.object({
  id: z.string(),
  systemId: z.string(),
  evidenceId: z.string(),
  format: z.string(),
  tool: z.string(),
  toolVersion: nullable,
  clusterName: nullable,
  clusterUid: nullable,
  observedAt: z.iso.datetime(),
  knownAt: z.iso.datetime(),
  declared: z.object({
    format: nullable,
    observedAt: nullable,
    targets: z.array(z.object({ kind: z.enum(TARGET_KINDS), name: z.string() })),
    partial: z.boolean(),
  }),
  counts: z.looseObject({
    total: z.number(),
    rejected: z.number(),
    facts: rowCounts.optional(),
    events: rowCounts.optional(),
  }),
  rejects: z.array(z.object({ pointer: z.string(), reason: z.string() })),
});

export interface StoredScan extends Omit<z.infer<typeof scanShape>, 'rejects'> {
  /** A list may have a thousand. */
  rejectsDigest: string;
  /** In the package; null where the report is not there. */
  path: string | null;
  size: number;
  /** Whether the log says that the report was read by the very readers that read it here: only then is another reading a fault. */
  isReadAlike: boolean;
}

export const rejectsDigest = (rejects: readonly { pointer: string; reason: string }[]): string =>
  hash('sha256', JSON.stringify(rejects.map(({ pointer, reason }) => [pointer, reason])));

/** Of two reports that speak of the same, the one of the later instant stands; of one instant, the one that was known last. */
const latestFirst = (a: StoredScan, b: StoredScan): number =>
  Date.parse(b.observedAt) - Date.parse(a.observedAt) ||
  Date.parse(b.knownAt) - Date.parse(a.knownAt) ||
  (a.id < b.id ? 1 : -1);

/** The scans that the package names, the latest first, each as the log says that it was stored. */
export async function readScans(files: PackageFiles, events: StoredEvents, index: PackageIndex): Promise<StoredScan[]> {
  const scans = new Map<string, StoredScan>();
  if (!files.sizes.has(SCANS)) return [];
  const evidence = new Map(index.evidence.map((one) => [one.evidenceId, one]));
  const [asOf, knownAt] = [Date.parse(index.asOf), Date.parse(index.knownAt)];
  let number = 0;
  for await (const line of linesOf(files, SCANS)) {
    const at = `${SCANS}, line ${(number += 1)}`;
    const { rejects, ...said } = jsonOf(scanShape, line, at);
    const report = evidence.get(said.evidenceId);
    if (report === undefined) throw new Fault(`${at}: the package has no evidence ${said.evidenceId}`);
    if (scans.has(said.id)) throw new Fault(`${at}: scan ${said.id} is there twice`);
    if (Date.parse(said.observedAt) > asOf || Date.parse(said.knownAt) > knownAt) {
      throw new Fault(`${at}: scan ${said.id} is of later than the package`);
    }
    const isReadAlike = requireStored(said, events.of(said.id), at);
    const digest = rejectsDigest(rejects);
    scans.set(said.id, { ...said, rejectsDigest: digest, path: report.path, size: report.size, isReadAlike });
  }
  return [...scans.values()].sort(latestFirst);
}

type Said = Omit<z.infer<typeof scanShape>, 'rejects'>;

function requireStored(said: Said, event: StoredEvent | undefined, at: string): boolean {
  if (event === undefined) throw new Fault(`${at}: the log does not say that scan ${said.id} was stored`);
  if (event.time !== said.knownAt) throw new Fault(`${at}: scan ${said.id} was stored at another time, by the log`);
  const { details } = event;
  if (details === null) return false;
  const isAsStored =
    details.systemId === said.systemId &&
    details.evidenceId === said.evidenceId &&
    details.format === said.format &&
    details.observedAt === said.observedAt &&
    canonicalJson(details.counts) === canonicalJson(said.counts as typeof details.counts);
  if (!isAsStored) throw new Fault(`${at}: scan ${said.id} is not what the log says was stored`);
  return details.reader === READER_REVISION;
}
