import { parseArgs } from 'node:util';
import { agents } from './agents.js';
import { audit } from './audit.js';
import { checks } from './checks.js';
import { progress } from './figures.js';
import { growth } from './growth.js';
import { ingest } from './ingest.js';
import { large } from './large.js';
import { packages } from './package.js';
import { peers } from './peers/peers.js';
import { posture } from './posture.js';
import type { BenchProgram, Run } from './program.js';
import { startBench, type Bench } from './system.js';
import { year } from './year.js';

const BENCHES: Readonly<Record<string, BenchProgram>> = {
  ingest,
  agents,
  growth,
  large,
  year,
  posture,
  checks,
  audit,
  package: packages,
  peers,
};

const help = (): string => `npm run bench -- [name …] [options]

Measures the built program on this machine, on a database and a provider of its own, and prints one JSON line per figure.
docs/performance.md says what the figures mean. Without a name, all of them run, one after another.

${Object.entries(BENCHES)
  .map(([name, { about, flags }]) =>
    [
      `${name}: ${about}`,
      ...Object.entries(flags).map(([flag, { about: what, default: own }]) =>
        `  --${flag.padEnd(14)}${what} (${own})`.trimEnd(),
      ),
    ].join('\n'),
  )
  .join('\n\n')}

Of all:
  --profile DIR   write CPU profiles of the server and its parser there
  --help
`;

class Usage extends Error {}

try {
  await main();
} catch (error) {
  if (!(error instanceof Usage)) throw error;
  process.stderr.write(`${error.message}\n\n${help()}`);
  process.exitCode = 2;
}

async function main(): Promise<void> {
  const flags = Object.values(BENCHES).flatMap((bench) => Object.keys(bench.flags));
  const { values, positionals } = parsed(flags);
  if (values['help'] === true) {
    process.stdout.write(help());
    return;
  }
  const names = positionals.length === 0 ? Object.keys(BENCHES) : positionals;
  for (const name of names) {
    if (BENCHES[name] === undefined) throw new Usage(`There is no bench ${name}.`);
  }
  const given = values as Readonly<Record<string, string | undefined>>;
  for (const [flag, value] of Object.entries(given)) {
    const isOfAll = flag === 'profile';
    if (!isOfAll && !names.some((name) => BENCHES[name]?.flags[flag] !== undefined)) {
      throw new Usage(`--${flag} ${value ?? ''} is of no bench that is to run.`);
    }
  }
  for (const name of names) {
    const bench = BENCHES[name];
    if (bench !== undefined) await runBench(name, bench, given);
  }
}

function parsed(flags: readonly string[]) {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        ...Object.fromEntries(flags.map((flag) => [flag, { type: 'string' as const }])),
        profile: { type: 'string' },
        help: { type: 'boolean' },
      },
    });
  } catch (error) {
    throw new Usage(error instanceof Error ? error.message : String(error));
  }
}

async function runBench(
  name: string,
  { flags, run }: BenchProgram,
  given: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  const text = (flag: string): string => {
    const value = given[flag] ?? flags[flag]?.default;
    if (value === undefined) throw new Error(`${name} has no flag ${flag}`);
    return value;
  };
  const numbers = (flag: string): number[] =>
    text(flag)
      .split(',')
      .map((part) => {
        const value = Number(part);
        if (part === '' || !Number.isInteger(value) || value < 0) throw new Usage(`--${flag} takes whole numbers.`);
        return value;
      });
  const started: Bench[] = [];
  const stop = async (): Promise<void> => {
    for (const bench of started) await bench.stop();
  };
  const asked: Run = {
    text,
    numbers,
    number: (flag) => {
      const [value, ...more] = numbers(flag);
      if (value === undefined || more.length > 0) throw new Usage(`--${flag} takes one number.`);
      return value;
    },
    start: async (options) => {
      const bench = await startBench({ ...options, profileDirectory: given['profile'] });
      started.push(bench);
      return bench;
    },
  };
  progress(`${name}: starting`);
  const interrupted = (): void => void stop().finally(() => process.exit(130));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, interrupted);
  try {
    await run(asked);
  } catch (error) {
    if (error instanceof Usage) throw error;
    progress(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  } finally {
    await stop();
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, interrupted);
  }
}
