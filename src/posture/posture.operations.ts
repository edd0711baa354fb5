import { z } from 'zod';
import { operation } from '../kernel/http/endpoint.js';
import { pageOf, pageQuery } from '../kernel/http/page.js';
import { instantQuery, organizationParams, systemParams } from '../kernel/http/parameters.js';
import { tableQuery } from '../kernel/http/table.js';
import { OrganizationPosture } from './organization.schema.js';
import { Posture, SystemPosture } from './posture.schema.js';
import { STATUSES } from './status.js';

export const postureQuery = z.strictObject({
  ...instantQuery,
  ...tableQuery,
  control: z
    .string()
    .min(1)
    .max(100)
    .optional()
    .meta({
      description: 'Show this control, by paragraph or alias, and its practices only. Counts stay those of all.',
      examples: ['164.312(a)(1)'],
    }),
  status: z
    .string()
    .max(200)
    .transform((text) => text.split(','))
    .pipe(z.array(z.enum(STATUSES)))
    .optional()
    .meta({
      description: 'Show these statuses only, a comma between them. Counts stay those of all.',
      examples: ['failing,stale'],
    }),
});

/** A row for each item of the rules. */
export const postureLayout = { each: 'controls', beside: ['asOf', 'knownAt'] } as const;

const description =
  'What was evidenced at `asOf`, as it was known at `knownAt` (which may be the earlier one). With both the answer is final: the same question gets ' +
  'the same answer for as long as the same catalogue is installed. Only fresh passes of complete scans evidence anything; nothing missing, stale or ' +
  'unreadable ever does. As a table: a row for each item of the rules.';

export const getOrganizationPosture = operation({
  id: 'getOrganizationPosture',
  method: 'GET',
  path: '/v1/organizations/:organizationId/posture',
  tag: 'Posture',
  summary: 'Posture of an organisation',
  description:
    'Over its systems that handle PHI: how each item and practice stands, in how many systems, and why where it stands worst. What is behind it is in the ' +
    `posture of each system. ${description}`,
  permission: 'posture:read',
  params: organizationParams,
  query: postureQuery,
  layout: postureLayout,
  answers: { 200: { description: 'The posture.', schema: OrganizationPosture } },
});

export const listSystemPostures = operation({
  id: 'listSystemPostures',
  method: 'GET',
  path: '/v1/organizations/:organizationId/posture/systems',
  tag: 'Posture',
  summary: 'List how each system stands',
  description:
    'Systems in scope by name, each with how its own posture counts; why, the posture of the system says. All pages are of the instants of the first, whatever is learnt meanwhile.',
  permission: 'posture:read',
  params: organizationParams,
  query: z.strictObject({ ...pageQuery, ...instantQuery }),
  answers: { 200: { description: 'One page of systems.', schema: pageOf(SystemPosture, 'SystemPosturePage') } },
});

export const getSystemPosture = operation({
  id: 'getSystemPosture',
  method: 'GET',
  path: '/v1/organizations/:organizationId/systems/:systemId/posture',
  tag: 'Posture',
  summary: 'Posture of a system',
  description,
  permission: 'posture:read',
  params: systemParams,
  query: postureQuery,
  layout: postureLayout,
  answers: { 200: { description: 'The posture.', schema: Posture } },
});
