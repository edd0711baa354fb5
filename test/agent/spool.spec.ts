import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { type Entry, type Manifest, Spool } from '../../src/agent/spool.js';
import { manifestOf } from './manifest.js';
import { folder } from './support.js';

const WRITER = fileURLToPath(new URL('spool-writer.js', import.meta.url));

interface Opened {
  spool: Spool;
  dropped: string[];
  damaged: string[];
  forgotten: string[];
}

async function open(directory: string, limit = 1e6): Promise<Opened> {
  const told = { dropped: [] as string[], damaged: [] as string[], forgotten: [] as string[] };
  const spool = await Spool.open(directory, limit, {
    dropped: ({ name }) => told.dropped.push(name),
    damaged: (name) => told.damaged.push(name),
    forgotten: (name) => told.forgotten.push(name),
  });
  return { spool, ...told };
}

async function put(spool: Spool, minute: number, text: string, more: Partial<Manifest> = {}): Promise<Entry> {
  const bytes = Buffer.from(text);
  const file = spool.scratch();
  await writeFile(file, bytes);
  return spool.put(file, new Date(Date.UTC(2026, 10, 26, 8, minute)), manifestOf(bytes, more));
}

describe('does the spool keep what it took?', () => {
  it('is a report there after a restart, with all that was said of it, oldest first?', async () => {
    const directory = await folder();
    const { spool } = await open(directory);
    await put(spool, 2, 'second', { targets: ['node/worker-1'], signature: '{}' });
    await put(spool, 1, 'first');
    const again = (await open(directory)).spool;
    expect(again.byAge.map(({ createdAt: _, ...entry }) => entry)).toMatchObject([
      { size: 5, targets: [] },
      { size: 6, targets: ['node/worker-1'], signature: '{}' },
    ]);
    expect(await readFile(again.byAge[0]?.file ?? '', 'utf8')).toBe('first');
    expect(again.bytes).toBe(11);
  });

  it('is the same report put twice there once?', async () => {
    const directory = await folder();
    const { spool } = await open(directory);
    const first = await put(spool, 1, 'same');
    expect((await put(spool, 1, 'same')).name).toBe(first.name);
    expect((await open(directory)).spool.count).toBe(1);
  });

  it('is what was posted gone for good?', async () => {
    const directory = await folder();
    const { spool } = await open(directory);
    await spool.remove(await put(spool, 1, 'posted'));
    expect((await open(directory)).spool.count).toBe(0);
    expect(await readdir(join(directory, 'reports'))).toEqual([]);
  });

  it('is nobody else let in?', async () => {
    const directory = join(await folder(), 'spool');
    const { spool } = await open(directory);
    const entry = await put(spool, 1, 'evidence');
    expect((await stat(directory)).mode & 0o077).toBe(0);
    expect((await stat(join(directory, 'reports'))).mode & 0o077).toBe(0);
    expect(entry.file.startsWith(directory)).toBe(true);
  });

  it('is everything that was said to be safe there, and whole, whenever the process is killed?', async () => {
    const directory = await folder();
    const safe = new Map<string, string>();
    for (let round = 0; round < 8; round++) {
      const child = spawn(process.execPath, [WRITER, directory, String(safe.size)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      let text = '';
      const ended = new Promise((resolve) => child.on('close', resolve));
      // After as many reports as the round has: where in the next it is then, is chance.
      child.stdout.on('data', (chunk: Buffer) => {
        text += chunk.toString();
        if (text.split('safe ').length > round + 2) child.kill('SIGKILL');
      });
      await ended;
      for (const [, name = '', sha256 = ''] of text.matchAll(/^safe (\S+) (\S+)$/gm)) safe.set(name, sha256);
    }
    const { spool, damaged } = await open(directory);
    expect(damaged).toEqual([]);
    const there = new Map(spool.byAge.map((entry) => [entry.name, entry]));
    expect(safe.size).toBeGreaterThan(30);
    for (const [name, sha256] of safe) {
      const bytes = await readFile(there.get(name)?.file ?? '');
      expect(createHash('sha256').update(bytes).digest('hex')).toBe(sha256);
    }
    // One more of each round at most: it was safe, and nobody heard so.
    expect(spool.count - safe.size).toBeLessThanOrEqual(8);
    expect(await readdir(join(directory, 'tmp'))).toEqual([]);
  });
});

describe('what of a spool that was damaged?', () => {
  it('is a report set aside whose bytes or manifest are not what they were, and are the others left?', async () => {
    const directory = await folder();
    const { spool } = await open(directory);
    const [cut, silent, good] = [
      await put(spool, 1, 'cut short'),
      await put(spool, 2, 'no manifest'),
      await put(spool, 3, 'good'),
    ];
    await truncate(cut.file, 3);
    await rm(silent.file.replace('.report', '.json'));
    const again = await open(directory);
    expect(again.spool.byAge.map(({ name }) => name)).toEqual([good.name]);
    expect(again.damaged.sort()).toEqual([cut.name, silent.name]);
    expect(await readdir(join(directory, 'refused'))).toContain(`${cut.name}.report`);
  });

  it('does a manifest alone count for nothing?', async () => {
    const directory = await folder();
    const { spool } = await open(directory);
    const entry = await put(spool, 1, 'a');
    await rm(entry.file);
    const again = await open(directory);
    expect([again.spool.count, again.damaged]).toEqual([0, []]);
    expect(await readdir(join(directory, 'reports'))).toEqual([]);
  });

  it('is what was being written when it was killed gone?', async () => {
    const directory = await folder();
    await mkdir(join(directory, 'tmp'), { recursive: true });
    await writeFile(join(directory, 'tmp', 'half'), 'x');
    await open(directory);
    expect(await readdir(join(directory, 'tmp'))).toEqual([]);
  });
});

describe('is the spool bounded?', () => {
  it('is the oldest report dropped that a later one of its stream replaces, and is it said?', async () => {
    const { spool, dropped } = await open(await folder(), 100);
    const snapshot = { stream: 'snapshot' };
    const first = await put(spool, 1, 'a'.repeat(40), snapshot);
    const others = await put(spool, 2, 'b'.repeat(30));
    const second = await put(spool, 3, 'c'.repeat(20), snapshot);
    expect(dropped).toEqual([]);
    const third = await put(spool, 4, 'd'.repeat(20), snapshot);
    expect(dropped).toEqual([first.name]);
    expect(spool.byAge.map(({ name }) => name)).toEqual([others.name, second.name, third.name]);
  });

  it('is one that nothing replaces never dropped?', async () => {
    const { spool, dropped } = await open(await folder(), 100);
    await put(spool, 1, 'a'.repeat(90));
    await put(spool, 2, 'b'.repeat(60), { stream: 'snapshot' });
    expect([spool.count, dropped]).toEqual([2, []]);
    expect(spool.hasRoomFor(1)).toBe(false);
  });

  it('is one that is being posted not dropped under the hands?', async () => {
    const { spool, dropped } = await open(await folder(), 100);
    const first = await put(spool, 1, 'a'.repeat(60), { stream: 'snapshot' });
    await spool.holding(first, () => put(spool, 2, 'b'.repeat(60), { stream: 'snapshot' }));
    expect([spool.count, dropped]).toEqual([2, []]);
  });

  it('do refused reports make room, the oldest first, and is it said?', async () => {
    const directory = await folder();
    const { spool, forgotten } = await open(directory, 100);
    const first = await put(spool, 1, 'a'.repeat(20));
    const second = await put(spool, 2, 'b'.repeat(20));
    await spool.setAside(first, { title: 'no' });
    await spool.setAside(second, { title: 'no' });
    expect(forgotten).toEqual([first.name]);
    expect((await readdir(join(directory, 'refused'))).sort()).toEqual(
      ['json', 'problem.json', 'report'].map((ending) => `${second.name}.${ending}`),
    );
  });
});
