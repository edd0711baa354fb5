import { z } from 'zod';
import { operation } from '../kernel/http/endpoint.js';
import { PROBLEMS, type ProblemCode } from '../kernel/http/problem.js';

export const ASSETS = {
  'swagger-ui.css': 'text/css; charset=utf-8',
  'swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
  'start.js': 'text/javascript; charset=utf-8',
} as const;
export type Asset = keyof typeof ASSETS;

export const getStart = operation({
  id: 'getStart',
  method: 'GET',
  path: '/',
  tag: 'Reference',
  summary: 'Where to begin',
  description: 'A page for people: what this is, signing in and out, the reference.',
  permission: 'public',
  answers: { 200: { description: 'The page.', binary: { mediaTypes: ['text/html'], description: 'HTML.' } } },
});

export const getReference = operation({
  id: 'getReference',
  method: 'GET',
  path: '/docs',
  tag: 'Reference',
  summary: 'The reference page of this API',
  description:
    'For people: every operation, to read and to try with the own session. A browser without a session is sent to `/login`.',
  permission: 'authenticated',
  answers: {
    200: { description: 'The page.', binary: { mediaTypes: ['text/html'], description: 'HTML.' } },
    302: { description: 'A browser that is not signed in is sent to `/login`.', headers: { Location: 'The login.' } },
  },
});

export const getReferenceAsset = operation({
  id: 'getReferenceAsset',
  method: 'GET',
  path: '/docs/assets/:name',
  tag: 'Reference',
  summary: 'A script or style sheet of the reference page',
  description: 'Nothing of any organisation.',
  permission: 'public',
  params: z.object({
    name: z.enum(Object.keys(ASSETS) as [Asset, ...Asset[]]).meta({ description: 'The file.', examples: ['start.js'] }),
  }),
  answers: {
    200: {
      description: 'The file.',
      binary: { mediaTypes: ['text/css', 'text/javascript'], description: 'The file.' },
    },
  },
});

export const getOpenApi = operation({
  id: 'getOpenApi',
  method: 'GET',
  path: '/openapi.yaml',
  tag: 'Reference',
  summary: 'This document',
  description: 'OpenAPI 3.1, made of the running program.',
  permission: 'public',
  answers: {
    200: { description: 'The document.', binary: { mediaTypes: ['application/yaml'], description: 'YAML.' } },
  },
});

export const getProblem = operation({
  id: 'getProblem',
  method: 'GET',
  path: '/problems/:code',
  tag: 'Reference',
  summary: 'What a problem type means',
  description: 'The `type` of every problem document leads here.',
  permission: 'public',
  params: z.object({
    code: z
      .enum(Object.keys(PROBLEMS) as [ProblemCode, ...ProblemCode[]])
      .meta({ description: 'The last segment of the type.', examples: ['digest-mismatch'] }),
  }),
  answers: {
    200: {
      description: 'The problem.',
      schema: z.object({ code: z.string(), status: z.number().int(), title: z.string() }).meta({
        id: 'ProblemType',
        description: 'A kind of problem.',
        examples: [{ code: 'digest-mismatch', status: 400, title: PROBLEMS['digest-mismatch'][1] }],
      }),
    },
  },
});
