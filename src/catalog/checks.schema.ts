import { z } from 'zod';

/*
 * The shape of catalog/checks/<section>.yaml: policy as code over the objects of a cluster. What the expressions mean, and whether they compile, is the matter of
 * src/checks; docs/writing-checks.md tells how to write one.
 */

const text = z.string().min(1).max(4000);
const slug = z.string().regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, 'is not a lower-case name with hyphens');
const expression = z.string().min(1).max(16_384);
/** `Pod`, or with its group where the table of kinds has it so: `Gateway.networking.istio.io`. */
const kind = z.string().regex(/^[A-Z][A-Za-z0-9]*(\.[a-z0-9.-]+)?$/, 'is not a kind');

/** Words of results; `info` is left to scanners: a check that decides nothing is not written. */
export const CHECK_SEVERITIES = ['critical', 'high', 'medium', 'low'] as const;

/** What an organisation sets in place of the catalogue's: names of registries, ages, tiers. */
export const Params = z.record(
  z.string().regex(/^[a-z][A-Za-z0-9]{0,63}$/, 'is not a name in camel case'),
  z.union([z.string().max(1000), z.int(), z.boolean(), z.array(z.string().max(1000)).max(200)]),
);

const CheckExample = z.strictObject({
  name: text.describe('What the example shows'),
  objects: z.array(z.record(z.string(), z.unknown())).max(100).describe('All objects of its cluster'),
  object: text.optional().describe('`namespace/Kind/name` of the object that the outcome is of; default: every object that is judged'),
  phi: z.array(text).max(100).optional().describe('Namespaces on the list of the system'),
  now: z.iso.datetime().optional().describe('The instant of the snapshot; default: 2026-11-26T08:00:00Z'),
  version: text.optional().describe('Version of the API server; default: v1.34.1'),
  params: Params.optional().describe('Values in place of those of the check'),
  refused: z.array(kind).max(100).optional().describe('Kinds that the collector was not allowed to list'),
});

const examples = z.array(CheckExample).min(1).max(30);

/** What is said, on the cluster, where nothing is left to judge. */
export const NOTHING = ['skip', 'pass', 'fail', 'manual'] as const;

const members = {
  title: text.describe('What is so where the check passes'),
  practice: slug.optional().describe('The practice that it supports'),
  practices: z.array(slug).min(1).max(10).optional().describe('The practices, where it supports several'),
  severity: z.enum(CHECK_SEVERITIES),
  each: z.union([kind, z.array(kind).min(1).max(10)]).describe('The kinds whose objects are judged; `Workload`: pod templates of any kind; `Cluster`: the cluster, once'),
  params: Params.optional().describe(
    'Constants that the expressions name `params.<name>`, with the values that hold until an organisation sets its own',
  ),
  where: expression.optional().describe('CEL: which of them matter; default: all'),
  undecided: expression
    .optional()
    .describe('CEL: of which the object does not tell, for a default of a provider decides it. Their result is `manual` with the text of `without`'),
  pass: expression.describe('CEL: what must be true of each'),
  message: text.describe('What is said of an object that fails; CEL expressions in braces are filled in'),
  none: z.enum(NOTHING).optional().describe('What is said of the cluster where no object matters; default: skip'),
  without: text.optional().describe('Where a provider hides what the check reads: which record or answer of the cloud does instead. Then the result is `manual` with this text'),
  note: text.optional().describe('Why it is so, its source, and what it cannot see'),
  examples: z.strictObject({
    pass: examples,
    fail: examples,
    skip: examples.optional(),
    manual: examples.optional(),
    error: examples.optional(),
  }),
};

/** One check of the catalogue. */
export const CheckDefinition = z.strictObject({ id: slug, ...members });

/** One check of an organisation: its own (`org/…`), or what stands in place of one of the catalogue. */
export const OrganizationCheckDefinition = z.strictObject({
  id: z.string().max(100).regex(/^(org\/)?[a-z0-9]+(-[a-z0-9]+)*$/, 'is not a lower-case name with hyphens, which may follow org/'),
  ...members,
});

export const ChecksFile = z.strictObject({
  section: slug,
  checks: z.array(CheckDefinition).min(1),
});

/** A file of an organisation's checks, as they are tried before the API is given them. */
export const OrganizationChecksFile = ChecksFile.extend({ checks: z.array(OrganizationCheckDefinition).min(1) });

export type CheckDefinition = z.infer<typeof OrganizationCheckDefinition>;
export type CheckExample = z.infer<typeof CheckExample>;
export type Params = z.infer<typeof Params>;
export type ChecksFile = z.infer<typeof ChecksFile>;
