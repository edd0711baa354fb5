import { statfs } from 'node:fs/promises';
import { progress, quantile, report } from './figures.js';
import { ScannedCluster } from './kubescape-report.js';
import type { BenchProgram, Run } from './program.js';
import { storeSizes, type StoreSizes } from './store-sizes.js';
import type { Bench, BenchSystem } from './system.js';
import { mix } from './words.js';

const NAME = 'year';
const HOUR = 3_600_000;
const DAYS = 365;
const YEAR = DAYS * 24 * HOUR;
/** The longest interval that figures are of. */
const MONTH = YEAR / 12;
/** As many intervals at least, if the time is too short for months. */
const INTERVALS = 10;
/** The part of an interval that the last one must have reached. */
const LEAST = 0.5;

/** Of a thousand. */
const CHANGING = 5;
const LATE = 20;
const DUPLICATE = 20;
/** Scans by which a late report comes too late. */
const LATEST = 6;

/** Questions of each kind after an interval. A posture of the organisation is one of all its systems. */
const ASKED = { system: 20, organization: 3 } as const;

interface Settings {
  clusters: number;
  results: number;
  step: number;
  atOnce: number;
  deadline: number;
  interval: number;
  reserve: number;
}

/** What was posted since the last figures. */
interface Tally {
  scans: number;
  late: number;
  duplicates: number;
  milliseconds: number;
}

export const year: BenchProgram = {
  about: 'a year of hourly scans of many clusters, or as much of it as there is time for',
  flags: {
    clusters: { default: '200', about: 'clusters, each a system with an agent of its own' },
    'per-scan': { default: '2000', about: 'results of each scan, a multiple of 20; 0.5 % change from scan to scan' },
    hours: { default: '1', about: 'hours between two scans of a cluster' },
    minutes: { default: '60', about: 'when to stop, by the clock on the wall' },
    'at-once': { default: '8', about: 'posts under way at once' },
    reserve: { default: '10', about: 'gigabytes of disk that stay free: below them the bench stops' },
  },
  run: async (run) => {
    const settings = settingsOf(run);
    const bench = await run.start({ agents: settings.clusters });
    progress(`${settings.clusters} clusters`);
    const fleet = await Fleet.of(bench, settings);
    // It ends an hour before the present: clusters are scanned some seconds apart, and no report may come from the future.
    const begin = Math.floor(Date.now() / HOUR - 1) * HOUR - YEAR;

    // The first scan of each opens all of its intervals, and is no part of what a year costs.
    let sizes = await storeSizes(bench.admin);
    const opening = await fleet.scanAll(begin, 0);
    let after = await storeSizes(bench.admin);
    reportInterval({ name: 'opening', until: begin, tally: opening, before: sizes, after }, null);
    sizes = after;

    const latencies = new Latencies(bench, fleet.systems, begin);
    let base: Interval | null = null;
    let tally = none();
    let since = begin;
    let measuredAt = performance.now();
    for (let now = begin + settings.step, tick = 1; ; now += settings.step, tick += 1) {
      add(tally, await fleet.scanAll(now, tick));
      const why = await reasonToStop(bench, settings, now - begin);
      const full = Math.max((now - since) / MONTH, (performance.now() - measuredAt) / settings.interval);
      if (full < 1 && why === null) continue;
      // What has hardly begun says nothing.
      if (why !== null && full < LEAST && base !== null) {
        reportReached(now - begin, fleet.posted, settings, why);
        return;
      }
      after = await storeSizes(bench.admin);
      const interval = { name: `until day ${days(now - begin)}`, until: now, tally, before: sizes, after };
      base ??= interval;
      reportInterval(interval, base);
      await latencies.report(interval.name, now);
      progress(`${interval.name}: ${tally.scans} scans, ${perSecond(tally).toFixed(1)} a second`);
      if (why !== null) {
        reportReached(now - begin, fleet.posted, settings, why);
        return;
      }
      sizes = after;
      tally = none();
      since = now;
      measuredAt = performance.now();
    }
  },
};

