import { createHash, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { bitString, der, ECDSA_SHA256, extension, integer, name, sequence, time } from './der.js';

/**
 * A Sigstore of its own, in small: an authority, a certificate log and a signature log, all of whose keys are made here. So every step of a verification can be
 * shown to hold and to fail. Certificates are written by hand (RFC 5280): Node reads them and makes none.
 */
export interface Sigstore {
  /** `trusted_root.json` of it. */
  trustedRoot: Record<string, unknown>;
  /** A bundle (v0.3) over an in-toto statement, signed with a certificate of the authority. */
  attest(statement: object, by?: Signer): Bundle;
  /** What `cosign verify` prints of a signed image. */
  cosign(
    image: { reference: string; digest: string },
    annotations: Record<string, string> | null,
    by?: Signer,
    escape?: (json: string) => string,
  ): object;
}

export interface Signer {
  subject?: string;
  issuer?: string;
  /** Seconds since 1970 at which it was logged; the certificate holds for ten minutes from `SIGNED_AT`. */
  at?: number;
}

export interface Bundle {
  mediaType: string;
  verificationMaterial: {
    certificate: { rawBytes: string };
    tlogEntries: Record<string, unknown>[];
  };
  dsseEnvelope: { payload: string; payloadType: string; signatures: { sig: string }[] };
}

export const WORKFLOW = 'https://git.example/clinic/portal/.github/workflows/release.yml@refs/heads/main';
export const ISSUER = 'https://token.git.example';
/** 2026-06-01T00:00:00Z */
export const SIGNED_AT = 1_780_272_000;
const REKOR = 'rekor.example';
const PAYLOAD_TYPE = 'application/vnd.in-toto+json';

export interface KeyPair {
  publicKey: KeyObject;
  privateKey: KeyObject;
}

export const keyPair = (): KeyPair => generateKeyPairSync('ec', { namedCurve: 'P-256' });
export const pemOf = ({ publicKey }: KeyPair): string => publicKey.export({ type: 'spki', format: 'pem' }).toString();

/** A DSSE envelope (protocol version 1) with one signature. */
export function envelope(statement: object | string, { privateKey }: KeyPair, keyid = '') {
  const payload = Buffer.from(typeof statement === 'string' ? statement : JSON.stringify(statement));
  const type = `${PAYLOAD_TYPE.length} ${PAYLOAD_TYPE}`;
  const signed = Buffer.concat([Buffer.from(`DSSEv1 ${type} ${payload.length} `), payload]);
  const sig = sign('sha256', signed, privateKey).toString('base64');
  return { payloadType: PAYLOAD_TYPE, payload: payload.toString('base64'), signatures: [{ keyid, sig }] };
}

/** An instance may keep its certificates out of any log. */
export function startSigstore({ logsCertificates = true } = {}): Sigstore {
  const [authority, certificateLog, log] = [keyPair(), keyPair(), keyPair()];
  const root = certificate({
    subject: 'authority',
    key: authority,
    issuer: 'authority',
    by: authority,
    isAuthority: true,
  });
  const logOf = (key: KeyPair, baseUrl: string) => ({
    baseUrl,
    hashAlgorithm: 'SHA2_256',
    publicKey: {
      rawBytes: spki(key).toString('base64'),
      keyDetails: 'PKIX_ECDSA_P256_SHA_256',
      validFor: { start: '2026-01-01T00:00:00Z' },
    },
    logId: { keyId: sha256(spki(key)).toString('base64') },
  });
  const issue = (key: KeyPair, { subject = WORKFLOW, issuer = ISSUER }: Signer): Buffer =>
    certificate({
      subject: '',
      key,
      issuer: 'authority',
      by: authority,
      signer: { subject, issuer },
      ...(logsCertificates ? { certificateLog } : {}),
    });

  return {
    trustedRoot: {
      mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
      tlogs: [logOf(log, `https://${REKOR}`)],
      ctlogs: logsCertificates ? [logOf(certificateLog, 'https://ct.example')] : [],
      certificateAuthorities: [
        {
          certChain: { certificates: [{ rawBytes: root.toString('base64') }] },
          validFor: { start: '2026-01-01T00:00:00Z' },
        },
      ],
      timestampAuthorities: [],
    },
    attest(statement, by = {}) {
      const key = keyPair();
      const dsse = envelope(statement, key);
      const sig = dsse.signatures[0]?.sig ?? '';
      const payloadHash = { algorithm: 'sha256', value: sha256(Buffer.from(dsse.payload, 'base64')).toString('hex') };
      const entry = logged(log, by.at ?? SIGNED_AT, 'dsse', { signatures: [{ signature: sig }], payloadHash });
      return {
        mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
        verificationMaterial: { certificate: { rawBytes: issue(key, by).toString('base64') }, tlogEntries: [entry] },
        dsseEnvelope: { ...dsse, signatures: [{ sig }] },
      };
    },
    cosign({ reference, digest }, annotations, by = {}, escape = (json) => json) {
      const key = keyPair();
      const critical = {
        identity: { 'docker-reference': reference },
        image: { 'docker-manifest-digest': digest },
        type: 'cosign container image signature',
      };
      const payload = Buffer.from(escape(JSON.stringify({ critical, optional: annotations })));
      const pem = `-----BEGIN CERTIFICATE-----\n${issue(key, by).toString('base64')}\n-----END CERTIFICATE-----\n`;
      const { integratedTime, logIndex, logId, canonicalizedBody, inclusionPromise } = logged(
        log,
        by.at ?? SIGNED_AT,
        'hashedrekord',
        {
          data: { hash: { algorithm: 'sha256', value: sha256(payload).toString('hex') } },
          signature: {
            content: sign('sha256', payload, key.privateKey).toString('base64'),
            publicKey: { content: Buffer.from(pem).toString('base64') },
          },
        },
      );
      return {
        critical,
        optional: {
          ...annotations,
          Bundle: {
            SignedEntryTimestamp: inclusionPromise.signedEntryTimestamp,
            Payload: {
              body: canonicalizedBody,
              integratedTime: Number(integratedTime),
              logIndex: Number(logIndex),
              logID: Buffer.from(logId.keyId, 'base64').toString('hex'),
            },
          },
          Issuer: by.issuer ?? ISSUER,
          Subject: by.subject ?? WORKFLOW,
        },
      };
    },
  };
}

/** The only entry of a log: its tree is one leaf, whose hash is the root. */
function logged(log: KeyPair, integratedTime: number, kind: string, spec: object) {
  const body = Buffer.from(JSON.stringify({ apiVersion: '0.0.1', kind, spec }));
  const logId = sha256(spki(log));
  const logIndex = 42;
  // Canonical (RFC 8785): the members are in order.
  const promised = JSON.stringify({
    body: body.toString('base64'),
    integratedTime,
    logID: logId.toString('hex'),
    logIndex,
  });
  const rootHash = sha256(Buffer.concat([Buffer.from([0]), body])).toString('base64');
  const note = `${REKOR}\n1\n${rootHash}\n`;
  const cosigned = Buffer.concat([logId.subarray(0, 4), sign('sha256', Buffer.from(note), log.privateKey)]);
  return {
    logIndex: String(logIndex),
    logId: { keyId: logId.toString('base64') },
    kindVersion: { kind, version: '0.0.1' },
    integratedTime: String(integratedTime),
    inclusionPromise: {
      signedEntryTimestamp: sign('sha256', Buffer.from(promised), log.privateKey).toString('base64'),
    },
    inclusionProof: {
      logIndex: '0',
      rootHash,
      treeSize: '1',
      hashes: [],
      checkpoint: { envelope: `${note}\n\u2014 ${REKOR} ${cosigned.toString('base64')}\n` },
    },
    canonicalizedBody: body.toString('base64'),
  };
}

const sha256 = (bytes: Buffer): Buffer => createHash('sha256').update(bytes).digest();
const spki = ({ publicKey }: KeyPair): Buffer => publicKey.export({ type: 'spki', format: 'der' });

interface Certificate {
  subject: string;
  key: KeyPair;
  issuer: string;
  by: KeyPair;
  isAuthority?: boolean;
  signer?: Required<Pick<Signer, 'subject' | 'issuer'>>;
  /** Where it is logged before it is issued (RFC 6962). */
  certificateLog?: KeyPair;
}

function certificate({ certificateLog, ...of }: Certificate): Buffer {
  const toBeSigned = (extra: Buffer[]): Buffer => {
    const extensions = [
      ...(of.isAuthority ? [extension('2.5.29.19', sequence(der(0x01, Buffer.from([0xff]))))] : []),
      ...(of.signer
        ? [
            extension('2.5.29.17', sequence(der(0x86, Buffer.from(of.signer.subject)))),
            extension('1.3.6.1.4.1.57264.1.8', der(0x0c, Buffer.from(of.signer.issuer))),
          ]
        : []),
      ...extra,
    ];
    const [from, to] = of.isAuthority ? [SIGNED_AT - 86_400, SIGNED_AT + 86_400] : [SIGNED_AT, SIGNED_AT + 600];
    return sequence(
      der(0xa0, integer(2)),
      integer(7),
      ECDSA_SHA256,
      name(of.issuer),
      sequence(time(from), time(to)),
      name(of.subject),
      spki(of.key),
      der(0xa3, sequence(...extensions)),
    );
  };
  const scts = certificateLog ? [sctExtension(toBeSigned([]), of.by, certificateLog)] : [];
  const body = toBeSigned(scts);
  return sequence(body, ECDSA_SHA256, bitString(sign('sha256', body, of.by.privateKey)));
}

/** A signed certificate timestamp over the certificate without it (RFC 6962 section 3.2). */
function sctExtension(preCertificate: Buffer, issuer: KeyPair, log: KeyPair): Buffer {
  const at = Buffer.alloc(8);
  at.writeBigUInt64BE(BigInt(SIGNED_AT) * 1_000n);
  const entry = Buffer.concat([
    Buffer.from([0, 0]),
    at,
    Buffer.from([0, 1]),
    sha256(spki(issuer)),
    sized(3, preCertificate),
    Buffer.from([0, 0]),
  ]);
  const signature = sized(2, sign('sha256', entry, log.privateKey));
  const sct = Buffer.concat([Buffer.from([0]), sha256(spki(log)), at, Buffer.from([0, 0, 4, 3]), signature]);
  return extension('1.3.6.1.4.1.11129.2.4.2', der(0x04, sized(2, sized(2, sct))));
}

function sized(bytes: number, content: Buffer): Buffer {
  const length = Buffer.alloc(bytes);
  length.writeUIntBE(content.length, 0, bytes);
  return Buffer.concat([length, content]);
}
