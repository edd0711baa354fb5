import { z } from 'zod';
import { LINK_KINDS } from './effective.js';
import { MOVE_NAMES, SHOWN_STATES } from './moves.js';

const time = z.iso.datetime();
const DocumentView = z
  .object({
    evidenceId: z.uuid(),
    role: z.string(),
    name: z.string(),
    addedAt: time,
    addedBy: z.string(),
  })
  .meta({ description: 'Evidence that documents it.' });

const state = z.enum(SHOWN_STATES).meta({
  description:
    '`superseded`: a later version was approved; `withdrawn`: the version was abandoned, or the record has ended.',
});
const summary = {
  id: z.uuid(),
  type: z.string(),
  naturalKey: z.string().meta({ description: 'One record of its type has it; empty where there is none.' }),
  revision: z.int().meta({ description: 'Goes up by one with each move or edit of any version; the ETag.' }),
  version: z.int(),
  kind: z.enum(['content', 'end']).meta({ description: '`end`: the record is no more from `effectiveFrom` on.' }),
  state,
  title: z.string().meta({ description: 'Empty after its disposal.' }),
  ownerId: z.string(),
  systemIds: z.array(z.uuid()),
  effectiveFrom: time,
  goodFrom: time.meta({ description: 'From when its age counts.' }),
  expiresAt: time.nullable().meta({ description: 'When it ends whatever its age.' }),
  disposedAt: time.nullable().meta({ description: 'When its content was disposed of.' }),
};
export const example = {
  id: '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a40',
  type: 'vendor',
  naturalKey: 'Lakeside Imaging',
  revision: 3,
  version: 1,
  kind: 'content',
  state: 'approved',
  title: 'Lakeside Imaging',
  ownerId: '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a02',
  systemIds: [],
  effectiveFrom: '2026-01-01T00:00:00.000Z',
  goodFrom: '2026-01-01T00:00:00.000Z',
  expiresAt: null,
  disposedAt: null,
};

export const RecordSummary = z
  .object(summary)
  .meta({ id: 'RecordSummary', description: 'One version of a record, without its fields.', examples: [example] });
export type RecordSummaryView = z.infer<typeof RecordSummary>;

export const VersionSummary = z
  .object({
    version: z.int(),
    kind: summary.kind,
    state,
    effectiveFrom: time,
    goodFrom: time,
    expiresAt: time.nullable(),
    submittedAt: time.nullable(),
    decidedAt: time.nullable().meta({ description: 'When it was approved, and known from then on; or abandoned.' }),
    decidedBy: z.string().nullable(),
  })
  .meta({
    id: 'RecordVersionSummary',
    description: 'One version of a record.',
    examples: [
      {
        version: 1,
        kind: 'content',
        state: 'approved',
        effectiveFrom: '2026-01-01T00:00:00.000Z',
        goodFrom: '2026-01-01T00:00:00.000Z',
        expiresAt: null,
        submittedAt: '2026-01-02T09:05:00.000Z',
        decidedAt: '2026-01-02T10:00:00.000Z',
        decidedBy: '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a05',
      },
    ],
  });

export const RecordView = z
  .object({
    ...summary,
    typeVersion: z
      .string()
      .meta({ description: 'The definition that it was checked by: of the catalogue, or `org/<n>`.' }),
    fields: z.record(z.string(), z.unknown()).meta({ description: 'As its type says.' }),
    links: z.array(z.object({ kind: z.enum(LINK_KINDS), target: z.string(), note: z.string() })),
    documents: z.array(DocumentView),
    reason: z.string().nullable().meta({ description: 'Of an end.' }),
    createdAt: time,
    createdBy: z.string(),
    submittedAt: time.nullable(),
    submittedBy: z.string().nullable(),
    decidedAt: time.nullable(),
    decidedBy: z.string().nullable(),
    inEffect: z.boolean().meta({ description: 'Whether this version is in effect at the instant that is asked for.' }),
    freshUntil: time
      .nullable()
      .meta({ description: 'Until when it is fresh by its type; null: of any age. A practice may ask for less.' }),
    obligations: z
      .array(
        z.object({
          type: z.string(),
          says: z.string(),
          dueAt: time,
          metBy: z.uuid().nullable(),
          metAt: time.nullable(),
          isLate: z.boolean(),
        }),
      )
      .meta({
        description:
          'What it makes due of other records while it is in effect, what met it first, and whether too late.',
      }),
    versions: z.array(VersionSummary).meta({ description: 'All versions, by number.' }),
  })
  .meta({
    id: 'Record',
    description: 'What people keep: typed, in versions; an approved version is never edited, only superseded.',
    examples: [
      {
        ...example,
        typeVersion: '2026.12.1',
        fields: { name: 'Lakeside Imaging', role: 'business_associate', ephi: true, services: 'Image archive' },
        links: [],
        documents: [],
        reason: null,
        createdAt: '2026-01-02T09:00:00.000Z',
        createdBy: '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a02',
        submittedAt: '2026-01-02T09:05:00.000Z',
        submittedBy: '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a02',
        decidedAt: '2026-01-02T10:00:00.000Z',
        decidedBy: '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a05',
        inEffect: true,
        freshUntil: null,
        obligations: [],
        versions: [
          {
            version: 1,
            kind: 'content',
            state: 'approved',
            effectiveFrom: '2026-01-01T00:00:00.000Z',
            goodFrom: '2026-01-01T00:00:00.000Z',
            expiresAt: null,
            submittedAt: '2026-01-02T09:05:00.000Z',
            decidedAt: '2026-01-02T10:00:00.000Z',
            decidedBy: '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a05',
          },
        ],
      },
    ],
  });
export type RecordView = z.infer<typeof RecordView>;

export const MoveView = z
  .object({
    version: z.int(),
    number: z.int(),
    move: z.enum(MOVE_NAMES),
    at: time,
    by: z.string().meta({ description: 'A member’s id.' }),
    reason: z.string().nullable(),
  })
  .meta({
    id: 'RecordMove',
    description: 'One step of a version’s life.',
    examples: [
      { version: 1, number: 3, move: 'approve', at: '2026-01-02T10:00:00.000Z', by: example.ownerId, reason: null },
    ],
  });