function settingsOf(run: Run): Settings {
  const minutes = run.number('minutes');
  return {
    clusters: run.number('clusters'),
    results: run.number('per-scan'),
    step: run.number('hours') * HOUR,
    atOnce: run.number('at-once'),
    deadline: performance.now() + minutes * 60_000,
    interval: (minutes * 60_000) / INTERVALS,
    reserve: run.number('reserve') * 1e9,
  };
}

/** All clusters, each scanned once at every tick of the simulated clock. What is random is the same in every run. */
class Fleet {
  posted = 0;
  private readonly held = new Map<number, { cluster: number; report: Buffer }[]>();

  private constructor(
    readonly systems: readonly BenchSystem[],
    private readonly clusters: readonly ScannedCluster[],
    private readonly settings: Settings,
  ) {}

  static async of(bench: Bench, settings: Settings): Promise<Fleet> {
    const systems: BenchSystem[] = [];
    const clusters: ScannedCluster[] = [];
    for (let number = 0; number < settings.clusters; number += 1) {
      systems.push(await bench.createSystem(`cluster ${number}`));
      clusters.push(new ScannedCluster(number, settings.results));
    }
    return new Fleet(systems, clusters, settings);
  }

  /** At `now` all clusters are scanned, some seconds apart. Some reports are held back, those that were held for this tick come, and some are posted twice. */
  async scanAll(now: number, tick: number): Promise<Tally> {
    const tally = none();
    const due = this.held.get(tick) ?? [];
    this.held.delete(tick);
    const work = this.clusters.map((cluster, number) => async (): Promise<void> => {
      const draw = mix(tick * this.clusters.length + number);
      if (tick > 0) cluster.change(Math.max(1, Math.round((this.settings.results * CHANGING) / 1_000)));
      const report = cluster.report(new Date(now + number * 1_000));
      if (tick > 0 && draw % 1_000 < LATE) {
        const until = tick + 1 + (draw % LATEST);
        this.held.set(until, [...(this.held.get(until) ?? []), { cluster: number, report }]);
      } else {
        await this.post(number, report, false);
        tally.scans += 1;
        if (tick > 0 && (draw >>> 10) % 1_000 < DUPLICATE) {
          await this.post(number, report, true);
          tally.duplicates += 1;
        }
      }
      for (const late of due.filter((one) => one.cluster === number)) {
        await this.post(number, late.report, false);
        tally.scans += 1;
        tally.late += 1;
      }
    });
    const start = performance.now();
    await Promise.all(
      Array.from({ length: this.settings.atOnce }, async () => {
        for (let next = work.shift(); next !== undefined; next = work.shift()) await next();
      }),
    );
    tally.milliseconds = performance.now() - start;
    this.posted += tally.scans;
    return tally;
  }

  /** A figure of work that was not done is worth nothing. */
  private async post(number: number, report: Buffer, isDuplicate: boolean): Promise<void> {
    const { scan } = (await this.systems[number]?.post(report)) ?? {};
    if (scan?.duplicate !== isDuplicate || scan.counts.total !== this.settings.results) {
      throw new Error(`cluster ${number}: the scan became ${JSON.stringify(scan)}`);
    }
  }
}

interface Interval {
  name: string;
  until: number;
  tally: Tally;
  before: StoreSizes;
  after: StoreSizes;
}

function reportInterval(interval: Interval, base: Interval | null): void {
  const { name, until, tally } = interval;
  const common = { until: new Date(until).toISOString(), scans: tally.scans };
  const compared = (of: (one: Interval) => number): { value: number; ratio?: number } => {
    const value = of(interval);
    return base === null || base === interval ? { value } : { value, ratio: value / of(base) };
  };
  const grown = (one: Interval, what: 'bytes' | 'rows'): Record<string, number> =>
    Object.fromEntries(
      Object.entries(one.after.tables)
        .map(
          ([table, { [what]: after }]) =>
            [table, (after - (one.before.tables[table]?.[what] ?? 0)) / one.tally.scans] as const,
        )
        .filter(([, growth]) => growth !== 0),
    );
  report({
    bench: NAME,
    figure: `scans, ${name}`,
    ...compared((one) => perSecond(one.tally)),
    unit: 'scans/s',
    ...common,
    late: tally.late,
    duplicates: tally.duplicates,
  });
  report({
    bench: NAME,
    figure: `database, ${name}`,
    ...compared((one) => (one.after.database - one.before.database) / one.tally.scans),
    unit: 'bytes per scan',
    tables: grown(interval, 'bytes'),
    database: interval.after.database,
    ...common,
  });
  report({
    bench: NAME,
    figure: `rows, ${name}`,
    ...compared((one) => Object.values(grown(one, 'rows')).reduce((sum, growth) => sum + growth, 0)),
    unit: 'rows per scan',
    tables: grown(interval, 'rows'),
    ...common,
  });
  report({
    bench: NAME,
    figure: `evidence, ${name}`,
    ...compared((one) => (one.after.evidence - one.before.evidence) / one.tally.scans),
    unit: 'bytes per scan',
    ...common,
  });
}

