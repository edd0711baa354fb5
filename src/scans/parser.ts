import { createHash } from 'node:crypto';
import { MessageChannel } from 'node:worker_threads';
import { Piscina } from 'piscina';
import type { SnapshotRules } from '../checks/snapshot-rules.js';
import type { GrowingEvidence } from '../evidence/growing-evidence.js';
import type { OpenedEvidence } from '../evidence/evidence-file.js';
import { HELD_CONTENT } from '../evidence/intake.js';
import { IntegrityError } from '../kernel/crypto/integrity-error.js';
import { buffersPassed } from '../kernel/memory.js';
import { busy, Room, Slots } from '../kernel/slots.js';
import {
  UNWANTED,
  type Corrupt,
  type ParsedTogether,
  type ParseMessage,
  type ParseOutcome,
  type ParseTask,
  type Tried,
  type TryTask,
} from './parse.thread.js';
import { isOverLimit, PARSER_MEMORY } from './parser-limits.js';
import { READER_REVISION } from './reader-revision.js';
import type { SigningTrust } from './signing-trust.js';
import type { RowChunk } from './stage.js';
import { WorkTime } from './work-time.js';

export const SIGNING_TRUST = Symbol('whose signatures are believed');

/**
 * 500 MB are read in some 10 s: what takes this long is an attack on the parser or a machine that cannot. The time in which rows wait to be taken does not
 * count: a report is not to blame for a database that is slow, or for other reports before it.
 */
export const TIME_LIMIT = 4 * 60_000;
/** Small reports do not wait behind large ones. */
const THREADS = { small: 2, large: 1 } as const;
/** 4 MiB of rows are ahead of the database at most. */
const MAX_UNDER_WAY = 16;
/** More waiting reports than this are told to come back. */
const MAX_WAITING = 256;
/**
 * Bytes of rows that have left their threads together and wait for the database, over all reports. A few kB by gzip can be reports of 50 MiB of rows each: who comes with
 * more than there is room for is told to come back. 128 times the rows of 5,000 results fit.
 */
const MAX_HELD_ROWS = 128 * 1024 * 1024;

/** A report that is being read: its rows come while it is, and what it turned out to be comes last. */
export interface Parsing {
  /** What came of it, if that is known before a row is taken: nearly every report's rows fit between the thread and us. */
  readonly early: ParseOutcome | 'limit' | null;
  /** When the report says that it was so, as far as that is known before a row is taken. */
  readonly observedAt: string | null;
  /** By what it was judged; null of what is no snapshot. Known when the outcome is. */
  readonly rules: SnapshotRules | null;
  /** To be taken once, to the end. */
  rows(): AsyncIterable<RowChunk>;
  /** Known when the rows were taken. */
  outcome(): Promise<ParseOutcome | 'limit'>;
  /** Gives back what it holds, a thread or memory, whether it was done or not. */
  close(): void;
}

/** How a report is to be read. */
export interface ParseAsk extends Pick<ParseTask, 'format' | 'declared'> {
  /** By what it is judged if it is a snapshot; asked for only then. */
  rules: () => Promise<SnapshotRules>;
}

/** Of the process, whatever is started and stopped in it: a thread takes a third of a second to load what reads, and holds nothing of what it read before. It keeps no process from its end. */
const pool = new Piscina<ParseTask | TryTask, ParsedTogether | Tried | Corrupt>({
  filename: new URL('./parse.thread.js', import.meta.url).href,
  minThreads: 0,
  maxThreads: THREADS.small + THREADS.large,
  idleTimeout: 30_000,
  resourceLimits: PARSER_MEMORY,
});

/** Parses reports in threads of their own. */
export class Parser {
  /** Changes when a reader does, or whom it believes: bytes that were read otherwise are read again. */
  readonly revision: string;
  private readonly slots = {
    small: new Slots(THREADS.small, MAX_WAITING),
    large: new Slots(THREADS.large, MAX_WAITING),
  };
  private readonly room = new Room(MAX_HELD_ROWS);

  /** `timeLimit`: milliseconds of one report's own. */
  constructor(
    private readonly trust: readonly SigningTrust[],
    private readonly timeLimit: number,
  ) {
    this.revision = createHash('sha256').update(READER_REVISION).update(JSON.stringify(trust)).digest('hex');
  }

  /**
   * Begins to read a report, and is back when what came of it is known, or when its rows have to be taken. `open` is called, and the time limit begins, only when a
   * thread is free: a report that waits holds no memory and loses no time.
   */
  async parse(size: number, open: () => Promise<Uint8Array | OpenedEvidence>, ask: ParseAsk): Promise<Parsing> {
    const slots = size <= HELD_CONTENT ? this.slots.small : this.slots.large;
    const started = Promise.withResolvers<Parsing>();
    slots
      .run(async () => {
        const content = await open();
        const together = 'file' in content ? null : await this.readTogether(content, ask);
        if (together !== null) {
          started.resolve(together);
          return;
        }
        await this.readStreaming(new RowStream(new WorkTime(this.timeLimit)), content, ask, started);
      })
      .catch((error: unknown) => started.reject(error as Error));
    return started.promise;
  }

