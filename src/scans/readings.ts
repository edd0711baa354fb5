import { Injectable } from '@nestjs/common';
import type { OpenedEvidence } from '../evidence/intake.js';
import { Clock } from '../kernel/clock.js';
import { Presumed, Unfit, type Reading } from './conclusion.js';
import { judge } from './judgement.js';
import { Parser, type ParseAsk } from './parser.js';
import type { Declaration, ScanProblem } from './scan.entity.js';

/** Reads reports and has what they say written, whoever asks for it: a poster, the queue, or rules that have changed. */
@Injectable()
export class Readings {
  constructor(
    private readonly parser: Parser,
    private readonly clock: Clock,
  ) {}

  /** Begins to read a report. What it says wrongly may be known at once, or only when its rows were taken. */
  async begin(
    size: number,
    open: () => Promise<Uint8Array | OpenedEvidence>,
    ask: ParseAsk & { declared: Declaration },
  ): Promise<Reading> {
    const parsing = await this.parser.parse(size, open, ask);
    if (parsing.early === null) return { parsing };
    const judged = judge(parsing.early, ask.declared, this.clock.now());
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
