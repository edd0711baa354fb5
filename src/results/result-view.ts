import type { ListedResult } from './results.store.js';

/** A result as the API gives it. */
export const resultView = (result: ListedResult) => ({
  ...result,
  observedFrom: result.observedFrom.toISOString(),
  observedTo: result.observedTo?.toISOString() ?? null,
});
