import { pipeline, type Readable } from 'node:stream';
import { createInflateRaw } from 'node:zlib';
import type yauzl from 'yauzl';
import { openEntry } from '../kernel/zip-read.js';
import { Fault } from './fault.js';
import { isOfMachine, messageOf, quoted } from './zip-layout.js';

const DEFLATED = 8;

/** The bytes of an entry, exactly as many as it says, and nothing behind the end of what was deflated: programs that unpack it pass over that, and no digest tells of it. */
export async function* unpacked(zip: yauzl.ZipFile, entry: yauzl.Entry): AsyncGenerator<Buffer, void> {
  try {
    if (entry.compressionMethod === DEFLATED) yield* inflated(zip, entry);
    else yield* (await openEntry(zip, entry)) as AsyncIterable<Buffer>;
  } catch (error) {
    if (isOfMachine(error) || error instanceof Fault) throw error;
    throw new Fault(`${quoted(entry.fileName)} cannot be unpacked: ${messageOf(error)}`, { cause: error });
  }
}

async function* inflated(zip: yauzl.ZipFile, entry: yauzl.Entry): AsyncGenerator<Buffer, void> {
  const packed: Readable = await zip.openReadStreamPromise(entry, { decodeFileData: false });
  const inflate = createInflateRaw();
  // What fails, whoever reads is told; and of what is not read to its end, that it has ended early is no news.
  pipeline(packed, inflate, () => undefined);
  let size = 0;
  for await (const chunk of inflate as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > entry.uncompressedSize) break;
    yield chunk;
  }
  if (size !== entry.uncompressedSize) {
    const than = size > entry.uncompressedSize ? 'more' : 'fewer';
    throw new Fault(`${quoted(entry.fileName)} unpacks to ${than} bytes than it says`);
  }
  const hidden = entry.compressedSize - inflate.bytesWritten;
  if (hidden !== 0) {
    throw new Fault(`${quoted(entry.fileName)} has ${hidden} bytes behind the end of what was deflated`);
  }
}
