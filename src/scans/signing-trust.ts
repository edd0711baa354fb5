import { createPublicKey, type KeyObject } from 'node:crypto';
import { TrustedRoot } from '@sigstore/protobuf-specs';
import { toTrustMaterial, type TrustMaterial } from '@sigstore/verify';
import { z } from 'zod';

/**
 * Whose signatures are believed. Only an operator can say it: a report never brings its own trust. It is data, for signatures are verified where reports are
 * read, in a thread of its own. What is here was tried when the server started.
 */
const publicKey = z
  .string()
  .max(10_000)
  .refine((pem) => !pem.includes('PRIVATE KEY'), 'A private key was given: revoke it, and give the public one.')
  .refine(isUsableKey, 'No public key in PEM of P-256, Ed25519, or RSA of 2048 to 8192 bits.');

const trustedRoot = z
  .record(z.string(), z.unknown())
  .refine(isUsableRoot, 'No trusted root of Sigstore with a certificate authority and a log or timestamp authority.');

const identity = z.strictObject({
  issuer: z.string().min(1).max(1_000).describe('Who vouched for the signer, exactly as in the certificate.'),
  subject: z
    .string()
    .max(1_000)
    .refine((subject) => /[^*]/.test(subject), 'Everybody whom the issuer knows may sign: name more of the subject.')
    .describe('The signer as in the certificate, from first to last letter; * stands for any letters.'),
});

const signingTrust = z
  .strictObject({
    name: z.string().min(1).max(200).describe('Told with each signature that it verified.'),
    publicKeys: z
      .array(publicKey)
      .max(50)
      .default([])
      .describe('PEM. What they sign is believed without any log: whoever holds the key vouches for the time too.'),
    trustedRoots: z
      .array(trustedRoot)
      .max(10)
      .default([])
      .describe(
        'trusted_root.json of a Sigstore instance: certificates of its authorities, if its logs and times bear them out.',
      ),
    identities: z
      .array(identity)
      .max(200)
      .default([])
      .describe('Whose certificates of these roots are believed. Anybody can get one.'),
  })
  .refine(
    ({ publicKeys, trustedRoots }) => publicKeys.length + trustedRoots.length > 0,
    'Give publicKeys or trustedRoots.',
  )
  .refine(
    ({ trustedRoots, identities }) => trustedRoots.length > 0 === identities.length > 0,
    'trustedRoots and identities go together: a root without them would believe anybody.',
  );

export const signingTrusts = z
  .array(signingTrust)
  .max(50)
  .refine((trusts) => new Set(trusts.map(({ name }) => name)).size === trusts.length, 'Two trusts have one name.');

export type SigningTrust = z.infer<typeof signingTrust>;

/** Throws where the text is no public key. */
export const publicKeyOf = (pem: string): KeyObject => createPublicKey(pem);

/** Throws where the document is no trusted root. */
export const rootOf = (document: unknown): TrustMaterial => toTrustMaterial(TrustedRoot.fromJSON(document));

/** The verifying library hashes by SHA-256 whatever the curve: of another one good signatures would fail. */
function isUsableKey(pem: string): boolean {
  if (!/^\s*-----BEGIN (RSA )?PUBLIC KEY-----/.test(pem)) return false;
  try {
    const { asymmetricKeyType: type, asymmetricKeyDetails: details } = publicKeyOf(pem);
    const bits = details?.modulusLength ?? 0;
    return (
      type === 'ed25519' ||
      (type === 'ec' && details?.namedCurve === 'prime256v1') ||
      (type === 'rsa' && bits >= 2_048 && bits <= 8_192)
    );
  } catch {
    return false;
  }
}

function isUsableRoot(document: unknown): boolean {
  try {
    const { certificateAuthorities, tlogs, timestampAuthorities } = rootOf(document);
    return certificateAuthorities.length > 0 && tlogs.length + timestampAuthorities.length > 0;
  } catch {
    return false;
  }
}
