import type { Swept } from '../../kernel/sweeper.js';

/** An object as it was put: drivers with versions (S3 with object lock) read and remove that version and no other; null where there are none. */
export interface ObjectRef {
  /** `[a-z0-9-]` segments joined by `/`. */
  key: string;
  version: string | null;
}

export interface StoredObject {
  /** Bytes as stored. */
  size: number;
  /** SHA-256 of the bytes as stored. */
  sha256: Buffer;
  version: string | null;
}

export interface LocalFile {
  path: string;
  release(): Promise<void>;
}

/** Bytes that were taken and have no key yet: nobody finds them, and the sweep removes them if nobody keeps them. */
export interface IncomingObject {
  /** Bytes as stored. */
  readonly size: number;
  /** As a file of this machine. */
  readonly path: string;
  /** Keeps them under a key that has no object yet. Resolved means durable; rejected means that nothing is there, under the key or elsewhere. */
  keep(key: string, options: { retainUntil: Date }): Promise<StoredObject>;
  /** Nothing stays of them. Nothing happens when they were kept. */
  discard(): Promise<void>;
}

/** Whoever reads what is taken while it comes. */
export interface Follower {
  /** Before anything of it is written: a file of this machine. */
  begin(path: string): Promise<void>;
  /** So many bytes of it are there. */
  wrote(size: number): void;
}

/** Where the (encrypted) bytes of evidence lie. Objects are written once and never changed. */
export interface EvidenceDriver {
  /** Takes everything that `source` yields; what it yields is valid until the next is asked for. Rejected means that nothing is there. */
  take(source: AsyncIterable<Buffer>, follower?: Follower | null): Promise<IncomingObject>;
  /**
   * Keeps everything that `source` yields under a key that has no object yet. Resolved means durable: it outlives a power cut. Rejected means that nothing
   * is there. A driver whose store can lock objects locks until `retainUntil`.
   */
  put(key: string, source: AsyncIterable<Buffer>, options: { retainUntil: Date }): Promise<StoredObject>;
  /** The bytes from `start` to before `end`; less when the object is shorter, an error when it is not there. Leaving the loop frees what it holds. */
  openRange(object: ObjectRef, start: number, end: number): AsyncIterable<Buffer>;
  /**
   * The object as a file of this machine, for a reader that goes back and forth in it: its own where it lies in one, else a copy that `release` removes. As stored,
   * so encrypted.
   */
  localFile(object: ObjectRef): Promise<LocalFile>;
  stat(object: ObjectRef): Promise<{ size: number } | null>;
  /** Only for what no evidence row names (an intake that failed after `put`) and for disposals. Nothing happens when it is not there. */
  remove(object: ObjectRef): Promise<void>;
  /** Removes what interrupted puts left behind, when it is older than a day; until it has to end. */
  sweep(now: Date, ending: AbortSignal): Promise<Swept>;
}
