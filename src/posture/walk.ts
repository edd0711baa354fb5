import type { SystemInput, Yardstick } from './evaluate.js';
import { standing } from './states.js';
import type { Segment } from './timeline.js';

/** What a system is judged by at an instant. */
export interface Sight {
  readonly yardstick: Yardstick;
  readonly input: SystemInput;
}

export interface Walk {
  /** Instants at which what is read may be other than before: scans, settings, versions of the system, and records that begin, end, expire or grow too old. */
  readonly points: readonly Date[];
  /** Reads all of it at an instant. */
  readonly see: (asOf: Date) => Promise<Sight>;
}

/**
 * What a system says by itself from `from` on, for good, by what is known now: it is evaluated at every instant at which that may change. Between two of them what was
 * read stands, and age alone moves it: then only the instant is another. Equal neighbours are one.
 */
export async function walk(from: Date, { points, see }: Walk): Promise<Segment[]> {
  const times = [...new Set(points.map((at) => at.getTime()))]
    .filter((at) => at > from.getTime())
    .sort((a, b) => a - b);
  const segments: Segment[] = [];
  let sight = await see(from);
  let at = from.getTime();
  for (let next = 0; ;) {
    const { states, until } = standing({ ...sight.yardstick, asOf: new Date(at) }, sight.input);
    const last = segments.at(-1);
    if (last === undefined || !isSame(last.states, states)) segments.push({ starts: new Date(at), states });
    const read = soonestOf(times[next], sight.input.part.until?.getTime());
    const following = soonestOf(read, until?.getTime());
    if (following === undefined) return segments;
    at = following;
    if (at !== read) continue;
    while ((times[next] ?? Infinity) <= at) next++;
    sight = await see(new Date(at));
  }
}

const soonestOf = (one: number | undefined, other: number | undefined): number | undefined =>
  one === undefined ? other : other === undefined ? one : Math.min(one, other);

const isSame = (one: Segment['states'], other: Segment['states']): boolean =>
  one.blind === other.blind &&
  one.codes.length === other.codes.length &&
  one.codes.every((code, at) => code === other.codes[at]);
