import { join } from 'node:path';
import { loadavg } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { TEXT_LIMITS } from '../src/scans/text/read-document.js';
import { atLeast, median, progress, report, reportMissing, type Goal } from './figures.js';
import { measureFloor } from './floor.js';
import { measureLatency } from './latency.js';
import type { BenchProgram } from './program.js';
import {
  compress,
  inOtherBytes,
  REPORTS,
  writeReport,
  type ReportKind,
  type ReportOptions,
  type WrittenReport,
} from './reports.js';
import { stagesOf, timeAlone, type Stages } from './stages.js';
import type { Bench, BenchSystem, Posted } from './system.js';

const NAME = 'ingest';
const IDLE = 5_000;
const CHANGED_ONE_IN = 100;

/** Of the floor, and of the first. */
const FIRST_GOAL = 0.5;
const AGAIN_GOAL = 5;

/** A report, and one of the same results but for one percent of them. No round posts bytes that an earlier one has: what is kept already is not stored again. */
interface Reports {
  rows: number;
  same: WrittenReport;
  changed: WrittenReport;
}

const POSTS = ['first', 'again', 'again, other bytes', 'changed'] as const;
type Post = (typeof POSTS)[number];

/** Those that are read: a report that is known to say what it said goes no such way. */
const STAGED = ['first', 'again, other bytes'] as const satisfies Post[];

interface Round {
  floor: { milliseconds: number; cpu: number };
  posts: Record<Post, Measured>;
  /** Milliseconds from the answer to `first` until its posture is remembered. */
  remembered: number;
  stages: Record<(typeof STAGED)[number], Stages | null>;
  load: number;
}

interface Measured extends Posted {
  cpu: Awaited<ReturnType<Bench['cpu']>>;
}

/** A report of a whole cluster: posted to a system that knows nothing, then again as of later instants, and with one percent changed. */
export const ingest: BenchProgram = {
  about: 'what one report costs, against a COPY of the same rows',
  flags: {
    report: { default: 'policy', about: `the main report: ${Object.keys(REPORTS).join(' or ')}` },
    rows: { default: '100000', about: 'findings in it' },
    rounds: { default: '3', about: 'how often each figure is measured; the median is reported' },
    most: { default: '1000000', about: 'findings in one report more, of a single round; 0: none' },
  },
  run: async (run) => {
    const kind = kindOf(run.text('report'));
    const bench = await run.start({ logStatements: true });
    await benchReport(bench, kind, run.number('rows'), run.number('rounds'));
    if (run.number('most') > 0) await benchOnce(bench, kind, run.number('most'));
  },
};

function kindOf(text: string): ReportKind {
  if (!Object.hasOwn(REPORTS, text)) throw new Error(`there is no report ${text}: ${Object.keys(REPORTS).join(', ')}`);
  return text as ReportKind;
}

async function benchReport(bench: Bench, kind: ReportKind, rows: number, count: number): Promise<void> {
  progress(`writing ${kind} reports of ${rows} findings`);
  const reports = await writeReports(bench, kind, rows);
  const { same } = reports;
  if (same.bytes > TEXT_LIMITS.size) {
    throw new Error(`${rows} findings are ${same.bytes} bytes, and one report may hold ${TEXT_LIMITS.size}`);
  }

  // One round more than is counted: a new server has compiled nothing yet, and a new database has no log segments to write into.
  reportFirst('first, just started', rows, same, await runRound(bench, 'just started', reports));
  const rounds: Round[] = [];
  for (let number = 1; number <= count; number += 1) {
    rounds.push(await runRound(bench, `round ${number}`, reports));
  }
  reportRounds(rows, same.bytes, rounds);
  report({ bench: NAME, figure: 'memory', value: (await bench.peakMemory()) / 1e6, unit: 'MB' });

  progress('stages alone');
  for (const [stage, value] of Object.entries(await timeAlone(same.path))) {
    report({ bench: NAME, figure: `stage ${stage} alone`, value, unit: 'ms' });
  }

  progress('compressed');
  const compressed = await compress(await inOtherBytes(same), 'zstd');
  const zstd = await post(bench, await bench.createSystem('compressed'), compressed, new Date());
  report({
    bench: NAME,
    figure: 'first, zstd',
    value: perSecond(rows, zstd.milliseconds),
    unit: 'results/s',
    bytes: compressed.bytes,
  });

  progress('latency of a small request');
  const quiet = await bench.createSystem('latency');
  const task = { url: bench.url + quiet.path, token: await bench.adminToken() };
  const fresh = await inOtherBytes(same);
  for (const [figure, during] of [
    ['latency idle', () => delay(IDLE)],
    ['latency during ingest', () => quiet.post(fresh, new Date())],
  ] as const) {
    const { p50, p99, max, requests } = await measureLatency(task, during());
    report({ bench: NAME, figure: `${figure} p50`, value: p50, unit: 'ms', requests });
    report({ bench: NAME, figure: `${figure} p99`, value: p99, unit: 'ms', max });
  }

  // What a result costs depends on its bytes: once more with a report whose results are the largest.
  if (kind !== 'trivy') await benchOnce(bench, 'trivy', rows);
}

