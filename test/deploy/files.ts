import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';

/** The root of the repository; this file runs as dist/test/deploy/files.js. */
export const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
export const DEPLOY = join(ROOT, 'deploy');

export const textOf = (...path: string[]): string => readFileSync(join(ROOT, ...path), 'utf8');
