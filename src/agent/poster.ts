import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import type { Logger } from 'pino';
import { type Scan, scanSchema } from '../bin/client/answers.js';
import { Failure, Transient } from '../bin/client/failure.js';
import { type Client, type Query } from '../bin/client/http.js';
import { lacksTime, type Problem, Refused } from '../bin/client/problem.js';
import { isEnded, scanCall, scansOf } from '../bin/client/scans.js';
import { systemOf } from '../bin/client/scope.js';
import { printable } from '../bin/client/text.js';
import { backoff, type Clock } from './clock.js';
import type { Metrics } from './metrics.js';
import type { Entry, Spool } from './spool.js';

export interface Posting {
  client: Client;
  organization: string;
  system: string;
  spool: Spool;
  clock: Clock;
  log: Logger;
  metrics: Metrics;
  /** Nothing more is begun. */
  stopping: AbortSignal;
}

/** Pauses between tries: within seconds after a restart of the server, every five minutes through an outage of days. */
const FIRST_PAUSE = 1_000;
const LONGEST_PAUSE = 5 * 60_000;
/** How long the end of a report that is in custody already is waited for. */
const SETTLING = 15 * 60_000;

/** Not about the report: it is not who we are, where we post to, or busy. */
const WAITING: ReadonlySet<number> = new Set([401, 403, 404, 408, 409, 425, 429]);
/** Of these the server speaks when bytes got lost on the way. */
const CUT = /\/(?:digest-mismatch|truncated-body|malformed-encoding)$/;

/** Nothing that comes will make it whole again. */
const DAMAGED: Problem = {
  type: 'about:blank',
  title: 'The spool was damaged: the file is not what its manifest says.',
};

/** Why a report is still here, and when to try again. */
interface Setback {
  message: string;
  /** Whether only this report is concerned, so that the others can go on. */
  ofReport: boolean;
  /** Somebody has to do something: it is said loudly. */
  needsPeople: boolean;
  after: number | undefined;
}

/**
 * Posts what is spooled, the oldest first. A report leaves the spool when the server says that it has it, or, in words of its own, that it will never take it. Anything
 * else is tried again without end: a network that is gone, a server that is busy or fails, a token that is refused, a proxy that answers in the server's place.
 */
export class Poster {
  private room: string | null = null;
  private readonly late = new Map<string, { tries: number; since: number; pause: number }>();
  private readonly withElse = new Set<string>();
  /** Reports that the server refused for good. */
  refused = 0;
  /** What the last try met; null after a success. */
  setback: string | null = null;

  constructor(private readonly of: Posting) {}

  /** Posts until it is stopped. */
  async run(): Promise<void> {
    const { spool, stopping } = this.of;
    try {
      for (;;) {
        await spool.filled(stopping);
        await this.drain(Infinity);
      }
    } catch (error) {
      if (!stopping.aborted) throw error;
    }
  }

  /** Posts until the spool is empty (true), or it is stopped or too late (false). `until`: milliseconds since 1970. */
  async drain(until: number): Promise<boolean> {
    const { spool, clock, stopping } = this.of;
    let tries = 0;
    while (!this.isStopped()) {
      if (spool.count === 0) return true;
      const entry = this.next();
      let pause = entry === null ? this.untilNext() : 0;
      if (entry !== null) {
        const setback = await spool.holding(entry, () => this.attempt(entry));
        if (setback === null) {
          tries = 0;
          continue;
        }
        if (this.isStopped()) return false;
        if (setback.ofReport) this.postpone(entry, setback.after);
        else pause = backoff(clock, tries++, { first: FIRST_PAUSE, longest: LONGEST_PAUSE, after: setback.after });
        this.tell(entry, setback, pause);
      }
      if (clock.now() + pause > until) return false;
      await clock.pause(pause, stopping).catch(() => undefined);
    }
    return false;
  }

  private isStopped(): boolean {
    return this.of.stopping.aborted;
  }

  /** The oldest that is not postponed. */
  private next(): Entry | null {
    return this.of.spool.byAge.find(({ name }) => this.left(name) <= 0) ?? null;
  }

  private untilNext(): number {
    return Math.max(0, Math.min(...this.of.spool.byAge.map(({ name }) => this.left(name))));
  }