/** A single round with another report, if one report may hold as much. */
async function benchOnce(bench: Bench, kind: ReportKind, rows: number): Promise<void> {
  const figure = `first, ${kind} of ${rows}`;
  progress(`writing ${kind} reports of ${rows} findings`);
  const reports = await writeReports(bench, kind, rows);
  if (reports.same.bytes > TEXT_LIMITS.size) {
    reportMissing(NAME, figure, `${reports.same.bytes} bytes, and one report may hold ${TEXT_LIMITS.size}`);
    return;
  }
  reportFirst(figure, rows, reports.same, await runRound(bench, figure, reports), { goal: atLeast(FIRST_GOAL) });
}

async function writeReports({ directory }: Bench, kind: ReportKind, rows: number): Promise<Reports> {
  const write = (name: string, options: Partial<ReportOptions> = {}): Promise<WrittenReport> =>
    writeReport(join(directory, `${kind}-${name}.json`), kind, { rows, ...options });
  return {
    rows,
    same: await write('report'),
    changed: await write('changed', { changedOneIn: CHANGED_ONE_IN }),
  };
}

async function runRound(bench: Bench, name: string, { rows, same, changed }: Reports): Promise<Round> {
  const system = await bench.createSystem(name);
  const at = Date.now() - 3_600_000;
  const measure = async (written: WrittenReport, minute: number): Promise<Measured> => {
    const before = await bench.cpu();
    const posted = await post(bench, system, written, new Date(at + minute * 60_000));
    const { server, postgres } = await bench.cpu();
    return { ...posted, cpu: { server: server - before.server, postgres: postgres - before.postgres } };
  };

  const report = await inOtherBytes(same);
  const first = await measure(report, 0);
  assertCounts('first', first, { new: rows, changed: 0, unchanged: 0, closed: 0 });
  const remembered = await bench.settled();
  const before = await countRows(bench, system);
  const again = await measure(report, 1);
  assertCounts('again', again, { new: 0, changed: 0, unchanged: rows, closed: 0 });
  const other = await measure(await inOtherBytes(report), 2);
  assertCounts('again, other bytes', other, { new: 0, changed: 0, unchanged: rows, closed: 0 });
  const after = await countRows(bench, system);
  if (before.results !== rows || after.results !== rows || after.scans !== before.scans + 2) {
    throw new Error(`a report that changes nothing made rows: ${JSON.stringify({ before, after })}`);
  }
  // Before the changed report, whose rows are not of the first.
  const floor = await measureFloor(bench, system.id);
  const last = await measure(await inOtherBytes(changed), 3);
  assertCounts('changed', last, { changed: Math.ceil(rows / CHANGED_ONE_IN), new: 0, closed: 0 });

  const posts = { first, again, 'again, other bytes': other, changed: last };
  const { logFile } = bench.postgres;
  const stages = {
    first: await stagesOf(first, logFile),
    'again, other bytes': await stagesOf(other, logFile),
  };
  const load = loadavg()[0] ?? 0;
  const times = POSTS.map((which) => `${which} ${posts[which].milliseconds.toFixed(0)} ms`);
  progress(`${name}: floor ${floor.milliseconds.toFixed(0)} ms, ${times.join(', ')}; load ${load.toFixed(1)}`);
  return { floor, posts, remembered, stages, load };
}

