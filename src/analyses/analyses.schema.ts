import { z } from 'zod';
import { operation } from '../kernel/http/endpoint.js';
import { instant } from '../kernel/http/instant.js';
import { instantQuery, organizationId, organizationParams } from '../kernel/http/parameters.js';
import { RISK_LEVELS } from '../organizations/organization.schema.js';
import { nameText } from '../organizations/text.schema.js';
import { RecordView } from '../records/record-view.schema.js';
import { recordParams } from '../records/records.schema.js';
import { Threat } from './threats.js';

const analyses = '/v1/organizations/:organizationId/risk-analyses';
const time = z.iso.datetime();
const named = z.object({ id: z.uuid(), name: z.string() });

const EMR = '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a01';
const ANALYSIS = '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a21';
const EVIDENCE = '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a31';

const Proposal = z
  .object({
    asOf: time,
    knownAt: time,
    systems: z
      .array(
        named.extend({
          phiNamespaces: z.array(z.string()),
          version: z.string().nullable().meta({ description: 'Major and minor of its cluster, as snapshots say.' }),
        }),
      )
      .meta({ description: 'Systems in scope.' }),
    leftOut: z.array(named).meta({ description: 'Systems that are registered as handling no PHI.' }),
    vendors: z.array(named.extend({ ephi: z.boolean() })).meta({ description: 'Vendors in effect.' }),
    volumes: z.array(z.object({ systemId: z.uuid(), name: z.string() })).meta({
      description: 'Claims and classes of storage, as snapshots say.',
    }),
    vulnerabilities: z
      .array(
        z.object({
          systemId: z.uuid(),
          source: z.string(),
          check: z.string(),
          title: z.string(),
          failing: z.int(),
          failingWithPhi: z.int().meta({ description: 'Of them in namespaces that hold PHI.' }),
          practices: z.array(z.string()),
          series: z.array(z.uuid()).meta({ description: 'Up to five of the results, to be linked to a risk.' }),
          scanId: z.uuid(),
          evidenceId: z.uuid(),
          seenAt: time,
        }),
      )
      .meta({ description: 'Failing results by check, those with PHI first. Which of them is a risk, people say.' }),
    measures: z.array(z.object({ practice: z.string(), summary: z.string() })).meta({
      description: 'Practices that are evidenced: measures in place.',
    }),
    threats: z.array(Threat).meta({ description: 'The catalogue of threats to go through.' }),
  })
  .meta({
    id: 'RiskAnalysisProposal',
    description: 'What a risk analysis can start from. It is no analysis: likelihood, impact and treatment people say.',
    examples: [
      {
        asOf: '2026-03-01T00:00:00.000Z',
        knownAt: '2026-03-01T00:00:00.000Z',
        systems: [{ id: EMR, name: 'emr-production', phiNamespaces: ['emr'], version: '1.34' }],
        leftOut: [],
        vendors: [],
        volumes: [{ systemId: EMR, name: 'emr/postgres-data' }],
        vulnerabilities: [],
        measures: [{ practice: 'audit-policy-coverage', summary: 'The audit policy covers what touches PHI.' }],
        threats: [],
      },
    ],
  });
export type ProposalView = z.infer<typeof Proposal>;

export const proposeScope = operation({
  id: 'proposeScope',
  method: 'GET',
  path: `${analyses}/proposal`,
  tag: 'Risk analyses',
  summary: 'Propose the scope of a risk analysis',
  description:
    'The inventory that is known: systems, namespaces and volumes with PHI, vendors; failing results as vulnerabilities with their evidence; evidenced practices as measures; threats to go through.',
  permission: 'records:read',
  params: organizationParams,
  query: z.strictObject(instantQuery),
  answers: { 200: { description: 'The proposal.', schema: Proposal } },
});

const Begun = z
  .object({
    analysis: RecordView,
    risks: z.array(z.uuid()).meta({ description: 'Risks of the one before that have a draft for this one.' }),
    left: z
      .array(z.object({ recordId: z.uuid(), why: z.string() }))
      .meta({ description: 'Risks of the one before that could not be taken over.' }),
    handedOver: z
      .array(
        z.object({
          recordId: z.uuid(),
          before: z.string().meta({ description: 'Its owner before: a member’s id.' }),
        }),
      )
      .meta({
        description: 'Risks taken over whose owner is a member no more: the owner of the analysis is theirs now.',
      }),
  })
  .meta({
    id: 'BegunRiskAnalysis',
    description: 'A draft, and drafts of its risks.',
    examples: [
      {
        analysis: {
          id: '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a22',
          type: 'risk_analysis',
          naturalKey: '',
          revision: 1,
          version: 1,
          kind: 'content',
          state: 'draft',
          title: 'Risk analysis 2027',
          ownerId: '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a02',
          systemIds: [],
          effectiveFrom: '2027-03-01T00:00:00.000Z',
          goodFrom: '2027-03-01T00:00:00.000Z',
          expiresAt: null,
          disposedAt: null,
          typeVersion: '2026.12.1',
          fields: { systems: [{ systemId: EMR, version: '1.35' }], previous: ANALYSIS },
          links: [],
          documents: [],
          reason: null,
          createdAt: '2027-02-15T09:00:00.000Z',
          createdBy: '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a02',
          submittedAt: null,
          submittedBy: null,
          decidedAt: null,
          decidedBy: null,
          inEffect: false,
          freshUntil: null,
          obligations: [],
          versions: [],
        },
        risks: ['019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a41'],
        left: [],
        handedOver: [],
      },
    ],
  });
