import { generateKeyPairSync, sign } from 'node:crypto';
import { join } from 'node:path';
import pg from 'pg';
import { pino } from 'pino';
import type { DataSource } from 'typeorm';
import { expect } from 'vitest';
import type { AnchorConfig } from '../../src/audit/anchor/anchor.config.js';
import { AnchorGuard } from '../../src/audit/anchor/anchor-guard.js';
import { AnchorService, type AnchorFiles } from '../../src/audit/anchor/anchor.service.js';
import { AnchorStore, type Head } from '../../src/audit/anchor/anchor.store.js';
import { formatCheckpoint, openCheckpoint, readCheckpoint } from '../../src/audit/checkpoint.js';
import { LogFaults } from '../../src/audit/log-faults.js';
import { LogFaultsStore } from '../../src/audit/log-faults.store.js';
import { Frontier, isIncluded, leafHash } from '../../src/audit/merkle.js';
import { formatNote, parseVerifierKey, signNote, verifierKey } from '../../src/audit/note.js';
import { logOrigin } from '../../src/audit/origin.js';
import { parseTlogProof } from '../../src/audit/tlog-proof.js';
import { Clock } from '../../src/kernel/clock.js';
import { LocalKeyEncryptionKey } from '../../src/kernel/crypto/local-key-encryption.js';
import { SigningKeys } from '../../src/kernel/crypto/signing/signing-keys.js';
import { openDataSource } from '../../src/kernel/db/data-source.js';
import { Database } from '../../src/kernel/db/database.js';
import { newId } from '../../src/kernel/ids.js';
import { servicePrincipal } from '../../src/kernel/principal.js';
import { createTestDatabase, type TestDatabase } from './postgres.js';

export const HOST = 'safeguard.example';

/** The log of an organisation, in memory: its leaves are words. */
export class TestLog {
  private readonly frontier = new Frontier();
  private readonly roots = [this.frontier.root];
  private readonly keys = generateKeyPairSync('ed25519');
  readonly origin: string;

  constructor(generation = 1, organizationId = newId()) {
    this.origin = logOrigin(HOST, organizationId, generation);
  }

  get size(): number {
    return this.frontier.size;
  }

  readonly rootAt = (size: number): Promise<Buffer> => {
    const root = this.roots[size];
    return root === undefined ? Promise.reject(new RangeError('no such size')) : Promise.resolve(root);
  };

  grow(leaves: number, word = 'leaf'): this {
    for (let n = 0; n < leaves; n += 1) {
      this.frontier.append(leafHash(Buffer.from(`${word} ${this.size}`)));
      this.roots.push(this.frontier.root);
    }
    return this;
  }

  async head(): Promise<Head> {
    const text = formatCheckpoint({ origin: this.origin, size: this.size, root: this.frontier.root });
    const key = verifierKey(this.origin, this.keys.publicKey);
    const signature = await signNote(text, key, (bytes) => Promise.resolve(sign(null, bytes, this.keys.privateKey)));
    return { origin: this.origin, size: this.size, note: formatNote({ text, signatures: [signature] }) };
  }
}

/** What an auditor does with the files, by the keys in them. */
export function verified({ proof, checkpoint, tenantCheckpoint, key, witnesses: vkeys }: AnchorFiles) {
  const { index, hashes, checkpoint: proven } = parseTlogProof(proof);
  expect(proven).toEqual(checkpoint);
  const head = openCheckpoint(checkpoint, parseVerifierKey(key), vkeys.map(parseVerifierKey));
  expect(isIncluded(leafHash(tenantCheckpoint), index, head, hashes)).toBe(true);
  return {
    size: head.size,
    signers: head.note.verified.map(({ key: { name } }) => name),
    of: readCheckpoint(tenantCheckpoint),
  };
}

/** A database, and services that anchor on it. */
export interface AnchorGround {
  admin: pg.Client;
  keys: SigningKeys;
  logs: string[];
  /** Added to the clock of all services, in milliseconds. */
  later: { by: number };
  /** A service that has just started: it remembers nothing. */
  start: (config?: Partial<AnchorConfig>) => AnchoringService;
  stop: () => Promise<void>;
}

