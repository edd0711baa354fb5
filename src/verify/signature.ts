import { createPublicKey, type KeyObject } from 'node:crypto';
import { z } from 'zod';
import { algorithmOf, fingerprintOf, verifySignature } from '../kernel/crypto/signing/signing-key.js';
import { Fault } from './fault.js';
import type { PackageFiles } from './package-files.js';
import { jsonOf, readFile } from './read.js';

/** What is signed: by it every tag file, by those every payload file. */
export const SIGNED = 'bag/tagmanifest-sha256.txt';
export const RAW_SIGNATURE = 'sig/tagmanifest.p256.sig';
export const BUNDLE = 'sig/statement.sigstore.json';
/** Of the signature, where a time-stamp authority has stamped it (RFC 3161). */
export const TIME_STAMP = `${RAW_SIGNATURE}.tsr`;
export const PACKAGE_KEY = 'keys/package-signing.pem';

/** An ECDSA public key on P-256, in PEM. */
export function packageKeyOf(pem: Buffer, name: string): KeyObject {
  let key: KeyObject;
  try {
    key = createPublicKey(pem);
  } catch {
    throw new Fault(`${name} is no public key in PEM`);
  }
  if (algorithmOf(key) !== 'ecdsa-p256-sha256') throw new Fault(`${name} is no key on the curve P-256`);
  return key;
}

export const readPackageKey = async (files: PackageFiles): Promise<KeyObject> =>
  packageKeyOf(await readFile(files, PACKAGE_KEY, MAX_KEY), PACKAGE_KEY);
const MAX_KEY = 10_000;

/** ECDSA with SHA-256 over the tag manifest, in ASN.1 DER: what `openssl dgst -sha256 -verify` reads. */
export async function checkRawSignature(files: PackageFiles, key: KeyObject): Promise<void> {
  const signature = await readFile(files, RAW_SIGNATURE, 1_000);
  if (!verifySignature(key, await readFile(files, SIGNED), signature)) {
    throw new Fault(`${RAW_SIGNATURE} is no signature of ${PACKAGE_KEY} over ${SIGNED}`);
  }
}

const base64 = z.base64();

/** A Sigstore bundle v0.3 with a key of its own and a DSSE envelope, and nothing in it that is not looked at. */
const bundleShape = z.strictObject({
  mediaType: z.literal('application/vnd.dev.sigstore.bundle.v0.3+json'),
  verificationMaterial: z.strictObject({
    publicKey: z.strictObject({ hint: z.string() }),
    tlogEntries: z.array(z.unknown()).length(0).optional(),
    timestampVerificationData: z
      // Protobuf's JSON leaves an empty list out.
      .strictObject({ rfc3161Timestamps: z.array(z.strictObject({ signedTimestamp: base64 })).optional() })
      .optional(),
  }),
  dsseEnvelope: z.strictObject({
    payloadType: z.literal('application/vnd.in-toto+json'),
    payload: base64,
    signatures: z.array(z.strictObject({ sig: base64, keyid: z.string().optional() })).length(1),
  }),
});

export interface Envelope {
  payload: Buffer;
  /** Over the payload, and what the time stamps are of. */
  signature: Buffer;
  /** TimeStampResp of RFC 3161. */
  timeStamps: Buffer[];
}

/** What is in the bundle, once the signature of its envelope (DSSE) is the key's. */
export async function openBundle(files: PackageFiles, key: KeyObject): Promise<Envelope> {
  const { dsseEnvelope, verificationMaterial } = jsonOf(bundleShape, await readFile(files, BUNDLE, MAX_BUNDLE), BUNDLE);
  const { payloadType } = dsseEnvelope;
  const payload = Buffer.from(dsseEnvelope.payload, 'base64');
  // Pre-authentication encoding, section 3 of the DSSE protocol: the type is signed with the body.
  const head = `DSSEv1 ${Buffer.byteLength(payloadType)} ${payloadType} ${payload.length} `;
  const [signed] = dsseEnvelope.signatures;
  const signature = Buffer.from(signed?.sig ?? '', 'base64');
  if (!verifySignature(key, Buffer.concat([Buffer.from(head), payload]), signature)) {
    throw new Fault(`${BUNDLE} is not signed by ${PACKAGE_KEY}`);
  }
  // DSSE lets a key ID be absent, as the service leaves it; where somebody's tool has written one, it is of this key.
  const fingerprint = fingerprintOf(key);
  const { hint } = verificationMaterial.publicKey;
  if (hint !== fingerprint || ![undefined, '', fingerprint].includes(signed?.keyid)) {
    throw new Fault(`${BUNDLE} hints at another key`);
  }
  const stamps = verificationMaterial.timestampVerificationData?.rfc3161Timestamps ?? [];
  return { payload, signature, timeStamps: stamps.map((stamp) => Buffer.from(stamp.signedTimestamp, 'base64')) };
}
/** Time stamps and a statement of some kilobytes. */
const MAX_BUNDLE = 4 * 2 ** 20;
