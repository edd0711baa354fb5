import { buffer } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { fromBuffer, type Entry, type ZipFile } from 'yauzl';

export interface ZipEntry {
  path: string;
  bytes: Buffer;
  /** As the entry says, without a zone. */
  modified: string;
}

/** Reads a ZIP with yauzl, which checks sizes and CRCs; in the archive's order. */
export async function readZip(archive: Buffer): Promise<ZipEntry[]> {
  const open = promisify((done: (error: Error | null, zip?: ZipFile) => void) =>
    fromBuffer(archive, { lazyEntries: true, strictFileNames: true, validateEntrySizes: true }, done),
  );
  const zip = await open();
  if (zip === undefined) throw new Error('no zip');
  const entries: ZipEntry[] = [];
  return new Promise((resolve, reject) => {
    zip.on('error', reject);
    zip.on('end', () => resolve(entries));
    zip.on('entry', (entry: Entry) => {
      zip.openReadStream(entry, (error, stream) => {
        if (error) {
          reject(error);
          return;
        }
        buffer(stream).then((bytes) => {
          entries.push({
            path: entry.fileName,
            bytes,
            modified: entry.getLastModDate({ timezone: 'UTC' }).toISOString(),
          });
          zip.readEntry();
        }, reject);
      });
    });
    zip.readEntry();
  });
}

/** The bag inside a package's ZIP. */
export function bagIn(entries: readonly ZipEntry[]): Map<string, Buffer> {
  const files = new Map<string, Buffer>();
  for (const { path, bytes } of entries) {
    const inBag = /^safeguard-package-[0-9a-f-]{36}\/bag\/(.+)$/.exec(path)?.[1];
    if (inBag !== undefined) files.set(inBag, bytes);
  }
  return files;
}
