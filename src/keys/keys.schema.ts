import { z } from 'zod';
import { operation } from '../kernel/http/endpoint.js';
import { pageOf, pageQuery } from '../kernel/http/page.js';
import { instantQuery, organizationId, organizationParams } from '../kernel/http/parameters.js';
import { tableQuery } from '../kernel/http/table.js';
import { KEY_PURPOSES } from './fields.js';
import { KEY_STATES } from './ledger.js';

const state = z.enum(KEY_STATES).meta({
  description:
    '`not_rotated_after_incident`: 30 days after an incident that names it. `deletion_scheduled`, `disabled`: by what its provider says. `overdue`: last rotated ' +
    'longer ago than its interval. `never_rotated`: made longer ago than that. `reencryption_pending`: data is under an older version still. ' +
    '`rotated_by_requester`: one person asked for the last rotation and did it. `unrecorded`: a report has seen it, and no record tells of it. `ok`: none of these.',
});
const at = (description: string) => z.iso.datetime().nullable().meta({ description });

const example = {
  id: '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a71',
  recordId: '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a71',
  systemId: '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a03',
  name: 'etcd',
  provider: 'aws-kms',
  keyId: 'arn:aws:kms:eu-central-1:111122223333:key/11111111-2222-4333-8444-555555555555',
  purpose: 'etcd-kms' as const,
  custodian: '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a02',
  managedBy: 'customer' as const,
  state: 'overdue' as const,
  findings: [
    {
      state: 'overdue' as const,
      reason: 'Key etcd is overdue: last rotated on 2025-11-01, due on 2026-11-01 by its 365 days.',
      records: [],
    },
  ],
  createdAt: '2024-11-01T00:00:00.000Z',
  policyDays: 365,
  rotateAfterIncident: true,
  rotatesItself: false,
  lastRotatedAt: '2025-11-01T09:00:00.000Z',
  latestVersion: '2',
  dueAt: '2026-11-01T09:00:00.000Z',
  sources: ['aws-kms/describe-key', 'aws-kms/list-key-rotations'],
  series: ['b1a9d2c4-3e5f-8a6b-9c7d-8e9f0a1b2c3d'],
};

const Key = z
  .object({
    id: z.uuid().meta({ description: 'The record’s; of a key without one, a name made of its reference.' }),
    recordId: z.uuid().nullable().meta({ description: 'Null: a report alone tells of it.' }),
    systemId: z.uuid(),
    name: z.string(),
    provider: z.string(),
    keyId: z.string().meta({ description: 'As its provider or its record calls it. Never material.' }),
    purpose: z.enum(KEY_PURPOSES).nullable(),
    custodian: z.string().nullable().meta({ description: 'A member’s id.' }),
    managedBy: z
      .enum(['customer', 'provider', 'unknown'])
      .meta({ description: 'Who manages it by what its provider says.' }),
    state: state.meta({ description: `The gravest of its findings. ${state.description ?? ''}` }),
    findings: z.array(
      z.object({
        state: z.enum(KEY_STATES),
        reason: z.string(),
        records: z.array(z.uuid()).meta({ description: 'Records behind it beside the key’s own.' }),
      }),
    ),
    createdAt: at('When it was made: the earliest of what record and reports say.'),
    policyDays: z.number().nullable().meta({ description: 'How many days it may stay as it is.' }),
    rotateAfterIncident: z.boolean().nullable(),
    rotatesItself: z
      .boolean()
      .nullable()
      .meta({ description: 'Whether its provider rotates it; null: no report says.' }),
    lastRotatedAt: at('Null: never, by what is known.'),
    latestVersion: z.string().nullable(),
    dueAt: at('When it has to be rotated at the latest, by its interval or after an incident.'),
    sources: z
      .array(z.string())
      .meta({ description: 'Of the reports that tell of it; empty: it is kept by hand alone.' }),
    series: z.array(z.uuid()).meta({ description: 'Of the facts that tell of it.' }),
  })
  .meta({
    id: 'Key',
    description: 'A key or secret by what its record and all reports say of it.',
    examples: [example],
  });

