import type { Readable } from 'node:stream';
import type { TakenIn } from './intake.js';

/** Bytes that are durable already, and no evidence yet: `keep` makes them so, `discard` forgets them. */
export interface Received extends TakenIn {
  id: string;
  dataKeyId: string;
  mediaType: string;
  receivedAt: Date;
  retainUntil: Date;
}

/** Bytes that are evidence already, received once more: nothing of them was stored. */
export interface ReceivedAgain extends Pick<Received, 'receivedAt' | 'release'> {
  evidenceId: string;
  kept: Pick<TakenIn['kept'], 'sha256' | 'size'>;
  content: null;
  redacted: null;
}

/** Receives what lies in custody. A fault of that is told as what it is, and not as one of whoever has sent the same: he has done his part. */
export async function fromCustody<T>(kept: Readable, receive: () => Promise<T>): Promise<T> {
  try {
    return await receive();
  } catch (error) {
    throw kept.errored ?? error;
  } finally {
    kept.destroy();
  }
}
