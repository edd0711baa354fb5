import type { Readable } from 'node:stream';
import yauzl from 'yauzl';

const OPTIONS = { lazyEntries: true, autoClose: false, strictFileNames: false, validateEntrySizes: true } as const;

/** Opens a ZIP by its central directory. Entries are read by `entriesOf`, and no part gives more bytes than its entry says. */
export const openZip = (source: yauzl.RandomAccessReader | Buffer, size: number): Promise<yauzl.ZipFile> =>
  new Promise((done, failed) => {
    const settle = (error: Error | null, zip?: yauzl.ZipFile): void => {
      if (zip === undefined) failed(error ?? new Error('no ZIP'));
      else done(zip);
    };
    if (Buffer.isBuffer(source)) yauzl.fromBuffer(source, OPTIONS, settle);
    else yauzl.fromRandomAccessReader(source, size, OPTIONS, settle);
  });

export async function* entriesOf(zip: yauzl.ZipFile): AsyncGenerator<yauzl.Entry, void> {
  for (;;) {
    const entry = await new Promise<yauzl.Entry | null>((done, failed) => {
      const settle = (act: () => void): void => {
        zip.removeAllListeners('entry').removeAllListeners('end').removeAllListeners('error');
        // One that fails later, when nobody listens, must not end the process.
        zip.on('error', () => undefined);
        act();
      };
      zip.once('entry', (next: yauzl.Entry) => settle(() => done(next)));
      zip.once('end', () => settle(() => done(null)));
      zip.once('error', (error: Error) => settle(() => failed(error)));
      zip.readEntry();
    });
    if (entry === null) return;
    yield entry;
  }
}

export const isEncrypted = ({ generalPurposeBitFlag }: yauzl.Entry): boolean => (generalPurposeBitFlag & 1) !== 0;

/** The unpacked bytes of an entry. */
export const openEntry = (zip: yauzl.ZipFile, entry: yauzl.Entry): Promise<Readable> =>
  new Promise((done, failed) =>
    zip.openReadStream(entry, (error: Error | null, opened?: Readable) => {
      if (opened === undefined) failed(error ?? new Error('no part'));
      else done(opened);
    }),
  );
