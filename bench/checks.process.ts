import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { ClusterBuilder, type ListEnd } from '../src/checks/cluster.js';
import { compileFile } from '../src/checks/definition.js';
import { evaluate } from '../src/checks/evaluate.js';
import { shippedFiles } from '../src/checks/files.js';
import { KINDS } from '../src/checks/kinds.js';
import { DEFAULT_PHI_LABELS } from '../src/checks/phi.js';
import { objectsOf } from './cluster.js';

/** What one process says of itself when it has judged a cluster. */
export interface Judged {
  objects: number;
  bytes: number;
  checks: number;
  outcomes: Record<string, number>;
  /** Milliseconds. */
  compile: number;
  read: number;
  evaluate: number;
  /** Bytes of memory at most. */
  peak: number;
  slowest: { id: string; milliseconds: number }[];
}

/** Judges a cluster of so many pods in a process of its own, for its memory is that of nothing else. */
function judge(pods: number): Judged {
  const files = shippedFiles();
  let began = performance.now();
  const { checks, faults } = files
    .map((file) => compileFile(parse(readFileSync(file, 'utf8'))))
    .reduce((all, one) => ({ checks: [...all.checks, ...one.checks], faults: [...all.faults, ...one.faults] }));
  if (faults.length > 0) throw new Error(faults.map(({ message }) => message).join('\n'));
  const compiled = performance.now() - began;

  const builder = new ClusterBuilder();
  const counts = new Map<string, number>();
  let objects = 0;
  let bytes = 0;
  let read = 0;
  for (const object of objectsOf(pods)) {
    // As it comes in: a line of JSON.
    const line = JSON.stringify(object);
    bytes += line.length + 1;
    objects++;
    began = performance.now();
    const parsed = JSON.parse(line) as { apiVersion: string; kind: string };
    builder.add(parsed);
    read += performance.now() - began;
    const of = `${parsed.apiVersion.replace(/\/?[^/]*$/, '')}/${parsed.kind}`;
    counts.set(of, (counts.get(of) ?? 0) + 1);
  }
  const lists = KINDS.map(({ group, kind, versions, resource }): ListEnd => ({
    group,
    kind,
    version: versions[0] ?? '',
    outcome: resource === '*' ? 'absent' : 'complete',
    count: counts.get(`${group}/${kind}`) ?? 0,
    reason: null,
  }));
  const head = {
    uid: 'bench',
    name: 'bench',
    serverVersion: { major: '1', minor: '34', gitVersion: 'v1.34.1', platform: 'linux/amd64' },
    startedAt: new Date('2026-11-26T08:00:00Z'),
  };
  began = performance.now();
  const cluster = builder.build(head, lists, { labels: DEFAULT_PHI_LABELS, namespaces: [] });
  if (cluster.partial.length > 0) throw new Error(cluster.partial.join(' '));
  const outcomes: Record<string, number> = {};
  const slowest: Judged['slowest'] = [];
  let incomplete = 0;
  for (const check of checks) {
    const from = performance.now();
    const { complete } = evaluate([check], cluster, ({ status }) => {
      outcomes[status] = (outcomes[status] ?? 0) + 1;
    });
    incomplete += 1 - complete.length;
    slowest.push({ id: check.id, milliseconds: performance.now() - from });
  }
  const evaluated = performance.now() - began;
  if (incomplete > 0) throw new Error(`${incomplete} checks did not come to their end`);
  slowest.sort((a, b) => b.milliseconds - a.milliseconds);
  return {
    objects,
    bytes,
    checks: checks.length,
    outcomes,
    compile: compiled,
    read,
    evaluate: evaluated,
    peak: process.resourceUsage().maxRSS * 1024,
    slowest: slowest.slice(0, 5),
  };
}

const [pods = ''] = process.argv.slice(2);
process.send?.(judge(Number(pods)));
