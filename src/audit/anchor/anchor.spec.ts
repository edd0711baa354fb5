import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { backup, HOST, prepareAnchors, TestLog, verified, type AnchorGround } from '../../../test/support/anchors.js';
import { serveTimeStamps, type ServedAuthority } from '../../../test/support/time-stamp-authority.js';
import { startWitness, type TestWitness } from '../../../test/support/witness.js';
import { TimeStampAuthority } from '../../kernel/crypto/time-stamp/authority.js';
import { checkTimeStamp } from '../../kernel/crypto/time-stamp/time-stamp.js';
import { readCheckpoint } from '../checkpoint.js';
import { LogRefused } from '../log-faults.js';
import { verifierKey } from '../note.js';
import { anchorOrigin } from '../origin.js';
import type { AnchorConfig } from './anchor.config.js';
import { OutsideSilent, type OwnLog } from './anchor-guard.js';
import type { AnchorFiles } from './anchor.service.js';
import { DirectoryCopies } from './directory-copies.js';

const ANCHOR = anchorOrigin(HOST, 1);

let root: string;
/** Of one test. */
let directory: string;
let ground: AnchorGround;
let empty: () => Promise<void>;
let witness: TestWitness;
let other: TestWitness;
let authority: ServedAuthority;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'safeguard-anchor-'));
  ground = await prepareAnchors(root);
  empty = await backup(ground.admin);
  witness = await startWitness('witness.example/w1');
  other = await startWitness('witness.example/w2');
  authority = await serveTimeStamps();
});
afterAll(async () => {
  await Promise.all([witness, other, authority, ground].map(({ stop }) => stop()));
  await rm(root, { recursive: true, force: true });
});
beforeEach(async () => {
  directory = await mkdtemp(join(root, 'test-'));
  await mkdir(join(directory, 'copies'));
  await empty();
  ground.later.by = 0;
  ground.logs.length = 0;
  for (const each of [witness, other]) {
    each.seen.clear();
    each.answering = null;
    for (const generation of [1, 2]) {
      const origin = anchorOrigin(HOST, generation);
      each.logs.set(origin, verifierKey(origin, ground.keys.log.publicKey));
    }
  }
  authority.answering.status = 200;
});

const witnesses = (): AnchorConfig['witnesses'] => [witness, other].map(({ url, key }) => ({ url, key }));
const copies = (): Promise<DirectoryCopies> => DirectoryCopies.open(join(directory, 'copies'));
const stamps = (): TimeStampAuthority => new TimeStampAuthority({ url: authority.url, chain: authority.chain });

/** As the guard reads a log: so large, with these leaves. */
const own =
  (size: number, { rootAt }: TestLog) =>
  (): Promise<OwnLog> =>
    Promise.resolve({ size, rootAt });

