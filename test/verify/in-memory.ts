import { Readable } from 'node:stream';
import type { PackageFiles } from '../../src/verify/package-files.js';
import type { VerifyOptions } from '../../src/verify/verify.js';

/** A package that was read already: bytes by path from its own folder. */
export const inMemory = (files: ReadonlyMap<string, Buffer>): PackageFiles => ({
  sizes: new Map([...files].map(([path, bytes]) => [path, bytes.length])),
  open: (path) => Readable.from([files.get(path)!], { objectMode: false }),
  close: () => Promise.resolve(),
});

/** Of somebody who was told nothing another way. */
export const NOTHING_KNOWN: VerifyOptions = {
  fingerprints: [],
  witnesses: [],
  logKeys: [],
  authorities: [],
  checkpoints: [],
  receipts: [],
};
