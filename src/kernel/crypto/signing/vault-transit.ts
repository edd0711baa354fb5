import { createPublicKey } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { ANSWER_WITHIN, remoteSigningKey } from './remote-signing-key.js';
import type { SigningKey, SigningUse } from './signing-key.js';

const keyAnswer = z.object({
  data: z.object({
    type: z.string(),
    latest_version: z.int().positive(),
    keys: z.record(z.string(), z.unknown()),
  }),
});
const signAnswer = z.object({ data: z.object({ signature: z.string() }) });
const publicKey = z.object({ public_key: z.string().min(1) });

/** No answer of these two calls is longer. Bytes. */
const LONGEST_ANSWER = 262_144;

/**
 * A key of the transit engine of Vault or OpenBao (type ecdsa-p256), by the URL of its key: `https://vault.example.org/v1/transit/keys/safeguard-package`. Its policy needs
 * `read` of that path and `update` of `transit/sign/safeguard-package`. The version that is the latest at the start signs until the end. The token is read from its file
 * before each call: Vault Agent renews it there.
 */
export async function vaultSigningKey(use: SigningUse, url: URL, tokenFile: string): Promise<SigningKey> {
  const { data } = keyAnswer.parse(await call('GET', url, tokenFile));
  if (data.type !== 'ecdsa-p256') throw new Error(`${url.href} is of type ${data.type} and not ecdsa-p256`);
  const version = data.latest_version;
  const { public_key: pem } = publicKey.parse(data.keys[String(version)]);
  const signUrl = new URL(url);
  signUrl.pathname = `${url.pathname.replace(/\/keys\/([^/]+)$/, '/sign/$1')}/sha2-256`;
  return remoteSigningKey(use, createPublicKey(pem), async (bytes) => {
    const answer = await call('POST', signUrl, tokenFile, {
      input: Buffer.from(bytes).toString('base64'),
      key_version: version,
      marshaling_algorithm: 'asn1',
    });
    const [, , signature] = signAnswer.parse(answer).data.signature.split(':');
    return Buffer.from(signature ?? '', 'base64');
  });
}

async function call(method: 'GET' | 'POST', url: URL, tokenFile: string, body?: object): Promise<unknown> {
  const token = (await readFile(tokenFile, 'utf8')).trim();
  const answer = await fetch(url, {
    method,
    headers: { 'X-Vault-Token': token, 'X-Vault-Request': 'true', 'Content-Type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    redirect: 'error',
    signal: AbortSignal.timeout(ANSWER_WITHIN),
  });
  // A body says what was asked for, and may say more than a log should hold.
  if (!answer.ok) throw new Error(`${url.origin} answered ${answer.status} to ${method} ${url.pathname}`);
  return JSON.parse(await bounded(answer)) as unknown;
}

async function bounded(answer: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of (answer.body ?? []) as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    if (length > LONGEST_ANSWER) throw new Error('the answer of the transit engine is too long');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
