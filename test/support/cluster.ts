import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK } from 'jose';

/** A cluster whose API server signs service account tokens, serving its keys on loopback. */
export class Cluster {
  issuer = '';
  fetches = 0;
  private server: Server | null = null;
  private key: CryptoKey | null = null;
  private kid = '';
  jwk: JWK = { kty: 'EC' };

  async rotate(kid: string): Promise<void> {
    const pair = await generateKeyPair('ES256', { extractable: true });
    this.key = pair.privateKey;
    this.kid = kid;
    this.jwk = { ...(await exportJWK(pair.publicKey)), kid, alg: 'ES256', use: 'sig' };
  }

  async serve(): Promise<void> {
    this.server = createServer((request, response) => {
      this.fetches += 1;
      const found =
        request.url === '/keys' ? { keys: [this.jwk] } : { issuer: this.issuer, jwks_uri: `${this.issuer}/keys` };
      response.setHeader('content-type', 'application/json').end(JSON.stringify(found));
    });
    await new Promise<void>((resolve) => this.server?.listen(0, '127.0.0.1', resolve));
    this.issuer = `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  token(subject: string, claims: Record<string, unknown> = {}): Promise<string> {
    const at = Math.floor(Date.now() / 1000);
    return new SignJWT({
      iss: this.issuer,
      sub: subject,
      aud: ['safeguard'],
      iat: at,
      nbf: at,
      exp: at + 3607,
      ...claims,
    })
      .setProtectedHeader({ alg: 'ES256', kid: this.kid })
      .sign(this.key!);
  }

  async stop(): Promise<void> {
    this.server?.closeAllConnections();
    await new Promise((resolve) => this.server?.close(resolve) ?? resolve(undefined));
  }
}
