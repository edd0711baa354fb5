import { z } from 'zod';
import { recordTypeName } from '../catalog/fields.js';
import { CustodyView } from '../custody/custody.schema.js';
import { engagementId, engagementParams, engagements } from '../engagements/engagement.schema.js';
import { EvidenceView } from '../evidence/evidence.schema.js';
import { operation, type Answer } from '../kernel/http/endpoint.js';
import { pageOf, pageQuery } from '../kernel/http/page.js';
import { instantQuery, organizationId, systemId } from '../kernel/http/parameters.js';
import { CONTENT_TYPES, PackageView } from '../packages/packages.schema.js';
import { OrganizationPosture } from '../posture/organization.schema.js';
import { postureLayout, postureQuery } from '../posture/posture.operations.js';
import { Posture, SystemPosture } from '../posture/posture.schema.js';
import { LINK_KINDS } from '../records/effective.js';
import { Result } from '../results/results.schema.js';
import { ScanView } from '../scans/scans.schema.js';

/*
 * What an engaged auditor reads: everything that there is of it, by routes of its own. None of it widens a route of members. Each read is an audit event, and nothing
 * outside of the scope and the period of the engagement exists for it.
 */

const engagement = `${engagements}/:engagementId`;
const tag = 'Engagements';
const permission = 'engagements:examine';

const systemParams = z.object({ organizationId, engagementId, systemId });
const scanParams = systemParams.extend({ scanId: z.uuid().meta({ description: 'The scan.' }) });
const evidenceParams = z.object({
  organizationId,
  engagementId,
  evidenceId: z.uuid().meta({ description: 'The evidence.' }),
});
const recordParams = z.object({
  organizationId,
  engagementId,
  recordId: z.uuid().toLowerCase().meta({ description: 'The record.' }),
});
const packageParams = z.object({
  organizationId,
  engagementId,
  packageId: z.uuid().meta({ description: 'The package.' }),
});

const AT = '`asOf` lies in the period of the engagement; default: now, or the end of the period where that is past.';

const SystemSeen = z.object({ id: z.uuid(), name: z.string(), environment: z.string(), phi: z.string() }).meta({
  id: 'EngagementSystem',
  description: 'A system of the scope, as it was at the instant.',
  examples: [{ id: '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a03', name: 'emr', environment: 'production', phi: 'stores' }],
});

const exampleRecord = {
  id: '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a51',
  version: 2,
  type: 'appointment',
  naturalKey: '',
  title: 'Security official',
  ownerId: '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a02',
  systemIds: [],
  fields: { duties: 'Keeps the risk analysis.' },
  effectiveFrom: '2026-01-05T00:00:00.000Z',
  goodFrom: '2026-01-05T00:00:00.000Z',
  expiresAt: null,
  outcome: null,
  links: [],
  documents: [{ evidenceId: '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a10', role: 'appointment', name: 'letter.pdf' }],
  decidedAt: '2026-01-06T11:20:00.000Z',
  disposed: false,
};

const RecordSeen = z
  .object({
    id: z.uuid(),
    version: z.int(),
    type: z.string(),
    naturalKey: z.string(),
    title: z.string(),
    ownerId: z.string(),
    systemIds: z.array(z.uuid()),
    fields: z.record(z.string(), z.unknown()),
    effectiveFrom: z.iso.datetime(),
    goodFrom: z.iso.datetime(),
    expiresAt: z.iso.datetime().nullable(),
    outcome: z.string().nullable(),
    links: z.array(z.object({ kind: z.enum(LINK_KINDS), target: z.string(), note: z.string() })),
    documents: z.array(z.object({ evidenceId: z.uuid(), role: z.string(), name: z.string() })),
    decidedAt: z.iso.datetime().meta({ description: 'When it was approved, UTC.' }),
    disposed: z.boolean().meta({ description: 'What it said was removed by a disposal.' }),
  })
  .meta({
    id: 'EngagementRecord',
    description: 'A record that was in effect at the instant.',
    examples: [exampleRecord],
  });

const TypeSeen = z
  .object({ type: z.string() })
  .meta({ id: 'EngagementRecordType', description: 'A type of records.', examples: [{ type: 'appointment' }] });

export const listSystems = operation({
  id: 'listEngagementSystems',
  method: 'GET',
  path: `${engagement}/systems`,
  tag,
  summary: 'Systems of an engagement',
  description: `Those of its scope that were registered at the instant, by id. ${AT}`,
  permission,
  params: engagementParams,
  query: z.strictObject({ ...pageQuery, ...instantQuery }),
  answers: { 200: { description: 'One page of systems.', schema: pageOf(SystemSeen, 'EngagementSystemPage') } },
});

