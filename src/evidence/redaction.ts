import { IntegrityError } from '../kernel/crypto/integrity-error.js';
import { buffersPassed } from '../kernel/memory.js';
import type { EvidenceFileRef } from './evidence-file.js';

/** What of received bytes may not be kept: places in order, none within another, and what stands there instead. */
export interface Redaction {
  /** Where each place begins and ends: bytes of what was received, from 0. */
  starts: Float64Array;
  ends: Float64Array;
  /** Which of `texts` stands there instead. */
  replacements: Uint8Array;
  texts: readonly string[];
  dropped: Dropped;
}

/** How many values of which kind were dropped: a name of the rule that found them, and their number. */
export type Dropped = Readonly<Record<string, number>>;

/**
 * What stands at the door: it sees all bytes that come in, says whether something in them may have to be dropped, and then finds it. Nothing is kept before it has
 * said so.
 */
export interface Door {
  /** For one upload: cheap, for nearly all that comes has nothing to drop. */
  watch(): Watch;
  /** Reads suspect bytes again, with care. Null: there is nothing to drop. Throws a Refusal where that cannot be found out: then nothing of them is kept. */
  inspect(size: number, content: Uint8Array | EvidenceFileRef): Promise<Redaction | null>;
}

export interface Watch {
  see(chunk: Buffer): void;
  /** When all was seen. */
  isSuspect(): boolean;
}

/** Lets everything in as it is: for what people file, where nothing is looked for. */
export const OPEN_DOOR: Door = {
  watch: () => ({ see: () => undefined, isSuspect: () => false }),
  inspect: () => Promise.resolve(null),
};

/** The bytes with their places replaced. */
export async function* redacted(
  source: AsyncIterable<Buffer> | Iterable<Buffer>,
  { starts, ends, replacements, texts }: Redaction,
): AsyncGenerator<Buffer, void> {
  const written = texts.map((text) => Buffer.from(text));
  let next = 0;
  /** Where the chunk begins, and up to where nothing is taken. */
  let base = 0;
  let dropTo = 0;
  for await (const chunk of source) {
    const end = base + chunk.length;
    const parts: Buffer[] = [];
    for (let at = Math.max(base, Math.min(dropTo, end)); at < end;) {
      const start = starts[next] ?? Infinity;
      parts.push(chunk.subarray(at - base, Math.min(start, end) - base));
      if (start >= end) break;
      parts.push(written[replacements[next] ?? 0] ?? Buffer.alloc(0));
      dropTo = ends[next] ?? Infinity;
      at = Math.min(dropTo, end);
      next += 1;
    }
    base = end;
    if (parts.length === 1) yield parts[0] ?? chunk;
    else if (parts.length > 1) yield Buffer.concat(parts);
    buffersPassed(chunk.length);
  }
  if (next < starts.length || dropTo > base) throw new IntegrityError('what was to be dropped is not there');
}
