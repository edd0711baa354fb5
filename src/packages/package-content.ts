import { createHash, type KeyObject } from 'node:crypto';
import { Readable } from 'node:stream';
import type { EvidenceDriver } from '../evidence/drivers/driver.js';
import { IntegrityError } from '../kernel/crypto/integrity-error.js';
import {
  decryptRange,
  decryptStream,
  encryptStream,
  plaintextSize,
  type ByteRange,
} from '../kernel/crypto/streaming-aead.js';
import { whole } from '../kernel/crypto/whole.js';

/** What the package row keeps of its bytes; the same facts as of evidence. */
export interface KeptPackage {
  /** Of the ZIP itself, in clear. */
  sha256: Buffer;
  size: number;
  storageKey: string;
  storageVersion: string | null;
  /** As stored: encrypted. */
  storageSize: number;
  storageSha256: Buffer;
}

/** One object per attempt: a driver never replaces an object, and an attempt that was given up may still be writing. */
export const storageKeyOf = (organizationId: string, packageId: string, attemptId: string): string =>
  `${organizationId}/packages/${packageId}/${attemptId}`;

/** The place is authenticated with every segment: an object moved to another package or tenant does not open. */
const associatedDataOf = (storageKey: string): Buffer => Buffer.from(`safeguard-package-v1|${storageKey}`);

/** Encrypts and keeps a stream. Resolved means durable; rejected means that nothing is there. */
export async function keepPackage(
  driver: EvidenceDriver,
  key: KeyObject,
  storageKey: string,
  content: Readable,
  retainUntil: Date,
): Promise<KeptPackage> {
  const hash = createHash('sha256');
  let size = 0;
  const measured = async function* (): AsyncGenerator<Buffer, void> {
    for await (const chunk of content as AsyncIterable<Buffer>) {
      hash.update(chunk);
      size += chunk.length;
      yield chunk;
    }
  };
  try {
    const stored = await driver.put(storageKey, encryptStream(key, associatedDataOf(storageKey), measured()), {
      retainUntil,
    });
    return {
      sha256: hash.digest(),
      size,
      storageKey,
      storageVersion: stored.version,
      storageSize: stored.size,
      storageSha256: stored.sha256,
    };
  } finally {
    // A driver that fails before it reads leaves the content open.
    content.destroy();
  }
}

/** The package in clear, whole or a range; the whole ends cleanly only when it has the digest of its row. */
export async function openPackage(
  driver: EvidenceDriver,
  key: KeyObject,
  kept: KeptPackage,
  range?: ByteRange,
): Promise<Readable> {
  const object = { key: kept.storageKey, version: kept.storageVersion };
  const found = await driver.stat(object);
  if (found?.size !== kept.storageSize || plaintextSize(kept.storageSize) !== kept.size) {
    throw new IntegrityError('the object of a package is gone or has another size');
  }
  const read = ({ start, end }: ByteRange): AsyncIterable<Buffer> => driver.openRange(object, start, end);
  const associatedData = associatedDataOf(kept.storageKey);
  const plaintext =
    range === undefined
      ? whole(
          decryptStream(key, associatedData, read({ start: 0, end: kept.storageSize })),
          kept,
          'a package does not have the digest of its row',
        )
      : decryptRange(key, associatedData, read, kept.storageSize, range);
  return Readable.from(plaintext, { objectMode: false });
}
