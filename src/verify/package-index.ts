import { z } from 'zod';
import { readBagInfo, type Hashed } from './bag.js';
import { Fault } from './fault.js';
import type { PackageFiles } from './package-files.js';
import { jsonOf, readFile } from './read.js';

export const INDEX = 'bag/data/index.json';

const sha256 = z.stringFormat('sha256', /^[0-9a-f]{64}$/);
const systemShape = z.object({
  id: z.string(),
  version: z.int().optional(),
  name: z.string().optional(),
  environment: z.string().optional(),
  phi: z.string().optional(),
  phiNamespaces: z.array(z.string()).optional(),
});
const indexShape = z.object({
  signed: z.literal(true, 'it says of itself that it is not signed'),
  packageId: z.string(),
  organization: z.object({ id: z.string(), name: z.string() }),
  scope: z.object({ systemId: z.string().nullable(), systems: z.array(systemShape) }),
  period: z.object({ from: z.iso.datetime() }),
  asOf: z.iso.datetime(),
  knownAt: z.iso.datetime(),
  counts: z.record(z.string(), z.number()),
  faults: z.array(z.object({ evidenceId: z.string(), reason: z.string() })),
  /** Packages from before rows were compared do not have it. */
  alteredRows: z.array(z.object({ kind: z.string(), id: z.string(), table: z.string().optional() })).optional(),
  evidence: z.array(
    z.object({
      evidenceId: z.string(),
      path: z.string().nullable(),
      sha256,
      size: z.number().int().nonnegative(),
      disposedAt: z.string().nullable(),
      redaction: z.object({ receivedSha256: z.string() }).nullable().default(null),
      /** Packages from before there was any do not have it. */
      withheld: z.string().nullable().default(null),
      scans: z.array(z.unknown()).default([]),
    }),
  ),
});
export type PackageIndex = z.infer<typeof indexShape>;

/** What the package says it is: one and the same in the index and in the bag's own description. */
export async function readIndex(files: PackageFiles, payload: ReadonlyMap<string, Hashed>): Promise<PackageIndex> {
  const index = jsonOf(indexShape, await readFile(files, INDEX), INDEX);
  if ((await readBagInfo(files, payload)).externalIdentifier !== index.packageId) {
    throw new Fault(`${INDEX} is of another package than bag/bag-info.txt`);
  }
  return index;
}

/** Each evidence that the index says is there is, with its digest and size; each that is not there is said to be missing, disposed of or withheld. */
export function checkEvidence(index: PackageIndex, payload: ReadonlyMap<string, Hashed>): string {
  const faulty = new Set(index.faults.map(({ evidenceId }) => evidenceId));
  const listed = new Set<string>();
  let there = 0;
  for (const { evidenceId, path, sha256, size, disposedAt, withheld, scans } of index.evidence) {
    if (withheld !== null && index.scope.systemId === null) {
      throw new Fault(`${INDEX} withholds evidence ${evidenceId}, though the package is about all systems`);
    }
    // What a scan of the system reported is of that system, whoever says otherwise.
    if (withheld !== null && scans.length > 0) {
      throw new Fault(`${INDEX} withholds evidence ${evidenceId}, which is the report of a scan`);
    }
    if (withheld !== null && path !== null) {
      throw new Fault(`${INDEX} says that evidence ${evidenceId} is withheld, and it is there`);
    }
    if (path === null) {
      if (disposedAt === null && withheld === null && !faulty.has(evidenceId)) {
        throw new Fault(`${INDEX} does not say why evidence ${evidenceId} is not there`);
      }
      continue;
    }
    const found = payload.get(path);
    if (found === undefined) throw new Fault(`bag/${path}, evidence ${evidenceId}, is not there`);
    if (found.sha256 !== sha256 || found.size !== size) {
      throw new Fault(`bag/${path} is not evidence ${evidenceId} as ${INDEX} describes it`);
    }
    listed.add(path);
    there += 1;
  }
  const stray = [...payload.keys()].find((path) => CONTENT.test(path) && !listed.has(path));
  if (stray !== undefined) throw new Fault(`bag/${stray} is evidence that ${INDEX} does not list`);
  const disposed = index.evidence.filter(({ disposedAt }) => disposedAt !== null).length;
  const withheld = index.evidence.filter((one) => one.withheld !== null).length;
  return [
    `${there} evidence files are what ${INDEX} says`,
    ...(faulty.size > 0 ? [`${faulty.size} could no longer be read when the package was made, which it says`] : []),
    ...(disposed > 0 ? [`${disposed} were disposed of`] : []),
    ...(withheld > 0 ? [`${withheld} are withheld, as it is about one system`] : []),
  ].join('; ');
}
const CONTENT = /^data\/evidence\/[^/]+\/content\./;