describe('does every head of a log become a leaf of the anchor log?', () => {
  it('is it proven to be, with nobody outside?', async () => {
    const { anchors, enqueue, guard } = ground.start();
    const [one, two] = [new TestLog().grow(3), new TestLog().grow(5)];
    expect(await anchors.filesFor(one.origin, 3)).toBeNull();
    for (const log of [one, two]) await enqueue(log);
    await guard.requireExtends(one.origin, own(3, one));
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
    const at = await copies();
    const { anchors, enqueue } = ground.start({ witnesses: witnesses(), authority: stamps(), copies: at });
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
    const { anchors, enqueue } = ground.start({ authority: stamps() });
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
    const { anchors, enqueue } = ground.start({ witnesses: witnesses(), authority: stamps() });
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
    const at = await copies();
    /** When the transaction that has the turn did something last. */
    const stirred: string[] = [];
    const stir = async (): Promise<void> => {
      const { rows } = await ground.admin.query<{ at: string }>(
        `select state_change::text as at from pg_stat_activity join pg_locks using (pid)
         where locktype = 'advisory' and pg_locks.database = (select oid from pg_database where datname = current_database())`,
      );
      stirred.push(...rows.map((row) => row.at));
    };
    const authority = stamps();
    const { anchors, enqueue, guard } = ground.start({
      witnesses: witnesses(),
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
    const config = { witnesses: witnesses(), copies: await copies() };
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

/** Configurations in which one outside party alone is to find it. */
const alone: [string, () => Promise<Partial<AnchorConfig>>][] = [
  ['copies', async () => ({ copies: await copies() })],
  ['a witness', () => Promise.resolve({ witnesses: witnesses().slice(0, 1) })],
];

describe.each(alone)('is a second history refused, by %s alone?', (_, config) => {
  it.each(['the same process', 'a process that has just started'])(
    'is a restored backup found by %s?',
    async (which) => {
      const before = ground.start(await config());
      const log = new TestLog().grow(2);
      await before.enqueue(log);
      await before.anchors.turn();
      const restore = await backup(ground.admin);
      await before.enqueue(log.grow(2));
      await before.anchors.turn();
      await restore();
      const after = which === 'the same process' ? before : ground.start(await config());
      const restored = new TestLog(1, log.origin.slice(-36)).grow(2).grow(1, 'since');
      await expect(after.guard.requireExtends(restored.origin, own(3, restored))).rejects.toThrow(LogRefused);
      await expect(after.anchors.turn()).rejects.toThrow('2 leaves, and');
      expect(await after.faults()).toContainEqual(expect.stringMatching(new RegExp(`^${ANCHOR}: `)));
    },
  );

  it('is one found whose leaves are others, and as many?', async () => {
    const service = ground.start(await config());
    for (const log of [new TestLog().grow(1), new TestLog().grow(1)]) await service.enqueue(log);
    await service.anchors.turn();
    await ground.admin.query('alter table anchor_leaf disable trigger user');
    await ground.admin.query('update anchor_leaf set hash = sha256(note) where index = 0');
    const anew = ground.start(await config());
    await expect(anew.anchors.turn()).rejects.toThrow('its first 2 leaves are not those of its head outside');
  });

  it('is a log that is smaller than its head outside, or another, refused by itself, until it is that again?', async () => {
    const service = ground.start(await config());
    const [log, sound] = [new TestLog().grow(4), new TestLog().grow(4)];
    for (const each of [log, sound]) await service.enqueue(each);
    await service.anchors.turn();
    const require = (size: number, of = log): Promise<void> => service.guard.requireExtends(log.origin, own(size, of));
    await expect(require(3)).rejects.toThrow('its head outside has 4 leaves, and here it has 3');
    await expect(require(5, new TestLog().grow(5, 'other'))).rejects.toThrow('its first 4 leaves are not those');
    expect(await service.faults()).toEqual([expect.stringMatching(new RegExp(`^${log.origin}: `))]);
    await service.guard.requireExtends(sound.origin, own(4, sound));
    // Nor is it signed by a service that was told of nothing outside.
    const alone = ground.start();
    await expect(alone.guard.requireExtends(log.origin, own(5, log))).rejects.toThrow(LogRefused);
    await alone.guard.requireExtends(sound.origin, own(4, sound));
    await require(log.grow(1).size);
    expect(await service.faults()).toEqual([]);
    expect(ground.logs.join()).toContain('the log is what was kept outside again');
  });

  it('is a fault that was found while a look was under way over by that look?', async () => {
    const service = ground.start(await config());
    const log = new TestLog().grow(4);
    await service.enqueue(log);
    await service.anchors.turn();
    const size = 4;
    const found = (): Promise<unknown> => service.guard.refuse(1, log.origin, 'found meanwhile').catch(() => null);
    const meanwhile = async (): Promise<OwnLog> => {
      await found();
      return { size, rootAt: log.rootAt };
    };
    await service.guard.requireExtends(log.origin, meanwhile);
    expect(await service.faults()).toEqual([`${log.origin}: found meanwhile`]);
    await service.guard.requireExtends(log.origin, own(size, log));
    expect(await service.faults()).toEqual([]);
  });

  it('does what goes out end a fault that a comparison has found?', async () => {
    const service = ground.start(await config());
    const log = new TestLog().grow(4);
    await service.enqueue(log);
    await service.anchors.turn();
    // Signed while all was well, and not outside yet.
    await service.enqueue(log.grow(2));
    const changed = new TestLog().grow(7, 'other');
    await expect(service.guard.requireExtends(log.origin, own(7, changed))).rejects.toThrow(LogRefused);
    await service.anchors.turn();
    expect(await service.faults()).toEqual([expect.stringContaining('its first 4 leaves are not those')]);
    await service.guard.requireExtends(log.origin, own(6, log));
    expect(await service.faults()).toEqual([]);
  });

  it('does nothing get signed while nobody answers, and is that no fault of the log?', async () => {
    const log = new TestLog().grow(1);
    const set = await config();
    const service = ground.start(set);
    await service.enqueue(log);
    await service.anchors.turn();
    witness.answering = { status: 503, body: '' };
    if (set.copies !== undefined) {
      await rm(join(directory, 'copies'), { recursive: true });
      await expect(ground.start(set).guard.requireExtends(log.origin, own(1, log))).rejects.toThrow(LogRefused);
      return;
    }
    await expect(ground.start(set).guard.requireExtends(log.origin, own(1, log))).rejects.toThrow(OutsideSilent);
    expect(await service.faults()).toEqual([]);
  });
});

describe('is what others do meanwhile no fault of the log?', () => {
  it.each(['witnesses have cosigned', 'copies were kept'])(
    'does a turn that was cut off when %s refuse nothing to the next process?',
    async (when) => {
      const config = { witnesses: witnesses(), copies: when === 'copies were kept' ? await copies() : null };
      const service = ground.start(config);
      const log = new TestLog().grow(2);
      await service.enqueue(log);
      await service.anchors.turn();
      await service.enqueue(log.grow(1));
      await ground.admin.query(
        `create trigger cut before insert on anchoring for each row execute function refuse_change()`,
      );
      await expect(service.anchors.turn()).rejects.toThrow('append-only');
      await ground.admin.query('drop trigger cut on anchoring');
      expect(witness.seen.get(ANCHOR)?.size).toBe(2);
      const next = ground.start(config);
      await next.guard.requireExtends(log.origin, own(3, log));
      await next.anchors.turn();
      expect(await next.faults()).toEqual([]);
      expect(verified((await next.anchors.filesFor(log.origin, 3)) as AnchorFiles)).toMatchObject({
        size: 2,
        of: { size: 3 },
      });
    },
  );

  it.each(['before', 'after'])('is a turn of another replica, just %s the copies are looked at?', async (when) => {
    const at = await copies();
    const other = ground.start({ copies: at });
    const log = new TestLog().grow(2);
    await other.enqueue(log);
    await other.anchors.turn();
    const turn = async (): Promise<void> => {
      await other.enqueue(log.grow(1));
      await other.anchors.turn();
    };
    const service = ground.start({
      copies: {
        keep: (...head) => at.keep(...head),
        last: async (origin) => {
          if (when === 'before') await turn();
          const last = await at.last(origin);
          if (when === 'after') await turn();
          return last;
        },
      },
    });
    await service.guard.requireExtends(log.origin, () => own(log.size, log)());
    expect(log.size).toBe(4);
    expect(ground.logs.join()).not.toContain('no head of it is signed');
  });

  it('is one that comes between what is here and the witness?', async () => {
    const other = ground.start({ witnesses: witnesses() });
    const log = new TestLog().grow(1);
    await other.enqueue(log);
    await other.anchors.turn();
    const service = ground.start({ witnesses: witnesses() });
    let turns = 0;
    const cosign = service.guard.witnesses.cosign.bind(service.guard.witnesses);
    service.guard.witnesses.cosign = async (submission) => {
      if (turns === 0) {
        turns += 1;
        await other.enqueue(log.grow(1));
        await other.anchors.turn();
      }
      return cosign(submission);
    };
    await service.guard.requireExtends(log.origin, () => own(log.size, log)());
    expect(turns).toBe(1);
    expect(ground.logs.join()).not.toContain('no head of it is signed');
  });
});

describe('are copies that were taken away, or kept by somebody else, missed?', () => {
  it('is one that is gone, of an organisation’s log or of the anchor log?', async () => {
    const service = ground.start({ copies: await copies() });
    const log = new TestLog().grow(2);
    await service.enqueue(log);
    await service.anchors.turn();
    await rm(join(directory, 'copies', HOST, 'log'), { recursive: true });
    await expect(service.guard.requireExtends(log.origin, own(2, log))).rejects.toThrow(
      'the copy of its head with 2 leaves is gone',
    );
    await rm(join(directory, 'copies', HOST), { recursive: true });
    await expect(service.anchors.turn()).rejects.toThrow('the copy of its head with 1 leaves is gone');
  });

  it('is a head that this service has not signed found, and does it hinder no other log?', async () => {
    const at = await copies();
    const service = ground.start({ copies: at });
    const [log, sound] = [new TestLog().grow(2), new TestLog().grow(2)];
    await at.keep(log.origin, (await new TestLog(1, log.origin.slice(-36)).grow(9, 'other').head()).note, null);
    for (const each of [log, sound]) await service.enqueue(each);
    await service.anchors.turn();
    expect(await service.faults()).toEqual([`${log.origin}: a head of it that this service has not signed is outside`]);
    expect((await at.last(sound.origin))?.note).toEqual((await sound.head()).note);
  });

  it('is a copy that was kept before a crash known by what it is?', async () => {
    const at = await copies();
    const service = ground.start({ copies: at });
    const log = new TestLog().grow(2);
    await at.keep(log.origin, (await log.head()).note, null);
    await service.enqueue(log);
    await service.anchors.turn();
    expect(await service.faults()).toEqual([]);
    expect((await at.last(log.origin))?.version).toBe('1');
  });

  it('is one of the same tree that another key has signed a fault, which the next look would end?', async () => {
    const at = await copies();
    const service = ground.start({ copies: at });
    const log = new TestLog().grow(2);
    const signedBefore = await new TestLog(1, log.origin.slice(-36)).grow(2).head();
    await at.keep(log.origin, signedBefore.note, null);
    await service.enqueue(log);
    await service.anchors.turn();
    expect(await service.faults()).toEqual([]);
    await service.enqueue(log.grow(1));
    await service.anchors.turn();
    expect((await at.last(log.origin))?.note).toEqual((await log.head()).note);
    expect(ground.logs.join()).not.toContain('no head of it is signed');
  });
});

describe('do logs go on under new origins?', () => {
  it('does the new anchor log begin with the last head of the old one, as it is outside?', async () => {
    const at = await copies();
    const config = { copies: at, witnesses: witnesses() };
    const before = ground.start(config);
    const log = new TestLog().grow(2);
    await before.enqueue(log);
    await before.anchors.turn();
    const restore = await backup(ground.admin);
    await before.enqueue(log.grow(2));
    await before.anchors.turn();
    const lost = await at.last(ANCHOR);
    await restore();
    const after = ground.start(config);
    await expect(after.anchors.turn()).rejects.toThrow(LogRefused);
    await after.startGeneration();
    const next = new TestLog(2, log.origin.slice(-36)).grow(3, 'since');
    await after.guard.requireExtends(next.origin, own(3, next));
    await after.enqueue(next);
    await after.anchors.turn();
    expect(await after.faults()).toEqual([]);
    const { rows } = await ground.admin.query<{ note: Buffer }>(
      'select note from anchor_leaf where generation = 2 order by index',
    );
    expect(rows.map(({ note }) => readCheckpoint(note).origin)).toEqual([ANCHOR, next.origin]);
    expect(rows[0]?.note).toEqual(lost?.note);
    expect(verified((await after.anchors.filesFor(next.origin, 3)) as AnchorFiles)).toMatchObject({
      size: 2,
      signers: [anchorOrigin(HOST, 2), 'witness.example/w1', 'witness.example/w2'],
    });
    expect(readCheckpoint((await after.guard.lastOutside(1, log.origin)) as Buffer).size).toBe(4);
  });
});

describe('is a log refused whose anchor log has lost rows?', () => {
  it('is it written down as any other fault, and over when the row is back?', async () => {
    const set = { copies: await copies() };
    const { anchors, enqueue, faults } = ground.start(set);
    const log = new TestLog().grow(2);
    await enqueue(log);
    await anchors.turn();
    const restore = await backup(ground.admin);
    await ground.admin.query('alter table anchor_leaf disable trigger user');
    await ground.admin.query(`update anchor_leaf set index = 1`);
    await ground.admin.query('alter table anchor_leaf enable trigger user');
    const after = ground.start(set);
    await expect(after.guard.requireExtends(log.origin, own(2, log))).rejects.toThrow(LogRefused);
    expect(await faults()).toEqual([`${ANCHOR}: the anchor log has fewer leaves than its size says`]);
    await restore();
    await ground.admin.query(`insert into log_fault values (1, $1, 'was', now(), 'outside')`, [ANCHOR]);
    await after.anchors.turn();
    await after.guard.requireExtends(log.origin, own(2, log));
    expect(await faults()).toEqual([]);
  });
});
