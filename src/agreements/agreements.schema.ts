import { z } from 'zod';
import { operation } from '../kernel/http/endpoint.js';
import { pageOf, pageQuery } from '../kernel/http/page.js';
import { instantQuery, organizationId, organizationParams } from '../kernel/http/parameters.js';
import { VENDOR_STATES } from './register.js';
import { MAX_CHAIN } from './chain.js';
import { RETURN_DAYS } from './returns.js';
import { TERM_NAMES } from './terms.js';

const time = z.iso.datetime();
const part = z.object({
  systemId: z.uuid().nullable().meta({ description: 'Null: the whole organisation.' }),
  namespace: z.string().nullable().meta({ description: 'Null: all of them.' }),
});
const parts = z.array(part);

const AgreementView = z
  .object({
    recordId: z.uuid(),
    version: z.int(),
    title: z.string(),
    ownerId: z.string(),
    isReadable: z
      .boolean()
      .meta({ description: 'False: its fields are not those of an agreement; it counts for nothing.' }),
    inForce: z.boolean(),
    effectiveFrom: time,
    signedOn: z.iso.date().nullable(),
    endsAt: time.nullable().meta({
      description:
        'The first instant at which it is not in force any more, of itself or by an end that is decided on; null: it renews itself, or has no end.',
    }),
    hasRenewedItself: z.boolean(),
    renewal: z.enum(['none', 'automatic', 'by_notice']).nullable(),
    noticeDays: z.int().nullable(),
    incidentNoticeHours: z.number().nullable(),
    returnOrDestroy: z.enum(['return', 'destroy', 'infeasible']).nullable(),
    termsMissing: z.array(z.enum(TERM_NAMES)).meta({ description: 'Required terms that it does not have.' }),
    covers: parts,
    dataClasses: z.array(z.string()),
  })
  .meta({ description: 'A business associate agreement in effect.' });

const vendorMembers = {
  vendorId: z.uuid(),
  name: z.string(),
  role: z.enum(['business_associate', 'subcontractor', 'covered_entity', 'other']).nullable(),
  ephi: z.boolean().meta({ description: 'Whether it handles ePHI. What cannot be read does.' }),
  parentId: z.uuid().nullable().meta({ description: 'The vendor that it works for.' }),
  states: z.array(z.enum(VENDOR_STATES)).meta({ description: 'All that is so of it, the worst first.' }),
};
const vendorExample = {
  vendorId: '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a40',
  name: 'Lakeside Imaging',
  role: 'business_associate',
  ephi: true,
  parentId: null,
  states: ['ending', 'in-force'],
};

const VendorAgreements = z
  .object({
    ...vendorMembers,
    ownerId: z.string(),
    hasEnded: z.boolean().meta({ description: 'It is in effect no more, and has left the return of PHI open.' }),
    chain: z.array(z.uuid()).meta({ description: 'The vendors above it, the one that it works for first.' }),
    agreements: z
      .array(AgreementView)
      .meta({ description: 'In force, or not any more because their time has run out.' }),
    uncovered: parts.meta({ description: 'Where it handles ePHI and no agreement in force covers it.' }),
    review: z
      .object({ recordId: z.uuid(), verifiedAt: time, isAdequate: z.boolean() })
      .nullable()
      .meta({ description: 'The last verification of its safeguards.' }),
    returns: z.array(z.object({ agreementId: z.uuid(), parts, endedAt: time, dueAt: time })).meta({
      description: `Agreements that ended, or that were narrowed by a later version, and the \`parts\` whose PHI is not shown to be returned or destroyed; due ${RETURN_DAYS} days after.`,
    }),
  })
  .meta({
    id: 'VendorAgreements',
    description: 'A vendor with its agreements, at an instant.',
    examples: [
      {
        ...vendorExample,
        ownerId: '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a02',
        hasEnded: false,
        chain: [],
        agreements: [
          {
            recordId: '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a41',
            version: 1,
            title: 'Lakeside Imaging, BAA 2026',
            ownerId: '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a02',
            isReadable: true,
            inForce: true,
            effectiveFrom: '2026-01-01T00:00:00.000Z',
            signedOn: '2025-12-20',
            endsAt: '2027-01-01T00:00:00.000Z',
            hasRenewedItself: false,
            renewal: 'by_notice',
            noticeDays: 60,
            incidentNoticeHours: 24,
            returnOrDestroy: 'destroy',
            termsMissing: [],
            covers: [{ systemId: null, namespace: null }],
            dataClasses: ['images'],
          },
        ],
        uncovered: [],
        review: {
          recordId: '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a42',
          verifiedAt: '2026-02-01T00:00:00.000Z',
          isAdequate: true,
        },
        returns: [],
      },
    ],
  });
