import { z } from 'zod';
import { TypeDefinition } from '../../catalog/record-type.js';
import { operation } from '../../kernel/http/endpoint.js';
import { pageOf, pageQuery } from '../../kernel/http/page.js';
import { organizationId, organizationParams } from '../../kernel/http/parameters.js';
import { Tightening } from './tightening.js';

/** Its shape is checked where it is taken, with the place of every fault; what was accepted once is shown as it was. */
const definition = z.record(z.string(), z.unknown()).meta({
  description:
    'As docs/record-types.md tells: what records of it are of, what they hold (`fields`, a JSON Schema that forms can be made of), how long they are good for, what an auditor asks of them, and an example.',
});

export const ownTypeExample = {
  type: 'org/second-opinion',
  title: 'Second opinion',
  summary: 'An outside view of one measure, by somebody who did not build it.',
  place: 'either',
  good_for: { days: 365, basis: 'practice', why: 'with the yearly evaluation' },
  good_from: 'givenOn',
  documents: { least: 1, roles: ['opinion'] },
  auditor_asks: ['The opinion, and what was done about it'],
  fields: {
    type: 'object',
    additionalProperties: false,
    required: ['measure', 'givenOn', 'givenBy', 'view'],
    properties: {
      measure: { type: 'string', minLength: 1, maxLength: 200, title: 'Measure' },
      givenOn: { type: 'string', format: 'date', title: 'Given on' },
      givenBy: { type: 'string', minLength: 1, maxLength: 200, title: 'Given by', 'x-person': true },
      view: { type: 'string', minLength: 1, maxLength: 4000, title: 'View' },
    },
  },
  example: {
    title: 'Isolation of the PHI namespaces',
    effectiveFrom: '2026-10-01T00:00:00Z',
    fields: {
      measure: 'Default-deny network policies',
      givenOn: '2026-09-30',
      givenBy: 'R. Okafor',
      view: 'Sound; egress to the registry is wider than it needs to be.',
    },
  },
} as const;

/** As it is kept and shown: with everything that may be left out. */
const ownTypeShown: Record<string, unknown> = { ...TypeDefinition.parse(ownTypeExample) };

const summary = {
  type: z.string().meta({ description: 'Of the catalogue, or `org/…` of the organisation’s own.' }),
  title: z.string(),
  summary: z.string().meta({ description: 'What a record of it is.' }),
  section: z.string().nullable().meta({ description: 'Where the catalogue has it; null of the organisation’s own.' }),
  place: z
    .enum(['organization', 'system', 'either'])
    .meta({ description: 'What records of it are of: the whole organisation, systems that they name, or either.' }),
  origin: z.enum(['catalog', 'organization']),
  state: z.enum(['on', 'tightened', 'withdrawn']).meta({
    description:
      '`tightened`: the organisation asks for more than the catalogue. `withdrawn`: of its own, and no more.',
  }),
  goodForDays: z.int().nullable().meta({
    description:
      'After so many days a record no longer speaks for the present, where a practice does not say otherwise; null: per event.',
  }),
  practices: z.array(z.string()).meta({ description: 'Practices that ask for records of it.' }),
  controls: z.array(z.string()).meta({ description: 'Items of 45 CFR 164 that ask for records of it by themselves.' }),
  version: z
    .int()
    .meta({ description: 'How often the organisation has changed it; the ETag. 0: as the catalogue has it.' }),
  changedAt: z.iso.datetime().nullable().meta({ description: 'When it was changed last, UTC; null: never.' }),
  changedBy: z.string().nullable().meta({ description: 'Id of the member who did.' }),
  reason: z.string().nullable().meta({ description: 'Why, as the member said.' }),
};

const tightening = Tightening.nullable().meta({
  description: 'How the organisation makes it stricter; null: not at all.',
});

const example = {
  type: ownTypeExample.type,
  title: ownTypeExample.title,
  summary: ownTypeExample.summary,
  section: null,
  place: 'either',
  origin: 'organization',
  state: 'on',
  goodForDays: 365,
  practices: [],
  controls: [],
  version: 1,
  changedAt: '2026-11-26T09:00:00.000Z',
  changedBy: '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a07',
  reason: 'Our insurer asks for one.',
} as const;

const RecordTypeSummary = z
  .object(summary)
  .meta({ id: 'RecordTypeSummary', description: 'A sort of records that people keep.', examples: [example] });
export type RecordTypeSummary = z.output<typeof RecordTypeSummary>;

