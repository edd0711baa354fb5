import { z } from 'zod';
import { recordTypeName } from '../catalog/fields.js';
import { operation } from '../kernel/http/endpoint.js';
import { instant } from '../kernel/http/instant.js';
import { pageOf, pageQuery } from '../kernel/http/page.js';
import { instantQuery, organizationId, organizationParams } from '../kernel/http/parameters.js';
import { nameText } from '../organizations/text.schema.js';
import { LINK_KINDS } from './effective.js';
import { isKeepable } from './keepable.js';
import { VERSION_STATES } from './moves.js';
import { example, MoveView, RecordSummary, RecordView, VersionSummary } from './record-view.schema.js';

const records = '/v1/organizations/:organizationId/records';
export const recordId = z.uuid().toLowerCase().meta({ description: 'The record.' });
export const recordParams = z.object({ organizationId, recordId });
export const versionParams = z.object({
  organizationId,
  recordId,
  version: z.coerce.number().int().min(1).max(1_000_000).meta({ description: 'The version’s number.' }),
});

const typeName = recordTypeName.meta({ description: 'The record type.', examples: ['vendor'] });
const reasonText = z
  .string()
  .trim()
  .min(1)
  .max(2000)
  .refine(isKeepable, 'No NUL and no half of a surrogate pair.')
  .meta({ description: 'Why; kept with the move.' });
const memberId = z.uuid().toLowerCase().meta({ description: 'The member who answers for it.' });
const systemIds = z
  .array(z.uuid().toLowerCase())
  .max(1000)
  .refine((ids) => new Set(ids).size === ids.length, 'Each system once.')
  .meta({ description: 'The systems that it is of; empty: the whole organisation.' });
const effectiveFrom = instant.meta({
  description: 'From when on it is so (RFC 3339 with a zone): in the past, known only now; or in the future, planned.',
});
/** Bytes of JSON: fifty times what the longest type of the catalogue holds in practice. */
const MAX_FIELDS = 256 * 1024;
const fields = z
  .record(z.string().max(100), z.unknown())
  .refine(
    (value) => isKeepable(value) && JSON.stringify(value).length <= MAX_FIELDS,
    `At most ${MAX_FIELDS} characters of JSON, no NUL and no half of a surrogate pair.`,
  )
  .meta({
    description:
      'As its type says (`fields` of the record type). A draft may be unfinished: fields are checked when it is submitted. No secrets and no patients here: what has the form of a secret is refused, and nobody looks for patients.',
  });
const link = z.strictObject({
  kind: z.enum(LINK_KINDS),
  target: z.string().min(1).max(500).refine(isKeepable, 'No NUL and no half of a surrogate pair.').meta({
    description: 'An id; of a namespace `<system>/<name>`, of a check `<source>/<id>`. `event`: an audit event.',
  }),
  note: z.string().max(500).refine(isKeepable, 'No NUL and no half of a surrogate pair.').default(''),
});
const links = z
  .array(link)
  .max(500)
  .refine((all) => new Set(all.map(({ kind, target }) => `${kind} ${target}`)).size === all.length, 'Each link once.')
  .meta({ description: 'What it is about, and what it rests on. A field that names a record makes a link by itself.' });

const answer = { 200: { description: 'As it is now.', schema: RecordView } };

export const createRecord = operation({
  id: 'createRecord',
  method: 'POST',
  path: records,
  tag: 'Records',
  summary: 'Create a record',
  description: 'A draft: version 1. It says nothing of anything before another person has approved it.',
  permission: 'records:write',
  params: organizationParams,
  body: z
    .strictObject({
      type: typeName,
      title: nameText.meta({ description: 'What people call it.' }),
      ownerId: memberId,
      systemIds: systemIds.default([]),
      effectiveFrom,
      fields: fields.default({}),
      links: links.default([]),
    })
    .meta({
      id: 'NewRecord',
      description: 'The record to begin.',
      examples: [
        {
          type: 'vendor',
          title: 'Lakeside Imaging',
          ownerId: example.ownerId,
          systemIds: [],
          effectiveFrom: '2026-01-01T00:00:00Z',
          fields: { name: 'Lakeside Imaging', role: 'business_associate', ephi: true, services: 'Image archive' },
          links: [],
        },
      ],
    }),
  answers: { 201: { description: 'Created.', schema: RecordView } },
  refusals: ['record-refused', 'record-type-refused'],
  creates: true,
});

