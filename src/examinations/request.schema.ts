import { z } from 'zod';
import { engagementId, engagementParams, engagements } from '../engagements/engagement.schema.js';
import { operation } from '../kernel/http/endpoint.js';
import { instant } from '../kernel/http/instant.js';
import { pageOf, pageQuery } from '../kernel/http/page.js';
import { organizationId } from '../kernel/http/parameters.js';
import { nameText } from '../organizations/text.schema.js';
import { MOVES, REQUEST_STATES } from './moves.js';

/** Things that one answer hands over, of each kind. More are a package, or several answers. */
const MAX_LINKS = 200;

/** Lines are people's to break; what forges or hides text is not there. */
const prose = z
  .string()
  .trim()
  .max(10_000)
  .regex(/^(?:[\t\n\r]|[^\p{Cc}\p{Cs}])*$/u, 'It has no control characters.');

const ids = z.array(z.uuid().toLowerCase()).max(MAX_LINKS).default([]);

const example = {
  id: '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a50',
  title: 'Leavers of the third quarter',
  what: 'For five people who left: when access was removed, by whom, and on whose request.',
  control: '164.308(a)(3)(ii)(C)',
  dueAt: '2026-12-01T17:00:00.000Z',
  state: 'answered',
  isOverdue: false,
  version: 2,
  createdAt: '2026-11-24T08:30:00.000Z',
  moves: [
    {
      number: 1,
      move: 'open',
      at: '2026-11-24T08:30:00.000Z',
      by: '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a40',
      comment: '',
      records: [],
      evidence: [],
      packages: [],
    },
    {
      number: 2,
      move: 'answer',
      at: '2026-11-25T13:05:00.000Z',
      by: '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a02',
      comment: 'All five, with the tickets.',
      records: ['019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a51'],
      evidence: [],
      packages: [],
    },
  ],
} as const;

const MoveView = z
  .object({
    number: z.int(),
    move: z.enum(MOVES),
    at: z.iso.datetime(),
    by: z.string().meta({ description: 'A member, or the engagement where it was its auditor.' }),
    comment: z.string(),
    records: z.array(z.uuid()).meta({ description: 'Records that an answer hands over …' }),
    evidence: z.array(z.uuid()).meta({ description: '… evidence …' }),
    packages: z.array(z.uuid()).meta({ description: '… and packages.' }),
  })
  .meta({
    id: 'EvidenceRequestMove',
    description: 'What was done or said of a request.',
    examples: [example.moves[1]],
  });

const summary = {
  id: z.uuid(),
  title: z.string(),
  what: z.string(),
  control: z.string().nullable().meta({ description: 'The item of the law that it is about.' }),
  dueAt: z.iso.datetime().nullable().meta({ description: 'When it should be answered, UTC.' }),
  state: z.enum(REQUEST_STATES),
  isOverdue: z.boolean().meta({ description: 'Nobody has answered it, and its date has passed.' }),
  version: z.int().meta({ description: 'Goes up by one with each move; the ETag.' }),
  createdAt: z.iso.datetime(),
};
const { moves: _, ...exampleSummary } = example;

const RequestSummary = z.object(summary).meta({
  id: 'EvidenceRequestSummary',
  description: 'A request for evidence, as lists show it.',
  examples: [exampleSummary],
});

const RequestView = z.object({ ...summary, moves: z.array(MoveView) }).meta({
  id: 'EvidenceRequest',
  description: 'What an auditor asks for, and what became of it.',
  examples: [example],
});
export type RequestView = z.infer<typeof RequestView>;

const requests = `${engagements}/:engagementId/requests`;
const requestParams = z.object({
  organizationId,
  engagementId,
  requestId: z
    .uuid()
    .toLowerCase()
    .meta({ description: 'The request.', examples: [example.id] }),
});

