import { toDSSEBundle, bundleToJSON } from '@sigstore/bundle';
import { canonicalJson, type JsonValue } from '../../kernel/crypto/canonical-json.js';

/*
 * What is signed of a package, in the words of others: an in-toto Statement v1 (what it is about, by digest) in a DSSE envelope in a Sigstore bundle v0.3, which
 * `cosign verify-blob-attestation` and @sigstore/verify take. Pure.
 */

export const PREDICATE_TYPE = 'https://safeguard.dev/predicates/audit-package/v1';
const STATEMENT_TYPE = 'https://in-toto.io/Statement/v1';
const PAYLOAD_TYPE = 'application/vnd.in-toto+json';

export interface Subject {
  name: string;
  /** Lower-case hex. */
  sha256: string;
}

/** A head of a log: how many leaves, and their Merkle root in base64. */
export type LogHead = { origin: string; size: number; rootHash: string };

/** Says of the package what a reader wants to see signed. All of it is also in the bag. */
export type Predicate = {
  packageId: string;
  /** The organisation's id. */
  tenant: string;
  scope: { systemId: string | null };
  /** RFC 3339, UTC. */
  period: { from: string; asOf: string; knownAt: string };
  createdAt: string;
  /** Of the organisation's log, and of the log over all organisations' heads; null where the package has none. */
  log: LogHead | null;
  anchor: LogHead | null;
  counts: Record<string, number>;
  softwareVersion: string;
};

/** The payload. RFC 8785: the same facts give the same bytes. */
export function statementOf(subjects: readonly Subject[], predicate: Predicate): Buffer {
  const statement: JsonValue = {
    _type: STATEMENT_TYPE,
    subject: subjects.map(({ name, sha256 }) => ({ name, digest: { sha256 } })),
    predicateType: PREDICATE_TYPE,
    predicate,
  };
  return Buffer.from(canonicalJson(statement), 'utf8');
}

/** DSSE's pre-authentication encoding (protocol.md, version 1): the bytes that are signed. */
export const preAuthenticationEncoding = (payload: Buffer): Buffer =>
  Buffer.concat([
    Buffer.from(`DSSEv1 ${Buffer.byteLength(PAYLOAD_TYPE)} ${PAYLOAD_TYPE} ${payload.length} `, 'utf8'),
    payload,
  ]);

/**
 * The bundle's text.
 * @param signature over the payload's pre-authentication encoding; ASN.1 DER.
 * @param fingerprint of the key, as a hint which one to look for.
 * @param timeStamp TimeStampResp (RFC 3161) over the signature's bytes.
 */
export function bundleOf(payload: Buffer, signature: Buffer, fingerprint: string, timeStamp: Buffer | null): string {
  const bundle = toDSSEBundle({ artifact: payload, artifactType: PAYLOAD_TYPE, signature, keyHint: fingerprint });
  // The library writes the hint as the envelope's `keyid` too. Cosign passes over a signature whose `keyid` is not the one that it makes of the key itself, an SSH
  // fingerprint, and finds none then. DSSE lets it be absent, and nobody may decide by it.
  for (const signed of bundle.content.dsseEnvelope.signatures) signed.keyid = '';
  if (timeStamp !== null) {
    bundle.verificationMaterial.timestampVerificationData = { rfc3161Timestamps: [{ signedTimestamp: timeStamp }] };
  }
  return `${JSON.stringify(bundleToJSON(bundle), null, 2)}\n`;
}
