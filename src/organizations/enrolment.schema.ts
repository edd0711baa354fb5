import { z } from 'zod';
import { operation } from '../kernel/http/endpoint.js';
import { flag, systemParams } from '../kernel/http/parameters.js';
import { AGENT_MODES, AGENT_SUBJECT } from './agent-manifest.js';

const system = '/v1/organizations/:organizationId/systems/:systemId';

/** A reference as registries take it, by its digest or not; nothing in it ends a word of a shell or a line of YAML. */
const imageText = z
  .string()
  .max(500)
  .regex(
    /^[a-z0-9][a-z0-9._/:-]*(:[\w.-]{1,128})?(@sha256:[0-9a-f]{64})?$/,
    'An image is NAME@sha256:DIGEST (or NAME:TAG, which says tomorrow something else than today).',
  );

const manifestQuery = {
  mode: z.enum(AGENT_MODES).default('cronjob').meta({
    description: '`cronjob`: collects each hour and ends. `deployment`: stays, and serves metrics.',
  }),
  secrets: z.enum(['none', 'metadata']).default('none').meta({
    description:
      '`none`: no right on Secrets, and no evidence from them. `metadata`: they are listed by their metadata. RBAC cannot say so: whoever holds the agent’s token may then list their values too.',
  }),
  gatekeeper: flag(
    'The cluster has Gatekeeper: the agent may list its constraints, by a wildcard, for they have no other name.',
  ),
  image: imageText.optional().meta({
    description: 'Image of the agent, best by its digest. Default: the operator’s (`AGENT_IMAGE`), else a placeholder.',
    examples: [`registry.example.org/safeguard@sha256:${'0'.repeat(64)}`],
  }),
};

const STEPS = ['create-system', 'trust-issuer', 'apply'] as const;

const example = {
  systemId: '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a03',
  server: 'https://safeguard.example.org',
  audience: 'https://safeguard.example.org',
  subject: AGENT_SUBJECT,
  image: `registry.example.org/safeguard@sha256:${'0'.repeat(64)}`,
  commands: [
    { step: 'create-system', done: true, command: 'curl …' },
    { step: 'trust-issuer', done: false, command: 'printf … | curl …' },
    { step: 'apply', done: null, command: 'curl … | kubectl apply -f -' },
  ],
  manifest: 'apiVersion: v1\nkind: Namespace\n…',
  notes: [],
};

export const Enrolment = z
  .object({
    systemId: z.uuid(),
    server: z.string().meta({ description: 'The address that the agent posts to.' }),
    audience: z.string().meta({ description: 'Of the agent’s tokens for this service.' }),
    subject: z.string().meta({ description: 'Of these tokens: the service account that the manifest makes.' }),
    image: z
      .string()
      .nullable()
      .meta({ description: 'Null: neither asked for nor configured; the manifest has a placeholder.' }),
    commands: z
      .array(
        z.object({
          step: z.enum(STEPS),
          done: z.boolean().nullable().meta({
            description:
              'Null: the service cannot know. The first is: the enrolment is that of a system that is there.',
          }),
          command: z.string().meta({ description: 'One line for a shell, with an admin’s access token in `TOKEN`.' }),
        }),
      )
      .meta({ description: 'In this order.' }),
    manifest: z.string().meta({ description: 'YAML for `kubectl apply`, filled in.' }),
    notes: z.array(z.string()).meta({ description: 'What to know before it is applied.' }),
  })
  .meta({ id: 'Enrolment', description: 'How a cluster comes under evidence as a system.', examples: [example] });
export type Enrolment = z.output<typeof Enrolment>;

export const getEnrolment = operation({
  id: 'getEnrolment',
  method: 'GET',
  path: `${system}/enrolment`,
  tag: 'Agents',
  summary: 'How to enrol a cluster',
  description:
    'Three commands that bring the cluster of a system under evidence: create the system (it is there), trust its issuer, apply the agent. And the agent’s manifest, filled in. ' +
    'It changes nothing. `safeguard enrol` does all three.',
  permission: 'agents:read',
  params: systemParams,
  query: z.strictObject({
    ...manifestQuery,
    keys: z.enum(['pinned', 'discovered']).default('pinned').meta({
      description:
        'Whose keys the trust goes by. `pinned`: those that the cluster prints now, which works for every cluster until its signing key changes. `discovered`: fetched from the issuer, which has to be in the public Internet.',
    }),
  }),
  answers: { 200: { description: 'The commands and the manifest.', schema: Enrolment } },
  refusals: ['conflict'],
});

export const getAgentManifest = operation({
  id: 'getAgentManifest',
  method: 'GET',
  path: `${system}/agent-manifest`,
  tag: 'Agents',
  summary: 'The agent’s manifest',
  description:
    'For `kubectl apply -f -`: namespace, account, read-only role, network policies and the agent itself, filled in for a system.',
  permission: 'agents:read',
  params: systemParams,
  query: z.strictObject(manifestQuery),
  answers: {
    200: {
      description: 'The manifest.',
      binary: { mediaTypes: ['application/yaml'], description: 'Objects of Kubernetes.' },
    },
  },
  refusals: ['conflict'],
});
export type ManifestQuery = z.output<(typeof getAgentManifest)['query']>;
export type EnrolmentQuery = z.output<(typeof getEnrolment)['query']>;
