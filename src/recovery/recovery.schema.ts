import { z } from 'zod';
import { operation } from '../kernel/http/endpoint.js';
import { instant } from '../kernel/http/instant.js';
import { pageOf, pageQuery } from '../kernel/http/page.js';
import { instantQuery, systemParams } from '../kernel/http/parameters.js';
import { tableQuery } from '../kernel/http/table.js';

const minutes = (description: string) => z.number().nonnegative().meta({ description });
const periodQuery = {
  from: instant
    .optional()
    .meta({ description: 'Beginning of the period (RFC 3339). Default: 30 days before its end.' }),
  to: instant.optional().meta({ description: 'End of the period. Default, and at the latest: asOf.' }),
};

const backupExample = {
  series: 'b1a9d2c4-3e5f-8a6b-9c7d-8e9f0a1b2c3d',
  source: 'velero',
  name: 'velero/Backup/emr-daily-20261001',
  scanId: '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a20',
  startedAt: '2026-10-01T01:00:00.000Z',
  completedAt: '2026-10-01T01:20:00.000Z',
  expiresAt: '2026-10-31T01:00:00.000Z',
  phase: 'Completed',
  succeeded: true,
  unusable: null,
  includedNamespaces: ['emr'],
  excludedNamespaces: [],
  storageLocation: 'default',
  schedule: 'emr-daily',
};

const Backup = z
  .object({
    series: z.uuid().meta({ description: 'Of the fact that tells of it.' }),
    source: z.string(),
    name: z.string(),
    scanId: z.uuid(),
    startedAt: z.iso.datetime().meta({ description: 'Of when its data is.' }),
    completedAt: z.iso.datetime().nullable(),
    expiresAt: z.iso.datetime().nullable(),
    phase: z.string().nullable(),
    succeeded: z.boolean().nullable().meta({ description: 'Null: it does not say.' }),
    unusable: z
      .string()
      .nullable()
      .meta({ description: 'Why no recovery objective is held by it; null: those are whose namespaces it holds.' }),
    includedNamespaces: z.array(z.string()).meta({ description: 'Empty or *: all.' }),
    excludedNamespaces: z.array(z.string()),
    storageLocation: z.string().nullable(),
    schedule: z.string().nullable(),
  })
  .meta({
    id: 'Backup',
    description: 'One run of a backup, by all that reports said of it, also when it has expired since.',
    examples: [backupExample],
  });

const namespace = z.string().nullable().meta({ description: 'Null: all namespaces of the system.' });

const Objective = z.object({
  recordId: z.uuid(),
  scope: z.string(),
  namespaces: z.array(namespace).meta({ description: 'What has to be in its backups.' }),
  criticality: z.string(),
  rtoMinutes: minutes('How long a restore may take.'),
  rpoMinutes: minutes('How old the data may be that is restored.'),
  rpo: z.object({
    held: z.boolean().meta({ description: 'At every instant of the period, for each of its namespaces.' }),
    breaches: z
      .array(
        z.object({
          namespace,
          from: z.iso.datetime(),
          to: z.iso.datetime(),
          minutes: z.int(),
          lastBackupAt: z.iso.datetime().nullable().meta({
            description: 'Of when the data was that there was; null: no backup before it is known.',
          }),
        }),
      )
      .meta({ description: 'When it was not held. At most 1,000.' }),
  }),
  lastBackups: z
    .array(z.object({ namespace, startedAt: z.iso.datetime().nullable(), series: z.uuid().nullable() }))
    .meta({ description: 'The last good one of each namespace, as of the end of the period.' }),
  restoreTests: z
    .array(
      z.object({
        recordId: z.uuid(),
        backup: z.string().nullable(),
        completedAt: z.iso.datetime(),
        result: z.string(),
        rtoMinutes: minutes('The longer of what was measured and what the clock says.'),
        rpoMinutes: z.number().nullable().meta({ description: 'Null: the record does not say it.' }),
        missed: z
          .string()
          .nullable()
          .meta({ description: 'Why it does not show that the objective is met; null: it does.' }),
      }),
    )
    .meta({ description: 'Completed in the period, the last first.' }),
});

