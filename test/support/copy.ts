import { COPY_BEGIN, COPY_END, CopyRows } from '../../src/kernel/db/copy-rows.js';

/** Rows as they leave a report's reader. */
export function rowsOf<T>(all: readonly T[], write: (to: CopyRows, one: T) => void): Buffer {
  const rows = new CopyRows(1_024);
  for (const one of all) write(rows, one);
  return rows.take();
}

/** A whole stream of COPY. */
export const copyOf = <T>(all: readonly T[], write: (to: CopyRows, one: T) => void): Buffer =>
  Buffer.concat([COPY_BEGIN, rowsOf(all, write), COPY_END]);

/** The values of rows, by their columns, as texts. */
export function valuesIn(rows: Uint8Array): (string | null)[][] {
  const bytes = Buffer.from(rows);
  const all: (string | null)[][] = [];
  for (let at = 0; at < bytes.length;) {
    const row: (string | null)[] = [];
    let left = bytes.readInt16BE(at);
    at += 2;
    for (; left > 0; left -= 1) {
      const length = bytes.readInt32BE(at);
      at += 4;
      row.push(length < 0 ? null : bytes.toString('utf8', at, (at += length)));
    }
    all.push(row);
  }
  return all;
}