export const openRequest = operation({
  id: 'openEvidenceRequest',
  method: 'POST',
  path: requests,
  tag: 'Engagements',
  summary: 'Ask for evidence',
  description: 'The auditor of the engagement puts something on the list of what is asked for.',
  permission: 'engagements:examine',
  params: engagementParams,
  body: z
    .strictObject({
      title: nameText,
      what: prose.default(''),
      control: z
        .string()
        .max(100)
        .optional()
        .meta({ description: 'A paragraph of the catalogue, or an alias of one.' }),
      dueAt: instant.optional(),
    })
    .meta({
      id: 'NewEvidenceRequest',
      description: 'What is asked for.',
      examples: [{ title: example.title, what: example.what, control: example.control, dueAt: example.dueAt }],
    }),
  answers: { 201: { description: 'Asked for.', schema: RequestView, headers: { Location: 'The request.' } } },
  creates: true,
});
export type NewRequest = z.infer<(typeof openRequest)['body']>;

export const listRequests = operation({
  id: 'listEvidenceRequests',
  method: 'GET',
  path: requests,
  tag: 'Engagements',
  summary: 'List what is asked for',
  description: 'The list of an engagement, in the order in which it was asked.',
  permission: 'engagements:read',
  params: engagementParams,
  query: z.strictObject({
    ...pageQuery,
    state: z.enum(REQUEST_STATES).optional().meta({ description: 'Only this state.' }),
  }),
  answers: { 200: { description: 'One page.', schema: pageOf(RequestSummary, 'EvidenceRequestPage') } },
});

export const getRequest = operation({
  id: 'getEvidenceRequest',
  method: 'GET',
  path: `${requests}/:requestId`,
  tag: 'Engagements',
  summary: 'Read a request',
  description: 'With all that was done and said of it.',
  permission: 'engagements:read',
  params: requestParams,
  answers: { 200: { description: 'The request.', schema: RequestView } },
});

export const answerRequest = operation({
  id: 'answerEvidenceRequest',
  method: 'POST',
  path: `${requests}/:requestId/answer`,
  tag: 'Engagements',
  summary: 'Answer a request',
  description:
    'Hands over records, evidence and packages, each of which has to be within the scope and period of the engagement; packages can be downloaded by its auditor from then on. What was answered and not ' +
    'looked at yet, or sent back, is answered again.',
  permission: 'engagements:answer',
  params: requestParams,
  body: z.strictObject({ comment: prose.default(''), records: ids, evidence: ids, packages: ids }).meta({
    id: 'EvidenceRequestAnswer',
    description: 'What is handed over, and what is said of it.',
    examples: [{ comment: example.moves[1].comment, records: [...example.moves[1].records] }],
  }),
  answers: { 200: { description: 'As it stands now.', schema: RequestView } },
  refusals: ['move-refused'],
  edits: true,
});
export type RequestAnswer = z.infer<(typeof answerRequest)['body']>;

export const decideRequest = operation({
  id: 'decideEvidenceRequest',
  method: 'POST',
  path: `${requests}/:requestId/decision`,
  tag: 'Engagements',
  summary: 'Accept, return or withdraw a request',
  description: 'The auditor accepts an answer or sends it back, saying what is missing; or no longer asks.',
  permission: 'engagements:examine',
  params: requestParams,
  body: z
    .discriminatedUnion('decision', [
      z.strictObject({ decision: z.literal('accept'), comment: prose.default('') }),
      z.strictObject({ decision: z.literal('return'), comment: prose.min(1, 'Say what is missing.') }),
      z.strictObject({ decision: z.literal('withdraw'), comment: prose.default('') }),
    ])
    .meta({
      id: 'EvidenceRequestDecision',
      description: 'What becomes of it.',
      examples: [{ decision: 'return', comment: 'Of two of the five the ticket is not there.' }],
    }),
  answers: { 200: { description: 'As it stands now.', schema: RequestView } },
  refusals: ['move-refused'],
  edits: true,
});
export type RequestDecision = z.infer<(typeof decideRequest)['body']>;

export const commentRequest = operation({
  id: 'commentEvidenceRequest',
  method: 'POST',
  path: `${requests}/:requestId/comments`,
  tag: 'Engagements',
  summary: 'Say something of a request',
  description: 'By its auditor, or by whoever answers. It moves nothing.',
  permission: 'engagements:comment',
  params: requestParams,
  body: z
    .strictObject({ comment: prose.min(1) })
    .meta({ id: 'EvidenceRequestComment', description: 'What is said.', examples: [{ comment: 'By Friday.' }] }),
  answers: { 201: { description: 'As it stands now.', schema: RequestView } },
  creates: true,
});
