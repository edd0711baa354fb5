import { generateKeyPairSync, hash, sign, X509Certificate, type KeyObject } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { contentOf, readDer, TAG, within } from '../../src/kernel/crypto/time-stamp/der.js';
import { bitString, der, ECDSA_SHA256, identifier, integer, name, sequence, time } from './der.js';

/*
 * A time-stamping authority in small (RFC 3161): its certificates and tokens are written by hand, so that each thing that is looked at can be made wrong by itself.
 * `openssl ts -verify` takes what it makes, and a test holds that.
 */

export type SignerKind = 'ec' | 'rsa';

export interface AuthorityOptions {
  signer?: SignerKind;
  /** Seconds since 1970 between which its certificate holds. */
  valid?: readonly [from: number, to: number];
  /** Extended key usages of its certificate, and whether they are critical. */
  usages?: readonly string[];
  critical?: boolean;
  /** An authority between it and the root; its certificate goes out with each answer. */
  intermediate?: boolean;
}

/** What of an answer is not as it should be. */
export interface AnswerOptions {
  at?: number;
  status?: number;
  imprint?: Buffer;
  nonce?: Buffer;
  /** SHA-256 of the certificate that the signed attributes name. */
  certificateSha256?: Buffer;
  /** Changes what was signed, after it was. */
  info?: (info: Buffer) => Buffer;
}

export interface TestAuthority {
  chain: X509Certificate[];
  chainPem: string;
  answer: (request: Buffer, options?: AnswerOptions) => Buffer;
}

interface KeyPair {
  publicKey: KeyObject;
  privateKey: KeyObject;
}

const OID = {
  sha256: '2.16.840.1.101.3.4.2.1',
  rsaSha256: '1.2.840.113549.1.1.11',
  signedData: '1.2.840.113549.1.7.2',
  tstInfo: '1.2.840.113549.1.9.16.1.4',
  contentType: '1.2.840.113549.1.9.3',
  messageDigest: '1.2.840.113549.1.9.4',
  signingCertificateV2: '1.2.840.113549.1.9.16.2.47',
  policy: '1.3.6.1.4.1.99999.1',
};
export const TIME_STAMPING = '1.3.6.1.5.5.7.3.8';
export const SERVER_AUTH = '1.3.6.1.5.5.7.3.1';

const SHA256 = sequence(identifier(OID.sha256), der(0x05));
const DAY = 86_400;

const extension = (oid: string, critical: boolean, value: Buffer): Buffer =>
  sequence(identifier(oid), ...(critical ? [der(0x01, Buffer.of(0xff))] : []), der(0x04, value));

const keyPair = (kind: SignerKind): KeyPair =>
  kind === 'ec'
    ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
    : generateKeyPairSync('rsa', { modulusLength: 2_048 });
const algorithmOf = ({ privateKey }: KeyPair): Buffer =>
  privateKey.asymmetricKeyType === 'ec' ? ECDSA_SHA256 : sequence(identifier(OID.rsaSha256), der(0x05));

