import { readFileSync } from 'node:fs';
import { z } from 'zod';

/** The package's version; this file runs as dist/src/bin/client/version.js. */
export const version = z
  .object({ version: z.string() })
  .parse(JSON.parse(readFileSync(new URL('../../../../package.json', import.meta.url), 'utf8'))).version;