export const listRecords = operation({
  id: 'listRecords',
  method: 'GET',
  path: records,
  tag: 'Records',
  summary: 'List records',
  description:
    'By id, each with the version that is worked on, else the last approved one. With `asOf` or `knownAt`: the records in effect then, each in the version that was.',
  permission: 'records:read',
  params: organizationParams,
  query: z.strictObject({
    ...pageQuery,
    ...instantQuery,
    type: typeName.optional(),
    state: z.enum(VERSION_STATES).optional().meta({
      description:
        'Records with a draft, with a version that waits, with an approved version that stands, or ended and abandoned ones.',
    }),
    key: z.string().max(500).optional().meta({ description: 'Only the record with this natural key.' }),
    owner: memberId.optional().meta({ description: 'Only those that this member answers for.' }),
    system: z.uuid().toLowerCase().optional().meta({ description: 'Only those of this system.' }),
    linkedTo: z
      .string()
      .regex(new RegExp(`^(${LINK_KINDS.join('|')}):.{1,500}$`), 'A kind of links, a colon and a target.')
      .optional()
      .meta({ description: 'Only those with this link.', examples: ['practice:restore-testing'] }),
    expiringBefore: instant.optional().meta({ description: 'Only those that expire before this instant.' }),
  }),
  answers: { 200: { description: 'One page.', schema: pageOf(RecordSummary, 'RecordPage') } },
});

export const getRecord = operation({
  id: 'getRecord',
  method: 'GET',
  path: `${records}/:recordId`,
  tag: 'Records',
  summary: 'Read a record',
  description: 'The version that is worked on, else the last approved one, with the ETag that an edit needs.',
  permission: 'records:read',
  params: recordParams,
  query: z.strictObject(instantQuery),
  answers: { 200: { description: 'The record.', schema: RecordView } },
});

export const getRecordVersion = operation({
  id: 'getRecordVersion',
  method: 'GET',
  path: `${records}/:recordId/versions/:version`,
  tag: 'Records',
  summary: 'Read a version of a record',
  description: 'Any version, as it is kept.',
  permission: 'records:read',
  params: versionParams,
  query: z.strictObject(instantQuery),
  answers: { 200: { description: 'The version.', schema: RecordView } },
});

export const listRecordVersions = operation({
  id: 'listRecordVersions',
  method: 'GET',
  path: `${records}/:recordId/versions`,
  tag: 'Records',
  summary: 'List the versions of a record',
  description: 'By number.',
  permission: 'records:read',
  params: recordParams,
  query: z.strictObject(pageQuery),
  answers: { 200: { description: 'One page.', schema: pageOf(VersionSummary, 'RecordVersionPage') } },
});

export const listRecordMoves = operation({
  id: 'listRecordMoves',
  method: 'GET',
  path: `${records}/:recordId/moves`,
  tag: 'Records',
  summary: 'List the moves of a record',
  description:
    'The life of its versions as it was, in its order: who did what, when and why. Where the record was disposed of, no longer why.',
  permission: 'records:read',
  params: recordParams,
  query: z.strictObject(pageQuery),
  answers: { 200: { description: 'One page.', schema: pageOf(MoveView, 'RecordMovePage') } },
});

export const editRecord = operation({
  id: 'editRecord',
  method: 'PATCH',
  path: `${records}/:recordId`,
  tag: 'Records',
  summary: 'Edit a draft',
  description:
    'What is left out stays; what is given replaces what was there, fields and links as a whole. Only a draft is edited.',
  permission: 'records:write',
  params: recordParams,
  body: z
    .strictObject({
      title: nameText.optional(),
      ownerId: memberId.optional(),
      systemIds: systemIds.optional(),
      effectiveFrom: effectiveFrom.optional(),
      fields: fields.optional(),
      links: links.optional(),
      reason: reasonText.optional().meta({ description: 'Of an end.' }),
    })
    .meta({
      id: 'RecordEdit',
      description: 'What shall change of the draft.',
      examples: [{ title: 'Lakeside Imaging Inc.' }],
    }),
  answers: answer,
  refusals: ['move-refused', 'record-refused'],
  edits: true,
});

