import { applyDecorators, createParamDecorator, RequestMapping, RequestMethod, Res, SetMetadata } from '@nestjs/common';
import type { ExecutionContext } from '@nestjs/common';
import type { Request } from 'express';
import type { Readable } from 'node:stream';
import type { z } from 'zod';
import type { Once } from '../db/database.js';
import type { Permission, Principal } from '../principal.js';
import type { ProblemCode } from './problem.js';

/** Content that is not JSON: what is sent or given as it is. */
export interface Binary {
  mediaTypes: readonly string[];
  description: string;
}

export interface Answer {
  description: string;
  schema?: z.ZodType;
  binary?: Binary;
  headers?: Readonly<Record<string, string>>;
}

/**
 * One operation of the API: everything that openapi.yaml says of it, and everything that is checked before and after its handler.
 * A route without one does not start (kernel/http/http.module.ts).
 */
export interface Operation {
  id: string;
  method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE';
  /** Express form; parameters have their schema in `params`. */
  path: string;
  tag: string;
  summary: string;
  description: string;
  /** What the principal must hold; `public` needs no token. */
  permission: Permission | 'public';
  params?: z.ZodObject;
  query?: z.ZodObject;
  /** JSON, checked; or raw content, which the handler streams from the request. */
  body?: z.ZodType | Binary;
  /** Success answers by status. A handler that has more than one answers with `reply(status, …)`. */
  answers: Readonly<Record<number, Answer>>;
  /** Problems beside those that every operation of its kind can have. */
  refusals?: readonly ProblemCode[];
  /** Takes `Idempotency-Key`: a retry gets the first answer again. */
  creates?: boolean;
  /** Takes `If-Match` with the ETag that was read, and refuses without it. A PUT takes `If-None-Match: *` in its place. */
  edits?: boolean;
  /** Further request headers, by name, with their descriptions. */
  headers?: Readonly<Record<string, string>>;
  /** Of what takes `tableQuery`: how it is laid out, where a row is not one item of its list. */
  layout?: Layout;
}

/** How an answer is laid out as rows, where it is no list of them, or where what is listed has a list whose entries are the rows. */
export interface Layout {
  /** The list whose entries have a row each, beside the rest of what has it; where it is empty there is one row without. */
  each: string;
  /** What of the rest the rows have; default: all. */
  beside?: readonly string[];
}

type Output<Schema> = Schema extends z.ZodType ? z.output<Schema> : undefined;

/** What a handler is called with: checked input, and who asks. */
export interface CallOf<Op extends Operation> {
  readonly principal: Principal;
  readonly params: Output<Op['params']>;
  readonly query: Output<Op['query']>;
  readonly body: Output<Op['body']>;
  /** For `creates`: hand it to `Database.write`. Null when the caller sent no Idempotency-Key. */
  readonly once: Once | null;
  /** For `edits`: the version in If-Match; 0 for `If-None-Match: *`. */
  readonly ifMatch: number | null;
  readonly request: Request;
}

export const operation = <const Op extends Operation>(spec: Op): Op => spec;

/** An answer with a status or headers of its own. */
export class Reply {
  constructor(
    readonly status: number,
    readonly body: unknown,
    readonly headers: Readonly<Record<string, string>> = {},
  ) {}
}

/** An answer that streams bytes as they are. */
export class Download {
  constructor(
    readonly status: number,
    readonly headers: Readonly<Record<string, string>>,
    readonly content: Readable | null,
  ) {}
}

export const OPERATION = 'safeguard:operation';

/** Routes a handler by its operation: method, path, permission, schemas and answers in one object in sight. */
export const Endpoint = (spec: Operation): MethodDecorator =>
  applyDecorators(
    RequestMapping({ path: spec.path, method: RequestMethod[spec.method] }),
    SetMetadata(OPERATION, spec),
    answered,
  );

/**
 * The interceptor sends the answer. Nest leaves it at that only where a handler takes the response, so each is given it, after the call: otherwise Nest sends an empty
 * answer after every answer, which after a 204 or a 304 throws, and the connection is cut.
 */
const answered: MethodDecorator = (target, handler) => Res()(target, handler, 1);

/** Where the interceptor leaves the call for the handler. */
export interface CallRequest extends Request {
  requestId: string;
  principal?: Principal;
  call?: CallOf<Operation>;
}

/** The handler's one parameter: `@Call() call: CallOf<typeof createSystem>`. */
export const Call = createParamDecorator((_: unknown, context: ExecutionContext) => {
  const { call } = context.switchToHttp().getRequest<CallRequest>();
  if (call === undefined) throw new Error('the endpoint interceptor did not run');
  return call;
});

export const isBinary = (body: z.ZodType | Binary | undefined): body is Binary =>
  body !== undefined && 'mediaTypes' in body;
