import { z } from 'zod';
import { FACT_KINDS, type FactKind } from '../../results/fact.js';
import { BOUNDS, TARGET_KINDS } from '../report.js';

/**
 * The report of a tool that somebody made for themselves. This one object gives its type, its check, and the JSON Schema that is published
 * (docs/report.schema.json, `GET /v1/formats/safeguard/schema`).
 */

const name = (bound: number) => z.string().min(1).max(bound);

const target = z
  .strictObject({
    kind: z.enum(TARGET_KINDS),
    name: name(BOUNDS.targetName).describe('Of the cluster it is always `cluster`, for a system is one cluster.'),
  })
  .meta({ id: 'ReportTarget', description: 'What a scan is about.' });

/** Of a row. */
const oneOfTargets = target.optional().describe('One of `targets`. It may be left out where there is one only.');

const namespace = name(253).nullable().describe('Null or absent: of no namespace.');

const result = z
  .strictObject({
    target: oneOfTargets,
    check: name(BOUNDS.check).describe('Your id of what was checked. It stays the same from report to report.'),
    resource: name(BOUNDS.resource).describe('What of the target was checked: `namespace/Kind/name`, a path, a name.'),
    namespace: namespace.optional(),
    title: z
      .string()
      .describe('The check, for people; default: its id. What is longer than 300 characters is cut.')
      .optional(),
    status: z
      .enum(['pass', 'fail', 'warn', 'error', 'skip', 'manual'])
      .describe(
        '`warn`: neither passed nor failed. `error`: the check could not be made. `skip`: it was not made. `manual`: a person has to judge.',
      ),
    severity: z.enum(['critical', 'high', 'medium', 'low', 'info', 'unknown']).describe('Default: unknown.').optional(),
    message: z
      .string()
      .describe('Why, for people. No secrets, no patient data. What is longer than 2,000 characters is cut.')
      .optional(),
  })
  .describe(
    'What the check found on one resource. A check on a resource has one result per report; of several the worst counts.',
  );

const factOf = <Kind extends FactKind>(kind: Kind) =>
  z.strictObject({
    target: oneOfTargets,
    kind: z.literal(kind),
    subject: name(BOUNDS.resource).describe('What of the target it is about: a key, `namespace/Kind/name`.'),
    namespace: namespace.optional(),
    value: FACT_KINDS[kind],
  });

const [firstFact, ...otherFacts] = (Object.keys(FACT_KINDS) as FactKind[]).map(factOf);
if (firstFact === undefined) throw new Error('there are no kinds of facts');

export const SafeguardReport = z
  .strictObject({
    $schema: z.string().optional(),
    safeguardReport: z.literal(1).describe('Version of this format.'),
    tool: z
      .strictObject({
        name: z
          .string()
          .max(100)
          .regex(/^[a-z0-9]+([.-][a-z0-9]+)*$/)
          .describe('Results and facts have the source `custom/` and this name: small letters, digits, dots, hyphens.'),
        version: name(100).optional(),
      })
      .describe('Who says it.'),
    observedAt: z.iso
      .datetime({ offset: true })
      .describe('When it was so, with seconds and zone. Without it whoever posts the report has to say it.')
      .optional(),
    clusterName: name(BOUNDS.title).optional(),
    clusterUid: name(100).describe('metadata.uid of the namespace kube-system.').optional(),
    targets: z
      .array(
        target.extend({
          complete: z
            .boolean()
            .describe('True: what the tool said of this target before and is not in this report is no longer so.'),
          checks: z
            .array(name(BOUNDS.check))
            .max(BOUNDS.targets)
            .describe('The checks that were made. Where they are named, only their earlier results are closed.')
            .optional(),
        }),
      )
      .min(1)
      .max(BOUNDS.targets)
      .describe('What the tool looked at.'),
    results: z.array(result).max(BOUNDS.results).optional(),
    facts: z
      .array(z.discriminatedUnion('kind', [firstFact, ...otherFacts]))
      .max(BOUNDS.results)
      .describe('What is so, without a judgement.')
      .optional(),
  })
  .describe('A report to Safeguard by a tool that it does not know.');

/** What is read at once; results and facts are gone through row by row. */
export const ReportHeader = SafeguardReport.omit({ results: true, facts: true });
export const ReportedResult = result;
export const ReportedFact = SafeguardReport.shape.facts.unwrap().element;

export type ReportedTarget = z.output<typeof ReportHeader>['targets'][number];

/** JSON Schema, draft 2020-12. */
export function reportJsonSchema(): object {
  return z.toJSONSchema(SafeguardReport, { io: 'input' });
}
