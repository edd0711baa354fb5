import { z } from 'zod';
import { recordTypeName } from '../catalog/fields.js';
import { operation } from '../kernel/http/endpoint.js';
import { pageOf, pageQuery } from '../kernel/http/page.js';
import { organizationId, organizationParams } from '../kernel/http/parameters.js';
import { TABLE_TYPES } from '../kernel/http/table.js';
import { TABLE_LIMITS } from '../kernel/tables/table.js';
import { IMPORT_OUTCOMES, IMPORT_STATUSES } from './import.entity.js';

const imports = '/v1/organizations/:organizationId/imports';
const importParams = z.object({
  organizationId,
  importId: z.uuid().toLowerCase().meta({ description: 'The import.' }),
});
export const register = '/v1/organizations/:organizationId/risk-analyses/:recordId/register';
export const registerParams = z.object({
  organizationId,
  recordId: z.uuid().toLowerCase().meta({ description: 'The risk analysis.' }),
});
const dryRun = z
  .enum(['true', 'false'])
  .default('false')
  .transform((text) => text === 'true')
  .meta({ description: '`true`: check it, and write nothing.' });
const sheet = z
  .string()
  .min(1)
  .max(31)
  .meta({ description: 'Of a workbook: the sheet to read; default: the first that is shown.' });
const time = z.iso.datetime();
const count = z.int().nullable();

const example = {
  id: '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a60',
  type: 'training_record',
  dryRun: false,
  sheet: '',
  register: null,
  status: 'applied',
  sha256: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
  evidenceId: '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a61',
  requestedAt: '2026-11-26T09:00:00.000Z',
  requestedBy: '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a02',
  finishedAt: '2026-11-26T09:00:12.000Z',
  rows: 500,
  created: 480,
  changed: 5,
  unchanged: 15,
  drafts: 0,
  faultCount: 0,
  faults: [],
  decidedAt: null,
  decidedBy: null,
  decidedCount: null,
  reason: null,
} as const;

const ImportSummary = {
  id: z.uuid(),
  type: z.string(),
  dryRun: z.boolean().meta({ description: 'Only checked: nothing is written.' }),
  sheet: z.string().meta({ description: 'Of a workbook; empty: the first that is shown.' }),
  register: z.uuid().nullable().meta({ description: 'The risk analysis whose register it is.' }),
  status: z.enum(IMPORT_STATUSES).meta({
    description:
      '`received`: it is being read. `checked`: a dry run found nothing wrong. `refused`: `faults` say why, and nothing was written. `applied`: its versions are submitted ' +
      'and wait for another person. `approved` or `rejected`: that person has decided.',
  }),
  evidenceId: z.uuid().meta({ description: 'The table as it was sent, in custody.' }),
  requestedAt: time,
  requestedBy: z.string().meta({ description: 'A member’s id.' }),
  finishedAt: time.nullable().meta({ description: 'When it was read to its end.' }),
  rows: count.meta({ description: 'Rows below the head in which anything stands.' }),
  created: count.meta({ description: 'Rows that became a new record, or would have.' }),
  changed: count.meta({ description: 'Rows that became the next version of a record.' }),
  unchanged: count.meta({ description: 'Rows that say what a record says already.' }),
  drafts: count.meta({
    description:
      'Rows that became drafts: their type asks for documents, which are added to each. They are submitted by themselves.',
  }),
  faultCount: count.meta({ description: 'Everything that was found wrong.' }),
  decidedAt: time.nullable(),
  decidedBy: z.string().nullable(),
  decidedCount: count.meta({
    description:
      'Versions that were decided on with the import; the others had been decided on, recalled or rejected by themselves.',
  }),
  reason: z.string().nullable().meta({ description: 'Why it was rejected.' }),
};
const Summary = z.object(ImportSummary).meta({
  id: 'ImportSummary',
  description: 'A table of records that was sent.',
  examples: [(({ faults: _, sha256: __, ...summary }) => summary)(example)],
});
export type ImportSummaryView = z.infer<typeof Summary>;

const ImportView = z
  .object({
    ...ImportSummary,
    sha256: z.string().meta({ description: 'SHA-256 of the table, lower-case hex.' }),
    faults: z
      .array(
        z.object({
          row: z.int().meta({ description: 'As a spreadsheet counts; 1 is the head.' }),
          column: z.string().nullable().meta({ description: 'Null: the row as a whole.' }),
          detail: z.string(),
        }),
      )
      .meta({ description: 'What was found wrong, row by row; the first 1 000.' }),
  })
  .meta({
    id: 'Import',
    description: 'A table of records that was sent, and what was found in it.',
    examples: [example],
  });
export type ImportView = z.infer<typeof ImportView>;

const RowView = z
  .object({
    number: z.int().meta({ description: 'As a spreadsheet counts.' }),
    outcome: z.enum(IMPORT_OUTCOMES).meta({
      description: 'What became of it, or, of a dry run, would become of it.',
    }),
    recordId: z.uuid().nullable().meta({ description: 'Null: of a record that a dry run did not make.' }),
    version: z.int().nullable(),
  })
  .meta({
    id: 'ImportRow',
    description: 'What became of a row.',
    examples: [{ number: 2, outcome: 'created', recordId: '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a62', version: 1 }],
  });

