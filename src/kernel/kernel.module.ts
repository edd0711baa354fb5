import {
  Global,
  Inject,
  Module,
  type DynamicModule,
  type BeforeApplicationShutdown,
  type OnApplicationShutdown,
} from '@nestjs/common';
import pg from 'pg';
import type { DataSource } from 'typeorm';
import type { Logger } from 'pino';
import { Clock } from './clock.js';
import { dataKeyStore } from './crypto/data-key.store.js';
import type { KeyEncryptionKey } from './crypto/key-encryption.js';
import { Keyring } from './crypto/keyring.js';
import { LocalKeyEncryptionKey } from './crypto/local-key-encryption.js';
import { SigningKeys, type SigningOptions } from './crypto/signing/signing-keys.js';
import { Answers } from './db/answers.js';
import { KEEP_ALIVE, openDataSource } from './db/data-source.js';
import { Database, DATA_SOURCE } from './db/database.js';
import { Foreground } from './foreground.js';
import { reasonOf } from './http/outbound.js';
import { LOGGER } from './logger.js';
import { Queue } from './queue.js';

export interface KernelOptions {
  databaseUrl: string;
  databasePool: number;
  keyFile: string;
  keyFileCreate: boolean;
  signing: SigningOptions;
  logger: Logger;
  /** Seals answers that are kept for retries: the same on every replica. */
  answerSecret: string;
}

/** A request that holds a connection longer than this has lost its caller. Merges of a million rows stay far below. Milliseconds. */
const STATEMENT_TIMEOUT = 300_000;

/** What seals data keys: only the kernel is given it. */
const KEY_ENCRYPTION_KEY = Symbol('key-encryption key');

/** A few plain connections for a library that brings its own queries (the session store). */
export const POOL = Symbol('plain pool');
const POOL_CONNECTIONS = 3;

/** What every room stands on: the clock, the database, the keys, the queue. */
@Global()
@Module({})
export class KernelModule implements BeforeApplicationShutdown, OnApplicationShutdown {
  constructor(
    @Inject(DATA_SOURCE) private readonly source: DataSource,
    @Inject(POOL) private readonly pool: pg.Pool,
    private readonly queue: Queue,
  ) {}

  static with(options: KernelOptions): DynamicModule {
    return {
      module: KernelModule,
      providers: [
        Clock,
        Foreground,
        { provide: LOGGER, useValue: options.logger },
        {
          provide: DATA_SOURCE,
          useFactory: () =>
            openDataSource(options.databaseUrl, { max: options.databasePool, statementTimeout: STATEMENT_TIMEOUT }),
        },
        {
          provide: POOL,
          useFactory: () => {
            const pool = new pg.Pool({
              connectionString: options.databaseUrl,
              max: POOL_CONNECTIONS,
              ...KEEP_ALIVE,
              connectionTimeoutMillis: 10_000,
            });
            // An idle connection that Postgres ends is no reason to end with it; the next query opens another.
            pool.on('error', (error) =>
              options.logger.warn({ reason: reasonOf(error) }, 'an idle connection was lost'),
            );
            return pool;
          },
        },
        {
          provide: Database,
          inject: [DATA_SOURCE],
          useFactory: (source: DataSource) => new Database(source, options.logger, new Answers(options.answerSecret)),
        },
        {
          provide: KEY_ENCRYPTION_KEY,
          useFactory: () => loadKeyFile(options),
        },
        {
          provide: Keyring,
          inject: [KEY_ENCRYPTION_KEY, Clock],
          useFactory: (kek: KeyEncryptionKey, clock: Clock) => new Keyring(kek, dataKeyStore, clock),
        },
        {
          provide: SigningKeys,
          inject: [Database, KEY_ENCRYPTION_KEY],
          useFactory: (database: Database, kek: KeyEncryptionKey) => openSigningKeys(database, options, kek),
        },
        {
          provide: Queue,
          useFactory: async () => {
            const queue = new Queue(options.databaseUrl, options.logger);
            await queue.start();
            return queue;
          },
        },
      ],
      exports: [Clock, Foreground, LOGGER, DATA_SOURCE, POOL, Database, Keyring, SigningKeys, Queue],
    };
  }

  /** While everything still works: jobs under way end, those that wait stay queued. */
  async beforeApplicationShutdown(): Promise<void> {
    await this.queue.stop();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.pool.end();
    await this.source.destroy();
  }
}

async function loadKeyFile({ keyFile, keyFileCreate }: KernelOptions): Promise<LocalKeyEncryptionKey> {
  try {
    return await LocalKeyEncryptionKey.load(keyFile, { create: keyFileCreate });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`KEY_FILE: ${why} (docs/operations.md says how a key file is made)`, { cause: error });
  }
}

async function openSigningKeys(
  database: Database,
  { signing, logger }: KernelOptions,
  kek: KeyEncryptionKey,
): Promise<SigningKeys> {
  try {
    return await SigningKeys.open(database, signing, kek, logger);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`Signing keys: ${why} (docs/operations.md says how they are made)`, { cause: error });
  }
}
