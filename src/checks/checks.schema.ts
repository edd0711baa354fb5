import { z } from 'zod';
import { CHECK_SEVERITIES, Params } from '../catalog/checks.schema.js';
import { operation } from '../kernel/http/endpoint.js';
import { pageOf, pageQuery } from '../kernel/http/page.js';
import { organizationId, organizationParams } from '../kernel/http/parameters.js';

const STATES = ['on', 'off', 'overridden', 'withdrawn'] as const;
const state = z.enum(STATES).meta({
  description:
    '`on`: judged by. `overridden`: judged by the organisation’s version of a check of the catalogue. `off`: switched off. `withdrawn`: a check of the organisation that is no more.',
});

/** Its shape is checked where it is compiled, with the place of every fault; what was accepted once is shown as it was. */
export const definition = z.record(z.string(), z.unknown()).meta({
  description:
    'A check as docs/writing-checks.md tells: id, title, practice, severity, each, where, pass, message, and examples that pass and that fail.',
});

export const definitionExample = {
  id: 'org/portal-requests-memory',
  title: 'Containers of the portal request memory',
  practice: 'phi-workload-labels',
  severity: 'low',
  each: 'Deployment',
  where: "object.metadata.name == 'portal'",
  pass: 'object.spec.template.spec.containers.all(c, has(c.resources.requests.memory))',
  message: 'A container of {object.metadata.name} requests no memory.',
  examples: {
    pass: [
      {
        name: 'it requests some',
        objects: [
          {
            apiVersion: 'apps/v1',
            kind: 'Deployment',
            metadata: { name: 'portal', namespace: 'emr' },
            spec: {
              template: { spec: { containers: [{ name: 'web', resources: { requests: { memory: '64Mi' } } }] } },
            },
          },
        ],
      },
    ],
    fail: [
      {
        name: 'it requests only CPU',
        objects: [
          {
            apiVersion: 'apps/v1',
            kind: 'Deployment',
            metadata: { name: 'portal', namespace: 'emr' },
            spec: { template: { spec: { containers: [{ name: 'web', resources: { requests: { cpu: '100m' } } }] } } },
          },
        ],
      },
    ],
  },
};

const summary = {
  id: z.string().meta({ description: 'Of the catalogue, or `org/…` of the organisation’s own.' }),
  title: z.string(),
  practices: z.array(z.string()).meta({ description: 'Practices of the catalogue that it supports.' }),
  severity: z.enum(CHECK_SEVERITIES),
  origin: z.enum(['catalog', 'organization']),
  state,
  version: z
    .int()
    .meta({ description: 'How often the organisation has changed it; the ETag. 0: as the catalogue has it.' }),
  changedAt: z.iso.datetime().nullable().meta({ description: 'When it was changed last, UTC; null: never.' }),
  changedBy: z.string().nullable().meta({ description: 'Id of the member who did.' }),
  reason: z.string().nullable().meta({ description: 'Why it is switched off.' }),
};

const example = {
  id: definitionExample.id,
  title: definitionExample.title,
  practices: [definitionExample.practice],
  severity: 'low',
  origin: 'organization',
  state: 'on',
  version: 1,
  changedAt: '2026-11-26T09:00:00.000Z',
  changedBy: '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a07',
  reason: null,
} as const;

const CheckSummary = z
  .object(summary)
  .meta({ id: 'OrganizationCheckSummary', description: 'A check over snapshots of clusters.', examples: [example] });
export type CheckSummary = z.output<typeof CheckSummary>;

const CheckView = z.object({ ...summary, definition }).meta({
  id: 'OrganizationCheck',
  description: 'A check over snapshots of clusters, with what it is judged by.',
  examples: [{ ...example, definition: definitionExample }],
});
export type CheckView = z.output<typeof CheckView>;

const CheckVersionView = z
  .object({
    version: z.int(),
    state,
    recordedAt: z.iso.datetime().meta({ description: 'UTC.' }),
    recordedBy: z.string().meta({ description: 'Id of the member.' }),
    definition: definition.nullable().meta({
      description:
        'As it was sent; of a version that sets constants alone it has `params` and nothing else. Null of one that switches off or withdraws.',
    }),
    reason: z.string().nullable(),
  })
  .meta({
    id: 'OrganizationCheckVersion',
    description: 'One change of a check.',
    examples: [
      {
        version: 1,
        state: 'on',
        recordedAt: example.changedAt,
        recordedBy: example.changedBy,
        definition: definitionExample,
        reason: null,
      },
    ],
  });
