import { Injectable } from '@nestjs/common';
import type { GrowingEvidence } from '../evidence/growing-evidence.js';
import type { OpenedEvidence } from '../evidence/evidence-file.js';
import { Clock } from '../kernel/clock.js';
import { Presumed, Unfit, type Reading } from './conclusion.js';
import { judge } from './judgement.js';
import { Parser, type ParseAsk, type Parsing } from './parser.js';
import type { Declaration, ScanProblem } from './scan.entity.js';

/** How a report is to be read, and what was declared of it. */
export type ReadingAsk = ParseAsk & { declared: Declaration };

/** Reads reports and has what they say written, whoever asks for it: a poster, the queue, or rules that have changed. */
@Injectable()
export class Readings {
  constructor(
    private readonly parser: Parser,
    private readonly clock: Clock,
  ) {}

  /** Begins to read a report. What it says wrongly may be known at once, or only when its rows were taken. */
  async begin(size: number, open: () => Promise<Uint8Array | OpenedEvidence>, ask: ReadingAsk): Promise<Reading> {
    return this.judged(await this.parser.parse(size, open, ask), ask);
  }

  /** The same of a large report that is still coming; null where no thread is free for it. */
  beginEarly(evidence: GrowingEvidence, opened: OpenedEvidence, ask: ReadingAsk): Promise<Reading> | null {
    return this.parser.parseEarly(evidence, opened, ask)?.then((parsing) => this.judged(parsing, ask)) ?? null;
  }

  private judged(parsing: Parsing, { declared }: ReadingAsk): Reading {
    if (parsing.early === null) return { parsing };
    const judged = judge(parsing.early, declared, this.clock.now());
    if (!('problem' in judged)) return { parsing };
    parsing.close();
    return judged;
  }

  /** Writes what was read; what turns out to be otherwise on the way is written anew, as what it is. `known`: what need not be read. */
  async write<T>(
    read: () => Promise<Reading>,
    write: (reading: Reading) => Promise<T>,
    known: Reading | null = null,
  ): Promise<T> {
    const reading = known ?? (await read());
    let problem: ScanProblem | null = null;
    try {
      return await write(reading);
    } catch (error) {
      if (!(error instanceof Unfit || error instanceof Presumed)) throw error;
      if (error instanceof Unfit) problem = error.problem;
    } finally {
      // Before it is read again, which may have to wait for the very thread that this reading has.
      if ('parsing' in reading) reading.parsing.close();
    }
    return problem === null ? this.write(async () => patient(await read()), write) : write({ problem });
  }
}

/** Nothing is taken for granted of it. */
const patient = (reading: Reading): Reading => ('parsing' in reading ? { ...reading, isPatient: true } : reading);
