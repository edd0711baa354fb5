import { createHash } from 'node:crypto';
import { pipeline } from 'node:stream/promises';
import { Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { Response } from 'express';
import { from, mergeMap, type Observable } from 'rxjs';
import type { z } from 'zod';
import type { Once } from '../db/database.js';
import { Download, isBinary, OPERATION, Reply, type CallRequest, type Operation } from './endpoint.js';
import { saysMissing } from '../missing.js';
import { readJson } from './json-body.js';
import { Refusal } from './problem.js';

/** Checks what comes in by the operation's schemas, and what goes out. */
@Injectable()
export class EndpointInterceptor implements NestInterceptor {
  constructor(private readonly reflector: Reflector) {}

  async intercept(context: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    const operation = this.reflector.get<Operation>(OPERATION, context.getHandler());
    const http = context.switchToHttp();
    const request = http.getRequest<CallRequest>();
    const response = http.getResponse<Response>();
    if (request.principal === undefined) throw new Error('no guard has set the principal');

    refuseNul(request.query);
    const query = operation.query === undefined ? undefined : check(operation.query, { ...request.query }, 'query/');
    if (operation.query === undefined && Object.keys(request.query).length > 0) {
      throw new Refusal('invalid-request', 'This operation takes no query parameters.', { pointer: 'query' });
    }
    const params = operation.params === undefined ? undefined : checkPath(operation.params, joined(request.params));
    const sent =
      operation.body === undefined || isBinary(operation.body) ? null : await readJson(request, operation.method);
    const body =
      sent === null || operation.body === undefined || isBinary(operation.body)
        ? undefined
        : check(operation.body, sent.value, '/');

    request.call = {
      principal: request.principal,
      params,
      query,
      body,
      once: operation.creates === true ? onceOf(request, operation, sent?.digest ?? '') : null,
      ifMatch: operation.edits === true ? ifMatchOf(request, operation.method) : null,
      request,
    };
    return next.handle().pipe(mergeMap((result) => from(answer(operation, request, response, result))));
  }
}

/** Parses, or refuses with the first fault's place and all faults' texts. zod's messages name types and limits, never the value. */
function check<Schema extends z.ZodType>(schema: Schema, value: unknown, prefix: string): z.output<Schema> {
  const parsed = schema.safeParse(value, { error: saysMissing });
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.slice(0, 20).map((issue) => ({
    pointer: prefix + issue.path.map((part) => String(part).replaceAll('~', '~0').replaceAll('/', '~1')).join('/'),
    detail: issue.message,
  }));
  const [first] = faults;
  throw new Refusal('invalid-request', first?.detail ?? 'The request does not have the documented shape.', {
    ...(first === undefined ? {} : { pointer: first.pointer }),
    extra: { faults },
  });
}

/** No text that is kept holds NUL (Postgres has none), so nothing is found by it. */
function refuseNul(query: CallRequest['query']): void {
  const found = Object.entries(query).find(([, value]) =>
    [value].flat().some((text) => typeof text === 'string' && text.includes('\0')),
  );
  if (found === undefined) return;
  throw new Refusal('invalid-request', 'No text here holds NUL.', { pointer: `query/${found[0]}` });
}

/** Express gives what a wildcard stands for as a list of segments. */
const joined = (params: CallRequest['params']): Record<string, string> =>
  Object.fromEntries(Object.entries(params).map(([name, value]) => [name, [value].flat().join('/')]));

/** A path that cannot name anything names nothing: 404, like an id that nobody has. */
function checkPath<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new Refusal('not-found', 'There is no such resource.');
}

function onceOf(request: CallRequest, operation: Operation, body: string): Once | null {
  const key = request.headers['idempotency-key'];
  if (key === undefined) return null;
  if (typeof key !== 'string' || !/^[\x21-\x7e]{1,200}$/.test(key)) {
    throw new Refusal('malformed-header', 'Idempotency-Key has 1 to 200 visible ASCII characters.', {
      pointer: 'header/Idempotency-Key',
    });
  }
  const asked = JSON.stringify([request.originalUrl, body]);
  return { operation: operation.id, key, fingerprint: createHash('sha256').update(asked).digest('base64url') };
}

/** The version inside a strong ETag `"7"` (RFC 9110 section 8.8.3); 0 where a PUT makes what was not there (`If-None-Match: *`, section 13.1.2). */
function ifMatchOf(request: CallRequest, method: string): number {
  const header = request.headers['if-match'];
  if (header === undefined) {
    if (method === 'PUT' && request.headers['if-none-match']?.trim() === '*') return 0;
    const orNew = method === 'PUT' ? ' Where there is none yet, send If-None-Match: *' : '';
    throw new Refusal('precondition-required', `Read the resource and send its ETag as If-Match.${orNew}`, {
      pointer: 'header/If-Match',
    });
  }
  const version = /^"(\d{1,9})"$/.exec(header)?.[1];
  if (version === undefined) throw new Refusal('precondition-failed', 'The resource has no such ETag. Read it again.');
  return Number(version);
}

async function answer(operation: Operation, request: CallRequest, response: Response, result: unknown): Promise<void> {
  if (result instanceof Download) {
    response.status(result.status).set(result.headers);
    if (result.content === null) response.end();
    // A fault in the middle destroys the connection: the reader sees a cut transfer, never a short file that looks whole.
    else await pipeline(result.content, response);
    return;
  }
  const statuses = Object.keys(operation.answers).map(Number);
  const reply =
    result instanceof Reply ? result : new Reply(statuses.length === 1 ? (statuses[0] ?? 200) : 200, result);
  const declared = operation.answers[reply.status];
  if (declared === undefined) throw new Error(`${operation.id} answered ${reply.status}, which it does not declare`);
  // What belongs to a tenant is kept by no cache on the way, nor by a browser after its user has left.
  response.status(reply.status).set({ 'Cache-Control': 'private, no-store', ...reply.headers });
  if (declared.schema === undefined) {
    response.end();
    return;
  }
  const parsed = declared.schema.safeParse(reply.body);
  if (!parsed.success) throw new Error(`${operation.id} answered what it does not declare: ${parsed.error.message}`);
  if (!response.hasHeader('etag') && isVersioned(parsed.data)) response.set('ETag', `"${parsed.data.version}"`);
  if (isPage(parsed.data)) response.set('Link', nextLink(request, parsed.data.next));
  response.json(parsed.data);
}

const isVersioned = (body: unknown): body is { version: number } =>
  typeof body === 'object' && body !== null && 'version' in body && typeof body.version === 'number';

const isPage = (body: unknown): body is { next: string } =>
  typeof body === 'object' && body !== null && 'next' in body && typeof body.next === 'string';

function nextLink(request: CallRequest, cursor: string): string {
  const url = new URL(request.originalUrl, 'http://host');
  url.searchParams.set('cursor', cursor);
  return `<${url.pathname}${url.search}>; rel="next"`;
}
