import { z } from 'zod';
import {
  createDocument,
  type ZodOpenApiObject,
  type ZodOpenApiOperationObject,
  type ZodOpenApiPathsObject,
  type ZodOpenApiResponseObject,
} from 'zod-openapi';
import { isBinary, type Answer, type Operation } from './endpoint.js';
import { PROBLEMS, problemType, type ProblemCode } from './problem.js';
import { isTabled, TABLE_TYPES } from './table.js';

const Problem = z
  .looseObject({
    type: z.string().meta({ description: 'Stable; resolves to the page that explains the problem.' }),
    title: z.string(),
    status: z.number().int(),
    detail: z.string().meta({ description: 'What was wrong with this request, and the next step.' }),
    pointer: z
      .string()
      .optional()
      .meta({ description: 'Where: an RFC 6901 pointer into the body, or `query/<name>`, `header/<name>`.' }),
    requestId: z.string().meta({ description: 'Give it to the operator: the logs carry it.' }),
  })
  .meta({ id: 'Problem', description: 'Why a request was refused (RFC 9457).' });

const REQUEST_ID = '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8aff';

/** The API as OpenAPI 3.1, made of the operations alone: what is checked at run time and what is documented cannot differ. */
export function openApiDocument(operations: readonly Operation[], version: string): Record<string, unknown> {
  const paths: ZodOpenApiPathsObject = {};
  const ordered = [...operations].sort((a, b) => (a.path + a.method < b.path + b.method ? -1 : 1));
  for (const operation of ordered) {
    const path = operation.path.replace(/:([A-Za-z]+)/g, '{$1}').replace(/\/\*([A-Za-z]+)/g, '/{$1}');
    paths[path] = { ...paths[path], [operation.method.toLowerCase()]: operationObject(operation) };
  }
  const tags = [...new Set(ordered.map((operation) => operation.tag))].sort();
  const problems = new Set(ordered.flatMap(problemsOf));
  const document: ZodOpenApiObject = {
    openapi: '3.1.0',
    info: {
      title: 'Safeguard',
      version,
      summary: 'Evidence service for the HIPAA Security Rule on Kubernetes',
      description:
        'Agents post what scanners and clusters say; Safeguard keeps it in custody and says for each paragraph of the HIPAA Security Rule what is proven, by what and until when, ' +
        'now or at any past instant.\n\nTimes are RFC 3339 in UTC. Lists are paged by an opaque cursor (`next`, also as a `Link` header), and given whole as CSV or XLSX with `table`. Errors are RFC 9457 problem documents. ' +
        'Creating calls take `Idempotency-Key`; edits take `If-Match` with the ETag that was read. A resource of another organisation does not exist: 404.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/', description: 'This service.' }],
    tags: tags.map((name) => ({ name, description: tagDescription(name) })),
    security: [{ bearer: [] }, { session: [] }],
    components: {
      examples: Object.fromEntries([...problems].sort().map((code) => [code, { value: exampleOf(code) }])),
      securitySchemes: {
        bearer: {
          type: 'http',
          scheme: 'bearer',
          description:
            'An access token of a configured OpenID issuer (people) or of an issuer that the organisation trusts (agents).',
        },
        session: {
          type: 'apiKey',
          in: 'cookie',
          name: 'safeguard',
          description:
            'A browser session (`/login`); over https the cookie is called `__Host-safeguard`. Unsafe methods also need the header `X-Requested-With: safeguard`.',
        },
      },
    },
    paths,
  };
  return createDocument(document) as unknown as Record<string, unknown>;
}

