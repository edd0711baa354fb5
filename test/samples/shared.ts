import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * A folder of what others made and published, which is not ours to hand on: `../shared/…` from the repository's root. Null where it is
 * absent, and that is said, with what is not tested then.
 */
export function shared(folder: string, without: string): string | null {
  const found = join(root(), '../shared', folder);
  if (existsSync(found)) return found;
  console.warn(`SKIPPED: ../shared/${folder} is absent, so ${without}.`);
  return null;
}

/** The compiled file lies deeper than its source: of both, above where package.json is. */
function root(): string {
  let folder = import.meta.dirname;
  while (!existsSync(join(folder, 'package.json')) && folder !== dirname(folder)) folder = dirname(folder);
  return folder;
}
