import { createHash } from 'node:crypto';
import { canonicalJson } from '../kernel/crypto/canonical-json.js';
import type { Declaration } from './scan.entity.js';

/** The same bytes with the same declaration are one scan. */
export const declaredDigest = ({ cause, ...declared }: Declaration): Buffer =>
  createHash('sha256')
    .update(
      canonicalJson({
        ...declared,
        targets: declared.targets.map((target) => ({ ...target })),
        ...(cause === undefined ? {} : { cause: { ...cause } }),
      }),
    )
    .digest();

/** The readers are part of it: when one changes, the same bytes are read again. */
export const readingDigest = ({ format, targets, partial }: Declaration, reader: string): Buffer =>
  createHash('sha256')
    .update(canonicalJson({ format, targets: targets.map((target) => ({ ...target })), partial, reader }))
    .digest();
