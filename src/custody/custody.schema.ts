import { z } from 'zod';
import { ACTIONS } from '../audit/event.js';
import { EvidenceView } from '../evidence/evidence.schema.js';
import { operation } from '../kernel/http/endpoint.js';
import { pageQuery } from '../kernel/http/page.js';
import { organizationId } from '../kernel/http/parameters.js';
import { ScanView } from '../scans/scans.schema.js';
import { STEPS } from './step-names.js';

export const StepView = z
  .object({
    eventId: z.uuid().meta({ description: 'The event of the audit log that it is.' }),
    time: z.iso.datetime().meta({ description: 'When, UTC.' }),
    step: z.enum(STEPS).meta({
      description:
        '`received`; `queued`: it waits to be read; `evaluated`: read into results; `quarantined`: refused as evidence of anything, and kept; `read`: downloaded; `exported`: it left in a ' +
        'package; `found-corrupt`, `found-intact`: its stored bytes are no longer, or again, those that were kept; `found-altered`, `found-restored`: what is kept of it beside its bytes is not, or again, what the log says; `retention-extended`: a record that it documents was approved; `hold-set`, ' +
        '`hold-lifted`: by a legal hold; `disposed`.',
    }),
    action: z.enum(ACTIONS).meta({ description: 'Of the event.' }),
    actor: z.object({ kind: z.enum(['user', 'agent', 'service']), id: z.string() }).meta({
      description: 'Who: a member, an engagement (its auditor), an agent, or a part of the service.',
    }),
    object: z.object({
      kind: z.string(),
      id: z.string(),
      sha256: z.string().optional().meta({ description: 'Its digest at this step, lower-case hex.' }),
      size: z.number().int().optional(),
      version: z.number().int().optional(),
    }),
    outcome: z.enum(['success', 'failure']),
    requestId: z.string(),
    receipt: z
      .string()
      .nullable()
      .meta({
        description:
          'The receipt of a report that was queued, evaluated or quarantined: a signed note that the log has this event (see `postScan`), by the key that signs receipts now. The poster was given the same, ' +
          'unless that key was rotated or the log begun anew since: then it is another promise of the same leaf. Null of other steps.',
      }),
    details: z.record(z.string(), z.unknown()).nullable().meta({
      description:
        'What the event says beside, while that is kept; null of events that are about more than this evidence.',
    }),
  })
  .meta({ id: 'CustodyStep', description: 'One step of a chain of custody: an event of the audit log.' });

export const CustodyView = z
  .object({
    evidence: EvidenceView,
    stored: z
      .object({
        key: z.string().meta({ description: 'Where in the store.' }),
        version: z.string().nullable().meta({ description: 'Which version, in a store that has any.' }),
        size: z.number().int(),
        sha256: z.string().meta({ description: 'Of the bytes as stored: encrypted.' }),
        dataKeyId: z.uuid().meta({ description: 'The data key that they are encrypted by.' }),
      })
      .meta({ description: 'How and where its bytes lie.' }),
    scans: z
      .array(
        z.object({
          id: z.uuid(),
          systemId: z.uuid(),
          status: z.enum(['queued', 'stored', 'refused']),
          format: z.string().nullable(),
          tool: z.string().nullable(),
          toolVersion: z.string().nullable(),
          observedAt: z.iso.datetime().nullable().meta({ description: 'When it was so, by the report or its poster.' }),
          receivedAt: z.iso.datetime(),
          knownAt: z.iso.datetime().nullable(),
          postedBy: z.string(),
          signature: ScanView.shape.signature,
        }),
      )
      .meta({ description: 'Scans that it is the report of, the latest 100, latest first.' }),
    retention: z
      .object({
        until: z.iso
          .datetime()
          .nullable()
          .meta({ description: 'Kept at least until then; null: no end is known yet.' }),
        by: z.uuid().nullable().meta({ description: 'The record that keeps it longest; null where its own age does.' }),
        heldBy: z.array(z.uuid()).meta({ description: 'Legal holds that stop its disposal.' }),
      })
      .meta({ description: 'How long it is kept, and why (45 CFR 164.316(b)(2)(i)).' }),
    packages: z.array(z.uuid()).meta({ description: 'Packages that it left the service in.' }),
    steps: z.array(StepView).meta({ description: 'What was done with it, oldest first: one page.' }),
    next: z.string().nullable().meta({ description: 'Cursor of the next page of steps; null on the last one.' }),
  })
  .meta({
    id: 'Custody',
    description: 'The chain of custody of an evidence: who, when, what, and its digest at each step.',
    examples: [
      {
        evidence: EvidenceView.meta()?.examples?.[0] ?? {},
        stored: {
          key: '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a00/10/019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a10-1',
          version: null,
          size: 154337,
          sha256: '60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752',
          dataKeyId: '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a12',
        },
        scans: [],
        retention: { until: '2032-11-23T09:05:07.123Z', by: null, heldBy: [] },
        packages: [],
        steps: [
          {
            eventId: '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a13',
            time: '2026-11-23T09:05:07.123Z',
            step: 'received',
            action: 'evidence.received',
            actor: { kind: 'agent', id: '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a11' },
            object: {
              kind: 'evidence',
              id: '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a10',
              sha256: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
              size: 154213,
            },
            outcome: 'success',
            requestId: '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a14',
            receipt: null,
            details: null,
          },
        ],
        next: null,
      },
    ],
  });
export type CustodyView = z.infer<typeof CustodyView>;

export const getCustody = operation({
  id: 'getCustody',
  method: 'GET',
  path: '/v1/organizations/:organizationId/evidence/:evidenceId/custody',
  tag: 'Evidence',
  summary: 'The chain of custody of an evidence',
  description:
    'Who had it, when, what they did with it, and its digest at each step; each step is an event of the audit log. Also of evidence that was disposed of, or whose stored bytes are no longer ' +
    'what was kept. A package has the same steps in `evidence/<id>/custody.jsonl`, up to its instant of knowledge.',
  permission: 'evidence:read',
  params: z.object({ organizationId, evidenceId: z.uuid().meta({ description: 'The evidence.' }) }),
  query: z.strictObject(pageQuery),
  answers: { 200: { description: 'Its custody.', schema: CustodyView } },
  layout: { each: 'steps', beside: [] },
});
