import { z } from 'zod';
import { operation } from '../kernel/http/endpoint.js';
import { pageOf, pageQuery } from '../kernel/http/page.js';
import { flag, organizationId, organizationParams } from '../kernel/http/parameters.js';
import type { Role } from '../kernel/principal.js';
import { issuerText, nameText, subjectText } from './text.schema.js';

/** What a person can be; `agent` is for machines, which are trusted and not members. */
export const MEMBER_ROLES = [
  'admin',
  'compliance_officer',
  'approver',
  'auditor',
  'viewer',
] as const satisfies readonly Role[];
export type MemberRole = (typeof MEMBER_ROLES)[number];

const role = z.enum(MEMBER_ROLES);

const example = {
  id: '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a02',
  issuer: 'https://login.example.org',
  subject: '3f0c9a52',
  name: 'Ada Quill',
  role: 'compliance_officer',
  version: 1,
  createdAt: '2026-11-23T09:01:00.000Z',
  removedAt: null,
};

const MemberView = z
  .object({
    id: z.uuid(),
    issuer: z.string().meta({ description: "The OpenID provider's issuer, as in the token." }),
    subject: z.string().meta({ description: 'The person at that issuer: `sub` of the token.' }),
    name: z.string(),
    role,
    version: z.int().meta({ description: 'Goes up by one with each change; the ETag.' }),
    createdAt: z.iso.datetime().meta({ description: 'UTC.' }),
    removedAt: z.iso
      .datetime()
      .nullable()
      .meta({ description: 'UTC. A removed member stays readable, because the audit log names members by id.' }),
  })
  .meta({ id: 'Member', description: 'A person with a role in an organisation.', examples: [example] });
export type MemberView = z.infer<typeof MemberView>;

const members = '/v1/organizations/:organizationId/members';
const memberParams = z.object({
  organizationId,
  memberId: z.uuid().meta({ description: 'The member.', examples: [example.id] }),
});

export const listMembers = operation({
  id: 'listMembers',
  method: 'GET',
  path: members,
  tag: 'Members',
  summary: 'List members',
  description: 'Who has access in which role, by id.',
  permission: 'members:read',
  params: organizationParams,
  query: z.strictObject({
    ...pageQuery,
    role: role.optional().meta({ description: 'Only this role.' }),
    includeRemoved: flag('Also those whose access has ended.'),
  }),
  answers: { 200: { description: 'One page.', schema: pageOf(MemberView, 'MemberPage') } },
});

export const addMember = operation({
  id: 'addMember',
  method: 'POST',
  path: members,
  tag: 'Members',
  summary: 'Add a member',
  description: 'Gives a person access from now on. One person has one role in an organisation.',
  permission: 'members:write',
  params: organizationParams,
  body: z.strictObject({ issuer: issuerText, subject: subjectText, name: nameText, role }).meta({
    id: 'NewMember',
    description: 'Who shall belong to the organisation.',
    examples: [{ issuer: example.issuer, subject: example.subject, name: example.name, role: example.role }],
  }),
  answers: { 201: { description: 'Added.', schema: MemberView } },
  refusals: ['conflict', 'trust-issuer-refused'],
  creates: true,
});
export type NewMember = z.infer<(typeof addMember)['body']>;

export const getMember = operation({
  id: 'getMember',
  method: 'GET',
  path: `${members}/:memberId`,
  tag: 'Members',
  summary: 'Read a member',
  description: 'Also one that was removed.',
  permission: 'members:read',
  params: memberParams,
  answers: { 200: { description: 'The member.', schema: MemberView } },
});

export const changeMember = operation({
  id: 'changeMember',
  method: 'PATCH',
  path: `${members}/:memberId`,
  tag: 'Members',
  summary: 'Change a member',
  description:
    'A new name or role, in force from the next request on. Nobody changes the own role, and the last admin keeps it.',
  permission: 'members:write',
  params: memberParams,
  body: z
    .strictObject({ name: nameText.optional(), role: role.optional() })
    .meta({ id: 'MemberChange', description: 'What shall change of a member.', examples: [{ role: 'auditor' }] }),
  answers: { 200: { description: 'As it is now.', schema: MemberView } },
  refusals: ['last-admin', 'conflict'],
  edits: true,
});
export type MemberChange = z.infer<(typeof changeMember)['body']>;

export const removeMember = operation({
  id: 'removeMember',
  method: 'DELETE',
  path: `${members}/:memberId`,
  tag: 'Members',
  summary: 'Remove a member',
  description:
    'Ends access from the next request on (45 CFR 164.308(a)(3)(ii)(C)). Removing one who is removed changes nothing. The last admin stays.',
  permission: 'members:write',
  params: memberParams,
  answers: { 204: { description: 'Removed.' } },
  refusals: ['last-admin'],
});
