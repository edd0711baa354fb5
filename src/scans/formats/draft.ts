import type { CheckResult, CheckStatus, Coverage, Declared, Report, Target } from '../report.js';
import { BOUNDS, ReportFault } from '../report.js';
import type { Fields } from './fields.js';
import { fieldsOf, Unreadable } from './fields.js';

/** Worst first: of two results of one check on one resource the worse one stands. */
const WORST: readonly CheckStatus[] = ['fail', 'error', 'warn', 'manual', 'skip', 'pass'];

/** What a part of a report is about, if that is known where it turns out to be unreadable. */
export interface Scope {
  target: Target;
  source: string;
}

/**
 * A report being written. It keeps what every format would otherwise have to remember: bounds on each row, one row per check and resource, and
 * that what could not be read is not closed.
 */
export class Draft {
  toolVersion: string | null = null;
  observedAt: string | null = null;
  clusterName: string | null = null;

  readonly #results: CheckResult[] = [];
  readonly #coverage = new Map<string, Coverage>();
  /** Of each target and source: check → resource → position among the results. Nested, so that a row costs no joined key. */
  readonly #positions = new Map<string, Map<string, Map<string, number>>>();
  readonly #rejects: Report['rejects'] = [];
  readonly #notes: string[] = [];
  readonly #targets = new Set<string>();
  #rejected = 0;
  #duplicates = 0;
  /** Scopes that hold something unreadable; null: it could have been of any. */
  #unreadable: Set<string> | null = new Set();

  constructor(
    readonly format: string,
    readonly tool: string,
    readonly declared: Declared,
  ) {}

  get size(): number {
    return this.#results.length;
  }

  /** Says that the scan looked at a source of a target. Said again, the sums of what was looked at and the more careful extent stand. */
  cover(coverage: Coverage): void {
    const key = this.#scope(coverage);
    const before = this.#coverage.get(key);
    if (!before) {
      this.#coverage.set(key, coverage);
      return;
    }
    if (coverage.extent === 'partial') before.extent = 'partial';
    before.checks =
      before.checks === null || coverage.checks === null ? null : [...new Set([...before.checks, ...coverage.checks])];
    before.silentPass = [...new Set([...before.silentPass, ...coverage.silentPass])];
  }

  note(text: string): void {
    if (!this.#notes.includes(text)) this.#notes.push(text);
  }

  reject(pointer: string, reason: string, scope: Scope | null): void {
    this.#rejected++;
    if (this.#rejects.length < BOUNDS.rejects) this.#rejects.push({ pointer, reason });
    if (scope === null) this.#unreadable = null;
    else this.#unreadable?.add(this.#scope(scope));
  }

  /** Reads each of the values; one that cannot be read becomes a reject of the scope and the others are read on. */
  rows(
    values: readonly unknown[],
    pointer: string,
    scope: Scope | null,
    read: (row: Fields, pointer: string) => void,
  ): void {
    for (const [index, value] of values.entries()) {
      this.attempt(`${pointer}/${index}`, scope, (at) => read(fieldsOf(value), at));
    }
  }

  /** Reads one part of the document; if it cannot be read, it becomes a reject of the scope. */
  attempt(pointer: string, scope: Scope | null, read: (pointer: string) => void): void {
    try {
      read(pointer);
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
      this.reject(pointer + error.at, error.reason, scope);
    }
  }

  /** Takes a row. Throws `Unreadable` where what identifies it does not fit. */
  add(result: CheckResult): void {
    identity(result.check, 'check id', BOUNDS.check);
    identity(result.resource, 'resource', BOUNDS.resource);
    if (result.namespace !== null) identity(result.namespace, 'namespace', 253);
    const scope = this.#scope(result);
    let checks = this.#positions.get(scope);
    if (!checks) this.#positions.set(scope, (checks = new Map<string, Map<string, number>>()));
    let resources = checks.get(result.check);
    if (!resources) checks.set(result.check, (resources = new Map<string, number>()));

    result.title = prose(result.title, BOUNDS.title);
    result.message = prose(result.message, BOUNDS.message);
    const position = resources.get(result.resource);
    if (position === undefined) {
      if (this.#results.length >= BOUNDS.results) {
        throw new ReportFault('too-many-results', `A report may hold ${BOUNDS.results} results; post it in parts.`);
      }
      resources.set(result.resource, this.#results.length);
      this.#results.push(result);
      return;
    }
    this.#duplicates++;
    const before = this.#results[position];
    if (before && WORST.indexOf(result.status) < WORST.indexOf(before.status)) this.#results[position] = result;
  }

  /** The report. Throws `ReportFault` empty-report where nothing was looked at. */
  finish(): Report {
    const coverage = [...this.#coverage.values()];
    if (coverage.length === 0 && this.#results.length === 0 && this.#rejected === 0) {
      throw new ReportFault(
        'empty-report',
        'The report does not show that anything was scanned, so it proves nothing.',
      );
    }
    for (const covered of coverage) {
      const unreadable = this.#unreadable === null || this.#unreadable.has(this.#scope(covered));
      if (this.declared.partial || unreadable) covered.extent = 'partial';
      if (covered.extent === 'partial') {
        covered.checks = null;
        covered.silentPass = [];
      }
    }
    const notes = [...this.#notes];
    if (this.#duplicates > 0) {
      notes.push(`${this.#duplicates} results repeat a check on the same resource; the worst of each stands.`);
    }
    if (this.#rejected > this.#rejects.length) notes.push(`${this.#rejected} parts could not be read.`);
    return {
      format: this.format,
      tool: this.tool,
      toolVersion: this.toolVersion === null ? null : prose(this.toolVersion, 100),
      observedAt: this.observedAt,
      clusterName: this.clusterName === null ? null : prose(this.clusterName, BOUNDS.title),
      coverage,
      results: this.#results,
      rejects: this.#rejects,
      notes,
    };
  }

  #scope({ target, source }: Scope): string {
    const key = `${target.kind}/${target.name}`;
    if (!this.#targets.has(key)) {
      identity(target.name, 'target name', BOUNDS.targetName);
      if (this.#targets.size >= BOUNDS.targets) {
        throw new ReportFault('too-many-targets', `A report may be about ${BOUNDS.targets} targets.`);
      }
      this.#targets.add(key);
    }
    return `${key}\n${source}`;
  }
}

/** What identifies a row is taken whole or not at all: cut or mended, it could be mistaken for another. */
function identity(value: string, what: string, bound: number): void {
  if (value === '') throw new Unreadable('', `the ${what} is empty`);
  if (value.length > bound) throw new Unreadable('', `the ${what} is longer than ${bound} characters`);
  if (!isStorable(value)) throw new Unreadable('', `the ${what} holds NUL or half a surrogate pair`);
}

export function isStorable(value: string): boolean {
  return value.isWellFormed() && !value.includes('\0');
}

/** What people read: NUL and lone surrogates, which the database refuses, become U+FFFD; what is too long is cut. */
function prose(value: string, bound: number): string {
  let cut = value;
  if (value.length > bound) {
    const last = value.charCodeAt(bound - 2);
    const splitsPair = last >= 0xd800 && last <= 0xdbff;
    cut = `${value.slice(0, splitsPair ? bound - 2 : bound - 1)}…`;
  }
  return isStorable(cut) ? cut : cut.toWellFormed().replaceAll('\0', '\ufffd');
}
