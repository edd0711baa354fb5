import { createHash, type KeyObject } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { IntegrityError } from '../kernel/crypto/integrity-error.js';
import {
  decryptRange,
  decryptStream,
  encryptStream,
  plaintextSize,
  type ByteRange,
} from '../kernel/crypto/streaming-aead.js';
import { freeBuffer } from '../kernel/memory.js';
import { receiveContent, type ContentHeaders, type ContentLimits } from '../kernel/http/content.js';
import { whole } from '../kernel/crypto/whole.js';
import type { Room } from '../kernel/slots.js';
import type { EvidenceDriver, IncomingObject, ObjectRef } from './drivers/driver.js';
import type { EvidenceFileRef, OpenedEvidence } from './evidence-file.js';
import { GrowingEvidence } from './growing-evidence.js';
import { redacted, type Door, type Dropped, type Redaction, type Watch } from './redaction.js';

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
/** And of all together so many: what comes while there is no room is fetched again. */
export const HELD_TOGETHER = 64 * 1024 * 1024;

const READ_CHUNK = 2 ** 18;
/** Most reports fit. */
const HELD_AT_FIRST = 2 ** 16;

export interface Custody {
  driver: EvidenceDriver;
  /** The data key's `streaming` part. */
  key: KeyObject;
  identity: EvidenceIdentity;
}

/** What was received where it is not what was kept, because something of it may not be. */
export interface Redacted {
  sha256: Buffer;
  size: number;
  dropped: Dropped;
}

export interface TakenIn {
  kept: KeptBytes;
  /** What was kept, where it is little. */
  content: Buffer | null;
  redacted: Redacted | null;
  /** Gives back the room of the content: nobody will read it any more. */
  release: () => void;
}

/** Begins to read content that is not little while it comes. All that is read is given up where the content is not kept as it came. */
export type Ahead = (evidence: GrowingEvidence, opened: OpenedEvidence) => void;

/** Receives content that is kept already, by the digest that its headers tell: checked and looked at as any other, and nothing of it is stored. */
export async function takeAgain(
  source: Readable,
  headers: ContentHeaders,
  limits: ContentLimits,
  watch: Watch,
): Promise<number> {
  const { decoded, finished } = receiveContent(source, headers, limits);
  for await (const chunk of freed(decoded as AsyncIterable<Buffer>)) watch.see(chunk);
  return (await finished).decodedBytes;
}

/** `room`: bytes of content that may be held, by all intakes together. */
type CustodyUntil = Custody & { retainUntil: Date; room: Room };

/**
 * Takes a request's content into custody: decode and bound, digest, encrypt, look through, keep. Resolved means durable; rejected means that nothing was kept. When
 * the transaction that should name the bytes then fails, the caller removes the object.
 *
 * What is suspect never gets a name before it was inspected, and what has to be dropped from never gets one: until then it lies among what is incoming, encrypted,
 * where only its inspection finds it and the sweep removes what a crash has left.
 */
export async function takeIn(
  source: Readable,
  headers: ContentHeaders,
  limits: ContentLimits,
  custody: CustodyUntil,
  door: Door,
  ahead: Ahead | null = null,
): Promise<TakenIn> {
  const { decoded, size: expected, finished } = receiveContent(source, headers, limits);
  const growing =
    ahead === null || expected === null || expected <= HELD_CONTENT || !GrowingEvidence.fits(expected)
      ? null
      : new GrowingEvidence(
          { size: expected, key: custody.key, associatedData: associatedDataOf(custody.identity) },
          ahead,
        );
  const watch = door.watch();
  const held = new Held(watch, custody.room);
  try {
    const incoming = await custody.driver.take(
      encrypted(custody, held.passing(freed(decoded as AsyncIterable<Buffer>))),
      growing,
    );
    try {
      // Settled already: the content's stream ended cleanly, or it could not have been taken.
      const { sha256, decodedBytes: size } = await finished;
      const content = held.content();
      const redaction = watch.isSuspect()
        ? await door.inspect(size, content ?? incomingFile(custody, incoming, size))
        : null;
      if (redaction === null) {
        const kept = await keep(custody, incoming, { sha256, size });
        growing?.keep();
        return { kept, content, redacted: null, release: () => held.release() };
      }
      const plaintext = content === null ? opened(custody, incoming) : [content];
      const clean = await keepRedacted(custody, plaintext, redaction);
      held.release();
      await discardOrUndo(incoming, custody.driver, clean);
      return { ...clean, redacted: { sha256, size, dropped: redaction.dropped } };
    } finally {
      await incoming.discard();
    }
  } catch (error) {
    held.release();
    throw error;
  } finally {
    growing?.giveUp();
    // A driver that fails before it reads leaves the content open.
    decoded.destroy();
  }
}

