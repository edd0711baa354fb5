import { z } from 'zod';
import { BASES, CONTROL_TYPES, FAMILIES, REVIEWS, SECTIONS } from '../catalog/catalog.schema.js';
import { NEED_STATES } from './rule.js';
import { STATUSES, type Status } from './status.js';

const count = z.int().min(0);
const time = z.iso.datetime();
export const status = z.enum(STATUSES).meta({
  description:
    'What is evidenced, never whether the law is met. `failing`: something known contradicts it; `missing`: nothing speaks for it; `stale`: what ' +
    'spoke for it is too old; `partial`: something fresh speaks for it and does not prove it; `evidenced`: proven as far as the catalogue asks; ' +
    '`not_applicable`: judged through other items; `excepted`: met by an approved exception.',
});

export const StatusCounts = z
  .strictObject({
    failing: count,
    missing: count,
    stale: count,
    partial: count,
    excepted: count,
    evidenced: count,
    not_applicable: count,
  } satisfies Record<Status, typeof count>)
  .meta({ id: 'StatusCounts', description: 'How many have which status.' });

const ResultCounts = z
  .object({ pass: count, fail: count, warn: count, error: count, skip: count, manual: count })
  .meta({
    id: 'ResultCounts',
    description: 'Stored results by what the tool said. Passes that were inferred are no results.',
  });
export type ResultCounts = z.infer<typeof ResultCounts>;

const EvidenceRef = z
  .object({
    systemId: z.uuid(),
    scanId: z.uuid().meta({ description: 'The scan that saw it last.' }),
    evidenceId: z.uuid().meta({ description: 'The report of that scan, in custody.' }),
    source: z.string(),
    check: z.string().meta({ description: 'As the tool names it.' }),
    status: z.enum(['pass', 'fail', 'warn', 'error', 'skip', 'manual']),
    count: count.meta({ description: 'Results of this check, status and target; 0 where the pass is inferred.' }),
    inferred: z.boolean().meta({
      description: 'A pass by silence: the tool lists failures only, and a complete scan lists none of this check.',
    }),
    seenAt: time.meta({ description: 'When that scan saw it, UTC.' }),
    longestUnseenAt: time.meta({
      description: 'When the longest unseen of the results was last seen, UTC: freshness goes by it.',
    }),
    series: z.array(z.uuid()).max(5).meta({ description: 'Up to five of the results, by series.' }),
  })
  .meta({ id: 'PostureEvidence', description: 'What a status rests on, or stands against it.' });
export type EvidenceRef = z.infer<typeof EvidenceRef>;

export const RecordNeed = z
  .object({
    type: z.string().meta({ description: 'The record type that is asked for.' }),
    state: z.enum(NEED_STATES),
    reason: z.string().meta({ description: 'Of what is missing: what for, and what an auditor asks of it.' }),
    records: z.array(z.uuid()).max(5).meta({ description: 'Up to five of the records that say so.' }),
    until: time.nullable().meta({ description: 'When age or a date alone ends what is met, UTC; null: never.' }),
  })
  .meta({ id: 'PostureNeed', description: 'One record type that is asked for, and what is kept of it.' });

const needExample = {
  type: 'image_secret_scan',
  state: 'met',
  reason: 'In place of record `image_secret_scan` (Image secret scan): trivy/secret last reported it on 2026-11-23.',
  records: [],
  until: '2026-12-01T02:00:00.001Z',
} as const;

const practiceExample = {
  id: 'run-as-non-root',
  section: 'images',
  summary: 'Containers run as a non-root user.',
  automation: 'full',
  status: 'failing',
  reason: '3 results of 1 check fail (kubescape). 1 is in namespaces that hold PHI.',
  systems: { failing: 1, missing: 0, stale: 0, partial: 0, excepted: 0, evidenced: 0, not_applicable: 0 },
  counts: { pass: 40, fail: 3, warn: 0, error: 0, skip: 0, manual: 0 },
  phiCounts: { pass: 10, fail: 1, warn: 0, error: 0, skip: 0, manual: 0 },
  inferred: false,
  review: 'proposed',
  observedAt: '2026-11-23T02:00:00.000Z',
  staleAt: null,
  freshness: { maxAgeDays: 8, basis: 'practice', from: 'default' },
  records: [],
  needs: [],
  evidence: [
    {
      systemId: '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a03',
      scanId: '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a20',
      evidenceId: '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a10',
      source: 'kubescape',
      check: 'C-0013',
      status: 'fail',
      count: 3,
      inferred: false,
      seenAt: '2026-11-23T02:00:00.000Z',
      longestUnseenAt: '2026-11-23T02:00:00.000Z',
      series: ['5c6fdb9a-07d0-8f2e-a4b6-2a40f4ac2b1f'],
    },
  ],
  moreEvidence: 3,
} as const;

