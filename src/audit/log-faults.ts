import { Inject, Injectable } from '@nestjs/common';
import type { Logger } from 'pino';
import { Database, type Tx, type WriteTx } from '../kernel/db/database.js';
import { newId } from '../kernel/ids.js';
import { LOGGER } from '../kernel/logger.js';
import { servicePrincipal, type Principal } from '../kernel/principal.js';
import { LogFaultsStore, type Fault, type FoundBy } from './log-faults.store.js';

/** No head of the log is signed: what is kept here is not what it has signed, or not what was kept outside. It has been logged, and said where people look. */
export class LogRefused extends Error {
  override readonly name = 'LogRefused';

  constructor(readonly fault: Omit<Fault, 'since'>) {
    super(`${fault.origin}: ${fault.reason}`);
  }
}

/** As it is said to people. */
export const sayFault = ({ origin, foundBy, reason }: Omit<Fault, 'since'>): string =>
  `what is kept here of ${origin} is not ${SHOULD_BE[foundBy]} (${reason})`;

/** Remembers of which logs no head is signed. */
@Injectable()
export class LogFaults {
  /** What has been logged of which log. */
  private readonly told = new Map<string, string>();

  constructor(
    @Inject(LOGGER) private readonly logger: Logger,
    private readonly database: Database,
    private readonly store: LogFaultsStore,
  ) {}

  /** Of a generation of logs; of those, where origins are named. */
  of(tx: Tx, generation: number, origins: readonly string[] | null = null): Promise<Fault[]> {
    return this.store.of(tx, generation, origins);
  }

  /** When a look begins, by the database's clock, which all servers have; asked before anything of it is read. */
  begin(principal: Principal): Promise<Date> {
    return this.database.read(principal, (tx) => this.store.present(tx));
  }

  /**
   * Of a look that finds whatever may be wrong: writes down and throws what it has found; where that is nothing, and something was written down before it `began`, it is over.
   * What somebody else has found since it may not have seen.
   */
  async require(
    generation: number,
    origin: string,
    foundBy: FoundBy,
    { reason, began }: { reason: string | null; began: Date },
  ): Promise<void> {
    if (reason !== null) await this.refuse(generation, origin, foundBy, reason);
    if (!(await this.isKnown(generation, origin, foundBy))) return;
    const isOver = await this.write((tx) => this.store.clear(tx, generation, { origin, foundBy }, began));
    if (!isOver) return;
    this.told.delete(`${foundBy} ${origin}`);
    this.logger.warn({ origin }, `the log is ${SHOULD_BE[foundBy]} again`);
  }

  /** Writes down and throws what was found by the way. */
  async refuse(generation: number, origin: string, foundBy: FoundBy, reason: string): Promise<never> {
    const fault = { origin, foundBy, reason };
    const isKnown = await this.isKnown(generation, origin, foundBy);
    if (!isKnown) await this.write((tx) => this.store.add(tx, generation, fault));
    const name = `${foundBy} ${origin}`;
    // Once: it stays so for long, and is looked at often. Another server may have found that it was over, and now it is not.
    if (!isKnown || this.told.get(name) !== reason) {
      this.logger.error({ origin, reason }, `the log is not ${SHOULD_BE[foundBy]}: no head of it is signed`);
    }
    this.told.set(name, reason);
    throw new LogRefused(fault);
  }

  private async isKnown(generation: number, origin: string, foundBy: FoundBy): Promise<boolean> {
    const faults = await this.database.read(faultsPrincipal(), (tx) => this.store.of(tx, generation, [origin]));
    return faults.some((fault) => fault.foundBy === foundBy);
  }

  private write<T>(work: (tx: WriteTx) => Promise<T>): Promise<T> {
    return this.database.write(faultsPrincipal(), (tx) => {
      tx.withoutAudit(
        'whether heads are signed is no change of an organisation; it is logged, and said by the log itself',
      );
      return work(tx);
    });
  }
}

const SHOULD_BE: Readonly<Record<FoundBy, string>> = {
  here: 'what it has signed',
  outside: 'what was kept outside',
};

const faultsPrincipal = (): Principal => servicePrincipal('log-faults', null, newId());
