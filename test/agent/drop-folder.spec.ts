import { execFileSync } from 'node:child_process';
import { chmod, mkdir, readdir, readFile, symlink, utimes, writeFile } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { Deposit } from '../../src/agent/deposit.js';
import { DropFolder } from '../../src/agent/drop-folder.js';
import { Metrics } from '../../src/agent/metrics.js';
import { Spool } from '../../src/agent/spool.js';
import { prepare } from '../../src/bin/client/payload.js';
import { folder, quickClock } from './support.js';

async function dropping({ limit = 1e6 } = {}) {
  const drop = join(await folder(), 'drop');
  await mkdir(drop);
  const clock = quickClock();
  const logs: string[] = [];
  const ignore = { dropped: () => undefined, damaged: () => undefined, forgotten: () => undefined };
  const spool = await Spool.open(join(await folder(), 'spool'), limit, ignore);
  const log = pino({}, { write: (line: string) => void logs.push(line) });
  const dropFolder = new DropFolder(drop, new Deposit(spool, clock, null), log, new Metrics());
  return {
    drop,
    spool,
    logs,
    clock,
    write: async (name: string, text: string): Promise<void> => {
      await writeFile(join(drop, name), text);
      // As if written just now by the clock of the test.
      await utimes(join(drop, name), clock.now() / 1_000, clock.now() / 1_000);
    },
    /** Looks, waits as long as a file takes to settle, looks again. */
    settle: async (): Promise<void> => {
      await dropFolder.look();
      await clock.pause(10_000);
      await dropFolder.look();
    },
    look: () => dropFolder.look(),
  };
}

