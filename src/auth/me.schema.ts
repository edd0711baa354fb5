import { z } from 'zod';
import { operation } from '../kernel/http/endpoint.js';
import { MEMBER_ROLES } from '../organizations/member.schema.js';
import { PERMISSIONS } from '../kernel/principal.js';

const Me = z
  .object({
    issuer: z.string(),
    subject: z.string(),
    permissions: z.array(z.enum(PERMISSIONS)).meta({
      description: 'What the caller may do outside organisations; inside one, the role there says it.',
    }),
    organizations: z
      .array(
        z.object({
          id: z.uuid(),
          name: z.string(),
          role: z.enum(MEMBER_ROLES),
          permissions: z.array(z.enum(PERMISSIONS)),
        }),
      )
      .meta({ description: 'The first 100 by id; all of them: listOrganizations.' }),
  })
  .meta({
    id: 'Me',
    description: 'Who the caller is.',
    examples: [
      {
        issuer: 'https://login.example.org',
        subject: '3f0c9a52',
        permissions: ['authenticated'],
        organizations: [
          {
            id: '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a00',
            name: 'Lakeside Clinic',
            role: 'viewer',
            permissions: [
              'authenticated',
              'organizations:read',
              'systems:read',
              'scans:read',
              'results:read',
              'posture:read',
            ],
          },
        ],
      },
    ],
  });

export const getMe = operation({
  id: 'getMe',
  method: 'GET',
  path: '/v1/me',
  tag: 'Access',
  summary: 'Who am I',
  description: "The caller's identity, organisations, roles and permissions.",
  permission: 'authenticated',
  answers: { 200: { description: 'The caller.', schema: Me } },
});

const Discovery = z
  .object({
    issuers: z.array(
      z.object({
        issuer: z.string().meta({ description: 'OpenID Connect issuer.' }),
        cliClientId: z.string().meta({ description: 'The public client for the device flow (RFC 8628).' }),
        audience: z.string().meta({ description: 'Resource indicator (RFC 8707) to ask a token for.' }),
      }),
    ),
  })
  .meta({
    id: 'Discovery',
    description: 'Where tokens for this service come from.',
    examples: [
      { issuers: [{ issuer: 'https://login.example.org', cliClientId: 'safeguard-cli', audience: 'urn:safeguard' }] },
    ],
  });

export const discover = operation({
  id: 'discover',
  method: 'GET',
  path: '/.well-known/safeguard',
  tag: 'Access',
  summary: 'Where tokens come from',
  description: 'The issuers at which people sign in, for clients that know only this address. Needs no token.',
  permission: 'public',
  answers: { 200: { description: 'The issuers.', schema: Discovery } },
});
