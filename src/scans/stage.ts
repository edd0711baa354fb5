import { createHash, type Hash } from 'node:crypto';
import { copyEvent } from '../events/staged-event.js';
import type { SecurityEvent } from '../events/event.js';
import { canonicalJson } from '../kernel/crypto/canonical-json.js';
import { CopyRows } from '../kernel/db/copy-rows.js';
import { copyResult } from '../results/copy.js';
import { targetId } from '../results/series.js';
import type { StagedCoverage } from '../results/staged.js';
import { copyFact } from '../results/staged-fact.js';
import {
  ReportFault,
  type CheckResult,
  type Coverage,
  type Fact,
  type Format,
  type ReportHead,
  type Rows,
  type Target,
} from './report.js';

/** What rows become, and so where they are copied to. */
export type RowKind = 'result' | 'fact' | 'event';

/** Rows of one kind, as COPY takes them. */
export interface RowChunk {
  kind: RowKind;
  bytes: Uint8Array;
  /** When the report says that it was so, as far as it was read by now. */
  observedAt: string | null;
  /** Some identity was given twice by now. */
  replaced: boolean;
}

/** A report in the shape of the store, but for its rows: what ends the way from the parser's thread. */
export interface StagedReport extends Omit<ReportHead, 'coverage'> {
  yields: Format['yields'];
  coverage: StagedCoverage[];
  /** Rows of each kind, each identity counted once. */
  totals: Readonly<Record<RowKind, number>>;
  /** Some identity was given twice: of its lines the last one stands. */
  replaced: boolean;
  /** Digest of all that is stored of the report but its instant: equal digests say the same. */
  digest: Uint8Array;
}

/** Raised whenever the same rows would be stored or closed otherwise than before. */
const LAYOUT = 2;

/** Bytes. Large enough to be few, small enough to be streamed. */
const CHUNK = 256 * 1024;
/** A row that is larger than what is left of a chunk is rare enough for its chunk to be copied. */
const ROOM = CHUNK - 4 * 1024;

/** Rows of one report at most, in bytes: one message over 100,000 resources becomes fifty times the report that said it. 1,000,000 usual results fit twice. */
const MAX_STAGED = 1024 * 1024 * 1024;

/** Turns the rows of a report into those of COPY while they are read. */
export class Stager implements Rows {
  private readonly totals = { result: 0, fact: 0, event: 0 };
  private readonly seen: StagedCoverage[] = [];
  private readonly sources = new Set<string>();
  private readonly hash: Hash = createHash('sha256');
  private last = { targetId: '', source: '' };
  private observedAt: string | null = null;
  private replaced = false;
  /** Of each kind apart: a format may tell of results and facts in turns, and each change of kind is a statement. */
  private readonly filling: Readonly<Record<RowKind, CopyRows>> = {
    result: new CopyRows(CHUNK),
    fact: new CopyRows(CHUNK),
    event: new CopyRows(CHUNK),
  };
  private staged = 0;

  constructor(private readonly send: (chunk: RowChunk) => void) {}

  observed(at: string | null): void {
    this.observedAt = at;
  }

  result(series: string, targetId: string, result: CheckResult, replaces: boolean): void {
    this.sees(targetId, result);
    copyResult(this.filling.result, series, targetId, result);
    this.count('result', replaces);
  }

  fact(series: string, targetId: string, fact: Fact, replaces: boolean): void {
    this.sees(targetId, fact);
    copyFact(this.filling.fact, { series, targetId, ...fact });
    this.count('fact', replaces);
  }

  event(event: SecurityEvent): void {
    copyEvent(this.filling.event, event);
    this.count('event', false);
  }

  /** The last rows leave; what is left to say. */
  finish({ coverage, ...head }: ReportHead, yields: Format['yields']): StagedReport {
    for (const kind of KINDS) this.flush(kind);
    const covered = coverage.map(stagedCoverage);
    const said = new Set(covered.map(({ targetId, source }) => `${targetId} ${source}`));
    const all = [...covered, ...this.seen.filter(({ targetId, source }) => !said.has(`${targetId} ${source}`))];
    // What the merge depends on beside the rows and the coverage: what absence may close, and how rows are written.
    this.hash.update(`${LAYOUT} ${yields.join(' ')} `);
    this.hash.update(
      canonicalJson(
        all.map((of) => ({
          ...of,
          checks: of.checks === null ? null : [...of.checks],
          silentPass: [...of.silentPass],
        })),
      ),
    );
    return { ...head, yields, coverage: all, totals: this.totals, replaced: this.replaced, digest: this.hash.digest() };
  }

  /** What a report says without saying that it covered it was seen, and no more: it closes nothing. */
  private sees(targetId: string, { target, source }: { target: Target; source: string }): void {
    if (targetId === this.last.targetId && source === this.last.source) return;
    this.last = { targetId, source };
    const key = `${targetId} ${source}`;
    if (this.sources.has(key)) return;
    this.sources.add(key);
    this.seen.push(stagedCoverage({ target, source, extent: 'partial', checks: null, silentPass: [] }));
  }

  private count(kind: RowKind, replaces: boolean): void {
    if (replaces) this.replaced = true;
    else this.totals[kind]++;
    if (this.filling[kind].written > ROOM) this.flush(kind);
  }

  private flush(kind: RowKind): void {
    const filling = this.filling[kind];
    if (filling.written === 0) return;
    this.staged += filling.written;
    if (this.staged > MAX_STAGED) {
      throw new ReportFault(
        'too-large',
        `The report’s rows are larger than ${MAX_STAGED} bytes. Post it in parts, with partial=true.`,
      );
    }
    const bytes = filling.take();
    this.hash.update(kind).update(bytes);
    this.send({ kind, bytes, observedAt: this.observedAt, replaced: this.replaced });
  }
}

const KINDS = ['result', 'fact', 'event'] as const satisfies readonly RowKind[];

const stagedCoverage = ({ target, source, extent, checks, silentPass }: Coverage): StagedCoverage => ({
  targetId: targetId(target.kind, target.name),
  targetKind: target.kind,
  targetName: target.name,
  source,
  complete: extent === 'complete',
  // In one order: whatever order tools list them in, it is the same list.
  checks: extent === 'complete' && checks !== null ? checks.toSorted() : null,
  silentPass: extent === 'complete' ? silentPass : [],
});
