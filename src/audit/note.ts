import { createPublicKey, hash, verify, type KeyObject } from 'node:crypto';

/*
 * C2SP signed-note, with the two kinds of keys of logs: Ed25519 (0x01) and the timestamped cosignatures of witnesses (0x04, C2SP tlog-cosignature). Pure but for the
 * signer's key.
 */

/** The signature type, a byte of the key ID. */
export const KEY_TYPES = { ed25519: 0x01, cosignature: 0x04 } as const;
export type KeyType = keyof typeof KEY_TYPES;

const ED25519_KEY_SIZE = 32;
const ED25519_SIGNATURE_SIZE = 64;
const TIMESTAMP_SIZE = 8;
const KEY_ID_SIZE = 4;

/** No more is read of a note: C2SP asks for 16 signatures at least, and a checkpoint of a log has far fewer bytes. */
const MAX_NOTE = 65_536;
const MAX_SIGNATURES = 64;

/** Who may have signed, as a vkey names them: `<name>+<key ID, 8 hex digits>+<base64 of type and public key>`. */
export interface VerifierKey {
  readonly name: string;
  /** Lower-case hex. */
  readonly keyId: string;
  readonly type: KeyType;
  readonly publicKey: KeyObject;
}

/** One line `— <name> <base64 of key ID and signature>`. */
export interface NoteSignature {
  readonly name: string;
  /** Lower-case hex. */
  readonly keyId: string;
  readonly signature: Buffer;
}

export interface Note {
  /** What is signed; ends with a line feed. */
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

/** A note in which the signature of every known key is good, and of one at least. */
export interface VerifiedNote {
  readonly text: string;
  readonly verified: readonly { key: VerifierKey; signature: NoteSignature }[];
  /** Signatures by keys that are not known: they say nothing. */
  readonly unknown: readonly NoteSignature[];
}

/** What is said to be a note, a key, a checkpoint or a proof, and is none; or a signature that is wrong. The message says which. */
export class NoteError extends Error {
  override name = 'NoteError';
}

/** Names are told apart by what surrounds them. */
const NAME = /^[^\s+\u0085]+$/u;

/** Key ID = SHA-256(name || 0x0A || type || public key)[:4]. */
function keyIdOf(name: string, type: KeyType, raw: Buffer): string {
  const typed = Buffer.concat([Buffer.from(`${name}\n`, 'utf8'), Buffer.of(KEY_TYPES[type]), raw]);
  return hash('sha256', typed, 'buffer').subarray(0, KEY_ID_SIZE).toString('hex');
}

/** An Ed25519 public key with its name. */
export function verifierKey(name: string, publicKey: KeyObject, type: KeyType = 'ed25519'): VerifierKey {
  if (!NAME.test(name)) throw new NoteError('the name of a key has no spaces and no plus');
  return { name, keyId: keyIdOf(name, type, rawOf(publicKey)), type, publicKey };
}

export const formatVerifierKey = ({ name, keyId, type, publicKey }: VerifierKey): string =>
  `${name}+${keyId}+${Buffer.concat([Buffer.of(KEY_TYPES[type]), rawOf(publicKey)]).toString('base64')}`;

/** Throws a NoteError. A line feed at the end is let go: editors add one. */
export function parseVerifierKey(vkey: string): VerifierKey {
  const [, name = '', keyId = '', encoded = ''] = /^([^+]+)\+([0-9a-f]{8})\+(\S+)$/.exec(vkey.trimEnd()) ?? [];
  const typed = base64(encoded);
  const type = (Object.keys(KEY_TYPES) as KeyType[]).find((known) => KEY_TYPES[known] === typed?.[0]);
  const raw = typed?.subarray(1);
  if (raw?.length !== ED25519_KEY_SIZE || type === undefined) throw new NoteError('not the vkey of an Ed25519 key');
  if (keyIdOf(name, type, raw) !== keyId) throw new NoteError('the key ID of the vkey is of another name or key');
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: raw.toString('base64url') };
  return verifierKey(name, createPublicKey({ key: jwk, format: 'jwk' }), type);
}

function rawOf(publicKey: KeyObject): Buffer {
  const { crv, x } = publicKey.export({ format: 'jwk' });
  if (crv !== 'Ed25519' || x === undefined) throw new NoteError('notes are signed by Ed25519 keys');
  return Buffer.from(x, 'base64url');
}

/** The whole note: its text, a blank line, a line for each signature. */
export function formatNote({ text, signatures }: Note): Buffer {
  return Buffer.from(`${text}\n${signatures.map(signatureLine).join('')}`, 'utf8');
}

export const signatureLine = ({ name, keyId, signature }: NoteSignature): string =>
  `— ${name} ${Buffer.concat([Buffer.from(keyId, 'hex'), signature]).toString('base64')}\n`;

