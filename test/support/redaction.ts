import { redacted, type Dropped, type Redaction } from '../../src/evidence/redaction.js';
import { redactionOf } from '../../src/scans/redaction/redact.js';
import { Suspicion } from '../../src/scans/redaction/suspicion.js';
import { BytesInMemory } from '../../src/scans/text/byte-source.js';

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** Whether bytes are suspect, seen in chunks of these sizes. */
export function isSuspect(bytes: Buffer, sizes: readonly number[] = [bytes.length]): boolean {
  const suspicion = new Suspicion();
  for (let at = 0, next = 0; at < bytes.length; next++) {
    const size = Math.max(1, sizes[next % sizes.length] ?? 1);
    suspicion.see(bytes.subarray(at, at + size));
    at += size;
  }
  return suspicion.isSuspect();
}

async function apply(bytes: Buffer, redaction: Redaction, size = bytes.length): Promise<Buffer> {
  const chunks = function* (): Generator<Buffer> {
    for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
  };
  const parts: Buffer[] = [];
  for await (const part of redacted(chunks(), redaction)) parts.push(part);
  return Buffer.concat(parts);
}

/** What is kept of a text, as the door would have it, and what was dropped of it. */
export async function kept(
  text: string | Buffer,
  sizes?: readonly number[],
): Promise<{ text: string; dropped: Dropped }> {
  const bytes = Buffer.from(text as string);
  const redaction = isSuspect(bytes, sizes) ? redactionOf(new BytesInMemory(bytes)) : null;
  if (redaction === null) return { text: bytes.toString(), dropped: {} };
  return { text: (await apply(bytes, redaction, sizes?.[0])).toString(), dropped: redaction.dropped };
}
