import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** A digest of the code as it runs: of files beside `base`, and of all files in the folders among them (which end in a slash) that are wanted. */
export function codeRevision(
  base: string,
  places: readonly string[],
  isWanted: (file: string) => boolean = () => true,
): string {
  const hash = createHash('sha256');
  for (const place of places) {
    const path = fileURLToPath(new URL(place, base));
    const files = place.endsWith('/') ? readdirSync(path, { recursive: true, encoding: 'utf8' }).filter(isCode).filter(isWanted).sort() : [''];
    for (const file of files) hash.update(`${place}${file}\n`).update(readFileSync(path + file));
  }
  return hash.digest('hex');
}

function isCode(file: string): boolean {
  return file.endsWith('.js') && !file.endsWith('.spec.js');
}
