import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Everything between a report's bytes and its rows, as it runs. */
const READERS = [
  './formats/',
  './text/',
  './signing-trust.js',
  './stage.js',
  '../results/copy.js',
  '../results/fact.js',
  '../results/series.js',
  '../results/staged-fact.js',
  '../events/staged-event.js',
  '../kernel/crypto/canonical-json.js',
  '../kernel/db/copy-text.js',
  '../kernel/ids.js',
];

/** Changes when a reader does: bytes that were read by another revision are read again. */
export const READER_REVISION = revision();

function revision(): string {
  const hash = createHash('sha256');
  for (const place of READERS) {
    const path = fileURLToPath(new URL(place, import.meta.url));
    const files = place.endsWith('/') ? readdirSync(path).filter(isReader).sort() : [''];
    for (const file of files) hash.update(`${place}${file}\n`).update(readFileSync(path + file));
  }
  return hash.digest('hex');
}

function isReader(file: string): boolean {
  return file.endsWith('.js') && !file.endsWith('.spec.js');
}
