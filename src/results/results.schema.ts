import { z } from 'zod';
import { operation } from '../kernel/http/endpoint.js';
import { pageOf, pageQuery } from '../kernel/http/page.js';
import { instantQuery, organizationId, systemId, systemParams } from '../kernel/http/parameters.js';
import { tableQuery } from '../kernel/http/table.js';

export const STATUSES = ['pass', 'fail', 'warn', 'error', 'skip', 'manual'] as const;
export const SEVERITIES = ['critical', 'high', 'medium', 'low', 'info', 'unknown'] as const;

const example = {
  series: '5c6fdb9a-07d0-8f2e-a4b6-2a40f4ac2b1f',
  target: { kind: 'node', name: 'worker-1' },
  source: 'kube-bench/node',
  check: 'cis-1.12/4.2.1',
  resource: 'node',
  namespace: null,
  status: 'fail',
  severity: 'unknown',
  title: 'Ensure that the --anonymous-auth argument is set to false',
  message: '',
  scanId: '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a20',
  observedFrom: '2026-11-16T02:00:00.000Z',
  observedTo: null,
};

export const Result = z
  .object({
    series: z.uuid().meta({ description: 'Identity of this check of this source on this resource of this target.' }),
    target: z.object({ kind: z.string(), name: z.string() }),
    source: z.string().meta({ description: 'One kind of findings of one tool.' }),
    check: z.string().meta({ description: "The tool's own id of the check." }),
    resource: z.string(),
    namespace: z.string().nullable(),
    status: z
      .enum(STATUSES)
      .meta({ description: 'What the tool said. `warn`, `error`, `skip` and `manual` are never a pass.' }),
    severity: z.enum(SEVERITIES),
    title: z.string(),
    message: z.string().meta({ description: 'As it was when this status began.' }),
    scanId: z.uuid().meta({ description: 'The scan that stated it first.' }),
    observedFrom: z.iso.datetime().meta({ description: 'Since when it is so, by the source, UTC.' }),
    observedTo: z.iso.datetime().nullable().meta({ description: 'Until when it was so; null while it is.' }),
  })
  .meta({
    id: 'Result',
    description: 'What a tool said of one check on one resource, over an interval of time.',
    examples: [example],
  });

const HistoricResult = Result.extend({
  knownFrom: z.iso.datetime().meta({ description: 'Since when this service has known it, UTC.' }),
  knownTo: z.iso.datetime().nullable().meta({
    description: 'Since when it is known to be wrong, because a late report corrected it; null while it stands.',
  }),
}).meta({
  id: 'HistoricResult',
  description: 'One interval, and what was known of it when.',
  examples: [{ ...example, knownFrom: '2026-11-16T02:00:04.512Z', knownTo: null }],
});

export const listResults = operation({
  id: 'listResults',
  method: 'GET',
  path: '/v1/organizations/:organizationId/systems/:systemId/results',
  tag: 'Results',
  summary: 'List check results at an instant',
  description: 'What was so of a system at an instant, as it was known at another: now by default. Sorted by series.',
  permission: 'results:read',
  params: systemParams,
  query: z.strictObject({
    ...pageQuery,
    ...instantQuery,
    status: z.enum(STATUSES).optional().meta({ description: 'Only this status.' }),
    severity: z.enum(SEVERITIES).optional().meta({ description: 'Only this severity.' }),
    check: z
      .string()
      .max(500)
      .optional()
      .meta({ description: 'Only this check.', examples: ['KSV-0017'] }),
    source: z
      .string()
      .max(200)
      .optional()
      .meta({ description: 'Only this source.', examples: ['trivy/misconfiguration'] }),
    namespace: z.string().max(253).optional().meta({ description: 'Only resources of this namespace.' }),
    target: z
      .string()
      .max(1_100)
      .optional()
      .meta({ description: 'Only this target, as `kind/name`.', examples: ['node/worker-1'] }),
  }),
  answers: { 200: { description: 'One page of results.', schema: pageOf(Result, 'ResultPage') } },
});

export const getResultHistory = operation({
  id: 'getResultHistory',
  method: 'GET',
  path: '/v1/organizations/:organizationId/systems/:systemId/results/:series',
  tag: 'Results',
  summary: 'The history of one check result',
  description:
    'Every interval of one series, corrections included, in the order in which they became known. At most 1,000.',
  permission: 'results:read',
  params: z.object({ organizationId, systemId, series: z.uuid().meta({ description: 'The series.' }) }),
  query: z.strictObject(tableQuery),
  answers: {
    200: {
      description: 'The intervals.',
      schema: z.object({ items: z.array(HistoricResult) }).meta({
        id: 'ResultHistory',
        description: 'All intervals of one series.',
        examples: [{ items: [{ ...example, knownFrom: '2026-11-16T02:00:04.512Z', knownTo: null }] }],
      }),
    },
  },
});
