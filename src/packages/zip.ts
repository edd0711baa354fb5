import { Readable, type PassThrough } from 'node:stream';
import { ZipFile } from 'yazl';
import { Paths } from '../kernel/portable-paths.js';
import type { OutgoingFile } from './bag.js';

/** Reports are JSON and shrink to an eighth; zlib's own level, 6, makes a tenth of it and takes twice the processor time. */
const DEFLATE_LEVEL = 3;

/**
 * Files as a ZIP, in their order, ZIP64 where it is needed. One file is open at a time, and read only as fast as the result is. The same files and day give the
 * same bytes. A file that fails destroys the result; destroying the result closes the open file.
 * @param files all of them at once: each entry's name is kept to the end, and names made one by one between contents would each hold on to a block of Node's
 * buffer pool (64 KiB).
 * @param day the date in every entry's header, UTC; ZIP's own times have no zone, so that the time of day is always noon.
 */
export function zip(files: readonly OutgoingFile[], day: Date): Readable {
  const archive = new ZipFile();
  const output = archive.outputStream as PassThrough;
  let open: Readable | null = null;
  output.once('close', () => open?.destroy());
  // Whoever reads the result sees its error; one before anybody reads must not end the process.
  output.on('error', () => undefined);
  archive.on('error', (error: Error) => output.destroy(error));
  const options = {
    // yazl writes local time; noon is on no clock's missing hour.
    mtime: new Date(day.getUTCFullYear(), day.getUTCMonth(), day.getUTCDate(), 12),
    forceDosTimestamp: true,
    mode: 0o100644,
    compressionLevel: DEFLATE_LEVEL,
  };
  const paths = new Paths();
  for (const { path, content } of files) {
    archive.addReadStreamLazy(paths.add(path), options, (give) => {
      if (output.destroyed) return;
      open = Readable.from(content, { objectMode: false });
      open.once('error', (error) => output.destroy(error));
      give(null, open);
    });
  }
  archive.end();
  return output;
}