  /** How long a report is still postponed. Not at all where the clock was set back: by it the pause may be over long since. */
  private left(name: string): number {
    const late = this.late.get(name);
    const passed = this.of.clock.now() - (late?.since ?? 0);
    return late === undefined || passed < 0 ? 0 : late.pause - passed;
  }

  private postpone({ name }: Entry, after: number | undefined): void {
    const { clock } = this.of;
    const tries = (this.late.get(name)?.tries ?? -1) + 1;
    const pause = backoff(clock, tries, { first: FIRST_PAUSE, longest: LONGEST_PAUSE, after });
    this.late.set(name, { tries, since: clock.now(), pause });
  }

  /** Posts one report. Null: it is out of the spool. Whatever happens to one, a disk that is full too, the others go on. */
  private async attempt(entry: Entry): Promise<Setback | null> {
    try {
      return await this.decide(entry);
    } catch (error) {
      return setbackOf(error);
    }
  }

  private async decide(entry: Entry): Promise<null> {
    const { spool, log, metrics, clock } = this.of;
    try {
      if ((await sizeOf(entry.file)) !== entry.size) return await this.giveUp(entry, DAMAGED, null);
      const scan = await this.post(entry);
      if (scan.status === 'refused') return await this.giveUp(entry, scan.problem ?? { type: 'about:blank' }, scan.id);
      await spool.remove(entry);
      metrics.posts.inc({ outcome: scan.duplicate === true ? 'duplicate' : 'posted' });
      metrics.lastPost.set(clock.now() / 1_000);
      log.info(
        {
          report: entry.name,
          stream: entry.stream,
          bytes: entry.size,
          scan: printable(scan.id, 40),
          status: printable(scan.status, 20),
          counts: scan.counts,
        },
        scan.duplicate === true ? 'the server had this report already' : 'posted a report',
      );
      // It was taken, and somebody should look: two clusters that post as one system, say, which judge each other's objects away.
      for (const { code, detail } of scan.flags ?? []) {
        log.warn(
          {
            report: entry.name,
            scan: printable(scan.id, 40),
            flag: printable(code, 100),
            detail: printable(detail, 300),
          },
          'the service finds the report suspicious',
        );
      }
      this.succeeded(entry);
      return null;
    } catch (error) {
      if (error instanceof Refused && isDefinite(error)) return await this.giveUp(entry, error.problem, null);
      if (error instanceof Refused && CUT.test(error.problem.type) && (await digestOf(entry.file)) !== entry.digest) {
        return await this.giveUp(entry, DAMAGED, null);
      }
      throw error;
    }
  }

  private succeeded({ name }: Entry): void {
    this.late.delete(name);
    this.withElse.delete(name);
    this.setback = null;
    this.of.metrics.denied.set(0);
  }

  private async giveUp(entry: Entry, problem: Problem, scan: string | null): Promise<null> {
    const { spool, log, metrics } = this.of;
    await spool.setAside(entry, { ...problem, report: entry.name, origin: entry.origin, scan });
    metrics.posts.inc({ outcome: 'refused' });
    metrics.setAside.inc();
    this.refused += 1;
    // The detail may quote the report; it lies beside it.
    log.error(
      {
        report: entry.name,
        stream: entry.stream,
        type: printable(problem.type, 200),
        status: problem.status,
        requestId: problem.requestId,
      },
      'a report will never be taken: it lies in refused/ of the spool, with the reason',
    );
    this.succeeded(entry);
    return null;
  }

  /** The scan, when it has ended; or as far as it is when it takes too long, for its bytes are in custody. */
  private async post(entry: Entry): Promise<Scan> {
    const { client, organization, system } = this.of;
    if (this.room === null) {
      this.room = scansOf(organization, await systemOf(client, organization, system));
    }
    const scan = await this.settled(this.room, await this.sent(this.room, entry));
    // How it ends, and whether it has to be sent otherwise, is for the next run: the same post finds the same scan.
    if (!isEnded(scan) && this.isStopped()) throw new Transient('stopped before the service had read it');
    if (scan.status !== 'refused' || !this.wantsElse(entry, scan.problem)) return scan;
    return this.settled(this.room, await this.sent(this.room, entry));
  }