const rotationExample = {
  at: '2025-11-01T09:00:00.000Z',
  version: '2',
  fromVersion: '1',
  requestedBy: 'J. Doe',
  performedBy: 'R. Roe',
  reason: 'scheduled',
  incident: null,
  reencryption: 'not_needed' as const,
  counts: true,
  tellings: [
    {
      kind: 'record' as const,
      recordId: '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a72',
      version: 1,
      at: '2025-11-01T10:00:00.000Z',
    },
    {
      kind: 'fact' as const,
      source: 'aws-kms/list-key-rotations',
      series: 'b1a9d2c4-3e5f-8a6b-9c7d-8e9f0a1b2c3d',
      scanId: '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a20',
      automatic: false,
      at: '2025-11-01T09:00:00.000Z',
    },
  ],
};

const Rotation = z
  .object({
    at: z.iso.datetime().meta({ description: 'By the provider where it tells of it, else by the record.' }),
    version: z.string().nullable().meta({ description: 'The version that it made; null: nobody names it.' }),
    fromVersion: z.string().nullable(),
    requestedBy: z.string().nullable().meta({ description: 'By its record; null: there is none.' }),
    performedBy: z.string().nullable(),
    reason: z.string().nullable(),
    incident: z.uuid().nullable().meta({ description: 'The record of the incident after which it was done.' }),
    reencryption: z.enum(['done', 'pending', 'not_needed']).nullable(),
    counts: z.boolean().meta({
      description: 'False: a record tells of it, and the provider, which lists all rotations of the key, does not.',
    }),
    tellings: z.array(
      z.discriminatedUnion('kind', [
        z.object({
          kind: z.literal('record'),
          recordId: z.uuid(),
          version: z.int(),
          at: z.iso.datetime(),
        }),
        z.object({
          kind: z.literal('fact'),
          source: z.string(),
          series: z.uuid(),
          scanId: z.uuid().meta({ description: 'The scan that told it first.' }),
          automatic: z.boolean().nullable().meta({ description: 'Whether the provider did it by itself.' }),
          at: z.iso.datetime(),
        }),
      ]),
    ),
  })
  .meta({
    id: 'KeyRotation',
    description: 'One rotation, with everything that tells of it: once, however many do.',
    examples: [rotationExample],
  });

export const listKeys = operation({
  id: 'listKeys',
  method: 'GET',
  path: '/v1/organizations/:organizationId/keys',
  tag: 'Keys',
  summary: 'List keys and secrets',
  description:
    'The ledger at an instant, as it was known at another: the keys that records of type `key` tell of, joined with what reports of key management services and ' +
    'of cert-manager have seen, and those that have been seen only. By system. A page may hold fewer than its limit, even none, and have a next one.',
  permission: 'records:read',
  params: organizationParams,
  query: z.strictObject({
    ...pageQuery,
    ...instantQuery,
    system: z.uuid().toLowerCase().optional().meta({ description: 'Only keys of this system.' }),
    state: z
      .enum(KEY_STATES)
      .optional()
      .meta({ description: 'Only keys with a finding of this state, or that are `ok`.' }),
    purpose: z.enum(KEY_PURPOSES).optional().meta({ description: 'Only keys of this purpose, by their record.' }),
  }),
  answers: { 200: { description: 'One page of keys.', schema: pageOf(Key, 'KeyPage') } },
});

export const getKeyHistory = operation({
  id: 'getKeyHistory',
  method: 'GET',
  path: '/v1/organizations/:organizationId/keys/:recordId/rotations',
  tag: 'Keys',
  summary: 'The rotations of a key',
  description:
    'All that are known up to an instant, newest first: by records of type `key_rotation_event` and by what reports ever said, each once.',
  permission: 'records:read',
  params: z.object({
    organizationId,
    recordId: z.uuid().toLowerCase().meta({ description: 'The record of the key.' }),
  }),
  query: z.strictObject({ ...instantQuery, ...tableQuery }),
  answers: {
    200: {
      description: 'The rotations.',
      schema: z.object({ recordId: z.uuid(), name: z.string(), items: z.array(Rotation) }).meta({
        id: 'KeyHistory',
        description: 'The rotations of one key.',
        examples: [{ recordId: example.id, name: 'etcd', items: [rotationExample] }],
      }),
    },
  },
});

export type KeyView = z.infer<typeof Key>;
export type RotationView = z.infer<typeof Rotation>;
