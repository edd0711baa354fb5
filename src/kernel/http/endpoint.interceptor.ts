import { createHash } from 'node:crypto';
import { pipeline } from 'node:stream/promises';
import { Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { Response } from 'express';
import { from, lastValueFrom, mergeMap, type Observable } from 'rxjs';
import type { z } from 'zod';
import type { Once } from '../db/database.js';
import type { Cell } from '../tables/table.js';
import { Download, isBinary, OPERATION, Reply, type CallOf, type CallRequest, type Operation } from './endpoint.js';
import { saysMissing } from '../missing.js';
import { readJson } from './json-body.js';
import { Refusal } from './problem.js';
import { columnsOf, isTabled, rowsOf, tableFormat, tableName, tableOf } from './table.js';

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

    const call: CallOf<Operation> = {
      principal: request.principal,
      params,
      query,
      body,
      once: operation.creates === true ? onceOf(request, operation, sent?.digest ?? '') : null,
      ifMatch: operation.edits === true ? ifMatchOf(request, operation.method) : null,
      request,
    };
    request.call = call;
    const table = isTabled(operation) ? tableFormat.optional().parse(query?.['table']) : undefined;
    if (table === undefined) {
      return next.handle().pipe(mergeMap((result) => from(answer(operation, request, response, result))));
    }
    const columns = columnsOf(operation);
    const pages = tablePages(operation, request, call, next, (page) => rowsOf(operation, columns, page));
    // What is wrong with the question is answered as a problem: no byte has been sent by then.
    const first = await pages.next();
    const all = joinedPages(first.done === true ? [] : first.value, pages);
    const download = tableOf(tableName(operation), table, columns, all, EPOCH);
    return from(answer(operation, request, response, download));
  }
}

/** Items read at once for a table, whatever a page of the list has at most: as many are of one moment. */
const TABLE_PAGE = 2_000;
/** A workbook has no date of its own. */
const EPOCH = new Date(0);

/** Every page of a list, by calling its handler for one after the other, each in transactions of its own. */
async function* tablePages(
  operation: Operation,
  request: CallRequest,
  call: CallOf<Operation>,
  next: CallHandler,
  rows: (answer: object) => Cell[][],
): AsyncGenerator<Cell[][], void> {
  const paging = ['limit', 'cursor'].filter((name) => operation.query?.shape[name] !== undefined);
  const named = paging.find((name) => request.query[name] !== undefined);
  if (named !== undefined) {
    throw new Refusal('invalid-request', 'A table has the whole list, and no pages.', { pointer: `query/${named}` });
  }
  for (let cursor: string | undefined; ;) {
    const page = paging.length === 0 ? {} : { limit: TABLE_PAGE, cursor };
    request.call = { ...call, query: { ...call.query, ...page, table: undefined } };
    const { data } = checked(operation, await lastValueFrom(next.handle()));
    if (typeof data !== 'object' || data === null) throw new Error(`${operation.id} answered nothing to list`);
    yield rows(data);
    if (!isPage(data)) return;
    cursor = data.next;
  }
}

async function* joinedPages(first: Cell[][], rest: AsyncIterable<Cell[][]>): AsyncGenerator<Cell[][], void> {
  yield first;
  yield* rest;
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
  const { status, headers, data } = checked(operation, result);
  // What belongs to a tenant is kept by no cache on the way, nor by a browser after its user has left.
  response.status(status).set({ 'Cache-Control': 'private, no-store', ...headers });
  if (data === undefined) {
    response.end();
    return;
  }
  if (!response.hasHeader('etag') && isVersioned(data)) response.set('ETag', `"${data.version}"`);
  if (isPage(data)) response.set('Link', nextLink(request, data.next));
  response.json(data);
}

/** What an operation has answered, as it declares it. `data` undefined: it declares no content. */
function checked(
  operation: Operation,
  result: unknown,
): { status: number; headers: Readonly<Record<string, string>>; data: unknown } {
  const statuses = Object.keys(operation.answers).map(Number);
  const { status, body, headers } =
    result instanceof Reply ? result : new Reply(statuses.length === 1 ? (statuses[0] ?? 200) : 200, result);
  const declared = operation.answers[status];
  if (declared === undefined) throw new Error(`${operation.id} answered ${status}, which it does not declare`);
  if (declared.schema === undefined) return { status, headers, data: undefined };
  const parsed = declared.schema.safeParse(body);
  if (!parsed.success) throw new Error(`${operation.id} answered what it does not declare: ${parsed.error.message}`);
  return { status, headers, data: parsed.data };
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
