import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { exportJWK, generateKeyPair, type JWK } from 'jose';

/** What has to survive a restart so that tokens, cookies and configured agents stay valid. Sessions do not. */
export interface ProviderState {
  signingKey: JWK;
  cookieKey: string;
  /** Secrets of confidential clients, by client id. */
  secrets: Record<string, string>;
}

/** Reads `provider.json` (0600) of the directory, or makes it; secrets of clients that are new to it are added. */
export async function providerState(directory: string, confidential: readonly string[]): Promise<ProviderState> {
  const file = join(directory, 'provider.json');
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const found = await readFile(file, 'utf8').catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  });
  const state = found === undefined ? await newState() : (JSON.parse(found) as ProviderState);
  const unknown = confidential.filter((client) => state.secrets[client] === undefined);
  for (const client of unknown) state.secrets[client] = secret();
  if (found === undefined || unknown.length > 0) {
    await writeFile(`${file}.new`, JSON.stringify(state), { mode: 0o600 });
    await rename(`${file}.new`, file);
  }
  return state;
}

async function newState(): Promise<ProviderState> {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true });
  const kid = randomBytes(8).toString('hex');
  const signingKey = { ...(await exportJWK(privateKey)), kid, alg: 'ES256', use: 'sig' };
  return { signingKey, cookieKey: secret(), secrets: {} };
}

const secret = (): string => randomBytes(32).toString('base64url');