export interface AnchoringService {
  guard: AnchorGuard;
  anchors: AnchorService;
  /** Says that a log has a new head, as its signer does. */
  enqueue: (log: TestLog) => Promise<void>;
  startGeneration: () => Promise<void>;
  faults: () => Promise<string[]>;
}

export async function prepareAnchors(directory: string): Promise<AnchorGround> {
  const own: TestDatabase = await createTestDatabase();
  const source: DataSource = await openDataSource(own.urls.server, { max: 8, statementTimeout: 60_000 });
  const admin = new pg.Client({ connectionString: own.urls.admin });
  await admin.connect();
  const logs: string[] = [];
  const logger = pino({ base: null }, { write: (line: string) => void logs.push(line) });
  const database = new Database(source, logger);
  const keys = await SigningKeys.open(
    database,
    { directory: join(directory, 'signing'), create: true, packageKey: null, vaultTokenFile: '' },
    await LocalKeyEncryptionKey.load(join(directory, 'keys.json'), { create: true }),
    logger,
  );
  await keys.onModuleInit();
  const later = { by: 0 };
  const clock = new (class extends Clock {
    override now(): Date {
      return new Date(Date.now() + later.by);
    }
  })();
  const principal = servicePrincipal('test', null, newId());

  const start = (config: Partial<AnchorConfig> = {}): AnchoringService => {
    const whole: AnchorConfig = {
      host: HOST,
      interval: 60_000,
      witnesses: [],
      authority: null,
      copies: null,
      ...config,
    };
    const store = new AnchorStore();
    const guard = new AnchorGuard(
      whole,
      logger,
      database,
      store,
      keys,
      new LogFaults(logger, database, new LogFaultsStore()),
    );
    const anchors = new AnchorService(whole, logger, clock, database, store, guard, keys);
    return {
      guard,
      anchors,
      enqueue: async (log) => {
        const head = await log.head();
        await database.write(principal, async (tx) => {
          tx.withoutAudit('of a test');
          await store.enqueue(tx, await store.generation(tx), head);
        });
      },
      startGeneration: () =>
        database.write(principal, async (tx) => {
          tx.withoutAudit('of a test');
          await store.startGeneration(tx, (await store.generation(tx)) + 1);
        }),
      faults: async () =>
        (await database.read(principal, (tx) => guard.faults(tx))).map(({ origin, reason }) => `${origin}: ${reason}`),
    };
  };

  return {
    admin,
    keys,
    logs,
    later,
    start,
    stop: async () => {
      await admin.end();
      await source.destroy();
      await own.drop();
    },
  };
}

export const ANCHOR_TABLES = [
  'log_generation',
  'anchor_pending',
  'anchor_leaf',
  'anchor_tile',
  'anchoring',
  'anchor_copy',
  'log_fault',
];
export const LOG_TABLES = [
  'audit_event',
  'audit_detail',
  'audit_queue',
  'audit_leaf',
  'log_tile',
  'log_state',
  'log_checkpoint',
];

/** Makes a backup of tables; what it gives brings that back. A superuser does it: nothing that forbids changes stands in the way. */
export async function backup(
  admin: pg.Client,
  tables: readonly string[] = ANCHOR_TABLES,
): Promise<() => Promise<void>> {
  const kept = `backup_${newId().replaceAll('-', '')}`;
  await admin.query(`create schema ${kept}`);
  for (const table of tables) await admin.query(`create table ${kept}.${table} as table ${table}`);
  return async () => {
    await admin.query('begin');
    await admin.query('set local session_replication_role = replica');
    for (const table of tables) {
      await admin.query(`alter table ${table} disable trigger user`);
      await admin.query(`delete from ${table}`);
      await admin.query(`insert into ${table} select * from ${kept}.${table}`);
      await admin.query(`alter table ${table} enable trigger user`);
    }
    await admin.query('commit');
  };
}
