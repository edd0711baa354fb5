import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { day, FAR, RecordHistory } from '../../test/support/record-history.js';
import type { Tx } from '../kernel/db/database.js';
import { newId } from '../kernel/ids.js';
import type { Principal } from '../kernel/principal.js';
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
    answers.push(await store.lastVersions(tx, id), await store.versions(tx));
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

  it('each time, where an organisation has more than there is room for', async () => {
    const small = new SystemStore(new RegisterMemory(2));
    await history.readSnapshot(async (tx) => {
      expect(await asked(small, tx)).toEqual(await asked(stores.database, tx));
      const query = vi.spyOn(tx, 'query');
      await small.lastVersions(tx, null);
      expect(query).toHaveBeenCalledTimes(1);
    });
  });

  it('anew, where another organisation took the room', async () => {
    const other = { ...history.principal, organizationId: newId() };
    await history.asAdmin(`insert into organization values ($1, 'another', '{}', 1, now(), now())`, [
      other.organizationId,
    ]);
    const first = row(newId(), 1, day(0), { organizationId: other.organizationId });
    await history.writeAs(other, (tx) => stores.database.insert(tx, first));
    const entries = await history.readSnapshot(async (tx) => {
      const [found] = await tx.query<{ entries: number }>(
        'select sum(1 + cardinality(phi_namespaces))::int as entries from system_version',
      );
      return found?.entries ?? 0;
    });
    const small = new SystemStore(new RegisterMemory(entries + 1));
    const statements = (principal: Principal) =>
      history.readSnapshotAs(principal, async (tx) => {
        const query = vi.spyOn(tx, 'query');
        expect(await small.lastVersions(tx, null)).toEqual(await stores.database.lastVersions(tx, null));
        return query.mock.calls.filter(([sql]) => JSON.stringify(sql).includes('phiNamespaces')).length;
      });
    expect([await statements(history.principal), await statements(history.principal)]).toEqual([1, 0]);
    expect(await statements(other)).toBe(1);
    expect(await statements(history.principal)).toBe(1);
  });

  it('anew, where it was put back and has as many versions again', async () => {
    const store = new SystemStore(new RegisterMemory());
    const [lost, added] = [newId(), newId()];
    await register(row(lost, 1, day(8)));
    await history.readSnapshot((tx) => store.lastVersions(tx, null));
    for (const table of ['system_version', 'system']) {
      await history.asAdmin(`alter table ${table} disable trigger user`);
      await history.asAdmin(`delete from ${table} where ${table === 'system' ? 'id' : 'system_id'} = $1`, [lost]);
      await history.asAdmin(`alter table ${table} enable trigger user`);
    }
    await register(row(added, 1, day(9)));
    const ids = await history.readSnapshot(async (tx) =>
      (await store.lastVersions(tx, null)).map((one) => one.systemId),
    );
    expect(ids).toContain(added);
    expect(ids).not.toContain(lost);
  });
});
