import { createHash, type Hash } from 'node:crypto';
import { finished as whenFinished, Transform, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { constants, createGunzip, createZstdDecompress, type Gunzip, type ZstdDecompress } from 'node:zlib';
import { parseDictionary, serializeDictionary } from 'structured-headers';
import { Refusal } from './problem.js';
import { alignZstdFrames } from './zstd-frames.js';

/** RFC 9530 algorithms that we check, with the length of their values in bytes. The others in its registry are insecure or unknown. */
const ALGORITHMS = { 'sha-256': 32, 'sha-512': 64 } as const;
export type DigestAlgorithm = keyof typeof ALGORITHMS;
export type Digests = Partial<Record<DigestAlgorithm, Buffer>>;

/** What RFC 9110 section 8.4 names may be sent; also the value of `Accept-Encoding` in a 415. */
const CODINGS = ['gzip', 'zstd'] as const;
type Coding = (typeof CODINGS)[number];

/**
 * Decoded bytes per encoded byte. Real reports of scanners reach 64 by zstd at its level 19 (most stay below 25), and 94 when repeated to 20 MiB with other
 * names; a bomb gets 1 032 from deflate and some 30 000 from zstd. The first MiB is free: a small file of blanks is no attack.
 */
const MAX_RATIO = 200;
const RATIO_FREE_BYTES = 2 ** 20;

/** 8 MiB: what RFC 9659 lets a zstd content coding ask of its decoder. The library's own default is 128 MiB per request. */
const ZSTD_WINDOW_LOG = 23;
const DECODER_CHUNK = 2 ** 16;

/** Of a request, as sent. */
export interface ContentHeaders {
  contentDigest?: string | undefined;
  /** Of a request whose content is the whole representation, so that both digests are over the same bytes (RFC 9530 section 3). */
  reprDigest?: string | undefined;
  contentEncoding?: string | undefined;
  contentLength?: string | undefined;
}

/** Milliseconds. A sender that is still there says something within a minute; an agent posts again what was cut. */
export const MAX_SILENCE = 60_000;

export interface ContentLimits {
  /** Bytes. */
  maxEncodedBytes: number;
  maxDecodedBytes: number;
  /** Milliseconds in which nothing comes, after which the sender is taken to be gone. */
  maxSilence: number;
}

export interface ReceivedContent {
  encodedBytes: number;
  decodedBytes: number;
  /** SHA-256 of the decoded bytes. */
  sha256: Buffer;
}

/**
 * The known digests in a `Content-Digest` or `Repr-Digest` field (RFC 9530, a dictionary of byte sequences). Unknown algorithms are ignored, but a field that
 * names no known one is refused: the sender asked for a check that we cannot make.
 */
export function parseDigest(field: 'Content-Digest' | 'Repr-Digest', value: string): Digests {
  const malformed = (detail: string): Refusal =>
    new Refusal('malformed-header', detail, { pointer: `header/${field}` });
  let members: ReadonlyMap<string, readonly unknown[]>;
  try {
    members = parseDictionary(value);
  } catch {
    throw malformed(`${field} is no dictionary of byte sequences, as in sha-256=:<base64>: (RFC 9530).`);
  }
  const digests: Digests = {};
  for (const algorithm of ['sha-256', 'sha-512'] as const) {
    const bytes = members.get(algorithm)?.[0];
    if (bytes === undefined) continue;
    if (!(bytes instanceof ArrayBuffer) || bytes.byteLength !== ALGORITHMS[algorithm]) {
      throw malformed(`${algorithm} in ${field} is no byte sequence of ${ALGORITHMS[algorithm]} bytes.`);
    }
    digests[algorithm] = Buffer.from(bytes);
  }
  if (Object.keys(digests).length === 0) throw malformed(`${field} names neither sha-256 nor sha-512.`);
  return digests;
}

/** The value of a `Content-Digest` or `Repr-Digest` field. */
export function formatDigest(digests: Digests): string {
  return serializeDictionary(digests);
}

/**
 * Receives a request's content: checks length and digests over the bytes as transferred, decodes, and bounds both sides. Throws a Refusal before the first
 * byte for headers that cannot be met; afterwards `decoded` is destroyed and `finished` rejected by the same Refusal. `decoded` ends cleanly only when
 * everything was right. `source` is never destroyed by us, only left unread, so that the refusal can still be answered on its connection (the answer should
 * carry `Connection: close`). Destroying `decoded` frees everything else. `size`: bytes that will be decoded, where the headers tell it.
 */
export function receiveContent(
  source: Readable,
  headers: ContentHeaders,
  limits: ContentLimits,
): { decoded: Readable; size: number | null; finished: Promise<ReceivedContent> } {
  const coding = parseCoding(headers.contentEncoding);
  const length = parseLength(headers.contentLength, limits);
  const expected = [
    ...digestsOf('Content-Digest', headers.contentDigest),
    ...digestsOf('Repr-Digest', headers.reprDigest),
  ];

  // What comes as it is has the digest that was sent, or is refused: it is hashed once.
  const told = coding === null ? expected.find(({ algorithm }) => algorithm === 'sha-256') : undefined;
  const sha256 = createHash('sha256');
  let encodedBytes = 0;
  let decodedBytes = 0;
  let encodedEnded = false;
  let failure: Error | undefined;
  /** The first error is the one that both ends report. */
  const failed = (error: Error): Error => (failure ??= asRefusal(error));
  const decoder = coding === null ? null : decoderOf(coding);

  const encoded = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      silence.refresh();
      encodedBytes += chunk.length;
      if (encodedBytes > limits.maxEncodedBytes) {
        done(tooLarge(limits.maxEncodedBytes, 'as transferred'));
        return;
      }
      for (const { hash } of expected) hash.update(chunk);
      done(null, chunk);
    },
    flush(done) {
      encodedEnded = true;
      if (length !== null && encodedBytes !== length) {
        done(new Refusal('truncated-body', 'The content is not as long as Content-Length says.'));
        return;
      }
      const wrong = expected.find(({ hash, digest }) => !hash.digest().equals(digest));
      done(
        wrong === undefined
          ? null
          : new Refusal(
              'digest-mismatch',
              `The content as received does not have the ${wrong.algorithm} that was sent.`,
              {
                pointer: `header/${wrong.field}`,
              },
            ),
      );
    },
  });

  const decoded = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      decodedBytes += chunk.length;
      if (decodedBytes > limits.maxDecodedBytes) {
        done(tooLarge(limits.maxDecodedBytes, 'decoded'));
      } else if (
        decodedBytes > RATIO_FREE_BYTES &&
        decodedBytes > MAX_RATIO * (decoder?.bytesWritten ?? encodedBytes)
      ) {
        done(new Refusal('too-large', `The content is compressed by more than ${MAX_RATIO} to 1.`));
      } else {
        if (told === undefined) sha256.update(chunk);
        done(null, chunk);
      }
    },
    flush(done) {
      // zlib ends at zero bytes after a gzip member and leaves the rest unread.
      const complete = encodedEnded && (decoder === null || decoder.bytesWritten === encodedBytes);
      done(complete ? null : new Refusal('malformed-encoding', 'Bytes follow the end of the compressed content.'));
    },
    destroy(error, done) {
      done(error && failed(error));
    },
  });
  // Whoever reads `decoded` sees its error; an error before anybody reads must not end the process. Likewise for `finished`.
  decoded.on('error', () => undefined);

  // In our words from the start: one that begins to read only after the failure is told what `decoded` was destroyed with.
  decoder?.once('error', (error) => decoded.destroy(failed(error)));
  const run =
    decoder === null
      ? pipeline(encoded, decoded)
      : coding === 'zstd'
        ? pipeline(encoded, alignZstdFrames, decoder, decoded)
        : pipeline(encoded, decoder, decoded);
  const finished = run.then(
    () => ({ encodedBytes, decodedBytes, sha256: told?.digest ?? sha256.digest() }),
    (error: unknown) => {
      throw failed(error as Error);
    },
  );
  finished.catch(() => undefined);

  const unwatch = whenFinished(source, { writable: false }, (error) => {
    if (error) encoded.destroy(new Refusal('truncated-body', 'The connection ended before the content did.'));
  });
  const silence = setTimeout(() => {
    // All has come, or more than was read of it yet: it is not the sender who is waited for.
    if (source.readableEnded || [source, encoded, decoded].some(({ readableLength }) => readableLength > 0)) {
      silence.refresh();
      return;
    }
    encoded.destroy(new Refusal('truncated-body', `Nothing of the content came for ${limits.maxSilence / 1_000} s.`));
  }, limits.maxSilence);
  encoded.once('close', () => {
    unwatch();
    clearTimeout(silence);
  });
  source.pipe(encoded);
  return { decoded, size: coding === null ? length : null, finished };
}

