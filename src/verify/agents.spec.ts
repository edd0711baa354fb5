import { createHash, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { inMemory } from '../../test/verify/in-memory.js';
import { checkAgents } from './agents.js';
import type { PackageIndex } from './package-index.js';

const REPORT = 'a'.repeat(64);
const EVIDENCE = '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a10';
const TYPE = 'application/vnd.safeguard.report-statement+json';

interface Pair {
  publicKey: KeyObject;
  privateKey: KeyObject;
}
const ed25519: Pair = generateKeyPairSync('ed25519');
const p256: Pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });

const keyIdOf = ({ publicKey }: Pair): string =>
  createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('hex');

/** What is kept of a signature, made by one key and said to be by another. */
function signatureOf(by: Pair, said: Pair = by, sha256 = REPORT) {
  const payload = Buffer.from(JSON.stringify({ sha256, size: 1 }));
  const text = Buffer.concat([Buffer.from(`DSSEv1 ${TYPE.length} ${TYPE} ${payload.length} `), payload]);
  const sig = sign(by === ed25519 ? null : 'sha256', text, by.privateKey).toString('base64');
  return {
    state: 'verified',
    keyId: keyIdOf(said),
    publicKey: said.publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    envelope: JSON.stringify({ payloadType: TYPE, payload: payload.toString('base64'), signatures: [{ sig }] }),
  };
}

const redacted = { receivedSha256: 'b'.repeat(64) };
const check = (signatures: unknown[], redaction: typeof redacted | null = null, trusted = [ed25519, p256]) => {
  const lines = signatures.map((signature) => `${JSON.stringify({ evidenceId: EVIDENCE, signature })}\n`).join('');
  const files = inMemory(new Map([['bag/data/scans.jsonl', Buffer.from(lines)]]));
  const evidence = [{ evidenceId: EVIDENCE, sha256: REPORT, redaction }];
  return checkAgents(files, { evidence } as unknown as PackageIndex, {
    agentKeys: new Set(trusted.map(keyIdOf)),
    isTrustErased: false,
  });
};

describe('is a report that is said to be signed by its agent signed by it?', () => {
  it('by either kind of key; one that is not signed, or by nobody who is known, says nothing', async () => {
    const unknown = { ...signatureOf(p256), state: 'unverified', keyId: null, publicKey: null };
    expect(await check([signatureOf(ed25519), signatureOf(p256), null, unknown])).toMatch(/^2 of 4 scans/);
  });

  it.each<[string, unknown, RegExp]>([
    ['by another key', signatureOf(ed25519, p256), /not signed by the key/],
    ['over other bytes', signatureOf(p256, p256, 'c'.repeat(64)), /not what was received/],
    ['by what is no key', { ...signatureOf(p256), publicKey: 'PEM' }, /is no key/],
    ['by a key of another name', { ...signatureOf(p256), keyId: 'x' }, /another than it is called/],
    ['by what is no envelope', { ...signatureOf(p256), envelope: '{}' }, /scans\.jsonl, line 1/],
  ])('not %s', async (_, signature, reason) => {
    await expect(check([signature])).rejects.toThrow(reason);
  });

  it('not by a key that no agent was trusted with', async () => {
    await expect(check([signatureOf(p256)], null, [ed25519])).rejects.toThrow(/no event says/);
  });

  it('over what came, where something was dropped of it; of what two have sent it cannot be told', async () => {
    expect(await check([signatureOf(p256, p256, redacted.receivedSha256)], redacted)).not.toMatch(/cannot be told/);
    expect(await check([signatureOf(p256)], redacted)).toMatch(/what 1 of them have signed cannot be told/);
  });
});
