import { hash, randomBytes, verify, X509Certificate } from 'node:crypto';
import { contentOf, DerError, identifierOf, readDer, smallInteger, TAG, timeOf, within, type DerValue } from './der.js';

/*
 * RFC 3161: what a time-stamping authority is asked, and what is looked at in its answer before it is believed. Pure. `openssl ts -verify -data FILE -in FILE.tsr -CAfile
 * CHAIN` checks the same answers. A library would have brought more ASN.1 than this, and the one that is here (@sigstore/core) reads only authorities that sign by ECDSA.
 */

/** The answer is no time stamp of these bytes by an authority of the chain. The message says why. */
export class TimeStampError extends Error {
  override name = 'TimeStampError';
}

export interface TimeStamp {
  /** When the bytes were there at the latest, said by the authority. */
  readonly time: Date;
  /** The certificate by which the authority signed, and those by which it is trusted, up to the root. */
  readonly chain: readonly X509Certificate[];
}

/** Longer answers are not read: a token with a chain of four RSA certificates has 8 kB. */
export const MAX_TIME_STAMP = 65_536;
const MAX_CERTIFICATES = 16;
const MAX_PATH = 8;

const OID = {
  signedData: '1.2.840.113549.1.7.2',
  tstInfo: '1.2.840.113549.1.9.16.1.4',
  contentType: '1.2.840.113549.1.9.3',
  messageDigest: '1.2.840.113549.1.9.4',
  signingCertificate: '1.2.840.113549.1.9.16.2.12',
  signingCertificateV2: '1.2.840.113549.1.9.16.2.47',
  extendedKeyUsage: '2.5.29.37',
  timeStamping: '1.3.6.1.5.5.7.3.8',
} as const;

const DIGESTS: Readonly<Record<string, 'sha256' | 'sha384' | 'sha512'>> = {
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
};

/** Signature algorithms, with the digest that each names; of plain rsaEncryption that of the signer's digest algorithm. */
const SIGNATURES: Readonly<Record<string, 'sha256' | 'sha384' | 'sha512' | null>> = {
  '1.2.840.113549.1.1.1': null,
  '1.2.840.113549.1.1.11': 'sha256',
  '1.2.840.113549.1.1.12': 'sha384',
  '1.2.840.113549.1.1.13': 'sha512',
  '1.2.840.10045.4.3.2': 'sha256',
  '1.2.840.10045.4.3.3': 'sha384',
  '1.2.840.10045.4.3.4': 'sha512',
};

/**
 * TimeStampReq (section 2.4.1): version 1, the SHA-256 of the bytes, a nonce, and the wish to have the certificate in the answer. Its length never changes, so it is
 * written down: the nonce begins with a byte from 0x40 to 0x7f, which makes it a positive INTEGER of eight bytes.
 */
export function timeStampRequest(bytes: Uint8Array): { request: Buffer; nonce: Buffer } {
  const nonce = randomBytes(8);
  nonce.writeUInt8((nonce.readUInt8() & 0x3f) | 0x40);
  const request = Buffer.concat([
    Buffer.from('3043020101' + '3031300d060960864801650304020105000420', 'hex'),
    hash('sha256', bytes, 'buffer'),
    Buffer.from('0208', 'hex'),
    nonce,
    Buffer.from('0101ff', 'hex'),
  ]);
  return { request, nonce };
}

/**
 * Believes a TimeStampResp only when all of this holds: it was granted; its imprint is of these bytes; its nonce is the one that was sent, where one is given; it is signed
 * by the certificate that it names, and by it alone; that certificate is for time stamps and nothing else (section 2.3); and a chain leads from it to a root of `chain`, all
 * of it valid at the time that is stamped. Throws a TimeStampError.
 */
export function checkTimeStamp(
  response: Buffer,
  bytes: Uint8Array,
  { chain, nonce }: { chain: readonly X509Certificate[]; nonce?: Buffer },
): TimeStamp {
  try {
    return checked(response, bytes, chain, nonce);
  } catch (error) {
    if (error instanceof TimeStampError) throw error;
    if (error instanceof DerError) throw new TimeStampError(`the answer is no time stamp: ${error.message}`);
    // What OpenSSL says of a certificate or key that it cannot read.
    throw new TimeStampError('the answer has a certificate or a signature that cannot be read', { cause: error });
  }
}