  /**
   * Begins to read a large report while it comes; null where a thread has something else to do. It is given up where another report waits for the thread before it is kept: a slow
   * sender keeps nobody waiting, and neither does what may be refused. Its time counts from when all of it has come.
   */
  parseEarly(evidence: GrowingEvidence, opened: OpenedEvidence, ask: ParseAsk): Promise<Parsing> | null {
    const started = Promise.withResolvers<Parsing>();
    const ran = this.slots.large.runIdle(async (wanted) => {
      wanted.addEventListener('abort', () => evidence.giveUp());
      const stream = new RowStream(new WorkTime(this.timeLimit));
      stream.time.pause();
      // It may wait for its rows to be taken, and not for more to come.
      evidence.unwanted.addEventListener('abort', () => stream.refuse());
      void evidence.whole.then(() => stream.resume());
      await this.readStreaming(stream, opened, ask, started);
    });
    ran?.catch((error: unknown) => started.reject(error));
    return ran === null ? null : started.promise;
  }

  private async readStreaming(
    stream: RowStream,
    content: Uint8Array | OpenedEvidence,
    ask: ParseAsk,
    started: PromiseWithResolvers<Parsing>,
  ): Promise<void> {
    const ran = this.stream(stream, content, ask);
    try {
      await stream.settled();
      started.resolve(stream);
    } finally {
      // The thread is free only when it has ended, however that was.
      await ran;
    }
  }

  /** Few bytes, whose rows nearly always are few too; null where they have to leave while they are read. */
  private async readTogether(content: Uint8Array, { format, declared }: ParseAsk): Promise<Parsing | null> {
    const time = new WorkTime(this.timeLimit);
    try {
      const task: ParseTask = { format, declared, trust: this.trust, content, way: null };
      const parsed = (await pool.run(task, { signal: time.signal })) as ParsedTogether;
      return parsed && new HeldRows(parsed.chunks, parsed.outcome, this.room);
    } catch (error) {
      if (isOverLimit(error)) return new HeldRows([], 'limit', this.room);
      throw error;
    } finally {
      time.pause();
    }
  }

  private async stream(
    stream: RowStream,
    content: Uint8Array | OpenedEvidence,
    { rules, ...options }: ParseAsk,
  ): Promise<void> {
    const { port1, port2 } = new MessageChannel();
    const answered = new Int32Array(new SharedArrayBuffer(4));
    port1.on('message', (message: ParseMessage) => {
      if ('corrupt' in message) {
        const fault = new IntegrityError(message.corrupt);
        void damaged(content, fault).finally(() => stream.fail(fault));
      } else if (!('asks' in message)) stream.take(message);
      else {
        void stream.judgedBy(rules).then((found) => {
          if (found === null) return;
          // Sent before the thread is woken: it takes what has come by then.
          port1.postMessage(found);
          Atomics.store(answered, 0, 1);
          Atomics.notify(answered, 0);
        });
      }
    });
    try {
      await pool.run(
        {
          ...options,
          trust: this.trust,
          content: 'file' in content ? content.file : content,
          way: { port: port2, underWay: stream.underWay, maxUnderWay: MAX_UNDER_WAY, answered },
        },
        { transferList: [port2], signal: AbortSignal.any([stream.stop.signal, stream.time.signal]) },
      );
    } catch (error) {
      stream.fail(isOverLimit(error) ? 'limit' : error);
      port1.close();
    } finally {
      stream.ended();
      if ('file' in content) await content.release();
    }
  }

  /** What a snapshot's results would be by these rules: nothing is kept. 'limit' where it needs more time or memory than a report is given. */
  async tryOut(
    size: number,
    open: () => Promise<Uint8Array | OpenedEvidence>,
    ask: Pick<TryTask, 'declared' | 'rules' | 'most'>,
  ): Promise<Tried | 'limit'> {
    const slots = size <= HELD_CONTENT ? this.slots.small : this.slots.large;
    return slots.run(async () => {
      const content = await open();
      try {
        const task: TryTask = { ...ask, content: 'file' in content ? content.file : content };
        const signal = AbortSignal.timeout(this.timeLimit);
        const tried = (await pool.run(task, { name: 'tryOut', signal })) as Tried | Corrupt;
        if (!('corrupt' in tried)) return tried;
        const fault = new IntegrityError(tried.corrupt);
        await damaged(content, fault);
        throw fault;
      } catch (error) {
        if (isOverLimit(error)) return 'limit';
        throw error;
      } finally {
        if ('file' in content) await content.release();
      }
    });
  }
}

