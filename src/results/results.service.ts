import { Injectable } from '@nestjs/common';
import { Clock } from '../kernel/clock.js';
import type { Tx, WriteTx } from '../kernel/db/database.js';
import type { Instant } from '../kernel/http/instant.js';
import type { FactKind } from './fact.js';
import { FactsStore, type FactFilter, type FactPeriod, type FirstFact } from './facts.store.js';
import type { ListedFact } from './listed-fact.js';
import { MergeStore } from './merge.store.js';
import type { IntervalKind } from './merge.sql.js';
import type { MergeCounts, OpenedRows, StagedRows, StagedScan } from './staged.js';
import {
  ResultsStore,
  type CheckSummary,
  type CoverageSummary,
  type FailingResult,
  type ListedResult,
  type NamedResults,
  type ResultFilter,
} from './results.store.js';

/** More than a judge can hold. */
const MAX_OVERLAPPING = 20_000;

@Injectable()
export class ResultsService {
  constructor(
    private readonly merges: MergeStore,
    private readonly results: ResultsStore,
    private readonly facts: FactsStore,
    private readonly clock: Clock,
  ) {}

  /** Serialises the scans of a system until the transaction ends; gives the instant at which what this one says becomes known. */
  async lockSystem(tx: WriteTx, systemId: string): Promise<Date> {
    return (await this.merges.lockSystem(tx, systemId)).known;
  }

  /** The same, of a system that no scan has spoken of: then rows may be taken by `open`. Null of any other. */
  lockNewSystem(tx: WriteTx, systemId: string): Promise<Date | null> {
    return this.merges.lockNewSystem(tx, systemId);
  }

  /** After it, what was known at the instant is final: nothing under way or to come can still add to it. Refuses (`unavailable`) when that takes too long. */
  awaitMerges(tx: Tx, systemIds: readonly string[], knownAt: Date): Promise<void> {
    return this.merges.awaitMerges(tx, systemIds, knownAt);
  }

  /** What «now» means for a question about a system, or all: everything that has been told of it is known at it. */
  present(tx: Tx, systemId: string | null): Promise<Date> {
    return this.results.present(tx, systemId, this.clock.now());
  }

  /** By system (`systemId` null: each): the last instant at which a scan of it became known. */
  told(tx: Tx, systemId: string | null): Promise<ReadonlyMap<string, Date>> {
    return this.results.told(tx, systemId);
  }

  /** The first instant that a scan of the system saw which became known after `known` (null: ever); null where none did. */
  firstTold(tx: Tx, systemId: string, known: Date | null): Promise<Date | null> {
    return this.results.firstTold(tx, systemId, known);
  }

  /** The instants after one that scans of the system saw: between two of them nothing that they say changes. */
  observed(tx: Tx, systemId: string, after: Date): Promise<Date[]> {
    return this.results.observed(tx, systemId, after);
  }

  /** Copies rows to where `merge` takes them from, in the same transaction; it may be while they are still being made. `isLocked`: after `lockSystem`. */
  stage(tx: WriteTx, rows: AsyncIterable<StagedRows>, isLocked: boolean): Promise<void> {
    return this.merges.stage(tx, rows, isLocked);
  }

  /** The rows of a system's first scan become what is known of it while they are still being made. */
  open(
    tx: WriteTx,
    rows: AsyncIterable<StagedRows>,
    scan: Pick<StagedScan, 'systemId' | 'scanId' | 'observedAt'>,
    known: Date,
  ): Promise<OpenedRows> {
    return this.merges.open(tx, rows, scan, known);
  }

  /** Merges what was staged. `kinds`: what the scan speaks of, be it by its absence; the counts come in their order. */
  merge(tx: WriteTx, scan: StagedScan, kinds: readonly IntervalKind[], known: Date): Promise<MergeCounts[]> {
    return this.merges.merge(tx, scan, kinds, known);
  }

  repeat(
    tx: WriteTx,
    scan: { systemId: string; scanId: string; evidenceId: string; observedAt: Date },
    earlierScanId: string,
    known: Date,
  ): Promise<boolean> {
    return this.merges.repeat(tx, scan, earlierScanId, known);
  }

  /** Scans that what is known of a system at an instant rests on: that first told of what is so, last saw it, or last showed it completely. */
  async scansBehind(tx: Tx, systemId: string, instant: Instant): Promise<string[]> {
    const named = await this.results.scansNamed(tx, systemId, instant);
    const coverage = await this.results.coverage(tx, systemId, instant);
    const seeing = await this.results.scansSeeing(tx, systemId, instant);
    return [...new Set([...named, ...seeing, ...coverage.map(({ scanId }) => scanId)])];
  }

  findResults(tx: Tx, systemId: string, instant: Instant, filter: ResultFilter): Promise<ListedResult[]> {
    return this.results.list(tx, systemId, instant, filter);
  }

  /** Which of the named results of a system fail at an instant. */
  findFailing(tx: Tx, systemId: string, instant: Instant, named: NamedResults): Promise<FailingResult[]> {
    return this.results.failing(tx, systemId, instant, named);
  }

  findHistory(tx: Tx, systemId: string, series: string, limit: number): Promise<ListedResult[]> {
    return this.results.history(tx, systemId, series, limit);
  }

  findFacts(tx: Tx, systemId: string, instant: Instant, filter: FactFilter): Promise<ListedFact[]> {
    return this.facts.list(tx, systemId, instant, filter);
  }

  /** Of each of the kinds one fact that is so, where there is one. */
  firstFacts(tx: Tx, systemId: string, instant: Instant, kinds: readonly FactKind[]): Promise<FirstFact[]> {
    return this.facts.firstOf(tx, systemId, instant, kinds);
  }

  /** Facts of these kinds that were so at some instant of a period, with every interval of it. More than 20,000 are an error, never a list that ends early. */
  async findFactsOverlapping(
    tx: Tx,
    systemId: string,
    kinds: readonly FactKind[],
    period: FactPeriod,
  ): Promise<ListedFact[]> {
    const found = await this.facts.overlapping(tx, systemId, kinds, period, MAX_OVERLAPPING + 1);
    if (found.length > MAX_OVERLAPPING) throw new Error(`more than ${MAX_OVERLAPPING} facts were asked for at once`);
    return found;
  }

  findFactHistory(tx: Tx, systemId: string, series: string, limit: number): Promise<ListedFact[]> {
    return this.facts.history(tx, systemId, series, limit);
  }

  /** `phiNamespaces` and `accepted` (series of results that people have accepted) only count; they filter nothing. */
  summarise(
    tx: Tx,
    systemId: string,
    instant: Instant,
    phiNamespaces: readonly string[],
    accepted: readonly string[] = [],
  ): Promise<CheckSummary[]> {
    return this.results.summarise(tx, systemId, instant, phiNamespaces, accepted);
  }

  findCoverage(tx: Tx, systemId: string, instant: Instant): Promise<CoverageSummary[]> {
    return this.results.coverage(tx, systemId, instant);
  }
}
