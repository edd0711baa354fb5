import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { atMost, progress, report, reportMissing } from './figures.js';
import { measureLatency, type Latency } from './latency.js';
import type { BenchProgram } from './program.js';
import { CODINGS, REPORTS, compress, writeReport, type ReportKind, type WrittenReport } from './reports.js';
import { Refused, type Bench, type Posted } from './system.js';

const NAME = 'large';
const IDLE = 10_000;
/** So many findings show how many bytes one has. */
const SAMPLE = 5_000;
const MEMORY_GOAL = atMost(400);
const LATENCY_GOAL = atMost(5);

export const large: BenchProgram = {
  about: 'a report of half a gigabyte: memory of the server, and what others notice of it',
  flags: {
    megabytes: { default: '500', about: 'size of the report before it is compressed' },
    kinds: { default: Object.keys(REPORTS).join(','), about: 'reports, comma-separated' },
    codings: { default: ['plain', ...CODINGS].join(','), about: 'how they are sent, comma-separated' },
  },
  run: async (run) => {
    const kinds = chosen(run.text('kinds'), Object.keys(REPORTS) as ReportKind[]);
    const codings = chosen(run.text('codings'), ['plain', ...CODINGS] as const);
    const bench = await run.start();
    for (const kind of kinds) {
      const sample = await writeReport(join(bench.directory, 'sample.json'), kind, { rows: SAMPLE });
      const rows = Math.round((run.number('megabytes') * 1e6) / (sample.bytes / SAMPLE));
      progress(`writing a ${kind} report of ${rows} findings`);
      const plain = await writeReport(join(bench.directory, `${kind}.json`), kind, { rows });
      for (const coding of codings) {
        await benchOne(bench, `${kind}, ${coding}`, {
          rows,
          plain,
          sent: coding === 'plain' ? plain : await compress(plain, coding),
          sample,
        });
      }
    }
  },
};

function chosen<T extends string>(text: string, known: readonly T[]): T[] {
  return text.split(',').map((name) => {
    const found = known.find((one) => one === name);
    if (found === undefined) throw new Error(`${name} is none of ${known.join(', ')}`);
    return found;
  });
}

interface Reports {
  rows: number;
  plain: WrittenReport;
  sent: WrittenReport;
  sample: WrittenReport;
}

/** In a new server, whose peak memory is then that of this report; warm, as one is that others use. */
async function benchOne(bench: Bench, name: string, { rows, plain, sent, sample }: Reports): Promise<void> {
  progress(`${name}: ${(sent.bytes / 1e6).toFixed(0)} MB`);
  await bench.restart();
  const warm = await bench.createSystem(`warm-up of ${name}`);
  await warm.post(sample, new Date());
  const system = await bench.createSystem(name);
  const task = async () => ({ url: bench.url + system.path, token: await bench.adminToken() });
  await bench.admin.query('checkpoint');
  const idle = await measureLatency(await task(), delay(IDLE));
  const before = await bench.peakMemory();

  const outcome: { posted?: Posted; refused?: string } = {};
  const posting = async (): Promise<void> => {
    try {
      outcome.posted = await system.post(sent, new Date());
    } catch (error) {
      // Today's server may refuse what tomorrow's takes: then that is the figure.
      if (!(error instanceof Refused)) throw error;
      outcome.refused = error.message;
    }
  };
  const during = await measureLatency(await task(), posting());
  const { posted, refused } = outcome;
  if (posted === undefined) reportMissing(NAME, name, refused ?? 'there was no answer');
  else {
    if (posted.scan.counts.new !== rows) {
      throw new Error(`${name}: ${rows} results were posted, and counted ${JSON.stringify(posted.scan.counts)}`);
    }
    const seconds = posted.milliseconds / 1_000;
    report({
      bench: NAME,
      figure: name,
      value: rows / seconds,
      unit: 'results/s',
      rows,
      bytes: plain.bytes,
      sent: sent.bytes,
      seconds,
      megabytesPerSecond: plain.bytes / 1e6 / seconds,
    });
  }
  report({
    bench: NAME,
    figure: `${name}: memory`,
    value: (await bench.peakMemory()) / 1e6,
    unit: 'MB',
    before: before / 1e6,
    goal: MEMORY_GOAL,
  });
  reportLatency(name, idle, during);
}

function reportLatency(name: string, idle: Latency, during: Latency): void {
  report({ bench: NAME, figure: `${name}: latency idle`, value: idle.p99, unit: 'ms', ...idle });
  report({
    bench: NAME,
    figure: `${name}: latency during`,
    value: during.p99,
    unit: 'ms',
    ...during,
    ratio: during.p99 / idle.p99,
    goal: LATENCY_GOAL,
  });
}
