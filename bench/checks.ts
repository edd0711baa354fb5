import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { shippedFiles } from '../src/checks/files.js';
import type { Judged } from './checks.process.js';
import { atMost, median, progress, report, reportMissing } from './figures.js';
import type { BenchProgram } from './program.js';

const NAME = 'checks';
const PROGRAM = fileURLToPath(new URL('checks.process.js', import.meta.url));
const SECONDS = atMost(10);
const MEGABYTES = atMost(500);
/** Of ten times the pods: nothing that is compared each with each. */
const GROWTH = atMost(12);

export const checks: BenchProgram = {
  about: 'what it costs to judge a cluster by all checks',
  flags: {
    pods: { default: '1000,10000', about: 'of the clusters; the first is what the others are compared with' },
    times: { default: '5', about: 'processes that judge each; the median is reported' },
  },
  run: async (run) => {
    if (shippedFiles().length === 0) {
      reportMissing(NAME, 'evaluate', 'there are no checks in catalog/checks');
      return;
    }
    let smallest: number | null = null;
    for (const pods of run.numbers('pods')) {
      const rounds: Judged[] = [];
      for (let round = 0; round < run.number('times'); round++) {
        const judged = await judgedOf(pods);
        rounds.push(judged);
        progress(`${pods} pods: ${(judged.evaluate / 1_000).toFixed(2)} s, ${(judged.peak / 1e6).toFixed(0)} MB`);
      }
      const [first] = rounds;
      if (first === undefined) return;
      const seconds = rounds.map((round) => round.evaluate / 1_000);
      const value = median(seconds);
      smallest ??= value;
      const { objects, checks: count, outcomes, slowest, bytes } = first;
      const common = { bench: NAME, objects, checks: count, bytes };
      report({
        ...common,
        figure: `evaluate at ${pods}`,
        value,
        unit: 's',
        rounds: seconds,
        outcomes,
        slowest,
        goal: SECONDS,
      });
      report({ ...common, figure: `objects at ${pods}`, value: objects / value, unit: 'objects/s' });
      report({
        ...common,
        figure: `read at ${pods}`,
        value: median(rounds.map(({ read }) => read / 1_000)),
        unit: 's',
      });
      report({
        ...common,
        figure: `peak memory at ${pods}`,
        value: median(rounds.map(({ peak }) => peak / 1e6)),
        unit: 'MB',
        goal: MEGABYTES,
      });
      if (value !== smallest)
        report({ ...common, figure: `growth at ${pods}`, value, unit: 's', ratio: value / smallest, goal: GROWTH });
    }
  },
};

async function judgedOf(pods: number): Promise<Judged> {
  const child = fork(PROGRAM, [String(pods)], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const [said] = (await Promise.race([once(child, 'message'), once(child, 'exit').then(() => [null])])) as [
    Judged | null,
  ];
  if (said === null) throw new Error(`${pods} pods: the process that judges ended without a word`);
  return said;
}
