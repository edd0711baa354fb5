import { createHmac, timingSafeEqual, type BinaryLike } from 'node:crypto';
import { canonicalJson, type JsonValue } from './canonical-json.js';

/**
 * A message authentication code (HMAC-SHA256, RFC 2104), base64url, of a JSON value that is kept where others may write: whoever has no secret makes none. `place` is all that the value
 * belongs to, for in the same place what was kept earlier fits as well. It begins with a word and has a bar behind it: by the same secret cookies are signed, of ids that have no such
 * character. A TypeError for what has no canonical JSON.
 */
export const jsonMac = (secret: BinaryLike, place: string, value: JsonValue): string =>
  createHmac('sha256', secret)
    .update(`${place}|${canonicalJson(value)}`)
    .digest('base64url');

/** Whether it is the code of that value in that place. Of whatever was read back, also of what nobody can have kept. */
export function isAuthentic(secret: BinaryLike, place: string, value: unknown, mac: unknown): boolean {
  if (typeof mac !== 'string') return false;
  let due: Buffer;
  try {
    due = Buffer.from(jsonMac(secret, place, value as JsonValue), 'base64url');
  } catch {
    return false;
  }
  const found = Buffer.from(mac, 'base64url');
  return found.length === due.length && timingSafeEqual(found, due);
}
