/*
 * Where the heads of logs are kept outside of the database: on another medium or at an object store, by whoever the database's administrator is not. There they are the
 * measure of what the database has when it comes back from a backup.
 */

/** A signed checkpoint as it is kept outside. */
export interface Copy {
  readonly note: Buffer;
  /** By which the store finds this very copy again: a version id of S3, or a file's number. */
  readonly version: string;
  /** By which the store knows, when the next one is kept, that this was the last. */
  readonly tag: string;
}

export interface Copies {
  /** The last head of a log that was kept; null where none ever was. Throws a CopyLost where there was one and it was taken away. */
  last(origin: string): Promise<Copy | null>;
  /** Keeps the head of a log after that which was the last. Throws a CopyConflict where by now another one is. Resolved means that it outlives a power cut. Gives its version. */
  keep(origin: string, note: Buffer, after: Copy | null): Promise<string>;
}

/** Somebody else has kept a head of this log: there are two of this service, with two databases. */
export class CopyConflict extends Error {
  override name = 'CopyConflict';
}

/** What was kept is no longer there. */
export class CopyLost extends Error {
  override name = 'CopyLost';
}

/** No checkpoint with all cosignatures that we ask for is as long. */
export const MAX_COPY = 65_536;

/** The segments of an origin: all of them ours (a host, fixed words, ids of organisations, numbers), and none of them a way out of where copies lie. */
export function segmentsOf(origin: string): string[] {
  const segments = origin.split('/').map(encodeURIComponent);
  if (segments.some((segment) => /^\.*$/.test(segment))) throw new Error('an origin has a host and names');
  return segments;
}
