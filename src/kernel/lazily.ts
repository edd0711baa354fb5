import { createRequire } from 'node:module';

/** A module beside `base` that few need: loaded, at once and without a promise, when it is asked for first. Until then it takes no memory. */
export function lazily(base: string, path: string): () => unknown {
  const load = createRequire(base);
  return () => load(path) as unknown;
}
