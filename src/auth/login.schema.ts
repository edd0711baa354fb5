import { z } from 'zod';
import { operation } from '../kernel/http/endpoint.js';
import { CALLBACK_PATH, LOGIN_PATH } from './session.js';

const location = { Location: 'Where the browser goes next.' };

export const login = operation({
  id: 'login',
  method: 'GET',
  path: LOGIN_PATH,
  tag: 'Access',
  summary: 'Sign in with a browser',
  description: 'Sends the browser to the OpenID provider (Authorization Code with PKCE), and from there to `returnTo`.',
  permission: 'public',
  query: z.strictObject({
    returnTo: z
      .string()
      .max(2_000)
      .optional()
      .meta({ description: 'A path of this service; anything else becomes the start page.', examples: ['/'] }),
    issuer: z.string().max(500).optional().meta({ description: 'One of the issuers. Default: the first.' }),
  }),
  answers: { 302: { description: 'To the provider.', headers: location } },
  refusals: ['unavailable'],
});

export const loginCallback = operation({
  id: 'loginCallback',
  method: 'GET',
  path: CALLBACK_PATH,
  tag: 'Access',
  summary: 'Come back from the provider',
  description: "The redirection endpoint (RFC 6749 section 3.1.2): takes the provider's answer, and begins a session.",
  permission: 'public',
  query: z.looseObject({}).meta({ description: "The provider's answer (RFC 6749 section 4.1.2)." }),
  answers: { 303: { description: 'Signed in.', headers: location } },
  refusals: ['unauthenticated', 'unavailable'],
});

export const logout = operation({
  id: 'logout',
  method: 'POST',
  path: '/logout',
  tag: 'Access',
  summary: 'Sign out',
  description: 'Ends the session here, and at the provider where it can (OpenID Connect RP-Initiated Logout).',
  permission: 'public',
  answers: { 303: { description: 'Signed out.', headers: location } },
  refusals: ['forbidden'],
});
