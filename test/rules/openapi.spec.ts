import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const run = promisify(execFile);

interface Schema {
  $ref?: string;
  format?: string;
  description?: string;
  examples?: unknown;
  example?: unknown;
}
interface Media {
  schema?: Schema;
  example?: unknown;
  examples?: Record<string, unknown>;
}
interface Answer {
  description?: string;
  content?: Record<string, Media>;
}
interface Operation {
  operationId: string;
  summary?: string;
  description?: string;
  tags?: string[];
  security?: unknown[];
  parameters?: { name: string; in: string; required?: boolean; description?: string; schema?: Schema }[];
  requestBody?: { content: Record<string, Media> };
  responses: Record<string, Answer>;
}
interface Document {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema> };
}

const document = parse(readFileSync(join(ROOT, 'openapi.yaml'), 'utf8')) as Document;
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), ...operation })),
);

/** What the linter finds today and what would mend it. What it does not find any more must go: the list only shrinks. */
const knownFaults = new Set<string>([]);

interface Lint {
  problems: { ruleId: string; location: { pointer: string }[]; message: string }[];
}

describe('is openapi.yaml a contract?', () => {
  it('it is what the program says', async () => {
    await run(process.execPath, [join(ROOT, 'dist/src/openapi.js'), '--check'], { cwd: ROOT });
  });

  it('the linter has nothing to say', async () => {
    const linted = await run(
      process.execPath,
      [
        join(ROOT, 'node_modules/@redocly/cli/bin/cli.js'),
        'lint',
        'openapi.yaml',
        '--format=json',
        '--max-problems=1000',
      ],
      {
        cwd: ROOT,
        maxBuffer: 64 * 1024 * 1024,
        // Nothing is asked of, or told to, anybody outside.
        env: {
          PATH: process.env['PATH'],
          REDOCLY_TELEMETRY: 'off',
          REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true',
          CI: 'true',
        },
      },
    ).catch((error: unknown) => error as { stdout: string; stderr: string });
    if (!linted.stdout.includes('{')) throw new Error(linted.stderr);
    const { problems } = JSON.parse(linted.stdout.slice(linted.stdout.indexOf('{'))) as Lint;
    const found = problems.map(
      ({ ruleId, location, message }) => `${ruleId} ${location[0]?.pointer ?? ''}: ${message}`,
    );
    expect(found.filter((fault) => !knownFaults.has(fault))).toEqual([]);
    expect([...knownFaults].filter((fault) => !found.includes(fault))).toEqual([]);
  });

  it('each operation has an id of its own, a summary, a description and a tag', () => {
    expect(operations.length).toBeGreaterThan(40);
    expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(operations.length);
    const poor = operations.filter(
      ({ operationId, summary = '', description = '', tags = [] }) =>
        !/^[a-z][A-Za-z]+$/.test(operationId) || summary === '' || description.length < 20 || tags.length !== 1,
    );
    expect(poor.map(({ operationId }) => operationId)).toEqual([]);
  });

  it('each parameter is described', () => {
    const poor = operations.flatMap(({ operationId, parameters = [] }) =>
      parameters
        .filter(({ description, schema }) => (description ?? schema?.description ?? '') === '')
        .map(({ name }) => `${operationId} ${name}`),
    );
    expect(poor).toEqual([]);
  });

  it('each placeholder of a path is a parameter, and is required', () => {
    const poor = operations.filter(({ path, parameters = [] }) => {
      const names = [...path.matchAll(/\{([^}]+)\}/g)].map(([, name]) => name);
      const declared = parameters.filter((one) => one.in === 'path' && one.required === true).map(({ name }) => name);
      return names.sort().join() !== declared.sort().join();
    });
    expect(poor.map(({ operationId }) => operationId)).toEqual([]);
  });

  it('each JSON body and answer has an example', () => {
    const poor: string[] = [];
    for (const { operationId, requestBody, responses } of operations) {
      const bodies = [['body', requestBody ?? { content: {} }] as const, ...Object.entries(responses)];
      for (const [name, { content = {} }] of bodies) {
        for (const [type, media] of Object.entries(content)) {
          // A report is posted as its tool wrote it: its examples are the formats.
          if (media.schema?.format === 'binary') continue;
          if (/json$/.test(type) && !hasExample(media)) poor.push(`${operationId} ${name}`);
        }
      }
    }
    expect(poor).toEqual([]);
  });

  it('each operation has a success, and says every way in which it fails', () => {
    for (const { operationId, path, method, security, parameters = [], requestBody, responses } of operations) {
      const statuses = Object.keys(responses);
      expect(statuses.filter((status) => /^[23]/.test(status)).length, operationId).toBeGreaterThan(0);
      const due = ['400', '500'];
      if (security === undefined) due.push('401', '403', '503');
      if (path.includes('{')) due.push('404');
      if (requestBody !== undefined) due.push('413', '415');
      if (parameters.some(({ name }) => name === 'Idempotency-Key')) due.push('409');
      if (parameters.some(({ name }) => name === 'If-Match')) due.push('412', '428');
      expect(
        due.filter((status) => !statuses.includes(status)),
        `${method} ${path}`,
      ).toEqual([]);
    }
  });

  it('each failure is a problem document with an example of each of its types', () => {
    for (const { operationId, responses } of operations) {
      for (const [status, answer] of Object.entries(responses).filter(([status]) => /^[45]/.test(status))) {
        expect(Object.keys(answer.content ?? {}), `${operationId} ${status}`).toEqual(['application/problem+json']);
        const media = answer.content?.['application/problem+json'];
        expect(media?.schema, `${operationId} ${status}`).toEqual({ $ref: '#/components/schemas/Problem' });
        const named = [...(answer.description ?? '').matchAll(/`([a-z-]+)`/g)].map(([, code]) => code);
        expect(Object.keys(media?.examples ?? {}).sort(), `${operationId} ${status}`).toEqual(named.sort());
      }
    }
  });

  it('creating calls take an Idempotency-Key, edits an If-Match', () => {
    const takes = (name: string) =>
      operations
        .filter(({ parameters = [] }) => parameters.some((one) => one.in === 'header' && one.name === name))
        .map(({ operationId }) => operationId)
        .sort();
    expect(takes('Idempotency-Key')).toEqual(
      [
        'addMember',
        'commentEvidenceRequest',
        'createEngagement',
        'createOrganization',
        'createRecord',
        'createSystem',
        'createWebhook',
        'openEvidenceRequest',
        'postScan',
        'requestPackage',
        'startRiskAnalysis',
        'trustAgent',
      ].sort(),
    );
    const patches = operations.filter(({ method }) => method === 'PATCH' || method === 'PUT');
    // Of a record every move is one of the version that was read.
    const moves = operations.filter(
      ({ path, method, operationId }) =>
        (path.includes('/records/') && method !== 'GET') ||
        ['freezePosture', 'rotateWebhookSecret', 'answerEvidenceRequest', 'decideEvidenceRequest'].includes(
          operationId,
        ),
    );
    expect(takes('If-Match')).toEqual(
      [...new Set([...patches, ...moves].map(({ operationId }) => operationId))].sort(),
    );
  });

  it('lists are paged by limit and cursor', () => {
    const lists = operations.filter(
      ({ operationId, path }) => operationId.startsWith('list') && path.startsWith('/v1/organizations'),
    );
    expect(lists.length).toBeGreaterThan(7);
    for (const { operationId, parameters = [] } of lists) {
      const names = parameters.map(({ name }) => name);
      expect(names, operationId).toEqual(expect.arrayContaining(['limit', 'cursor']));
    }
  });

  it('named schemas are described', () => {
    const poor = Object.entries(document.components.schemas).filter(([, { description = '' }]) => description === '');
    // Any JSON value: it refers to itself, so the generator gives it a name.
    expect(poor.map(([name]) => name).filter((name) => name !== '__schema0')).toEqual([]);
  });
});

function hasExample({ schema, example, examples }: Media): boolean {
  if (example !== undefined || Object.keys(examples ?? {}).length > 0) return true;
  const name = schema?.$ref?.split('/').at(-1);
  const named = name === undefined ? schema : document.components.schemas[name];
  return named?.example !== undefined || (Array.isArray(named?.examples) && named.examples.length > 0);
}
