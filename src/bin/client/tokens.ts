import { open } from 'node:fs/promises';
import { changeLogin, type Login, storedLogin } from './credentials.js';
import { setting } from './environment.js';
import { exitCode, Failure } from './failure.js';
import { clientCredentials, pickIssuer, refreshed, trustedIssuers } from './oauth.js';
import { printable } from './text.js';

/** Where the bearer token comes from. Never an argument: the process list shows those to everybody. */
export interface TokenSource {
  token(): Promise<string>;
  /** The server refused this token: is there another now? */
  renew(refused: string): Promise<boolean>;
  /** What to do when the server refuses it for good. */
  readonly advice: string;
}

/** A token is renewed this long before it expires: the longest upload's head start, and clocks that differ. */
const early = 60_000;
/** Larger than any token that a server takes in a header. */
const tokenLimit = 64 * 1024;

/** In this order: --token-file, SAFEGUARD_TOKEN, SAFEGUARD_TOKEN_FILE, client credentials, the stored login. */
export function tokenSource(server: URL, tokenFile: string | undefined, retryFor: number): TokenSource {
  const token = setting('SAFEGUARD_TOKEN');
  const file = setting('SAFEGUARD_TOKEN_FILE');
  const clientId = setting('SAFEGUARD_CLIENT_ID');
  if (tokenFile !== undefined) return fromFile(tokenFile);
  if (token !== undefined) return fromVariable(token);
  if (file !== undefined) return fromFile(file);
  if (clientId !== undefined) return fromClientCredentials(server, clientId, retryFor);
  return fromLogin(server);
}

/** Read anew at each use: the kubelet replaces a projected token long before it expires. */
function fromFile(file: string): TokenSource {
  const token = async (): Promise<string> => {
    let text: string;
    try {
      const handle = await open(file);
      try {
        const { buffer, bytesRead } = await handle.read({ buffer: Buffer.alloc(tokenLimit), position: 0 });
        text = buffer.toString('utf8', 0, bytesRead);
      } finally {
        await handle.close();
      }
    } catch (error) {
      const reason = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
      throw new Failure(exitCode.refused, `cannot read the token file ${printable(file)} (${reason})`);
    }
    return checked(text, `the file ${printable(file)}`);
  };
  return {
    token,
    renew: async (refused) => (await token()) !== refused,
    advice: `the server does not take the token in ${printable(file)}: see that it is fresh, for this server's audience, and from an issuer that it trusts`,
  };
}

function fromVariable(text: string): TokenSource {
  return {
    token: () => Promise.resolve().then(() => checked(text, 'SAFEGUARD_TOKEN')),
    renew: () => Promise.resolve(false),
    advice:
      'the server does not take the token in SAFEGUARD_TOKEN: it may have expired; unset it to use `safeguard login`',
  };
}

function fromClientCredentials(server: URL, clientId: string, retryFor: number): TokenSource {
  let held: { token: string; expiresAt: number | null } | null = null;
  let renewed = false;
  return {
    async token() {
      if (held !== null && (held.expiresAt === null || held.expiresAt - early > Date.now())) return held.token;
      const secret = setting('SAFEGUARD_CLIENT_SECRET');
      const issuer = setting('SAFEGUARD_ISSUER');
      if (secret === undefined || issuer === undefined) {
        throw new Failure(
          exitCode.usage,
          'SAFEGUARD_CLIENT_ID is set without SAFEGUARD_CLIENT_SECRET and SAFEGUARD_ISSUER',
          'set all three, or unset it',
        );
      }
      const audience =
        setting('SAFEGUARD_AUDIENCE') ?? pickIssuer(await trustedIssuers(server, retryFor), issuer).audience;
      held = await clientCredentials(issuer, clientId, secret, audience);
      return checked(held.token, 'the answer of the provider');
    },
    renew(refused) {
      // Once: a token that was just issued and is refused will not be taken the next time either.
      if (held === null || held.token !== refused || renewed) return Promise.resolve(false);
      renewed = true;
      held = null;
      return Promise.resolve(true);
    },
    advice:
      'the server does not take the tokens of this client: see that its issuer, audience and subject are bound to an agent',
  };
}

function fromLogin(server: URL): TokenSource {
  const signIn = `safeguard login --server ${server.href.replace(/\/$/, '')}`;
  const over = (): Failure => new Failure(exitCode.refused, `your login at ${server.origin} has ended`, signIn);
  const fresh = async (refused: string | null): Promise<Login> => {
    const login = await changeLogin(server, async (stored) => {
      if (stored === null) return null;
      // Another process may have refreshed it while this one waited for the lock.
      const good =
        stored.accessToken !== refused && (stored.expiresAt === null || stored.expiresAt - early > Date.now());
      return good ? stored : ((await refreshed(stored)) ?? stored);
    });
    if (
      login === null ||
      login.accessToken === refused ||
      (login.expiresAt !== null && login.expiresAt <= Date.now())
    ) {
      throw over();
    }
    return login;
  };
  return {
    async token() {
      const stored = await storedLogin(server);
      if (stored === null) {
        throw new Failure(
          exitCode.refused,
          `not logged in at ${server.origin}`,
          `${signIn}; machines use --token-file, SAFEGUARD_TOKEN_FILE or client credentials`,
        );
      }
      const good = stored.expiresAt === null || stored.expiresAt - early > Date.now();
      return checked((good ? stored : await fresh(null)).accessToken, 'the stored login');
    },
    async renew(refused) {
      await fresh(refused);
      return true;
    },
    advice: signIn,
  };
}

/** The characters of a bearer token (RFC 6750 section 2.1): nothing else goes into a header. */
function checked(text: string, from: string): string {
  const token = text.trim();
  if (!/^[A-Za-z0-9._~+/-]+=*$/.test(token)) throw new Failure(exitCode.refused, `${from} holds no bearer token`);
  return token;
}
