/**
 * All that what a system says by itself depends on, beside the instant that is asked for. Each member but `basis` only ever rises, and what changes the answer raises
 * one of them in the transaction of the change: merges of a system, and decisions of an organisation, become known one after the other under a lock. So two equal
 * stamps mean equal answers, and they are compared for equality in the snapshot that is answered from. A watermark is the largest instant that is *visible*, never
 * «now»: what has its instant and has not committed yet would be passed by.
 */
export interface Stamp {
  /** The catalogue, what the organisation has made of its checks and record types, disposals, what was found of stored bytes, and the rules of this program. */
  readonly basis: string;
  /** The last instant at which a scan of the system became known. */
  readonly resultsUpto: Date | null;
  /** The last instant at which anything became known of records of the system. */
  readonly recordsUpto: Date | null;
  readonly settingsVersion: number;
  readonly systemVersion: number;
}

/** A stamp, and since when all of it is known: a question as of what was known before cannot be answered by it. */
export interface PresentStamp extends Stamp {
  readonly knownSince: Date;
}

/** All that the posture of an organisation depends on, beside the instant that is asked for: two equal states mean equal answers, as two equal stamps do. */
export interface Knowledge {
  readonly state: string;
  /** Since when all of it is known. */
  readonly since: Date;
}

const sameTime = (one: Date | null, other: Date | null): boolean => one?.getTime() === other?.getTime();

export const isSameStamp = (one: Stamp, other: Stamp): boolean =>
  one.basis === other.basis &&
  sameTime(one.resultsUpto, other.resultsUpto) &&
  sameTime(one.recordsUpto, other.recordsUpto) &&
  one.settingsVersion === other.settingsVersion &&
  one.systemVersion === other.systemVersion;
