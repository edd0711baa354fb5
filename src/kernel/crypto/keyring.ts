import { createSecretKey, hkdfSync, randomBytes, type KeyObject } from 'node:crypto';
import type { Clock } from '../clock.js';
import type { Tx } from '../db/database.js';
import { newId } from '../ids.js';
import { IntegrityError } from './integrity-error.js';
import type { KeyEncryptionKey } from './key-encryption.js';

/** A data key at rest: one per organisation and epoch, wrapped by a key-encryption key. */
export interface DataKeyRow {
  id: string;
  /** The quarter it encrypts in, UTC: `2026Q4`. Old keys only decrypt. */
  epoch: string;
  kekRef: string;
  kekVersion: number;
  wrapped: Buffer;
  createdAt: Date;
}

/** All of it within the transaction's organisation. */
export interface DataKeyStore {
  find(tx: Tx, id: string): Promise<DataKeyRow | null>;
  current(tx: Tx, epoch: string): Promise<DataKeyRow | null>;
  /** Does nothing when the epoch has a key already, waiting for a transaction that is about to give it one. */
  insert(tx: Tx, row: DataKeyRow): Promise<void>;
  /** Locks and returns the keys that an older version of this key-encryption key wrapped. Never a newer one: while a rotation is rolled out, replicas differ. */
  wrappedByOlder(tx: Tx, kekRef: string, kekVersion: number): Promise<DataKeyRow[]>;
  replaceWrapping(tx: Tx, row: Pick<DataKeyRow, 'id' | 'kekRef' | 'kekVersion' | 'wrapped'>): Promise<void>;
}

/** Key objects, not buffers: they print nothing, cannot be changed or zeroed under a running stream, and Node wipes their memory when it frees it. */
export interface DataKey {
  id: string;
  /** Input of the streaming AEAD's key derivation: for evidence. */
  streaming: KeyObject;
  /** For `seal` and `open`: small values. Derived, so that no key serves two algorithms. */
  sealing: KeyObject;
}

/** How long a data key stays in memory: bounds how long a key that was shredded or revoked still opens anything. */
const CACHE_MILLISECONDS = 5 * 60_000;
/** How long it goes unnoticed that keys have to be wrapped anew; a rotation of the key-encryption key waits for it. */
const RECENT_MILLISECONDS = 60_000;
/** Enough for as many organisations at work at once in one process; the bound is on secrets in memory. */
const CACHE_KEYS = 1_000;

/** Data keys of organisations, unwrapped when needed and forgotten soon. */
export class Keyring {
  private readonly cache = new Map<string, { key: DataKey; expires: number }>();
  private readonly recents = new Map<string, { key: DataKey; epoch: string; expires: number }>();

  constructor(
    private readonly kek: KeyEncryptionKey,
    private readonly store: DataKeyStore,
    private readonly clock: Clock,
  ) {}

  /**
   * The key that encrypts now, made when this quarter has none. `created` is for the caller's audit event. Two transactions that make one at once end up
   * with the same: the second waits for the first.
   */
  async current(tx: Tx): Promise<DataKey & { created: boolean }> {
    const now = this.clock.now();
    const epoch = epochOf(now);
    const known = await this.store.current(tx, epoch);
    if (known !== null) return { ...(await this.unwrapped(tx, known)), created: false };
    const made = await this.make(tx, epoch, now);
    await this.store.insert(tx, made);
    const row = await this.store.current(tx, epoch);
    if (row === null) throw new Error('the data key that was inserted is not there');
    return { ...(await this.unwrapped(tx, row)), created: row.id === made.id };
  }

  /**
   * The key that encrypts now, if it was seen a moment ago, without asking the database. Only a key whose transaction is known to have been committed is remembered:
   * what is encrypted under another could never be read again.
   */
  recent(organizationId: string): DataKey | null {
    const now = this.clock.now();
    const found = this.recents.get(organizationId);
    return found?.epoch === epochOf(now) && found.expires > now.getTime() ? found.key : null;
  }

