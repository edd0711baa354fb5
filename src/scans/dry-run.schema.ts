import { z } from 'zod';
import { checkId, definition, definitionExample, params } from '../checks/checks.schema.js';
import { operation } from '../kernel/http/endpoint.js';
import { organizationParams } from '../kernel/http/parameters.js';

/** Results that a dry run shows; it counts all. */
export const MAX_TRIED = 100;

const count = z.int().min(0);

const DryRun = z
  .object({
    snapshot: z
      .object({ scanId: z.uuid(), evidenceId: z.uuid(), observedAt: z.iso.datetime() })
      .meta({ description: 'The latest snapshot of the system, which was judged.' }),
    counts: z
      .object({ pass: count, fail: count, warn: count, error: count, skip: count, manual: count })
      .meta({ description: 'All results by status.' }),
    complete: z
      .boolean()
      .meta({ description: 'Whether all was there that the check reads: else nothing could pass for the cluster.' }),
    results: z
      .array(
        z.object({
          resource: z.string().meta({ description: '`namespace/Kind/name`, or `cluster`.' }),
          namespace: z.string().nullable(),
          status: z.enum(['pass', 'fail', 'warn', 'error', 'skip', 'manual']),
          message: z.string(),
        }),
      )
      .max(MAX_TRIED)
      .meta({ description: `The first ${MAX_TRIED}.` }),
    notes: z.array(z.string()).meta({ description: 'What the snapshot says of itself.' }),
  })
  .meta({
    id: 'DryRun',
    description: 'What a check would say.',
    examples: [
      {
        snapshot: {
          scanId: '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a20',
          evidenceId: '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a10',
          observedAt: '2026-11-26T08:00:00.000Z',
        },
        counts: { pass: 1, fail: 1, warn: 0, error: 0, skip: 0, manual: 0 },
        complete: true,
        results: [
          {
            resource: 'emr/Deployment/portal',
            namespace: 'emr',
            status: 'fail',
            message: 'A container of portal requests no memory.',
          },
          { resource: 'web/Deployment/portal', namespace: 'web', status: 'pass', message: '' },
        ],
        notes: [],
      },
    ],
  });

const systemId = z.uuid().toLowerCase();

export const tryCheck = operation({
  id: 'tryOrganizationCheck',
  method: 'POST',
  path: '/v1/organizations/:organizationId/checks/dry-run',
  tag: 'Checks',
  summary: 'Try a check',
  description:
    'Judges the latest snapshot of a system by one definition, or by a check of the catalogue with other constants, and keeps nothing of it. A definition is compiled and its examples are run ' +
    'first, as when it is kept. A system without a snapshot answers 409.',
  permission: 'checks:write',
  params: organizationParams,
  body: z.union([z.strictObject({ systemId, definition }), z.strictObject({ systemId, checkId, params })]).meta({
    id: 'OrganizationCheckTrial',
    description: 'What to try, and on what.',
    examples: [
      { systemId: '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a03', definition: definitionExample },
      {
        systemId: '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a03',
        checkId: 'image-from-approved-registry',
        params: { registries: ['registry.example.org/ehr'] },
      },
    ],
  }),
  answers: { 200: { description: 'What it would say.', schema: DryRun } },
  refusals: ['check-refused', 'conflict'],
});
