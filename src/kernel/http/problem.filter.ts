import { Catch, HttpException, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { Response } from 'express';
import type { Logger } from 'pino';
import type { CallRequest } from './endpoint.js';
import { problemDocument, Refusal, type ProblemCode } from './problem.js';

/** Nest's own exceptions (no route, wrong method, body parser) in our words. */
const BY_STATUS: Readonly<Record<number, ProblemCode>> = {
  400: 'invalid-request',
  401: 'unauthenticated',
  403: 'forbidden',
  404: 'not-found',
  405: 'method-not-allowed',
  413: 'too-large',
  415: 'unsupported-media-type',
};

/** Turns whatever was thrown into a problem document. What is no Refusal is logged with the request's id, and the caller is told only that id. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  /** `loginPath`: where a person who opens a page without being signed in is sent. */
  constructor(
    private readonly logger: Logger,
    private readonly loginPath: string,
  ) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<CallRequest>();
    const response = http.getResponse<Response>();
    const refusal = asRefusal(error);
    if (refusal.code === 'internal' && request.destroyed && isCut(error)) {
      this.logger.info({ requestId: request.requestId }, 'the caller went away');
      return;
    }
    if (refusal.code === 'internal') {
      this.logger.error({ requestId: request.requestId, error: describe(error) }, 'request failed');
    }
    if (response.headersSent) {
      response.destroy();
      return;
    }
    if (refusal.code === 'unauthenticated' && isNavigation(request)) {
      response.redirect(302, `${this.loginPath}?returnTo=${encodeURIComponent(request.originalUrl)}`);
      return;
    }
    if (!request.complete) response.once('finish', () => drain(request));
    response.removeHeader('ETag');
    response
      .status(refusal.status)
      .set({ ...challenge(refusal), ...refusal.details.headers })
      .type('application/problem+json')
      .send(JSON.stringify(problemDocument(refusal, request.requestId)));
  }
}

/** A person's browser opening a page (Fetch Metadata), and no script, agent or login under way. */
const isNavigation = (request: CallRequest): boolean =>
  request.method === 'GET' &&
  request.headers['sec-fetch-mode'] === 'navigate' &&
  request.headers.authorization === undefined &&
  !request.path.startsWith('/auth/');

/** What of a refused body is read before the connection is cut. */
const DRAIN_BYTES = 64 * 1024 * 1024;
const DRAIN_MILLISECONDS = 15_000;

/** A sender that is still sending reads the answer only if its bytes are taken: a socket closed over unread bytes is reset. Taken, then, but not for ever. */
function drain(request: CallRequest): void {
  let left = DRAIN_BYTES;
  const timer = setTimeout(() => request.destroy(), DRAIN_MILLISECONDS);
  request.once('close', () => clearTimeout(timer));
  request.on('data', (chunk: Buffer) => {
    left -= chunk.length;
    if (left < 0) request.destroy();
  });
  request.resume();
}

function asRefusal(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  if (error instanceof HttpException) {
    const code = BY_STATUS[error.getStatus()];
    if (code !== undefined) return new Refusal(code, 'The request does not fit any operation of this API.');
  }
  return new Refusal(
    'internal',
    'The request failed in a way that the service did not expect. Give the requestId to the operator.',
  );
}

/** The connection's end, by whoever waited for more of it. */
const isCut = (error: unknown): boolean =>
  error instanceof Error &&
  'code' in error &&
  (error.code === 'ECONNRESET' || error.code === 'ERR_STREAM_PREMATURE_CLOSE' || error.code === 'EPIPE');

/** RFC 6750 section 3: a 401 says how to authenticate. */
function challenge(refusal: Refusal): Record<string, string> {
  if (refusal.code === 'mfa-required') {
    return { 'WWW-Authenticate': 'Bearer error="insufficient_user_authentication"' }; // RFC 9470
  }
  return refusal.status === 401 ? { 'WWW-Authenticate': 'Bearer' } : {};
}

/** For the log: the kind of error and where, without parameters (a database error's detail may quote a row). */
function describe(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { kind: typeof error };
  const { code, constraint, table } = error as { code?: unknown; constraint?: unknown; table?: unknown };
  const frames = error.stack?.split('\n').filter((line) => line.trimStart().startsWith('at '));
  // A message of our own is a fixed sentence; a driver's message may quote what was sent.
  return { kind: error.name, message: code === undefined ? error.message : undefined, code, constraint, table, frames };
}
