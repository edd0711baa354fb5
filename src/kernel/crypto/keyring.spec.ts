import { createSecretKey, randomBytes, type KeyObject } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Clock } from '../clock.js';
import type { Tx } from '../db/database.js';
import { IntegrityError } from './integrity-error.js';
import type { KeyEncryptionKey, WrappedKey } from './key-encryption.js';
import { epochOf, Keyring, type DataKeyRow, type DataKeyStore } from './keyring.js';
import { open, seal } from './sealed.js';

const tenant = (organizationId: string): Tx => ({ organizationId }) as Tx;

/** A key-encryption key that counts how often it is asked. */
class CountingKek implements KeyEncryptionKey {
  readonly ref = 'counting:1';
  version = 1;
  unwraps = 0;
  private readonly keys = [randomBytes(32), randomBytes(32), randomBytes(32)].map((key) => createSecretKey(key));

  wrap(dataKey: Buffer, context: string): Promise<WrappedKey> {
    return Promise.resolve({
      version: this.version,
      bytes: seal(this.keys[this.version]!, dataKey, Buffer.from(context)),
    });
  }
  async unwrap(wrapped: WrappedKey, context: string): Promise<Buffer> {
    this.unwraps += 1;
    return Promise.resolve(open(this.keys[wrapped.version]!, wrapped.bytes, Buffer.from(context)));
  }
}

/** The table in memory, with its unique (organization, epoch). */
class MemoryStore implements DataKeyStore {
  readonly rows: (DataKeyRow & { organizationId: string })[] = [];
  /** Called within `insert`, before it looks: another transaction that was first. */
  beforeInsert: (() => Promise<void>) | null = null;

  private of = (tx: Tx) => this.rows.filter((row) => row.organizationId === tx.organizationId);
  find = (tx: Tx, id: string) => Promise.resolve(this.of(tx).find((row) => row.id === id) ?? null);
  current = (tx: Tx, epoch: string) => Promise.resolve(this.of(tx).find((row) => row.epoch === epoch) ?? null);
  async insert(tx: Tx, row: DataKeyRow): Promise<void> {
    await this.beforeInsert?.();
    if (this.of(tx).some(({ epoch }) => epoch === row.epoch)) return;
    this.rows.push({ ...row, organizationId: tx.organizationId });
  }
  wrappedByOlder = (tx: Tx, kekRef: string, kekVersion: number) =>
    Promise.resolve(this.of(tx).filter((row) => row.kekRef !== kekRef || row.kekVersion !== kekVersion));
  replaceWrapping(tx: Tx, row: Pick<DataKeyRow, 'id' | 'kekRef' | 'kekVersion' | 'wrapped'>): Promise<void> {
    Object.assign(
      this.of(tx).find(({ id }) => id === row.id)!,
      row,
    );
    return Promise.resolve();
  }
}

function fixture(): { kek: CountingKek; store: MemoryStore; keyring: Keyring; at: (iso: string) => void } {
  let now = new Date('2026-11-23T09:00:00Z');
  const kek = new CountingKek();
  const store = new MemoryStore();
  const clock: Clock = { now: () => now };
  return { kek, store, keyring: new Keyring(kek, store, clock), at: (iso) => (now = new Date(iso)) };
}

const bytes = (key: KeyObject): string => key.export().toString('hex');