export type CheckVersionView = z.output<typeof CheckVersionView>;

const checks = '/v1/organizations/:organizationId/checks';
const checkIdText = z
  .string()
  .max(100)
  .regex(/^(org\/)?[a-z0-9]+(-[a-z0-9]+)*$/);
const checkParams = z.object({
  organizationId,
  checkId: checkIdText.meta({
    description: 'The check; the slash of `org/…` is written `%2F`.',
    examples: [definitionExample.id],
  }),
});

export const checkId = checkIdText.meta({ description: 'A check of the catalogue.' });
export const params = Params.refine(
  (constants) => Object.keys(constants).length > 0,
  'Says what at least one constant shall be.',
).meta({
  description:
    'Constants of a check of the catalogue, in place of its own. All else stays the catalogue’s, also in later versions of it. Those that are left out are as the catalogue has them.',
});

export const listChecks = operation({
  id: 'listOrganizationChecks',
  method: 'GET',
  path: checks,
  tag: 'Checks',
  summary: 'List checks',
  description:
    'What snapshots of clusters are judged by: the checks of the catalogue as the organisation has changed them, and its own. By id.',
  permission: 'checks:read',
  params: organizationParams,
  query: z.strictObject({
    ...pageQuery,
    state: state.optional(),
    practice: z.string().max(100).optional().meta({ description: 'Only checks that support this practice.' }),
  }),
  answers: { 200: { description: 'One page.', schema: pageOf(CheckSummary, 'OrganizationCheckPage') } },
});

export const getCheck = operation({
  id: 'getOrganizationCheck',
  method: 'GET',
  path: `${checks}/:checkId`,
  tag: 'Checks',
  summary: 'Read a check',
  description: 'With its definition, and the ETag that a change needs. Also one that was withdrawn.',
  permission: 'checks:read',
  params: checkParams,
  answers: { 200: { description: 'The check.', schema: CheckView } },
});

export const listCheckVersions = operation({
  id: 'listOrganizationCheckVersions',
  method: 'GET',
  path: `${checks}/:checkId/versions`,
  tag: 'Checks',
  summary: 'List what the organisation has made of a check',
  description: 'Newest first. None of a check that stands as the catalogue has it.',
  permission: 'checks:read',
  params: checkParams,
  query: z.strictObject(pageQuery),
  answers: { 200: { description: 'One page.', schema: pageOf(CheckVersionView, 'OrganizationCheckVersionPage') } },
});

export const changeCheck = operation({
  id: 'changeOrganizationCheck',
  method: 'PUT',
  path: `${checks}/:checkId`,
  tag: 'Checks',
  summary: 'Define, override or switch off a check',
  description:
    'A definition under `org/…` is the organisation’s own check; under an id of the catalogue it stands in place of that check, for the same practices. `params` alone set constants of a check ' +
    'of the catalogue. A definition is compiled and its examples are run first: `check-refused` names the place of each fault. Every version is kept. The latest snapshot of each system is then judged anew; what was known before stays as it was known.',
  permission: 'checks:write',
  params: checkParams,
  body: z
    .union([
      z.strictObject({ definition }),
      z.strictObject({ params }),
      z.strictObject({
        enabled: z.literal(false).meta({ description: 'It is no longer judged by.' }),
        reason: z.string().trim().min(1).max(1_000).meta({ description: 'Why, for whoever asks later.' }),
      }),
    ])
    .meta({
      id: 'OrganizationCheckChange',
      description: 'What a check shall be.',
      examples: [
        { definition: definitionExample },
        { params: { registries: ['registry.example.org/ehr'] } },
        { enabled: false, reason: 'The mesh does it.' },
      ],
    }),
  answers: { 200: { description: 'As it is now.', schema: CheckView } },
  refusals: ['check-refused', 'conflict'],
  edits: true,
});
export type CheckChangeBody = z.output<(typeof changeCheck)['body']>;

export const withdrawCheck = operation({
  id: 'withdrawOrganizationCheck',
  method: 'DELETE',
  path: `${checks}/:checkId`,
  tag: 'Checks',
  summary: 'Withdraw what the organisation made of a check',
  description:
    'A check of the catalogue is then as the catalogue has it; one of the organisation’s own is judged by no more. Its versions stay. Withdrawing what is withdrawn changes nothing.',
  permission: 'checks:write',
  params: checkParams,
  answers: { 204: { description: 'Withdrawn.' } },
});
