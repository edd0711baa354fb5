import { on } from 'node:events';
import { MessageChannel } from 'node:worker_threads';
import { Piscina } from 'piscina';
import { isOverLimit, PARSER_MEMORY } from '../scans/parser-limits.js';
import type { Declared } from '../scans/report.js';
import { pack } from './packed-bytes.js';
import type { Reread, RereadTask } from './reread.thread.js';
import type { SaidEvent, SaidRow } from './said.js';

/** Bytes of one report, packed: the largest that the service takes, where it comes to a quarter. */
const MAX_PACKED = 256 * 2 ** 20;
/** Milliseconds that are given, and for each megabyte. */
export interface Time {
  least: number;
  perMegabyte: number;
}

/** Of one report: fifty times what they were measured to need. */
const TIME: Time = { least: 60_000, perMegabyte: 1_000 };

/** Of the process: the thread takes a third of a second to load what reads, and holds nothing of what it read before. It keeps no process from its end. */
const pool = new Piscina<RereadTask, Reread>({
  filename: new URL('./reread.thread.js', import.meta.url).href,
  minThreads: 0,
  maxThreads: 1,
  idleTimeout: 30_000,
  resourceLimits: PARSER_MEMORY,
});

/** Reads reports once more, one after another, in a thread that has as much memory as the service's own readers have. */
export class Rereader {
  constructor(private readonly time: Time = TIME) {}

  /** `hear` is told what it says, as it is read. 'limit': it takes more time or memory than a report is given. */
  async read(
    content: AsyncIterable<Buffer>,
    ask: { format: string | undefined; declared: Declared },
    hear: (said: readonly (SaidRow | SaidEvent)[]) => void,
  ): Promise<Reread | 'limit'> {
    const report = await pack(content, MAX_PACKED);
    if (report === null) return 'limit';
    const { port1, port2 } = new MessageChannel();
    const underWay = new Int32Array(new SharedArrayBuffer(4));
    const stop = new AbortController();
    const limit = AbortSignal.timeout(this.time.least + Math.ceil(this.time.perMegabyte * (report.size / 1e6)));
    const reading = pool.run(
      { ...ask, report, port: port2, underWay },
      {
        transferList: [port2, ...report.blocks.map(({ buffer }) => buffer)],
        signal: AbortSignal.any([stop.signal, limit]),
      },
    );
    // Told when it is waited for.
    reading.catch(() => port1.close());
    try {
      for await (const [said] of on(port1, 'message', { close: ['close'] }) as AsyncIterable<
        [readonly (SaidRow | SaidEvent)[]]
      >) {
        hear(said);
        Atomics.sub(underWay, 0, 1);
        Atomics.notify(underWay, 0);
      }
      return await reading;
    } catch (error) {
      if (isOverLimit(error)) return 'limit';
      throw error;
    } finally {
      stop.abort();
      port1.close();
    }
  }
}
