import { Injectable } from '@nestjs/common';
import { Piscina } from 'piscina';
import type { EvidenceFileRef } from '../evidence/evidence-file.js';
import { HELD_CONTENT } from '../evidence/intake.js';
import type { Door, Redaction, Watch } from '../evidence/redaction.js';
import { Refusal } from '../kernel/http/problem.js';
import { Slots } from '../kernel/slots.js';
import type { RedactOutcome, RedactTask } from './redact.thread.js';
import { Suspicion } from './redaction/suspicion.js';

/** YAML of the size that is taken needs this; JSON a tenth of it. */
const HEAP_MEGABYTES = 512;
/** A gigabyte of JSON is gone through in some ten seconds. */
const TIME_LIMIT = 2 * 60_000;
/** Small reports do not wait behind large ones. */
const THREADS = { small: 1, large: 1 } as const;
/** More waiting reports than this are told to come back. */
const MAX_WAITING = 256;

/** Of the process, as that of the readers. */
const pool = new Piscina<RedactTask, RedactOutcome>({
  filename: new URL('./redact.thread.js', import.meta.url).href,
  minThreads: 0,
  maxThreads: THREADS.small + THREADS.large,
  idleTimeout: 30_000,
  // What is read dies young, and a large young generation would be held for ever.
  resourceLimits: { maxOldGenerationSizeMb: HEAP_MEGABYTES, maxYoungGenerationSizeMb: 32 },
});

/** Finds in reports what must never be kept, before anything of them is. */
@Injectable()
export class Redactor implements Door {
  private readonly slots = {
    small: new Slots(THREADS.small, MAX_WAITING),
    large: new Slots(THREADS.large, MAX_WAITING),
  };

  watch(): Watch {
    return new Suspicion();
  }

  async inspect(size: number, content: Uint8Array | EvidenceFileRef): Promise<Redaction | null> {
    const slots = size <= HELD_CONTENT ? this.slots.small : this.slots.large;
    const outcome = await slots.run(() => this.run(content));
    if ('redaction' in outcome) return outcome.redaction;
    const { code, detail, place } = outcome.fault;
    const { pointer, ...where } = place;
    throw new Refusal(code === 'too-large' ? 'too-large' : 'report-refused', `${detail} ${NOT_KEPT}`, {
      ...(pointer === undefined ? {} : { pointer }),
      extra: { ...where, reason: code },
    });
  }

  private async run(content: RedactTask['content']): Promise<RedactOutcome> {
    try {
      return await pool.run({ content }, { signal: AbortSignal.timeout(TIME_LIMIT) });
    } catch (error) {
      if (!isOverLimit(error)) throw error;
      throw new Refusal('too-large', `The report needs more memory or time than a report is given. ${NOT_KEPT}`, {
        extra: { reason: 'parse-limit' },
      });
    }
  }
}

const NOT_KEPT = 'It may hold secrets, which could not be told from the rest: nothing of it was kept.';

const isOverLimit = (error: unknown): boolean =>
  error instanceof Error &&
  (error.name === 'AbortError' || ('code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY'));
