import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { crc32, deflateRawSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { zipOf as zipped } from '../../src/kernel/zip-write.js';
import { Fault } from '../../src/verify/fault.js';
import { openPackageFiles } from '../../src/verify/package-files.js';
import { readFile } from '../../src/verify/read.js';

interface Entry {
  name: string;
  content?: Buffer;
  /** In the header before the bytes; default: the same name. */
  localName?: string;
  /** Extra field of the central directory; default: none. */
  extra?: Buffer;
  /** Extra field of the header before the bytes; default: none. */
  localExtra?: Buffer;
  comment?: string;
  /** Where the central directory says the entry is; default: where it is. */
  offset?: number;
  /** What the central directory says of the size; default: the size. */
  size?: number;
  deflate?: boolean;
  flags?: number;
  method?: number;
  unixMode?: number;
}

/** A ZIP by hand (APPNOTE 4.3), so that it may say anything. */
function zipOf(entries: readonly Entry[]): Buffer {
  const parts: Buffer[] = [];
  const central: Buffer[] = [];
  let at = 0;
  for (const { name, content = Buffer.from('x'), localName = name, deflate = false, flags = 0, ...rest } of entries) {
    const packed = deflate ? deflateRawSync(content) : content;
    const method = rest.method ?? (deflate ? 8 : 0);
    const common = Buffer.alloc(22);
    common.writeUInt16LE(flags, 0);
    common.writeUInt16LE(method, 2);
    common.writeUInt32LE(crc32(content), 8);
    common.writeUInt32LE(packed.length, 12);
    common.writeUInt32LE(rest.size ?? content.length, 16);
    const { extra = Buffer.alloc(0), localExtra = Buffer.alloc(0) } = rest;
    const nameAt = (text: string, { length }: Buffer) => {
      const lengths = Buffer.concat([common, Buffer.alloc(2)]);
      lengths.writeUInt16LE(Buffer.byteLength(text), 20);
      lengths.writeUInt16LE(length, 22);
      return lengths;
    };
    const local = Buffer.concat([
      Buffer.from('504b03041400', 'hex'),
      nameAt(localName, localExtra),
      Buffer.from(localName),
      localExtra,
      packed,
    ]);
    const tail = Buffer.alloc(14);
    const comment = Buffer.from(rest.comment ?? '');
    tail.writeUInt16LE(comment.length, 0);
    tail.writeUInt32LE(((rest.unixMode ?? 0o100644) << 16) >>> 0, 6);
    tail.writeUInt32LE(rest.offset ?? at, 10);
    central.push(
      Buffer.concat([
        Buffer.from('504b010214031400', 'hex'),
        nameAt(name, extra),
        tail,
        Buffer.from(name),
        extra,
        comment,
      ]),
    );
    parts.push(local);
    at += local.length;
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(entries.length, 4);
  end.writeUInt16LE(entries.length, 6);
  end.writeUInt32LE(directory.length, 8);
  end.writeUInt32LE(at, 12);
  return Buffer.concat([...parts, directory, Buffer.from('504b0506', 'hex'), end]);
}

function field(id: number, content: string): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt16LE(id, 0);
  head.writeUInt16LE(content.length, 2);
  return Buffer.concat([head, Buffer.from(content)]);
}
/** Or the reader itself finds no field in it. */
const BESIDE = /of which no digest tells|cannot be read as a ZIP: .*extra/i;

/** Info-ZIP's: another name for who knows it. */
function unicodePath(of: string, name: string): Buffer {
  const head = Buffer.alloc(9);
  head.writeUInt16LE(0x7075, 0);
  head.writeUInt16LE(5 + Buffer.byteLength(name), 2);
  head.writeUInt8(1, 4);
  head.writeUInt32LE(crc32(of), 5);
  return Buffer.concat([head, Buffer.from(name)]);
}

const DECLARATION: Entry = { name: 'p/bag/bagit.txt' };

describe('the files of a package', () => {
  let directory: string;
  let made = 0;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'safeguard-files-'));
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  const opened = async (zip: Buffer) => {
    const path = join(directory, `${(made += 1)}.zip`);
    await writeFile(path, zip);
    return openPackageFiles(path);
  };

  it('does a ZIP of one folder read as what is in the folder, stored or deflated?', async () => {
    const content = Buffer.alloc(100_000, 'ab');
    const files = await opened(
      zipOf([DECLARATION, { name: 'p/a', content, deflate: true }, { name: 'p/dir/', content: Buffer.alloc(0) }]),
    );
    expect([...files.sizes]).toEqual([
      ['bag/bagit.txt', 1],
      ['a', content.length],
    ]);
    expect((await readFile(files, 'a')).equals(content)).toBe(true);
    await files.close();
  });

  it('does one with times and owners, as zip writes them, read all the same?', async () => {
    const extra = Buffer.concat([field(0x5455, 'times'), field(0x7875, 'owner of it')]);
    const files = await opened(zipOf([DECLARATION, { name: 'p/a', extra, localExtra: extra }]));
    expect(files.sizes.get('a')).toBe(1);
    await files.close();
  });

  const long = `p/${'x'.repeat(250)}`;
  it.each<[string, Buffer, RegExp]>([
    ['a path that leads out of it', zipOf([DECLARATION, { name: 'p/../../etc/passwd' }]), /invalid relative path/],
    ['an absolute path', zipOf([DECLARATION, { name: '/etc/passwd' }]), /absolute path/],
    ['a path of Windows', zipOf([DECLARATION, { name: 'p\\x' }]), /invalid characters/],
    ['a device of Windows', zipOf([DECLARATION, { name: 'p/NUL.txt' }]), /portable/],
    ['a hidden file', zipOf([DECLARATION, { name: 'p/.bashrc' }]), /portable/],
    ['a path with a line feed', zipOf([DECLARATION, { name: 'p/a\nok  payload' }]), /portable/],
    ['a path that is too long', zipOf([DECLARATION, { name: long }]), /portable/],
    ['a name twice', zipOf([DECLARATION, { name: 'p/a' }, { name: 'p/a' }]), /once/],
    ['a name twice but for case', zipOf([DECLARATION, { name: 'p/a' }, { name: 'p/A' }]), /once/],
    [
      'a file that is a folder too',
      zipOf([DECLARATION, { name: 'p/a' }, { name: 'p/a/', content: Buffer.alloc(0) }]),
      /once/,
    ],
    ['a link', zipOf([DECLARATION, { name: 'p/a', unixMode: 0o120777 }]), /link/],
    ['another name in its own header', zipOf([DECLARATION, { name: 'p/a', localName: 'p/b' }]), /another name/],
    [
      'another name beside its own',
      zipOf([DECLARATION, { name: 'p/b', extra: unicodePath('p/b', 'p/a') }]),
      /another name beside/,
    ],
    [
      'another name beside its own, in its own header',
      zipOf([DECLARATION, { name: 'p/a', localExtra: unicodePath('p/a', 'p/b') }]),
      /another name beside/,
    ],
    ...(
      [
        ['of a kind that nobody writes', field(0x4242, 'hidden')],
        ['of a usual kind that is too long', field(0x5455, 'hidden'.repeat(3))],
        ['twice', Buffer.concat([field(0x5455, 'times'), field(0x5455, 'times')])],
        ['that ends before its end', field(0x5455, 'times').subarray(0, -1)],
        ['that is no field', Buffer.from('abc')],
      ] as const
    ).flatMap(([what, bytes]): [string, Buffer, RegExp][] => [
      [`a field ${what}`, zipOf([DECLARATION, { name: 'p/a', extra: bytes }]), BESIDE],
      [`a field ${what}, in its own header`, zipOf([DECLARATION, { name: 'p/a', localExtra: bytes }]), BESIDE],
    ]),
    ['a comment of a file', zipOf([DECLARATION, { name: 'p/a', comment: 'hidden' }]), /"p\/a" has a comment/],
    ...(
      [
        ['another sum', 14],
        ['another size', 22],
        ['another packed size', 18],
        ['another time', 10],
        ['another flag', 7],
      ] as const
    ).map(([what, at]): [string, Buffer, RegExp] => {
      const zip = zipOf([DECLARATION, { name: 'p/a', content: Buffer.from('abc') }]);
      const local = zip.indexOf('p/a') - 30;
      zip.writeUInt8(zip.readUInt8(local + at) ^ 1, local + at);
      return [`${what} in its own header`, zip, /another sum, size, time or flag|two ways/];
    }),
    [
      'a stored file whose size comes behind it',
      zipOf([DECLARATION, { name: 'p/a', flags: 8 }]),
      /is stored, and says only behind/,
    ],
    ['an encrypted entry', zipOf([DECLARATION, { name: 'p/a', flags: 1 }]), /encrypted|size mismatch/],
    ['two bags', zipOf([DECLARATION, { name: 'q/bag/bagit.txt' }]), /two bags/],
    ['a file outside of its folder', zipOf([DECLARATION, { name: 'README' }]), /outside/],
    ['no bag', zipOf([{ name: 'p/a' }]), /no package/],
    ['nothing', Buffer.alloc(0), /cannot be read as a ZIP/],
    ['a cut end', zipOf([DECLARATION]).subarray(0, -5), /cannot be read as a ZIP/],
    ['a cut beginning', zipOf([DECLARATION]).subarray(10), /cannot be read as a ZIP/],
    ['age encryption', Buffer.from('age-encryption.org/v1\n-> X25519 abc\n'), /age -d/],
  ])('is a ZIP refused with %s?', async (_, zip, message) => {
    await expect(opened(zip)).rejects.toThrow(message);
    await expect(opened(zip)).rejects.toBeInstanceOf(Fault);
  });

  it('is a ZIP refused whose entries share their bytes, as those of a bomb do?', async () => {
    const twice = zipOf([{ name: 'p/bag/bagit.txt' }, { name: 'p/bag/bagit.txt' }]);
    // Renamed in the central directory alone, and led to the first entry's bytes.
    const second = twice.lastIndexOf('p/bag/bagit.txt');
    twice.write('p/bag/bagit.two', second);
    twice.writeUInt32LE(0, second - 4);
    await expect(opened(twice)).rejects.toThrow(/another name/);
    const alike = zipOf([
      DECLARATION,
      { name: 'p/a', content: zipOf([{ name: 'p/b' }]) },
      { name: 'p/b', offset: inner() },
    ]);
    await expect(opened(alike)).rejects.toThrow(/shares its bytes/);
  });
  /** Where the content of p/a begins: after the first entry and its own header. */
  const inner = (): number => 30 + DECLARATION.name.length + 1 + 30 + 'p/a'.length;

  it('is a ZIP refused that says it unpacks to hundreds of times its size?', async () => {
    const bomb = zipOf([
      DECLARATION,
      { name: 'p/a', deflate: true, size: 0xfffffff0 },
      { name: 'p/b', deflate: true, size: 0xfffffff0 },
    ]);
    await expect(opened(bomb)).rejects.toThrow(/200 times/);
  });

  it('is an entry refused that unpacks to more or less than it says, or not at all?', async () => {
    const content = Buffer.alloc(10_000, 'ab');
    for (const size of [100, 20_000]) {
      const files = await opened(zipOf([DECLARATION, { name: 'p/a', content, deflate: true, size }]));
      await expect(readFile(files, 'a')).rejects.toThrow(
        size === 100 ? /a" unpacks to more bytes than/ : /a" unpacks to fewer bytes than/,
      );
      await files.close();
    }
    const broken = zipOf([DECLARATION, { name: 'p/a', content: Buffer.from('no deflate'), method: 8 }]);
    const files = await opened(broken);
    await expect(readFile(files, 'a')).rejects.toThrow(/a" cannot be unpacked/);
    await files.close();
  });

  describe('bytes that are of no file', () => {
    const whole = zipOf([DECLARATION, { name: 'p/a', deflate: true }]);
    const second = whole.indexOf('p/a') - 30;
    const start = whole.readUInt32LE(whole.length - 6);
    /** With other bytes before the one at a place, and all that is said of places moved by so many. */
    const stuffed = (at: number, bytes = Buffer.from('hidden')): Buffer => {
      const zip = Buffer.concat([whole.subarray(0, at), bytes, whole.subarray(at)]);
      const moved = (place: number): number => (place >= at ? place + bytes.length : place);
      const directory = moved(start);
      zip.writeUInt32LE(moved(0), directory + 42);
      zip.writeUInt32LE(moved(second), directory + 46 + DECLARATION.name.length + 42);
      zip.writeUInt32LE(directory, zip.length - 6);
      return zip;
    };

    it.each<[string, Buffer, RegExp]>([
      ['before the first', stuffed(0), /6 bytes .* before "p\/bag\/bagit.txt", at 0$/],
      ['between two', stuffed(second), new RegExp(`6 bytes .* before "p/a", at ${second}$`)],
      ['behind the last', stuffed(start), new RegExp(`6 bytes .* before its directory, at ${start}$`)],
      [
        'behind the directory',
        stuffed(whole.length - 22),
        new RegExp(`6 bytes .* behind its directory, at ${whole.length - 22}$`),
      ],
      ['behind the end', stuffed(whole.length), /extra bytes at the end/],
      [
        'in a comment',
        (() => {
          const zip = Buffer.concat([whole, Buffer.from('hidden')]);
          zip.writeUInt16LE(6, whole.length - 2);
          return zip;
        })(),
        /has a comment/,
      ],
      [
        'in a folder',
        zipOf([DECLARATION, { name: 'p/b/', content: Buffer.from('hidden'), method: 8, size: 0 }]),
        /"p\/b\/" cannot be unpacked/,
      ],
      [
        'in a folder that is empty when it is unpacked',
        zipOf([DECLARATION, { name: 'p/b/', content: Buffer.from('0300ff', 'hex'), method: 8, size: 0 }]),
        /"p\/b\/" has 1 bytes behind the end/,
      ],
      [
        'where sums and sizes are to be',
        zipOf([DECLARATION, { name: 'p/a', deflate: true, flags: 8 }]),
        /other sums and sizes behind it/,
      ],
    ])('is a ZIP refused with some %s, and told where they are?', async (_, zip, message) => {
      await expect(opened(zip)).rejects.toThrow(message);
      await expect(opened(zip)).rejects.toBeInstanceOf(Fault);
    });

    it.each([1, 70_000, 5_000_000])(
      'are %i behind what was deflated refused, wherever the program reads on?',
      async (hidden) => {
        for (const size of [1, 16_384, 1_000_000]) {
          const content = randomBytes(size);
          const packed = Buffer.concat([deflateRawSync(content), Buffer.alloc(hidden)]);
          const files = await opened(zipOf([DECLARATION, { name: 'p/a', content: packed, method: 8, size }]));
          await expect(readFile(files, 'a')).rejects.toThrow(
            `"p/a" has ${hidden} bytes behind the end of what was deflated`,
          );
          await files.close();
        }
      },
    );

    it.each<[string, number | undefined]>([
      ['of which the sizes are known', 10],
      ['of which they come behind', undefined],
    ])('is a ZIP of our own taken, of files %s?', async (_, atMost) => {
      const large = { path: 'p/a', content: [randomBytes(9 * 2 ** 20)], ...(atMost && { atMost: 2 ** 30 }) };
      const zip = await buffer(zipped([{ path: 'p/bag/bagit.txt', content: [] }, large], new Date(), 1));
      const files = await opened(zip);
      expect(files.sizes.size).toBe(2);
      await files.close();
    });

    it('is one taken of more files than 16 bits count, and refused where its two ends name two directories?', async () => {
      const many = Array.from({ length: 2 ** 16 }, (_, at) => ({ path: `p/b/${at}`, content: [] }));
      const zip = await buffer(zipped([{ path: 'p/bag/bagit.txt', content: [] }, ...many], new Date(), 1));
      const files = await opened(zip);
      expect(files.sizes.size).toBe(2 ** 16 + 1);
      await files.close();
      zip.writeUInt16LE(1, zip.length - 12);
      await expect(opened(zip)).rejects.toThrow(/two directories/);
    });
  });

  it('is a file refused that is larger than such a file may be, before it is read?', async () => {
    const files = await opened(zipOf([DECLARATION, { name: 'p/a', content: Buffer.alloc(11) }]));
    await expect(readFile(files, 'a', 10)).rejects.toThrow(/more than the 10/);
    await files.close();
  });

  it('is a folder refused with a link, a pipe, a stray name, or the package in a folder inside of it?', async () => {
    const folder = async (name: string): Promise<string> => {
      const path = join(directory, name);
      await mkdir(join(path, 'bag'), { recursive: true });
      await writeFile(join(path, 'bag/bagit.txt'), 'x');
      return path;
    };
    const link = await folder('link');
    await symlink('/etc/passwd', join(link, 'bag/x'));
    await expect(openPackageFiles(link)).rejects.toThrow(/"bag\/x" is a link/);
    const pipe = await folder('pipe');
    execFileSync('mkfifo', [join(pipe, 'x')]);
    await expect(openPackageFiles(pipe)).rejects.toThrow(/"x" is a link or a device/);
    const stray = await folder('stray');
    await writeFile(join(stray, '.DS_Store'), '');
    await expect(openPackageFiles(stray)).rejects.toThrow(/"\.DS_Store"/);
    await mkdir(join(directory, 'outer'));
    await folder('outer/inner');
    await expect(openPackageFiles(join(directory, 'outer'))).rejects.toThrow(/in a folder inside/);
    await expect(openPackageFiles(join(pipe, 'x'))).rejects.toThrow(/neither a file nor a folder/);
  });

  it('is a file that is not there no fault of a package?', async () => {
    await expect(openPackageFiles(join(directory, 'absent'))).rejects.not.toBeInstanceOf(Fault);
  });
});
