import { setTimeout as delay } from 'node:timers/promises';
import { DATABASE } from '../src/development/postgres.js';
import { createDatabase } from '../src/development/roles.js';
import { atLeast, progress, quantile, report } from './figures.js';
import { ScannedCluster } from './kubescape-report.js';
import type { BenchProgram } from './program.js';
import { Recorder, type Transaction } from './recorder.js';
import { openBare, replay, type RecordedScan } from './replay.js';
import { connect, Refused, type Bench, type BenchSystem, type Posted } from './system.js';

const NAME = 'agents';
const RESULTS = 200;
/** One percent of the results turns over from scan to scan. */
const CHANGING = 2;
const GOAL = atLeast(0.5);

/** As it was when all systems were known and nothing had been posted: every measurement begins with a copy. */
const PRISTINE = 'pristine';
const RECORDED = 'recorded';
const FLOOR = 'floor';

/** The name under which the product's pool of connections shows itself to Postgres. */
const APPLICATION = 'safeguard';

interface Phase {
  milliseconds: number;
  each: number[];
}

interface Phases {
  /** All agents at once, each its first report. */
  first: Phase;
  /** All agents at once, each one report after the other. */
  steady: Phase;
}

export const agents: BenchProgram = {
  about: `many agents post reports of ${RESULTS} results at once, against the same SQL by bare connections`,
  flags: {
    agents: { default: '64', about: 'agents, each of a system of its own' },
    scans: { default: '20', about: 'reports of each after its first' },
    connections: { default: '8,16,64', about: 'bare connections; the fastest number is compared with' },
  },
  run: async (run) => {
    const count = run.number('agents');
    const bench = await run.start({ agents: 2 * count });
    const systems: BenchSystem[] = [];
    const others: BenchSystem[] = [];
    for (let number = 0; number < count; number += 1) systems.push(await bench.createSystem(`cluster ${number}`));
    for (let number = 0; number < count; number += 1) others.push(await bench.createSystem(`other cluster ${number}`));
    // The organisation's data key is made by the first report of all.
    await others[0]?.post(new ScannedCluster(count, RESULTS).report(new Date()));
    await bench.offline((maintenance) => createDatabase(maintenance, PRISTINE, DATABASE));

    await warmUp(others);
    await bench.settled();
    progress(`${count} agents at once`);
    const product = await measureProduct(bench, systems, run.number('scans'));
    const rows = await countRows(bench, DATABASE, systems);

    progress('recording what the product sends');
    const recorded = await record(bench, systems, others, run.number('scans'));

    const floors = [];
    for (const connections of run.numbers('connections')) {
      progress(`the same by ${connections} connections`);
      floors.push({ connections, ...(await measureFloor(bench, recorded, connections, rows, systems)) });
    }
    reportAll(product, floors, recorded.scans);
  },
};

/** First reports, and such as change something, of systems that are not measured, at once: what was never run is not compiled, and bare connections are open too before they are measured. */
async function warmUp(systems: readonly BenchSystem[]): Promise<void> {
  await Promise.all(
    systems.map(async (system, number) => {
      const cluster = new ScannedCluster(systems.length + number, RESULTS);
      await system.post(cluster.report(new Date()));
      cluster.change(CHANGING);
      await system.post(cluster.report(new Date()));
    }),
  );
}