/** When postures are asked for: as soon as the last post has its answer, and once what is remembered of them has caught up with it. */
const ASKED_WHEN = ['at once', 'remembered'] as const;

/** How long postures take while nothing is posted: of the latest simulated instant, and of any before it. */
class Latencies {
  private base: Map<string, number> | null = null;
  private drawn = 0;

  constructor(
    private readonly bench: Bench,
    private readonly systems: readonly BenchSystem[],
    private readonly begin: number,
  ) {}

  async report(name: string, now: number): Promise<void> {
    const medians = new Map<string, number>();
    for (const when of ASKED_WHEN) {
      if (when === 'remembered') {
        const milliseconds = await this.bench.settled();
        report({ bench: NAME, figure: `postures of all systems remembered, ${name}`, value: milliseconds, unit: 'ms' });
      }
      for (const of of ['system', 'organization'] as const) {
        for (const instant of ['now', 'past'] as const) {
          const figure = `posture of ${of === 'system' ? 'a system' : 'the organisation'}, ${instant}, ${when}`;
          const times = await this.ask(of, instant === 'now' ? () => now : () => this.before(now));
          const p50 = quantile(times, 0.5);
          medians.set(figure, p50);
          const first = this.base?.get(figure);
          report({
            bench: NAME,
            figure: `${figure}, ${name}`,
            value: p50,
            unit: 'ms',
            p99: quantile(times, 0.99),
            questions: times.length,
            ...(first === undefined ? {} : { ratio: p50 / first }),
          });
        }
      }
    }
    this.base ??= medians;
  }

  private async ask(of: keyof typeof ASKED, instant: () => number): Promise<number[]> {
    const times: number[] = [];
    for (let number = 0; number < ASKED[of]; number += 1) {
      const path =
        of === 'system'
          ? (this.systems[this.draw() % this.systems.length]?.path ?? '')
          : `/v1/organizations/${this.bench.organizationId}`;
      times.push(await this.bench.ask(`${path}/posture?asOf=${new Date(instant()).toISOString()}`));
    }
    return times;
  }

  private before(now: number): number {
    return this.begin + ((now - this.begin) * (this.draw() % 1_000)) / 1_000;
  }

  private draw(): number {
    return mix(this.drawn++);
  }
}

async function reasonToStop(
  bench: Bench,
  { deadline, reserve, step }: Settings,
  simulated: number,
): Promise<'year' | 'time' | 'disk' | null> {
  if (simulated + step > YEAR) return 'year';
  if (performance.now() >= deadline) return 'time';
  const { bavail, bsize } = await statfs(bench.directory);
  return bavail * bsize < reserve ? 'disk' : null;
}

function reportReached(simulated: number, scans: number, { clusters, step }: Settings, why: string): void {
  report({
    bench: NAME,
    figure: 'reached',
    value: days(simulated),
    unit: 'days',
    of: DAYS,
    stoppedBy: why,
    scans,
    // What a whole year of this would be; nothing here is said of the part that was not reached.
    scansOfYear: clusters * Math.floor(YEAR / step),
  });
}

const none = (): Tally => ({ scans: 0, late: 0, duplicates: 0, milliseconds: 0 });

function add(sum: Tally, more: Tally): void {
  for (const key of Object.keys(sum) as (keyof Tally)[]) sum[key] += more[key];
}

const days = (milliseconds: number): number => Math.round((milliseconds / (24 * HOUR)) * 10) / 10;

const perSecond = ({ scans, milliseconds }: Tally): number => scans / (milliseconds / 1_000);
