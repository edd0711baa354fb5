import { z } from 'zod';
import { operation } from '../kernel/http/endpoint.js';
import { pageOf, pageQuery } from '../kernel/http/page.js';
import { organizationId } from '../kernel/http/parameters.js';
import { nameText } from '../organizations/text.schema.js';
import { DOCUMENT_MEDIA_TYPES } from './document-type.js';
import { RecordView } from './record-view.schema.js';
import { recordParams, versionParams } from './records.schema.js';

const record = '/v1/organizations/:organizationId/records/:recordId';
const role = z
  .string()
  .regex(/^[a-z]+(-[a-z]+)*$/, 'A role is a lower-case name.')
  .max(50)
  .meta({ description: 'What it is to the record: one of the roles of its type.', examples: ['report'] });

const DocumentView = z
  .object({
    evidenceId: z.uuid(),
    role: z.string(),
    name: z.string().meta({ description: 'Empty after the disposal of its record.' }),
    addedAt: z.iso.datetime(),
    addedBy: z.string(),
    sha256: z.string(),
    size: z.int(),
    mediaType: z.string(),
    disposedAt: z.iso.datetime().nullable(),
    retainedUntil: z.iso
      .datetime()
      .nullable()
      .meta({ description: 'It is kept at least until then; null while a version that names it is in effect.' }),
    heldBy: z.array(z.uuid()).meta({ description: 'Legal holds in effect that stop its disposal.' }),
  })
  .meta({
    id: 'RecordDocument',
    description: 'Evidence in custody that documents a version.',
    examples: [
      {
        evidenceId: '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a10',
        role: 'report',
        name: 'restore-2026-10.pdf',
        addedAt: '2026-10-01T10:00:00.000Z',
        addedBy: '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a02',
        sha256: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
        size: 154213,
        mediaType: 'application/pdf',
        disposedAt: null,
        retainedUntil: null,
        heldBy: [],
      },
    ],
  });
export type DocumentView = z.infer<typeof DocumentView>;

export const addDocument = operation({
  id: 'addDocument',
  method: 'POST',
  path: `${record}/documents`,
  tag: 'Records',
  summary: 'Add a document to a draft',
  description:
    'The bytes are kept as they come, as evidence: nothing is looked for in them, so send no secrets and no patients. They have to be what their media type says, ' +
    'without macros and without a password, at most 64 MiB. The same bytes are kept once, under as many names as they are given. `Content-Digest` is asked for.',
  permission: 'records:write',
  params: recordParams,
  query: z.strictObject({
    role,
    name: nameText.meta({ description: 'What people call it.', examples: ['restore.pdf'] }),
  }),
  body: { mediaTypes: DOCUMENT_MEDIA_TYPES, description: 'The document.' },
  headers: { 'Content-Digest': 'RFC 9530: sha-256 or sha-512 of the bytes as sent.' },
  answers: { 201: { description: 'The record with the document.', schema: RecordView } },
  refusals: [
    'move-refused',
    'document-refused',
    'disposed',
    'digest-mismatch',
    'malformed-header',
    'malformed-encoding',
    'truncated-body',
    'too-large',
    'unsupported-encoding',
    'storage-full',
  ],
  edits: true,
});

export const removeDocument = operation({
  id: 'removeDocument',
  method: 'DELETE',
  path: `${record}/documents/:evidenceId`,
  tag: 'Records',
  summary: 'Take a document off a draft',
  description: 'In the role that is named. The bytes stay evidence.',
  permission: 'records:write',
  params: recordParams.extend({ evidenceId: z.uuid().toLowerCase().meta({ description: 'The evidence.' }) }),
  query: z.strictObject({ role }),
  answers: { 200: { description: 'The record without it.', schema: RecordView } },
  refusals: ['move-refused'],
  edits: true,
});

export const listDocuments = operation({
  id: 'listDocuments',
  method: 'GET',
  path: `${record}/versions/:version/documents`,
  tag: 'Records',
  summary: 'List the documents of a version',
  description: 'With until when each is kept at least, and what holds it.',
  permission: 'records:read',
  params: versionParams,
  query: z.strictObject(pageQuery),
  answers: { 200: { description: 'One page.', schema: pageOf(DocumentView, 'RecordDocumentPage') } },
});

export const downloadDocument = operation({
  id: 'downloadDocument',
  method: 'GET',
  path: `${record}/versions/:version/documents/:evidenceId`,
  tag: 'Records',
  summary: 'Download a document',
  description: 'The bytes as they were sent, checked against their digest as they leave. Each read is an audit event.',
  permission: 'records:read',
  params: versionParams.extend({ evidenceId: z.uuid().toLowerCase().meta({ description: 'The evidence.' }) }),
  headers: { Range: 'One byte range (RFC 9110 section 14).', 'If-None-Match': 'An ETag; 304 if it is still the same.' },
  answers: {
    200: {
      description: 'The whole document.',
      binary: { mediaTypes: ['application/octet-stream'], description: 'The bytes.' },
      headers: { ETag: 'Strong; the digest.', 'Repr-Digest': 'RFC 9530, sha-256.', 'Accept-Ranges': 'bytes' },
    },
    206: {
      description: 'The range that was asked for.',
      binary: { mediaTypes: ['application/octet-stream'], description: 'The bytes of the range.' },
      headers: { 'Content-Range': 'Which bytes of how many.' },
    },
    304: { description: 'The document has the ETag that was sent.' },
  },
  refusals: ['range-not-satisfiable', 'disposed'],
});

const retentionExample = {
  evidenceId: '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a10',
  sha256: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
  size: 154213,
  retainedUntil: '2032-11-23T09:05:07.123Z',
  by: '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a40',
  heldBy: [],
};

export const listRetention = operation({
  id: 'listRetention',
  method: 'GET',
  path: '/v1/organizations/:organizationId/retention',
  tag: 'Records',
  summary: 'List until when documents are kept',
  description:
    'Evidence that documents records, by id: until when each is kept at least (six years from its creation or from when what it documents was last in effect, whichever is later; 45 CFR 164.316(b)(2)(i)), by which record, and which legal holds stop its disposal. Disposed ones are not in it.',
  permission: 'records:read',
  params: z.object({ organizationId }),
  query: z.strictObject({
    ...pageQuery,
    before: z.iso
      .datetime({ offset: true })
      .optional()
      .meta({ description: 'Only what may go by then, holds aside.', examples: ['2032-12-01T00:00:00Z'] }),
  }),
  answers: {
    200: {
      description: 'One page.',
      schema: pageOf(
        z
          .object({
            evidenceId: z.uuid(),
            sha256: z.string(),
            size: z.int(),
            retainedUntil: z.iso
              .datetime()
              .nullable()
              .meta({ description: 'Null while a version that names it is in effect.' }),
            by: z.uuid().nullable().meta({ description: 'The record that keeps it longest; null: its own age does.' }),
            heldBy: z.array(z.uuid()),
          })
          .meta({ id: 'Retention', description: 'Until when a document is kept.', examples: [retentionExample] }),
        'RetentionPage',
      ),
    },
  },
});
