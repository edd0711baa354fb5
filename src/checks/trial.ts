import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Piscina } from 'piscina';
import { Refusal } from '../kernel/http/problem.js';
import { Slots } from '../kernel/slots.js';
import type { TrialFault } from './trial.thread.js';

/** Compiling takes milliseconds, and so do the examples of an honest check. */
const TIME_LIMIT = 10_000;
const HEAP_MEGABYTES = 192;
const MAX_WAITING = 32;
/** Of a definition as JSON. The catalogue's largest has half of that; all of an organisation's are read for each of its snapshots. */
const MAX_CHARACTERS = 65_536;
/** Faults that are told at once. */
const MAX_FAULTS = 20;

/** Tries checks before anything is judged by them: whether they compile, and whether their examples come out as they say. */
@Injectable()
export class CheckTrial implements OnApplicationShutdown {
  private readonly slots = new Slots(1, MAX_WAITING);
  private readonly pool = new Piscina<unknown, TrialFault[]>({
    filename: new URL('./trial.thread.js', import.meta.url).href,
    minThreads: 0,
    maxThreads: 1,
    idleTimeout: 30_000,
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MEGABYTES, maxYoungGenerationSizeMb: 16 },
  });

  /** Refuses (`check-refused`) what cannot be judged by, with the place of each fault. `pointer`: where the definition stands in what was sent. */
  async require(definition: unknown, pointer = '/definition'): Promise<void> {
    if (JSON.stringify(definition).length > MAX_CHARACTERS) {
      throw new Refusal('check-refused', `A check has at most ${MAX_CHARACTERS} characters, with its examples.`, {
        pointer,
      });
    }
    const faults = (await this.slots.run(() => this.run(definition))).slice(0, MAX_FAULTS);
    const [first] = faults;
    if (first === undefined) return;
    throw new Refusal('check-refused', first.detail, {
      pointer: pointer + first.pointer,
      extra: {
        ...(first.line === null ? {} : { line: first.line, column: first.column }),
        faults: faults.map(({ pointer: at, ...fault }) => ({ pointer: pointer + at, ...fault })),
      },
    });
  }

  private async run(definition: unknown): Promise<TrialFault[]> {
    try {
      return await this.pool.run(definition, { signal: AbortSignal.timeout(TIME_LIMIT) });
    } catch (error) {
      if (!isOverLimit(error)) throw error;
      return [
        {
          pointer: '/examples',
          detail: 'The examples take more time or memory than a check is given.',
          line: null,
          column: null,
        },
      ];
    }
  }

  async onApplicationShutdown(): Promise<void> {
    await this.pool.close();
  }
}

const isOverLimit = (error: unknown): boolean =>
  error instanceof Error &&
  (error.name === 'AbortError' || ('code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY'));
