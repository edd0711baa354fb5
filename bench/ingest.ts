import { join } from 'node:path';
import { loadavg } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { TEXT_LIMITS } from '../src/scans/text/read-document.js';
import { median, progress, report } from './figures.js';
import { measureFloor } from './floor.js';
import { measureLatency } from './latency.js';
import { writeReport, type WrittenReport } from './reports.js';
import { stagesOf, timeParsing, type Stages } from './stages.js';
import type { Bench, BenchSystem, Posted } from './system.js';

export interface IngestOptions {
  rows: number;
  rounds: number;
}

const NAME = 'ingest';
const IDLE = 5_000;
const CHANGED_ONE_IN = 100;

interface Round {
  floor: number;
  cpu: { floor: number; server: number; postgres: number };
  first: Posted;
  again: Posted;
  changed: Posted;
  stages: Record<'first' | 'again', Stages>;
  load: number;
}

/** A report of a whole cluster: posted to a system that knows nothing, then again as of a later instant, then with one percent changed. */
export async function benchIngest(bench: Bench, { rows, rounds: count }: IngestOptions): Promise<void> {
  progress(`writing reports of ${rows} findings`);
  const same = await writeReport(join(bench.directory, 'report.json'), { rows });
  if (same.bytes > TEXT_LIMITS.json) {
    throw new Error(`${rows} findings are ${same.bytes} bytes, and one report may hold ${TEXT_LIMITS.json}`);
  }
  const other = await writeReport(join(bench.directory, 'changed.json'), { rows, changedOneIn: CHANGED_ONE_IN });

  // One round more than is counted: a new server has compiled nothing yet, and a new database has no log segments to write into.
  const cold = await runRound(bench, 0, rows, same, other);
  report({
    bench: NAME,
    figure: 'first, just started',
    value: perSecond(rows, cold.first.milliseconds),
    unit: 'results/s',
    floor: perSecond(rows, cold.floor),
    ratio: cold.floor / cold.first.milliseconds,
  });
  const rounds: Round[] = [];
  for (let number = 1; number <= count; number += 1) rounds.push(await runRound(bench, number, rows, same, other));
  reportRounds(rows, same.bytes, rounds);
  report({ bench: NAME, figure: 'memory', value: (await bench.peakMemory()) / 1e6, unit: 'MB' });

  progress('parsing alone');
  const parsing = await timeParsing(same.path);
  report({ bench: NAME, figure: 'stage parse alone', value: parsing.parse, unit: 'ms' });
  report({ bench: NAME, figure: 'stage rows alone', value: parsing.stage, unit: 'ms' });

  progress('compressed');
  const compressed = await writeReport(join(bench.directory, 'report.json.zst'), { rows, compressed: true });
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
  const task = { url: bench.url + quiet.path, token: bench.adminToken };
  for (const [figure, during] of [
    ['latency idle', () => delay(IDLE)],
    ['latency during ingest', () => quiet.post(same, new Date())],
  ] as const) {
    const { p50, p99, max, requests } = await measureLatency(task, during());
    report({ bench: NAME, figure: `${figure} p50`, value: p50, unit: 'ms', requests });
    report({ bench: NAME, figure: `${figure} p99`, value: p99, unit: 'ms', max });
  }
}

async function runRound(
  bench: Bench,
  number: number,
  rows: number,
  same: WrittenReport,
  other: WrittenReport,
): Promise<Round> {
  const system = await bench.createSystem(`round-${number}`);
  const at = Date.now() - 3_600_000;
  const cpuBefore = await bench.cpu();
  const first = await post(bench, system, same, new Date(at));
  const cpuFirst = await bench.cpu();
  assertCounts('first', first, { new: rows, changed: 0, unchanged: 0, closed: 0 });
  const before = await countRows(bench, system);
  const again = await post(bench, system, same, new Date(at + 60_000));
  assertCounts('again', again, { new: 0, changed: 0, unchanged: rows, closed: 0 });
  const after = await countRows(bench, system);
  if (before.results !== rows || after.results !== rows || after.scans !== before.scans + 1) {
    throw new Error(`a report that changes nothing made rows: ${JSON.stringify({ before, after })}`);
  }
  // Before the changed report, whose rows are not of the first.
  const floor = await measureFloor(bench, system.id);
  const changed = await post(bench, system, other, new Date(at + 120_000));
  assertCounts('changed', changed, { changed: Math.ceil(rows / CHANGED_ONE_IN), new: 0, closed: 0 });
  const { logFile } = bench.postgres;
  const stages = { first: await stagesOf(first, logFile), again: await stagesOf(again, logFile) };
  const load = loadavg()[0] ?? 0;
  progress(
    `round ${number}: floor ${floor.milliseconds.toFixed(0)} ms, first ${first.milliseconds.toFixed(0)} ms, again ${again.milliseconds.toFixed(0)} ms, ` +
      `one percent changed ${changed.milliseconds.toFixed(0)} ms; load ${load.toFixed(1)}`,
  );
  const cpu = {
    floor: floor.cpu,
    server: cpuFirst.server - cpuBefore.server,
    postgres: cpuFirst.postgres - cpuBefore.postgres,
  };
  return { floor: floor.milliseconds, cpu, first, again, changed, stages, load };
}

/** Every measurement begins with no work left over from the one before. */
async function post(bench: Bench, system: BenchSystem, ...report: Parameters<BenchSystem['post']>): Promise<Posted> {
  await bench.admin.query('checkpoint');
  return system.post(...report);
}

function reportRounds(rows: number, bytes: number, rounds: readonly Round[]): void {
  const rate = (of: (round: Round) => number) => {
    const values = rounds.map((round) => perSecond(rows, of(round)));
    return { value: median(values), unit: 'results/s', rounds: values };
  };
  const floor = median(rounds.map((round) => perSecond(rows, round.floor)));
  // Paired: each round's own floor, measured in the same minute.
  const ratio = (of: (round: Round) => number) => median(rounds.map(of));
  report({ bench: NAME, figure: 'floor', ...rate((round) => round.floor), loads: rounds.map(({ load }) => load) });
  report({
    bench: NAME,
    figure: 'first',
    ...rate((round) => round.first.milliseconds),
    floor,
    ratio: ratio(({ floor: own, first }) => own / first.milliseconds),
    rows,
    bytes,
  });
  for (const figure of ['again', 'changed'] as const) {
    report({
      bench: NAME,
      figure,
      ...rate((round) => round[figure].milliseconds),
      floor: median(rounds.map((round) => perSecond(rows, round.first.milliseconds))),
      ratio: ratio((round) => round.first.milliseconds / round[figure].milliseconds),
    });
  }
  for (const part of ['floor', 'server', 'postgres'] as const) {
    const values = rounds.map(({ cpu }) => cpu[part]);
    const figure = part === 'floor' ? 'CPU of floor' : `CPU of first, ${part}`;
    report({ bench: NAME, figure, value: median(values), unit: 'ms', rounds: values });
  }
  for (const of of ['first', 'again'] as const) {
    for (const stage of ['receive', 'read', 'copy', 'merge', 'coverage', 'commit'] as const) {
      const values = rounds.map((round) => round.stages[of][stage]);
      report({ bench: NAME, figure: `stage ${stage} of ${of}`, value: median(values), unit: 'ms', rounds: values });
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
