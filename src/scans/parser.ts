import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Piscina } from 'piscina';
import { Slots } from '../kernel/slots.js';
import type { ParseOutcome, ParseTask } from './parse.thread.js';

/** A parser's thread may hold this much, and no more, whatever the report does; 256 MiB of JSON need about 1.5 GB as objects. */
const HEAP_MEGABYTES = 2_048;
/** 256 MiB parse in some 10 s; what takes this long is an attack on the parser or a machine that cannot. */
const TIME_LIMIT = 120_000;
const THREADS = 2;
/** More waiting reports than this are told to come back. */
const MAX_WAITING = 64;

/** Parses reports in threads of their own. */
@Injectable()
export class Parser implements OnApplicationShutdown {
  private readonly slots = new Slots(THREADS, MAX_WAITING);
  private readonly pool = new Piscina<ParseTask, ParseOutcome>({
    filename: new URL('./parse.thread.js', import.meta.url).href,
    minThreads: 0,
    maxThreads: THREADS,
    idleTimeout: 30_000,
    // A parse is one burst of allocation: a small young generation would be collected dozens of times over it.
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MEGABYTES, maxYoungGenerationSizeMb: 128 },
  });

  /** `read` is called, and the time limit begins, only when a thread is free: a report that waits holds no memory and loses no time. */
  parse(read: () => Promise<Uint8Array>, options: Omit<ParseTask, 'bytes'>): Promise<ParseOutcome | 'limit'> {
    return this.slots.run(async () => {
      const bytes = await read();
      try {
        return await this.pool.run(
          { ...options, bytes },
          { transferList: [bytes.buffer as ArrayBuffer], signal: AbortSignal.timeout(TIME_LIMIT) },
        );
      } catch (error) {
        if (overLimit(error)) return 'limit';
        throw error;
      }
    });
  }

  /** When the server has closed: what was under way has been answered. */
  async onApplicationShutdown(): Promise<void> {
    await this.pool.close();
  }
}

const overLimit = (error: unknown): boolean =>
  error instanceof Error &&
  (error.name === 'AbortError' || ('code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY'));