const TAGS: Readonly<Record<string, string>> = {
  Access: 'Signing in and out, and who one is.',
  Agents: 'Which machines an organisation trusts to post for which system, by issuer, audience and subject.',
  Agreements: 'Vendors, their business associate agreements, and how promises flow down to subcontractors.',
  Audit: 'What changed and who read evidence: one event each, never edited.',
  Bulk: 'Records as tables: imported as a whole or not at all, and exported as they are imported.',
  Catalog:
    'The HIPAA Security Rule, the practices that support it and the checks that support those: the same for every organisation.',
  Checks:
    'What snapshots of clusters are judged by: the checks of the catalogue, as an organisation has changed them, and its own.',
  Engagements: 'Auditors who are let in to a scope and a period, for a time: what they read, and what they ask for.',
  Events: 'Security-relevant events that logs in custody tell.',
  Evidence: 'Bytes in custody.',
  Facts: 'What reports say is so where they judge nothing, over time: keys, certificates, backups, contents of images.',
  Health: 'For probes.',
  Keys: 'Keys and secrets by what records and reports say of them, and their rotations. Never their material.',
  Members: 'Who belongs to an organisation, in which role.',
  Notices: 'Being told of what happens: webhooks, and a calendar of what is due.',
  Organizations: 'Tenants: a covered entity or a business associate each.',
  Packages: 'What is handed to an auditor.',
  Posture: 'What is proven for each paragraph, by what and until when, at any instant.',
  Records: 'What people keep: typed records with versions, documents and two people behind each approval.',
  Recovery: 'Whether what is backed up can be restored as it has to be: objectives, backups, restore tests.',
  Reference: 'This document and its page.',
  Results: 'What tools said of each check on each resource, over time.',
  'Risk analyses':
    'The workbench of risk analyses: what they start from, what they rest on, and what has changed since the last.',
  Scans: 'Reports of scanners: posting them and what became of them.',
  Systems: 'Information systems in scope, usually a cluster each.',
};

function tagDescription(name: string): string {
  const description = TAGS[name];
  if (description === undefined) throw new Error(`the tag ${name} has no description`);
  return description;
}

