import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { day, FAR, RecordHistory, type Version } from '../../test/support/record-history.js';
import type { Tx, WriteTx } from '../kernel/db/database.js';
import { newId } from '../kernel/ids.js';
import { IntervalMemory } from './interval.memory.js';
import { IntervalStore } from './interval.store.js';

const history = new RecordHistory();
const { organizationId, stores } = history;

const named = (versions: readonly { id: string; version: number }[]): string[] =>
  versions.map(({ id, version }) => `${id}/${version}`).sort();

beforeAll(() => history.open());
afterAll(() => history.close());

describe('what does memory leave to the database?', () => {
  const type = `t_${newId()}`;
  const ask = (tx: Tx) => stores.memory.effective(tx, { asOf: day(9), knownAt: FAR }, { types: [type] });
  const version: Version = {
    kind: 'content',
    from: day(0),
    goodFrom: day(0),
    expiresAt: null,
    fails: false,
    systemIds: [],
    subject: null,
    about: [],
  };
  const approveOne = async (tx: WriteTx): Promise<string> => {
    const recordId = newId();
    await history.submit(tx, type, recordId, 1, version);
    await history.approve(tx, [{ recordId, version: 1 }]);
    return recordId;
  };

  it('what is written and never committed is seen by nobody else', async () => {
    const kept = await history.write(approveOne);
    const failed = history.write(async (tx) => {
      const own = await approveOne(tx);
      expect((await ask(tx)).map(({ id }) => id).sort()).toEqual([kept, own].sort());
      throw new Error('rolled back');
    });
    await expect(failed).rejects.toThrow('rolled back');
    expect((await history.readSnapshot(ask)).map(({ id }) => id)).toEqual([kept]);
  });

  it('a snapshot that was taken before a decision does not see it, though memory has it by then', async () => {
    await history.readSnapshot(async (before) => {
      const seen = named(await stores.database.effective(before, { asOf: day(9), knownAt: FAR }, { types: [type] }));
      await history.write(approveOne);
      expect(await history.readSnapshot(ask)).toHaveLength(seen.length + 1);
      expect(named(await ask(before))).toEqual(seen);
    });
  });

  it('of when anything last became known of a place it says what the database says, in a snapshot before a decision too', async () => {
    const [one, other] = [newId(), newId()];
    const decide = (kind: Version['kind'], systemIds: string[], recordId: string, number: number) =>
      history.write(async (tx) => {
        await history.submit(tx, type, recordId, number, { ...version, kind, from: day(number), systemIds });
        await history.approve(tx, [{ recordId, version: number }]);
      });
    const told = async (tx: Tx) => {
      const places = [null, one, other, newId()];
      const by = async (store: IntervalStore) => {
        const maps = [];
        for (const place of places) maps.push(new Map([...(await store.told(tx, place))].sort()));
        return maps;
      };
      const said = await by(stores.database);
      expect(await by(stores.memory)).toEqual(said);
      return said[0];
    };
    const [first, second] = [newId(), newId()];
    await decide('content', [one], first, 1);
    await history.readSnapshot(async (before) => {
      const seen = await told(before);
      await decide('content', [one, other], second, 1);
      await decide('end', [one], first, 2);
      const now = await history.readSnapshot(told);
      expect(now?.get(one)).not.toEqual(seen?.get(one));
      expect(now?.has(other)).toBe(true);
      expect(await told(before)).toEqual(seen);
    });
  });

  it('what a disposal empties is empty from then on', async () => {
    const id = await history.write(approveOne);
    const find = async () => (await history.readSnapshot(ask)).find((record) => record.id === id);
    expect((await find())?.disposed).toBe(false);
    await history.write(async (tx) => {
      // The columns that a disposal empties; the record that orders it is of the type that memory looks for.
      await tx.execute(`update record_version set disposed_at = now() where organization_id = $1 and record_id = $2`, [
        organizationId,
        id,
      ]);
      const disposal = newId();
      await history.submit(tx, 'record_disposal', disposal, 1, version);
      await history.approve(tx, [{ recordId: disposal, version: 1 }]);
    });
    expect((await find())?.disposed).toBe(true);
  });

  it('all of it, where an organisation has more than there is room for', async () => {
    const small = new IntervalStore(new IntervalMemory(2));
    const instant = { asOf: day(9), knownAt: FAR };
    const all = await history.readSnapshot((tx) => stores.database.effective(tx, instant, { types: [type] }));
    expect(all.length).toBeGreaterThan(2);
    expect(await history.readSnapshot((tx) => small.effective(tx, instant, { types: [type] }))).toEqual(all);
    // And whoever asks again does not read as many as there is room for, only to find that there are more.
    await history.readSnapshot(async (tx) => {
      const asked = vi.spyOn(tx, 'query');
      expect(await small.effective(tx, instant, { types: [type] })).toEqual(all);
      expect(asked).toHaveBeenCalledTimes(1);
    });
  });

  it('of an organisation that was asked for before another, when there is no room for what is new of that one', async () => {
    const other = new RecordHistory();
    await other.open();
    try {
      const approve = (of: RecordHistory) =>
        of.write(async (tx) => {
          const recordId = newId();
          await of.submit(tx, type, recordId, 1, version);
          await of.approve(tx, [{ recordId, version: 1 }]);
        });
      const size = (of: RecordHistory) =>
        of.readSnapshot((tx) =>
          tx.query<{ count: number }>('select count(*)::int as count from record_interval where organization_id = $1', [
            tx.organizationId,
          ]),
        );
      await approve(history);
      await approve(other);
      const counted = [...(await size(history)), ...(await size(other))];
      const full = new IntervalStore(new IntervalMemory(counted.reduce((sum, { count }) => sum + count, 0)));
      /** How many statements it takes: one, where it is remembered. */
      const asked = (of: RecordHistory) =>
        of.readSnapshot(async (tx) => {
          const query = vi.spyOn(tx, 'query');
          await full.told(tx, null);
          return query.mock.calls.length;
        });
      expect([await asked(history), await asked(other)]).toEqual([2, 2]);
      await approve(history);
      expect(await asked(history)).toBe(2);
      expect(await asked(history)).toBe(1);
      expect(await asked(other)).toBe(2);
    } finally {
      await other.close();
    }
  });
});
