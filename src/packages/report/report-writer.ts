import { Injectable } from '@nestjs/common';
import { Piscina } from 'piscina';
import type { Report } from './model.js';
import type { WrittenReport } from './report.thread.js';

/** A report whose lists are all full takes a third of it (decision 46); what takes more is a fault, and fails the package rather than the server. */
const HEAP_MEGABYTES = 512;
/** It takes some seconds. */
const TIME_LIMIT = 2 * 60_000;
/** Packages are asked for now and then: what the libraries take is given back. */
const IDLE = 30_000;

/**
 * Of the process, whatever is started and stopped in it: the thread takes a second of the processor before it is as fast as it gets, and holds nothing of who asked. It
 * keeps no process from its end.
 */
const pool = new Piscina<Report, WrittenReport>({
  filename: new URL('./report.thread.js', import.meta.url).href,
  minThreads: 0,
  maxThreads: 1,
  idleTimeout: IDLE,
  resourceLimits: { maxOldGenerationSizeMb: HEAP_MEGABYTES, maxYoungGenerationSizeMb: 32 },
});

/**
 * Writes reports in a thread. Laying out pages takes seconds of the processor without a pause, in which nobody else would be answered; and the libraries of charts and
 * pages, which nothing else needs, are loaded there alone, and go with it. One at a time: packages are built one after another.
 */
@Injectable()
export class ReportWriter {
  /** Fails where it needs more memory or time than a report is given. */
  write(report: Report): Promise<WrittenReport> {
    return pool.run(report, { signal: AbortSignal.timeout(TIME_LIMIT) });
  }
}
