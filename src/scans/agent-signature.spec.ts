import { createHash, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { Refusal } from '../kernel/http/problem.js';
import { signingKeyId, signingKeys } from '../organizations/signing-keys.js';
import { judgeSignature } from './agent-signature.js';

const TYPE = 'application/vnd.safeguard.report-statement+json';
const REPORT = Buffer.from('{"kind":"ClusterSnapshot"}\n');
const content = { sha256: createHash('sha256').update(REPORT).digest(), size: REPORT.length };

interface Pair {
  publicKey: KeyObject;
  privateKey: KeyObject;
}
const p256 = (): Pair => generateKeyPairSync('ec', { namedCurve: 'P-256' });
const ed25519 = (): Pair => generateKeyPairSync('ed25519');
const pemOf = ({ publicKey }: Pair): string => publicKey.export({ type: 'spki', format: 'pem' }).toString();

const statement = (change: object = {}): object => ({
  apiVersion: 'safeguard.dev/v1',
  kind: 'ReportStatement',
  sha256: content.sha256.toString('hex'),
  size: content.size,
  createdAt: '2026-11-26T08:00:00.000Z',
  collector: { name: 'safeguard', version: '0.1.0' },
  ...change,
});

const wrapped = (envelope: object | string): string =>
  `:${Buffer.from(typeof envelope === 'string' ? envelope : JSON.stringify(envelope)).toString('base64')}:`;

function signed(by: Pair, said: object = statement(), change: object = {}): string {
  const payload = Buffer.from(JSON.stringify(said));
  const bytes = Buffer.concat([Buffer.from(`DSSEv1 ${TYPE.length} ${TYPE} ${payload.length} `), payload]);
  const algorithm = by.privateKey.asymmetricKeyType === 'ed25519' ? null : 'sha256';
  return wrapped({
    payloadType: TYPE,
    payload: payload.toString('base64'),
    signatures: [{ keyid: signingKeyId(pemOf(by)), sig: sign(algorithm, bytes, by.privateKey).toString('base64') }],
    ...change,
  });
}

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof Refusal) return error.code;
    throw error;
  }
  return 'taken';
}

describe('is what an agent signed verified', () => {
  it.each([
    ['P-256', p256()],
    ['Ed25519', ed25519()],
  ])('by its key of %s, beside others, and kept as it came?', (_, key) => {
    const header = signed(key);
    const judged = judgeSignature(header, [pemOf(p256()), pemOf(key), pemOf(ed25519())], content);
    expect(judged).toMatchObject({
      state: 'verified',
      keyId: signingKeyId(pemOf(key)),
      createdAt: '2026-11-26T08:00:00.000Z',
    });
    expect(wrapped(judged.envelope)).toBe(header);
  });

  it('by no other than its own: then it is kept, and proves nothing?', () => {
    const key = p256();
    for (const keys of [[], [pemOf(p256())]]) {
      expect(judgeSignature(signed(key), keys, content)).toMatchObject({
        state: 'unverified',
        keyId: signingKeyId(pemOf(key)),
      });
    }
    // Whoever leaves the hint out is told apart by the key alone.
    const bare = JSON.parse(Buffer.from(signed(key).slice(1, -1), 'base64').toString('utf8')) as {
      signatures: { keyid?: string }[];
    };
    delete bare.signatures[0]?.keyid;
    expect(judgeSignature(wrapped(bare), [pemOf(key)], content)).toMatchObject({ state: 'verified' });
  });
});

describe('is what is not what was signed refused', () => {
  const key = p256();
  const keys = [pemOf(key)];

  it.each([
    ['over other bytes', signed(key, statement({ sha256: '0'.repeat(64) }))],
    ['over another number of bytes', signed(key, statement({ size: 1 }))],
    ['under the name of the agent’s key, made by another', renamed(signed(p256()), signingKeyId(pemOf(key)))],
  ])('%s?', (_, header) => {
    expect(codeOf(() => judgeSignature(header, keys, content))).toBe('signature-mismatch');
  });

  it('of a payload that was changed after it was signed?', () => {
    const envelope = JSON.parse(Buffer.from(signed(key).slice(1, -1), 'base64').toString('utf8')) as Record<
      string,
      unknown
    >;
    const payload = Buffer.from(JSON.stringify(statement({ createdAt: '2027-01-01T00:00:00.000Z' }))).toString(
      'base64',
    );
    expect(codeOf(() => judgeSignature(wrapped({ ...envelope, payload }), keys, content))).toBe('signature-mismatch');
  });

  it.each([
    ['no byte sequence', 'abc'],
    ['a text', '"abc"'],
    ['nothing', '::'],
    ['no JSON', wrapped('{')],
    ['no UTF-8', ':/w==:'],
    ['another type', signed(key, statement(), { payloadType: 'application/vnd.in-toto+json' })],
    ['no signature', signed(key, statement(), { signatures: [] })],
    ['no statement', signed(key, { kind: 'ReportStatement' })],
    ['a statement of another version', signed(key, statement({ apiVersion: 'safeguard.dev/v2' }))],
    ['a name of a key that cannot be kept', renamed(signed(key), 'a\u0000')],
    ['too much', wrapped({ filler: 'x'.repeat(9_000) })],
  ])('that holds %s?', (_, header) => {
    expect(codeOf(() => judgeSignature(header, keys, content))).toBe('malformed-header');
  });
});

describe('which keys may an agent have?', () => {
  it('P-256 and Ed25519, each once', () => {
    expect(signingKeys.safeParse([pemOf(p256()), pemOf(ed25519())]).success).toBe(true);
    const key = pemOf(p256());
    expect(signingKeys.safeParse([key, `${key}\n`]).success).toBe(false);
  });

  it.each([
    ['a private key', ed25519().privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()],
    ['another curve', pemOf(generateKeyPairSync('ec', { namedCurve: 'secp256k1' }))],
    ['RSA', pemOf(generateKeyPairSync('rsa', { modulusLength: 2048 }))],
    ['no key', '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n'],
    ['a text', 'hunter2'],
  ])('not %s', (_, key) => {
    expect(signingKeys.safeParse([key]).success).toBe(false);
  });
});

function renamed(header: string, keyid: string): string {
  const envelope = JSON.parse(Buffer.from(header.slice(1, -1), 'base64').toString('utf8')) as {
    signatures: { keyid: string; sig: string }[];
  };
  return wrapped({ ...envelope, signatures: envelope.signatures.map(({ sig }) => ({ keyid, sig })) });
}
