import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import { Encrypter } from 'age-encryption';

/** Whether a package can be encrypted to it: a recipient of age (`age1…`, also post-quantum and of hardware tokens). */
export function isRecipient(text: string): boolean {
  try {
    new Encrypter().addRecipient(text);
    return true;
  } catch {
    return false;
  }
}

/** The same bytes as an age file (age-encryption.org/v1) that each of the recipients opens, and nobody else: not this service either. Reads as fast as it is read. */
export async function encryptTo(recipients: readonly string[], content: Readable): Promise<Readable> {
  const encrypter = new Encrypter();
  for (const recipient of recipients) encrypter.addRecipient(recipient);
  const plaintext = Readable.toWeb(content) as ReadableStream<Uint8Array> & globalThis.ReadableStream<Uint8Array>;
  try {
    return Readable.fromWeb((await encrypter.encrypt(plaintext)) as ReadableStream<Uint8Array>);
  } catch (error) {
    content.destroy();
    throw error;
  }
}