describe('which files are taken from the drop folder?', () => {
  it('is one that has not changed for ten seconds spooled, compressed, and deleted?', async () => {
    const { drop, spool, write, settle } = await dropping();
    await write('report.json', '{"a":1}');
    await settle();
    const [entry] = spool.byAge;
    expect(entry).toMatchObject({
      stream: null,
      origin: 'report.json',
      encoding: 'zstd',
      mediaType: 'application/json',
      observedAt: null,
    });
    expect(zstdDecompressSync(await readFile(entry?.file ?? '')).toString()).toBe('{"a":1}');
    expect(await readdir(drop)).toEqual([]);
  });

  it('is one that still grows left until it is whole?', async () => {
    const { spool, write, look, clock } = await dropping();
    await write('report.json', '{"a":');
    expect(await look()).toBe(1);
    await clock.pause(10_000);
    await write('report.json', '{"a":1}');
    expect(await look()).toBe(1);
    await clock.pause(5_000);
    expect(await look()).toBe(1);
    expect(spool.count).toBe(0);
    await clock.pause(5_000);
    expect(await look()).toBe(0);
    expect(spool.count).toBe(1);
  });

  it.each(['.report.json', 'report.json.tmp', 'report.json.part', 'report.json~'])(
    'is %s left, whose name says that it is being written?',
    async (name) => {
      const { drop, spool, write, settle } = await dropping();
      await write(name, '{}');
      await settle();
      expect([spool.count, await readdir(drop)]).toEqual([0, [name]]);
    },
  );

  it('is what it declares beside it said of it, and gone with it?', async () => {
    const { drop, spool, write, settle } = await dropping();
    await write(
      'bench.json.scan.json',
      JSON.stringify({
        targets: ['node/worker-1'],
        observedAt: '2026-11-26T08:00:00Z',
        partial: true,
        format: 'kube-bench',
      }),
    );
    await write('bench.json', '{}');
    await settle();
    expect(spool.byAge).toMatchObject([
      { targets: ['node/worker-1'], observedAt: '2026-11-26T08:00:00Z', partial: true, format: 'kube-bench' },
    ]);
    expect(await readdir(drop)).toEqual([]);
  });

  it.each(['{"targets":"node/a"}', 'no json', '{"target":["node/a"]}'])(
    'is it left, and said once, where its declaration is %s?',
    async (declared) => {
      const { spool, write, settle, logs } = await dropping();
      await write('bench.json.scan.json', declared);
      await write('bench.json', '{}');
      await settle();
      await settle();
      expect(spool.count).toBe(0);
      expect(logs.filter((line) => line.includes('is not taken'))).toHaveLength(1);
    },
  );

  it('is one taken whose time is ahead, as of now at the latest?', async () => {
    const { drop, spool, write, settle, clock } = await dropping();
    await write('report.json', '{}');
    const ahead = new Date(Date.UTC(12_000, 0, 1));
    await utimes(join(drop, 'report.json'), ahead, ahead);
    await settle();
    expect(spool.byAge.map(({ observedAtElse }) => observedAtElse)).toEqual([new Date(clock.now()).toISOString()]);
  });

  it('does one that cannot be spooled whole leave nothing behind, and is no more read than there was?', async () => {
    const directory = await folder();
    const made = join(directory, 'made');
    await mkdir(made);
    const file = join(directory, 'report.json');
    await writeFile(file, randomBytes(2 ** 20));
    // The disk is full after 64 blocks.
    const program = `
      const { prepare } = await import(${JSON.stringify(new URL('../../src/bin/client/payload.js', import.meta.url).href)});
      await prepare(${JSON.stringify(file)}, 'identity', ${JSON.stringify(made)}).catch((error) => console.log(error.code));`;
    const said = execFileSync('/bin/sh', [
      '-c',
      'ulimit -f 64; exec "$0" --input-type=module -e "$1"',
      process.execPath,
      program,
    ]);
    expect(said.toString()).toBe('EFBIG\n');
    expect(await readdir(made)).toEqual([]);
    expect(await prepare(file, 'identity', made, { most: 1_000 })).toMatchObject({
      size: 1_000,
      content: { size: 1_000 },
    });
  });

  it('is no link followed, no pipe waited for and no folder entered?', async () => {
    const { drop, spool, settle, write } = await dropping();
    const secret = join(await folder(), 'token');
    await writeFile(secret, 'hunter2');
    await symlink(secret, join(drop, 'link.json'));
    await mkdir(join(drop, 'folder.json'));
    execFileSync('mkfifo', [join(drop, 'pipe.json')]);
    await write('report.json', '{}');
    await symlink(secret, join(drop, 'other.json.scan.json'));
    await write('other.json', '{}');
    await settle();
    expect(spool.byAge.map(({ origin }) => origin)).toEqual(['report.json']);
  });

  it('is one left where the spool has no room, and taken when it has?', async () => {
    const { spool, write, settle, drop } = await dropping({ limit: 2 ** 20 });
    await write('a.json', 'a'.repeat(600_000));
    await write('b.json', 'b'.repeat(2 ** 20));
    await settle();
    expect([spool.count, await readdir(drop)]).toEqual([1, ['b.json']]);
    await spool.remove(spool.byAge[0]!);
    await settle();
    expect([spool.count, await readdir(drop)]).toEqual([1, []]);
  });

  it.skipIf(process.getuid?.() === 0)('is one that cannot be deleted taken once, and told?', async () => {
    const { drop, spool, write, settle, logs } = await dropping();
    await write('a.json', '{"a":1}');
    await chmod(drop, 0o500);
    await settle();
    await settle();
    await chmod(drop, 0o700);
    expect(spool.count).toBe(1);
    expect(logs.filter((line) => line.includes('took a report'))).toHaveLength(1);
    expect(logs.join('')).toContain('cannot be deleted');
  });

  it('is one that was spooled before it was killed, and comes again, the same report?', async () => {
    const { spool, write, settle } = await dropping();
    await write('a.json', '{"a":1}');
    await settle();
    const [before] = spool.byAge;
    await writeFile(before!.file, await readFile(before!.file));
    const at = new Date(before!.createdAt);
    const again = await dropping();
    await again.write('a.json', '{"a":1}');
    await utimes(join(again.drop, 'a.json'), at, at);
    await again.settle();
    expect(again.spool.byAge[0]?.name).toBe(before?.name);
  });
});
