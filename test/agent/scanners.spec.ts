import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { benchmarksOf, NoScanner, RUNS, runScanner, ScannerFault, type Told } from '../../src/agent/scanners.js';
import { FORMATS } from '../../src/scans/formats/index.js';
import { folder } from './support.js';

/** Programs of a test, by the names of scanners, are the only ones on the PATH. */
async function installed(programs: Record<string, string>): Promise<string> {
  const bin = join(await folder(), 'bin');
  await mkdir(bin);
  for (const [name, script] of Object.entries(programs)) {
    await writeFile(join(bin, name), `#!/bin/sh\n${script}\n`);
    await chmod(join(bin, name), 0o755);
  }
  process.env['PATH'] = `${bin}:/usr/bin:/bin`;
  return bin;
}

describe('how are scanners run?', () => {
  const path = process.env['PATH'];
  let file: string;
  beforeEach(async () => {
    file = join(await folder(), 'report.json');
  });
  afterEach(() => {
    process.env['PATH'] = path;
  });
  const run = (
    scanner: 'kube-bench' | 'trivy' | 'kubescape',
    more: { limit?: number; longest?: number; signal?: AbortSignal } = {},
    told: Partial<Told> = {},
  ) =>
    runScanner(
      scanner,
      { file, kubeconfig: null, context: null, kubeVersion: null, benchmarks: null, ...told },
      { limit: 1e6, signal: new AbortController().signal, ...more },
    );

  it('is what one prints its report, and what it says beside it not?', async () => {
    await installed({ 'kube-bench': 'echo noise >&2; echo "$@"' });
    await run('kube-bench');
    expect(await readFile(file, 'utf8')).toBe('run --json\n');
  });

  it.each<['kube-bench' | 'trivy', string]>([
    ['kube-bench', 'run --json --version 1.34 --config-dir /opt/kube-bench/cfg'],
    ['trivy', 'k8s --report all --format json --disable-node-collector --quiet --kubeconfig /k emr'],
  ])('is %s told of the cluster that the agent looks at?', async (scanner, line) => {
    await installed({ [scanner]: 'echo "$@"' });
    const told = { kubeconfig: '/k', context: 'emr', kubeVersion: '1.34', benchmarks: '/opt/kube-bench/cfg' };
    await run(scanner, {}, told);
    expect(await readFile(file, 'utf8')).toBe(`${line}\n`);
  });

  it('is kubescape told of it, too?', async () => {
    await installed({ kubescape: 'line="$*"; while [ "$1" != --output ]; do shift; done; echo "$line" > "$2"' });
    await run('kubescape', {}, { kubeconfig: '/k', context: 'emr' });
    expect(await readFile(file, 'utf8')).toContain(' --kubeconfig /k --kube-context emr\n');
  });

  it("does it get nothing of the agent's own, as its token?", async () => {
    await installed({ trivy: 'env' });
    process.env['SAFEGUARD_TOKEN'] = 'a-token';
    process.env['TRIVY_CACHE_DIR'] = '/cache';
    try {
      await run('trivy');
    } finally {
      delete process.env['SAFEGUARD_TOKEN'];
      delete process.env['TRIVY_CACHE_DIR'];
    }
    const surroundings = await readFile(file, 'utf8');
    expect(surroundings).not.toContain('SAFEGUARD_');
    expect(surroundings).toContain('TRIVY_CACHE_DIR=/cache');
  });

  it('are the benchmarks of kube-bench where its image or its packages put them?', async () => {
    const [image, packages] = [await folder(), await folder()];
    expect(await benchmarksOf([image, packages])).toBeNull();
    await writeFile(join(packages, 'config.yaml'), '---\n');
    expect(await benchmarksOf([image, packages])).toBe(packages);
    await writeFile(join(image, 'config.yaml'), '---\n');
    expect(await benchmarksOf([image, packages])).toBe(image);
  });

  it('is the file that another writes its report, and what it prints not?', async () => {
    await installed({ kubescape: 'echo noise; while [ "$1" != --output ]; do shift; done; echo "{}" > "$2"' });
    await run('kubescape');
    expect(await readFile(file, 'utf8')).toBe('{}\n');
  });

  it.each<[string, string, { limit?: number; longest?: number }, string]>([
    ['fails', 'echo half; exit 3', {}, 'ended with 3'],
    ['prints nothing', 'exit 0', {}, 'wrote nothing'],
    [
      'prints without end',
      'while :; do echo 0123456789012345678901234567890123456789; done',
      { limit: 10_000 },
      'more than 10000 bytes',
    ],
    ['hangs, with what it started', 'echo half; sleep 600 & sleep 600', { longest: 300 }, 'took too long'],
  ])('is there no report of one that %s?', async (_what, script, bounds, reason) => {
    await installed({ trivy: script });
    await expect(run('trivy', bounds)).rejects.toThrow(reason);
    expect(await readdir(join(file, '..'))).toEqual([]);
  });

  it('is one that is not there told, and none other tried?', async () => {
    await installed({});
    const missing = run('kubescape');
    await expect(missing).rejects.toThrow(NoScanner);
    await expect(missing).rejects.toBeInstanceOf(ScannerFault);
  });

  it('does a stop end it?', async () => {
    await installed({ trivy: 'echo half; sleep 600' });
    const stop = new AbortController();
    const running = run('trivy', { signal: stop.signal });
    stop.abort();
    await expect(running).rejects.toThrow(/abort/i);
  });

  it.each(Object.entries(RUNS))(
    'is there a format that reads what %s writes, and takes the targets that are declared?',
    (_scanner, { format, targets }) => {
      const known = FORMATS.find(({ slug }) => slug === format);
      for (const target of targets('worker-1')) expect(known?.targets).toContain(target.split('/')[0]);
      expect(known).toBeDefined();
    },
  );
});
