import { z } from 'zod';
import { operation } from '../kernel/http/endpoint.js';
import { pageOf, pageQuery } from '../kernel/http/page.js';
import { instant } from '../kernel/http/instant.js';
import { isRecipient } from './age.js';
import { instantQuery, organizationId, organizationParams } from '../kernel/http/parameters.js';

const scope = z
  .strictObject({
    systemId: z.uuid().nullable().meta({ description: 'One system; null for all systems of the organisation.' }),
  })
  .meta({ id: 'PackageScope', description: 'What the package is about.' });

const example = {
  id: '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a30',
  status: 'ready',
  scope: { systemId: null },
  periodFrom: '2025-11-16T00:00:00.000Z',
  asOf: '2026-11-16T00:00:00.000Z',
  knownAt: '2026-11-23T09:05:07.123Z',
  createdAt: '2026-11-23T09:05:07.123Z',
  finishedAt: '2026-11-23T09:05:11.480Z',
  size: 1843200,
  sha256: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
  problem: null,
  encryptTo: [],
  expiresAt: null,
  progress: null,
} as const;

export const PackageView = z
  .object({
    id: z.uuid(),
    status: z.enum(['queued', 'ready', 'failed', 'cancelled', 'expired']).meta({
      description:
        '`queued`: being built. `ready`: it can be downloaded. `failed`: `problem` says why; ask for another. `cancelled`: before it was built. `expired`: it was ready until `expiresAt`; ' +
        'what it was is still said here.',
    }),
    scope,
    periodFrom: z.iso.datetime().meta({
      description:
        'Beginning of the period that ends at `asOf`, UTC: from here on it has scans and their reports (of before, those on which rests what it says at `asOf`), the versions of policies that were in effect, and ' +
        'samples of what was done.',
    }),
    asOf: z.iso.datetime().meta({ description: 'It says what was so at this instant, UTC …' }),
    knownAt: z.iso.datetime().meta({ description: '… as it was known at this one, UTC.' }),
    createdAt: z.iso.datetime().meta({ description: 'When it was asked for, UTC.' }),
    finishedAt: z.iso.datetime().nullable().meta({ description: 'When it became ready or failed, UTC.' }),
    size: z.number().int().nullable().meta({ description: 'Bytes of what is downloaded.' }),
    sha256: z.string().nullable().meta({
      description: 'SHA-256 of what is downloaded, the ZIP or the age file around it; lower-case hex.',
    }),
    problem: z
      .looseObject({
        type: z.string(),
        title: z.string(),
        status: z.number().int(),
        detail: z.string(),
        requestId: z.string(),
      })
      .nullable()
      .meta({ description: 'Why it failed, as an RFC 9457 problem.' }),
    encryptTo: z
      .array(z.string())
      .meta({ description: 'The age recipients who alone can open it; none: a plain ZIP.' }),
    expiresAt: z.iso.datetime().nullable().meta({
      description: 'Until when it is there, UTC; null: as long as evidence is kept.',
    }),
    progress: z
      .object({
        phase: z.enum(['reading', 'writing']).meta({
          description:
            '`reading`: every evidence is read, to know what can be shown. `writing`: the package is written.',
        }),
        filesDone: z.number().int(),
        filesTotal: z.number().int().meta({ description: 'Of evidence when reading, of the package when writing.' }),
        bytesDone: z.number().int(),
        bytesTotal: z.number().int().meta({ description: 'Of evidence, in both phases.' }),
      })
      .nullable()
      .meta({
        description: 'How far it is, a second old at most; null before it is begun and when it is not being built.',
      }),
  })
  .meta({
    id: 'Package',
    description: 'What is exported for an auditor: once ready, it never changes.',
    examples: [example],
  });
export type PackageView = z.infer<typeof PackageView>;

/** Of a plain package, and of one that is encrypted: age has no registered type. */
export const CONTENT_TYPES = ['application/zip', 'application/octet-stream'] as const;

const packages = '/v1/organizations/:organizationId/packages';
const packageParams = z.object({ organizationId, packageId: z.uuid().meta({ description: 'The package.' }) });

const periodFrom = instant.optional().meta({
  description:
    'Beginning of the period that ends at `asOf` (RFC 3339 with a zone), not after it. Default: a year before `asOf`.',
  examples: ['2025-11-16T00:00:00Z'],
});

const encryptTo = z
  .array(z.string().min(1).max(4_096).refine(isRecipient, 'Not a recipient of age.'))
  .min(1)
  .max(10)
  .optional()
  .meta({
    description:
      'Recipients of age (`age1…`, as `age-keygen` prints it), of which each can open it and nobody else: what is downloaded is then an age file. Default: a plain ZIP.',
    examples: [['age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p']],
  });

const expiresAt = instant.optional().meta({
  description:
    'Until when it can be downloaded (RFC 3339 with a zone). Then its bytes are removed; what it was, and its digest, stay. Default: it stays as long as evidence is kept.',
  examples: ['2027-01-31T00:00:00Z'],
});