  /** Says that this key of `current` is committed. */
  remember(organizationId: string, key: DataKey): void {
    const now = this.clock.now();
    this.recents.delete(organizationId);
    if (this.recents.size >= CACHE_KEYS) this.recents.delete(this.recents.keys().next().value ?? '');
    this.recents.set(organizationId, { key, epoch: epochOf(now), expires: now.getTime() + RECENT_MILLISECONDS });
  }

  /** The key of that id, to decrypt. An IntegrityError when the organisation has none such (it was destroyed, or the row points elsewhere), or it is not what was wrapped. */
  async find(tx: Tx, id: string): Promise<DataKey> {
    const cached = this.cached(cacheKey(tx, id));
    if (cached !== null) return cached;
    const row = await this.store.find(tx, id);
    if (row === null) throw new IntegrityError(`there is no data key ${id}`);
    return this.unwrapped(tx, row);
  }

  /** After a rotation of the key-encryption key: wraps the organisation's older data keys by its present version. Returns how many. */
  async rewrap(tx: Tx): Promise<number> {
    const rows = await this.store.wrappedByOlder(tx, this.kek.ref, this.kek.version);
    for (const row of rows) {
      const dataKey = await this.unwrap(tx, row);
      try {
        const { version, bytes } = await this.kek.wrap(dataKey, context(tx, row));
        await this.store.replaceWrapping(tx, { id: row.id, kekRef: this.kek.ref, kekVersion: version, wrapped: bytes });
      } finally {
        dataKey.fill(0);
      }
    }
    return rows.length;
  }

  /** Forgets every key: on shutdown, or when an organisation's keys were destroyed. */
  clear(): void {
    this.recents.clear();
    this.cache.clear();
  }

  private async make(tx: Tx, epoch: string, createdAt: Date): Promise<DataKeyRow> {
    const dataKey = randomBytes(32);
    try {
      const id = newId();
      const { version, bytes } = await this.kek.wrap(dataKey, context(tx, { id, epoch }));
      return { id, epoch, kekRef: this.kek.ref, kekVersion: version, wrapped: bytes, createdAt };
    } finally {
      dataKey.fill(0);
    }
  }

  private async unwrapped(tx: Tx, row: DataKeyRow): Promise<DataKey> {
    const name = cacheKey(tx, row.id);
    const cached = this.cached(name);
    if (cached !== null) return cached;
    const bytes = await this.unwrap(tx, row);
    const sealing = Buffer.from(hkdfSync('sha256', bytes, '', 'safeguard sealed values v1', 32));
    const key = { id: row.id, streaming: createSecretKey(bytes), sealing: createSecretKey(sealing) };
    bytes.fill(0);
    sealing.fill(0);
    // Entries are never renewed, so the first one in the map is the oldest.
    for (const [other, { expires }] of this.cache) {
      if (this.cache.size < CACHE_KEYS && expires > this.clock.now().getTime()) break;
      this.cache.delete(other);
    }
    this.cache.set(name, { key, expires: this.clock.now().getTime() + CACHE_MILLISECONDS });
    return key;
  }

  private cached(name: string): DataKey | null {
    const entry = this.cache.get(name);
    if (entry === undefined) return null;
    if (entry.expires > this.clock.now().getTime()) return entry.key;
    this.cache.delete(name);
    return null;
  }

  private unwrap(tx: Tx, row: DataKeyRow): Promise<Buffer> {
    if (row.kekRef !== this.kek.ref) {
      throw new Error(`data key ${row.id} is wrapped by ${row.kekRef}, not by ${this.kek.ref}`);
    }
    return this.kek.unwrap({ version: row.kekVersion, bytes: row.wrapped }, context(tx, row));
  }
}

/** By organisation too: a key that one tenant has loaded is not found by another that knows its id. */
const cacheKey = (tx: Tx, id: string): string => `${tx.organizationId}/${id}`;

const context = (tx: Tx, row: { id: string; epoch: string }): string =>
  `data-key|${tx.organizationId}|${row.id}|${row.epoch}`;

/** The quarter of an instant, UTC. */
export function epochOf(instant: Date): string {
  return `${instant.getUTCFullYear()}Q${Math.floor(instant.getUTCMonth() / 3) + 1}`;
}
