/**
 * Every error a caller can cause, by a stable code: the last segment of the problem's `type` (RFC 9457), its HTTP status (RFC 9110) and its title.
 * A code without a status does not compile; anything thrown that is no Refusal becomes `internal`, which says nothing else.
 */
export const PROBLEMS = {
  'invalid-request': [400, 'The request does not have the documented shape'],
  'malformed-json': [400, 'The body is not JSON'],
  'malformed-header': [400, 'A header does not have the documented shape'],
  'digest-mismatch': [400, 'The content does not have the digest that was sent with it'],
  'signature-mismatch': [400, 'The content is not what was signed'],
  'truncated-body': [400, 'The body ended before it was complete'],
  'malformed-encoding': [400, 'The body is not what its Content-Encoding says'],
  unauthenticated: [401, 'A valid access token is needed'],
  'mfa-required': [401, 'The token does not show multi-factor authentication'],
  forbidden: [403, 'The principal may not do this'],
  'not-found': [404, 'There is no such resource'],
  'method-not-allowed': [405, 'The resource does not know this method'],
  'not-acceptable': [406, 'No offered representation is acceptable'],
  'request-timeout': [408, 'The request did not arrive in time'],
  conflict: [409, 'The request conflicts with the present state'],
  'idempotency-conflict': [409, 'The Idempotency-Key was used for another request'],
  'precondition-failed': [412, 'The resource has changed since it was read'],
  'too-large': [413, 'The content is larger than the limit'],
  'unsupported-encoding': [415, 'The Content-Encoding is not supported'],
  'unsupported-media-type': [415, 'The media type is not supported'],
  'range-not-satisfiable': [416, 'The requested range is outside the content'],
  'report-refused': [422, 'The report cannot be taken as evidence of anything'],
  'observed-at-required': [422, 'The report does not say when it was made'],
  'observed-in-future': [422, 'The report says that it was made in the future'],
  'check-refused': [422, 'The check cannot be used as it is'],
  'move-refused': [409, 'The record is not in a state from which it can do this'],
  'own-approval': [403, 'Nobody decides on what they wrote or submitted'],
  'record-refused': [422, 'The record is not what its type asks for'],
  'record-type-refused': [422, 'The record type cannot be used as it is'],
  'document-refused': [422, 'The document is not what it is sent as, or cannot be kept'],
  'import-refused': [422, 'The table cannot be imported as it is'],
  retained: [409, 'It has to be kept'],
  disposed: [410, 'It was disposed of'],
  'address-refused': [422, 'The address cannot be sent to'],
  'trust-issuer-refused': [422, 'The issuer cannot be trusted'],
  'last-admin': [409, 'An organisation keeps at least one admin'],
  'precondition-required': [428, 'An edit needs If-Match with the ETag that was read'],
  'head-too-large': [431, 'The request line and headers are larger than the limit'],
  'too-many-requests': [429, 'Too many requests'],
  internal: [500, 'The service failed'],
  'log-refused': [
    503,
    'The log is not what it has signed, or not what was kept of it outside, and its head is not signed',
  ],
  unavailable: [503, 'The service is not ready'],
  'storage-full': [507, 'The evidence store is full'],
} as const satisfies Record<string, readonly [status: number, title: string]>;

export type ProblemCode = keyof typeof PROBLEMS;

export interface ProblemDetails {
  /** RFC 6901 pointer into the request's body, or `query/<name>`, `header/<name>`, `path/<name>`. */
  pointer?: string;
  /** Further members of the problem document: ids the caller may look up, limits, what would be accepted. Never a value that was sent. */
  extra?: Readonly<Record<string, unknown>>;
  /** Headers the answer must carry, such as Retry-After. */
  headers?: Readonly<Record<string, string>>;
}

/** What the service will not do, said to the caller as an RFC 9457 problem document. `detail` tells the next step and never echoes secrets or PHI. */
export class Refusal extends Error {
  constructor(
    readonly code: ProblemCode,
    readonly detail: string,
    readonly details: ProblemDetails = {},
  ) {
    super(`${code}: ${detail}`);
    this.name = 'Refusal';
  }

  get status(): number {
    return PROBLEMS[this.code][0];
  }
}

/** An RFC 9457 problem document, as sent with `application/problem+json`. */
export interface ProblemDocument {
  type: string;
  title: string;
  status: number;
  detail: string;
  pointer?: string;
  requestId: string;
  [extra: string]: unknown;
}

/** A relative reference (RFC 9457 section 3.1.1): resolves to the page that explains the problem, on whatever host serves. */
export const problemType = (code: ProblemCode): string => `/problems/${code}`;

export function problemDocument(refusal: Refusal, requestId: string): ProblemDocument {
  const { pointer, extra } = refusal.details;
  const [status, title] = PROBLEMS[refusal.code];
  return {
    ...extra,
    type: problemType(refusal.code),
    title,
    status,
    detail: refusal.detail,
    ...(pointer === undefined ? {} : { pointer }),
    requestId,
  };
}
