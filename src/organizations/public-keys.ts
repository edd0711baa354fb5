import { z } from 'zod';

/** 2048 bits is what RFC 7518 section 3.3 asks at least; above 8192 a check costs more than a request may. */
const modulus = z.string().regex(/^[\w-]{342,1366}$/);
const coordinate = z.string().regex(/^[\w-]{40,100}$/);
const printable = z.string().regex(/^[\x20-\x7e]{1,200}$/);
const common = {
  kid: printable.exactOptional(),
  alg: printable.exactOptional(),
  use: z.literal('sig').exactOptional(),
};

/** Public keys for signatures (RFC 7517, RFC 8037). Certificates and their addresses are left out: nothing here would look at them. */
const publicKey = z.discriminatedUnion('kty', [
  // 65537 is the exponent in use everywhere; a large one would make every check slow.
  z.object({ kty: z.literal('RSA'), n: modulus, e: z.literal('AQAB'), ...common }),
  z.object({ kty: z.literal('EC'), crv: z.enum(['P-256', 'P-384']), x: coordinate, y: coordinate, ...common }),
  z.object({ kty: z.literal('OKP'), crv: z.literal('Ed25519'), x: coordinate, ...common }),
]);

/** RFC 7518 sections 6.2.2, 6.3.2 and 6.4: what no public key has. */
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'];

const hasPrivateMember = (key: unknown): boolean =>
  typeof key === 'object' && key !== null && PRIVATE_MEMBERS.some((member) => member in key);

const distinctKids = (keys: readonly { kid?: string }[]): boolean => {
  const kids = keys.map((key) => key.kid);
  return keys.length === 1 || (!kids.includes(undefined) && new Set(kids).size === kids.length);
};

/** A JWK Set that a tenant pins: every key must be one that can be used. */
export const pinnedKeys = z
  .object({
    keys: z
      .array(
        z
          .unknown()
          .refine(
            (key) => !hasPrivateMember(key),
            'A private or secret key was sent: revoke it, and send the public one.',
          )
          .pipe(publicKey),
      )
      .min(1)
      .max(20)
      .refine(distinctKids, 'Each of several keys needs a `kid` of its own.'),
  })
  .meta({
    id: 'PinnedKeys',
    description:
      'A JWK Set (RFC 7517) of public keys: RSA of 2048 to 8192 bits, P-256, P-384 or Ed25519. With it, no key is ever fetched.',
  });
export type PinnedKeys = z.infer<typeof pinnedKeys>;

/** Enough for any provider's rotation (Microsoft's common set has about a dozen). */
const MAX_FETCHED_KEYS = 100;

/** The usable keys of a set that an issuer serves: others (encryption keys, curves that nobody here takes) are passed over. Null when it is no set. */
export function usableKeys(set: unknown): PinnedKeys | null {
  const parsed = z.object({ keys: z.array(z.unknown()).max(MAX_FETCHED_KEYS) }).safeParse(set);
  if (!parsed.success) return null;
  return {
    keys: parsed.data.keys.flatMap((key) => {
      const usable = hasPrivateMember(key) ? null : publicKey.safeParse(key);
      return usable?.success === true ? [usable.data] : [];
    }),
  };
}
