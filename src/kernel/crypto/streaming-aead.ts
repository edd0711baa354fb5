import { createCipheriv, createDecipheriv, createSecretKey, hkdfSync, randomBytes, type KeyObject } from 'node:crypto';
import { buffersPassed, freeBuffer } from '../memory.js';
import { IntegrityError } from './integrity-error.js';

/*
 * Tink's streaming AEAD `AES256_GCM_HKDF_1MB`, so that readers written by others (Tink for Python, Java, Go, C++) can open what we kept:
 *
 *   header     = 0x28 || salt (32) || nonce prefix (7)                      0x28 = 40, the header's own length
 *   key        = HKDF-SHA256(data key, salt, info = associated data, 32)    one AES key per stream
 *   segment i  = AES-256-GCM(key, nonce = prefix || u32be(i) || (last ? 1 : 0)), 1 MiB with its tag; the first is shorter by the header
 *
 * The index in the nonce finds reordered segments, the last-flag finds truncation, the derivation finds a wrong key or associated data; each of
 * them before any plaintext of that segment is handed out. 2^32 segments (4 PiB) are the format's bound; past it writing the index throws.
 */
const SEGMENT = 2 ** 20;
const SALT = 32;
const NONCE_PREFIX = 7;
const HEADER = 1 + SALT + NONCE_PREFIX;
const TAG = 16;
const PLAIN_SEGMENT = SEGMENT - TAG;

/** Half open, in bytes: `start` is in, `end` is not. */
export interface ByteRange {
  start: number;
  end: number;
}

/** Bytes of the encrypted stream for so many bytes of plaintext. */
export function ciphertextSize(plaintext: number): number {
  return HEADER + plaintext + TAG * Math.max(1, Math.ceil((HEADER + plaintext) / PLAIN_SEGMENT));
}

/** The inverse of `ciphertextSize`; a size that no plaintext has is an IntegrityError. */
export function plaintextSize(ciphertext: number): number {
  const size = ciphertext - HEADER - TAG * Math.ceil(ciphertext / SEGMENT);
  if (size < 0 || ciphertextSize(size) !== ciphertext) throw new IntegrityError('no encrypted stream has this size');
  return size;
}

/**
 * Each chunk is valid until the next is asked for.
 * @param associatedData what the bytes belong to; at most 1 024 bytes (the bound of HKDF's info in OpenSSL).
 */
export async function* encryptStream(
  key: KeyObject,
  associatedData: Buffer,
  plaintext: AsyncIterable<Buffer>,
): AsyncGenerator<Buffer, void> {
  const header = Buffer.concat([Buffer.of(HEADER), randomBytes(SALT + NONCE_PREFIX)]);
  const { segmentKey, prefix } = fromHeader(key, associatedData, header);
  yield header;
  let index = 0;
  for await (const { bytes, last } of inSegments(plaintext, PLAIN_SEGMENT - HEADER, PLAIN_SEGMENT)) {
    const cipher = createCipheriv('aes-256-gcm', segmentKey, segmentNonce(prefix, index++, last));
    const encrypted = cipher.update(bytes);
    cipher.final();
    if (encrypted.length > 0) yield encrypted;
    freeBuffer(encrypted);
    yield cipher.getAuthTag();
    // As received.
    buffersPassed(bytes.length);
  }
}

/** The whole plaintext. Ends cleanly only when the last segment was there and authentic. */
export async function* decryptStream(
  key: KeyObject,
  associatedData: Buffer,
  ciphertext: AsyncIterable<Buffer>,
): AsyncGenerator<Buffer, void> {
  let stream: StreamKey | undefined;
  let index = 0;
  for await (const { bytes, last } of inSegments(ciphertext, SEGMENT, SEGMENT)) {
    const sealed = stream === undefined ? bytes.subarray(HEADER) : bytes;
    stream ??= fromHeader(key, associatedData, bytes.subarray(0, HEADER));
    const plaintext = openSegment(stream, sealed, index++, last);
    if (plaintext.length > 0) yield plaintext;
    buffersPassed(2 * plaintext.length);
  }
}

/**
 * A range of the plaintext, reading only the header and the segments that hold it (one ranged read each).
 * @param read opens the bytes from `start` to before `end` of the encrypted stream.
 * @param size of the encrypted stream, from a source that is trusted: it decides which segment is the last one.
 */
export async function* decryptRange(
  key: KeyObject,
  associatedData: Buffer,
  read: (range: ByteRange) => AsyncIterable<Buffer>,
  size: number,
  range: ByteRange,
): AsyncGenerator<Buffer, void> {
  if (!(range.start >= 0 && range.start <= range.end && range.end <= plaintextSize(size))) {
    throw new RangeError('the range lies outside of the plaintext');
  }
  if (range.start === range.end) return;
  const header: Buffer[] = [];
  for await (const chunk of read({ start: 0, end: HEADER })) header.push(chunk);
  const stream = fromHeader(key, associatedData, Buffer.concat(header));

  const segmentOf = (offset: number): number => Math.floor((offset + HEADER) / PLAIN_SEGMENT);
  const final = Math.ceil(size / SEGMENT) - 1;
  let index = segmentOf(range.start);
  const start = index === 0 ? HEADER : index * SEGMENT;
  const end = Math.min((segmentOf(range.end - 1) + 1) * SEGMENT, size);
  let position = index === 0 ? 0 : index * PLAIN_SEGMENT - HEADER;
  for await (const { bytes } of inSegments(read({ start, end }), SEGMENT - (start % SEGMENT), SEGMENT)) {
    const plaintext = openSegment(stream, bytes, index, index === final);
    yield plaintext.subarray(Math.max(0, range.start - position), range.end - position);
    position += plaintext.length;
    index += 1;
  }
  if (position < range.end) throw new IntegrityError('the encrypted stream ends early');
}

