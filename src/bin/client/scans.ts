import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { Scan } from './answers.js';
import { type Call, path, type Query } from './http.js';
import type { Payload } from './payload.js';

/** What is sent of a payload. */
export type Sent = Pick<Payload, 'file' | 'size' | 'digest' | 'encoding' | 'mediaType'>;

/** A synchronous answer comes when the report is parsed and merged: minutes for the largest. */
const parsing = 5 * 60_000;

/** Where the scans of a system are. */
export function scansOf(organization: string, system: string): string {
  return path('v1', 'organizations', organization, 'systems', system, 'scans');
}

/** The post of one report. `async`: the server answers as soon as the bytes are safe (RFC 7240). */
export function scanCall(
  room: string,
  query: Query,
  payload: Sent,
  options: { async: boolean; headers?: Readonly<Record<string, string>> },
): Call {
  return {
    method: 'POST',
    path: room,
    query,
    patience: parsing,
    headers: {
      'content-type': payload.mediaType,
      'content-digest': `sha-256=:${payload.digest}:`,
      'idempotency-key': idempotencyKey(room, query, payload),
      ...(payload.encoding === 'identity' ? {} : { 'content-encoding': payload.encoding }),
      ...(options.async ? { prefer: 'respond-async' } : {}),
      ...options.headers,
    },
    body: { length: payload.size, open: () => createReadStream(payload.file) },
  };
}

export function isEnded({ status }: Scan): boolean {
  return status === 'stored' || status === 'refused';
}

/**
 * The same bytes for the same system with the same parameters are the same request, on any machine and any day: a retry
 * or a rerun finds the scan that there is.
 */
function idempotencyKey(room: string, query: Query, payload: Sent): string {
  const request = [room, query, payload.mediaType, payload.encoding, payload.digest];
  return createHash('sha256').update(JSON.stringify(request)).digest('base64url');
}