async function measureProduct(
  bench: Bench,
  systems: readonly BenchSystem[],
  scans: number,
): Promise<Phases & { refusals: number; cpu: { server: number; postgres: number } }> {
  // Made beforehand: agents make theirs on machines of their own.
  const began = Date.now() - (scans + 1) * 1_000;
  const reports = systems.map((_, number) => {
    const cluster = new ScannedCluster(number, RESULTS);
    return Array.from({ length: scans + 1 }, (_, scan) => {
      if (scan > 0) cluster.change(CHANGING);
      return cluster.report(new Date(began + scan * 1_000));
    });
  });
  let refusals = 0;
  const post = async (number: number, scan: number): Promise<number> => {
    const start = performance.now();
    const report = reports[number]?.[scan] ?? Buffer.alloc(0);
    // An agent that is told to come back does, and its scan has waited.
    for (;;) {
      try {
        await systems[number]?.post(report);
        return performance.now() - start;
      } catch (error) {
        if (!(error instanceof Refused) || error.retryAfter === null) throw error;
        refusals += 1;
        await delay(error.retryAfter * 1_000);
      }
    }
  };
  const phase = async (from: number, to: number): Promise<Phase> => {
    await bench.admin.query('checkpoint');
    const each: number[] = [];
    const start = performance.now();
    await Promise.all(
      systems.map(async (_, number) => {
        for (let scan = from; scan < to; scan += 1) each.push(await post(number, scan));
      }),
    );
    return { milliseconds: performance.now() - start, each };
  };
  const first = await phase(0, 1);
  const before = await bench.cpu();
  const steady = await phase(1, scans + 1);
  const after = await bench.cpu();
  return {
    first,
    steady,
    refusals,
    cpu: { server: after.server - before.server, postgres: after.postgres - before.postgres },
  };
}

interface Recorded {
  /** Of each system that is measured. */
  scans: RecordedScan[][];
  /** One of each other system. */
  others: RecordedScan[];
}

/** The same scans once more, on a copy, one after another, so that it is known which statements are of which; their time is not taken. */
async function record(
  bench: Bench,
  systems: readonly BenchSystem[],
  others: readonly BenchSystem[],
  scans: number,
): Promise<Recorded> {
  await copyPristine(bench, RECORDED);
  const recorder = await Recorder.start(bench.postgres.port, APPLICATION);
  try {
    await bench.restart(recorder.url(bench.postgres.url(RECORDED, 'server')));
    recorder.take();
    const recorded: RecordedScan[][] = [];
    for (const [number, system] of systems.entries()) {
      const cluster = new ScannedCluster(number, RESULTS);
      const own: RecordedScan[] = [];
      for (let scan = 0; scan <= scans; scan += 1) {
        assertCounts(await system.post(cluster.report(new Date())), scan === 0);
        own.push(recorder.take());
        cluster.change(CHANGING);
      }
      recorded.push(own);
    }
    const warmUp: RecordedScan[] = [];
    for (const [number, system] of others.entries()) {
      await system.post(new ScannedCluster(systems.length + number, RESULTS).report(new Date()));
      warmUp.push(recorder.take());
    }
    if (!recorded.flat(2).some((transaction) => transaction.some(({ name }) => name !== ''))) {
      throw new Error('of statements that the product prepares none was recorded as such');
    }
    // Not before: what was begun beside an answer goes on after it.
    const ofAnswers = (scan: RecordedScan): RecordedScan => scan.filter(isOfAnswer);
    return { scans: recorded.map((own) => own.map(ofAnswers)), others: warmUp.map(ofAnswers) };
  } finally {
    await bench.restart();
    await recorder.stop();
  }
}

/**
 * What an answer waits for: who posts, and the scan. What the program does beside its answers is left out, for all agents together as it is (the log grows in an order of its own, in which
 * several could not send it again; postures are remembered once for many scans where they come at once, and here would be after each). So the floor is faster.
 */
const isOfAnswer = (transaction: Transaction): boolean =>
  transaction.some(({ text }) => /\bfrom agent_trust\b|\binsert into scan\b/.test(text));

/** A figure of work that was not done is worth nothing. */
function assertCounts({ scan: { counts } }: Posted, isFirst: boolean): void {
  const expected = isFirst ? { new: RESULTS, changed: 0 } : { new: 0, changed: CHANGING };
  if (counts.new !== expected.new || counts.changed !== expected.changed) {
    throw new Error(`expected ${JSON.stringify(expected)}, counted ${JSON.stringify(counts)}`);
  }
}