/**
 * Any part of the plaintext, at once and as often as it is wanted, for a reader in a thread of its own that goes back and forth. Each segment is authenticated before
 * a byte of it is handed out; the last one stays open.
 * @param readSealed gives the bytes from `start` to before `end` of the encrypted stream; they may be overwritten by the next call.
 * @param ciphertext bytes of the encrypted stream, from a source that is trusted: it decides which segment is the last one.
 */
export class SegmentReader {
  /** Bytes of the plaintext. */
  readonly size: number;
  private readonly stream: StreamKey;
  private readonly final: number;
  private open: { index: number; plaintext: Buffer } = { index: -1, plaintext: Buffer.alloc(0) };
  /** What spans segments, put together. */
  private joined = Buffer.alloc(0);

  constructor(
    key: KeyObject,
    associatedData: Buffer,
    private readonly readSealed: (start: number, end: number) => Buffer,
    private readonly ciphertext: number,
  ) {
    this.size = plaintextSize(ciphertext);
    this.stream = fromHeader(key, associatedData, readSealed(0, HEADER));
    this.final = Math.ceil(ciphertext / SEGMENT) - 1;
  }

  /** Valid until the next call. */
  read(start: number, end: number): Buffer {
    if (!(start >= 0 && start <= end && end <= this.size)) throw new RangeError('outside of the plaintext');
    if (start === end) return Buffer.alloc(0);
    const whole = this.segmentAt(start).subarray(0, end - start);
    if (whole.length === end - start) return whole;
    if (this.joined.length < end - start) this.joined = Buffer.allocUnsafe(end - start);
    for (let at = start; at < end;) at += this.segmentAt(at).copy(this.joined, at - start, 0, end - at);
    return this.joined.subarray(0, end - start);
  }

  /** The plaintext from a place to the end of its segment. */
  private segmentAt(at: number): Buffer {
    const index = Math.floor((at + HEADER) / PLAIN_SEGMENT);
    if (this.open.index !== index) {
      const from = index === 0 ? HEADER : index * SEGMENT;
      const sealed = this.readSealed(from, Math.min((index + 1) * SEGMENT, this.ciphertext));
      const { plaintext } = this.open;
      this.open = { index, plaintext: openSegment(this.stream, sealed, index, index === this.final) };
      freeBuffer(plaintext);
    }
    return this.open.plaintext.subarray(index === 0 ? at : at + HEADER - index * PLAIN_SEGMENT);
  }
}

interface StreamKey {
  segmentKey: KeyObject;
  prefix: Buffer;
}

function fromHeader(key: KeyObject, associatedData: Buffer, header: Buffer): StreamKey {
  if (header.length !== HEADER || header[0] !== HEADER) throw new IntegrityError('the encrypted stream has no header');
  const derived = Buffer.from(hkdfSync('sha256', key, header.subarray(1, 1 + SALT), associatedData, 32));
  const segmentKey = createSecretKey(derived);
  derived.fill(0);
  // A copy: the header lies in a buffer that the next segment overwrites.
  return { segmentKey, prefix: Buffer.from(header.subarray(1 + SALT)) };
}

function segmentNonce(prefix: Buffer, index: number, last: boolean): Buffer {
  const nonce = Buffer.alloc(12);
  prefix.copy(nonce);
  nonce.writeUInt32BE(index, NONCE_PREFIX);
  nonce[11] = last ? 1 : 0;
  return nonce;
}

function openSegment(stream: StreamKey, sealed: Buffer, index: number, last: boolean): Buffer {
  if (sealed.length < TAG) throw new IntegrityError(`segment ${index} is cut`);
  const decipher = createDecipheriv('aes-256-gcm', stream.segmentKey, segmentNonce(stream.prefix, index, last), {
    authTagLength: TAG,
  });
  decipher.setAuthTag(sealed.subarray(-TAG));
  const plaintext = decipher.update(sealed.subarray(0, -TAG));
  try {
    decipher.final();
  } catch {
    throw new IntegrityError(`segment ${index} is not authentic`);
  }
  return plaintext;
}

/**
 * Cuts a stream into segments; a full one is handed out only when a byte after it is known, so that the last is known to be the last.
 * Each is valid until the next is asked for. Bytes are copied: a sender of one-byte chunks cannot make us hold a million small buffers.
 */
async function* inSegments(
  source: AsyncIterable<Buffer>,
  firstSize: number,
  size: number,
): AsyncGenerator<{ bytes: Buffer; last: boolean }, void> {
  // Most reports are small: begin with 64 KiB and double.
  let buffer = Buffer.allocUnsafe(Math.min(firstSize, 2 ** 16));
  let used = 0;
  let limit = firstSize;
  for await (const chunk of source) {
    for (let offset = 0; offset < chunk.length;) {
      if (used === limit) {
        yield { bytes: buffer.subarray(0, used), last: false };
        used = 0;
        limit = size;
      }
      const taken = Math.min(limit - used, chunk.length - offset);
      if (used + taken > buffer.length) {
        const larger = Buffer.allocUnsafe(Math.min(limit, Math.max(2 * buffer.length, used + taken)));
        buffer.copy(larger, 0, 0, used);
        buffer = larger;
      }
      chunk.copy(buffer, used, offset, offset + taken);
      used += taken;
      offset += taken;
    }
  }
  yield { bytes: buffer.subarray(0, used), last: true };
}
