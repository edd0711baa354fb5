import { z } from 'zod';
import { operation } from '../kernel/http/endpoint.js';
import { pageOf, pageQuery } from '../kernel/http/page.js';
import { tableQuery } from '../kernel/http/table.js';
import {
  CatalogInfo,
  CheckTrace,
  CheckView,
  ControlSummary,
  ControlView,
  GapsView,
  PracticeSummary,
  PracticeView,
} from './catalog.api.js';
import { controlSummaryExample, practiceSummaryExample } from './catalog.examples.js';
import { CONTROL_TYPES, FAMILIES } from './catalog.schema.js';

const catalogQuery = {
  version: z.string().max(20).optional().meta({
    description: 'A released version, as an earlier answer named it. Default: the one in use.',
    examples: ['2026.11.1'],
  }),
  overlay: z.string().min(1).max(64).optional().meta({
    description: 'Lay this overlay of proposed rules over it. Default: none, the law in force.',
    examples: ['nprm-2025'],
  }),
};
const tool = z.string().min(1).max(100);
const tag = 'Catalog';
const permission = 'authenticated';

export const getCatalog = operation({
  id: 'getCatalog',
  method: 'GET',
  path: '/v1/catalog',
  tag,
  summary: 'The catalogue in use',
  description: 'Version, digest, the text of the law it was made from, and how far its links were reviewed.',
  permission,
  query: z.strictObject(catalogQuery),
  answers: { 200: { description: 'The catalogue.', schema: CatalogInfo } },
});

export const listControls = operation({
  id: 'listControls',
  method: 'GET',
  path: '/v1/catalog/controls',
  tag,
  summary: 'List controls',
  description: 'All items of 45 CFR 164 that the catalogue knows, in the order of the law.',
  permission,
  query: z.strictObject({
    ...catalogQuery,
    ...tableQuery,
    family: z.enum(FAMILIES).optional().meta({ description: 'Only this family.' }),
    type: z
      .enum([...CONTROL_TYPES, 'proposed_requirement'])
      .optional()
      .meta({ description: 'Only this type.' }),
    required: z
      .enum(['required', 'addressable'])
      .optional()
      .meta({ description: 'Only this mark of 45 CFR 164.306(d).' }),
  }),
  answers: {
    200: {
      description: 'The controls.',
      schema: z.object({ items: z.array(ControlSummary) }).meta({
        id: 'ControlList',
        description: 'Controls.',
        examples: [{ items: [controlSummaryExample] }],
      }),
    },
  },
});

export const getControl = operation({
  id: 'getControl',
  method: 'GET',
  path: '/v1/catalog/controls/:controlId',
  tag,
  summary: 'Read a control',
  description: 'With the practices that support it, the checks that support those, and what an auditor asks for.',
  permission,
  params: z.object({
    controlId: z.string().min(1).max(200).meta({
      description: 'Paragraph or another way it is cited; parentheses may be percent-encoded, a slash must be.',
      examples: ['164.312(a)(1)'],
    }),
  }),
  query: z.strictObject(catalogQuery),
  answers: { 200: { description: 'The control.', schema: ControlView } },
});

export const listPractices = operation({
  id: 'listPractices',
  method: 'GET',
  path: '/v1/catalog/practices',
  tag,
  summary: 'List practices',
  description: 'All of them, section by section.',
  permission,
  query: z.strictObject({ ...catalogQuery, ...tableQuery }),
  answers: {
    200: {
      description: 'The practices.',
      schema: z.object({ items: z.array(PracticeSummary) }).meta({
        id: 'PracticeList',
        description: 'Practices.',
        examples: [{ items: [practiceSummaryExample] }],
      }),
    },
  },
});

export const getPractice = operation({
  id: 'getPractice',
  method: 'GET',
  path: '/v1/catalog/practices/:practiceId',
  tag,
  summary: 'Read a practice',
  description: 'With the controls that it supports and what would prove it. Freshness is that of the product, not what an organisation has set.',
  permission,
  params: z.object({
    practiceId: z.string().min(1).max(200).meta({ description: 'The practice.', examples: ['run-as-non-root'] }),
  }),
  query: z.strictObject(catalogQuery),
  answers: { 200: { description: 'The practice.', schema: PracticeView } },
});

export const listChecks = operation({
  id: 'listChecks',
  method: 'GET',
  path: '/v1/catalog/checks',
  tag,
  summary: 'List checks',
  description:
    'Checks of scanners and what they support, by tool and id. Without `practice` those of the current benchmarks; with it also those that only older ' +
    'benchmarks have.',
  permission,
  query: z.strictObject({
    ...pageQuery,
    tool: tool.optional().meta({ description: 'Only this tool.', examples: ['trivy'] }),
    practice: z.string().min(1).max(200).optional().meta({ description: 'Only checks that support this practice.' }),
    version: catalogQuery.version,
  }),
  answers: { 200: { description: 'One page.', schema: pageOf(CheckView, 'CatalogCheckPage') } },
});

export const traceCheck = operation({
  id: 'traceCheck',
  method: 'GET',
  path: '/v1/catalog/trace',
  tag,
  summary: 'What a check supports',
  description:
    'From one check to every control that it reaches. The id is a parameter of the query because ids hold slashes. 404 where the catalogue does not know ' +
    'it for certain.',
  permission,
  query: z.strictObject({
    ...catalogQuery,
    tool: tool.meta({ description: 'The tool.', examples: ['kube-bench'] }),
    check: z
      .string()
      .min(1)
      .max(500)
      .meta({ description: 'Canonical id or an alias of it.', examples: ['cis-1.12/1.2.16'] }),
  }),
  answers: { 200: { description: 'The check and its controls.', schema: CheckTrace } },
  refusals: ['not-found'],
});

export const getGaps = operation({
  id: 'getCatalogGaps',
  method: 'GET',
  path: '/v1/catalog/gaps',
  tag,
  summary: 'Where scanners do not reach',
  description: 'Controls and practices that no scanner result can evidence, whatever is posted.',
  permission,
  query: z.strictObject(catalogQuery),
  answers: { 200: { description: 'The gaps.', schema: GapsView } },
});