const PracticePosture = z
  .object({
    id: z.string(),
    section: z.enum(SECTIONS),
    summary: z.string(),
    automation: z.enum(['full', 'partial', 'records']).meta({ description: 'How much of it a machine can see.' }),
    status,
    reason: z.string(),
    systems: StatusCounts.meta({ description: 'The system by its status.' }),
    counts: ResultCounts,
    phiCounts: ResultCounts.meta({ description: 'Those of them that lie in namespaces that hold PHI.' }),
    inferred: z.boolean().meta({ description: 'Whether the status rests on passes by silence, wholly or in part.' }),
    review: z
      .enum(REVIEWS)
      .meta({ description: '`proposed`: no named reviewer has signed all the links that were used.' }),
    observedAt: time
      .nullable()
      .meta({ description: 'The oldest results that the status rests on, UTC; null: on none.' }),
    staleAt: time.nullable().meta({
      description:
        'When age alone ends the status, if nothing new comes, UTC (of `stale`: when it became so); null: never.',
    }),
    freshness: z.object({
      maxAgeDays: z.int().nullable(),
      basis: z.enum(BASES).meta({ description: 'The Security Rule sets no number of days.' }),
      from: z
        .enum(['default', 'practice', 'override', 'overlay'])
        .meta({ description: '`override`: the organisation.' }),
    }),
    records: z.array(z.string()).meta({ description: 'Types of records that it asks for beside what scanners see.' }),
    needs: z.array(RecordNeed).meta({ description: 'How these stand.' }),
    evidence: z.array(EvidenceRef).meta({ description: 'Worst first; bounded.' }),
    moreEvidence: count.meta({ description: 'How many more there are.' }),
  })
  .meta({
    id: 'PracticePosture',
    description: 'What is evidenced of one practice, and by what.',
    examples: [practiceExample],
  });
export type PracticePosture = z.infer<typeof PracticePosture>;

export const organizationControlExample = {
  id: '164.312(a)(1)',
  title: 'Access control',
  citation: '45 CFR 164.312(a)(1)',
  family: 'technical' as const,
  type: 'standard' as const,
  required: 'required' as const,
  overlay: null,
  decisionId: null,
  practices: [{ id: 'run-as-non-root', link: 'primary' as const, status: 'failing' as const }],
};

const controlExample = {
  ...organizationControlExample,
  status: 'failing',
  reason: 'Of 9 primary practices: 1 failing (run-as-non-root); 8 without evidence.',
  needs: [needExample],
  counts: { pass: 40, fail: 3, warn: 0, error: 0, skip: 0, manual: 0 },
  scanIds: ['019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a20'],
  evidenceIds: ['019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a10'],
} as const;

/** What is said of an item of the rules beside how it stands. */
export const controlItem = {
  id: z.string().meta({ description: 'Paragraph of 45 CFR 164, or `<overlay>/<name>` of what is only proposed.' }),
  title: z.string(),
  citation: z.string(),
  family: z.enum(FAMILIES),
  type: z.enum([...CONTROL_TYPES, 'proposed_requirement']),
  required: z
    .enum(['required', 'addressable'])
    .meta({ description: 'The mark of 45 CFR 164.306(d). Addressable is not optional.' }),
  overlay: z.string().nullable().meta({ description: 'The overlay that made or marked it; null: the law in force.' }),
  decisionId: z
    .uuid()
    .nullable()
    .meta({ description: 'The decision (164.306(d)(3)) that stands in the place of what is not evidenced.' }),
  practices: z
    .array(z.object({ id: z.string(), link: z.enum(['primary', 'supporting']), status }))
    .meta({ description: 'Primary ones decide; supporting ones are shown.' }),
};

const ControlPosture = z
  .object({
    ...controlItem,
    status,
    reason: z.string(),
    needs: z.array(RecordNeed).meta({ description: 'Record types that it asks for itself.' }),
    counts: ResultCounts.meta({
      description: 'Results behind its primary practices; one that supports several counts in each.',
    }),
    scanIds: z.array(z.uuid()).meta({
      description:
        'Scans behind its primary practices, worst results first; at most 20. Each practice has the details.',
    }),
    evidenceIds: z.array(z.uuid()).meta({ description: 'Their reports, in custody.' }),
  })
  .meta({
    id: 'ControlPosture',
    description: 'What is evidenced of one item of the rules.',
    examples: [controlExample],
  });
export type ControlPosture = z.infer<typeof ControlPosture>;

const counts = z.object({
  controls: StatusCounts.meta({ description: 'Items of the law in force.' }),
  proposed: StatusCounts.meta({
    description: 'Items that only an overlay has: never mixed into the answer about the law.',
  }),
  practices: StatusCounts,
});

export const SystemPosture = z
  .object({ id: z.uuid(), name: z.string(), environment: z.string(), counts })
  .meta({ id: 'SystemPosture', description: 'A system in scope and how its own posture counts.' });

