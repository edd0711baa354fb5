import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { Piscina } from 'piscina';
import { Refusal } from '../kernel/http/problem.js';
import type { ParseOutcome, ParseTask } from './parse.thread.js';

/** A parser's thread may hold this much, and no more, whatever the report does; 256 MiB of JSON need about 1.5 GB as objects. */
const HEAP_MEGABYTES = 2_048;
/** 256 MiB parse in some 10 s; what takes this long is an attack on the parser or a machine that cannot. */
const TIME_LIMIT = 120_000;
/** More waiting reports than this are told to come back: each of them holds its bytes in memory. */
const MAX_WAITING = 16;

/** Parses reports in threads of their own. */
@Injectable()
export class Parser implements OnModuleDestroy {
  private readonly pool = new Piscina<ParseTask, ParseOutcome>({
    filename: new URL('./parse.thread.js', import.meta.url).href,
    minThreads: 0,
    maxThreads: 2,
    idleTimeout: 30_000,
    maxQueue: MAX_WAITING,
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MEGABYTES },
  });

  async parse(task: ParseTask): Promise<ParseOutcome | 'limit'> {
    if (this.pool.queueSize >= MAX_WAITING) {
      throw new Refusal('too-many-requests', 'Too many reports are being read. Post again later.', {
        headers: { 'Retry-After': '5' },
      });
    }
    try {
      return await this.pool.run(task, {
        transferList: [task.bytes.buffer as ArrayBuffer],
        signal: AbortSignal.timeout(TIME_LIMIT),
      });
    } catch (error) {
      if (overLimit(error)) return 'limit';
      throw error;
    }
  }

  async onModuleDestroy(): Promise<void> {
    await this.pool.destroy();
  }
}

const overLimit = (error: unknown): boolean =>
  error instanceof Error &&
  (error.name === 'AbortError' || ('code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY'));