function checked(response: Buffer, bytes: Uint8Array, chain: readonly X509Certificate[], nonce?: Buffer): TimeStamp {
  if (response.length > MAX_TIME_STAMP) throw new TimeStampError('the answer is too long for a time stamp');
  const [status, token] = within(readDer(response), TAG.sequence);
  // granted, and granted with modifications: what may have been modified is looked at here.
  const code = smallInteger(within(status, TAG.sequence)[0]);
  if (code > 1 || token === undefined)
    throw new TimeStampError(`the authority has refused the request (status ${code})`);

  const [contentType, explicit] = within(token, TAG.sequence);
  expectIdentifier(contentType, OID.signedData);
  const [, , encapsulated, ...rest] = within(within(explicit, TAG.context0)[0], TAG.sequence);
  const [eContentType, eContent] = within(encapsulated, TAG.sequence);
  expectIdentifier(eContentType, OID.tstInfo);
  const info = contentOf(within(eContent, TAG.context0)[0], TAG.octets);
  const time = stampedTime(info, bytes, nonce);

  const certificates = rest
    .filter(({ tag }) => tag === TAG.context0)
    .flatMap((set) => within(set, TAG.context0))
    .map(({ whole }) => whole);
  if (certificates.length > MAX_CERTIFICATES) throw new TimeStampError('the answer has too many certificates');
  const [signer, ...others] = within(rest.at(-1), TAG.set);
  if (others.length > 0) throw new TimeStampError('a time stamp has one signer');
  const own = new X509Certificate(signingCertificate(signer, info, certificates));
  requireTimeStampingOnly(own);
  const known = [...chain, ...certificates.map((der) => new X509Certificate(der))];
  return { time, chain: chainOf(own, known, chain, time) };
}

/** TSTInfo (section 2.4.2): of these bytes, and for this request. */
function stampedTime(info: Buffer, bytes: Uint8Array, nonce: Buffer | undefined): Date {
  const [version, , imprint, , genTime, ...optional] = within(readDer(info), TAG.sequence);
  if (smallInteger(version) !== 1) throw new TimeStampError('a time stamp has version 1');
  const [algorithm, digest] = within(imprint, TAG.sequence);
  const expected = hash(digestOf(algorithm), bytes, 'buffer');
  if (!contentOf(digest, TAG.octets).equals(expected)) throw new TimeStampError('the time stamp is of other bytes');
  const theirs = optional.find(({ tag }) => tag === TAG.integer)?.content;
  if (nonce !== undefined && theirs?.equals(nonce) !== true) {
    throw new TimeStampError('the time stamp answers another request: its nonce is not the one that was sent');
  }
  return timeOf(genTime);
}

/** Verifies the signature of a SignerInfo (RFC 5652, section 5.4) and gives the certificate by which it was made: the one that the signed attributes name (RFC 5816). */
function signingCertificate(signer: DerValue | undefined, info: Buffer, certificates: readonly Buffer[]): Buffer {
  const [, , digestAlgorithm, signedAttributes, signatureAlgorithm, signature] = within(signer, TAG.sequence);
  const attributes = attributesOf(signedAttributes);
  const attribute = (type: string): DerValue | undefined => attributes.get(type);
  expectIdentifier(attribute(OID.contentType), OID.tstInfo);
  const digest = digestOf(digestAlgorithm);
  if (!contentOf(attribute(OID.messageDigest), TAG.octets).equals(hash(digest, info, 'buffer'))) {
    throw new TimeStampError('what the authority has signed is not the time stamp');
  }
  const certificate = certificates.find(
    namedBy(attribute(OID.signingCertificateV2), attribute(OID.signingCertificate)),
  );
  if (certificate === undefined) throw new TimeStampError('the answer has not the certificate that signed it');

  // As a SET, which they are; in the SignerInfo they have the tag of their place.
  const signed = Buffer.from(signedAttributes?.whole ?? []);
  signed.writeUInt8(TAG.set);
  const algorithm = SIGNATURES[identifierOf(within(signatureAlgorithm, TAG.sequence)[0])];
  if (algorithm === undefined) throw new TimeStampError('the authority signs by an algorithm that is not known here');
  const { publicKey } = new X509Certificate(certificate);
  if (!verify(algorithm ?? digest, signed, publicKey, contentOf(signature, TAG.octets))) {
    throw new TimeStampError('the signature of the time stamp is wrong');
  }
  return certificate;
}