/** That is recorded before whoever waits is told. */
const damaged = async (content: Uint8Array | OpenedEvidence, fault: IntegrityError): Promise<void> => {
  if ('file' in content) await content.damaged?.(fault);
};

/** What a thread has sent. */
class HeldRows implements Parsing {
  /** A snapshot needs a way. */
  readonly rules = null;
  readonly observedAt = null;
  private held: number;

  constructor(
    private chunks: readonly RowChunk[],
    readonly early: ParseOutcome | 'limit',
    private readonly room: Room,
  ) {
    this.held = chunks.reduce((sum, { bytes }) => sum + bytes.length, 0);
    if (!room.take(this.held)) throw busy();
  }

  async *rows(): AsyncGenerator<RowChunk> {
    for (const chunk of this.chunks) {
      yield await Promise.resolve(chunk);
      // Nothing where its taker has freed it.
      buffersPassed(chunk.bytes.length);
    }
  }

  outcome(): Promise<ParseOutcome | 'limit'> {
    return Promise.resolve(this.early);
  }

  /** Its thread is free already. */
  close(): void {
    this.chunks = [];
    this.room.give(this.held);
    this.held = 0;
  }
}

/** What a thread sends, as it is asked for. */
class RowStream implements Parsing {
  early: ParseOutcome | 'limit' | null = null;
  rules: SnapshotRules | null = null;
  readonly underWay = new Int32Array(new SharedArrayBuffer(4));
  readonly stop = new AbortController();
  private readonly chunks: RowChunk[] = [];
  private end: { outcome: ParseOutcome | 'limit' } | { error: unknown } | null = null;
  private wake: () => void = () => undefined;
  private grace: NodeJS.Timeout | null = null;

  constructor(readonly time: WorkTime) {}

  get observedAt(): string | null {
    return this.chunks[0]?.observedAt ?? null;
  }

  take(message: RowChunk | ParseOutcome): void {
    if ('kind' in message) this.chunks.push(message);
    else this.end ??= { outcome: message };
    // The thread waits now, or has all but done so.
    if (this.chunks.length >= MAX_UNDER_WAY) this.time.pause();
    this.wake();
  }

  /** The thread stands still meanwhile, and is not to blame for it. Where the rules cannot be got, nothing is judged by none: the thread ends. */
  async judgedBy(get: () => Promise<SnapshotRules>): Promise<SnapshotRules | null> {
    this.time.pause();
    try {
      this.rules = await get();
      return this.rules;
    } catch (error) {
      this.fail(error);
      this.stop.abort();
      return null;
    } finally {
      this.resume();
    }
  }

  /** From now on it is the thread that is waited for, unless it waits itself for its rows to be taken. */
  resume(): void {
    if (this.end === null && this.chunks.length < MAX_UNDER_WAY) this.time.resume();
  }

  fail(reason: unknown): void {
    this.end ??= reason === 'limit' ? { outcome: 'limit' } : { error: reason };
    this.wake();
  }

  /** Until the outcome is known, or as many rows wait as may. */
  async settled(): Promise<void> {
    while (this.end === null && this.chunks.length < SETTLED) await this.change();
    if (this.end !== null) this.early = this.result();
  }

  async *rows(): AsyncGenerator<RowChunk> {
    for (;;) {
      const chunk = this.chunks.shift();
      if (chunk === undefined) {
        if (this.end !== null) return;
        await this.change();
        continue;
      }
      Atomics.sub(this.underWay, 0, 1);
      Atomics.notify(this.underWay, 0);
      this.resume();
      yield chunk;
      // Nothing where its taker has freed it.
      buffersPassed(chunk.bytes.length);
    }
  }

  async outcome(): Promise<ParseOutcome | 'limit'> {
    while (this.end === null) await this.change();
    return this.result();
  }

  /** A thread that is told so ends by itself with its next rows, and keeps what it has loaded and compiled. */
  refuse(): void {
    Atomics.store(this.underWay, 0, UNWANTED);
    Atomics.notify(this.underWay, 0);
  }

  /** One that has no rows soon is ended. */
  close(): void {
    if (this.end !== null || this.grace !== null) return;
    this.refuse();
    this.grace = setTimeout(() => this.stop.abort(), GRACE);
  }

  /** The thread has something else to do. */
  ended(): void {
    this.time.pause();
    if (this.grace !== null) clearTimeout(this.grace);
  }

  private result(): ParseOutcome | 'limit' {
    if (this.end === null) throw new Error('the report is still being read');
    if ('error' in this.end) throw this.end.error;
    return this.end.outcome;
  }

  private change(): Promise<void> {
    return new Promise((resolve) => (this.wake = resolve));
  }
}

/** Milliseconds: a report makes a chunk of rows in some ten of them. */
const GRACE = 250;

/** Chunks of rows for which nobody waits any longer whether more come. */
const SETTLED = 4;
