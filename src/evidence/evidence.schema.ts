import { z } from 'zod';
import { operation } from '../kernel/http/endpoint.js';
import { pageOf, pageQuery } from '../kernel/http/page.js';
import { organizationId, organizationParams } from '../kernel/http/parameters.js';

export const EvidenceView = z
  .object({
    id: z.uuid(),
    sha256: z.string().meta({ description: 'SHA-256 of the bytes as they are downloaded, lower-case hex.' }),
    size: z.number().int().meta({ description: 'Bytes.' }),
    mediaType: z.string(),
    source: z
      .object({ kind: z.enum(['user', 'agent', 'service']), id: z.string() })
      .meta({ description: 'Who sent it first.' }),
    receivedAt: z.iso.datetime().meta({ description: 'When it was received first, UTC.' }),
    retainUntil: z.iso
      .datetime()
      .meta({ description: 'It is kept at least until then, UTC: six years (45 CFR 164.316(b)(2)(i)).' }),
    disposedAt: z.iso
      .datetime()
      .nullable()
      .meta({ description: 'When its bytes were removed by a disposal, UTC; null while it is kept.' }),
    fault: z
      .object({ foundAt: z.iso.datetime(), reason: z.string() })
      .nullable()
      .meta({
        description:
          'That its stored bytes are no longer those that were kept: since when that is known (UTC), and what was found. What rests on it is failing until it is read whole again, or ' +
          'other evidence takes its place. Null while nothing of the sort was found.',
      }),
    redaction: z
      .object({
        receivedSha256: z.string().meta({ description: 'SHA-256 of the bytes as they came, lower-case hex.' }),
        receivedSize: z.number().int().meta({ description: 'Bytes as they came.' }),
        dropped: z.record(z.string(), z.number().int()).meta({
          description:
            'How many values of which kind are not in it: `secret` and `config-map` (values of Secrets and ConfigMaps), `encryption-key`, `secret-finding` (the text ' +
            'in which a scanner found a secret), `environment` (values of variables and headers, commands of the layers of an image), `audit-body`, `embedded-text`.',
        }),
      })
      .nullable()
      .meta({ description: 'What was dropped before the bytes were kept; null where they are as they came.' }),
  })
  .meta({
    id: 'Evidence',
    description:
      'Bytes in custody: kept as they came but for the secrets in them, encrypted at rest, by digest. The same bytes are kept once.',
    examples: [
      {
        id: '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a10',
        sha256: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
        size: 154213,
        mediaType: 'application/json',
        source: { kind: 'agent', id: '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a11' },
        receivedAt: '2026-11-23T09:05:07.123Z',
        retainUntil: '2032-11-23T09:05:07.123Z',
        disposedAt: null,
        fault: null,
        redaction: null,
      },
    ],
  });

const evidenceParams = z.object({ organizationId, evidenceId: z.uuid().meta({ description: 'The evidence.' }) });

export const listEvidence = operation({
  id: 'listEvidence',
  method: 'GET',
  path: '/v1/organizations/:organizationId/evidence',
  tag: 'Evidence',
  summary: 'List evidence',
  description: 'Newest first. The bytes themselves are downloaded one by one.',
  permission: 'evidence:read',
  params: organizationParams,
  query: z.strictObject({
    ...pageQuery,
    sha256: z
      .string()
      .regex(/^[0-9a-f]{64}$/)
      .optional()
      .meta({
        description: 'Only the evidence with this SHA-256, kept or received (lower-case hex): has this file arrived?',
      }),
  }),
  answers: { 200: { description: 'One page of evidence.', schema: pageOf(EvidenceView, 'EvidencePage') } },
});

export const getEvidence = operation({
  id: 'getEvidence',
  method: 'GET',
  path: '/v1/organizations/:organizationId/evidence/:evidenceId',
  tag: 'Evidence',
  summary: 'What is known of one evidence',
  description: 'Digest, size, source and retention.',
  permission: 'evidence:read',
  params: evidenceParams,
  answers: { 200: { description: 'The evidence.', schema: EvidenceView } },
});

export const getEvidenceContent = operation({
  id: 'getEvidenceContent',
  method: 'GET',
  path: '/v1/organizations/:organizationId/evidence/:evidenceId/content',
  tag: 'Evidence',
  summary: 'Download evidence',
  description:
    'The bytes as they were kept: as they came (decoded from any Content-Encoding of the upload), but for what `redaction` of the evidence says. Every segment is authenticated as it is decrypted and the whole is checked against its ' +
    'digest; if that fails the transfer is cut, never completed, and the evidence has a `fault` from then on. Each read is an audit event.',
  permission: 'evidence:read',
  params: evidenceParams,
  headers: { Range: 'One byte range (RFC 9110 section 14).', 'If-None-Match': 'An ETag; 304 if it is still the same.' },
  answers: {
    200: {
      description: 'The whole content.',
      binary: { mediaTypes: ['application/octet-stream'], description: 'The bytes.' },
      headers: { ETag: 'Strong; the digest.', 'Repr-Digest': 'RFC 9530, sha-256.', 'Accept-Ranges': 'bytes' },
    },
    206: {
      description: 'The range that was asked for.',
      binary: { mediaTypes: ['application/octet-stream'], description: 'The bytes of the range.' },
      headers: { 'Content-Range': 'Which bytes of how many.' },
    },
    304: { description: 'The content has the ETag that was sent.' },
  },
  refusals: ['range-not-satisfiable', 'disposed'],
});