export const requestPackage = operation({
  id: 'requestPackage',
  method: 'POST',
  path: packages,
  tag: 'Packages',
  summary: 'Have a package built',
  description:
    'Queues a package and answers at once; read it at `Location` until it is no longer `queued`, or follow its events. Both instants are fixed by the request, so that the package says the ' +
    'same whenever it is built; who asks for the same while it is being built gets that one. It is a ZIP around a BagIt bag (RFC 8493): a report for people, posture, controls, results, scans, ' +
    'records with registers of agreements, keys, risks, exceptions and addressable decisions, the evidence itself with its custody, an index by citation with lists to sample from, the same in ' +
    'OSCAL, the audit events and the log that they are leaves of. It is signed (`listSigningKeys`) with a signature for openssl and one for cosign.',
  permission: 'packages:write',
  params: organizationParams,
  body: z.strictObject({ scope, periodFrom, ...instantQuery, encryptTo, expiresAt }).meta({
    id: 'NewPackage',
    description: 'Of what, and of which instants, the package shall be.',
    examples: [{ scope: { systemId: null }, periodFrom: '2026-01-01T00:00:00Z', asOf: '2026-11-16T00:00:00Z' }],
  }),
  answers: {
    202: {
      description: 'Queued.',
      schema: PackageView,
      headers: { Location: 'The package.' },
    },
  },
  creates: true,
});
export type NewPackage = z.infer<(typeof requestPackage)['body']>;

export const listPackages = operation({
  id: 'listPackages',
  method: 'GET',
  path: packages,
  tag: 'Packages',
  summary: 'List packages',
  description: 'Newest first.',
  permission: 'packages:read',
  params: organizationParams,
  query: z.strictObject(pageQuery),
  answers: { 200: { description: 'One page of packages.', schema: pageOf(PackageView, 'PackagePage') } },
});

export const getPackage = operation({
  id: 'getPackage',
  method: 'GET',
  path: `${packages}/:packageId`,
  tag: 'Packages',
  summary: 'Read a package',
  description: 'How far it is, and its size and digest once it is ready.',
  permission: 'packages:read',
  params: packageParams,
  answers: { 200: { description: 'The package.', schema: PackageView } },
});

export const watchPackage = operation({
  id: 'watchPackage',
  method: 'GET',
  path: `${packages}/:packageId/events`,
  tag: 'Packages',
  summary: 'Follow a package while it is built',
  description:
    'Server-sent events (`package`; the data is the package as JSON): one at once, one when something changes, the last when it is no longer `queued`. The stream ends then, and after ten minutes: connect again. ' +
    'A comment is sent every 15 s. At most four at once for each who asks.',
  permission: 'packages:read',
  params: packageParams,
  answers: {
    200: {
      description: 'The events.',
      binary: { mediaTypes: ['text/event-stream'], description: 'Server-sent events (HTML, section 9.2).' },
    },
  },
  refusals: ['too-many-requests'],
});

export const cancelPackage = operation({
  id: 'cancelPackage',
  method: 'POST',
  path: `${packages}/:packageId/cancellation`,
  tag: 'Packages',
  summary: 'Cancel a package',
  description:
    'Of a package that is being built: it is not finished, and nothing stays of it. 409 if it is not being built.',
  permission: 'packages:write',
  params: packageParams,
  answers: { 200: { description: 'Cancelled.', schema: PackageView } },
  refusals: ['conflict'],
});

export const getPackageContent = operation({
  id: 'getPackageContent',
  method: 'GET',
  path: `${packages}/:packageId/content`,
  tag: 'Packages',
  summary: 'Download a package',
  description:
    'The ZIP, or the age file around it (`encryptTo`). VERIFY.md in it tells how to check it offline with tools that others wrote. Every segment is authenticated as it is decrypted and the whole is checked ' +
    'against its digest; if that fails the transfer is cut, never completed. Each read is an audit event. 409 while the package is not ready, 410 when it has expired.',
  permission: 'packages:read',
  params: packageParams,
  headers: { Range: 'One byte range (RFC 9110 section 14).', 'If-None-Match': 'An ETag; 304 if it is still the same.' },
  answers: {
    200: {
      description: 'The whole package.',
      binary: { mediaTypes: CONTENT_TYPES, description: 'The ZIP, or the age file.' },
      headers: { ETag: 'Strong; the digest.', 'Repr-Digest': 'RFC 9530, sha-256.', 'Accept-Ranges': 'bytes' },
    },
    206: {
      description: 'The range that was asked for.',
      binary: { mediaTypes: CONTENT_TYPES, description: 'The bytes of the range.' },
      headers: { 'Content-Range': 'Which bytes of how many.' },
    },
    304: { description: 'The content has the ETag that was sent.' },
  },
  refusals: ['conflict', 'disposed', 'range-not-satisfiable'],
});
