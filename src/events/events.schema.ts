import { z } from 'zod';
import { operation } from '../kernel/http/endpoint.js';
import { instant } from '../kernel/http/instant.js';
import { pageOf, pageQuery } from '../kernel/http/page.js';
import { instantQuery, systemParams } from '../kernel/http/parameters.js';
import { EVENT_CATEGORIES, EVENT_SEVERITIES } from './event.js';

const SecurityEvent = z
  .object({
    id: z
      .uuid()
      .meta({ description: 'A digest of all that the source says of it: the same however often it is delivered.' }),
    source: z.string().meta({ description: 'The log that it stands in.' }),
    nativeId: z.string().meta({ description: 'The id that the source gives it; not proof against a second use.' }),
    at: z.iso.datetime().meta({ description: 'When it happened, by the source, UTC.' }),
    category: z.enum(EVENT_CATEGORIES).meta({
      description:
        '`exec`: a command, shell, port or proxy into a workload. `secret-read`: get, list or watch of Secrets. `rbac-change`: roles and bindings written. ' +
        '`policy-change`: admission, network or security policy written. `denied`: authorisation or admission refused. `anonymous-access`: a request of nobody ' +
        'that was let in. `alert`: an engine’s own alarm.',
    }),
    severity: z.enum(EVENT_SEVERITIES),
    actor: z.string().meta({ description: 'User, service account or process; empty where the source does not say.' }),
    action: z.string().meta({ description: 'Verb of the request, or rule of the alert.' }),
    resource: z.string().meta({ description: 'What it was done to; empty where the source does not say.' }),
    namespace: z.string().nullable(),
    statusCode: z
      .number()
      .int()
      .nullable()
      .meta({ description: 'HTTP status of the answer; null where there is none.' }),
    sourceIp: z.string().meta({ description: 'As the source says it; empty where it does not.' }),
    scanId: z.uuid().meta({ description: 'The scan that delivered it first.' }),
    evidenceId: z.uuid().meta({ description: 'The log itself, in custody.' }),
    knownAt: z.iso.datetime().meta({ description: 'Since when this service has known it, UTC.' }),
  })
  .meta({
    id: 'SecurityEvent',
    description:
      'Something security-relevant that happened at an instant: an entry of the index over logs in custody. Never edited.',
    examples: [
      {
        id: '3c0e1f2a-9b8c-8d7e-a6f5-4b3c2d1e0f9a',
        source: 'kubernetes-audit',
        nativeId: '0a1b2c3d-4e5f-4a6b-8c7d-9e8f7a6b5c4d/ResponseComplete',
        at: '2026-11-23T02:14:07.123Z',
        category: 'exec',
        severity: 'medium',
        actor: 'system:serviceaccount:ci:deployer',
        action: 'create',
        resource: 'emr/pods/portal-7d9f/exec',
        namespace: 'emr',
        statusCode: 101,
        sourceIp: '10.0.3.17',
        scanId: '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a20',
        evidenceId: '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a10',
        knownAt: '2026-11-23T03:00:04.512Z',
      },
    ],
  });

export const listSecurityEvents = operation({
  id: 'listSecurityEvents',
  method: 'GET',
  path: '/v1/organizations/:organizationId/systems/:systemId/events',
  tag: 'Events',
  summary: 'List security events',
  description:
    'What the logs that were posted of a system tell, newest first. An event is kept once, however often it is delivered.',
  permission: 'events:read',
  params: systemParams,
  query: z.strictObject({
    ...pageQuery,
    category: z.enum(EVENT_CATEGORIES).optional().meta({ description: 'Only this category.' }),
    severity: z.enum(EVENT_SEVERITIES).optional().meta({ description: 'Only this severity.' }),
    source: z
      .string()
      .max(200)
      .optional()
      .meta({ description: 'Only this source.', examples: ['kubernetes-audit'] }),
    namespace: z.string().max(253).optional().meta({ description: 'Only what happened in this namespace.' }),
    from: instant.optional().meta({ description: 'At or after this instant (RFC 3339).' }),
    to: instant.optional().meta({ description: 'Before this instant (RFC 3339).' }),
    knownAt: instantQuery.knownAt,
  }),
  answers: { 200: { description: 'One page of events.', schema: pageOf(SecurityEvent, 'SecurityEventPage') } },
});