export const getWholePosture = operation({
  id: 'getEngagementPosture',
  method: 'GET',
  path: `${engagement}/posture`,
  tag,
  summary: 'Posture of the organisation, for its auditor',
  description: `Of an engagement on all systems; of one on some, the posture of each is there instead. ${AT}`,
  permission,
  params: engagementParams,
  query: postureQuery,
  layout: postureLayout,
  answers: { 200: { description: 'The posture.', schema: OrganizationPosture } },
});

export const listSystemPostures = operation({
  id: 'listEngagementSystemPostures',
  method: 'GET',
  path: `${engagement}/posture/systems`,
  tag,
  summary: 'List how each system stands, for its auditor',
  description: `Systems of the engagement that handled PHI, by name. All pages are of the instants of the first. ${AT}`,
  permission,
  params: engagementParams,
  query: z.strictObject({ ...pageQuery, ...instantQuery }),
  answers: {
    200: { description: 'One page of systems.', schema: pageOf(SystemPosture, 'EngagementSystemPosturePage') },
  },
});

export const getSystemPosture = operation({
  id: 'getEngagementSystemPosture',
  method: 'GET',
  path: `${engagement}/systems/:systemId/posture`,
  tag,
  summary: 'Posture of a system, for its auditor',
  description: `With what is behind it. ${AT}`,
  permission,
  params: systemParams,
  query: postureQuery,
  layout: postureLayout,
  answers: { 200: { description: 'The posture.', schema: Posture } },
});

export const listScans = operation({
  id: 'listEngagementScans',
  method: 'GET',
  path: `${engagement}/systems/:systemId/scans`,
  tag,
  summary: 'Scans of a system, for its auditor',
  description:
    'Those that saw an instant of the period, and those that came in it and were never read; newest first by receipt.',
  permission,
  params: systemParams,
  query: z.strictObject(pageQuery),
  answers: { 200: { description: 'One page of scans.', schema: pageOf(ScanView, 'EngagementScanPage') } },
});

export const getScan = operation({
  id: 'getEngagementScan',
  method: 'GET',
  path: `${engagement}/systems/:systemId/scans/:scanId`,
  tag,
  summary: 'One scan, for its auditor',
  description: 'What became of a report.',
  permission,
  params: scanParams,
  answers: { 200: { description: 'The scan.', schema: ScanView } },
});

export const listResults = operation({
  id: 'listEngagementResults',
  method: 'GET',
  path: `${engagement}/systems/:systemId/results`,
  tag,
  summary: 'Check results of a system, for its auditor',
  description: `What was so at an instant, by series. ${AT}`,
  permission,
  params: systemParams,
  query: z.strictObject({ ...pageQuery, ...instantQuery }),
  answers: { 200: { description: 'One page of results.', schema: pageOf(Result, 'EngagementResultPage') } },
});

export const listRecordTypes = operation({
  id: 'listEngagementRecordTypes',
  method: 'GET',
  path: `${engagement}/record-types`,
  tag,
  summary: 'Which records there are, for the auditor',
  description: `The types of which a record of the scope is in effect at the instant, by name. ${AT}`,
  permission,
  params: engagementParams,
  query: z.strictObject({ ...pageQuery, ...instantQuery }),
  answers: { 200: { description: 'One page of types.', schema: pageOf(TypeSeen, 'EngagementRecordTypePage') } },
});

export const listRecords = operation({
  id: 'listEngagementRecords',
  method: 'GET',
  path: `${engagement}/records`,
  tag,
  summary: 'Records, for the auditor',
  description: `Those of a type that were in effect at the instant, of the systems of the scope and of the whole organisation, by id. Another instant shows other versions. ${AT}`,
  permission,
  params: engagementParams,
  query: z.strictObject({
    ...pageQuery,
    ...instantQuery,
    type: recordTypeName.meta({ description: 'Of this type.', examples: ['appointment'] }),
  }),
  answers: { 200: { description: 'One page of records.', schema: pageOf(RecordSeen, 'EngagementRecordPage') } },
});

export const getRecord = operation({
  id: 'getEngagementRecord',
  method: 'GET',
  path: `${engagement}/records/:recordId`,
  tag,
  summary: 'A record, for the auditor',
  description: `In the version that was in effect at the instant. ${AT}`,
  permission,
  params: recordParams,
  query: z.strictObject(instantQuery),
  answers: { 200: { description: 'The record.', schema: RecordSeen } },
});

export const listEvidence = operation({
  id: 'listEngagementEvidence',
  method: 'GET',
  path: `${engagement}/evidence`,
  tag,
  summary: 'Evidence, for the auditor',
  description:
    'Reports of scans, and documents of records, of the scope and the period; newest first; without frozen postures of the whole organisation, where the engagement is on named systems. A page may have fewer than was asked for, or none, and a `next`: where much lies between that is not of ' +
    'the scope.',
  permission,
  params: engagementParams,
  query: z.strictObject(pageQuery),
  answers: { 200: { description: 'One page of evidence.', schema: pageOf(EvidenceView, 'EngagementEvidencePage') } },
});

