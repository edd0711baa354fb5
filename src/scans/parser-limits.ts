/** A parser's thread may hold this much, and no more, whatever the report does: what is held at once of a report is bounded far below (`JSON_READING`). */
const HEAP_MEGABYTES = 512;

/** Rows die young: a small young generation would promote them, and a large one would be held for ever. */
export const PARSER_MEMORY = { maxOldGenerationSizeMb: HEAP_MEGABYTES, maxYoungGenerationSizeMb: 32 } as const;

/** Whether a thread was ended because it took more time or memory than it may. */
export const isOverLimit = (error: unknown): boolean =>
  error instanceof Error &&
  (error.name === 'AbortError' || ('code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY'));