export type BegunView = z.infer<typeof Begun>;

export const startRiskAnalysis = operation({
  id: 'startRiskAnalysis',
  method: 'POST',
  path: analyses,
  tag: 'Risk analyses',
  summary: 'Begin a risk analysis',
  description:
    'A draft with the scope that is known and the organisation’s matrix as it is now. From an analysis in effect (`fromPrevious`): with its assets, flows and what it leaves out; and each of its risks gets a draft of its next version.',
  permission: 'records:write',
  params: organizationParams,
  body: z
    .strictObject({
      title: nameText,
      ownerId: z.uuid().toLowerCase().meta({ description: 'The member who answers for it.' }),
      effectiveFrom: instant.meta({ description: 'From when on it is to count (RFC 3339 with a zone).' }),
      fromPrevious: z.uuid().toLowerCase().optional().meta({ description: 'The analysis to go on from.' }),
    })
    .meta({
      id: 'NewRiskAnalysis',
      description: 'The analysis to begin.',
      examples: [
        {
          title: 'Risk analysis 2027',
          ownerId: '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a02',
          effectiveFrom: '2027-03-01T00:00:00Z',
          fromPrevious: ANALYSIS,
        },
      ],
    }),
  answers: { 201: { description: 'Begun.', schema: Begun } },
  refusals: ['record-refused', 'record-type-refused', 'not-found'],
  creates: true,
});

export const freezePosture = operation({
  id: 'freezePosture',
  method: 'POST',
  path: `${analyses}/:recordId/posture`,
  tag: 'Risk analyses',
  summary: 'Freeze the posture that an analysis rests on',
  description:
    'The organisation’s posture at the instants, as canonical JSON (RFC 8785), kept as evidence and named on the draft in the role `posture`. The same instants give the same bytes. An analysis is submitted with one of the last 24 hours, as of the day from which it is to count.',
  permission: 'records:write',
  params: recordParams,
  query: z.strictObject(instantQuery),
  answers: { 200: { description: 'The draft, with the posture among its documents.', schema: RecordView } },
  refusals: ['move-refused', 'record-refused', 'document-refused', 'disposed'],
  edits: true,
});

const riskState = {
  recordId: z.uuid(),
  title: z.string(),
  likelihood: z.int(),
  impact: z.int(),
  level: z.enum(RISK_LEVELS).nullable().meta({ description: 'By the matrix of its own analysis.' }),
  treatment: z.enum(['mitigate', 'accept', 'transfer', 'avoid']),
};
const numbered = z.object({ number: z.string(), ...riskState });
const difference = z.object({ added: z.array(z.string()), gone: z.array(z.string()) });
const Comparison = z
  .object({
    before: z.uuid(),
    after: z.uuid(),
    risks: z.object({
      added: z.array(numbered),
      gone: z.array(numbered),
      changed: z.array(z.object({ number: z.string(), before: z.object(riskState), after: z.object(riskState) })),
      unchanged: z.int(),
    }),
    scope: z.object({
      systems: difference,
      namespaces: difference,
      volumes: difference,
      vendors: difference,
      assets: difference,
      leftOut: difference,
      versions: z.array(z.object({ systemId: z.uuid(), before: z.string().nullable(), after: z.string().nullable() })),
    }),
    matrixChanged: z.boolean().meta({ description: 'Levels were found by another matrix.' }),
  })
  .meta({
    id: 'RiskAnalysisComparison',
    description: 'What changed from one risk analysis to another. Risks are told apart by their numbers.',
    examples: [
      {
        before: ANALYSIS,
        after: EVIDENCE,
        risks: { added: [], gone: [], changed: [], unchanged: 12 },
        scope: {
          systems: { added: [EMR], gone: [] },
          namespaces: { added: [`${EMR}/emr`], gone: [] },
          volumes: { added: [], gone: [] },
          vendors: { added: [], gone: [] },
          assets: { added: [], gone: [] },
          leftOut: { added: [], gone: [] },
          versions: [],
        },
        matrixChanged: false,
      },
    ],
  });
export type ComparisonView = z.infer<typeof Comparison>;

export const compareRiskAnalyses = operation({
  id: 'compareRiskAnalyses',
  method: 'GET',
  path: `${analyses}/:recordId/comparison`,
  tag: 'Risk analyses',
  summary: 'Compare a risk analysis with an earlier one',
  description:
    'With the one before it, or with another one; drafts of risks count for an analysis that is still a draft.',
  permission: 'records:read',
  params: z.object({ organizationId, recordId: recordParams.shape.recordId }),
  query: z.strictObject({
    with: z.uuid().toLowerCase().optional().meta({ description: 'The earlier analysis. Default: the one before it.' }),
  }),
  answers: { 200: { description: 'What changed.', schema: Comparison } },
  refusals: ['record-refused'],
});
