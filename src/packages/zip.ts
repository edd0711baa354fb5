import type { Readable } from 'node:stream';
import { Paths } from '../kernel/portable-paths.js';
import { zipOf } from '../kernel/zip-write.js';
import type { OutgoingFile } from './bag.js';

/** Reports are JSON and shrink to an eighth; zlib's own level, 6, makes a tenth of it and takes twice the processor time. */
const DEFLATE_LEVEL = 3;

/** A package's files as a ZIP (see `zipOf`), of which anybody's system can unpack every one. */
export function zip(files: readonly OutgoingFile[], day: Date): Readable {
  const paths = new Paths();
  for (const { path } of files) paths.add(path);
  return zipOf(files, day, DEFLATE_LEVEL);
}