/** Each chunk is freed when the next is asked for: whoever wants it has copied it by then. One that is a part of a buffer is left to be collected with the others of it. */
async function* freed(received: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void> {
  for await (const chunk of received) {
    yield chunk;
    if (chunk.length === chunk.buffer.byteLength) freeBuffer(chunk);
  }
}

async function keepRedacted(
  custody: CustodyUntil,
  plaintext: AsyncIterable<Buffer> | Iterable<Buffer>,
  redaction: Redaction,
): Promise<Omit<TakenIn, 'redacted'>> {
  const hash = createHash('sha256');
  const held = new Held({ see: (chunk) => hash.update(chunk) }, custody.room);
  try {
    const incoming = await custody.driver.take(encrypted(custody, held.passing(redacted(plaintext, redaction))));
    const kept = await keep(custody, incoming, { sha256: hash.digest(), size: held.size });
    return { kept, content: held.content(), release: () => held.release() };
  } catch (error) {
    held.release();
    throw error;
  }
}

/** What may not be kept goes before what was made of it counts as kept. */
async function discardOrUndo(incoming: IncomingObject, driver: EvidenceDriver, clean: Omit<TakenIn, 'redacted'>) {
  try {
    await incoming.discard();
  } catch (error) {
    clean.release();
    const { storageKey: key, storageVersion: version } = clean.kept;
    await driver.remove({ key, version }).catch(() => undefined);
    throw error;
  }
}

async function keep(
  { identity, retainUntil }: CustodyUntil,
  incoming: IncomingObject,
  bytes: Pick<KeptBytes, 'sha256' | 'size'>,
): Promise<KeptBytes> {
  const storageKey = storageKeyOf(identity);
  const stored = await incoming.keep(storageKey, { retainUntil });
  return {
    ...bytes,
    storageKey,
    storageVersion: stored.version,
    storageSize: stored.size,
    storageSha256: stored.sha256,
  };
}

function encrypted({ key, identity }: Custody, plaintext: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
  return encryptStream(key, associatedDataOf(identity), plaintext);
}

/** Opens the file when it is read, for nobody may come to do so. */
async function* opened({ key, identity }: Custody, { path }: IncomingObject): AsyncGenerator<Buffer, void> {
  const file = createReadStream(path, { highWaterMark: READ_CHUNK });
  yield* decryptStream(key, associatedDataOf(identity), file as AsyncIterable<Buffer>);
}

function incomingFile({ key, identity }: Custody, incoming: IncomingObject, size: number): EvidenceFileRef {
  const associatedData = associatedDataOf(identity);
  const { path, size: storageSize } = incoming;
  return { path, key, associatedData, storageSize, size, sha256: null, growing: null };
}

/** What passes by, as long as it is little and there is room; somebody sees all of it. */
class Held {
  size = 0;
  /** Null when it is not held, or no longer. */
  private bytes: Buffer | null = Buffer.alloc(0);

  constructor(
    private readonly watch: Pick<Watch, 'see'>,
    private readonly room: Room,
  ) {}

  async *passing(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void> {
    for await (const chunk of source) {
      this.hold(chunk);
      this.watch.see(chunk);
      yield chunk;
    }
  }

  content(): Buffer | null {
    return this.bytes?.subarray(0, this.size) ?? null;
  }

  release(): void {
    if (this.bytes === null) return;
    this.room.give(this.bytes.length);
    this.bytes = null;
  }

  /** Copied: what is held is what is counted, in however small chunks it comes. */
  private hold(chunk: Buffer): void {
    const before = this.size;
    this.size += chunk.length;
    if (this.bytes === null) return;
    if (this.size > this.bytes.length && !this.grow(this.bytes)) {
      this.release();
      return;
    }
    chunk.copy(this.bytes, before);
  }

  private grow(bytes: Buffer): boolean {
    if (this.size > HELD_CONTENT) return false;
    const length = Math.min(HELD_CONTENT, Math.max(this.size, 2 * bytes.length, HELD_AT_FIRST));
    if (!this.room.take(length - bytes.length)) return false;
    this.bytes = Buffer.allocUnsafeSlow(length);
    bytes.copy(this.bytes);
    freeBuffer(bytes);
    return true;
  }
}

/** The evidence as a thread reads it by itself. `isFresh`: the row was made of these bytes a moment ago. */
export async function evidenceFile(
  { driver, key, identity }: Custody,
  row: KeptBytes,
  isFresh: boolean,
): Promise<OpenedEvidence> {
  const local = await driver.localFile({ key: row.storageKey, version: row.storageVersion });
  const { size, storageSize } = row;
  const sha256 = isFresh ? null : row.sha256;
  return {
    file: {
      path: local.path,
      key,
      associatedData: associatedDataOf(identity),
      storageSize,
      size,
      sha256,
      growing: null,
    },
    release: () => local.release(),
  };
}

/**
 * The evidence's bytes in clear, whole or a range. Every segment is authenticated before it is handed out; the whole is also checked against the row's digest, and
 * fails by an IntegrityError before its last bytes when it differs: nobody gets all of it then.
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
      ? whole(
          decryptStream(key, associatedData, read({ start: 0, end: row.storageSize })),
          row,
          `evidence ${identity.evidenceId}: its bytes do not have the digest of its row`,
        )
      : decryptRange(key, associatedData, read, row.storageSize, range);
  return Readable.from(plaintext, { objectMode: false });
}

/** Kept for as long as the evidence: a change of this text makes every object unreadable. */
function associatedDataOf({ organizationId, evidenceId, version }: EvidenceIdentity): Buffer {
  return Buffer.from(`hev1|${organizationId}|${evidenceId}|${version}`);
}

/** The last two digits of a UUIDv7 are random: they spread an organisation's evidence over 256 directories. */
function storageKeyOf({ organizationId, evidenceId, version }: EvidenceIdentity): string {
  return `${organizationId}/${evidenceId.slice(-2)}/${evidenceId}-${version}`;
}
