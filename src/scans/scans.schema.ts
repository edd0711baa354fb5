import { z } from 'zod';
import { operation } from '../kernel/http/endpoint.js';
import { instant } from '../kernel/http/instant.js';
import { pageOf, pageQuery } from '../kernel/http/page.js';
import { flag, organizationId, systemId, systemParams } from '../kernel/http/parameters.js';
import type { ProblemCode } from '../kernel/http/problem.js';
import { TARGET_KINDS } from './report.js';

/** `kind/name`, where the name may hold further slashes (an image). */
const targetText = z
  .string()
  .max(1_100)
  .regex(new RegExp(`^(${TARGET_KINDS.join('|')})/.+$`, 's'), {
    error: `A target is kind/name, its kind one of ${TARGET_KINDS.join(', ')}.`,
  });

export function parseTarget(text: string): { kind: (typeof TARGET_KINDS)[number]; name: string } {
  const slash = text.indexOf('/');
  return { kind: text.slice(0, slash) as (typeof TARGET_KINDS)[number], name: text.slice(slash + 1) };
}

const id = '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a20';
const example = {
  id,
  systemId: '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a03',
  evidenceId: '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a10',
  status: 'stored',
  declared: {
    format: null,
    observedAt: '2026-11-23T02:00:00.000Z',
    targets: [{ kind: 'node', name: 'worker-1' }],
    partial: false,
  },
  cause: null,
  format: 'kube-bench',
  tool: 'kube-bench',
  toolVersion: null,
  clusterName: null,
  clusterUid: null,
  observedAt: '2026-11-23T02:00:00.000Z',
  receivedAt: '2026-11-23T02:00:04.120Z',
  knownAt: '2026-11-23T02:00:04.180Z',
  postedBy: '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a11',
  counts: { total: 24, new: 1, changed: 2, unchanged: 21, closed: 0, rejected: 0 },
  rejects: [],
  notes: [],
  flags: [],
  signature: null,
  problem: null,
  duplicate: false,
} as const;

const rowCounts = {
  total: z.number().int().meta({ description: 'In the report.' }),
  new: z.number().int().meta({ description: 'Not reported before, or reported again.' }),
  changed: z.number().int().meta({ description: 'Saying something else than at its instant before.' }),
  unchanged: z.number().int(),
  closed: z
    .number()
    .int()
    .meta({ description: 'No longer reported of a completely covered target. Closed is not passed.' }),
};

export const ScanView = z
  .object({
    id: z.uuid(),
    systemId: z.uuid(),
    evidenceId: z.uuid().meta({ description: 'The report itself, in custody.' }),
    status: z.enum(['queued', 'stored', 'refused']).meta({
      description:
        '`queued`: the bytes are safe, the results follow. `stored`: its results count. `refused`: it is evidence of nothing; `problem` says why, and the bytes are kept.',
    }),
    declared: z
      .object({
        format: z.string().nullable(),
        observedAt: z.iso.datetime().nullable(),
        targets: z.array(z.object({ kind: z.string(), name: z.string() })),
        partial: z.boolean(),
      })
      .meta({ description: 'What the poster said in the query.' }),
    cause: z
      .object({
        kind: z.literal('rules'),
        ruleSet: z.string().meta({ description: 'What the checks are called that judged it; also its toolVersion.' }),
        rules: z.string().meta({ description: 'SHA-256 of all that they are, in hex.' }),
        replaces: z.uuid().meta({ description: 'The scan of the same bytes whose results these follow.' }),
      })
      .nullable()
      .meta({
        description:
          'Of what nobody posted: why the program read the bytes again. `rules`: what a snapshot is judged by has changed. Its results are of the same instant, and known from `knownAt` on.',
      }),
    format: z.string().nullable(),
    tool: z.string().nullable(),
    toolVersion: z.string().nullable().meta({ description: 'As far as the report says.' }),
    clusterName: z.string().nullable().meta({ description: 'As far as the report says.' }),
    clusterUid: z
      .string()
      .nullable()
      .meta({ description: 'Uid of the namespace kube-system, as far as the report says.' }),
    observedAt: z.iso.datetime().nullable().meta({ description: 'When it was so, by the report or its poster, UTC.' }),
    receivedAt: z.iso.datetime().meta({ description: 'When the bytes arrived, UTC.' }),
    knownAt: z.iso.datetime().nullable().meta({ description: 'When its results became known, UTC.' }),
    postedBy: z.string().meta({ description: 'Id of the agent or member.' }),
    counts: z
      .object({
        ...rowCounts,
        rejected: z.number().int().meta({ description: 'Parts of the report that could not be read.' }),
        facts: z.object(rowCounts).optional().meta({ description: 'Of facts, where the format gives such.' }),
        events: z
          .object({
            total: z.number().int().meta({ description: 'Security-relevant events in the report.' }),
            new: z.number().int().meta({ description: 'Not delivered before.' }),
          })
          .optional()
          .meta({ description: 'Of security events, where the report holds such.' }),
      })
      .nullable()
      .meta({ description: 'Of check results; null until it is read.' }),
    rejects: z
      .array(z.object({ pointer: z.string(), reason: z.string() }))
      .meta({ description: 'Where (RFC 6901) and why; at most 1,000.' }),
    notes: z.array(z.string()).meta({ description: 'What was noticed, such as secrets that were dropped.' }),
    flags: z
      .array(
        z.object({
          code: z.string().meta({ description: '`cluster-uid-differs`, `cluster-name-differs`, `unsigned`.' }),
          detail: z.string(),
        }),
      )
      .meta({
        description:
          'What is suspicious of the report as a whole: it is taken all the same. It looks like the report of another cluster than the last ones of this system.',
      }),
    signature: z
      .object({
        state: z.enum(['verified', 'unverified']).meta({
          description:
            '`verified`: a key of the agent made it over the bytes as they came. `unverified`: none that is known of it.',
        }),
        keyId: z
          .string()
          .nullable()
          .meta({ description: 'SHA-256 of the public key, in hex; unverified: as it says itself.' }),
        publicKey: z.string().nullable().meta({ description: 'The key that verified it, in PEM; unverified: null.' }),
        createdAt: z.iso.datetime().meta({ description: 'When it was made, by its maker.' }),
        envelope: z.string().meta({ description: 'The DSSE envelope as it came: JSON.' }),
      })
      .nullable()
      .meta({ description: 'What its agent signed of the bytes; null where it signed nothing.' }),
    problem: z
      .object({
        code: z.string(),
        detail: z.string(),
        pointer: z.string().optional(),
        offset: z.number().int().optional(),
        line: z.number().int().optional(),
      })
      .nullable(),
    duplicate: z
      .boolean()
      .meta({ description: 'The same bytes with the same declaration had been posted: this is that scan.' }),
  })
  .meta({ id: 'Scan', description: 'One report of one tool about one system.', examples: [example] });

