import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { CheckResult } from '../../src/scans/report.js';
import { progress, report, reportMissing } from '../figures.js';
import type { BenchProgram } from '../program.js';
import { inOtherBytes, writeReport } from '../reports.js';
import type { Bench } from '../system.js';
import { PeerFailure } from './child.js';
import { faraday } from './faraday.js';
import { grcLake } from './grc-lake.js';
import { hdfConverters } from './hdf.js';
import { rowsOf } from './rows.js';

const NAME = 'peers';

/** Another system that takes the same results in. */
export interface Peer {
  name: string;
  /** What is timed. */
  of: string;
  /** Throws `PeerFailure` where it cannot be had or does not work. */
  measure: (given: PeerGiven) => Promise<PeerMeasured>;
}

export interface PeerGiven {
  /** For its files. */
  directory: string;
  /** For its packages. */
  into: string;
  minutes: number;
  rows: readonly CheckResult[];
  bench: Bench;
}

export interface PeerPass {
  /** Those that were taken in: fewer than given where the time was up. */
  results: number;
  milliseconds: number;
  peakMemory: number;
}

export interface PeerMeasured {
  version: string;
  first: PeerPass;
  /** The same once more; absent where nothing is kept. */
  again?: PeerPass;
  /** What of Safeguard it is compared with, where that is not a post. */
  own?: Omit<PeerPass, 'peakMemory'>;
}

const PEERS: readonly Peer[] = [grcLake, hdfConverters, faraday];

export const peers: BenchProgram = {
  about: 'the same results through other systems, where their packages can be installed, and through Safeguard',
  flags: {
    peers: { default: PEERS.map(({ name }) => name).join(','), about: 'which, comma-separated' },
    results: { default: '100000', about: 'results' },
    patience: { default: '45', about: 'minutes that one program of a peer is given' },
    into: { default: '', about: 'a folder in which packages are installed and kept; a temporary one if none is named' },
  },
  run: async (run) => {
    const asked = run.text('peers').split(',');
    const chosen = PEERS.filter(({ name }) => asked.includes(name));
    if (chosen.length < asked.length) throw new Error(`peers are ${PEERS.map(({ name }) => name).join(', ')}`);
    const bench = await run.start();
    const results = run.number('results');
    const { first, again, rows } = await measureOwn(bench, results);
    for (const peer of chosen) {
      progress(`${peer.name}: installing and running`);
      const directory = join(bench.directory, 'peers', peer.name.replaceAll('/', '-'));
      const into = run.text('into') === '' ? join(bench.directory, 'packages') : resolve(run.text('into'));
      await mkdir(directory, { recursive: true });
      await mkdir(into, { recursive: true });
      try {
        const measured = await peer.measure({ directory, into, minutes: run.number('patience'), rows, bench });
        reportPass(peer, measured.version, 'first', measured.first, measured.own ?? first);
        if (measured.again !== undefined) reportPass(peer, measured.version, 'again', measured.again, again);
      } catch (error) {
        if (!(error instanceof PeerFailure)) throw error;
        reportMissing(NAME, peer.name, error.message);
      }
    }
  },
};

type Own = Omit<PeerPass, 'peakMemory'>;

/** With the posture that follows from it: what its peers evaluate is evaluated here too. */
async function measureOwn(bench: Bench, results: number): Promise<{ first: Own; again: Own; rows: CheckResult[] }> {
  const given = await writeReport(join(bench.directory, 'report.json'), 'policy', { rows: results });
  progress(`${results} results`);
  const posted = new Map<string, Own>();
  for (const name of ['warm-up', 'measured']) {
    const system = await bench.createSystem(name);
    for (const [pass, minutes] of [
      ['first', 60],
      ['again', 30],
    ] as const) {
      const sent = await inOtherBytes(given);
      await bench.admin.query('checkpoint');
      const { milliseconds } = await system.post(sent, new Date(Date.now() - minutes * 60_000));
      posted.set(pass, { results, milliseconds: milliseconds + (await bench.ask(`${system.path}/posture`)) });
    }
  }
  const [first, again] = [posted.get('first'), posted.get('again')];
  if (first === undefined || again === undefined) throw new Error('nothing was measured');
  for (const [pass, own] of [
    ['first', first],
    ['again', again],
  ] as const) {
    report({ bench: NAME, figure: `Safeguard, ${pass}`, value: perSecond(own), unit: 'results/s', results });
  }
  report({ bench: NAME, figure: 'Safeguard, memory', value: (await bench.peakMemory()) / 1e6, unit: 'MB' });
  return { first, again, rows: await rowsOf(given.path) };
}

function reportPass({ name, of }: Peer, version: string, pass: 'first' | 'again', peer: PeerPass, own: Own): void {
  report({
    bench: NAME,
    figure: `${name}, ${pass}`,
    value: perSecond(peer),
    unit: 'results/s',
    results: peer.results,
    seconds: peer.milliseconds / 1_000,
    memory: peer.peakMemory / 1e6,
    of,
    version,
    safeguard: perSecond(own),
    // How many times as fast Safeguard is.
    ratio: perSecond(own) / perSecond(peer),
  });
}

const perSecond = ({ results, milliseconds }: Own): number => results / (milliseconds / 1_000);
