import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { HOST, TestLog, verified, type AnchorGround } from '../../../test/support/anchors.js';
import { startOutside, type Outside } from '../../../test/support/outside.js';
import type { ServedAuthority } from '../../../test/support/time-stamp-authority.js';
import type { TestWitness } from '../../../test/support/witness.js';
import type { TimeStampAuthority } from '../../kernel/crypto/time-stamp/authority.js';
import { checkTimeStamp } from '../../kernel/crypto/time-stamp/time-stamp.js';
import { anchorOrigin } from '../origin.js';
import type { AnchorFiles } from './anchor.service.js';

const ANCHOR = anchorOrigin(HOST, 1);

let outside: Outside;
let ground: AnchorGround;
let witness: TestWitness;
let other: TestWitness;
let authority: ServedAuthority;
beforeAll(async () => {
  outside = await startOutside();
  ({ ground, witness, other, authority } = outside);
  return outside.stop;
});
beforeEach(() => outside.forget());

describe('does every head of a log become a leaf of the anchor log?', () => {
  it('is it proven to be, with nobody outside?', async () => {
    const { anchors, enqueue, guard } = ground.start();
    const [one, two] = [new TestLog().grow(3), new TestLog().grow(5)];
    expect(await anchors.filesFor(one.origin, 3)).toBeNull();
    for (const log of [one, two]) await enqueue(log);
    await guard.requireExtends(one.origin, () => Promise.resolve({ size: 3, rootAt: one.rootAt }));
    expect(await anchors.turn()).toBe(true);
    for (const log of [one, two]) {
      const files = await anchors.filesFor(log.origin, log.size);
      expect(verified(files as AnchorFiles)).toMatchObject({
        size: 2,
        signers: [ANCHOR],
        of: { origin: log.origin, size: log.size },
      });
      expect(files).toMatchObject({ timeStamp: null, witnesses: [], policy: `log ${files?.key}\nquorum none\n` });
    }
  });

  it('is it the newest that fits whoever asks, and nothing anew where nothing is?', async () => {
    const { anchors, enqueue } = ground.start();
    const log = new TestLog();
    for (const leaves of [3, 4]) {
      await enqueue(log.grow(leaves));
      await anchors.turn();
      await anchors.turn();
    }
    for (const [size, found] of [
      [7, 7],
      [6, 3],
      [3, 3],
    ] as const) {
      expect(verified((await anchors.filesFor(log.origin, size)) as AnchorFiles)).toMatchObject({
        size: 2,
        of: { size: found },
      });
    }
    expect(await anchors.filesFor(log.origin, 2)).toBeNull();
    const { rows } = await ground.admin.query('select size::int as size from anchoring order by number');
    expect(rows).toEqual([{ size: 1 }, { size: 2 }]);
  });

  it('is only the last of the heads between two turns a leaf, and one that came late none?', async () => {
    const { anchors, enqueue } = ground.start();
    const log = new TestLog().grow(1);
    const early = await log.head();
    await enqueue(log);
    await enqueue(log.grow(1));
    await anchors.turn();
    await ground.admin.query('insert into anchor_pending values (1, $1, 1, $2)', [log.origin, early.note]);
    await anchors.turn();
    const { rows } = await ground.admin.query('select size::int as size from anchor_leaf');
    expect(rows).toEqual([{ size: 2 }]);
  });

  it('do proofs hold through whole tiles and past them?', async () => {
    const { anchors, enqueue } = ground.start();
    const logs = Array.from({ length: 300 }, () => new TestLog().grow(1));
    for (const [from, to] of [
      [0, 200],
      [200, 300],
    ] as const) {
      for (const log of logs.slice(from, to)) await enqueue(log);
      await anchors.turn();
    }
    const { rows } = await ground.admin.query('select level, index::int as index from anchor_tile');
    expect(rows).toEqual([{ level: 0, index: 0 }]);
    for (const at of [0, 199, 200, 299]) {
      const log = logs[at] as TestLog;
      expect(verified((await anchors.filesFor(log.origin, 1)) as AnchorFiles).size).toBe(300);
    }
  });
});

