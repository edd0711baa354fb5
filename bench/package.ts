import { execFile } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { mkdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { request } from 'undici';
import { atLeast, atMost, median, progress, report, reportMissing } from './figures.js';
import type { BenchProgram } from './program.js';
import { writeReport } from './reports.js';
import type { Bench, BenchSystem } from './system.js';

const NAME = 'package';
const run = promisify(execFile);

/** Of what `sha256sum` and `zip -0` make of the same files, one after the other. */
const RATE_GOAL = atLeast(0.5);
/** Seconds per megabyte of the largest against the smallest. */
const GROWTH_GOAL = atMost(1.25);
/** Peak of the largest against that of the smallest. */
const MEMORY_GOAL = atMost(1.25);

/** One report of a cluster, scanned again and again: so many findings show how many bytes one has. */
const SAMPLE = 5_000;
const REPORT_MEGABYTES = 50;
const MINUTE = 60_000;

export const packages: BenchProgram = {
  about: 'a package for an auditor: rate and memory, against sha256sum and zip -0 of the same files',
  flags: {
    megabytes: { default: '100,1000', about: 'bytes of evidence in the packages, comma-separated' },
    rounds: { default: '3', about: 'packages of each size' },
  },
  run: async (options) => {
    const bench = await options.start();
    const officer = await officerOf(bench);
    const sizes = options.numbers('megabytes').toSorted((a, b) => a - b);
    const measured: Measured[] = [];
    for (const megabytes of sizes) {
      progress(`posting ${megabytes} MB of reports`);
      const system = await bench.createSystem(`${megabytes} MB`);
      await fill(bench, system, megabytes);
      measured.push(await measure(bench, officer, system, `${megabytes} MB of evidence`, options.number('rounds')));
    }
    const [smallest, largest] = [measured[0], measured.at(-1)];
    if (smallest === undefined || largest === undefined || smallest === largest) return;
    report({
      bench: NAME,
      figure: 'growth of the time per megabyte',
      value: largest.secondsPerMegabyte * 1000,
      unit: 'ms/MB',
      of: largest.name,
      against: smallest.name,
      ratio: largest.secondsPerMegabyte / smallest.secondsPerMegabyte,
      goal: GROWTH_GOAL,
    });
    report({
      bench: NAME,
      figure: 'growth of the peak memory',
      value: largest.peak / 1e6,
      unit: 'MB',
      of: largest.name,
      against: smallest.name,
      ratio: largest.peak / smallest.peak,
      goal: MEMORY_GOAL,
    });
  },
};

interface Measured {
  name: string;
  secondsPerMegabyte: number;
  peak: number;
}

/** Reports of one cluster at successive minutes, of which each differs a little from the one before. */
async function fill(bench: Bench, system: BenchSystem, megabytes: number): Promise<void> {
  const sample = await writeReport(join(bench.directory, 'sample.json'), 'trivy', { rows: SAMPLE });
  const count = Math.max(1, Math.round(megabytes / REPORT_MEGABYTES));
  const rows = Math.round((megabytes * 1e6) / count / (sample.bytes / SAMPLE));
  const now = Date.now();
  for (let index = 0; index < count; index += 1) {
    const path = join(bench.directory, 'report.json');
    const written = await writeReport(path, 'trivy', { rows, changedOneIn: 1_000 + index });
    await system.post(written, new Date(now - (count - index) * MINUTE));
  }
}

async function measure(
  bench: Bench,
  officer: Officer,
  system: BenchSystem,
  name: string,
  rounds: number,
): Promise<Measured> {
  const made: { seconds: number; peak: number; megabytes: number; others: number | null }[] = [];
  for (let round = 0; round < rounds; round += 1) {
    progress(`${name}: round ${round + 1}`);
    // In a new server, whose peak is then that of this package.
    await bench.restart();
    const built = await officer.build(system.id);
    const peak = await bench.peakMemory();
    made.push({ seconds: built.seconds, peak, ...(await othersOf(bench, officer, built.id)) });
  }
  const rates = made.map(({ megabytes, seconds }) => megabytes / seconds);
  const peak = median(made.map((one) => one.peak));
  const others = made.flatMap((one) => (one.others === null ? [] : [one.megabytes / one.others]));
  if (others.length < made.length) reportMissing(NAME, `${name}: rate`, 'zip, unzip or sha256sum is not there');
  else {
    report({
      bench: NAME,
      figure: `${name}: rate`,
      value: median(rates),
      unit: 'MB/s',
      rounds: rates,
      sha256sumAndZip: median(others),
      ratio: median(rates) / median(others),
      goal: RATE_GOAL,
    });
  }
  report({ bench: NAME, figure: `${name}: peak memory of the server`, value: peak / 1e6, unit: 'MB' });
  return { name, secondsPerMegabyte: 1 / median(rates), peak };
}

/** Bytes of the files in the package, and the seconds that the tools of others take for them; null where they are not there. */
async function othersOf(
  bench: Bench,
  officer: Officer,
  id: string,
): Promise<{ megabytes: number; others: number | null }> {
  const archive = join(bench.directory, 'package.zip');
  const folder = join(bench.directory, 'unpacked');
  await officer.download(id, archive);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder);
  const shell = (script: string): Promise<{ stdout: string }> => run('sh', ['-ec', script], { cwd: folder });
  try {
    await shell('command -v zip sha256sum; unzip -q ../package.zip');
    const bytes = Number(
      (await shell(`find . -type f -printf '%s\\n' | awk '{ sum += $1 } END { print sum }'`)).stdout,
    );
    const startedAt = performance.now();
    await shell('find . -type f -exec sha256sum {} + > ../sums');
    await shell('zip -q -0 -r ../plain.zip .');
    const others = (performance.now() - startedAt) / 1000;
    await shell('rm ../plain.zip');
    return { megabytes: bytes / 1e6, others };
  } catch {
    return { megabytes: (await stat(archive)).size / 1e6, others: null };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

interface Officer {
  /** Has a package built; the seconds are the server's own, from the request to the end. */
  build(systemId: string): Promise<{ id: string; seconds: number }>;
  download(id: string, path: string): Promise<void>;
}

interface PackageAnswer {
  id: string;
  status: string;
  createdAt: string;
  finishedAt: string | null;
}

/** Admins make no packages. */
async function officerOf(bench: Bench): Promise<Officer> {
  const room = `${bench.url}/v1/organizations/${bench.organizationId}`;
  const headers = (token: string) => ({ Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' });
  const subject = 'dev-compliance-officer';
  const member = { issuer: bench.provider.issuer, subject, name: subject, role: 'compliance_officer' };
  const added = await request(`${room}/members`, {
    method: 'POST',
    headers: headers(await bench.adminToken()),
    body: JSON.stringify(member),
  });
  if (added.statusCode !== 201) throw new Error(`no officer: ${added.statusCode} ${await added.body.text()}`);
  await added.body.dump();
  const ask = async (path: string, body?: object): Promise<PackageAnswer> => {
    const answer = await request(room + path, {
      method: body === undefined ? 'GET' : 'POST',
      headers: headers(await bench.provider.tokenFor(subject)),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.body.text();
    if (answer.statusCode >= 300) throw new Error(`${path}: ${answer.statusCode} ${text}`);
    return JSON.parse(text) as PackageAnswer;
  };
  return {
    build: async (systemId) => {
      const { id } = await ask('/packages', { scope: { systemId } });
      for (;;) {
        const { status, createdAt, finishedAt } = await ask(`/packages/${id}`);
        if (status === 'ready' && finishedAt !== null) {
          return { id, seconds: (Date.parse(finishedAt) - Date.parse(createdAt)) / 1000 };
        }
        if (status !== 'queued') throw new Error(`the package is ${status}`);
        await pause(250);
      }
    },
    download: async (id, path) => {
      const answer = await request(`${room}/packages/${id}/content`, {
        headers: { Authorization: `Bearer ${await bench.provider.tokenFor(subject)}` },
      });
      if (answer.statusCode !== 200) throw new Error(`no package: ${answer.statusCode}`);
      await pipeline(answer.body, createWriteStream(path));
    },
  };
}
