import { z } from 'zod';
import { operation } from '../kernel/http/endpoint.js';
import { instant } from '../kernel/http/instant.js';
import { pageOf, pageQuery } from '../kernel/http/page.js';
import { flag, organizationId, organizationParams } from '../kernel/http/parameters.js';
import { issuerText, nameText, subjectText } from '../organizations/text.schema.js';

/** Days of access at most: an audit that goes on is decided on anew each year. */
export const MAX_DAYS = 366;

const example = {
  id: '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a40',
  name: 'Security Rule audit 2026, Example LLP',
  person: { issuer: 'https://auditors.example.com', subject: null, email: 'r.vega@auditors.example.com' },
  scope: { systemIds: ['019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a03'] },
  period: { from: '2025-11-01T00:00:00.000Z', to: '2026-10-31T23:59:59.999Z' },
  startsAt: '2026-11-23T09:00:00.000Z',
  endsAt: '2026-12-18T17:00:00.000Z',
  state: 'active',
  version: 1,
  createdAt: '2026-11-20T10:12:00.000Z',
  createdBy: '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a01',
  joinedAt: null,
  revokedAt: null,
} as const;

const scope = z
  .strictObject({
    systemIds: z
      .array(z.uuid().toLowerCase())
      .min(1)
      .max(1_000)
      .nullable()
      .meta({ description: 'These systems; null for all systems of the organisation.' }),
  })
  .meta({ id: 'EngagementScope', description: 'What the auditor is shown.' });

/** One person per engagement: what is done in it is done by that person. */
const EngagementView = z
  .object({
    id: z.uuid(),
    name: z.string(),
    person: z
      .object({ issuer: z.string(), subject: z.string().nullable(), email: z.string().nullable() })
      .meta({ description: 'Who is let in. `subject` is null until the person with the e-mail address has come.' }),
    scope,
    period: z
      .object({ from: z.iso.datetime(), to: z.iso.datetime() })
      .meta({ description: 'Of what time the evidence is, UTC. Both ends are in it.' }),
    startsAt: z.iso.datetime().meta({ description: 'From when on access is given, UTC …' }),
    endsAt: z.iso.datetime().meta({ description: '… and from when on no longer.' }),
    state: z.enum(['upcoming', 'active', 'ended', 'revoked']).meta({ description: 'At the moment of the answer.' }),
    version: z.int().meta({ description: 'Goes up by one with each change; the ETag.' }),
    createdAt: z.iso.datetime(),
    createdBy: z.string().meta({ description: 'The member who invited.' }),
    joinedAt: z.iso
      .datetime()
      .nullable()
      .meta({ description: 'When whoever was invited by e-mail address came first, UTC.' }),
    revokedAt: z.iso.datetime().nullable(),
  })
  .meta({
    id: 'Engagement',
    description: 'An auditor’s time-boxed, read-only access to a scope and a period.',
    examples: [example],
  });
export type EngagementView = z.infer<typeof EngagementView>;

export const engagements = '/v1/organizations/:organizationId/engagements';
export const engagementId = z
  .uuid()
  .toLowerCase()
  .meta({ description: 'The engagement.', examples: [example.id] });
export const engagementParams = z.object({ organizationId, engagementId });

export const createEngagement = operation({
  id: 'createEngagement',
  method: 'POST',
  path: engagements,
  tag: 'Engagements',
  summary: 'Invite an auditor',
  description:
    'Lets one person of a sign-in issuer read the scope and the period, for a time, and nothing else of the organisation. Named by `subject`, or by an e-mail address which the issuer says ' +
    'is verified: then the first who comes with it is bound to the engagement, and nobody after. More than one factor is always asked for. Members are not invited: they have a role.',
  permission: 'engagements:write',
  params: organizationParams,
  body: z
    .strictObject({
      name: nameText,
      issuer: issuerText,
      subject: subjectText.optional(),
      email: z.email().max(254).toLowerCase().optional(),
      scope,
      periodFrom: instant,
      periodTo: instant,
      startsAt: instant.optional().meta({ description: 'Default: now.' }),
      endsAt: instant.meta({ description: `At most ${MAX_DAYS} days after it starts.` }),
    })
    .meta({
      id: 'NewEngagement',
      description: 'Who shall be let in, to what, and for how long.',
      examples: [
        {
          name: example.name,
          issuer: example.person.issuer,
          email: example.person.email,
          scope: example.scope,
          periodFrom: example.period.from,
          periodTo: example.period.to,
          endsAt: example.endsAt,
        },
      ],
    }),
  answers: {
    201: { description: 'Invited.', schema: EngagementView, headers: { Location: 'The engagement.' } },
  },
  refusals: ['conflict', 'trust-issuer-refused'],
  creates: true,
});
export type NewEngagement = z.infer<(typeof createEngagement)['body']>;

export const listEngagements = operation({
  id: 'listEngagements',
  method: 'GET',
  path: engagements,
  tag: 'Engagements',
  summary: 'List engagements',
  description: 'Who is let in to what and until when, by id.',
  permission: 'engagements:read',
  params: organizationParams,
  query: z.strictObject({ ...pageQuery, includeEnded: flag('Also those that have ended or were revoked.') }),
  answers: { 200: { description: 'One page.', schema: pageOf(EngagementView, 'EngagementPage') } },
});

export const getEngagement = operation({
  id: 'getEngagement',
  method: 'GET',
  path: `${engagements}/:engagementId`,
  tag: 'Engagements',
  summary: 'Read an engagement',
  description: 'Also one that has ended. Its auditor reads it while it lasts.',
  permission: 'engagements:read',
  params: engagementParams,
  answers: { 200: { description: 'The engagement.', schema: EngagementView } },
});

export const changeEngagement = operation({
  id: 'changeEngagement',
  method: 'PATCH',
  path: `${engagements}/:engagementId`,
  tag: 'Engagements',
  summary: 'Change an engagement',
  description:
    'A new name or end, in force from the next request on. Person, scope and period stay: for others, invite anew. One that was revoked stays so; one that has ended can be given a later end.',
  permission: 'engagements:write',
  params: engagementParams,
  body: z.strictObject({ name: nameText.optional(), endsAt: instant.optional() }).meta({
    id: 'EngagementChange',
    description: 'What shall change.',
    examples: [{ endsAt: '2027-01-15T17:00:00Z' }],
  }),
  answers: { 200: { description: 'As it is now.', schema: EngagementView } },
  refusals: ['conflict'],
  edits: true,
});
export type EngagementChange = z.infer<(typeof changeEngagement)['body']>;

export const revokeEngagement = operation({
  id: 'revokeEngagement',
  method: 'DELETE',
  path: `${engagements}/:engagementId`,
  tag: 'Engagements',
  summary: 'Revoke an engagement',
  description: 'Ends access from the next request on. Revoking one that is revoked changes nothing.',
  permission: 'engagements:write',
  params: engagementParams,
  answers: { 204: { description: 'Revoked.' } },
});
