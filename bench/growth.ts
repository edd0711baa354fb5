import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { atMost, median, progress, report, reportMissing } from './figures.js';
import { BYTES_OF_ROW, Fill, ROWS_OF_OTHER } from './fill.js';
import type { BenchProgram } from './program.js';
import { inOtherBytes, writeReport, type WrittenReport } from './reports.js';
import type { Bench, BenchSystem, Posted } from './system.js';

const NAME = 'growth';
const RESULTS = 10_000;
const CHANGED_ONE_IN = 100;
const GOAL = atMost(1.3);

/** Of the store, what belongs to the systems that are measured: their other targets, and, after the first report of the one that is measured, as much again: its past. */
const OWN = 0.15;

const POSTS = ['first', 'unchanged', 'changed'] as const;
type Post = (typeof POSTS)[number];
type Counts = Posted['scan']['counts'];

interface Measured {
  milliseconds: number;
  /** Of Postgres. */
  cpu: number;
}

type Round = Record<Post, Measured>;

interface AtSize {
  rounds: Round[];
  /** Results in the store when the first reports came, and when the others did. */
  stored: number[];
}

export const growth: BenchProgram = {
  about: `what a result of a report of ${RESULTS} costs while the store grows`,
  flags: {
    stores: {
      default: '10000,100000,1000000,10000000',
      about: 'results in the store; the first is what the others are compared with',
    },
    times: { default: '5', about: 'systems that are measured at each size; the median is reported' },
  },
  run: async (run) => {
    const bench = await run.start();
    const write = (name: string, options = {}): Promise<WrittenReport> =>
      writeReport(join(bench.directory, `${name}.json`), 'policy', { rows: RESULTS, ...options });
    const first = await write('first');
    const reports: Record<Post, WrittenReport> = {
      first,
      unchanged: first,
      changed: await write('changed', { changedOneIn: CHANGED_ONE_IN }),
    };
    const seed = await bench.createSystem('other');
    await seed.post(reports.first, new Date(Date.now() - 86_400_000));
    const fill = await Fill.from(bench.admin, seed);

    let smallest: Round[] | null = null;
    for (const size of run.numbers('stores')) {
      const measured = await measureAt(bench, fill, size, run.number('times'), reports);
      if (measured === null) continue;
      smallest ??= measured.rounds;
      reportAt(size, measured, smallest);
    }
  },
};

async function measureAt(
  bench: Bench,
  fill: Fill,
  size: number,
  times: number,
  reports: Record<Post, WrittenReport>,
): Promise<AtSize | null> {
  const missing = size - (await fill.count());
  const { bavail, bsize } = await statfs(bench.directory);
  if (missing * BYTES_OF_ROW > bavail * bsize) {
    reportMissing(NAME, `at ${size}`, `this needs about ${(missing * BYTES_OF_ROW) / 1e9} GB of disk`);
    return null;
  }
  progress(`filling up to ${size} results`);
  // One system more than is counted: what a server and a database do for the first time at a size is not what it costs.
  const systems: BenchSystem[] = [];
  const own = Math.round((size * OWN) / (times + 1));
  for (let number = 0; number <= times; number += 1) {
    const system = await bench.createSystem(`measured ${number} at ${size}`);
    await fill.addTargets(system, own);
    systems.push(system);
  }
  const others = Math.floor((missing - size * OWN) / ROWS_OF_OTHER);
  await fill.addSystems(Math.max(0, others), (done) => progress(`${done} of ${others} systems`));
  await fill.settle();

  const stored = [await fill.count()];
  const post = async (system: BenchSystem, which: Post, expected: Partial<Counts>): Promise<Measured> => {
    const report = await inOtherBytes(reports[which]);
    // What is remembered of the scan before is no part of this one.
    await bench.settled();
    const before = await bench.cpu();
    const posted = await system.post(report, new Date(Date.now() - 3_600_000 + POSTS.indexOf(which) * 60_000));
    const { counts } = posted.scan;
    if (JSON.stringify({ ...counts, ...expected }) !== JSON.stringify(counts)) {
      throw new Error(`${which}: expected ${JSON.stringify(expected)}, counted ${JSON.stringify(counts)}`);
    }
    return { milliseconds: posted.milliseconds, cpu: (await bench.cpu()).postgres - before.postgres };
  };
  const firsts: Measured[] = [];
  for (const system of systems) firsts.push(await post(system, 'first', { new: RESULTS }));
  // The past of a target is written in between: a target that is new has none.
  for (const system of systems) await fill.addPast(system, own);
  await fill.settle();
  stored.push(await fill.count());
  const rounds: Round[] = [];
  for (const [number, system] of systems.entries()) {
    const first = firsts[number];
    if (first === undefined) throw new Error('a system without a first report');
    const round = {
      first,
      unchanged: await post(system, 'unchanged', { unchanged: RESULTS }),
      changed: await post(system, 'changed', { changed: RESULTS / CHANGED_ONE_IN }),
    };
    if (number > 0) rounds.push(round);
    const shown = POSTS.map((which) => `${which} ${round[which].milliseconds.toFixed(0)} ms`);
    progress(`at ${size}, ${number === 0 ? 'uncounted' : number}: ${shown.join(', ')}`);
  }
  return { rounds, stored };
}

function reportAt(size: number, { rounds, stored }: AtSize, smallest: readonly Round[]): void {
  for (const which of POSTS) {
    const of = (all: readonly Round[], what: keyof Measured): number => median(all.map((round) => round[which][what]));
    const compared = {
      ratio: of(rounds, 'milliseconds') / of(smallest, 'milliseconds'),
      ratioOfCpu: of(rounds, 'cpu') / of(smallest, 'cpu'),
      goal: GOAL,
    };
    report({
      bench: NAME,
      figure: `${which} at ${size}`,
      value: (of(rounds, 'milliseconds') / RESULTS) * 1_000,
      unit: 'µs per result',
      rounds: rounds.map((round) => (round[which].milliseconds / RESULTS) * 1_000),
      cpuOfPostgres: of(rounds, 'cpu'),
      stored,
      ...(rounds === smallest ? {} : compared),
    });
  }
}
