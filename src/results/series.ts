import { createHash } from 'node:crypto';

/** 122 bits of a SHA-256 as a UUIDv8 (RFC 9562 section 5.8): an identity that needs no look-up and cannot be met by chance or on purpose. */
function nameId(...parts: readonly string[]): string {
  const hash = createHash('sha256');
  // Lengths before texts: no two different lists of parts give the same bytes.
  for (const part of parts) hash.update(`${Buffer.byteLength(part)}:`).update(part);
  const bytes = hash.digest();
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x80, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = bytes.toString('hex', 0, 16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** The id of a target within its system. */
export const targetId = (kind: string, name: string): string => nameId('target', kind, name);

/** The identity of a check result over time: one check of one source on one resource of one target. */
export const seriesId = (target: string, source: string, check: string, resource: string): string =>
  nameId('series', target, source, check, resource);
