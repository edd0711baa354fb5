import { hash } from 'node:crypto';

/** 122 bits of a SHA-256 as a UUIDv8 (RFC 9562 section 5.8): an identity that needs no look-up and cannot be met by chance or on purpose. */
function nameId(...parts: readonly string[]): string {
  // Lengths before texts: no two different lists of parts give the same bytes.
  const hex = hash('sha256', parts.map((part) => `${Buffer.byteLength(part)}:${part}`).join(''));
  const variant = '89ab'[Number.parseInt(hex[16] ?? '', 16) & 3] ?? '';
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** The id of a target within its system. */
export const targetId = (kind: string, name: string): string => nameId('target', kind, name);

/** The identity of a check result over time: one check of one source on one resource of one target. */
export const seriesId = (target: string, source: string, check: string, resource: string): string =>
  nameId('series', target, source, check, resource);

/** The identity of a fact over time: one kind of thing that one source says of one subject of one target. */
export const factId = (target: string, source: string, kind: string, subject: string): string =>
  nameId('fact', target, source, kind, subject);
