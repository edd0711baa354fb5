import { open, type FileHandle } from 'node:fs/promises';
import type { KeyObject } from 'node:crypto';
import { ciphertextSize } from '../kernel/crypto/streaming-aead.js';
import type { Follower } from './drivers/driver.js';
import { GIVEN_UP, type OpenedEvidence } from './evidence-file.js';

/** Stored bytes are counted in 32 bits. */
const MAX_STORED = 2 ** 31 - 1;

/**
 * Evidence that is read while it is written: its size is known before. What is read of it is authentic, as of any evidence; whether all of it is to be kept is known only when all has
 * come. A reader who waits for what does not come is woken and told so.
 */
export class GrowingEvidence implements Follower {
  private readonly written = new Int32Array(new SharedArrayBuffer(4));
  private readonly storageSize: number;
  private readonly settled = Promise.withResolvers<undefined>();
  private readonly dropped = new AbortController();
  private isKept = false;

  constructor(
    private readonly of: { size: number; key: KeyObject; associatedData: Uint8Array },
    private readonly begun: (evidence: GrowingEvidence, opened: OpenedEvidence) => void,
  ) {
    this.storageSize = ciphertextSize(of.size);
  }

  static fits(size: number): boolean {
    return ciphertextSize(size) <= MAX_STORED;
  }

  /** Resolved when all of it is there, or it was given up. */
  get whole(): Promise<undefined> {
    return this.settled.promise;
  }

  /** Aborted when nobody will take what is read of it. */
  get unwanted(): AbortSignal {
    return this.dropped.signal;
  }

  /** Opened before it has a name of its own, so that whoever names it takes it from nobody. */
  async begin(path: string): Promise<void> {
    const handle: FileHandle = await open(path, 'r');
    const { written, storageSize, of } = this;
    this.begun(this, {
      file: { path, ...of, storageSize, sha256: null, growing: { descriptor: handle.fd, written } },
      release: () => handle.close(),
    });
  }

  wrote(size: number): void {
    if (Atomics.load(this.written, 0) === GIVEN_UP) return;
    Atomics.store(this.written, 0, size);
    Atomics.notify(this.written, 0);
    if (size >= this.storageSize) this.settled.resolve(undefined);
  }

  /** It is in custody as it came. */
  keep(): void {
    this.isKept = true;
  }

  /** Nothing happens where it is kept: that it came is not enough, for its digest or what it holds may have it refused. */
  giveUp(): void {
    if (!this.isKept) this.drop();
  }

  /** Nobody will take what is read of it, whatever became of it. */
  drop(): void {
    Atomics.store(this.written, 0, GIVEN_UP);
    Atomics.notify(this.written, 0);
    this.settled.resolve(undefined);
    this.dropped.abort();
  }
}