export const importRecords = operation({
  id: 'importRecords',
  method: 'POST',
  path: imports,
  tag: 'Bulk',
  summary: 'Import a table of records',
  description:
    'A CSV or XLSX of records of one type, one a row; `GET …/exports/records` gives a table with its columns. The bytes are evidence first, then every row is read and checked; ' +
    'read the import at `Location` until it is no longer `received`. If anything is wrong, nothing is written, and the import says what, row by row. Otherwise each row is a ' +
    'submitted version, and another person decides on all of them. The same bytes again are the same import while it stands: 200.',
  permission: 'records:write',
  params: organizationParams,
  query: z.strictObject({
    type: recordTypeName.meta({ description: 'The type of all its records.', examples: ['training_record'] }),
    dryRun,
    sheet: sheet.optional(),
  }),
  headers: {
    'Content-Digest': 'RFC 9530, sha-256 or sha-512 over the bytes as sent; required.',
    'Content-Encoding': '`gzip` or `zstd`.',
  },
  body: {
    mediaTypes: TABLE_TYPES,
    description: `The table. ${TABLE_LIMITS.file / 2 ** 20} MiB and 100 000 rows at most.`,
  },
  answers: {
    200: { description: 'The same bytes are this import.', schema: ImportView },
    202: { description: 'Received; poll the import.', schema: ImportView, headers: { Location: 'The import.' } },
  },
  refusals: [
    'record-type-refused',
    'digest-mismatch',
    'truncated-body',
    'malformed-encoding',
    'malformed-header',
    'too-large',
    'unsupported-encoding',
    'unsupported-media-type',
    'storage-full',
    'disposed',
  ],
});

export const importRiskRegister = operation({
  id: 'importRiskRegister',
  method: 'POST',
  path: register,
  tag: 'Bulk',
  summary: 'Import the risk register of an analysis',
  description:
    'A CSV or XLSX with the columns of `exportRiskRegister`: each row is a risk of this analysis, by its ID. An import like any other: what `importRecords` says holds. «Risk level» and ' +
    '«Status» are made of other columns and not read.',
  permission: 'records:write',
  params: registerParams,
  query: z.strictObject({ dryRun, sheet: sheet.optional() }),
  headers: importRecords.headers,
  body: importRecords.body,
  answers: importRecords.answers,
  refusals: importRecords.refusals,
});

export const listImports = operation({
  id: 'listImports',
  method: 'GET',
  path: imports,
  tag: 'Bulk',
  summary: 'List imports',
  description: 'Newest first.',
  permission: 'records:read',
  params: organizationParams,
  query: z.strictObject({
    ...pageQuery,
    status: z
      .enum(IMPORT_STATUSES)
      .optional()
      .meta({ description: 'Only this status: `applied` waits for a decision.' }),
  }),
  answers: { 200: { description: 'One page.', schema: pageOf(Summary, 'ImportPage') } },
});

export const getImport = operation({
  id: 'getImport',
  method: 'GET',
  path: `${imports}/:importId`,
  tag: 'Bulk',
  summary: 'Read an import',
  description: 'How far it is, and what was found in it.',
  permission: 'records:read',
  params: importParams,
  answers: { 200: { description: 'The import.', schema: ImportView } },
});

export const listImportRows = operation({
  id: 'listImportRows',
  method: 'GET',
  path: `${imports}/:importId/rows`,
  tag: 'Bulk',
  summary: 'List what became of the rows of an import',
  description: 'By number. Nothing of an import that was refused: its `faults` say what was wrong.',
  permission: 'records:read',
  params: importParams,
  query: z.strictObject({
    ...pageQuery,
    outcome: z.enum(IMPORT_OUTCOMES).optional().meta({ description: 'Only this outcome.' }),
  }),
  answers: { 200: { description: 'One page.', schema: pageOf(RowView, 'ImportRowPage') } },
});

export const decideImport = operation({
  id: 'decideImport',
  method: 'POST',
  path: `${imports}/:importId/decision`,
  tag: 'Bulk',
  summary: 'Decide on an import',
  description:
    'By another person than the one who sent it. `approve` approves all of its versions that still wait, at one instant, or none of them: each is checked again, and against the ' +
    'others. `reject` abandons them with the reason: the table is corrected and sent again. A decision that was made stays.',
  permission: 'records:approve',
  params: importParams,
  body: z
    .discriminatedUnion('decision', [
      z.strictObject({ decision: z.literal('approve') }),
      z.strictObject({
        decision: z.literal('reject'),
        reason: z
          .string()
          .trim()
          .min(1)
          .max(2000)
          .refine((text) => text.isWellFormed() && !text.includes('\0'), 'No NUL and no half of a surrogate pair.')
          .meta({ description: 'Why; kept with each of its versions.' }),
      }),
    ])
    .meta({ id: 'ImportDecision', description: 'What is decided.', examples: [{ decision: 'approve' }] }),
  answers: { 200: { description: 'As it is now.', schema: ImportView } },
  refusals: ['move-refused', 'own-approval', 'record-refused', 'record-type-refused', 'retained', 'disposed'],
});
