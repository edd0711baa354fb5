import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Environment } from '../config.js';
import { migrate } from '../kernel/db/migrate.js';
import { showDemo } from './demo.js';
import { DATABASE, startPostgres } from './postgres.js';
import { providerVariables, startProvider } from './provider.js';

/** Where data lies unless SAFEGUARD_DATA_DIRECTORY says otherwise. Beside package.json: three folders above the compiled file. */
const DATA_DIRECTORY = fileURLToPath(new URL('../../../.data', import.meta.url));
const DEFAULT_PORT = 8080;

/** What `npm start` brings along on a machine that has nothing: the server itself is the one of production, configured by these variables. */
export interface DevelopmentEnvironment {
  variables: Record<string, string>;
  /** Settles when the embedded Postgres ended although nobody stopped it. */
  lost: Promise<void>;
  /** Once the server listens: fills an empty database through the public API, and tells where everything is. */
  welcome(): Promise<void>;
  stop(): Promise<void>;
}

export async function startEnvironment(own: Environment): Promise<DevelopmentEnvironment> {
  if (own['NODE_ENV'] === 'production') throw new Error('the development environment is not for production');
  const port = Number(own['PORT'] ?? DEFAULT_PORT);
  if (!Number.isInteger(port) || port < 1 || port > 65_534) throw new Error('PORT is a port from 1 to 65534.');
  const dataDirectory = resolve(own['SAFEGUARD_DATA_DIRECTORY'] || DATA_DIRECTORY);
  const publicUrl = `http://127.0.0.1:${port}`;
  // Passable, not readable: as root, Postgres may have to run as another user. What is secret within is 0600, and its other folders are 0700.
  await mkdir(dataDirectory, { recursive: true });
  await chmod(dataDirectory, 0o711);

  const postgres = await startPostgres({ dataDirectory: join(dataDirectory, 'postgres'), durable: true });
  let stopping = false;
  try {
    await migrate(postgres.url(DATABASE, 'owner'));
    const provider = await startProvider({
      dataDirectory: join(dataDirectory, 'provider'),
      port: port + 1,
      browserRedirectUris: [`${publicUrl}/auth/callback`],
    });
    const stop = async () => {
      stopping = true;
      await provider.stop();
      await postgres.stop();
    };
    return {
      variables: {
        NODE_ENV: 'development',
        DATABASE_URL: postgres.url(DATABASE, 'server'),
        PUBLIC_URL: publicUrl,
        HOST: '127.0.0.1',
        PORT: String(port),
        EVIDENCE_DIRECTORY: join(dataDirectory, 'evidence'),
        KEY_FILE: join(dataDirectory, 'keys.json'),
        KEY_FILE_CREATE: 'true',
        SIGNING_KEY_DIRECTORY: join(dataDirectory, 'signing'),
        ...providerVariables(provider, ['dev-admin']),
        SESSION_SECRET: await sessionSecret(join(dataDirectory, 'session-secret')),
        LOG_LEVEL: own['LOG_LEVEL'] ?? 'warn',
      },
      lost: postgres.exited.then(() => {
        if (!stopping) process.stderr.write(`The embedded Postgres ended; its log: ${postgres.logFile}\n`);
      }),
      welcome: () => showDemo(publicUrl, provider, dataDirectory),
      stop,
    };
  } catch (error) {
    stopping = true;
    await postgres.stop();
    throw error;
  }
}

/** Kept, so that a restart signs nobody out. */
async function sessionSecret(path: string): Promise<string> {
  try {
    await writeFile(path, randomBytes(32).toString('base64url'), { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
  return readFile(path, 'utf8');
}
