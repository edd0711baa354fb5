import { execFileSync } from 'node:child_process';
import { createPublicKey, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

/*
 * AWS KMS and the transit engine of Vault and OpenBao, as far as signing needs them: real HTTP servers that speak their wire protocols and sign with real keys. They are
 * written by the services' API references; the services themselves were not there to be tried.
 */

interface Running {
  url: string;
  stop(): Promise<void>;
}

async function listen(answer: (request: IncomingMessage, response: ServerResponse) => Promise<void>): Promise<Running> {
  const server: Server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

const send = (response: ServerResponse, status: number, type: string, body: unknown): void => {
  response.writeHead(status, { 'Content-Type': type }).end(JSON.stringify(body));
};

const newKey = (namedCurve = 'prime256v1'): KeyObject => generateKeyPairSync('ec', { namedCurve }).privateKey;

/** Node signs messages and no digests; AWS KMS is sent a digest. */
function signDigest(key: KeyObject, digest: Buffer): Buffer {
  const directory = mkdtempSync(join(tmpdir(), 'safeguard-kms-'));
  try {
    const file = join(directory, 'key.pem');
    writeFileSync(file, key.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
    return execFileSync('openssl', ['pkeyutl', '-sign', '-inkey', file], { input: digest });
  } finally {
    rmSync(directory, { recursive: true });
  }
}

export interface Kms extends Running {
  arn: string;
  /** What was asked of it. */
  asked: { operation: string; body: Record<string, unknown>; authorization: string }[];
  /** From now on it signs by another key than it publishes. */
  swap(): void;
}

/** AWS JSON 1.1: the operations GetPublicKey and Sign of TrentService. */
export async function startKms(curve?: string): Promise<Kms> {
  const arn = 'arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab';
  const published = newKey(curve);
  let signing = published;
  const asked: Kms['asked'] = [];
  const running = await listen(async (request, response) => {
    const body = JSON.parse(await text(request)) as Record<string, unknown>;
    const operation = String(request.headers['x-amz-target']).replace('TrentService.', '');
    asked.push({ operation, body, authorization: String(request.headers.authorization) });
    const type = 'application/x-amz-json-1.1';
    if (body['KeyId'] !== arn) {
      send(response, 400, type, { __type: 'NotFoundException', message: 'there is no such key' });
    } else if (operation === 'GetPublicKey') {
      const spki = createPublicKey(published).export({ type: 'spki', format: 'der' });
      send(response, 200, type, { KeyId: arn, KeyUsage: 'SIGN_VERIFY', PublicKey: spki.toString('base64') });
    } else {
      const signature = signDigest(signing, Buffer.from(String(body['Message']), 'base64'));
      send(response, 200, type, { KeyId: arn, Signature: signature.toString('base64') });
    }
  });
  return { ...running, arn, asked, swap: () => (signing = newKey()) };
}

export interface Transit extends Running {
  /** Of the key. */
  keyUrl: URL;
  /** Which token it takes. */
  token: string;
  /** Paths that were asked for, with the bodies. */
  asked: { path: string; body: Record<string, unknown> }[];
  rotate(): void;
}

/** `GET /v1/transit/keys/:name` and `POST /v1/transit/sign/:name/:hash_algorithm` of Vault's HTTP API. */
export async function startTransit(keyType = 'ecdsa-p256'): Promise<Transit> {
  const versions = [newKey()];
  const asked: Transit['asked'] = [];
  const running = await listen(async (request, response) => {
    const sent = await text(request);
    const body = sent === '' ? {} : (JSON.parse(sent) as Record<string, unknown>);
    const path = request.url ?? '';
    asked.push({ path, body });
    const answer = (status: number, value: unknown): void => send(response, status, 'application/json', value);
    if (request.headers['x-vault-token'] !== transit.token) answer(403, { errors: ['permission denied'] });
    else if (request.method === 'GET' && path === '/v1/transit/keys/packages') {
      const keys = versions.map((key, index) => [
        String(index + 1),
        {
          public_key: createPublicKey(key).export({ type: 'spki', format: 'pem' }),
          creation_time: '2026-01-01T00:00:00Z',
        },
      ]);
      answer(200, {
        data: { name: 'packages', type: keyType, latest_version: versions.length, keys: Object.fromEntries(keys) },
      });
    } else if (request.method === 'POST' && path === '/v1/transit/sign/packages/sha2-256') {
      const version = Number(body['key_version'] ?? versions.length);
      const key = versions[version - 1];
      if (key === undefined || body['marshaling_algorithm'] !== 'asn1') answer(400, { errors: ['no such version'] });
      else {
        const signature = sign('sha256', Buffer.from(String(body['input']), 'base64'), key).toString('base64');
        answer(200, { data: { key_version: version, signature: `vault:v${version}:${signature}` } });
      }
    } else answer(404, { errors: [] });
  });
  const transit: Transit = {
    ...running,
    keyUrl: new URL(`${running.url}/v1/transit/keys/packages`),
    token: 's.first',
    asked,
    rotate: () => void versions.push(newKey()),
  };
  return transit;
}
