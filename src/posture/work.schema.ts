import { z } from 'zod';
import { operation } from '../kernel/http/endpoint.js';
import { pageOf, pageQuery } from '../kernel/http/page.js';
import { instantQuery, organizationParams, systemId } from '../kernel/http/parameters.js';
import { WORK_KINDS } from '../records/statement.js';

const kind = z.enum(WORK_KINDS).meta({
  description:
    '`missing`, `stale`, `failing`: so a record that is asked for stands, or (without a type) what scanners say of a practice; `expiring`: a record that will be ' +
    'too old or over in 90 days or less (of what is good for less than that the last third of it); `due`: what a record, a key or a treatment makes due; ' +
    '`waiting`: versions that wait for a decision.',
});

const WorkItem = z
  .object({
    id: z.uuid().meta({
      description:
        'The same for as long as the work is the same and said in the same words: an agreement that ends within 60 days is another item than one that ends within 90.',
    }),
    kind,
    type: z.string().nullable().meta({ description: 'The record type; null: what scanners say of a practice.' }),
    what: z.string().meta({ description: 'What is to be done, or what is wrong.' }),
    practices: z.array(z.string()).meta({ description: 'Practices that ask for it.' }),
    controls: z.array(z.string()).meta({ description: 'Items of the rules that ask for it themselves.' }),
    heldBack: z.int().min(0).meta({
      description:
        'Items of the law in force that are not evidenced and ask for it, themselves or by a primary practice.',
    }),
    systems: z.array(z.uuid()).max(20).meta({ description: 'Where; empty: of the whole organisation.' }),
    moreSystems: z.int().min(0),
    records: z.array(z.uuid()).max(5).meta({ description: 'The records that it is about.' }),
    ownerId: z.string().nullable().meta({
      description:
        'The member who answers for it: the record’s owner, else whom the settings (`owners`) name for the type or a practice; null: nobody is named.',
    }),
    dueAt: z.iso.datetime().nullable(),
    auditorAsks: z.array(z.string()).meta({ description: 'What an auditor would ask to see.' }),
  })
  .meta({
    id: 'WorkItem',
    description: 'One thing to do.',
    examples: [
      {
        id: '0c6fdb9a-07d0-8f2e-a4b6-2a40f4ac2b1f',
        kind: 'missing',
        type: 'risk_analysis',
        what: 'The accurate and thorough assessment, with its scope.',
        practices: ['risk-analysis'],
        controls: [],
        heldBack: 2,
        systems: [],
        moreSystems: 0,
        records: [],
        ownerId: '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a02',
        dueAt: null,
        auditorAsks: ['The current risk analysis with its scope, threats, likelihoods, impacts and risk levels'],
      },
    ],
  });
export type WorkItemView = z.infer<typeof WorkItem>;

export const listWork = operation({
  id: 'listWork',
  method: 'GET',
  path: '/v1/organizations/:organizationId/work',
  tag: 'Posture',
  summary: 'List what is to be done',
  description:
    'What is missing, stale, failing, about to expire, due, or waiting for a decision, from one evaluation of the posture: what holds back most items of the law ' +
    'first, then what is due first. The same work in several systems is one item. What waits for a decision is told of now alone, and not with `system`: an ' +
    'approver decides for the organisation. Owners are ids of members.',
  permission: 'posture:read',
  params: organizationParams,
  query: z.strictObject({
    ...pageQuery,
    ...instantQuery,
    kind: kind.optional(),
    owner: z.uuid().toLowerCase().optional().meta({ description: 'Only what this member answers for.' }),
    system: systemId.optional().meta({ description: 'Only what is to be done for this system.' }),
  }),
  answers: { 200: { description: 'One page of work.', schema: pageOf(WorkItem, 'WorkPage') } },
});
