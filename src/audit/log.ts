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