async function measureFloor(
  bench: Bench,
  recorded: Recorded,
  connections: number,
  rows: Rows,
  systems: readonly BenchSystem[],
): Promise<Phases & { cpu: number }> {
  await copyPristine(bench, FLOOR);
  const clients = await openBare(bench.postgres.url(FLOOR, 'server'), connections, recorded.others);
  const phase = async (scans: (own: readonly RecordedScan[]) => readonly RecordedScan[]): Promise<Phase> => {
    await bench.admin.query('checkpoint');
    return replay(clients, recorded.scans.map(scans));
  };
  const first = await phase((own) => own.slice(0, 1));
  const before = await bench.cpu();
  const steady = await phase((own) => own.slice(1));
  const after = await bench.cpu();
  await Promise.all(clients.map((client) => client.end()));
  const written = await countRows(bench, FLOOR, systems);
  if (written.results !== rows.results || written.scans !== rows.scans) {
    throw new Error(`the product wrote ${JSON.stringify(rows)}, and the same SQL ${JSON.stringify(written)}`);
  }
  return { first, steady, cpu: after.postgres - before.postgres };
}

async function copyPristine(bench: Bench, name: string): Promise<void> {
  await bench.admin.query(`drop database if exists ${name} with (force)`);
  await createDatabase(bench.admin, name, PRISTINE);
}

interface Rows {
  results: number;
  scans: number;
}

async function countRows(bench: Bench, database: string, systems: readonly BenchSystem[]): Promise<Rows> {
  const client = await connect(bench.postgres.url(database, 'admin'));
  try {
    const { rows } = await client.query<Rows>(
      `select (select count(*)::int from result where system_id = any ($1)) as results,
              (select count(*)::int from scan where system_id = any ($1)) as scans`,
      [systems.map(({ id }) => id)],
    );
    return rows[0] ?? { results: 0, scans: 0 };
  } finally {
    await client.end();
  }
}

function reportAll(
  product: Awaited<ReturnType<typeof measureProduct>>,
  floors: readonly (Awaited<ReturnType<typeof measureFloor>> & { connections: number })[],
  recorded: readonly (readonly RecordedScan[])[],
): void {
  const agentCount = recorded.length;
  for (const name of ['first', 'steady'] as const) {
    const rates = floors.map((floor) => ({ connections: floor.connections, rate: perSecond(floor[name]) }));
    const best = rates.reduce((fastest, one) => (one.rate > fastest.rate ? one : fastest));
    const rate = perSecond(product[name]);
    report({
      bench: NAME,
      figure: name,
      value: rate,
      unit: 'scans/s',
      agents: agentCount,
      scans: product[name].each.length,
      results: RESULTS,
      floor: best.rate,
      connections: best.connections,
      floors: Object.fromEntries(rates.map((one) => [one.connections, one.rate])),
      ratio: rate / best.rate,
      goal: GOAL,
    });
    for (const [what, at] of [
      ['p50', 0.5],
      ['p99', 0.99],
    ] as const) {
      const floor = floors.find(({ connections }) => connections === best.connections);
      report({
        bench: NAME,
        figure: `${name}, ${what}`,
        value: quantile(product[name].each, at),
        unit: 'ms',
        ...(floor === undefined ? {} : { floor: quantile(floor[name].each, at) }),
      });
    }
  }
  const scans = product.steady.each.length;
  report({ bench: NAME, figure: 'refusals', value: product.refusals, unit: 'posts' });
  report({ bench: NAME, figure: 'CPU of a scan: server', value: product.cpu.server / scans, unit: 'ms' });
  const floor = Math.min(...floors.map(({ cpu }) => cpu / scans));
  report({ bench: NAME, figure: 'CPU of a scan: postgres', value: product.cpu.postgres / scans, unit: 'ms', floor });
  const [scan] = recorded[0]?.slice(-1) ?? [];
  report({
    bench: NAME,
    figure: 'statements of a scan',
    value: scan?.reduce((sum, transaction) => sum + transaction.length, 0) ?? 0,
    unit: 'statements',
    transactions: scan?.length ?? 0,
    copied: scan?.flat().reduce((sum, statement) => sum + bytesOf(statement), 0) ?? 0,
  });
}

const bytesOf = ({ copied }: Transaction[number]): number => copied?.reduce((sum, { length }) => sum + length, 0) ?? 0;

const perSecond = ({ milliseconds, each }: Phase): number => each.length / (milliseconds / 1_000);
