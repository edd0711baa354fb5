import { z } from 'zod';
import { operation } from '../kernel/http/endpoint.js';
import { instant } from '../kernel/http/instant.js';
import { pageOf, pageQuery } from '../kernel/http/page.js';
import { organizationParams } from '../kernel/http/parameters.js';
import { ACTIONS } from './event.js';

const AuditEventView = z
  .object({
    id: z.uuid(),
    time: z.iso.datetime().meta({ description: 'When, UTC.' }),
    action: z.enum(ACTIONS),
    actor: z.object({ kind: z.enum(['user', 'agent', 'service']), id: z.string() }),
    object: z.object({
      kind: z.string(),
      id: z.string(),
      sha256: z.string().optional(),
      size: z.number().int().optional(),
      version: z.number().int().optional(),
      table: z.string().optional().meta({ description: 'Of rows that were found altered, or right again.' }),
    }),
    outcome: z.enum(['success', 'failure']),
    requestId: z.string(),
    logIndex: z.number().int().nullable().meta({
      description: 'Where its leaf is in the organisation’s log; null for some seconds, until it has a place.',
    }),
    details: z
      .json()
      .meta({ description: 'The effect, as it was recorded; null where there is none or where it has been erased.' }),
    salt: z.string().nullable().meta({
      description:
        'Hex, with the details: `details_sha256` in the leaf is SHA-256 over the salt’s bytes and the details as RFC 8785 JSON.',
    }),
    erasedBy: z.uuid().nullable().meta({
      description: 'The record (`record_disposal`) by which two people decided to erase its details; else null.',
    }),
    leaf: z.string().meta({
      description:
        'The exact text (RFC 8785 JSON) that is the event. Details are in it by their salted SHA-256 alone, so it can stay when they are erased.',
    }),
  })
  .meta({
    id: 'AuditEvent',
    description: 'One change, or one read of evidence. Never edited, never deleted.',
    examples: [
      {
        id: '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a01',
        time: '2026-11-23T09:05:07.123Z',
        action: 'system.created',
        actor: { kind: 'user', id: '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a02' },
        object: { kind: 'system', id: '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a03', version: 1 },
        outcome: 'success',
        requestId: '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a04',
        logIndex: 41,
        details: { name: 'emr-production' },
        salt: '6f1d0a4b7c2e93f85a6b1c0d9e8f7a6b5c4d3e2f1a0b9c8d7e6f5a4b3c2d1e0f',
        erasedBy: null,
        leaf: '{"action":"system.created","actor":{"id":"019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a02","kind":"user"},"details_sha256":null}',
      },
    ],
  });

export const listAuditEvents = operation({
  id: 'listAuditEvents',
  method: 'GET',
  path: '/v1/organizations/:organizationId/audit-events',
  tag: 'Audit',
  summary: 'List audit events',
  description:
    'Every change and every read of evidence, newest first. An event is written in the transaction of the change that it describes.',
  permission: 'audit:read',
  params: organizationParams,
  query: z.strictObject({
    ...pageQuery,
    action: z.enum(ACTIONS).optional().meta({ description: 'Only this action.' }),
    objectKind: z
      .string()
      .max(50)
      .optional()
      .meta({ description: 'Only objects of this kind.', examples: ['scan'] }),
    objectId: z.string().max(100).optional().meta({ description: 'Only this object.' }),
    actorId: z.string().max(200).optional().meta({ description: 'Only what this member or agent did.' }),
    from: instant.optional().meta({ description: 'At or after this instant (RFC 3339).' }),
    to: instant.optional().meta({ description: 'Before this instant (RFC 3339).' }),
  }),
  answers: { 200: { description: 'One page of events.', schema: pageOf(AuditEventView, 'AuditEventPage') } },
});
