import { readFileSync } from 'node:fs';
import { destination, type Logger, pino } from 'pino';
import type { AgentOptions } from '../bin/agent-options.js';
import { exitCode, Failure } from '../bin/client/failure.js';
import { Client } from '../bin/client/http.js';
import { withScratch } from '../bin/client/scratch.js';
import { setExit } from '../bin/client/terminal.js';
import { printable } from '../bin/client/text.js';
import { tokenSource } from '../bin/client/tokens.js';
import { version } from '../bin/client/version.js';
import { KINDS } from '../checks/kinds.js';
import { openServer } from '../bin/options.js';
import { ApiServer, configuration } from './api-server.js';
import { realClock } from './clock.js';
import { Collector, type Parts, type Plan, reasonOf } from './collector.js';
import { Deposit } from './deposit.js';
import { dryRun } from './dry-run.js';
import { DropFolder } from './drop-folder.js';
import { lock } from './lock.js';
import { Metrics, serveMetrics } from './metrics.js';
import { Poster } from './poster.js';
import { makeFolder, Spool } from './spool.js';
import { Signer } from './statement.js';

/** After SIGTERM: what is posted has this long to end. Kubernetes kills after thirty seconds. */
const GRACE = 20_000;

/** `safeguard agent`: collects and posts, until it is told to stop or, with --once, once. */
export async function runAgent(options: AgentOptions): Promise<void> {
  const api = new ApiServer(configuration(options.kubeconfig, options.context), realClock);
  const plan: Plan = {
    kinds: KINDS.filter(({ resource, group }) => !isExcluded(options.exclude, resource, group)),
    clusterName: options.clusterName ?? null,
    reports: options.reports,
    run: options.run,
    nodeName: options.nodeName,
    kubeconfig: options.kubeconfig ?? null,
    context: options.context ?? null,
    interval: options.interval,
    runInterval: options.runInterval,
  };
  const { stopping, halted } = signals();
  if (options.dryRun) {
    await withScratch(async (scratch) => {
      const isComplete = await dryRun({
        ...plan,
        api,
        clock: realClock,
        signal: stopping,
        scratch,
        largest: options.spoolLimit / 2,
        output: options.output,
      });
      if (!isComplete) setExit(exitCode.refused);
    });
    return;
  }
  const { organization, system } = options;
  if (organization === undefined || system === undefined) {
    throw new Failure(
      exitCode.usage,
      'which system of which organisation is this cluster?',
      'name them with --organization and --system, or SAFEGUARD_ORGANIZATION and SAFEGUARD_SYSTEM',
    );
  }
  if (plan.interval < 60_000 && !options.once) {
    throw new Failure(
      exitCode.usage,
      '--interval is at least a minute',
      'a snapshot asks the API server for all it has',
    );
  }
  const server = await openServer(options);
  const signer = options.signKey === undefined ? null : Signer.fromFile(options.signKey);
  const log = pino(
    { level: options.logLevel, base: { name: 'safeguard-agent', version } },
    destination({ fd: 1, sync: true }),
  );
  const metrics = new Metrics();
  await lockSpool(options.spool, log);
  const spool = await openSpool(options, log, metrics);
  metrics.watch(spool);
  const deposit = new Deposit(spool, realClock, signer);
  const parts: Parts = {
    api,
    deposit,
    clock: realClock,
    log,
    metrics,
    stopping,
    dropFolder: options.dropFolder === undefined ? null : new DropFolder(options.dropFolder, deposit, log, metrics),
  };
  const collector = new Collector(plan, parts);
  const client = new Client(server, tokenSource(server, options.tokenFile, 0), 0, {
    product: 'safeguard-agent',
    signal: halted,
    ...(options.caFile === undefined ? {} : { ca: authoritiesOf(options.caFile) }),
  });
  const poster = new Poster({ client, organization, system, spool, clock: realClock, log, metrics, stopping });
  log.info(
    { server: server.origin, kinds: plan.kinds.length, waiting: spool.count, signingKey: signer?.keyId ?? null },
    'the agent starts',
  );
  if (options.once) await once(collector, poster, spool, stopping, options.retryFor);
  else await forever(collector, poster, parts, options.metricsPort);
  log.info({ waiting: spool.count }, 'the agent ends');
}