export function timeStampAuthority({
  signer = 'ec',
  valid,
  usages = [TIME_STAMPING],
  critical = true,
  intermediate = false,
}: AuthorityOptions = {}): TestAuthority {
  const now = Math.floor(Date.now() / 1_000);
  const always = [now - 3_650 * DAY, now + 3_650 * DAY] as const;
  const [rootKey, middleKey, key] = [keyPair('ec'), keyPair('ec'), keyPair(signer)];
  const authorityExtensions = [extension('2.5.29.19', true, sequence(der(0x01, Buffer.of(0xff))))];
  const root = certificate({
    serial: 1,
    subject: 'Root',
    key: rootKey,
    issuer: 'Root',
    by: rootKey,
    valid: always,
    extensions: authorityExtensions,
  });
  const middle = certificate({
    serial: 2,
    subject: 'Middle',
    key: middleKey,
    issuer: 'Root',
    by: rootKey,
    valid: always,
    extensions: authorityExtensions,
  });
  const own = certificate({
    serial: 3,
    subject: 'Authority',
    key,
    issuer: intermediate ? 'Middle' : 'Root',
    by: intermediate ? middleKey : rootKey,
    valid: valid ?? always,
    extensions: [extension('2.5.29.37', critical, sequence(...usages.map(identifier)))],
  });
  const issuer = intermediate ? 'Middle' : 'Root';

  return {
    chain: [new X509Certificate(root)],
    chainPem: new X509Certificate(root).toString(),
    answer: (request, options = {}) => {
      if (options.status !== undefined && options.status > 1) return sequence(sequence(integer(options.status)));
      const [, imprint, ...rest] = within(readDer(request), TAG.sequence);
      const nonce = rest.find(({ tag }) => tag === TAG.integer)?.content;
      const digest = options.imprint ?? contentOf(within(imprint, TAG.sequence)[1], TAG.octets);
      const info = sequence(
        integer(1),
        identifier(OID.policy),
        sequence(SHA256, der(0x04, digest)),
        integer(7),
        time(options.at ?? now),
        ...(nonce === undefined ? [] : [der(0x02, options.nonce ?? nonce)]),
      );
      const attribute = (oid: string, value: Buffer): Buffer => sequence(identifier(oid), der(0x31, value));
      const named = options.certificateSha256 ?? hash('sha256', own, 'buffer');
      // DER: the elements of a SET are in the order of their bytes.
      const attributes = [
        attribute(OID.contentType, identifier(OID.tstInfo)),
        attribute(OID.messageDigest, der(0x04, hash('sha256', info, 'buffer'))),
        attribute(OID.signingCertificateV2, sequence(sequence(sequence(der(0x04, named))))),
      ].sort((one, other) => Buffer.compare(one, other));
      const signature = sign('sha256', der(0x31, ...attributes), key.privateKey);
      const signerInfo = sequence(
        integer(1),
        sequence(name(issuer), integer(3)),
        SHA256,
        der(0xa0, ...attributes),
        algorithmOf(key),
        der(0x04, signature),
      );
      const signedData = sequence(
        integer(3),
        der(0x31, SHA256),
        sequence(identifier(OID.tstInfo), der(0xa0, der(0x04, options.info?.(info) ?? info))),
        der(0xa0, own, ...(intermediate ? [middle] : [])),
        der(0x31, signerInfo),
      );
      const token = sequence(identifier(OID.signedData), der(0xa0, signedData));
      return sequence(sequence(integer(options.status ?? 0)), token);
    },
  };
}

interface Certificate {
  serial: number;
  subject: string;
  key: KeyPair;
  issuer: string;
  by: KeyPair;
  valid: readonly [from: number, to: number];
  extensions: Buffer[];
}

function certificate(of: Certificate): Buffer {
  const body = sequence(
    der(0xa0, integer(2)),
    integer(of.serial),
    algorithmOf(of.by),
    name(of.issuer),
    sequence(...of.valid.map(time)),
    name(of.subject),
    of.key.publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(...of.extensions)),
  );
  return sequence(body, algorithmOf(of.by), bitString(sign('sha256', body, of.by.privateKey)));
}

export interface ServedAuthority extends TestAuthority {
  url: string;
  /** How many stamps were asked for. */
  asked: () => number;
  /** What it answers from now on: a status other than 200, or an answer that is not as it should be. */
  answering: { status: number; options: AnswerOptions };
  stop: () => Promise<void>;
}

/** The same over HTTP, on loopback. */
export async function serveTimeStamps(authority: TestAuthority = timeStampAuthority()): Promise<ServedAuthority> {
  let asked = 0;
  const answering: ServedAuthority['answering'] = { status: 200, options: {} };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      asked += 1;
      const isQuery = request.headers['content-type'] === 'application/timestamp-query';
      response.writeHead(isQuery ? answering.status : 415, { 'content-type': 'application/timestamp-reply' });
      response.end(isQuery ? authority.answer(Buffer.concat(chunks), answering.options) : undefined);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    ...authority,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    asked: () => asked,
    answering,
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
