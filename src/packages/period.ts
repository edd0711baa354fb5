import { Refusal } from '../kernel/http/problem.js';

/**
 * From when a package tells what came before its instant: versions of policies that were in effect, and the samples. A year unless it is asked otherwise: OCR
 * draws its samples from a year and takes earlier ones where that has too few, and what has to be done at intervals (reviews, evaluations, trainings, restore
 * tests) comes round within one. The six years of 45 CFR 164.316(b)(2)(i) are for how long it is kept, and can be asked for.
 */
export function periodFromOf(text: string | undefined, asOf: Date): Date {
  if (text === undefined) return yearBefore(asOf);
  const from = new Date(text);
  if (from > asOf) {
    throw new Refusal('invalid-request', 'The period begins after the instant that it ends with.', {
      pointer: '/periodFrom',
    });
  }
  return from;
}

/** The same day of the year before; of 29 February, the 28th. */
function yearBefore(instant: Date): Date {
  const before = new Date(instant);
  before.setUTCFullYear(before.getUTCFullYear() - 1);
  if (before.getUTCMonth() !== instant.getUTCMonth()) before.setUTCDate(0);
  return before;
}
