import type { RequestHandler } from 'express';
import type { Logger } from 'pino';
import { pinoHttp } from 'pino-http';
import { newId } from '../ids.js';
import type { CallRequest } from './endpoint.js';

/**
 * Gives each request its id (also in the answer, as `X-Request-Id`) and logs one line when it is answered: method, path without its query, status, time,
 * who. Headers and queries are never logged: they carry tokens and names.
 */
export function requestLog(logger: Logger): RequestHandler {
  const log = pinoHttp({
    logger,
    genReqId: (request) => (request as unknown as CallRequest).requestId,
    serializers: {
      req: ({ id, method, url }: { id: string; method: string; url: string }) => ({
        id,
        method,
        path: url.split('?')[0],
      }),
      res: ({ statusCode }: { statusCode: number }) => ({ status: statusCode }),
      err: ({ type }: { type: string }) => ({ type }),
    },
    customProps: (request) => {
      const { principal } = request as unknown as CallRequest;
      return principal === undefined ? {} : { principal: { kind: principal.kind, id: principal.id } };
    },
    customLogLevel: (_request, response, error) =>
      error !== undefined || response.statusCode >= 500 ? 'error' : 'info',
    // Probes come every few seconds and say nothing while all is well.
    autoLogging: { ignore: (request) => request.url?.startsWith('/health/') === true },
  });
  return (request, response, next) => {
    (request as CallRequest).requestId = newId();
    response.set('X-Request-Id', (request as CallRequest).requestId);
    log(request, response);
    next();
  };
}
