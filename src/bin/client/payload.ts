import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough, Readable, type Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { constants, createGzip, createZstdCompress } from 'node:zlib';
import { exitCode, Failure } from './failure.js';
import { printable } from './text.js';

export const encodings = ['zstd', 'gzip', 'identity'] as const;
export type Encoding = (typeof encodings)[number];

/** A report ready to be sent, as often as needed: the bytes of the transfer lie in a file of ours. */
export interface Payload {
  file: string;
  /** Bytes of the transfer, after compression. */
  size: number;
  /** SHA-256 of these bytes, base64: `Content-Digest` (RFC 9530) covers the content as it travels. */
  digest: string;
  encoding: Encoding;
  mediaType:
    'application/json' | 'application/x-ndjson' | 'application/yaml' | 'application/xml' | 'application/octet-stream';
  /** Of the report itself, before compression; null for one that came compressed. */
  content: { size: number; sha256: string } | null;
  /** When the file was last changed; null for what is no file (standard input, a pipe). */
  modifiedAt: Date | null;
}

/** How a file is read that others may write to meanwhile. */
export interface Reading {
  /** Of open(2): a folder of others may hold links and pipes. */
  flags?: string | number;
  /** Bytes that are read of it; however much it has grown. */
  most?: number;
}

/** A file that cannot be sent: the others can. */
export class Unreadable extends Failure {
  constructor(message: string, next: string) {
    super(exitCode.refused, message, next);
  }
}

/** Reads a report (`-`: standard input) once, compressing as it goes; what is compressed already travels as it is. */
export async function prepare(
  name: string,
  encoding: Encoding,
  directory: string,
  { flags = 'r', most = Infinity }: Reading = {},
): Promise<Payload> {
  const { source, modifiedAt } =
    name === '-' ? { source: process.stdin, modifiedAt: null } : await openReport(name, { flags, most });
  const reader = source[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  const head = await headOf(reader);
  const compressed = compressionOf(head);
  const actual = compressed ?? encoding;
  const file = join(directory, randomUUID());
  const hash = createHash('sha256');
  const content = { size: 0, hash: createHash('sha256') };
  let size = 0;
  await pipeline(
    Readable.from(resumed(head, reader), { objectMode: false }),
    async function* read(chunks: AsyncIterable<Buffer>) {
      for await (const chunk of chunks) {
        content.size += chunk.length;
        content.hash.update(chunk);
        yield chunk;
      }
    },
    compressed === null ? compressor(actual) : new PassThrough(),
    async function* measured(chunks: AsyncIterable<Buffer>) {
      for await (const chunk of chunks) {
        size += chunk.length;
        hash.update(chunk);
        yield chunk;
      }
    },
    createWriteStream(file, { mode: 0o600, flags: 'wx' }),
  ).catch(async (error: unknown) => {
    // A disk that is full would else be so for good.
    await rm(file, { force: true });
    throw error;
  });
  return {
    file,
    size,
    digest: hash.digest('base64'),
    encoding: actual,
    mediaType: mediaTypeOf(name, compressed === null ? head : Buffer.alloc(0)),
    modifiedAt,
    content: compressed === null ? { size: content.size, sha256: content.hash.digest('hex') } : null,
  };
}

async function openReport(
  name: string,
  { flags, most }: Required<Reading>,
): Promise<{ source: Readable; modifiedAt: Date | null }> {
  try {
    const handle = await open(name, flags);
    const stats = await handle.stat();
    if (stats.isDirectory()) {
      await handle.close();
      throw new Unreadable('is a directory', 'name the files in it');
    }
    return {
      source: createReadStream(name, { fd: handle, end: most - 1 }),
      modifiedAt: stats.isFile() ? stats.mtime : null,
    };
  } catch (error) {
    if (error instanceof Unreadable) throw error;
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
    throw new Unreadable(`cannot be read (${printable(code, 20)})`, 'check the path and its permissions');
  }
}

/** The first bytes: at least four, unless there are fewer. */
async function headOf(reader: AsyncIterator<Buffer>): Promise<Buffer> {
  let head = Buffer.alloc(0);
  while (head.length < 4) {
    const next = await reader.next();
    if (next.done === true) break;
    head = Buffer.concat([head, next.value]);
  }
  return head;
}

async function* resumed(head: Buffer, reader: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  if (head.length > 0) yield head;
  for (let next = await reader.next(); next.done !== true; next = await reader.next()) yield next.value;
}

/** By magic number: gzip (RFC 1952 section 2.3.1), Zstandard frame (RFC 8878 section 3.1.1). */
function compressionOf(head: Buffer): 'gzip' | 'zstd' | null {
  if (head.length >= 2 && head.readUInt16BE(0) === 0x1f8b) return 'gzip';
  return head.length >= 4 && head.readUInt32LE(0) === 0xfd2fb528 ? 'zstd' : null;
}

function compressor(encoding: Encoding): Transform {
  switch (encoding) {
    case 'identity':
      return new PassThrough();
    case 'gzip':
      return createGzip();
    case 'zstd':
      // The checksum lets the server tell a damaged frame from a whole one before it parses anything.
      return createZstdCompress({ params: { [constants.ZSTD_c_checksumFlag]: 1 } });
  }
}

/** By the name, else by the first character: only a hint, the server looks for itself. */
function mediaTypeOf(name: string, head: Buffer): Payload['mediaType'] {
  const plain = name.toLowerCase().replace(/\.(gz|zst|zstd)$/, '');
  if (/\.(json|sarif)$/.test(plain)) return 'application/json';
  if (/\.(ndjson|jsonl)$/.test(plain)) return 'application/x-ndjson';
  if (/\.ya?ml$/.test(plain)) return 'application/yaml';
  if (/\.xml$/.test(plain)) return 'application/xml';
  return /^\ufeff?\s*[[{]/.test(head.toString('utf8', 0, 256)) ? 'application/json' : 'application/octet-stream';
}
