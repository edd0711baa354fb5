import type { GrowingEvidence } from '../evidence/growing-evidence.js';
import type { Ahead } from '../evidence/intake.js';
import type { Reading } from './conclusion.js';
import type { ReadingAsk, Readings } from './readings.js';

/** A large report that is read while it comes, where a thread has nothing else to do: half of what reading costs is over when all of it is there. Taken once, or closed. */
export class EarlyReading {
  private evidence: GrowingEvidence | null = null;
  /** Null where nothing was begun, or what was begun is of no use. */
  private reading: Promise<Reading | null> = Promise.resolve(null);

  constructor(
    private readonly readings: Readings,
    private readonly ask: ReadingAsk,
  ) {}

  readonly begin: Ahead = (evidence, opened) => {
    const begun = this.readings.beginEarly(evidence, opened, this.ask);
    if (begun === null) {
      void opened.release();
      return;
    }
    this.evidence = evidence;
    // What kept it from being read is found again by whoever reads it when it is there.
    this.reading = begun.catch(() => null);
  };

  /** Null also of what was given up meanwhile: its rows are not all of them. */
  async take(): Promise<Reading | null> {
    const { reading: begun, evidence } = this;
    this.reading = Promise.resolve(null);
    const reading = await begun;
    if (reading === null || evidence?.unwanted.aborted !== true) return reading;
    if ('parsing' in reading) reading.parsing.close();
    return null;
  }

  /** Nobody will take it any more. */
  close(): void {
    this.evidence?.drop();
    void this.take();
  }
}
