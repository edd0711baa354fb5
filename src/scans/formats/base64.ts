import { step, text, Unreadable, type Fields } from './fields.js';

/**
 * The bytes that the text of that name is in base64 (RFC 4648, standard or URL-safe, padded) and nothing else: what decoders skip or mend, two of them may
 * read as two things.
 */
export function base64(fields: Fields, name: string, bound: number): Buffer {
  const value = text(fields, name);
  if (value.length > bound) throw new Unreadable(step(name), `is longer than ${bound} characters`);
  const bytes = Buffer.from(value, 'base64');
  const standard = bytes.toString('base64');
  if (value !== standard && value !== standard.replaceAll('+', '-').replaceAll('/', '_')) {
    throw new Unreadable(step(name), 'must be base64');
  }
  return bytes;
}
