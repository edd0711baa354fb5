import { createHash } from 'node:crypto';
import { pipeline } from 'node:stream/promises';
import { Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { Response } from 'express';
import { from, mergeMap, type Observable } from 'rxjs';
import type { z } from 'zod';
import type { Once } from '../db/database.js';
import { Download, isBinary, OPERATION, Reply, type CallRequest, type Operation } from './endpoint.js';
import { Refusal } from './problem.js';

/** JSON bodies are what people and scripts write by hand; reports are not JSON bodies and have limits of their own. */
const MAX_JSON_BYTES = 1024 * 1024;
/** Nothing that is asked for here nests deeper than ten. */
const MAX_JSON_DEPTH = 64;

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
    const params = operation.params === undefined ? undefined : checkPath(operation.params, request.params);
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
  const parsed = schema.safeParse(value);
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

/** A path that cannot name anything names nothing: 404, like an id that nobody has. */
function checkPath<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new Refusal('not-found', 'There is no such resource.');
}

/** Milliseconds in which a JSON body has to come whole: it is small, and whoever sends it drop by drop holds a connection. */
const JSON_PATIENCE = 30_000;

async function readJson(request: CallRequest, method: string): Promise<{ value: unknown; digest: string }> {
  const mediaType = (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase();
  const accepted = method === 'PATCH' ? ['application/merge-patch+json', 'application/json'] : ['application/json'];
  if (mediaType === undefined || !accepted.includes(mediaType)) {
    throw new Refusal('unsupported-media-type', `Send ${accepted.join(' or ')}.`, { pointer: 'header/Content-Type' });
  }
  const encoding = request.headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity') {
    throw new Refusal('unsupported-encoding', 'Send this body without Content-Encoding.', {
      pointer: 'header/Content-Encoding',
    });
  }
  const chunks: Buffer[] = [];
  let size = 0;
  const late = setTimeout(
    () => request.destroy(new Refusal('truncated-body', 'The body did not come in time.')),
    JSON_PATIENCE,
  );
  try {
    // Leaving the loop leaves the request alive: the refusal is answered on its connection, which may carry the next one.
    for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > MAX_JSON_BYTES) throw new Refusal('too-large', `A JSON body has at most ${MAX_JSON_BYTES} bytes.`);
      chunks.push(chunk);
    }
  } finally {
    clearTimeout(late);
  }
  const bytes = Buffer.concat(chunks);
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw new Refusal('malformed-json', 'The body is not JSON in UTF-8.');
  }
  if (isDeeperThan(value, MAX_JSON_DEPTH)) {
    throw new Refusal('malformed-json', `The body is nested deeper than ${MAX_JSON_DEPTH}.`);
  }
  return { value, digest: createHash('sha256').update(bytes).digest('base64url') };
}

/** Level by level: what is deep enough to matter would end a recursion first. */
function isDeeperThan(value: unknown, limit: number): boolean {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > limit) return true;
    level = level.flatMap((one) =>
      typeof one === 'object' && one !== null ? Object.values(one as Record<string, unknown>) : [],
    );
  }
  return false;
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
