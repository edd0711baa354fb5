import { readFileSync } from 'node:fs';

/** The program's version: package.json's, three folders above the compiled file. */
export const VERSION = (
  JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as { version: string }
).version;
