import { rm } from 'node:fs/promises';
import type { Logger } from 'pino';
import type { Scanner } from '../bin/agent-options.js';
import { prepare } from '../bin/client/payload.js';
import type { ApiServer } from './api-server.js';
import type { Clock } from './clock.js';
import { type Collected, collectSnapshot, versionOf } from './collect.js';
import type { Deposit } from './deposit.js';
import type { Wanted } from './discovery.js';
import { DocumentWriter } from './document.js';
import { type DropFolder, SETTLED } from './drop-folder.js';
import type { Metrics } from './metrics.js';
import { REPORT_SETS } from './report-kinds.js';
import { gatherReports } from './reports.js';
import { benchmarksOf, RUNS, runScanner, type Told } from './scanners.js';

/** What is collected, and how often. */
export interface Plan {
  kinds: readonly Wanted[];
  clusterName: string | null;
  reports: boolean;
  run: readonly Scanner[];
  nodeName: string | undefined;
  kubeconfig: string | null;
  context: string | null;
  interval: number;
  runInterval: number;
}

export interface Parts {
  api: ApiServer;
  deposit: Deposit;
  dropFolder: DropFolder | null;
  clock: Clock;
  log: Logger;
  metrics: Metrics;
  /** Nothing more is begun, and what is under way ends. */
  stopping: AbortSignal;
}

/** How often the drop folder is looked into. */
const LOOK = 5_000;
/** All reports of the API are read within this, as the lists of a snapshot are within theirs. */
const READING = 30 * 60_000;
/** A collection that takes longer than this hangs: half an hour are the lists' and half an hour the reports', and a scanner has two. */
const HANGING = 3 * 3_600_000;

/** Collects: snapshots, reports of the API, runs of scanners, files that others leave. All of it ends in the spool. */
export class Collector {
  private lastRun = -Infinity;
  private lastEnd: number;

  constructor(
    private readonly plan: Plan,
    private readonly parts: Parts,
  ) {
    this.lastEnd = parts.clock.now();
  }

  /** Collects again and again until it is stopped. */
  async run(): Promise<void> {
    const { clock, stopping } = this.parts;
    while (!stopping.aborted) {
      await this.collect();
      await clock.pause(this.plan.interval, stopping).catch(() => undefined);
    }
  }

  /** Looks into the drop folder again and again until it is stopped. */
  async watch(): Promise<void> {
    const { clock, stopping, dropFolder } = this.parts;
    while (dropFolder !== null && !stopping.aborted) {
      await this.look(dropFolder);
      await clock.pause(LOOK, stopping).catch(() => undefined);
    }
  }

  /** Once, all of it. Whether there is a snapshot, and everything that was asked for could be had. */
  async collect(): Promise<boolean> {
    const { clock, stopping } = this.parts;
    const steps: (() => Promise<boolean>)[] = [() => this.snapshot()];
    if (this.plan.reports) steps.push(() => this.reports());
    const sinceRun = clock.now() - this.lastRun;
    // Before the last run: the clock was set back, by who knows how much.
    if (this.plan.run.length > 0 && (sinceRun >= this.plan.runInterval || sinceRun < 0)) {
      this.lastRun = clock.now();
      steps.push(...this.plan.run.map((scanner) => () => this.scan(scanner)));
    }
    let isWhole = true;
    for (const step of steps) {
      if (stopping.aborted) return false;
      isWhole = (await step()) && isWhole;
    }
    this.lastEnd = clock.now();
    return isWhole;
  }

  /** What is in the drop folder now, and what becomes whole within the time that a file takes to settle. Whether it could be read. */
  async takeDropped(): Promise<boolean> {
    const { clock, stopping, dropFolder } = this.parts;
    if (dropFolder === null) return true;
    const unsettled = await this.look(dropFolder);
    if (unsettled === null || unsettled === 0) return unsettled === 0;
    await clock.pause(SETTLED, stopping).catch(() => undefined);
    return stopping.aborted || (await this.look(dropFolder)) !== null;
  }

  /** In words, when nothing has been collected for far longer than it should take; else null. */
  standstill(): string | null {
    const since = this.parts.clock.now() - this.lastEnd;
    return since > this.plan.interval + HANGING
      ? `no collection has ended for ${Math.round(since / 60_000)} minutes`
      : null;
  }

  /** How many files may still become whole; null where they could not be looked at. */
  private async look(dropFolder: DropFolder): Promise<number | null> {
    try {
      return await dropFolder.look();
    } catch (error) {
      this.parts.log.error({ reason: reasonOf(error) }, 'the drop folder cannot be read');
      return null;
    }
  }

