import { z } from 'zod';
import { operation } from '../kernel/http/endpoint.js';
import { pageOf, pageQuery } from '../kernel/http/page.js';
import { flag, organizationId, organizationParams } from '../kernel/http/parameters.js';
import { pinnedKeys } from './public-keys.js';
import { signingKeys } from './signing-keys.js';
import { issuerText, nameText, subjectText } from './text.schema.js';

export const AGENT_KINDS = ['client_credentials', 'kubernetes'] as const;
export type AgentKind = (typeof AGENT_KINDS)[number];

const kind = z.enum(AGENT_KINDS).meta({
  description:
    '`client_credentials`: a client of an OpenID provider (RFC 6749 section 4.4). `kubernetes`: projected service account tokens of a cluster.',
});

const example = {
  id: '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a05',
  name: 'nightly scanner',
  systemId: '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a03',
  kind: 'kubernetes',
  issuer: 'https://oidc.eks.us-east-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B716D3041E',
  jwks: null,
  signingKeys: [],
  audience: 'safeguard',
  subjectPattern: 'system:serviceaccount:security:scanner',
  version: 1,
  createdAt: '2026-11-23T09:03:00.000Z',
  revokedAt: null,
};

const AgentView = z
  .object({
    id: z.uuid(),
    name: z.string(),
    systemId: z.uuid().meta({ description: 'The one system that the agent reports of.' }),
    kind,
    issuer: z.string(),
    jwks: pinnedKeys.nullable().meta({ description: 'Pinned keys; null when they are fetched from the issuer.' }),
    signingKeys: z.array(z.string()).meta({ description: 'Public keys in PEM by which it signs what it sends.' }),
    audience: z.string(),
    subjectPattern: z.string(),
    version: z.int(),
    createdAt: z.iso.datetime().meta({ description: 'UTC.' }),
    revokedAt: z.iso.datetime().nullable().meta({ description: 'UTC; null while it is trusted.' }),
  })
  .meta({
    id: 'Agent',
    description:
      'Which tokens of which issuer are an agent of which system. Never edited: revoke it, and trust another.',
    examples: [example],
  });
export type AgentView = z.infer<typeof AgentView>;

const agents = '/v1/organizations/:organizationId/agents';
const agentParams = z.object({
  organizationId,
  agentId: z.uuid().meta({ description: 'The agent.', examples: [example.id] }),
});

export const listAgents = operation({
  id: 'listAgents',
  method: 'GET',
  path: agents,
  tag: 'Agents',
  summary: 'List agents',
  description: 'By id.',
  permission: 'agents:read',
  params: organizationParams,
  query: z.strictObject({
    ...pageQuery,
    systemId: z.uuid().optional().meta({ description: 'Only agents of this system.' }),
    includeRevoked: flag('Also agents that are not trusted any more.'),
  }),
  answers: { 200: { description: 'One page.', schema: pageOf(AgentView, 'AgentPage') } },
});

export const trustAgent = operation({
  id: 'trustAgent',
  method: 'POST',
  path: agents,
  tag: 'Agents',
  summary: 'Trust an agent',
  description:
    'From now on, tokens of this issuer for this audience and subject may post reports of one system. The issuer is an https URL in the public ' +
    'Internet whose keys are found by OpenID Connect Discovery, or any https URL with its public keys pinned. ' +
    'What is trusted already, with the same keys, is not trusted twice: 409 names it (`agentId`).',
  permission: 'agents:write',
  params: organizationParams,
  body: z
    .strictObject({
      name: nameText,
      systemId: z.uuid(),
      kind,
      issuer: issuerText.meta({ description: 'Exactly as `iss` in the tokens.' }),
      jwks: pinnedKeys.optional(),
      signingKeys: signingKeys.default([]),
      audience: z
        .string()
        .regex(/^[\x21-\x7e]{1,300}$/, 'An audience has 1 to 300 visible ASCII characters.')
        .meta({ description: 'What `aud` of the tokens names. Use one that no other service accepts.' }),
      subjectPattern: subjectText.meta({
        description:
          'For client credentials: exactly `sub`. For Kubernetes: `system:serviceaccount:<namespace>:<name>`, where one of both may be `*`.',
      }),
    })
    .meta({
      id: 'NewAgent',
      description: 'Which machine shall be trusted, by whose tokens, for which system.',
      examples: [
        {
          name: example.name,
          systemId: example.systemId,
          kind: 'kubernetes',
          issuer: example.issuer,
          audience: example.audience,
          subjectPattern: example.subjectPattern,
        },
      ],
    }),
  answers: { 201: { description: 'Trusted.', schema: AgentView } },
  refusals: ['trust-issuer-refused', 'conflict'],
  creates: true,
});
export type NewAgent = z.infer<(typeof trustAgent)['body']>;

export const getAgent = operation({
  id: 'getAgent',
  method: 'GET',
  path: `${agents}/:agentId`,
  tag: 'Agents',
  summary: 'Read an agent',
  description: 'Also one that was revoked, because the audit log names agents by id.',
  permission: 'agents:read',
  params: agentParams,
  answers: { 200: { description: 'The agent.', schema: AgentView } },
});

export const revokeAgent = operation({
  id: 'revokeAgent',
  method: 'DELETE',
  path: `${agents}/:agentId`,
  tag: 'Agents',
  summary: 'Revoke an agent',
  description: 'Ends its access from the next request on. Revoking one that is revoked changes nothing.',
  permission: 'agents:write',
  params: agentParams,
  answers: { 204: { description: 'Revoked.' } },
});