/** The SHA-256 of decoded content of which the headers tell it: it comes as it is. */
export function announcedDigest({ contentEncoding, contentDigest, reprDigest }: ContentHeaders): Buffer | null {
  if (parseCoding(contentEncoding) !== null) return null;
  const told = [...digestsOf('Content-Digest', contentDigest), ...digestsOf('Repr-Digest', reprDigest)];
  return told.find(({ algorithm }) => algorithm === 'sha-256')?.digest ?? null;
}

function decoderOf(coding: Coding): Gunzip | ZstdDecompress {
  if (coding === 'gzip') return createGunzip({ chunkSize: DECODER_CHUNK });
  return createZstdDecompress({
    chunkSize: DECODER_CHUNK,
    params: { [constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG },
  });
}

function parseCoding(value: string | undefined): Coding | null {
  const name = value?.trim().toLowerCase() ?? '';
  if (name === '' || name === 'identity') return null;
  const coding = CODINGS.find((known) => known === name);
  if (coding !== undefined) return coding;
  throw new Refusal('unsupported-encoding', `Send the content as it is, or with one of: ${CODINGS.join(', ')}.`, {
    pointer: 'header/Content-Encoding',
    // RFC 9110 section 15.5.16: tells a 415 for the coding from one for the media type.
    headers: { 'Accept-Encoding': CODINGS.join(', ') },
  });
}

function parseLength(value: string | undefined, limits: ContentLimits): number | null {
  if (value === undefined) return null;
  if (!/^[0-9]{1,15}$/.test(value)) {
    throw new Refusal('malformed-header', 'Content-Length is no number.', { pointer: 'header/Content-Length' });
  }
  if (Number(value) > limits.maxEncodedBytes) throw tooLarge(limits.maxEncodedBytes, 'as transferred');
  return Number(value);
}

interface ExpectedDigest {
  field: string;
  algorithm: string;
  digest: Buffer;
  hash: Hash;
}

function digestsOf(field: 'Content-Digest' | 'Repr-Digest', value: string | undefined): ExpectedDigest[] {
  if (value === undefined) return [];
  return Object.entries(parseDigest(field, value)).map(([algorithm, digest]) => ({
    field,
    algorithm,
    digest,
    hash: createHash(algorithm.replace('-', '')),
  }));
}

function tooLarge(limit: number, how: string): Refusal {
  return new Refusal('too-large', `The content is larger than ${limit} bytes ${how}.`, { extra: { limit } });
}

/** What zlib says, in our words: cut, or not what its header says. Anything else stays what it is. */
function asRefusal(error: NodeJS.ErrnoException): Error {
  const code = error.code ?? '';
  if (code === 'Z_BUF_ERROR') return new Refusal('truncated-body', 'The compressed content ends before its end.');
  if (code === 'ZSTD_error_frameParameter_windowTooLarge') {
    return new Refusal('malformed-encoding', 'The zstd window is larger than 8 MiB (RFC 9659).');
  }
  if (code === 'Z_DATA_ERROR' || code === 'Z_NEED_DICT' || code.startsWith('ZSTD_error_')) {
    return new Refusal('malformed-encoding', 'The content does not decode as its Content-Encoding says.');
  }
  return error;
}