export type ScanView = z.output<typeof ScanView>;

const origin = 'evidence.example.com/log/019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a00';

export const PostedScanView = ScanView.extend({
  receipt: z.string().meta({
    description:
      'The signed promise that what became of the report is in the organisation’s audit log: a signed note (C2SP) with the log’s name, the hash of the leaf (`scan.stored`, or `scan.queued`) and the time in milliseconds. Keep it: whoever takes the event out of the log contradicts it.',
  }),
}).meta({
  id: 'PostedScan',
  description: 'A report that was posted, with the receipt for it.',
  examples: [
    {
      ...example,
      receipt: `evidence-receipt/v1\n${origin}\nbjQLnP+zepicpUTmu3gKLHiQHT+zNzh2hRGjBhevoB0=\n1763888404180\n\n— ${origin}/receipt Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n`,
    },
  ],
});

export type PostedScanView = z.output<typeof PostedScanView>;

const scanParams = z.object({ organizationId, systemId, scanId: z.uuid().meta({ description: 'The scan.' }) });

/** Why a report is not taken, whatever brings it. */
export const REPORT_REFUSALS = [
  'digest-mismatch',
  'signature-mismatch',
  'truncated-body',
  'malformed-encoding',
  'malformed-header',
  'too-large',
  'unsupported-encoding',
  'unsupported-media-type',
  'report-refused',
  'observed-at-required',
  'observed-in-future',
  'too-many-requests',
  'storage-full',
] as const satisfies readonly ProblemCode[];

