import type { IncomingMessage } from 'node:http';
import type { ContentHeaders } from '../kernel/http/content.js';
import { Refusal } from '../kernel/http/problem.js';

/** What the headers of a request say of the report that it brings; refused when it is of no media type that is taken. */
export function reportHeaders(
  { headers }: Pick<IncomingMessage, 'headers'>,
  mediaTypes: readonly string[],
): ContentHeaders & { mediaType: string } {
  const mediaType = (headers['content-type'] ?? 'application/octet-stream').split(';')[0]?.trim().toLowerCase() ?? '';
  if (!mediaTypes.includes(mediaType)) {
    throw new Refusal('unsupported-media-type', `Send ${mediaTypes.join(', ')}.`, { pointer: 'header/Content-Type' });
  }
  return {
    mediaType,
    contentDigest: single(headers['content-digest']),
    reprDigest: single(headers['repr-digest']),
    contentEncoding: headers['content-encoding'],
    contentLength: headers['content-length'],
  };
}

/** A field that came several times, as one (RFC 9110 section 5.3). */
export const single = (header: string | string[] | undefined): string | undefined =>
  Array.isArray(header) ? header.join(', ') : header;
