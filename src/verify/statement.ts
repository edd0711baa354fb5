import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { Fault } from './fault.js';
import type { PackageIndex } from './package-index.js';
import type { PackageFiles } from './package-files.js';
import { jsonOf, readFile } from './read.js';
import { BUNDLE, RAW_SIGNATURE, SIGNED, TIME_STAMP } from './signature.js';

const sha256 = z.stringFormat('sha256', /^[0-9a-f]{64}$/);
const head = z.object({ origin: z.string(), size: z.number().int().nonnegative(), rootHash: z.base64() });
export type Head = z.infer<typeof head>;

const statementShape = z.object({
  _type: z.literal('https://in-toto.io/Statement/v1'),
  subject: z.array(z.object({ name: z.string(), digest: z.object({ sha256 }) })),
  predicateType: z.literal('https://safeguard.dev/predicates/audit-package/v1'),
  predicate: z.object({
    packageId: z.string(),
    tenant: z.string(),
    scope: z.object({ systemId: z.string().nullable() }),
    period: z.object({ from: z.string(), asOf: z.string(), knownAt: z.string() }),
    createdAt: z.iso.datetime(),
    log: head,
    anchor: head.nullable().optional(),
    counts: z.record(z.string(), z.unknown()),
    softwareVersion: z.string(),
  }),
});
export type Statement = z.infer<typeof statementShape>;

export const readStatement = (payload: Buffer): Statement =>
  jsonOf(statementShape, payload, `the statement in ${BUNDLE}`);

/** The statement is about this tag manifest, and about each file outside of the bag but the signatures: not a byte of the package is anybody else's. */
export async function checkSubjects(files: PackageFiles, { subject }: Statement): Promise<void> {
  const subjects = new Map<string, string>();
  for (const { name, digest } of subject) {
    const path = name === SIGNED.slice('bag/'.length) ? SIGNED : name;
    if (subjects.has(path)) throw new Fault(`the statement names ${JSON.stringify(name)} twice`);
    subjects.set(path, digest.sha256);
  }
  if (!subjects.has(SIGNED)) throw new Fault(`the statement is not about ${SIGNED}`);
  for (const [path, expected] of subjects) {
    const found = createHash('sha256')
      .update(await readFile(files, path))
      .digest('hex');
    if (found !== expected) throw new Fault(`${path} is not what the statement was signed for`);
  }
  const known = new Set([...subjects.keys(), RAW_SIGNATURE, TIME_STAMP, BUNDLE]);
  const unnamed = [...files.sizes.keys()].find((path) => !path.startsWith('bag/') && !known.has(path));
  if (unnamed !== undefined) throw new Fault(`${unnamed} is not named by the statement: it is not signed`);
}

/** What the statement says the package is, and what the package says of itself. */
export function checkPredicate({ predicate }: Statement, index: PackageIndex): void {
  const pairs: [what: string, stated: unknown, found: unknown][] = [
    ['packageId', predicate.packageId, index.packageId],
    ['tenant', predicate.tenant, index.organization.id],
    ['scope', predicate.scope.systemId, index.scope.systemId],
    ['period', predicate.period.from, index.period.from],
    ['asOf', predicate.period.asOf, index.asOf],
    ['knownAt', predicate.period.knownAt, index.knownAt],
    ['counts', predicate.counts, index.counts],
  ];
  const other = pairs.find(([, stated, found]) => !isDeepStrictEqual(stated, found));
  if (other !== undefined) throw new Fault(`the statement has another ${other[0]} than bag/data/index.json`);
}
