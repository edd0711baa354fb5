import { createHash } from 'node:crypto';
import { IntegrityError } from './integrity-error.js';

/**
 * Lets bytes through whose digest is only known at their end. The last of them is held back until then: whoever was told how many come does not get all of them, and
 * cannot take for whole what is not.
 */
export async function* whole(
  content: AsyncIterable<Buffer>,
  expected: { sha256: Buffer; size: number },
  fault: string,
): AsyncGenerator<Buffer, void> {
  const digest = createHash('sha256');
  let size = 0;
  let held: Buffer | null = null;
  for await (const chunk of content) {
    digest.update(chunk);
    size += chunk.length;
    if (held !== null) yield held;
    held = chunk;
  }
  if (size !== expected.size || !digest.digest().equals(expected.sha256)) throw new IntegrityError(fault);
  if (held !== null) yield held;
}
