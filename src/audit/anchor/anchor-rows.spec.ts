import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { backup, HOST, prepareAnchors, TestLog, verified, type AnchorGround } from '../../../test/support/anchors.js';
import { readCheckpoint } from '../checkpoint.js';
import { LogRefused } from '../log-faults.js';
import { anchorOrigin } from '../origin.js';
import type { AnchorFiles } from './anchor.service.js';
import { DirectoryCopies } from './directory-copies.js';

/* Somebody with all rights on the database edits rows of the anchor log, whose heads lie outside. */

const ANCHOR = anchorOrigin(HOST, 1);

let root: string;
let ground: AnchorGround;
let empty: () => Promise<void>;
/** Of one test. */
let copies: DirectoryCopies;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'safeguard-anchor-'));
  ground = await prepareAnchors(root);
  empty = await backup(ground.admin);
});
afterAll(async () => {
  await ground.stop();
  await rm(root, { recursive: true, force: true });
});
beforeEach(async () => {
  copies = await DirectoryCopies.open(await mkdtemp(join(root, 'copies-')));
  await empty();
});

/** Past the triggers. */
async function edit(table: string, statement: string): Promise<void> {
  await ground.admin.query(`alter table ${table} disable trigger user`);
  await ground.admin.query(statement);
  await ground.admin.query(`alter table ${table} enable trigger user`);
}

/** So many logs, each with one leaf, whose heads are anchored. */
async function anchored(count = 2): Promise<TestLog[]> {
  const service = ground.start({ copies });
  const logs = Array.from({ length: count }, () => new TestLog().grow(1));
  for (const log of logs) await service.enqueue(log);
  await service.anchors.turn();
  return logs;
}

const turned = (column: string) => `${column} = set_byte(${column}, 5, get_byte(${column}, 5) # 1)`;

describe('does the anchor log go out no further, by a service that remembers nothing?', () => {
  it.each<[string, number, string, string, string]>([
    [
      'the hash of a leaf was changed',
      2,
      'anchor_leaf',
      `update anchor_leaf set ${turned('hash')} where index = 0`,
      'its first 2 leaves are not those of its head outside',
    ],
    [
      'its last leaf was deleted',
      2,
      'anchor_leaf',
      'delete from anchor_leaf where index = 1',
      'its head outside has 2 leaves, and here it has 1',
    ],
    [
      'another leaf was deleted',
      2,
      'anchor_leaf',
      'delete from anchor_leaf where index = 0',
      'the anchor log has fewer leaves than its size says',
    ],
    [
      'a tile was changed',
      257,
      'anchor_tile',
      `update anchor_tile set ${turned('hashes')}`,
      'its first 257 leaves are not those of its head outside',
    ],
    [
      'a tile was deleted',
      257,
      'anchor_tile',
      'delete from anchor_tile',
      'the anchor log has fewer leaves than its size says',
    ],
    [
      'the size of a copy was raised',
      2,
      'anchor_copy',
      `update anchor_copy set size = 9 where origin = '${ANCHOR}'`,
      'the copy of its head with 9 leaves is gone',
    ],
    [
      'what went out last was said to be a larger head',
      2,
      'anchoring',
      `update anchoring set note = convert_to(replace(convert_from(note, 'UTF8'), E'\\n2\\n', E'\\n3\\n'), 'UTF8')`,
      'its head outside has 3 leaves, and here it has 2',
    ],
  ])('when %s', async (_, logs, table, statement, reason) => {
    await anchored(logs);
    await edit(table, statement);
    const { anchors, faults } = ground.start({ copies });
    await expect(anchors.turn()).rejects.toThrow(LogRefused);
    expect(await faults()).toEqual([`${ANCHOR}: ${reason}`]);
  });

  it('also when the fault that was found is deleted?', async () => {
    await anchored();
    await edit('anchor_leaf', `update anchor_leaf set ${turned('hash')} where index = 0`);
    const { anchors, faults } = ground.start({ copies });
    await expect(anchors.turn()).rejects.toThrow(LogRefused);
    const found = await faults();
    await edit('log_fault', 'delete from log_fault');
    await expect(anchors.turn()).rejects.toThrow(LogRefused);
    expect(await faults()).toEqual(found);
  });
});

describe('is it as it was with the next turn?', () => {
  const lastOutside = async (origin: string): Promise<number> => readCheckpoint((await copies.last(origin))!.note).size;

  it.each<[string, number, string, string]>([
    ['what went out was deleted', 2, 'anchoring', 'delete from anchoring'],
    ['that there are copies was deleted', 2, 'anchor_copy', 'delete from anchor_copy'],
    ['a copy was said to be smaller', 2, 'anchor_copy', 'update anchor_copy set size = 0'],
    ['a copy was said to be of no leaf', 2, 'anchor_copy', 'update anchor_copy set leaf_size = 0, size = null'],
    ['a fault was put in', 2, 'log_fault', `insert into log_fault values (1, '${ANCHOR}', 'not so', now(), 'outside')`],
  ])('when %s', async (_, count, table, statement) => {
    const [log] = (await anchored(count)) as [TestLog];
    await edit(table, statement);
    const { anchors, enqueue, faults, guard } = ground.start({ copies });
    await enqueue(log.grow(1));
    await anchors.turn();
    await guard.requireExtends(log.origin, () => Promise.resolve(log));
    expect(await faults()).toEqual([]);
    expect(await lastOutside(log.origin)).toBe(2);
    expect(await lastOutside(ANCHOR)).toBe(count + 1);
    expect(verified((await anchors.filesFor(log.origin, 2)) as AnchorFiles).of.size).toBe(2);
  });
});

describe('does whoever verifies see it?', () => {
  it('when the head that is a leaf was changed and its hash was not', async () => {
    const [log] = (await anchored()) as [TestLog];
    const forged = await new TestLog(1, log.origin.slice(-36)).grow(1, 'other').head();
    await edit(
      'anchor_leaf',
      `update anchor_leaf set note = '\\x${forged.note.toString('hex')}' where origin = '${log.origin}'`,
    );
    const files = (await ground.start({ copies }).anchors.filesFor(log.origin, 1)) as AnchorFiles;
    expect(files.tenantCheckpoint).toEqual(forged.note);
    expect(() => verified(files)).toThrow();
  });

  it('when a head waited that the log has not signed, is it written down and is no head of that log signed?', async () => {
    const [log, sound] = (await anchored()) as [TestLog, TestLog];
    const forged = await new TestLog(1, log.origin.slice(-36)).grow(9, 'other').head();
    await edit(
      'anchor_pending',
      `insert into anchor_pending values (1, '${log.origin}', 9, '\\x${forged.note.toString('hex')}')`,
    );
    const { anchors, guard } = ground.start({ copies });
    await anchors.turn();
    await expect(guard.requireExtends(log.origin, () => Promise.resolve(log))).rejects.toThrow(
      'its head outside has 9 leaves, and here it has 1',
    );
    await guard.requireExtends(sound.origin, () => Promise.resolve(sound));
  });

  it('when a head that waited was deleted, is the next one anchored?', async () => {
    const [log] = (await anchored()) as [TestLog];
    const { anchors, enqueue } = ground.start({ copies });
    await enqueue(log.grow(1));
    await edit('anchor_pending', 'delete from anchor_pending');
    await anchors.turn();
    expect(readCheckpoint((await copies.last(log.origin))!.note).size).toBe(1);
    await enqueue(log.grow(1));
    await anchors.turn();
    expect(readCheckpoint((await copies.last(log.origin))!.note).size).toBe(3);
  });
});