/** Every measurement begins with no work left over from the one before. */
async function post(bench: Bench, system: BenchSystem, ...report: Parameters<BenchSystem['post']>): Promise<Posted> {
  await bench.settled();
  await bench.admin.query('checkpoint');
  return system.post(...report);
}

/** One round alone, with what its own floor was. */
function reportFirst(
  figure: string,
  rows: number,
  { bytes }: WrittenReport,
  { floor, posts: { first }, load }: Round,
  more: { goal?: Goal } = {},
): void {
  report({
    bench: NAME,
    figure,
    value: perSecond(rows, first.milliseconds),
    unit: 'results/s',
    floor: perSecond(rows, floor.milliseconds),
    ratio: floor.milliseconds / first.milliseconds,
    ...more,
    rows,
    bytes,
    load,
  });
}

function reportRounds(rows: number, bytes: number, rounds: readonly Round[]): void {
  const measured = (of: (round: Round) => number): { value: number; rounds: number[] } => {
    const values = rounds.map(of);
    return { value: median(values), rounds: values };
  };
  const rate = (of: (round: Round) => number) => ({
    ...measured((round) => perSecond(rows, of(round))),
    unit: 'results/s',
  });
  const floor = rate((round) => round.floor.milliseconds);
  const first = rate(({ posts }) => posts.first.milliseconds);
  report({ bench: NAME, figure: 'floor', ...floor, loads: rounds.map(({ load }) => load) });
  for (const figure of POSTS) {
    // Paired: what each round itself is compared with, measured in the same minute.
    const ratio = measured(({ floor: own, posts }) =>
      figure === 'first'
        ? own.milliseconds / posts.first.milliseconds
        : posts.first.milliseconds / posts[figure].milliseconds,
    );
    report({
      bench: NAME,
      figure,
      ...rate(({ posts }) => posts[figure].milliseconds),
      ...(figure === 'first' ? { floor: floor.value, rows, bytes } : { first: first.value }),
      ratio: ratio.value,
      ratios: ratio.rounds,
      ...(figure === 'changed' ? {} : { goal: atLeast(figure === 'first' ? FIRST_GOAL : AGAIN_GOAL) }),
    });
  }
  report({
    bench: NAME,
    figure: 'first, until its posture is remembered',
    ...measured((round) => round.remembered),
    unit: 'ms',
  });
  report({ bench: NAME, figure: 'CPU of floor', ...measured((round) => round.floor.cpu), unit: 'ms' });
  for (const figure of POSTS) {
    for (const part of ['server', 'postgres'] as const) {
      report({
        bench: NAME,
        figure: `CPU of ${figure}: ${part}`,
        ...measured(({ posts }) => posts[figure].cpu[part]),
        unit: 'ms',
      });
    }
  }
  for (const figure of STAGED) {
    const known = rounds.flatMap(({ stages }) => stages[figure] ?? []);
    if (known.length < rounds.length) {
      reportMissing(NAME, `stages of ${figure}`, 'so small a report is read while it is received');
      continue;
    }
    for (const stage of ['receive', 'read', 'copy', 'merge', 'coverage', 'commit'] as const) {
      const values = known.map((stages) => stages[stage]);
      report({ bench: NAME, figure: `stage ${stage} of ${figure}`, value: median(values), rounds: values, unit: 'ms' });
    }
  }
}

async function countRows(bench: Bench, system: BenchSystem): Promise<{ results: number; scans: number }> {
  const { rows } = await bench.admin.query<{ results: number; scans: number }>(
    `select (select count(*)::int from result where system_id = $1) as results,
            (select count(*)::int from scan where system_id = $1) as scans`,
    [system.id],
  );
  const [row] = rows;
  if (row === undefined) throw new Error('no counts');
  return row;
}

/** A figure of work that was not done is worth nothing. */
function assertCounts(what: string, { scan }: Posted, expected: Partial<Posted['scan']['counts']>): void {
  for (const [name, value] of Object.entries(expected)) {
    if (scan.counts[name as keyof typeof scan.counts] !== value) {
      throw new Error(`${what}: expected ${name} = ${value}, counted ${JSON.stringify(scan.counts)}`);
    }
  }
}

const perSecond = (rows: number, milliseconds: number): number => rows / (milliseconds / 1_000);
