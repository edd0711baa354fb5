import { z } from 'zod';
import { operation } from '../kernel/http/endpoint.js';
import { pageOf, pageQuery } from '../kernel/http/page.js';
import { instant } from '../kernel/http/instant.js';
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
} as const;

const PackageView = z
  .object({
    id: z.uuid(),
    status: z.enum(['queued', 'ready', 'failed']).meta({
      description:
        '`queued`: being built. `ready`: it can be downloaded. `failed`: `problem` says why; ask for another.',
    }),
    scope,
    periodFrom: z.iso.datetime().meta({
      description:
        'Beginning of the period that ends at `asOf`, UTC: from here on it has the versions of policies that were in effect, and samples of what was done.',
    }),
    asOf: z.iso.datetime().meta({ description: 'It says what was so at this instant, UTC …' }),
    knownAt: z.iso.datetime().meta({ description: '… as it was known at this one, UTC.' }),
    createdAt: z.iso.datetime().meta({ description: 'When it was asked for, UTC.' }),
    finishedAt: z.iso.datetime().nullable().meta({ description: 'When it became ready or failed, UTC.' }),
    size: z.number().int().nullable().meta({ description: 'Bytes of the ZIP.' }),
    sha256: z.string().nullable().meta({ description: 'SHA-256 of the ZIP, lower-case hex.' }),
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
  })
  .meta({
    id: 'Package',
    description: 'What is exported for an auditor: once ready, it never changes.',
    examples: [example],
  });
export type PackageView = z.infer<typeof PackageView>;

const packages = '/v1/organizations/:organizationId/packages';
const packageParams = z.object({ organizationId, packageId: z.uuid().meta({ description: 'The package.' }) });

const periodFrom = instant.optional().meta({
  description:
    'Beginning of the period that ends at `asOf` (RFC 3339 with a zone), not after it. Default: a year before `asOf`.',
  examples: ['2025-11-16T00:00:00Z'],
});

export const requestPackage = operation({
  id: 'requestPackage',
  method: 'POST',
  path: packages,
  tag: 'Packages',
  summary: 'Have a package built',
  description:
    'Queues a package and answers at once; read it at `Location` until it is `ready` or `failed`. Both instants are fixed by the request, so that the package says the ' +
    'same whenever it is built. It is a ZIP around a BagIt bag (RFC 8493): posture, controls, results, scans, records with registers of agreements, keys, risks, exceptions ' +
    'and addressable decisions, the evidence itself, an index by citation with lists to sample from, the same in OSCAL, and the audit events.',
  permission: 'packages:write',
  params: organizationParams,
  body: z.strictObject({ scope, periodFrom, ...instantQuery }).meta({
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

export const getPackageContent = operation({
  id: 'getPackageContent',
  method: 'GET',
  path: `${packages}/:packageId/content`,
  tag: 'Packages',
  summary: 'Download a package',
  description:
    'The ZIP. VERIFY.md in it tells how to check it offline with tools that others wrote. Every segment is authenticated as it is decrypted and the whole is checked ' +
    'against its digest; if that fails the transfer is cut, never completed. Each read is an audit event. 409 while the package is not ready.',
  permission: 'packages:read',
  params: packageParams,
  headers: { Range: 'One byte range (RFC 9110 section 14).', 'If-None-Match': 'An ETag; 304 if it is still the same.' },
  answers: {
    200: {
      description: 'The whole package.',
      binary: { mediaTypes: ['application/zip'], description: 'The ZIP.' },
      headers: { ETag: 'Strong; the digest.', 'Repr-Digest': 'RFC 9530, sha-256.', 'Accept-Ranges': 'bytes' },
    },
    206: {
      description: 'The range that was asked for.',
      binary: { mediaTypes: ['application/zip'], description: 'The bytes of the range.' },
      headers: { 'Content-Range': 'Which bytes of how many.' },
    },
    304: { description: 'The content has the ETag that was sent.' },
  },
  refusals: ['conflict', 'range-not-satisfiable'],
});
