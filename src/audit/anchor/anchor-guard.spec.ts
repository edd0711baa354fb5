import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { backup, HOST, TestLog, verified, type AnchorGround } from '../../../test/support/anchors.js';
import { startOutside, type Outside } from '../../../test/support/outside.js';
import type { TestWitness } from '../../../test/support/witness.js';
import { readCheckpoint } from '../checkpoint.js';
import { LogRefused } from '../log-faults.js';
import { anchorOrigin } from '../origin.js';
import type { AnchorConfig } from './anchor.config.js';
import { OutsideSilent, type OwnLog } from './anchor-guard.js';
import type { AnchorFiles } from './anchor.service.js';

const ANCHOR = anchorOrigin(HOST, 1);

let outside: Outside;
let ground: AnchorGround;
let witness: TestWitness;
beforeAll(async () => {
  outside = await startOutside();
  ({ ground, witness } = outside);
  return outside.stop;
});
beforeEach(() => outside.forget());

/** As the guard reads a log: so large, with these leaves. */
const own =
  (size: number, { rootAt }: TestLog) =>
  (): Promise<OwnLog> =>
    Promise.resolve({ size, rootAt });

/** Configurations in which one outside party alone is to find it. */
const alone: [string, () => Promise<Partial<AnchorConfig>>][] = [
  ['copies', async () => ({ copies: await outside.copies() })],
  ['a witness', () => Promise.resolve({ witnesses: outside.witnesses().slice(0, 1) })],
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
      await rm(outside.directory, { recursive: true });
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
      const config = {
        witnesses: outside.witnesses(),
        copies: when === 'copies were kept' ? await outside.copies() : null,
      };
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
    const at = await outside.copies();
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
    const other = ground.start({ witnesses: outside.witnesses() });
    const log = new TestLog().grow(1);
    await other.enqueue(log);
    await other.anchors.turn();
    const service = ground.start({ witnesses: outside.witnesses() });
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
    const service = ground.start({ copies: await outside.copies() });
    const log = new TestLog().grow(2);
    await service.enqueue(log);
    await service.anchors.turn();
    await rm(join(outside.directory, HOST, 'log'), { recursive: true });
    await expect(service.guard.requireExtends(log.origin, own(2, log))).rejects.toThrow(
      'the copy of its head with 2 leaves is gone',
    );
    await rm(join(outside.directory, HOST), { recursive: true });
    await expect(service.anchors.turn()).rejects.toThrow('the copy of its head with 1 leaves is gone');
  });

  it('is a head that this service has not signed found, and does it hinder no other log?', async () => {
    const at = await outside.copies();
    const service = ground.start({ copies: at });
    const [log, sound] = [new TestLog().grow(2), new TestLog().grow(2)];
    await at.keep(log.origin, (await new TestLog(1, log.origin.slice(-36)).grow(9, 'other').head()).note, null);
    for (const each of [log, sound]) await service.enqueue(each);
    await service.anchors.turn();
    expect(await service.faults()).toEqual([`${log.origin}: a head of it that this service has not signed is outside`]);
    expect((await at.last(sound.origin))?.note).toEqual((await sound.head()).note);
  });

  it('is a copy that was kept before a crash known by what it is?', async () => {
    const at = await outside.copies();
    const service = ground.start({ copies: at });
    const log = new TestLog().grow(2);
    await at.keep(log.origin, (await log.head()).note, null);
    await service.enqueue(log);
    await service.anchors.turn();
    expect(await service.faults()).toEqual([]);
    expect((await at.last(log.origin))?.version).toBe('1');
  });

  it('is one of the same tree that another key has signed a fault, which the next look would end?', async () => {
    const at = await outside.copies();
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
    const at = await outside.copies();
    const config = { copies: at, witnesses: outside.witnesses() };
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
    const set = { copies: await outside.copies() };
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