function operationObject(operation: Operation): ZodOpenApiOperationObject {
  const headers = headerParameters(operation);
  const body = operation.body;
  return {
    operationId: operation.id,
    tags: [operation.tag],
    summary: operation.summary,
    description: `${operation.description}\n\n${operation.permission === 'public' ? 'Needs no token.' : `Permission: \`${operation.permission}\`.`}`,
    ...(operation.permission === 'public' ? { security: [] } : {}),
    requestParams: {
      ...(operation.params === undefined ? {} : { path: operation.params }),
      ...(operation.query === undefined ? {} : { query: operation.query }),
      ...(headers === null ? {} : { header: headers }),
    },
    ...(body === undefined
      ? {}
      : {
          requestBody: {
            required: true,
            ...(isBinary(body) ? { description: body.description } : {}),
            content: isBinary(body) ? binaryContent(body.mediaTypes) : { [jsonType(operation)]: { schema: body } },
          },
        }),
    responses: Object.fromEntries<ZodOpenApiResponseObject>([
      ...Object.entries(operation.answers).map(
        ([status, answer]) => [status, answerObject(answer, isTabled(operation) && status === '200')] as const,
      ),
      ...(isConditional(operation)
        ? [['304', { description: 'It still has the ETag that was sent as If-None-Match.' }] as const]
        : []),
      ...problemResponses(operation),
    ]),
  };
}

const jsonType = (operation: Operation) =>
  operation.method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';

const binaryContent = (mediaTypes: readonly string[]) =>
  Object.fromEntries(mediaTypes.map((type) => [type, { schema: { type: 'string' as const, format: 'binary' } }]));

function headerParameters(operation: Operation): z.ZodObject | null {
  const headers: Record<string, z.ZodType> = {};
  if (operation.creates === true) {
    headers['Idempotency-Key'] = z
      .string()
      .max(200)
      .optional()
      .meta({
        description:
          'Any string of yours that names this request: a retry with it gets the first answer again, for 30 days.',
        examples: ['nightly-2026-11-23'],
      });
  }
  if (operation.edits === true) {
    const ifMatch = z.string().meta({ description: 'The ETag that was read.', examples: ['"3"'] });
    headers['If-Match'] = operation.method === 'PUT' ? ifMatch.optional() : ifMatch;
    if (operation.method === 'PUT') {
      headers['If-None-Match'] = z
        .literal('*')
        .optional()
        .meta({ description: 'In place of If-Match, where nothing was there to be read.' });
    }
  }
  for (const [name, description] of Object.entries(operation.headers ?? {})) {
    headers[name] = z.string().optional().meta({ description });
  }
  return Object.keys(headers).length === 0 ? null : z.object(headers);
}

/** What the interceptor adds by itself: see `answer` there. */
function headersOf({ schema }: Answer): Record<string, string> {
  const shape = schema instanceof z.ZodObject ? schema.shape : {};
  return {
    ...('version' in shape ? { ETag: 'Strong: the version, for If-Match and If-None-Match.' } : {}),
    ...('items' in shape && 'next' in shape ? { Link: 'RFC 8288: `rel="next"`, where there is a next page.' } : {}),
  };
}

const isConditional = (operation: Operation): boolean => {
  const schema = operation.answers[200]?.schema;
  return operation.method === 'GET' && schema instanceof z.ZodObject && 'version' in schema.shape;
};

function answerObject(answer: Answer, isTable: boolean): ZodOpenApiResponseObject {
  const described = {
    ...headersOf(answer),
    ...(isTable ? { 'Content-Disposition': 'Of a table: a name for the file.' } : {}),
    ...answer.headers,
  };
  const headers = Object.fromEntries(
    Object.entries(described).map(([name, description]) => [
      name,
      { description, schema: { type: 'string' as const } },
    ]),
  );
  return {
    description: answer.description,
    ...(Object.keys(described).length === 0 ? {} : { headers }),
    ...(answer.schema === undefined
      ? {}
      : {
          content: {
            'application/json': { schema: answer.schema },
            ...(isTable ? binaryContent(TABLE_TYPES) : {}),
          },
        }),
    ...(answer.binary === undefined ? {} : { content: binaryContent(answer.binary.mediaTypes) }),
  };
}

/** Every problem that the operation can answer with: its own, and those of its kind. */
export function problemsOf(operation: Operation): ProblemCode[] {
  const codes = new Set<ProblemCode>(['invalid-request', 'internal', ...(operation.refusals ?? [])]);
  if (operation.permission !== 'public') {
    for (const code of ['unauthenticated', 'mfa-required', 'forbidden', 'unavailable'] as const) codes.add(code);
  }
  if (operation.params !== undefined) codes.add('not-found');
  if (operation.body !== undefined) codes.add('unsupported-media-type').add('too-large').add('unsupported-encoding');
  if (operation.body !== undefined && !isBinary(operation.body)) codes.add('malformed-json');
  if (operation.creates === true) codes.add('idempotency-conflict').add('malformed-header');
  if (operation.edits === true) codes.add('precondition-failed').add('precondition-required');
  return [...codes];
}

const exampleOf = (code: ProblemCode) => ({
  type: problemType(code),
  title: PROBLEMS[code][1],
  status: PROBLEMS[code][0],
  detail: `${PROBLEMS[code][1]}.`,
  requestId: REQUEST_ID,
});

function problemResponses(operation: Operation): [string, ZodOpenApiResponseObject][] {
  const byStatus = Map.groupBy(problemsOf(operation), (code) => PROBLEMS[code][0]);
  return [...byStatus].map(([status, codes]) => [
    String(status),
    {
      description: codes.map((code) => `\`${code}\`: ${PROBLEMS[code][1]}.`).join(' '),
      content: {
        'application/problem+json': {
          schema: Problem,
          examples: Object.fromEntries(codes.map((code) => [code, { $ref: `#/components/examples/${code}` }])),
        },
      },
    },
  ]);
}
