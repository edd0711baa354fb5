import { createHash } from 'node:crypto';
import { Paths } from '../kernel/portable-paths.js';

/*
 * BagIt 1.0 (RFC 8493), written in one pass: payload first, hashed as it goes by, then the tag files that say what it was. Pure; memory grows with
 * the number of files, never with their bytes.
 */

export interface OutgoingFile {
  /** Relative, `/` between segments. */
  path: string;
  /** Read once, when its turn has come. */
  content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
  /** Bytes that it has at most, where that is known before (see `ZipInput`). */
  atMost?: number;
}

/** Labels and values of bag-info.txt; `Payload-Oxum` is added. */
export type BagInfo = readonly (readonly [label: string, value: string])[];

/** RFC 8493 section 2.4: 1.0 tools default to sha512; sha256 feeds `sha256sum -c` on any machine. Each lists every payload file (section 3). */
const ALGORITHMS = ['sha256', 'sha512'] as const;
type Algorithm = (typeof ALGORITHMS)[number];

type Listed = { path: string; size: number } & Record<Algorithm, string>;

/**
 * The bag's files, to be read in this order; payload under `data/`. A manifest that is read before all that it lists has been read to its end is an error:
 * none ever leaves a file out.
 */
export function bag(payload: readonly OutgoingFile[], info: BagInfo): OutgoingFile[] {
  const paths = new Paths();
  const files: Listed[] = [];
  const tags: Listed[] = [];

  const manifests = (prefix: string, list: Listed[], length: number): OutgoingFile[] =>
    ALGORITHMS.map((algorithm) => ({
      path: `${prefix}-${algorithm}.txt`,
      content: (function* () {
        requireRead(list, length);
        yield* manifest(list, algorithm);
      })(),
    }));
  const tagFiles: OutgoingFile[] = [
    {
      path: 'bag-info.txt',
      content: (function* () {
        requireRead(files, payload.length);
        yield bagInfo([...info, ['Payload-Oxum', `${files.reduce((sum, { size }) => sum + size, 0)}.${files.length}`]]);
      })(),
    },
    ...manifests('manifest', files, payload.length),
  ];
  const whole = [
    measured({ path: 'bagit.txt', content: [Buffer.from(DECLARATION, 'ascii')] }, tags),
    ...payload.map((file) => measured({ ...file, path: `data/${file.path}` }, files)),
    ...tagFiles.map((file) => measured(file, tags)),
    ...manifests('tagmanifest', tags, 1 + tagFiles.length),
  ];
  for (const { path } of whole) paths.add(path);
  return whole;
}

const DECLARATION = 'BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n';

/** The same file, which enters the list when it has been read to its end. */
function measured(file: OutgoingFile, list: Listed[]): OutgoingFile {
  const { path, content } = file;
  return {
    ...file,
    content: (async function* () {
      const [sha256, sha512] = [createHash('sha256'), createHash('sha512')];
      let size = 0;
      for await (const chunk of content) {
        if (chunk.length === 0) continue;
        sha256.update(chunk);
        sha512.update(chunk);
        size += chunk.length;
        yield chunk;
      }
      list.push({ path, size, sha256: sha256.digest('hex'), sha512: sha512.digest('hex') });
    })(),
  };
}

function requireRead(list: readonly Listed[], length: number): void {
  if (list.length !== length) throw new Error('a manifest is written before a file that it lists was read to its end');
}

function bagInfo(info: BagInfo): Buffer {
  // A value with a line feed would start another label.
  const line = ([label, value]: BagInfo[number]) =>
    `${label}: ${value.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').trim()}\n`;
  return Buffer.from(info.map(line).join(''), 'utf8');
}

/** Two spaces, as `sha256sum` writes and reads it. The paths need no escaping: `Paths` lets no CR, LF or % through. */
function* manifest(list: readonly Listed[], algorithm: Algorithm): Generator<Buffer, void> {
  const sorted = [...list].sort((a, b) => (a.path < b.path ? -1 : 1));
  for (let start = 0; start < sorted.length; start += 500) {
    const lines = sorted.slice(start, start + 500).map((file) => `${file[algorithm]}  ${file.path}\n`);
    yield Buffer.from(lines.join(''), 'ascii');
  }
}
