import { verify } from 'node:crypto';
import { parseItem } from 'structured-headers';
import { z } from 'zod';
import { Refusal } from '../kernel/http/problem.js';
import { signingKeyId, signingKeyOf } from '../organizations/signing-keys.js';

/** What an agent says of a report when it sends it: a DSSE envelope (protocol version 1) in a header of the post. */
export const SIGNATURE_HEADER = 'Safeguard-Signature';

const PAYLOAD_TYPE = 'application/vnd.safeguard.report-statement+json';
/** Bytes of the envelope. */
const MAX_ENVELOPE = 8_192;

const base64 = z.base64().max(MAX_ENVELOPE);

const dsseEnvelope = z.object({
  payloadType: z.literal(PAYLOAD_TYPE),
  payload: base64,
  signatures: z
    .array(
      z.object({
        keyid: z
          .string()
          .regex(/^[\x20-\x7e]{0,200}$/)
          .optional(),
        sig: base64,
      }),
    )
    .min(1)
    .max(5),
});

const statement = z.object({
  apiVersion: z.literal('safeguard.dev/v1'),
  kind: z.literal('ReportStatement'),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  size: z.int().min(0),
  createdAt: z.iso.datetime(),
});

/** A signature as it is kept with the scan. */
export interface AgentSignature {
  /** `verified`: a key of the agent made it over these bytes. `unverified`: by no key that is known of it. */
  state: 'verified' | 'unverified';
  /** SHA-256 of the public key, in hex; of an unverified one what it says of itself, or null. */
  keyId: string | null;
  /** The key that verified it, in PEM: whoever has the scan needs nothing else to verify it again. */
  publicKey: string | null;
  /** When it was made, said by its maker. */
  createdAt: string;
  /** The envelope as it came: UTF-8 JSON, to be verified by whoever has the key. */
  envelope: string;
}

/** What was received: of the bytes as they came, before anything was dropped. */
interface Content {
  sha256: Buffer;
  size: number;
}

/**
 * What is to be kept of a signature. Refuses (`signature-mismatch`) one that is over other bytes, or that names a key of the agent which did not make it: then what
 * came is not what was sent, or somebody else sent it.
 */
export function judgeSignature(header: string, keys: readonly string[], { sha256, size }: Content): AgentSignature {
  const envelope = envelopeIn(header);
  const { payload, signatures, said } = parse(envelope);
  if (said.sha256 !== sha256.toString('hex') || said.size !== size) {
    throw mismatch('The signature is over other bytes than the ones that came.');
  }
  const signed = preAuthentication(payload);
  const known = new Map(keys.map((pem) => [signingKeyId(pem), pem]));
  for (const { sig } of signatures) {
    for (const [keyId, publicKey] of known) {
      const key = signingKeyOf(publicKey);
      const algorithm = key.asymmetricKeyType === 'ed25519' ? null : 'sha256';
      if (verify(algorithm, signed, key, Buffer.from(sig, 'base64'))) {
        return { state: 'verified', keyId, publicKey, createdAt: said.createdAt, envelope };
      }
    }
  }
  // A hint: it tells which key to try, and never that one is right.
  const hint = signatures.find(({ keyid }) => keyid !== undefined && keyid !== '')?.keyid ?? null;
  if (hint !== null && known.has(hint))
    throw mismatch('The key of the agent that it names did not make the signature.');
  return { state: 'unverified', keyId: hint, publicKey: null, createdAt: said.createdAt, envelope };
}

/** A byte sequence (RFC 8941 section 3.3.5) of UTF-8 JSON. */
function envelopeIn(header: string): string {
  let item: unknown;
  try {
    item = (parseItem(header) as readonly unknown[])[0];
  } catch {
    throw malformed('is no byte sequence, as in :<base64>:');
  }
  if (!(item instanceof ArrayBuffer)) throw malformed('is no byte sequence, as in :<base64>:');
  if (item.byteLength > MAX_ENVELOPE) throw malformed(`holds more than ${MAX_ENVELOPE} bytes`);
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(item);
  } catch {
    throw malformed('holds no UTF-8');
  }
}

function parse(envelope: string) {
  const { payload, signatures } = shaped(envelope, dsseEnvelope, 'is no DSSE envelope of a report');
  const bytes = Buffer.from(payload, 'base64');
  return {
    payload: bytes,
    signatures,
    said: shaped(bytes.toString('utf8'), statement, 'holds no statement of a report'),
  };
}

function shaped<Schema extends z.ZodType>(text: string, schema: Schema, otherwise: string): z.output<Schema> {
  try {
    const parsed = schema.safeParse(JSON.parse(text));
    if (parsed.success) return parsed.data;
  } catch {
    // told below
  }
  throw malformed(otherwise);
}

/** «Pre-Authentication Encoding» of DSSE: type and length are signed with the payload. */
function preAuthentication(payload: Buffer): Buffer {
  return Buffer.concat([
    Buffer.from(`DSSEv1 ${Buffer.byteLength(PAYLOAD_TYPE)} ${PAYLOAD_TYPE} ${payload.length} `),
    payload,
  ]);
}

const malformed = (what: string): Refusal =>
  new Refusal('malformed-header', `${SIGNATURE_HEADER} ${what}.`, { pointer: `header/${SIGNATURE_HEADER}` });

const mismatch = (detail: string): Refusal =>
  new Refusal('signature-mismatch', detail, { pointer: `header/${SIGNATURE_HEADER}` });