export const getEvidence = operation({
  id: 'getEngagementEvidence',
  method: 'GET',
  path: `${engagement}/evidence/:evidenceId`,
  tag,
  summary: 'What is known of one evidence, for the auditor',
  description:
    'Digest, size, source and retention. In an engagement on named systems the answer for a posture that was frozen of the whole organisation is 403, here and for its content and custody.',
  permission,
  params: evidenceParams,
  answers: { 200: { description: 'The evidence.', schema: EvidenceView } },
});

const downloaded = (mediaTypes: readonly string[], what: string): Readonly<Record<number, Answer>> => ({
  200: {
    description: `The whole ${what}.`,
    binary: { mediaTypes, description: 'The bytes.' },
    headers: { ETag: 'Strong; the digest.', 'Repr-Digest': 'RFC 9530, sha-256.', 'Accept-Ranges': 'bytes' },
  },
  206: {
    description: 'The range that was asked for.',
    binary: { mediaTypes, description: 'The bytes of the range.' },
    headers: { 'Content-Range': 'Which bytes of how many.' },
  },
  304: { description: 'The content has the ETag that was sent.' },
});
const downloadHeaders = {
  Range: 'One byte range (RFC 9110 section 14).',
  'If-None-Match': 'An ETag; 304 if it is still the same.',
};

export const getEvidenceContent = operation({
  id: 'getEngagementEvidenceContent',
  method: 'GET',
  path: `${engagement}/evidence/:evidenceId/content`,
  tag,
  summary: 'Download evidence, as its auditor',
  description: 'The bytes as they were kept, checked as they are sent; see getEvidenceContent.',
  permission,
  params: evidenceParams,
  headers: downloadHeaders,
  answers: downloaded(['application/octet-stream'], 'content'),
  refusals: ['range-not-satisfiable', 'disposed'],
});

export const getCustody = operation({
  id: 'getEngagementCustody',
  method: 'GET',
  path: `${engagement}/evidence/:evidenceId/custody`,
  tag,
  summary: 'The chain of custody of an evidence, for its auditor',
  description:
    'Who, when, what, and its digest at each step. Scans and records that are not of the scope and period, and packages that were not handed over, are not named: neither in its steps nor beside them. `retention.until` is what it is.',
  permission,
  params: evidenceParams,
  query: z.strictObject(pageQuery),
  answers: { 200: { description: 'Its custody.', schema: CustodyView } },
  layout: { each: 'steps', beside: [] },
});

export const listPackages = operation({
  id: 'listEngagementPackages',
  method: 'GET',
  path: `${engagement}/packages`,
  tag,
  summary: 'Packages that were handed over',
  description: 'By id.',
  permission,
  params: engagementParams,
  query: z.strictObject(pageQuery),
  answers: { 200: { description: 'One page of packages.', schema: pageOf(PackageView, 'EngagementPackagePage') } },
});

export const getPackage = operation({
  id: 'getEngagementPackage',
  method: 'GET',
  path: `${engagement}/packages/:packageId`,
  tag,
  summary: 'A package that was handed over',
  description: 'Its instants, size and digest.',
  permission,
  params: packageParams,
  answers: { 200: { description: 'The package.', schema: PackageView } },
});

export const getPackageContent = operation({
  id: 'getEngagementPackageContent',
  method: 'GET',
  path: `${engagement}/packages/:packageId/content`,
  tag,
  summary: 'Download a package, as its auditor',
  description: 'The package as it was built; see getPackageContent.',
  permission,
  params: packageParams,
  headers: downloadHeaders,
  answers: downloaded(CONTENT_TYPES, 'package'),
  refusals: ['conflict', 'range-not-satisfiable'],
});

export const sharePackage = operation({
  id: 'shareEngagementPackage',
  method: 'POST',
  path: `${engagement}/packages`,
  tag,
  summary: 'Hand a package over',
  description:
    'Lets the auditor of the engagement download it. It is ready, about no system outside of the scope, and its `periodFrom` and `asOf` lie in the period. Handing it over again changes nothing.',
  permission: 'engagements:answer',
  params: engagementParams,
  body: z.strictObject({ packageId: z.uuid().toLowerCase() }).meta({
    id: 'Handover',
    description: 'Which package is handed over.',
    examples: [{ packageId: '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a30' }],
  }),
  answers: { 204: { description: 'Handed over.' } },
  refusals: ['conflict'],
});
