import { createHash, type KeyObject } from 'node:crypto';
import { Readable } from 'node:stream';
import { IntegrityError } from '../kernel/crypto/integrity-error.js';
import {
  decryptRange,
  decryptStream,
  encryptStream,
  plaintextSize,
  type ByteRange,
} from '../kernel/crypto/streaming-aead.js';
import { receiveContent, type ContentHeaders, type ContentLimits } from '../kernel/http/content.js';
import type { EvidenceDriver, ObjectRef } from './drivers/driver.js';
import type { EvidenceFileRef } from './evidence-file.js';

/** Whose bytes they are: authenticated with every segment, so that an object moved to another evidence, version or tenant does not open. */
export interface EvidenceIdentity {
  organizationId: string;
  evidenceId: string;
  /** Counts from 1. */
  version: number;
}

/** What the evidence row keeps of its bytes. */
export interface KeptBytes {
  /** SHA-256 of the evidence itself: decoded and in clear. */
  sha256: Buffer;
  /** Bytes of the evidence itself. */
  size: number;
  storageKey: string;
  storageVersion: string | null;
  /** Bytes and SHA-256 as stored: encrypted. What a copy of the store is checked by, without a key. */
  storageSize: number;
  storageSha256: Buffer;
}

/** Content of up to so many bytes is held until it is read: it has just passed by, and to fetch and open it again would cost more than all the rest. */
export const HELD_CONTENT = 4 * 1024 * 1024;

export interface Custody {
  driver: EvidenceDriver;
  /** The data key's `streaming` part. */
  key: KeyObject;
  identity: EvidenceIdentity;
}

/**
 * Takes a request's content into custody: decode and bound, digest, encrypt, keep. Resolved means durable; rejected means that nothing was kept. When the
 * transaction that should name the bytes then fails, the caller removes the object.
 */
export async function takeIn(
  source: Readable,
  headers: ContentHeaders,
  limits: ContentLimits,
  custody: Custody & { retainUntil: Date },
): Promise<KeptBytes & { content: Buffer | null }> {
  const storageKey = storageKeyOf(custody.identity);
  const { decoded, finished } = receiveContent(source, headers, limits);
  try {
    const held = new Held();
    const encrypted = encryptStream(
      custody.key,
      associatedDataOf(custody.identity),
      held.passing(decoded as AsyncIterable<Buffer>),
    );
    const stored = await custody.driver.put(storageKey, encrypted, { retainUntil: custody.retainUntil });
    // Settled already: the content's stream ended cleanly, or put would have failed.
    const { sha256, decodedBytes } = await finished;
    return {
      sha256,
      size: decodedBytes,
      storageKey,
      storageVersion: stored.version,
      storageSize: stored.size,
      storageSha256: stored.sha256,
      content: held.content(),
    };
  } finally {
    // A driver that fails before it reads leaves the content open.
    decoded.destroy();
  }
}

/** What passes by, as long as it is little. */
class Held {
  private chunks: Buffer[] | null = [];
  private size = 0;

  async *passing(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void> {
    for await (const chunk of source) {
      this.size += chunk.length;
      if (this.size > HELD_CONTENT) this.chunks = null;
      this.chunks?.push(chunk);
      yield chunk;
    }
  }

  content(): Buffer | null {
    return this.chunks === null ? null : Buffer.concat(this.chunks);
  }
}

export interface OpenedEvidence {
  file: EvidenceFileRef;
  /** When nobody reads it any more. */
  release(): Promise<void>;
}

/** The evidence as a thread reads it by itself. */
export async function evidenceFile({ driver, key, identity }: Custody, row: KeptBytes): Promise<OpenedEvidence> {
  const local = await driver.localFile({ key: row.storageKey, version: row.storageVersion });
  const { size, storageSize, sha256 } = row;
  return {
    file: { path: local.path, key, associatedData: associatedDataOf(identity), storageSize, size, sha256 },
    release: () => local.release(),
  };
}

/**
 * The evidence's bytes in clear, whole or a range. Every segment is authenticated before it is handed out; the whole is also checked against the row's digest, and
 * fails by an IntegrityError at its end when it differs: the stream never ends cleanly then.
 */
export async function openEvidence(
  { driver, key, identity }: Custody,
  row: Pick<KeptBytes, 'sha256' | 'size' | 'storageKey' | 'storageVersion' | 'storageSize'>,
  range?: ByteRange,
): Promise<Readable> {
  const object: ObjectRef = { key: row.storageKey, version: row.storageVersion };
  const found = await driver.stat(object);
  if (found === null) throw new IntegrityError(`evidence ${identity.evidenceId}: its object is gone`);
  if (found.size !== row.storageSize || plaintextSize(row.storageSize) !== row.size) {
    throw new IntegrityError(`evidence ${identity.evidenceId}: its object has another size`);
  }
  const read = ({ start, end }: ByteRange): AsyncIterable<Buffer> => driver.openRange(object, start, end);
  const associatedData = associatedDataOf(identity);
  const plaintext =
    range === undefined
      ? verified(decryptStream(key, associatedData, read({ start: 0, end: row.storageSize })), row, identity)
      : decryptRange(key, associatedData, read, row.storageSize, range);
  return Readable.from(plaintext, { objectMode: false });
}

async function* verified(
  plaintext: AsyncIterable<Buffer>,
  row: Pick<KeptBytes, 'sha256' | 'size'>,
  identity: EvidenceIdentity,
): AsyncGenerator<Buffer, void> {
  const hash = createHash('sha256');
  let size = 0;
  for await (const chunk of plaintext) {
    hash.update(chunk);
    size += chunk.length;
    yield chunk;
  }
  if (size !== row.size || !hash.digest().equals(row.sha256)) {
    throw new IntegrityError(`evidence ${identity.evidenceId}: its bytes do not have the digest of its row`);
  }
}

/** Kept for as long as the evidence: a change of this text makes every object unreadable. */
function associatedDataOf({ organizationId, evidenceId, version }: EvidenceIdentity): Buffer {
  return Buffer.from(`hev1|${organizationId}|${evidenceId}|${version}`);
}

/** The last two digits of a UUIDv7 are random: they spread an organisation's evidence over 256 directories. */
function storageKeyOf({ organizationId, evidenceId, version }: EvidenceIdentity): string {
  return `${organizationId}/${evidenceId.slice(-2)}/${evidenceId}-${version}`;
}
