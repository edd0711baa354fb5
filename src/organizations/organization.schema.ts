import { z } from 'zod';
import { operation } from '../kernel/http/endpoint.js';
import { pageOf, pageQuery } from '../kernel/http/page.js';
import { organizationParams } from '../kernel/http/parameters.js';
import { MEMBER_ROLES } from './member.schema.js';
import { nameText } from './text.schema.js';

/** A practice or overlay of the catalogue, by shape alone: this room stands left of the catalogue, and an id that no catalogue knows has no effect. */
const catalogueId = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/);
/** Ten years: longer than the six that documents are kept (45 CFR 164.316(b)(2)(i)). */
const days = z.int().min(1).max(3660);
/** As a merge patch has it: null takes a member out. */
const orNull = <Key extends z.ZodString, Value extends z.ZodType>({ keyType, valueType }: z.ZodRecord<Key, Value>) =>
  z.record(keyType, valueType.nullable());
const freshness = z.record(catalogueId, days).meta({
  description: 'How many days evidence of a practice stays fresh, by practice id, where it differs from the catalogue.',
});
const overlays = z
  .array(catalogueId)
  .max(1)
  .meta({ description: 'The overlay of the catalogue that is judged beside the Rule in force: one at most.' });

/** A record type: of the catalogue, or `org/<name>` of the organisation's own. By shape alone, as practices. */
const TYPE = '(org/)?[a-z][a-z0-9_-]{0,63}';
const recordFreshness = z.record(z.string().regex(new RegExp(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}/${TYPE}$`)), days).meta({
  description:
    'How many days records of a type stay fresh for a practice, by `<practice>/<type>`, where it differs from the catalogue.',
});
const owners = z.record(z.string().regex(new RegExp(`^([A-Za-z0-9][A-Za-z0-9._-]{0,63}|${TYPE})$`)), z.uuid()).meta({
  description: 'Who answers for work that no record names an owner of: a member’s id, by practice or record type.',
});

const RISK_STEPS = 5;
export const RISK_LEVELS = ['low', 'moderate', 'high', 'critical'] as const;
const stepNames = (what: string) =>
  z
    .array(nameText)
    .length(RISK_STEPS)
    .meta({ description: `What the steps of ${what} are called, the least first.` });
const riskMatrix = z
  .strictObject({
    likelihood: stepNames('likelihood'),
    impact: stepNames('impact'),
    level: z
      .array(z.array(z.enum(RISK_LEVELS)).length(RISK_STEPS))
      .length(RISK_STEPS)
      .meta({ description: 'The level of a risk: a row for each likelihood, in it one for each impact.' }),
  })
  .meta({ description: 'What level a likelihood and an impact give. Replaced as a whole.' });
export type RiskMatrix = z.infer<typeof riskMatrix>;

/** NIST SP 800-30 Rev. 1, table I-2, with its «very low» and «low» as low and its «very high» as critical. */
export const DEFAULT_RISK_MATRIX: RiskMatrix = {
  likelihood: ['Very low', 'Low', 'Moderate', 'High', 'Very high'],
  impact: ['Very low', 'Low', 'Moderate', 'High', 'Very high'],
  level: [
    ['low', 'low', 'low', 'low', 'low'],
    ['low', 'low', 'low', 'low', 'moderate'],
    ['low', 'low', 'moderate', 'moderate', 'high'],
    ['low', 'low', 'moderate', 'high', 'critical'],
    ['low', 'low', 'moderate', 'high', 'critical'],
  ],
};

/** The labels of Kubernetes: a name of at most 63 characters, of a key after an optional DNS prefix (Kubernetes documentation, «Labels and Selectors»). */
const labelName = '[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?';
const phiLabels = z
  .array(
    z.strictObject({
      key: z
        .string()
        .max(317)
        .regex(
          new RegExp(`^([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?/)?${labelName}$`),
          'Not the key of a Kubernetes label.',
        )
        .meta({ description: 'As on the objects, with its prefix.' }),
      values: z
        .array(z.string().regex(new RegExp(`^${labelName}$`), 'Not the value of a Kubernetes label.'))
        .min(1)
        .max(20)
        .meta({ description: 'Any of them says it.' }),
    }),
  )
  .max(20)
  .meta({
    description:
      'Labels on namespaces, objects and pod templates that say: this holds PHI. Where no object of a cluster bears one and its system lists no namespaces, ' +
      'all of the cluster is judged as if it held PHI, but for the namespaces of Kubernetes itself.',
  });

/** What counts until an organisation says otherwise, also for settings that were kept before there were labels in them. */
export const DEFAULT_PHI_LABELS: readonly { key: string; values: string[] }[] = [
  { key: 'safeguard.dev/phi', values: ['true'] },
  { key: 'data-classification', values: ['phi', 'ephi'] },
];

/** The catalogue has some hundred practices, each with a few record types; the bounds keep a version's row small. */
export const MAX_BY_NAME = { freshness: 500, recordFreshness: 1000, owners: 1000 } as const;

const settings = z.object({ freshness, recordFreshness, owners, overlays, phiLabels, riskMatrix }).meta({
  id: 'OrganizationSettings',
  description: 'What an organisation sets for itself in place of product defaults.',
});
export type Settings = z.infer<typeof settings>;
export const NO_SETTINGS: Settings = {
  freshness: {},
  recordFreshness: {},
  owners: {},
  overlays: [],
  phiLabels: [...DEFAULT_PHI_LABELS],
  riskMatrix: DEFAULT_RISK_MATRIX,
};

const example = {
  id: '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a00',
  name: 'Lakeside Clinic',
  settings: {
    freshness: { 'audit-policy-coverage': 30 },
    recordFreshness: { 'restore-testing/restore_test': 92 },
    owners: { 'restore-testing': '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a02' },
    overlays: ['nprm-2025'],
    phiLabels: [{ key: 'data-classification', values: ['phi', 'ephi'] }],
    riskMatrix: DEFAULT_RISK_MATRIX,
  },
  version: 2,
  createdAt: '2026-11-23T09:00:00.000Z',
  updatedAt: '2026-11-23T09:05:00.000Z',
};

const OrganizationView = z
  .object({
    id: z.uuid(),
    name: z.string(),
    settings,
    version: z.int().meta({ description: 'Goes up by one with each change; the ETag.' }),
    createdAt: z.iso.datetime().meta({ description: 'UTC.' }),
    updatedAt: z.iso.datetime().meta({ description: 'UTC.' }),
  })
  .meta({
    id: 'Organization',
    description: 'A covered entity or business associate: the tenant.',
    examples: [example],
  });
export type OrganizationView = z.infer<typeof OrganizationView>;

const OwnOrganization = z.object({ id: z.uuid(), name: z.string(), role: z.enum(MEMBER_ROLES) }).meta({
  id: 'OwnOrganization',
  description: 'An organisation and the role that the caller has in it.',
  examples: [{ id: example.id, name: example.name, role: 'compliance_officer' }],
});
export type OwnOrganization = z.infer<typeof OwnOrganization>;

export const createOrganization = operation({
  id: 'createOrganization',
  method: 'POST',
  path: '/v1/organizations',
  tag: 'Organizations',
  summary: 'Create an organisation',
  description:
    'For the first admins that the deployment names. The caller becomes the first admin of the organisation, and adds the others.',
  permission: 'organizations:create',
  body: z
    .strictObject({
      name: nameText.meta({ description: 'What people call it.' }),
      adminName: nameText
        .default('First admin')
        .meta({ description: 'What people call the caller, who becomes its first admin.' }),
    })
    .meta({
      id: 'NewOrganization',
      description: 'The organisation to create.',
      examples: [{ name: example.name, adminName: 'Ada Quill' }],
    }),
  answers: { 201: { description: 'Created.', schema: OrganizationView } },
  refusals: ['conflict'],
  creates: true,
});

export const listOrganizations = operation({
  id: 'listOrganizations',
  method: 'GET',
  path: '/v1/organizations',
  tag: 'Organizations',
  summary: 'List my organisations',
  description: 'The organisations that the caller is a member of, by id.',
  permission: 'authenticated',
  query: z.strictObject(pageQuery),
  answers: { 200: { description: 'One page.', schema: pageOf(OwnOrganization, 'OwnOrganizationPage') } },
});

export const getOrganization = operation({
  id: 'getOrganization',
  method: 'GET',
  path: '/v1/organizations/:organizationId',
  tag: 'Organizations',
  summary: 'Read an organisation',
  description: 'Its name and settings, with the ETag that an edit needs.',
  permission: 'organizations:read',
  params: organizationParams,
  answers: { 200: { description: 'The organisation.', schema: OrganizationView } },
});

export const changeOrganization = operation({
  id: 'changeOrganization',
  method: 'PATCH',
  path: '/v1/organizations/:organizationId',
  tag: 'Organizations',
  summary: 'Change an organisation',
  description:
    'A merge patch (RFC 7396): what is left out stays, a freshness of null goes back to the catalogue, an owner of null is nobody’s, and overlays, labels and the risk matrix are replaced as a whole. ' +
    'Other labels judge the latest snapshot of each cluster anew. ' +
    'Every version is kept, and posture of the past is judged by the settings of then. Ids of practices, record types, overlays and members are checked by shape alone: ' +
    'one that nobody knows has no effect.',
  permission: 'organizations:write',
  params: organizationParams,
  body: z
    .strictObject({
      name: nameText.optional(),
      settings: z
        .strictObject({
          freshness: orNull(freshness).optional(),
          recordFreshness: orNull(recordFreshness).optional(),
          owners: orNull(owners).optional(),
          overlays: overlays.optional(),
          phiLabels: phiLabels.optional(),
          riskMatrix: riskMatrix.optional(),
        })
        .optional(),
    })
    .meta({
      id: 'OrganizationChange',
      description: 'What shall change of an organisation.',
      examples: [{ settings: { freshness: { 'audit-policy-coverage': 30, 'restore-testing': null } } }],
    }),
  answers: { 200: { description: 'As it is now.', schema: OrganizationView } },
  edits: true,
});
export type OrganizationChange = z.infer<(typeof changeOrganization)['body']>;