export const reviseRecord = operation({
  id: 'reviseRecord',
  method: 'POST',
  path: `${records}/:recordId/versions`,
  tag: 'Records',
  summary: 'Begin a next version',
  description:
    'A draft that is a copy of the last approved version, with its links and documents. Until it is approved, that one stands.',
  permission: 'records:write',
  params: recordParams,
  answers: { 201: { description: 'The draft.', schema: RecordView } },
  refusals: ['move-refused', 'disposed'],
  edits: true,
});

export const endRecord = operation({
  id: 'endRecord',
  method: 'POST',
  path: `${records}/:recordId/end`,
  tag: 'Records',
  summary: 'Begin the end of a record',
  description:
    'A draft that says from when on the record is no more, and why. Like any version it counts when another person has approved it.',
  permission: 'records:write',
  params: recordParams,
  body: z.strictObject({ effectiveFrom, reason: reasonText }).meta({
    id: 'RecordEnd',
    description: 'From when on, and why.',
    examples: [{ effectiveFrom: '2026-12-31T00:00:00Z', reason: 'The contract was not renewed.' }],
  }),
  answers: { 201: { description: 'The draft.', schema: RecordView } },
  refusals: ['move-refused', 'disposed', 'record-refused'],
  edits: true,
});

export const submitRecord = operation({
  id: 'submitRecord',
  method: 'POST',
  path: `${records}/:recordId/submission`,
  tag: 'Records',
  summary: 'Submit a draft',
  description:
    'It is checked against its type, with its documents, links and the rules of the type, and then waits for another person’s decision.',
  permission: 'records:write',
  params: recordParams,
  answers: answer,
  refusals: ['move-refused', 'record-refused', 'record-type-refused', 'conflict', 'retained'],
  edits: true,
});

export const recallRecord = operation({
  id: 'recallRecord',
  method: 'DELETE',
  path: `${records}/:recordId/submission`,
  tag: 'Records',
  summary: 'Recall a submission',
  description: 'The version is a draft again.',
  permission: 'records:write',
  params: recordParams,
  answers: answer,
  refusals: ['move-refused'],
  edits: true,
});

export const abandonRecord = operation({
  id: 'abandonRecord',
  method: 'POST',
  path: `${records}/:recordId/abandonment`,
  tag: 'Records',
  summary: 'Abandon the open version',
  description: 'It is never in effect, and stays readable. What was approved before it stands.',
  permission: 'records:write',
  params: recordParams,
  body: z
    .strictObject({ reason: reasonText })
    .meta({ id: 'RecordAbandonment', description: 'Why.', examples: [{ reason: 'Entered twice.' }] }),
  answers: answer,
  refusals: ['move-refused', 'record-refused'],
  edits: true,
});

export const decideRecord = operation({
  id: 'decideRecord',
  method: 'POST',
  path: `${records}/:recordId/decision`,
  tag: 'Records',
  summary: 'Decide on a submitted version',
  description:
    'Approves it, or gives it back with a reason. Never by a person who wrote or submitted it, in whatever role; never by an agent. ' +
    'Approved, it is in effect from its `effectiveFrom` on, known from `decidedAt` on, and is not changed any more.',
  permission: 'records:approve',
  params: recordParams,
  body: z
    .discriminatedUnion('decision', [
      z.strictObject({ decision: z.literal('approve') }),
      z.strictObject({ decision: z.literal('reject'), reason: reasonText }),
    ])
    .meta({
      id: 'RecordDecision',
      description: 'Approve, or reject with a reason.',
      examples: [{ decision: 'approve' }, { decision: 'reject', reason: 'The signed copy is missing.' }],
    }),
  answers: answer,
  refusals: ['move-refused', 'own-approval', 'record-refused', 'record-type-refused', 'conflict', 'retained'],
  edits: true,
});