export const postScan = operation({
  id: 'postScan',
  method: 'POST',
  path: '/v1/organizations/:organizationId/systems/:systemId/scans',
  tag: 'Scans',
  summary: 'Post a report',
  description:
    "The body is the tool's own output, as it is, plain or compressed. Its format is detected, or named by `format`. Secrets in it (values of Secrets and ConfigMaps, keys, texts in which " +
    'secrets were found) are dropped and noted, then the bytes are kept before anything is acknowledged. A report that cannot be taken is refused and its bytes are kept with the reason ' +
    '(`scanId` and `evidenceId` in the problem), unless it may hold secrets that cannot be told from the rest: then nothing of it is kept. Only what the report, ' +
    'or its poster by `targets`, says that it covered may close earlier results. Posting the same bytes with the same declaration again is harmless: 200 with the same scan.',
  permission: 'scans:write',
  params: systemParams,
  query: z.strictObject({
    format: z
      .string()
      .max(100)
      .optional()
      .meta({ description: 'Slug of the format (`GET /v1/formats`); default: detected.', examples: ['kube-bench'] }),
    observedAt: instant.optional().meta({
      description: 'When the scan was made (RFC 3339 with a zone), where the report does not say.',
      examples: ['2026-11-23T02:00:00Z'],
    }),
    targets: z
      .union([targetText, z.array(targetText).max(10_000)])
      .optional()
      .transform((text) => (text === undefined ? [] : typeof text === 'string' ? [text] : text))
      .meta({
        description:
          'What the scan covered, as `kind/name`, where the report does not say: `cluster/cluster`, `node/worker-1`, `namespace/emr`, `account/123456789012`. Repeat the parameter for several.',
        examples: [['node/worker-1']],
      }),
    partial: flag('`true`: the scan was restricted and closes nothing.'),
  }),
  headers: {
    'Content-Encoding': '`gzip` or `zstd`.',
    'Content-Digest': 'RFC 9530, sha-256 or sha-512 over the bytes as sent; a wrong one is refused.',
    'Repr-Digest': 'RFC 9530, sha-256 or sha-512 over the bytes without their content coding; a wrong one is refused.',
    'Safeguard-Signature':
      'What the agent signs of the report: a DSSE envelope as a byte sequence (RFC 8941), verified by the keys that it was trusted with. One over other bytes is refused.',
    Prefer: '`respond-async` (RFC 7240): 202 as soon as the bytes are safe.',
  },
  body: {
    mediaTypes: [
      'application/json',
      'application/yaml',
      'application/x-ndjson',
      'application/xml',
      'text/xml',
      'application/octet-stream',
    ],
    description: 'The report. 512 MiB decoded at most, unless the operator has set another bound.',
  },
  creates: true,
  answers: {
    200: { description: 'The same report had been posted: its scan.', schema: PostedScanView },
    201: { description: 'The results are stored.', schema: PostedScanView, headers: { Location: 'The scan.' } },
    202: {
      description: 'The bytes are safe; poll the scan.',
      schema: PostedScanView,
      headers: { Location: 'The scan.' },
    },
  },
  refusals: REPORT_REFUSALS,
});

export const listScans = operation({
  id: 'listScans',
  method: 'GET',
  path: '/v1/organizations/:organizationId/systems/:systemId/scans',
  tag: 'Scans',
  summary: 'List scans',
  description: 'Newest first by receipt. `status=refused` lists the quarantine: what arrived and counts for nothing.',
  permission: 'scans:read',
  params: systemParams,
  query: z.strictObject({
    ...pageQuery,
    status: z.enum(['queued', 'stored', 'refused']).optional().meta({ description: 'Only this status.' }),
    format: z.string().max(100).optional().meta({ description: 'Only this format.' }),
  }),
  answers: { 200: { description: 'One page of scans.', schema: pageOf(ScanView, 'ScanPage') } },
});

export const getScan = operation({
  id: 'getScan',
  method: 'GET',
  path: '/v1/organizations/:organizationId/systems/:systemId/scans/:scanId',
  tag: 'Scans',
  summary: 'One scan',
  description: 'What became of a report: poll it after 202.',
  permission: 'scans:read',
  params: scanParams,
  answers: { 200: { description: 'The scan.', schema: ScanView } },
});

export const listFormats = operation({
  id: 'listFormats',
  method: 'GET',
  path: '/v1/formats',
  tag: 'Scans',
  summary: 'Which formats are read',
  description: 'Every report format that this version detects.',
  permission: 'authenticated',
  answers: {
    200: {
      description: 'The formats.',
      schema: z
        .object({
          items: z.array(
            z.object({ slug: z.string(), title: z.string(), tool: z.string(), description: z.string() }).meta({
              id: 'Format',
              description: 'A report format.',
              examples: [
                {
                  slug: 'kube-bench',
                  title: 'kube-bench',
                  tool: 'kube-bench',
                  description: 'CIS benchmark results as JSON.',
                },
              ],
            }),
          ),
        })
        .meta({
          id: 'FormatList',
          description: 'The formats.',
          examples: [
            {
              items: [
                {
                  slug: 'kube-bench',
                  title: 'kube-bench',
                  tool: 'kube-bench',
                  description: 'CIS benchmark results as JSON.',
                },
              ],
            },
          ],
        }),
    },
  },
});

export const getReportSchema = operation({
  id: 'getReportSchema',
  method: 'GET',
  path: '/v1/formats/safeguard/schema',
  tag: 'Scans',
  summary: 'The schema of reports of your own tools',
  description:
    'JSON Schema (draft 2020-12) of the format `safeguard`, made of the very object that such reports are checked by. Editors complete and check a report that names ' +
    'this address as its `$schema`.',
  permission: 'public',
  answers: {
    200: {
      description: 'The schema.',
      binary: { mediaTypes: ['application/schema+json'], description: 'A JSON Schema.' },
    },
  },
});
