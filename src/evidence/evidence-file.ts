import { createHash, timingSafeEqual, type KeyObject } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';
import { IntegrityError } from '../kernel/crypto/integrity-error.js';
import { SegmentReader } from '../kernel/crypto/streaming-aead.js';

/** All that a thread needs to read one evidence by itself: where it lies, what opens it, and what it has to be. Crosses into a thread as it is. */
export interface EvidenceFileRef {
  path: string;
  key: KeyObject;
  associatedData: Uint8Array;
  storageSize: number;
  size: number;
  sha256: Uint8Array;
}

/** The bytes of an evidence in clear, read from its encrypted file by place. For threads: it waits for the disk. */
export class EvidenceFile {
  readonly size: number;
  private readonly descriptor: number;
  private readonly segments: SegmentReader;

  constructor(private readonly evidence: EvidenceFileRef) {
    this.size = evidence.size;
    this.descriptor = openSync(evidence.path, 'r');
    try {
      this.segments = new SegmentReader(
        evidence.key,
        Buffer.from(evidence.associatedData),
        (start, end) => this.readSealed(start, end),
        evidence.storageSize,
      );
      if (this.segments.size !== evidence.size)
        throw new IntegrityError('the evidence has another size than its row says');
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Valid until the next call. */
  read(start: number, end: number): Buffer {
    return this.segments.read(start, end);
  }

  /** Reads all of it, and throws an IntegrityError where it does not have the digest of its row. */
  verify(): void {
    const hash = createHash('sha256');
    for (let at = 0; at < this.size; at += READ) hash.update(this.read(at, Math.min(this.size, at + READ)));
    if (!timingSafeEqual(hash.digest(), this.evidence.sha256)) {
      throw new IntegrityError('the evidence does not have the digest of its row');
    }
  }

  close(): void {
    closeSync(this.descriptor);
  }

  private readSealed(start: number, end: number): Buffer {
    const bytes = Buffer.allocUnsafe(end - start);
    for (let filled = 0; filled < bytes.length;) {
      const read = readSync(this.descriptor, bytes, filled, bytes.length - filled, start + filled);
      if (read === 0) throw new IntegrityError('the evidence’s file is shorter than its row says');
      filled += read;
    }
    return bytes;
  }
}

const READ = 1024 * 1024;