describe('keyring', () => {
  it('makes one key per organisation and quarter, and says when it did?', async () => {
    const { keyring, store, at } = fixture();
    const first = await keyring.current(tenant('a'));
    const again = await keyring.current(tenant('a'));
    const other = await keyring.current(tenant('b'));
    at('2027-01-01T00:00:00Z');
    const next = await keyring.current(tenant('a'));
    expect([first.created, again.created, other.created, next.created]).toEqual([true, false, true, true]);
    expect(again.id).toBe(first.id);
    expect(new Set([first, other, next].map(({ streaming }) => bytes(streaming))).size).toBe(3);
    expect(store.rows.map(({ epoch }) => epoch)).toEqual(['2026Q4', '2026Q4', '2027Q1']);
    expect(bytes((await keyring.find(tenant('a'), first.id)).streaming)).toBe(bytes(first.streaming));
  });

  it.each([
    ['2026-12-31T23:59:59.999Z', '2026Q4'],
    ['2027-01-01T00:00:00Z', '2027Q1'],
    ['2027-03-31T23:59:59Z', '2027Q1'],
    ['2027-04-01T00:00:00Z', '2027Q2'],
    ['2027-09-30T23:59:59-05:00', '2027Q4'],
  ])('is %s in %s?', (instant, epoch) => {
    expect(epochOf(new Date(instant))).toBe(epoch);
  });

  it('does the loser of a race use the winner’s key?', async () => {
    const { kek, keyring, store } = fixture();
    const winner = new Keyring(kek, store, { now: () => new Date('2026-11-23T09:00:00Z') });
    let won: string | null = null;
    store.beforeInsert = async () => {
      store.beforeInsert = null;
      won = (await winner.current(tenant('a'))).id;
    };
    const lost = await keyring.current(tenant('a'));
    expect(lost).toMatchObject({ id: won, created: false });
    expect(store.rows).toHaveLength(1);
  });

  it('asks the key-encryption key once per five minutes?', async () => {
    const { kek, keyring, at } = fixture();
    const { id } = await keyring.current(tenant('a'));
    await keyring.find(tenant('a'), id);
    at('2026-11-23T09:04:59Z');
    await keyring.find(tenant('a'), id);
    expect(kek.unwraps).toBe(1);
    at('2026-11-23T09:05:00Z');
    await keyring.find(tenant('a'), id);
    expect(kek.unwraps).toBe(2);
    keyring.clear();
    await keyring.find(tenant('a'), id);
    expect(kek.unwraps).toBe(3);
  });

  it('keeps a bounded number of keys, the youngest?', async () => {
    const { kek, keyring } = fixture();
    const ids: string[] = [];
    for (let number = 0; number < 1_001; number += 1) ids.push((await keyring.current(tenant(`t${number}`))).id);
    expect(kek.unwraps).toBe(1_001);
    await keyring.find(tenant('t1000'), ids[1_000]!);
    expect(kek.unwraps).toBe(1_001);
    await keyring.find(tenant('t0'), ids[0]!);
    expect(kek.unwraps).toBe(1_002);
  });

  it('does a tenant not reach another’s key by its id, not even when it is cached?', async () => {
    const { keyring } = fixture();
    const { id } = await keyring.current(tenant('a'));
    await expect(keyring.find(tenant('b'), id)).rejects.toThrow(/there is no data key/);
  });

  it('does a wrapped key that was moved to another organisation not unwrap?', async () => {
    const { keyring, store } = fixture();
    const { id } = await keyring.current(tenant('a'));
    store.rows[0]!.organizationId = 'b';
    await expect(keyring.find(tenant('b'), id)).rejects.toThrow(IntegrityError);
  });

  it('does a rotation wrap the same keys anew, and no others’?', async () => {
    const { kek, keyring, store } = fixture();
    const before = await keyring.current(tenant('a'));
    await keyring.current(tenant('b'));
    kek.version = 2;
    expect(await keyring.rewrap(tenant('a'))).toBe(1);
    expect(await keyring.rewrap(tenant('a'))).toBe(0);
    expect(store.rows.map(({ kekVersion }) => kekVersion)).toEqual([2, 1]);
    keyring.clear();
    const after = await keyring.find(tenant('a'), before.id);
    expect(bytes(after.streaming)).toBe(bytes(before.streaming));
    expect(bytes(after.sealing)).toBe(bytes(before.sealing));
    expect(bytes(after.sealing)).not.toBe(bytes(after.streaming));
  });

  it('is a key of another key-encryption key an error that names both?', async () => {
    const { keyring, store } = fixture();
    const { id } = await keyring.current(tenant('a'));
    store.rows[0]!.kekRef = 'kms:other';
    keyring.clear();
    await expect(keyring.find(tenant('a'), id)).rejects.toThrow('wrapped by kms:other, not by counting:1');
  });

  it('do keys print nothing of themselves?', async () => {
    const { keyring } = fixture();
    const key = await keyring.current(tenant('a'));
    expect(JSON.stringify(key)).not.toContain(key.streaming.export().toString('base64').slice(0, 10));
    expect(JSON.stringify(key)).toContain('"streaming":{}');
  });
});