/** Null where it is no such line; it ends with a line feed. */
export function parseSignatureLine(line: string): NoteSignature | null {
  const [, name = '', encoded = ''] = /^— (\S+) (\S+)\n$/u.exec(line) ?? [];
  const bytes = base64(encoded);
  if (!NAME.test(name) || bytes === null || bytes.length <= KEY_ID_SIZE) return null;
  return {
    name,
    keyId: bytes.subarray(0, KEY_ID_SIZE).toString('hex'),
    signature: bytes.subarray(KEY_ID_SIZE),
  };
}

/** Reads a note and verifies nothing: what it says is not to be believed. Throws a NoteError. */
export function parseNote(bytes: Uint8Array): Note {
  if (bytes.length > MAX_NOTE) throw new NoteError(`a note has at most ${MAX_NOTE} bytes`);
  // Below the space of ASCII, and never a part of another character (RFC 3629); the line feed alone is one of a note.
  if (bytes.some((byte) => byte < 0x20 && byte !== 0x0a)) throw new NoteError('a note has no control characters');
  const whole = utf8(bytes);
  // By the last blank line; of that, the first line feed ends the text.
  const end = whole.lastIndexOf('\n\n');
  if (end < 0) throw new NoteError('a note has a text, a blank line and signatures');
  const lines = whole.slice(end + 2).match(/[^\n]*\n|[^\n]+$/g) ?? [];
  if (lines.length > MAX_SIGNATURES) throw new NoteError(`a note has at most ${MAX_SIGNATURES} signatures`);
  const signatures = lines.map(parseSignatureLine);
  if (signatures.length === 0 || signatures.includes(null)) throw new NoteError('a line of a note is no signature');
  return { text: whole.slice(0, end + 1), signatures: signatures.filter((signature) => signature !== null) };
}

/** Reads a note and verifies it. Throws a NoteError where a known key's signature is wrong, and where there is none of a known key. */
export function openNote(bytes: Uint8Array, keys: readonly VerifierKey[]): VerifiedNote {
  const { text, signatures } = parseNote(bytes);
  const verified: VerifiedNote['verified'][number][] = [];
  const unknown: NoteSignature[] = [];
  for (const signature of signatures) {
    const key = keys.find(({ name, keyId }) => name === signature.name && keyId === signature.keyId);
    if (key === undefined) unknown.push(signature);
    else if (!isSignedBy(text, signature, key)) throw new NoteError(`the signature of ${key.name} is wrong`);
    // A key that signed twice has signed.
    else if (verified.every((before) => before.key !== key)) verified.push({ key, signature });
  }
  if (verified.length === 0) throw new NoteError('the note has no signature by a known key');
  return { text, verified, unknown };
}

/** Whether a signature over a text is by that key; of a witness, its time is a part of what is signed. */
export function isSignedBy(text: string, { signature }: NoteSignature, { type, publicKey }: VerifierKey): boolean {
  if (type === 'ed25519') {
    return signature.length === ED25519_SIGNATURE_SIZE && verify(null, Buffer.from(text), publicKey, signature);
  }
  const time = cosignedAt(signature);
  return time !== null && verify(null, cosignedMessage(text, time), publicKey, signature.subarray(TIMESTAMP_SIZE));
}

/** The time of a cosignature, in seconds since 1970; null where it is none. */
export function cosignedAt(signature: Buffer): bigint | null {
  if (signature.length !== TIMESTAMP_SIZE + ED25519_SIGNATURE_SIZE) return null;
  const time = signature.readBigUInt64BE();
  return time < 2n ** 63n ? time : null;
}

/** What a witness signs: the text of a checkpoint after a time. */
export const cosignedMessage = (text: string, time: bigint): Buffer =>
  Buffer.from(`cosignature/v1\ntime ${time}\n${text}`, 'utf8');

/** What a witness' signature is, with its time before it. */
export function cosignature(time: bigint, signature: Buffer): Buffer {
  const seconds = Buffer.alloc(TIMESTAMP_SIZE);
  seconds.writeBigUInt64BE(time);
  return Buffer.concat([seconds, signature]);
}

/** Signs a text by an Ed25519 key. */
export async function signNote(
  text: string,
  { name, keyId, type }: VerifierKey,
  sign: (message: Buffer) => Promise<Buffer>,
): Promise<NoteSignature> {
  if (type !== 'ed25519') throw new NoteError('a witness signs with a time');
  if (!text.endsWith('\n')) throw new NoteError('the text of a note ends with a line feed');
  return { name, keyId, signature: await sign(Buffer.from(text, 'utf8')) };
}

/** Strictly as it would be written: one text for the same bytes. Null otherwise. */
export function base64(text: string): Buffer | null {
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? bytes : null;
}

export function utf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new NoteError('not UTF-8');
  }
}