const BlindSpots = z
  .object({
    targets: z
      .array(
        z.object({
          systemId: z.uuid(),
          targetId: z.uuid(),
          target: z
            .object({ kind: z.string(), name: z.string() })
            .nullable()
            .meta({ description: 'Null where it was never scanned as a whole.' }),
          source: z.string(),
          lastComplete: time.nullable().meta({ description: 'Its latest complete scan, UTC.' }),
        }),
      )
      .meta({
        description:
          'Targets that were reported on and have no complete scan that is fresh for every practice. At most 100.',
      }),
    moreTargets: count,
    clusters: z
      .array(
        z.object({
          systemId: z.uuid(),
          uid: z.string().meta({ description: 'metadata.uid of its namespace kube-system, as the reports told it.' }),
          name: z.string().nullable(),
          lastSeen: time.meta({ description: 'Of when its latest report is, UTC.' }),
        }),
      )
      .meta({
        description:
          'Clusters of a system of which reports of several came, at most 20 of a system, within the longest time for which evidence is fresh: what one of them has and another has not is closed by each report ' +
          'of the other, failures too. At most 100.',
      }),
    controlsWithoutPractice: z
      .array(z.string())
      .meta({ description: 'No practice of the catalogue would evidence them.' }),
    controlsWithoutScanner: z.array(z.string()).meta({ description: 'No scanner evidence counts for them.' }),
  })
  .meta({ id: 'BlindSpots', description: 'Where nobody looks.' });
export type BlindSpots = z.infer<typeof BlindSpots>;

/** The fixed sentence of every answer. */
export const STATEMENT =
  'This says what is evidenced by results that scanners reported and by records that people keep, at an instant and as it was known at an instant. It is ' +
  'no statement about whether the law is met: what is in a document only people can judge, and what is not covered here is listed.';

export const noStatuses = {
  failing: 0,
  missing: 0,
  stale: 0,
  partial: 0,
  excepted: 0,
  evidenced: 0,
  not_applicable: 0,
};

export const postureHead = {
  organizationId: z.uuid(),
  asOf: time.meta({ description: 'UTC.' }),
  knownAt: time.meta({ description: 'UTC.' }),
  catalog: z.object({
    version: z.string(),
    digest: z.string(),
    overlay: z.string().nullable().meta({ description: 'What is proposed and was judged beside the law in force.' }),
    organizationChecks: count.meta({
      description:
        'Checks over snapshots that are the organisation’s own, or its own versions of the catalogue’s, as known at the instant.',
    }),
  }),
  settingsVersion: z.int().meta({ description: "Version of the organisation's settings that it was judged by." }),
  review: z
    .object({ status: z.enum(REVIEWS), note: z.string() })
    .meta({ description: 'How far the links of the catalogue were reviewed.' }),
  statement: z.string(),
  counts,
};

/** What has one practice and one item of this status and no others. */
export const controlCounts = (status: keyof typeof noStatuses) => ({
  controls: { ...noStatuses, [status]: 1 },
  proposed: noStatuses,
  practices: { ...noStatuses, [status]: 1 },
});

export const postureHeadExample = {
  organizationId: '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a00',
  asOf: '2026-11-23T09:00:00.000Z',
  knownAt: '2026-11-23T09:00:00.000Z',
  catalog: { version: '2026.11.1', digest: `sha256:${'0'.repeat(64)}`, overlay: null, organizationChecks: 0 },
  settingsVersion: 1,
  review: { status: 'proposed' as const, note: 'No named reviewer has signed the links yet.' },
  statement: STATEMENT,
};

export const Posture = z
  .object({
    ...postureHead,
    systemId: z.uuid(),
    controls: z.array(ControlPosture),
    practices: z.array(PracticePosture),
    systems: z.array(SystemPosture).meta({ description: 'The system.' }),
    unmapped: z
      .array(z.object({ source: z.string(), check: z.string(), count, failing: count, why: z.string() }))
      .meta({ description: 'Results that support no practice, by check; at most 25 of a source and 200 in all.' }),
    moreUnmapped: count.meta({ description: 'Further checks of which results support no practice.' }),
    blindSpots: BlindSpots,
  })
  .meta({
    id: 'Posture',
    description: 'What is evidenced of each HIPAA item and each practice, by what, until when.',
    examples: [
      {
        ...postureHeadExample,
        systemId: '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a03',
        counts: controlCounts('failing'),
        controls: [
          { ...controlExample, needs: [{ ...needExample, records: [] }], practices: [...controlExample.practices] },
        ],
        practices: [
          {
            ...practiceExample,
            records: [],
            needs: [],
            evidence: practiceExample.evidence.map((ref) => ({ ...ref, series: [...ref.series] })),
          },
        ],
        systems: [
          {
            id: '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a03',
            name: 'emr-production',
            environment: 'production',
            counts: controlCounts('failing'),
          },
        ],
        unmapped: [
          {
            source: 'trivy/vulnerability',
            check: 'CVE-2026-0001',
            count: 4,
            failing: 4,
            why: 'The catalogue does not know this check.',
          },
        ],
        moreUnmapped: 0,
        blindSpots: {
          targets: [
            {
              systemId: '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a03',
              targetId: '3d2cbf1a-07d0-8f2e-a4b6-2a40f4ac2b1f',
              target: { kind: 'node', name: 'worker-2' },
              source: 'kube-bench/node',
              lastComplete: '2026-11-01T02:00:00.000Z',
            },
          ],
          moreTargets: 0,
          clusters: [],
          controlsWithoutPractice: ['164.412'],
          controlsWithoutScanner: ['164.310(a)(1)'],
        },
      },
    ],
  });
export type Posture = z.infer<typeof Posture>;
