import { z } from 'zod';

/** A name that people give: one line, no control characters (they would forge lines in reports and logs), no half of a surrogate pair (it has no bytes). */
export const nameText = z
  .string()
  .trim()
  .min(1)
  .max(200)
  .regex(/^[^\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]*$/u, 'A name has no control characters.');

/** OpenID Connect Core section 2: `sub` has at most 255 ASCII characters. */
export const subjectText = z.string().regex(/^[\x21-\x7e]{1,255}$/, 'A subject has 1 to 255 visible ASCII characters.');

/** Exactly as `iss` says it; which issuers can be taken is told by the problem `trust-issuer-refused`. */
export const issuerText = z.string().min(1).max(500);
