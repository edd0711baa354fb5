import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { day, FAR, RecordHistory } from '../../test/support/record-history.js';
import type { Tx } from '../kernel/db/database.js';
import { newId } from '../kernel/ids.js';
import { RegisterMemory } from './register.memory.js';
import type { SystemRow } from './system.entity.js';
import { SystemStore } from './system.store.js';

const history = new RecordHistory();
const stores = { database: new SystemStore(new RegisterMemory(0)), memory: new SystemStore(new RegisterMemory()) };

const [old, changed, retired, young] = [newId(), newId(), newId(), newId()];

const row = (id: string, version: number, recordedAt: Date, more: Partial<SystemRow> = {}): SystemRow => ({
  organizationId: history.organizationId,
  id,
  name: `system ${id}`,
  environment: 'production',
  phi: 'stores',
  phiNamespaces: [`ns-${version}`],
  version,
  createdAt: recordedAt,
  updatedAt: recordedAt,
  retiredAt: null,
  ...more,
});

const register = (first: SystemRow) => history.write((tx) => stores.database.insert(tx, first));
const change = (next: SystemRow) => history.write((tx) => stores.database.update(tx, next));

beforeAll(async () => {
  await history.open();
  await register(row(old, 1, day(0)));
  await register(row(changed, 1, day(1)));
  await change(row(changed, 2, day(3), { phi: 'none' }));
  await change(row(changed, 3, day(5), { name: 'another name', phiNamespaces: [] }));
  await register(row(retired, 1, day(2)));
  await change(row(retired, 2, day(4), { retiredAt: day(4) }));
});
afterAll(() => history.close());

/** At every pair of instants that tells anything apart, of all systems and of one. */
async function asked(store: SystemStore, tx: Tx): Promise<unknown[]> {
  const answers: unknown[] = [];
  const instants = [
    ...[0, 1, 2, 3, 4, 5, 6].flatMap((number) => [new Date(day(number).getTime() - 1), day(number)]),
    FAR,
  ];
  for (const id of [null, changed, newId()]) {
    answers.push(await store.lastVersions(tx, id));
    for (const inEffect of instants) {
      for (const knownAt of instants) answers.push(await store.versionsAsOf(tx, inEffect, knownAt, id));
    }
  }
  return answers;
}

describe('does memory say of systems what the database says?', () => {
  it('at every instant, as it was known at every other', async () => {
    await history.readSnapshot(async (tx) => {
      const said = await asked(stores.memory, tx);
      expect(said.length).toBeGreaterThan(600);
      expect(said).toEqual(await asked(stores.database, tx));
    });
  });

  it('after another was registered, and still in a snapshot that does not see it', async () => {
    await history.readSnapshot(async (before) => {
      const said = await asked(stores.database, before);
      await register(row(young, 1, day(6)));
      await history.readSnapshot(async (tx) => {
        const now = await asked(stores.memory, tx);
        expect(now).toEqual(await asked(stores.database, tx));
        expect(now).not.toEqual(said);
      });
      expect(await asked(stores.memory, before)).toEqual(said);
    });
  });

  it('to an agent of those that it is bound to', async () => {
    const principal = { ...history.principal, systemIds: [old, young] };
    await history.readSnapshotAs(principal, async (tx) => {
      const said = await asked(stores.memory, tx);
      expect(said).toEqual(await asked(stores.database, tx));
      expect(JSON.stringify(said)).toContain(old);
      expect(JSON.stringify(said)).not.toContain(changed);
    });
  });
});

describe('when is the database asked?', () => {
  it('once for what has not changed since', async () => {
    const store = new SystemStore(new RegisterMemory());
    await history.readSnapshot((tx) => store.lastVersions(tx, null));
    await history.readSnapshot(async (tx) => {
      const query = vi.spyOn(tx, 'query');
      await asked(store, tx);
      expect(query).toHaveBeenCalledTimes(1);
    });
  });

  it('each time by whoever writes, for what he writes may never be', async () => {
    const store = new SystemStore(new RegisterMemory());
    const own = newId();
    const failed = history.write(async (tx) => {
      await store.insert(tx, row(own, 1, day(7)));
      expect((await store.lastVersions(tx, own)).map(({ systemId }) => systemId)).toEqual([own]);
      throw new Error('rolled back');
    });
    await expect(failed).rejects.toThrow('rolled back');
    await history.readSnapshot(async (tx) => expect(await store.lastVersions(tx, own)).toEqual([]));
  });

  it('where an organisation has more than there is room for', async () => {
    const small = new SystemStore(new RegisterMemory(2));
    await history.readSnapshot(async (tx) => {
      expect(await asked(small, tx)).toEqual(await asked(stores.database, tx));
    });
  });
});