  private async snapshot(): Promise<boolean> {
    const { api, deposit, clock, log, metrics, stopping } = this.parts;
    const { spool } = deposit;
    const file = spool.scratch();
    let writer: DocumentWriter | null = null;
    try {
      writer = await DocumentWriter.create(file, spool.largest);
      const { kinds, clusterName } = this.plan;
      const collected = await collectSnapshot({ api, kinds, clusterName, clock, signal: stopping }, writer);
      const written = await writer.finish();
      writer = null;
      const entry = await deposit.put(
        { ...written, encoding: 'zstd', mediaType: 'application/x-ndjson' },
        new Date(collected.startedAt),
        { stream: 'snapshot', origin: 'snapshot' },
      );
      metrics.collected(collected, clock);
      const isComplete = this.tell(collected);
      metrics.collections.inc({ outcome: isComplete ? 'complete' : 'partial' });
      log.info(
        { report: entry.name, objects: collected.lists.reduce((sum, { count }) => sum + count, 0), bytes: entry.size },
        'collected a snapshot',
      );
      return true;
    } catch (error) {
      await writer?.abandon();
      await rm(file, { force: true });
      if (!stopping.aborted) {
        metrics.collections.inc({ outcome: 'failed' });
        log.error({ reason: reasonOf(error) }, 'could not collect a snapshot');
      }
      return false;
    }
  }

  /** Says each list that is not all there. Whether there was none. */
  private tell({ lists }: Collected): boolean {
    const short = lists.filter(({ outcome }) => outcome === 'refused' || outcome === 'failed');
    for (const { group, resource, outcome, reason } of short) {
      this.parts.log.warn({ group, resource, outcome, reason }, 'a list of the snapshot is not complete');
    }
    return short.length === 0;
  }

  private async reports(): Promise<boolean> {
    const { api, deposit, clock, log, stopping } = this.parts;
    const { spool } = deposit;
    const signal = AbortSignal.any([stopping, AbortSignal.timeout(READING)]);
    let isWhole = true;
    for (const set of REPORT_SETS) {
      const startedAt = new Date(clock.now());
      try {
        const of = { api, clock, signal, scratch: () => spool.scratch(), largest: spool.largest };
        for (const { written, engine, objects } of await gatherReports(of, set)) {
          const origin = engine === null ? `reports/${set.name}` : `reports/${set.name}/${engine}`;
          const entry = await deposit.put({ ...written, encoding: 'zstd', mediaType: 'application/json' }, startedAt, {
            stream: origin,
            origin,
            format: set.format,
            targets: ['cluster/cluster'],
          });
          log.info({ report: entry.name, stream: origin, objects, bytes: entry.size }, 'collected reports of the API');
        }
      } catch (error) {
        if (stopping.aborted) return false;
        isWhole = false;
        log.warn(
          { set: set.name, reason: reasonOf(error) },
          'the reports of the API are not all there, and are not posted',
        );
      }
    }
    return isWhole;
  }

  private async told(scanner: Scanner, file: string): Promise<Told> {
    const { api, stopping } = this.parts;
    const isBench = scanner === 'kube-bench';
    return {
      file,
      kubeconfig: this.plan.kubeconfig,
      context: this.plan.context,
      // In a pod it asks the API server itself, and knows the benchmarks of clouds by what that says.
      kubeVersion: isBench && !api.isOfPod ? versionForBench(await versionOf(api, stopping)) : null,
      benchmarks: isBench ? await benchmarksOf() : null,
    };
  }

  private async scan(scanner: Scanner): Promise<boolean> {
    const { deposit, clock, log, metrics, stopping } = this.parts;
    const { spool } = deposit;
    const file = `${spool.scratch()}.json`;
    const startedAt = new Date(clock.now());
    try {
      await runScanner(scanner, await this.told(scanner, file), { limit: spool.largest, signal: stopping });
      const prepared = await prepare(file, 'zstd', spool.scratchFolder);
      const { format, targets, saysWhen } = RUNS[scanner];
      const entry = await deposit.put(prepared, startedAt, {
        stream: `scanner/${scanner}`,
        origin: `scanner/${scanner}`,
        format,
        targets: targets(this.plan.nodeName),
        ...(saysWhen ? {} : { observedAt: startedAt.toISOString() }),
      });
      metrics.scannerRuns.inc({ scanner, outcome: 'done' });
      log.info({ report: entry.name, scanner, bytes: entry.size }, 'ran a scanner');
      return true;
    } catch (error) {
      if (stopping.aborted) return false;
      metrics.scannerRuns.inc({ scanner, outcome: 'failed' });
      log.error({ scanner, reason: reasonOf(error) }, 'could not run a scanner');
      return false;
    } finally {
      await rm(file, { force: true });
    }
  }
}

/** Distributions for which kube-bench has benchmarks of their own: it knows them by the whole version (`v1.33.4-eks-…`), which it has to find itself. */
const DISTRIBUTIONS = /[-+](?:eks|gke|aliyun|vmware|k3s|rke2r|rancher)/;

/** `1.34`. */
function versionForBench({ major, minor, gitVersion }: Awaited<ReturnType<typeof versionOf>>): string | null {
  const found = /^(\d+)\.(\d+)\+?$/.exec(`${major}.${minor}`);
  return found === null || DISTRIBUTIONS.test(gitVersion) ? null : `${found[1]}.${found[2]}`;
}

/** Words for a log: messages of ours and of the system, which name files and addresses, and never quote what was read. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message.slice(0, 500) : String(error).slice(0, 500);
}
