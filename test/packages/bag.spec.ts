import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Paths } from '../../src/kernel/portable-paths.js';
import { bag, type OutgoingFile } from '../../src/packages/bag.js';
import { bagFaults } from './bagit-validator.js';

const segment = fc
  .stringMatching(/^[A-Za-z0-9_-][A-Za-z0-9._-]{0,20}$/)
  .filter((name) => !/^(con|prn|aux|nul|com\d|lpt\d)(\.|$)|\.$/i.test(name));
const path = fc.array(segment, { minLength: 1, maxLength: 4 }).map((segments) => segments.join('/'));
const content = fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 4 });
const payload = fc.uniqueArray(fc.record({ path, content }), {
  maxLength: 12,
  selector: (file) => file.path.toLowerCase(),
});

async function written(files: readonly OutgoingFile[]): Promise<Map<string, Buffer>> {
  const read = new Map<string, Buffer>();
  for (const file of files) read.set(file.path, await buffer(Readable.from(file.content, { objectMode: false })));
  return read;
}

describe('bag', () => {
  it('is whatever it is given a valid bag, with the payload byte for byte?', async () => {
    await fc.assert(
      fc.asyncProperty(payload, fc.string(), async (files, organization) => {
        const read = await written(bag(files, [['Source-Organization', organization]]));
        expect(bagFaults(read)).toEqual([]);
        for (const file of files) expect(read.get(`data/${file.path}`)).toEqual(Buffer.concat(file.content));
        expect([...read.keys()].filter((name) => name.startsWith('data/'))).toHaveLength(files.length);
        // Free text adds no line and no label.
        expect(read.get('bag-info.txt')?.toString().split('\n')).toHaveLength(3);
      }),
      { numRuns: 60 },
    );
  });

  it('does one flipped bit anywhere make the bag invalid?', async () => {
    const files = [
      { path: 'a.txt', content: [Buffer.from('one')] },
      { path: 'b/c.json', content: [Buffer.from('{}')] },
    ];
    const read = await written(bag(files, [['External-Identifier', 'x']]));
    for (const [name, bytes] of read) {
      const flipped = Buffer.from(bytes);
      flipped[0] = (flipped[0] ?? 0) ^ 1;
      expect(bagFaults(new Map([...read, [name, flipped]])), name).not.toEqual([]);
    }
    expect(bagFaults(new Map([...read, ['data/stray', Buffer.from('x')]]))).not.toEqual([]);
  });

  it('says what every algorithm says of an empty payload?', async () => {
    const read = await written(bag([], []));
    expect(read.get('bag-info.txt')?.toString()).toBe('Payload-Oxum: 0.0\n');
    expect(read.get('manifest-sha256.txt')?.length).toBe(0);
  });

  it.each([
    '',
    '/a',
    'a/',
    'a//b',
    '../a',
    'a/../b',
    '.a',
    'a b',
    'ä',
    'a%',
    'a\nb',
    'con',
    'a/NUL.txt',
    'a.',
    'x'.repeat(200),
  ])('refuses the path %j?', (bad) => {
    expect(() => bag([{ path: bad, content: [] }], [])).toThrow(/path in a package/);
  });

  it('refuses two paths that differ by case alone?', () => {
    const paths = new Paths();
    paths.add('data/Read.me');
    expect(() => paths.add('data/read.ME')).toThrow(/once/);
  });

  it.each(['bag-info.txt', 'manifest-sha256.txt', 'tagmanifest-sha512.txt'])(
    'writes no %s while a file that it speaks of is unread, or failed?',
    async (name) => {
      const failing = (async function* () {
        yield await Promise.resolve(Buffer.from('half'));
        throw new Error('the file failed');
      })();
      const files = bag([{ path: 'a', content: failing }], []);
      const read = (path: string) => written(files.filter((file) => file.path === path));
      await expect(read('data/a')).rejects.toThrow('the file failed');
      await expect(read(name)).rejects.toThrow(/read to its end/);
    },
  );
});
