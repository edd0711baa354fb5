import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { exitCode, Failure } from '../bin/client/failure.js';
import { printable } from '../bin/client/text.js';
import { version } from '../bin/client/version.js';
import { API_VERSION } from './collect.js';

/** What is signed: a statement, not the document, which may be of any size. */
export const STATEMENT_TYPE = 'application/vnd.safeguard.report-statement+json';

/** Signs what is sent: DSSE (https://github.com/secure-systems-lab/dsse), protocol version 1. */
export class Signer {
  private constructor(
    private readonly key: KeyObject,
    /** SHA-256 of the public key (SubjectPublicKeyInfo), hexadecimal. */
    readonly keyId: string,
  ) {}

  /** Of a PEM file with a P-256 or Ed25519 key. Throws Failure, which never quotes the file. */
  static fromFile(file: string): Signer {
    const unusable = (reason: string): Failure =>
      new Failure(
        exitCode.usage,
        `the signing key ${printable(file)} ${reason}`,
        'openssl genpkey -algorithm ed25519 makes one',
      );
    let pem: Buffer;
    try {
      pem = readFileSync(file);
    } catch (error) {
      throw unusable(`cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`);
    }
    let key: KeyObject;
    try {
      key = createPrivateKey(pem);
    } catch {
      throw unusable('is no private key in PEM');
    }
    const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
    if (type !== 'ed25519' && !(type === 'ec' && details?.namedCurve === 'prime256v1')) {
      throw unusable('is neither of P-256 nor Ed25519');
    }
    const spki = createPublicKey(key).export({ type: 'spki', format: 'der' });
    return new Signer(key, createHash('sha256').update(spki).digest('hex'));
  }

  /** The envelope over a document's digest, as JSON. */
  envelope(content: { size: number; sha256: string }, createdAt: Date): string {
    const payload = Buffer.from(
      JSON.stringify({
        apiVersion: API_VERSION,
        kind: 'ReportStatement',
        sha256: content.sha256,
        size: content.size,
        createdAt: createdAt.toISOString(),
        collector: { name: 'safeguard', version },
      }),
    );
    const sig = sign(this.key.asymmetricKeyType === 'ed25519' ? null : 'sha256', preAuthentication(payload), this.key);
    return JSON.stringify({
      payloadType: STATEMENT_TYPE,
      payload: payload.toString('base64'),
      signatures: [{ keyid: this.keyId, sig: sig.toString('base64') }],
    });
  }
}

/** What is signed of a payload (DSSE, protocol: PAE). */
function preAuthentication(payload: Buffer): Buffer {
  const head = `DSSEv1 ${Buffer.byteLength(STATEMENT_TYPE)} ${STATEMENT_TYPE} ${payload.length} `;
  return Buffer.concat([Buffer.from(head), payload]);
}