async function forever(
  collector: Collector,
  poster: Poster,
  { metrics, stopping }: Parts,
  port: number,
): Promise<void> {
  const serving = port === 0 ? null : await serveMetrics(metrics, port, () => collector.standstill());
  try {
    await Promise.all([collector.run(), collector.watch(), poster.run()]);
    stopping.throwIfAborted();
  } catch (error) {
    if (!stopping.aborted) throw error;
  } finally {
    serving?.close();
    serving?.closeAllConnections();
  }
}

async function once(
  collector: Collector,
  poster: Poster,
  spool: Spool,
  stopping: AbortSignal,
  retryFor: number,
): Promise<void> {
  // What the last run left goes meanwhile: a collection that takes all the time that a run has would else keep it here for ever.
  const [isCollected] = await Promise.all([collectOnce(collector), poster.drain(realClock.now())]);
  const isPosted = await poster.drain(realClock.now() + retryFor);
  if (stopping.aborted) return;
  if (!isPosted && spool.count > 0) {
    throw new Failure(
      exitCode.unreachable,
      `${spool.count} reports wait in the spool: ${poster.setback ?? 'no time was left'}`,
      'the next run posts them; see that the server can be reached and takes the token',
    );
  }
  if (!isCollected || poster.refused > 0) setExit(exitCode.refused);
}

async function collectOnce(collector: Collector): Promise<boolean> {
  const isTaken = await collector.takeDropped();
  return (await collector.collect()) && isTaken;
}

/** One agent to a spool. */
async function lockSpool(directory: string, log: Logger): Promise<void> {
  let isOurs: boolean;
  try {
    await makeFolder(directory);
    isOurs = await lock(directory);
  } catch (error) {
    // That the folder is of no use at all is told when it is opened.
    log.warn({ reason: reasonOf(error) }, 'the spool cannot be locked: see that no second agent works on it');
    return;
  }
  if (!isOurs) {
    throw new Failure(
      exitCode.refused,
      `another agent works on the spool ${printable(directory, 300)}`,
      'let it end, or give this one a folder of its own with --spool',
    );
  }
}

async function openSpool({ spool, spoolLimit }: AgentOptions, log: Logger, metrics: Metrics): Promise<Spool> {
  try {
    return await Spool.open(spool, spoolLimit, {
      dropped({ name, stream }) {
        metrics.dropped.inc();
        log.warn({ report: name, stream }, 'the spool is full: a report was dropped that a later one replaces');
      },
      damaged(name) {
        metrics.setAside.inc();
        log.error({ report: name }, 'a report in the spool is damaged: it lies in refused/');
      },
      forgotten(name) {
        log.warn({ report: name }, 'an old refused report was deleted');
      },
    });
  } catch (error) {
    throw new Failure(
      exitCode.usage,
      `the spool ${printable(spool, 300)} cannot be used: ${reasonOf(error)}`,
      'give a folder that the agent may write to with --spool',
    );
  }
}

function authoritiesOf(file: string): string {
  let pem: string;
  try {
    pem = readFileSync(file, 'utf8');
  } catch (error) {
    throw new Failure(exitCode.usage, `--ca-file cannot be read: ${reasonOf(error)}`);
  }
  // What is no certificate would leave the public authorities in force.
  if (!pem.includes('-----BEGIN CERTIFICATE-----'))
    throw new Failure(exitCode.usage, '--ca-file has no certificate in PEM');
  return pem;
}

function isExcluded(excluded: readonly string[], resource: string, group: string): boolean {
  return (
    excluded.includes(resource) ||
    excluded.includes(`${resource}.${group}`) ||
    (group !== '' && excluded.includes(group))
  );
}

/** `stopping`: begin nothing more. `halted`: end what is under way too. A second signal ends it at once. */
function signals(): { stopping: AbortSignal; halted: AbortSignal } {
  const stop = new AbortController();
  const halt = new AbortController();
  const stopped = (): void => {
    if (stop.signal.aborted) halt.abort();
    stop.abort();
    setTimeout(() => halt.abort(), GRACE).unref();
  };
  process.on('SIGTERM', stopped);
  process.on('SIGINT', stopped);
  return { stopping: stop.signal, halted: halt.signal };
}