const RecordTypeView = z.object({ ...summary, tightened: tightening, definition }).meta({
  id: 'RecordType',
  description: 'A sort of records that people keep, with what records of it hold.',
  examples: [{ ...example, tightened: null, definition: ownTypeShown }],
});
export type RecordTypeView = z.output<typeof RecordTypeView>;

const RecordTypeVersionView = z
  .object({
    version: z.int(),
    state: z.enum(['defined', 'withdrawn']),
    recordedAt: z.iso.datetime().meta({ description: 'UTC.' }),
    recordedBy: z.string().meta({ description: 'Id of the member.' }),
    definition: definition
      .nullable()
      .meta({ description: 'Of one of the organisation’s own; null where it was withdrawn.' }),
    tightened: tightening,
    reason: z.string().nullable(),
  })
  .meta({
    id: 'RecordTypeVersion',
    description: 'One change of a record type.',
    examples: [
      {
        version: 1,
        state: 'defined',
        recordedAt: example.changedAt,
        recordedBy: example.changedBy,
        definition: ownTypeShown,
        tightened: null,
        reason: example.reason,
      },
    ],
  });
export type RecordTypeVersionView = z.output<typeof RecordTypeVersionView>;

const types = '/v1/organizations/:organizationId/record-types';
const tag = 'Records';
const typeParams = z.object({
  organizationId,
  type: z
    .string()
    .max(100)
    .regex(/^(org\/)?[a-z0-9]+([_-][a-z0-9]+)*$/)
    .meta({ description: 'The type; the slash of `org/…` is written `%2F`.', examples: ['restore_test'] }),
});
const reason = z.string().trim().min(1).max(1_000).optional().meta({ description: 'Why, for whoever asks later.' });

export const listRecordTypes = operation({
  id: 'listRecordTypes',
  method: 'GET',
  path: types,
  tag,
  summary: 'List record types',
  description:
    'What records can be kept of: the types of the catalogue as the organisation has tightened them, and its own. By type.',
  permission: 'records:read',
  params: organizationParams,
  query: z.strictObject(pageQuery),
  answers: { 200: { description: 'One page.', schema: pageOf(RecordTypeSummary, 'RecordTypePage') } },
});

export const getRecordType = operation({
  id: 'getRecordType',
  method: 'GET',
  path: `${types}/:type`,
  tag,
  summary: 'Read a record type',
  description: 'With the schema of its fields, and the ETag that a change needs. Also one that was withdrawn.',
  permission: 'records:read',
  params: typeParams,
  answers: { 200: { description: 'The type.', schema: RecordTypeView } },
});

export const listRecordTypeVersions = operation({
  id: 'listRecordTypeVersions',
  method: 'GET',
  path: `${types}/:type/versions`,
  tag,
  summary: 'List what the organisation has made of a record type',
  description: 'Newest first. None of a type that stands as the catalogue has it.',
  permission: 'records:read',
  params: typeParams,
  query: z.strictObject(pageQuery),
  answers: { 200: { description: 'One page.', schema: pageOf(RecordTypeVersionView, 'RecordTypeVersionPage') } },
});

export const changeRecordType = operation({
  id: 'changeRecordType',
  method: 'PUT',
  path: `${types}/:type`,
  tag,
  summary: 'Define or tighten a record type',
  description:
    'A definition under `org/…` is a type of the organisation’s own; a type of the catalogue can be made stricter, never looser: `record-type-refused` names the place of the fault. Every version is kept, ' +
    'and a record stays what it was checked by.',
  permission: 'record-types:write',
  params: typeParams,
  body: z.union([z.strictObject({ definition, reason }), z.strictObject({ tightened: Tightening, reason })]).meta({
    id: 'RecordTypeChange',
    description: 'What a record type shall be.',
    examples: [
      { definition: ownTypeExample, reason: example.reason },
      { tightened: { goodForDays: 31, required: ['measuredRtoMinutes'] }, reason: 'Monthly, as our insurer asks.' },
    ],
  }),
  answers: { 200: { description: 'As it is now.', schema: RecordTypeView } },
  refusals: ['record-type-refused', 'conflict'],
  edits: true,
});
export type TypeChangeBody = z.output<(typeof changeRecordType)['body']>;

export const withdrawRecordType = operation({
  id: 'withdrawRecordType',
  method: 'DELETE',
  path: `${types}/:type`,
  tag,
  summary: 'Withdraw what the organisation made of a record type',
  description:
    'A type of the catalogue is then as the catalogue has it; of one of the organisation’s own no record is submitted any more, and those that are in effect stay so. Withdrawing what is withdrawn changes nothing.',
  permission: 'record-types:write',
  params: typeParams,
  answers: { 204: { description: 'Withdrawn.' } },
});