/** The one value of each attribute, by its type. */
function attributesOf(signedAttributes: DerValue | undefined): Map<string, DerValue> {
  const attributes = new Map<string, DerValue>();
  for (const attribute of within(signedAttributes, TAG.context0)) {
    const [type, values] = within(attribute, TAG.sequence);
    const [value, ...more] = within(values, TAG.set);
    const name = identifierOf(type);
    if (value === undefined || more.length > 0 || attributes.has(name))
      throw new TimeStampError('an attribute has one value');
    attributes.set(name, value);
  }
  return attributes;
}

/** SigningCertificateV2 by any digest, SHA-256 where none is said; or SigningCertificate, by SHA-1. The first is the signer's. */
function namedBy(v2: DerValue | undefined, v1: DerValue | undefined): (certificate: Buffer) => boolean {
  const [first] = within(within(v2 ?? v1, TAG.sequence)[0], TAG.sequence);
  const parts = within(first, TAG.sequence);
  const said = parts[0]?.tag === TAG.sequence ? parts.shift() : undefined;
  const expected = contentOf(parts[0], TAG.octets);
  const digest = v2 === undefined ? 'sha1' : said === undefined ? 'sha256' : digestOf(said);
  return (certificate) => hash(digest, certificate, 'buffer').equals(expected);
}

/** Section 2.3: a key for time stamps is for nothing else, and says so critically. */
function requireTimeStampingOnly(certificate: X509Certificate): void {
  const [toBeSigned] = within(readDer(certificate.raw), TAG.sequence);
  const explicit = within(toBeSigned, TAG.sequence).find(({ tag }) => tag === TAG.context3);
  const extensions = explicit === undefined ? [] : within(within(explicit, TAG.context3)[0], TAG.sequence);
  for (const extension of extensions) {
    const [type, critical, value] = within(extension, TAG.sequence);
    if (identifierOf(type) !== OID.extendedKeyUsage || critical?.tag !== TAG.boolean) continue;
    const usages = within(readDer(contentOf(value, TAG.octets)), TAG.sequence).map(identifierOf);
    if (usages.length === 1 && usages[0] === OID.timeStamping) return;
  }
  throw new TimeStampError('the certificate of the authority is not one for time stamps alone');
}

/** From the certificate to a root that is trusted, each issued by the next and valid at the time. */
function chainOf(
  own: X509Certificate,
  known: readonly X509Certificate[],
  trusted: readonly X509Certificate[],
  time: Date,
): X509Certificate[] {
  const roots = new Set(trusted.filter((certificate) => isIssuedBy(certificate, certificate)).map(fingerprint));
  const path: X509Certificate[] = [];
  for (let at: X509Certificate | undefined = own; at !== undefined && path.length < MAX_PATH;) {
    if (!isValidAt(at, time)) break;
    path.push(at);
    if (roots.has(fingerprint(at))) return path;
    const last: X509Certificate = at;
    at = known.find((issuer) => issuer.ca && fingerprint(issuer) !== fingerprint(last) && isIssuedBy(last, issuer));
  }
  throw new TimeStampError('no chain that was valid then leads from the authority to a root that is trusted');
}

const isIssuedBy = (certificate: X509Certificate, issuer: X509Certificate): boolean =>
  certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
const isValidAt = ({ validFromDate, validToDate }: X509Certificate, time: Date): boolean =>
  validFromDate <= time && time <= validToDate;
const fingerprint = ({ raw }: X509Certificate): string => hash('sha256', raw);

function digestOf(algorithm: DerValue | undefined): 'sha256' | 'sha384' | 'sha512' {
  const digest = DIGESTS[identifierOf(within(algorithm, TAG.sequence)[0])];
  if (digest === undefined) throw new TimeStampError('the time stamp is by a digest that is not known here');
  return digest;
}

function expectIdentifier(value: DerValue | undefined, expected: string): void {
  if (identifierOf(value) !== expected) throw new TimeStampError('the answer is signed data of another kind');
}

/** The certificates of a PEM file, at least one of them a root. Throws a TimeStampError. */
export function parseChain(pem: string): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g) ?? [];
  try {
    const chain = blocks.map((block) => new X509Certificate(block));
    if (chain.some((certificate) => isIssuedBy(certificate, certificate))) return chain;
  } catch {
    // Told below.
  }
  throw new TimeStampError('certificates in PEM are asked for, and among them a root');
}
