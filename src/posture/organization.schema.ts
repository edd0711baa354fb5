import { z } from 'zod';
import { SECTIONS } from '../catalog/catalog.schema.js';
import {
  controlCounts,
  controlItem,
  noStatuses,
  organizationControlExample,
  postureHead,
  postureHeadExample,
  RecordNeed,
  StatusCounts,
  status,
  SystemPosture,
} from './posture.schema.js';

const count = z.int().min(0);

/** Of an organisation: as many as anybody looks at one after the other. */
export const MAX_SYSTEMS = 100;

const PostureNeedOfMany = RecordNeed.omit({ until: true }).meta({
  id: 'PostureNeedOfMany',
  description: 'One record type that is asked for, as it stands in the system in which it stands worst.',
});
export type PostureNeedOfMany = z.infer<typeof PostureNeedOfMany>;

const place = z
  .object({
    systemId: z.uuid().nullable().meta({ description: 'Null: the organisation itself, where no system is in scope.' }),
    name: z.string(),
    status,
    reason: z.string(),
  })
  .meta({
    id: 'PosturePlace',
    description: 'How it stands in one place; what is behind it, the posture of the system says.',
  });

const many = {
  status,
  reason: z.string(),
  systems: StatusCounts.meta({ description: 'Systems in scope by the status it has there.' }),
  needs: z.array(PostureNeedOfMany),
  places: z.array(place).max(5).meta({ description: 'Worst first, then by name; at most five.' }),
};

const placeExample = {
  systemId: '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a03',
  name: 'emr-production',
  status: 'failing',
  reason: 'Results of scanners fail.',
} as const;
const manyExample = {
  status: 'failing',
  reason:
    'Of 3 systems: failing in 1 (emr-production); evidenced in 2 (archive, billing). emr-production: Results of scanners fail.',
  systems: { ...noStatuses, failing: 1, evidenced: 2 },
  needs: [],
  places: [placeExample],
} as const;

const OrganizationPractice = z
  .object({
    id: z.string(),
    section: z.enum(SECTIONS),
    summary: z.string(),
    automation: z.enum(['full', 'partial', 'records']).meta({ description: 'How much of it a machine can see.' }),
    ...many,
    records: z.array(z.string()).meta({ description: 'Types of records that it asks for beside what scanners see.' }),
  })
  .meta({
    id: 'OrganizationPracticePosture',
    description: 'How a practice stands over the systems of an organisation.',
  });
export type OrganizationPractice = z.infer<typeof OrganizationPractice>;

const OrganizationControl = z.object({ ...controlItem, ...many }).meta({
  id: 'OrganizationControlPosture',
  description: 'How an item of the rules stands over the systems of an organisation.',
});
export type OrganizationControl = z.infer<typeof OrganizationControl>;

export const OrganizationPosture = z
  .object({
    ...postureHead,
    systemId: z.null().meta({ description: 'It is of the organisation, over its systems in scope.' }),
    controls: z.array(OrganizationControl),
    practices: z.array(OrganizationPractice),
    systems: z.array(SystemPosture).meta({
      description:
        'Systems in scope, each with how its own posture counts: the one with most failing items first, then by missing, stale and partial ones, then by name. ' +
        `At most ${MAX_SYSTEMS} over the API: \`listSystemPostures\` has all.`,
    }),
    moreSystems: count.meta({ description: 'Further systems in scope.' }),
    excluded: z
      .array(z.object({ id: z.uuid(), name: z.string(), reason: z.string() }))
      .meta({ description: 'Systems that were left out.' }),
    blindSystems: z
      .array(
        z.object({
          systemId: z.uuid(),
          name: z.string(),
          targets: count.nullable().meta({
            description:
              'Targets that no complete scan shows freshly; null: no scanner has ever reported on the system.',
          }),
        }),
      )
      .max(MAX_SYSTEMS)
      .meta({ description: 'Where nobody looks: never first, then by how many targets. At most 100.' }),
    moreBlindSystems: count,
    controlsWithoutPractice: z
      .array(z.string())
      .meta({ description: 'No practice of the catalogue would evidence them.' }),
    controlsWithoutScanner: z.array(z.string()).meta({ description: 'No scanner evidence counts for them.' }),
  })
  .meta({
    id: 'OrganizationPosture',
    description:
      'What is evidenced of each HIPAA item and each practice over the systems of an organisation, where it stands worst, and why.',
    examples: [
      {
        ...postureHeadExample,
        systemId: null,
        counts: controlCounts('failing'),
        controls: [
          {
            ...organizationControlExample,
            ...manyExample,
            needs: [],
            places: [
              { ...placeExample, reason: 'Of 9 primary practices: 1 failing (run-as-non-root); 8 without evidence.' },
            ],
          },
        ],
        practices: [
          {
            id: 'run-as-non-root',
            section: 'images',
            summary: 'Containers run as a non-root user.',
            automation: 'full',
            ...manyExample,
            needs: [],
            places: [placeExample],
            records: [],
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
        moreSystems: 0,
        excluded: [],
        blindSystems: [{ systemId: '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a03', name: 'emr-production', targets: 2 }],
        moreBlindSystems: 0,
        controlsWithoutPractice: ['164.412'],
        controlsWithoutScanner: ['164.310(a)(1)'],
      },
    ],
  });
export type OrganizationPosture = z.infer<typeof OrganizationPosture>;
