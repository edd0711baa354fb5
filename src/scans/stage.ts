import { createHash, type Hash } from 'node:crypto';
import { eventLine } from '../events/staged-event.js';
import type { SecurityEvent } from '../events/event.js';
import { canonicalJson } from '../kernel/crypto/canonical-json.js';
import { copyLine } from '../results/copy.js';
import { targetId } from '../results/series.js';
import type { StagedCoverage } from '../results/staged.js';
import { factLine } from '../results/staged-fact.js';
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

/** Lines of COPY text of one kind. */
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
const LAYOUT = 1;

/** Bytes. Large enough to be few, small enough to be streamed. */
const CHUNK = 256 * 1024;
/** Bytes that UTF-8 needs for a unit of UTF-16, at most. */
const WIDEST = 3;

/** COPY text of one report at most, in bytes: one message over 100,000 resources becomes fifty times the report that said it. 1,000,000 usual results fit twice. */
const MAX_STAGED = 1024 * 1024 * 1024;

/** Turns the rows of a report into COPY text while they are read. */
export class Stager implements Rows {
  private readonly totals = { result: 0, fact: 0, event: 0 };
  private readonly seen: StagedCoverage[] = [];
  private readonly sources = new Set<string>();
  private readonly hash: Hash = createHash('sha256');
  private last = { targetId: '', source: '' };
  private observedAt: string | null = null;
  private replaced = false;
  /** Of each kind apart: a format may tell of results and facts in turns, and each change of kind is a statement. */
  private readonly filling: Readonly<Record<RowKind, Filling>> = {
    result: { bytes: NOTHING, length: 0 },
    fact: { bytes: NOTHING, length: 0 },
    event: { bytes: NOTHING, length: 0 },
  };
  private staged = 0;

  constructor(private readonly send: (chunk: RowChunk) => void) {}

  observed(at: string | null): void {
    this.observedAt = at;
  }

  result(series: string, targetId: string, result: CheckResult, replaces: boolean): void {
    this.sees(targetId, result);
    this.line('result', copyLine(series, targetId, result), replaces);
  }

  fact(series: string, targetId: string, fact: Fact, replaces: boolean): void {
    this.sees(targetId, fact);
    this.line('fact', factLine({ series, targetId, ...fact }), replaces);
  }

  event(event: SecurityEvent): void {
    this.line('event', eventLine(event), false);
  }

  /** The last lines leave; what is left to say. */
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

  private line(kind: RowKind, line: string, replaces: boolean): void {
    const filling = this.filling[kind];
    const room = line.length * WIDEST;
    if (filling.length + room > filling.bytes.length) {
      this.flush(kind);
      filling.bytes = Buffer.allocUnsafeSlow(Math.max(CHUNK, room));
    }
    // Written line by line: put together as one text first, they would be copied twice.
    filling.length += filling.bytes.write(line, filling.length, 'utf8');
    if (replaces) this.replaced = true;
    else this.totals[kind]++;
  }

  private flush(kind: RowKind): void {
    const filling = this.filling[kind];
    if (filling.length === 0) return;
    this.staged += filling.length;
    if (this.staged > MAX_STAGED) {
      throw new ReportFault(
        'too-large',
        `The report’s rows are larger than ${MAX_STAGED} bytes. Post it in parts, with partial=true.`,
      );
    }
    const bytes = filling.bytes.subarray(0, filling.length);
    this.hash.update(kind).update(bytes);
    filling.bytes = NOTHING;
    filling.length = 0;
    this.send({ kind, bytes, observedAt: this.observedAt, replaced: this.replaced });
  }
}

/** A chunk that is not full yet. */
interface Filling {
  bytes: Buffer;
  length: number;
}

const NOTHING = Buffer.alloc(0);
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
