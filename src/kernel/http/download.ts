import type { Request } from 'express';
import type { Readable } from 'node:stream';
import type { ByteRange } from '../crypto/streaming-aead.js';
import { formatDigest } from './content.js';
import { Download } from './endpoint.js';
import { Refusal } from './problem.js';

export interface Downloadable {
  sha256: Buffer;
  size: number;
  mediaType: string;
  /** Letters, digits, dot, dash, underscore. */
  fileName: string;
}

/**
 * Answers a GET of stored bytes: conditional and range requests (RFC 9110 sections 13 and 14) over a strong ETag, with `Repr-Digest` (RFC 9530). One
 * range; several are answered with the whole, as the RFC allows. `open` is called only when bytes are to be sent; the end of its range is exclusive.
 */
export async function download(
  request: Request,
  content: Downloadable,
  open: (range: ByteRange | undefined) => Promise<Readable>,
): Promise<Download> {
  const etag = `"${content.sha256.toString('base64url')}"`;
  const headers = {
    ETag: etag,
    'Repr-Digest': formatDigest({ 'sha-256': content.sha256 }),
    'Accept-Ranges': 'bytes',
    'Content-Type': content.mediaType,
    // What scanners wrote is never rendered in the service's own origin.
    'Content-Disposition': `attachment; filename="${content.fileName}"`,
    'Cache-Control': 'private, no-store',
  };
  // By the weak comparison (RFC 9110 section 13.1.2): a proxy that compressed an answer has made its tag weak.
  const known = request.headers['if-none-match'];
  if (
    known !== undefined &&
    (known === '*' || known.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag))
  ) {
    return new Download(304, headers, null);
  }
  const ifRange = request.headers['if-range'];
  const range =
    ifRange === undefined || ifRange === etag ? rangeOf(request.headers.range, content.size, headers) : undefined;
  if (range === undefined) {
    return new Download(200, { ...headers, 'Content-Length': String(content.size) }, await open(undefined));
  }
  return new Download(
    206,
    {
      ...headers,
      'Content-Length': String(range.end - range.start),
      'Content-Range': `bytes ${range.start}-${range.end - 1}/${content.size}`,
    },
    await open(range),
  );
}

/** Undefined = the whole: no range, a unit or form we do not know, or several ranges. */
function rangeOf(header: string | undefined, size: number, headers: Record<string, string>): ByteRange | undefined {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? '');
  if (match === null) return undefined;
  const [, first = '', last = ''] = match;
  if (first === '' && last === '') return undefined;
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === '' || last === '' ? size : Math.min(size, Number(last) + 1);
  if (first !== '' && last !== '' && Number(last) < Number(first)) return undefined;
  if (start >= end) {
    throw new Refusal('range-not-satisfiable', `The content has ${size} bytes.`, {
      pointer: 'header/Range',
      headers: { 'Content-Range': `bytes */${size}`, 'Accept-Ranges': headers['Accept-Ranges'] ?? 'bytes' },
    });
  }
  return { start, end };
}