export type VendorAgreementsView = z.infer<typeof VendorAgreements>;

export const listAgreements = operation({
  id: 'listAgreements',
  method: 'GET',
  path: '/v1/organizations/:organizationId/agreements',
  tag: 'Agreements',
  summary: 'List vendors with their agreements',
  description:
    'Every vendor in effect at the instant, with ePHI or without, and what is so of it: whether an agreement is in force and covers where it handles ePHI, ' +
    'which required terms are missing, whom it works for, when it ends, and what agreements that have ended leave open. By id.',
  permission: 'records:read',
  params: organizationParams,
  query: z.strictObject({
    ...pageQuery,
    ...instantQuery,
    state: z
      .enum(VENDOR_STATES)
      .optional()
      .meta({ description: 'Only vendors of which this is so.', examples: ['no-agreement'] }),
  }),
  answers: { 200: { description: 'One page of vendors.', schema: pageOf(VendorAgreements, 'VendorAgreementsPage') } },
  layout: { each: 'agreements' },
});

const ChainLink = z
  .object({
    ...vendorMembers,
    inForce: z.boolean().meta({ description: 'Whether it has an agreement in force.' }),
    bindsSubcontractors: z
      .boolean()
      .meta({ description: 'Whether its agreements in force, of which there is one, oblige it to.' }),
  })
  .meta({ id: 'VendorChainLink', description: 'A vendor in a chain.' });

const VendorChain = z
  .object({
    vendor: ChainLink,
    above: z.array(ChainLink).meta({ description: 'Whom it works for, and whom that one works for; in effect alone.' }),
    fault: z
      .enum(['cycle', 'too-long', 'broken'])
      .nullable()
      .meta({
        description: `Why the chain does not end: a circle, more than ${MAX_CHAIN} vendors, or one that is not in effect.`,
      }),
    below: z
      .array(
        ChainLink.extend({ depth: z.int() }).meta({
          id: 'VendorChainBelow',
          description: 'A vendor that works under it.',
        }),
      )
      .meta({ description: 'Who works for it, at a depth of 1, and for these.' }),
  })
  .meta({
    id: 'VendorChain',
    description: 'How the promises of agreements flow down, at an instant.',
    examples: [
      {
        vendor: { ...vendorExample, inForce: true, bindsSubcontractors: true },
        above: [],
        fault: null,
        below: [
          {
            vendorId: '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a43',
            name: 'Cold Storage',
            role: 'subcontractor',
            ephi: true,
            parentId: vendorExample.vendorId,
            states: ['no-agreement', 'no-flow-down'],
            inForce: false,
            bindsSubcontractors: false,
            depth: 1,
          },
        ],
      },
    ],
  });
export type VendorChainView = z.infer<typeof VendorChain>;
export type ChainLinkView = z.infer<typeof ChainLink>;

export const getVendorChain = operation({
  id: 'getVendorChain',
  method: 'GET',
  path: '/v1/organizations/:organizationId/vendors/:recordId/chain',
  tag: 'Agreements',
  summary: 'Read a vendor’s chain of subcontractors',
  description:
    'Whom a vendor works for and who works for it, at an instant, each with whether an agreement is in force and binds those below. 404 where the vendor is not ' +
    'in effect then.',
  permission: 'records:read',
  params: z.object({
    organizationId,
    recordId: z.uuid().toLowerCase().meta({ description: 'The record of the vendor.' }),
  }),
  query: z.strictObject({ ...instantQuery }),
  answers: { 200: { description: 'The chain.', schema: VendorChain } },
});
