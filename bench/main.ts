import { parseArgs } from 'node:util';
import { progress } from './figures.js';
import { benchIngest } from './ingest.js';
import { REPORTS, type ReportKind } from './reports.js';
import { startBench } from './system.js';

const BENCHES = { ingest: benchIngest } as const;

const HELP = `npm run bench -- [name …] [options]

Measures the built program on this machine, on a database and a provider of its own, and prints one JSON line per figure.
docs/performance.md says what the figures mean.

Names: ${Object.keys(BENCHES).join(', ')}; all of them when none is given.

Options:
  --report KIND     ${Object.keys(REPORTS).join(' or ')} (policy)
  --rows N          findings in the report (100000)
  --rounds N        how often each figure is measured; the median is reported (3)
  --profile DIR     write CPU profiles of the server and its parser there
  --help
`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    report: { type: 'string', default: 'policy' },
    rows: { type: 'string', default: '100000' },
    rounds: { type: 'string', default: '3' },
    profile: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

const names = positionals.length === 0 ? Object.keys(BENCHES) : positionals;
const unknown = names.filter((name) => !(name in BENCHES));
const numbers = { rows: Number(values.rows), rounds: Number(values.rounds) };
const isNumbers = Object.values(numbers).every((value) => Number.isInteger(value) && value > 0);
if (values.help) process.stdout.write(HELP);
else if (unknown.length > 0 || !isNumbers || !Object.hasOwn(REPORTS, values.report)) {
  process.stderr.write(HELP);
  process.exitCode = 2;
} else for (const name of names) await run(name as keyof typeof BENCHES);

async function run(name: keyof typeof BENCHES): Promise<void> {
  progress(`${name}: starting`);
  const bench = await startBench({ profileDirectory: values.profile });
  const interrupted = (): void => void bench.stop().finally(() => process.exit(130));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, interrupted);
  try {
    await BENCHES[name](bench, { ...numbers, report: values.report as ReportKind });
  } catch (error) {
    progress(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  } finally {
    await bench.stop();
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, interrupted);
  }
}
