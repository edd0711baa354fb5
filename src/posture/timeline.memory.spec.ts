import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { day, RecordHistory } from '../../test/support/record-history.js';
import type { Tx } from '../kernel/db/database.js';
import { newId } from '../kernel/ids.js';
import { servicePrincipal } from '../kernel/principal.js';
import type { Stamp } from './stamp.js';
import { TimelineMemory } from './timeline.memory.js';
import { TimelineStore } from './timeline.store.js';

const history = new RecordHistory();
const store = new TimelineStore();
const other = servicePrincipal('test', newId(), 'test');

beforeAll(async () => {
  await history.open();
  await history.asAdmin(`insert into organization values ($1, 'other', '{}', 1, now(), now())`, [other.organizationId]);
});
afterAll(() => history.close());

const stamp = (version: number): Stamp => ({
  basis: '00000000-0000-8000-8000-000000000000',
  resultsUpto: null,
  recordsUpto: null,
  settingsVersion: version,
  systemVersion: 1,
});
const segments = (code: number) => [{ starts: day(0), states: { codes: Uint16Array.of(code), blind: null } }];

/** What each place said at a time of its own: places have no foreign key, any will do. */
const remember = (places: ReadonlyMap<string, number>, version = 1, principal = history.principal) =>
  history.writeAs(principal, async (tx) => {
    for (const [id, code] of places) {
      const before = version === 1 ? null : stamp(version - 1);
      expect(await store.replace(tx, id, day(0), segments(code), before, stamp(version))).toBe(true);
    }
  });

/** By place: the code that is recalled of it. */
async function recalled(memory: TimelineMemory, tx: Tx, ids: readonly string[]): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  for await (const page of memory.recall(tx, ids)) {
    for (const [id, { timeline }] of page) found.set(id, timeline.at(day(1).getTime())?.codes[0] ?? -1);
  }
  return found;
}

const places = (count: number, code: (at: number) => number): Map<string, number> =>
  new Map(Array.from({ length: count }, (_, at) => [newId(), code(at)]));

const clear = () => history.asAdmin('delete from posture_timeline');

const BOUNDS: [string, number][] = [
  ['that keeps all of it', 2 ** 20],
  ['that has room for none of it', 0],
];

describe.each(BOUNDS)('does a memory %s recall what was written?', (_name, maximum) => {
  it('of many places, of some of them, of one, and of none', async () => {
    await clear();
    const memory = new TimelineMemory(store, maximum);
    const written = places(60, (at) => at);
    await remember(written);
    const ids = [...written.keys()];
    await history.readSnapshot(async (tx) => {
      expect(await recalled(memory, tx, ids)).toEqual(written);
      expect(await recalled(memory, tx, ids.slice(7, 40))).toEqual(new Map([...written].slice(7, 40)));
      expect(await recalled(memory, tx, [ids[3]!])).toEqual(new Map([[ids[3]!, 3]]));
      expect(await recalled(memory, tx, [newId()])).toEqual(new Map());
      expect(await recalled(memory, tx, [ids[0]!, newId()])).toEqual(new Map([[ids[0]!, 0]]));
      expect(await recalled(memory, tx, [])).toEqual(new Map());
    });
  });

  it('each snapshot as of its own time, the older one after the newer', async () => {
    await clear();
    const memory = new TimelineMemory(store, maximum);
    const written = places(3, () => 1);
    const ids = [...written.keys()];
    await remember(written);
    await history.readSnapshot(async (older) => {
      await recalled(new TimelineMemory(store), older, ids);
      const changed = new Map([[ids[1]!, 2]]);
      await remember(changed, 2);
      await history.readSnapshot(async (tx) => {
        expect(await recalled(memory, tx, ids)).toEqual(new Map([...written, ...changed]));
      });
      expect(await recalled(memory, older, ids)).toEqual(written);
    });
    await history.readSnapshot(async (tx) => {
      expect((await recalled(memory, tx, ids)).get(ids[1]!)).toBe(2);
    });
  });

  it('of its own organisation, where another has the same places', async () => {
    await clear();
    const memory = new TimelineMemory(store, maximum);
    const ours = places(3, () => 1);
    const theirs = new Map([...ours.keys()].slice(1).map((id) => [id, 2]));
    await remember(ours);
    await remember(theirs, 1, other);
    const ids = [...ours.keys()];
    for (let time = 0; time < 2; time += 1) {
      await history.readSnapshot(async (tx) => {
        expect(await recalled(memory, tx, ids)).toEqual(ours);
      });
      await history.readSnapshotAs(other, async (tx) => {
        expect(await recalled(memory, tx, ids)).toEqual(theirs);
        expect(await recalled(memory, tx, [ids[0]!])).toEqual(new Map());
      });
    }
  });

  it('that was put back as it had been and written again, as often as before', async () => {
    await clear();
    const memory = new TimelineMemory(store, maximum);
    const written = places(3, () => 1);
    const ids = [...written.keys()];
    await remember(written);
    await history.readSnapshot((tx) => recalled(memory, tx, ids));
    await clear();
    const again = new Map(ids.map((id) => [id, 2]));
    await remember(again);
    await history.readSnapshot(async (tx) => {
      expect(await recalled(memory, tx, ids)).toEqual(again);
    });
  });
});

describe('a memory that has room for one organisation', () => {
  it('does it answer right of each, in turns, and of one that grows too large and becomes small again?', async () => {
    await clear();
    const memory = new TimelineMemory(store, 5_000);
    const [ours, theirs] = [places(3, () => 1), places(3, () => 2)];
    await remember(ours);
    await remember(theirs, 1, other);
    const check = async (): Promise<void> => {
      await history.readSnapshot(async (tx) => {
        expect(await recalled(memory, tx, [...ours.keys()])).toEqual(ours);
      });
      await history.readSnapshotAs(other, async (tx) => {
        expect(await recalled(memory, tx, [...theirs.keys()])).toEqual(theirs);
      });
    };
    await check();
    await check();
    const more = places(5, () => 3);
    await remember(more);
    for (const [id, code] of more) ours.set(id, code);
    await check();
    const [id] = more.keys();
    await history.asAdmin('delete from posture_timeline where place_id = any($1)', [
      [...more.keys()].filter((one) => one !== id),
    ]);
    for (const gone of [...more.keys()].slice(1)) ours.delete(gone);
    await check();
  });
});
