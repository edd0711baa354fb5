import { createHash, timingSafeEqual, type KeyObject } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';
import { IntegrityError } from '../kernel/crypto/integrity-error.js';
import { SegmentReader } from '../kernel/crypto/streaming-aead.js';

/** A file that is still being written. */
export interface Growing {
  /** Open to be read. */
  descriptor: number;
  /** Shared with whoever writes it: bytes that are there. */
  written: Int32Array;
}

/** All that a thread needs to read one evidence by itself: where it lies, what opens it, and what it has to be. Crosses into a thread as it is. */
export interface EvidenceFileRef {
  path: string;
  key: KeyObject;
  associatedData: Uint8Array;
  storageSize: number;
  size: number;
  /** What the whole has to have. Null: it was taken of these very bytes when they were encrypted, a moment ago, and every segment is authentic. */
  sha256: Uint8Array | null;
  /** Null: all of it is there. */
  growing: Growing | null;
}

export interface OpenedEvidence {
  file: EvidenceFileRef;
  /** When nobody reads it any more. */
  release(): Promise<void>;
  /** That its bytes are not those that were kept: resolved when that is recorded. Absent where nothing is kept yet. */
  damaged?(fault: IntegrityError): Promise<void>;
}

/** Stands for what is written where no more comes for whoever waits. */
export const GIVEN_UP = -1;

/** Waits in a thread until so much of a growing file is there; false where it was given up. */
function grownTo({ written }: Growing, end: number): boolean {
  for (;;) {
    const there = Atomics.load(written, 0);
    if (there === GIVEN_UP) return false;
    if (there >= end) return true;
    Atomics.wait(written, 0, there);
  }
}

/**
 * The bytes of an evidence in clear, read from its encrypted file by place. For threads: it waits for the disk. Whoever has read it once from its beginning to its end,
 * in any steps, has read what its row says.
 */
export class EvidenceFile {
  readonly size: number;
  private readonly descriptor: number;
  private readonly segments: SegmentReader;
  private readonly hash = createHash('sha256');
  /** Up to here it was read in order. */
  private hashed = 0;
  private sealed = Buffer.alloc(0);

  constructor(private readonly evidence: EvidenceFileRef) {
    this.size = evidence.size;
    this.descriptor = evidence.growing?.descriptor ?? openSync(evidence.path, 'r');
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

  /** Valid until the next call. Throws an IntegrityError for what is not authentic, and when all of it was read and it is not what its row says. */
  read(start: number, end: number): Buffer {
    const bytes = this.segments.read(start, end);
    const { sha256 } = this.evidence;
    if (sha256 !== null && start <= this.hashed && this.hashed < end) {
      this.hash.update(bytes.subarray(this.hashed - start));
      this.hashed = end;
      if (end === this.size && !timingSafeEqual(this.hash.digest(), sha256)) {
        throw new IntegrityError('the evidence does not have the digest of its row');
      }
    }
    return bytes;
  }

  close(): void {
    if (this.evidence.growing === null) closeSync(this.descriptor);
  }

  private readSealed(start: number, end: number): Buffer {
    const { growing } = this.evidence;
    if (growing !== null && !grownTo(growing, end)) throw new IntegrityError('the evidence did not come whole');
    if (this.sealed.length < end - start) this.sealed = Buffer.allocUnsafe(end - start);
    const bytes = this.sealed.subarray(0, end - start);
    for (let filled = 0; filled < bytes.length;) {
      const read = readSync(this.descriptor, bytes, filled, bytes.length - filled, start + filled);
      if (read === 0) throw new IntegrityError('the evidence’s file is shorter than its row says');
      filled += read;
    }
    return bytes;
  }
}