  private async sent(room: string, entry: Entry): Promise<Scan> {
    const query: Query = {
      format: entry.format ?? undefined,
      observedAt: entry.observedAt ?? (this.withElse.has(entry.name) ? entry.observedAtElse : undefined),
      partial: entry.partial ? 'true' : undefined,
      targets: entry.targets,
    };
    const headers =
      entry.signature === null ? {} : { 'safeguard-signature': `:${Buffer.from(entry.signature).toString('base64')}:` };
    try {
      return (await this.of.client.readOnce(scanSchema, scanCall(room, query, entry, { async: true, headers }))).value;
    } catch (error) {
      if (!(error instanceof Refused && this.wantsElse(entry, error.problem))) throw error;
      return this.sent(room, entry);
    }
  }

  /** The report turned out to have no time of its own: it is as of when it was found. True once. */
  private wantsElse(entry: Entry, problem: Problem | null | undefined): boolean {
    if (!lacksTime(problem) || entry.observedAt !== null || this.withElse.has(entry.name)) return false;
    this.withElse.add(entry.name);
    return true;
  }

  private async settled(room: string, posted: Scan): Promise<Scan> {
    const { client, clock, stopping } = this.of;
    const until = clock.now() + SETTLING;
    let scan = posted;
    for (let tries = 0; !isEnded(scan) && clock.now() < until && !stopping.aborted; tries++) {
      await clock.pause(backoff(clock, tries, { first: 500, longest: 15_000 }), stopping).catch(() => undefined);
      try {
        const at = `${room}/${encodeURIComponent(posted.id)}`;
        scan = {
          ...(await client.readOnce(scanSchema, { method: 'GET', path: at })).value,
          duplicate: posted.duplicate,
        };
      } catch (error) {
        // It is kept by the server; only how it ended is not known.
        if (error instanceof Refused) return posted;
      }
    }
    return scan;
  }

  private tell(entry: Entry, { message, needsPeople, ofReport }: Setback, pause: number): void {
    const { log, metrics } = this.of;
    this.setback = message;
    metrics.posts.inc({ outcome: needsPeople ? 'denied' : 'retry' });
    metrics.denied.set(needsPeople ? 1 : 0);
    log[needsPeople ? 'error' : 'warn'](
      { report: entry.name, reason: message, seconds: Math.round(pause / 1_000), waiting: this.of.spool.count },
      ofReport ? 'could not post a report; others go first' : 'could not post; trying again',
    );
  }
}

/** The server said no, by itself (a proxy writes no problem document), and would again. */
function isDefinite({ status, problem }: Refused): boolean {
  return (
    status >= 400 && status < 500 && !WAITING.has(status) && problem.type !== 'about:blank' && !CUT.test(problem.type)
  );
}

function setbackOf(error: unknown): Setback {
  const after = error instanceof Transient ? error.after : undefined;
  const common = { after, ofReport: false, needsPeople: false };
  if (error instanceof Transient) return { ...common, message: error.message, ofReport: error.ofUpload };
  if (error instanceof Refused) {
    const message = printable(`${error.status} ${error.problem.title ?? error.problem.type}`, 200);
    // Who we are, and where we post to: so it is with every report. Anything else is perhaps with this one alone: the server fails at it, it is not done with the same
    // post, bytes got lost, or a proxy finds it too large.
    const ofReport = ![401, 403, 404, 425].includes(error.status);
    const mayPass = error.status >= 500 || [409, 425].includes(error.status) || CUT.test(error.problem.type);
    return { ...common, message, ofReport, needsPeople: !mayPass };
  }
  if (error instanceof Failure) {
    return {
      ...common,
      message: [error.message, error.next].filter((part) => part !== undefined).join('; '),
      needsPeople: true,
    };
  }
  return {
    ...common,
    message: printable(error instanceof Error ? error.message : String(error), 300),
    ofReport: true,
    needsPeople: true,
  };
}

/** Null: it is gone. */
async function sizeOf(file: string): Promise<number | null> {
  try {
    return (await stat(file)).size;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}

async function digestOf(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('base64');
}
