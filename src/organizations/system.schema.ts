import { z } from 'zod';
import { operation } from '../kernel/http/endpoint.js';
import { pageOf, pageQuery } from '../kernel/http/page.js';
import { flag, organizationParams, systemParams } from '../kernel/http/parameters.js';
import { nameText } from './text.schema.js';

export const ENVIRONMENTS = ['production', 'staging', 'development', 'recovery'] as const;
export type Environment = (typeof ENVIRONMENTS)[number];
export const PHI = ['stores', 'processes', 'transmits', 'none'] as const;
export type Phi = (typeof PHI)[number];

const environment = z.enum(ENVIRONMENTS);
const phi = z.enum(PHI).meta({
  description:
    'What the system does with electronic protected health information: the most that is true of it, in this order.',
});
const phiNamespaces = z
  .array(z.string().regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, 'A namespace is a DNS label.'))
  .max(500)
  .refine((names) => new Set(names).size === names.length, 'Each namespace once.')
  .meta({ description: 'Kubernetes namespaces that hold PHI; empty when none does or when all may.' });

const example = {
  id: '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a03',
  name: 'emr-production',
  environment: 'production',
  phi: 'stores',
  phiNamespaces: ['emr'],
  version: 1,
  createdAt: '2026-11-23T09:02:00.000Z',
  updatedAt: '2026-11-23T09:02:00.000Z',
  retiredAt: null,
};

const SystemView = z
  .object({
    id: z.uuid(),
    name: z.string(),
    environment,
    phi,
    phiNamespaces: z.array(z.string()),
    version: z.int().meta({ description: 'Goes up by one with each change; the ETag.' }),
    createdAt: z.iso.datetime().meta({ description: 'UTC.' }),
    updatedAt: z.iso.datetime().meta({ description: 'UTC.' }),
    retiredAt: z.iso.datetime().nullable().meta({ description: 'UTC; null while it is in use.' }),
  })
  .meta({ id: 'System', description: 'An information system in scope, usually a cluster.', examples: [example] });
export type SystemView = z.infer<typeof SystemView>;

const systems = '/v1/organizations/:organizationId/systems';

export const listSystems = operation({
  id: 'listSystems',
  method: 'GET',
  path: systems,
  tag: 'Systems',
  summary: 'List systems',
  description: 'By id. An agent sees those that it is bound to.',
  permission: 'systems:read',
  params: organizationParams,
  query: z.strictObject({
    ...pageQuery,
    name: nameText.optional().meta({ description: 'Only the system with exactly this name.' }),
    environment: environment.optional().meta({ description: 'Only this environment.' }),
    includeRetired: flag('Also systems that were retired.'),
  }),
  answers: { 200: { description: 'One page.', schema: pageOf(SystemView, 'SystemPage') } },
});

export const createSystem = operation({
  id: 'createSystem',
  method: 'POST',
  path: systems,
  tag: 'Systems',
  summary: 'Create a system',
  description: 'Brings a system into scope. Its name is unique among those in use.',
  permission: 'systems:write',
  params: organizationParams,
  body: z.strictObject({ name: nameText, environment, phi, phiNamespaces: phiNamespaces.default([]) }).meta({
    id: 'NewSystem',
    description: 'The system to register.',
    examples: [{ name: example.name, environment: 'production', phi: 'stores', phiNamespaces: ['emr'] }],
  }),
  answers: { 201: { description: 'Created.', schema: SystemView } },
  refusals: ['conflict'],
  creates: true,
});
export type NewSystem = z.infer<(typeof createSystem)['body']>;

export const getSystem = operation({
  id: 'getSystem',
  method: 'GET',
  path: `${systems}/:systemId`,
  tag: 'Systems',
  summary: 'Read a system',
  description: 'Also one that was retired.',
  permission: 'systems:read',
  params: systemParams,
  answers: { 200: { description: 'The system.', schema: SystemView } },
});

export const changeSystem = operation({
  id: 'changeSystem',
  method: 'PATCH',
  path: `${systems}/:systemId`,
  tag: 'Systems',
  summary: 'Change a system',
  description:
    'What is left out stays. Every version is kept, and posture of the past sees the system as it was. A retired system is not changed.',
  permission: 'systems:write',
  params: systemParams,
  body: z
    .strictObject({
      name: nameText.optional(),
      environment: environment.optional(),
      phi: phi.optional(),
      phiNamespaces: phiNamespaces.optional(),
    })
    .meta({
      id: 'SystemChange',
      description: 'What shall change of a system.',
      examples: [{ phiNamespaces: ['emr', 'billing'] }],
    }),
  answers: { 200: { description: 'As it is now.', schema: SystemView } },
  refusals: ['conflict'],
  edits: true,
});
export type SystemChange = z.infer<(typeof changeSystem)['body']>;

export const retireSystem = operation({
  id: 'retireSystem',
  method: 'POST',
  path: `${systems}/:systemId/retire`,
  tag: 'Systems',
  summary: 'Retire a system',
  description:
    'Takes it out of scope from now on: its agents are refused, its evidence stays, and posture before this instant still counts it. ' +
    'Retiring a retired system changes nothing.',
  permission: 'systems:write',
  params: systemParams,
  answers: { 200: { description: 'As it is now.', schema: SystemView } },
});
