import { LogDamaged } from './log-damaged.js';
import { Frontier } from './merkle.js';

/** An organisation's log as far as its leaves have an index. */
export interface Log {
  generation: number;
  origin: string;
  size: number;
  root: Buffer;
  frontier: Buffer;
  isComplete: boolean;
  signedSize: number;
}

export interface NewLeaf {
  leafHash: Buffer;
  /** Null where the leaf is no event: then `leaf` has its bytes. */
  eventId: string | null;
  leaf: Buffer | null;
}

export interface SignedHead {
  generation: number;
  origin: string;
  size: number;
  root: Buffer;
  /** The signed note. */
  note: Buffer;
  signedAt: Date;
}

/** What a log goes on from. Throws a LogDamaged where that is not of its size. */
export function frontierOf({ size, frontier }: Pick<Log, 'size' | 'frontier'>): Frontier {
  try {
    return Frontier.of(size, frontier);
  } catch (error) {
    throw new LogDamaged('what the log goes on from is not of its size', { cause: error });
  }
}
