import { hash } from 'node:crypto';
import { v7 } from 'uuid';

/** A UUIDv7 (RFC 9562 section 5.7): time-ordered, so that new rows land at the end of an index. */
export const newId = (at?: Date): string => (at === undefined ? v7() : v7({ msecs: at.getTime() }));

/** When a UUIDv7 was made: its first 48 bits are milliseconds since 1970. */
export const instantOfId = (id: string): Date => new Date(Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16));

/** 122 bits of a SHA-256 as a UUIDv8 (RFC 9562 section 5.8): an identity that needs no look-up, and that nobody meets by chance or on purpose. */
export function nameId(...parts: readonly string[]): string {
  // Lengths before texts: no two different lists of parts give the same bytes.
  const hex = hash('sha256', parts.map((part) => `${Buffer.byteLength(part)}:${part}`).join(''));
  const variant = '89ab'[Number.parseInt(hex[16] ?? '', 16) & 3] ?? '';
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