describe('does its head go out?', () => {
  it('is it cosigned by each witness, time-stamped, and copied, with the heads that are its leaves?', async () => {
    const at = await outside.copies();
    const { anchors, enqueue } = ground.start({
      witnesses: outside.witnesses(),
      authority: outside.stamps(),
      copies: at,
    });
    const log = new TestLog();
    for (const leaves of [1, 2]) {
      await enqueue(log.grow(leaves));
      await anchors.turn();
    }
    const files = (await anchors.filesFor(log.origin, 3)) as AnchorFiles;
    expect(verified(files).signers).toEqual([ANCHOR, 'witness.example/w1', 'witness.example/w2']);
    expect(files.policy).toBe(
      `log ${files.key}\nwitness w1 ${witness.vkey} ${witness.url}\nwitness w2 ${other.vkey} ${other.url}\ngroup witnesses any w1 w2\nquorum witnesses\n`,
    );
    expect((await at.last(ANCHOR))?.note).toEqual(files.checkpoint);
    expect((await at.last(log.origin))?.note).toEqual((await log.head()).note);
    expect([witness, other].map(({ seen }) => seen.get(ANCHOR)?.size)).toEqual([2, 2]);
  });

  it('is it stamped once an hour, and whenever it is asked for?', async () => {
    const { anchors, enqueue } = ground.start({ authority: outside.stamps() });
    const log = new TestLog();
    const before = authority.asked();
    const isStamped = async (options = {}): Promise<boolean> => {
      await enqueue(log.grow(1));
      await anchors.turn(options);
      const files = (await anchors.filesFor(log.origin, log.size)) as AnchorFiles;
      if (files.timeStamp !== null) checkTimeStamp(files.timeStamp, files.checkpoint, authority);
      return files.timeStamp !== null;
    };
    expect(await isStamped()).toBe(true);
    expect(await isStamped()).toBe(false);
    expect(await isStamped({ stamp: true })).toBe(true);
    expect(await isStamped()).toBe(false);
    ground.later.by = 3_600_000;
    expect(await isStamped()).toBe(true);
    expect(authority.asked() - before).toBe(3);
  });

  it('does one that was not there delay nothing, and get its turn when it is?', async () => {
    const { anchors, enqueue } = ground.start({ witnesses: outside.witnesses(), authority: outside.stamps() });
    const log = new TestLog().grow(1);
    other.answering = { status: 503, body: '' };
    authority.answering.status = 503;
    await enqueue(log);
    await anchors.turn();
    const without = (await anchors.filesFor(log.origin, 1)) as AnchorFiles;
    expect(verified(without).signers).toEqual([ANCHOR, 'witness.example/w1']);
    expect(without.timeStamp).toBeNull();
    expect(ground.logs.join()).toMatch(/"witness":"witness.example\/w2","reason":"it answered 503"/);
    expect(ground.logs.join()).toMatch(/"reason":"the authority answered 503","msg":"no time stamp"/);
    other.answering = null;
    authority.answering.status = 200;
    await anchors.turn();
    const whole = (await anchors.filesFor(log.origin, 1)) as AnchorFiles;
    expect(new Set(verified(whole).signers)).toEqual(new Set([ANCHOR, 'witness.example/w1', 'witness.example/w2']));
    checkTimeStamp(whole.timeStamp as Buffer, whole.checkpoint, authority);
  });

  it('does the turn not stand still, which Postgres would end, while one after the other is waited for?', async () => {
    const at = await outside.copies();
    /** When the transaction that has the turn did something last. */
    const stirred: string[] = [];
    const stir = async (): Promise<void> => {
      const { rows } = await ground.admin.query<{ at: string }>(
        `select state_change::text as at from pg_stat_activity join pg_locks using (pid)
         where locktype = 'advisory' and pg_locks.database = (select oid from pg_database where datname = current_database())`,
      );
      stirred.push(...rows.map((row) => row.at));
    };
    const authority = outside.stamps();
    const { anchors, enqueue, guard } = ground.start({
      witnesses: outside.witnesses(),
      authority: Object.assign(Object.create(authority) as TimeStampAuthority, {
        stamp: async (bytes: Uint8Array) => (await stir(), authority.stamp(bytes)),
      }),
      copies: {
        last: (origin) => at.last(origin),
        keep: async (...head) => {
          if (head[0] === ANCHOR) await stir();
          return at.keep(...head);
        },
      },
    });
    const cosign = guard.witnesses.cosign.bind(guard.witnesses);
    await enqueue(new TestLog().grow(1));
    await anchors.turn();
    stirred.length = 0;
    guard.witnesses.cosign = async (submission) => (await stir(), cosign(submission));
    await enqueue(new TestLog().grow(1));
    await anchors.turn({ stamp: true });
    expect(stirred).toHaveLength(3);
    expect(new Set(stirred).size).toBe(3);
  });

  it('do two services that take their turns at once keep one order?', async () => {
    const config = { witnesses: outside.witnesses(), copies: await outside.copies() };
    const services = [ground.start(config), ground.start(config)];
    for (let round = 0; round < 4; round += 1) {
      await services[0]?.enqueue(new TestLog().grow(1));
      const took = await Promise.all(services.map(({ anchors }) => anchors.turn()));
      expect(took).toContain(true);
    }
    await services[1]?.anchors.turn();
    expect(witness.seen.get(ANCHOR)?.size).toBe(4);
    expect(await services[0]?.faults()).toEqual([]);
  });
});
