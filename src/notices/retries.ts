const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** Milliseconds before each try after the one before it failed; the schedule that Standard Webhooks recommends. Three days and four hours in all. */
const PAUSES = [5 * SECOND, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR];

/** How long to wait after so many tries that failed; null: no more tries. A tenth is by chance, so that what failed together does not come back together. */
export function pauseAfter(tries: number, chance: number): number | null {
  const pause = PAUSES[tries - 1];
  return pause === undefined ? null : Math.round(pause * (1 + chance / 10));
}

/** A receiver that has refused so often in a row, and for so long, is not there any more; a restart, which refuses a hundred at once, is over sooner. */
const MAX_FAILURES = 20;
const MAX_FAILING = 24 * HOUR;

/** A receiver as it has answered so far. */
export interface Standing {
  /** Failures since the last success. */
  failures: number;
  /** When the first of them was. */
  failingSince: Date | null;
}

export const FINE: Standing = { failures: 0, failingSince: null };

export const failedAgain = ({ failures, failingSince }: Standing, at: Date): Standing => ({
  failures: failures + 1,
  failingSince: failingSince ?? at,
});

export const isGone = ({ failures, failingSince }: Standing, at: Date): boolean =>
  failures >= MAX_FAILURES && failingSince !== null && at.getTime() - failingSince.getTime() >= MAX_FAILING;

/** By RFC 9110 and Standard Webhooks: all of 2xx is a success; 410 says that nobody is there for good; a redirect is not followed and a failure. */
export const isDelivered = (status: number): boolean => status >= 200 && status < 300;
export const saysGone = (status: number): boolean => status === 410;
