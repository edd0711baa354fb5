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
const freshness = z.record(catalogueId, days).meta({
  description: 'How many days evidence of a practice stays fresh, by practice id, where it differs from the catalogue.',
});
const overlays = z
  .array(catalogueId)
  .max(1)
  .meta({ description: 'The overlay of the catalogue that is judged beside the Rule in force: one at most.' });

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

/** The catalogue has some hundred practices; the bound keeps a version's row small. */
export const MAX_FRESHNESS = 500;

const settings = z.object({ freshness, overlays, phiLabels }).meta({
  id: 'OrganizationSettings',
  description: 'What an organisation sets for itself in place of product defaults.',
});
export type Settings = z.infer<typeof settings>;
export const NO_SETTINGS: Settings = { freshness: {}, overlays: [], phiLabels: [...DEFAULT_PHI_LABELS] };

const example = {
  id: '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a00',
  name: 'Lakeside Clinic',
  settings: {
    freshness: { 'audit-policy-coverage': 30 },
    overlays: ['nprm-2025'],
    phiLabels: [{ key: 'data-classification', values: ['phi', 'ephi'] }],
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
    'A merge patch (RFC 7396): what is left out stays, a freshness of null goes back to the catalogue, and overlays and labels are replaced as a whole. ' +
    'Other labels judge the latest snapshot of each cluster anew. ' +
    'Every version is kept, and posture of the past is judged by the settings of then. Practice and overlay ids are checked by shape alone: ' +
    'one that the catalogue does not know has no effect.',
  permission: 'organizations:write',
  params: organizationParams,
  body: z
    .strictObject({
      name: nameText.optional(),
      settings: z
        .strictObject({
          freshness: z.record(catalogueId, days.nullable()).optional(),
          overlays: overlays.optional(),
          phiLabels: phiLabels.optional(),
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
