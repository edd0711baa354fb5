import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** `catalog/checks/` beside package.json, seen from `dist/src/checks/`. */
const DIRECTORY = fileURLToPath(new URL('../../../catalog/checks/', import.meta.url));

/** The files of checks that are shipped. */
export function shippedFiles(directory: string = DIRECTORY): string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory)
    .filter((name) => name.endsWith('.yaml'))
    .sort()
    .map((name) => join(directory, name));
}