const Storage = z.object({
  series: z.uuid(),
  name: z.string(),
  provider: z.string(),
  bucket: z.string().nullable(),
  encrypted: z.boolean().nullable().meta({
    description: 'True: it names a key or a cipher. Null: it does not say; the bucket may encrypt all the same.',
  }),
  immutable: z.boolean().meta({
    description:
      'A record of type immutability_evidence in effect names the bucket as its store, or links to the series of this fact.',
  }),
});

const recoveryExample = {
  systemId: '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a03',
  from: '2026-09-01T00:00:00.000Z',
  to: '2026-10-01T00:00:00.000Z',
  objectives: [
    {
      recordId: '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a77',
      scope: 'emr',
      namespaces: ['emr'],
      criticality: 'critical',
      rtoMinutes: 240,
      rpoMinutes: 1500,
      rpo: {
        held: false,
        breaches: [
          {
            namespace: 'emr',
            from: '2026-09-14T02:00:00.000Z',
            to: '2026-09-15T01:00:00.000Z',
            minutes: 1380,
            lastBackupAt: '2026-09-13T01:00:00.000Z',
          },
        ],
      },
      lastBackups: [
        { namespace: 'emr', startedAt: '2026-09-30T01:00:00.000Z', series: 'b1a9d2c4-3e5f-8a6b-9c7d-8e9f0a1b2c3d' },
      ],
      restoreTests: [
        {
          recordId: '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a78',
          backup: 'emr-daily-20260920',
          completedAt: '2026-09-20T09:10:00.000Z',
          result: 'passed',
          rtoMinutes: 70,
          rpoMinutes: 480,
          missed: null,
        },
      ],
    },
  ],
  storage: [
    {
      series: 'c1a9d2c4-3e5f-8a6b-9c7d-8e9f0a1b2c3e',
      name: 'velero/BackupStorageLocation/default',
      provider: 'aws',
      bucket: 'clinic-backups',
      encrypted: true,
      immutable: true,
    },
  ],
};

export const getRecovery = operation({
  id: 'getRecovery',
  method: 'GET',
  path: '/v1/organizations/:organizationId/systems/:systemId/recovery',
  tag: 'Recovery',
  summary: 'Whether recovery objectives are held',
  description:
    'The recovery objectives of a system at an instant, and over a period of at most 366 days before it: where the recovery point objective was broken, by the ' +
    'history of backups, and how restore tests measured against both. A backup counts from when it began, for its data is of then, and only when it was completed, ' +
    'whole, and of the namespaces of the objective. As a table: a row for each objective.',
  permission: 'records:read',
  params: systemParams,
  query: z.strictObject({ ...instantQuery, ...periodQuery, ...tableQuery }),
  layout: { each: 'objectives', beside: ['systemId', 'from', 'to'] },
  answers: {
    200: {
      description: 'The objectives.',
      schema: z
        .object({
          systemId: z.uuid(),
          from: z.iso.datetime(),
          to: z.iso.datetime(),
          objectives: z.array(Objective),
          storage: z
            .array(Storage)
            .meta({ description: 'Where backups are kept, by what reports say at the instant.' }),
        })
        .meta({
          id: 'Recovery',
          description: 'Objectives of a system against its backups and restore tests.',
          examples: [recoveryExample],
        }),
    },
  },
  refusals: ['invalid-request'],
});

export const listBackups = operation({
  id: 'listBackups',
  method: 'GET',
  path: '/v1/organizations/:organizationId/systems/:systemId/backups',
  tag: 'Recovery',
  summary: 'List backups',
  description:
    'The runs that reports of Velero, and of one’s own tools, tell of, the newest first: those that began in a period of at most 366 days. Backups that have expired are in it.',
  permission: 'results:read',
  params: systemParams,
  query: z.strictObject({ ...pageQuery, ...instantQuery, ...periodQuery }),
  answers: { 200: { description: 'One page of backups.', schema: pageOf(Backup, 'BackupPage') } },
  refusals: ['invalid-request'],
});

export type BackupView = z.infer<typeof Backup>;
