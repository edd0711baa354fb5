import type { SnapshotRules } from '../../checks/snapshot-rules.js';
import type { SecurityEvent } from '../../events/event.js';
import { hasSecretForm } from '../../checks/secret-text.js';
import { lazily } from '../../kernel/lazily.js';
import type * as fact from '../../results/fact.js';
import type { FactKind } from '../../results/fact.js';
import { factId, Places, seriesId, targetId as idOfTarget } from '../../results/series.js';
import type { CheckResult, CheckStatus, Coverage, Declared, Fact, ReportHead, Rows, Target } from '../report.js';
import { BOUNDS, ReportFault } from '../report.js';
import type { SigningTrust } from '../signing-trust.js';
import type { List } from '../text/lazy-list.js';
import type { Fields } from './fields.js';
import { fieldsOf, NAMELESS, step, Unreadable } from './fields.js';
import { SeenRows } from './seen-rows.js';

const facts = lazily(import.meta.url, '../../results/fact.js') as () => typeof fact;

/** Worst first: of two results of one check on one resource the worse one stands. */
const WORST: readonly CheckStatus[] = ['fail', 'error', 'warn', 'manual', 'skip', 'pass'];

/** Coverage as it grows: formats say it again with every row, and what adds nothing must cost nothing. */
interface CoveredScope extends Omit<Coverage, 'checks' | 'silentPass'> {
  checks: Set<string> | null;
  silentPass: Set<string>;
}

/** What a part of a report is about, if that is known where it turns out to be unreadable. */
export interface Scope {
  target: Target;
  source: string;
}

/**
 * A report being written. It keeps what every format would otherwise have to remember: bounds on each row, one row per check and resource, and
 * that what could not be read is not closed. Rows leave it at once, so that a report of any size is read in little memory.
 */
export class Draft {
  toolVersion: string | null = null;
  clusterName: string | null = null;
  clusterUid: string | null = null;
  clusterVersion: string | null = null;

  readonly #coverage = new Map<string, CoveredScope>();
  #covered = 0;
  #replaced = 0;
  readonly #places = new Places();
  readonly #results = new SeenRows();
  readonly #facts = new SeenRows();
  readonly #rejects: ReportHead['rejects'] = [];
  readonly #notes: string[] = [];
  /** Ids of the targets by kind and name. */
  readonly #targets = new Map<string, string>();
  #last: { target: Target | null; id: string } = { target: null, id: '' };
  #observedAt: string | null = null;
  #events = 0;
  #rejected = 0;
  #duplicates = 0;
  /** Scopes that hold something unreadable; null: it could have been of any. */
  #unreadable: Set<string> | null = new Set();

  constructor(
    readonly format: string,
    /** Formats that several tools write set it to the one that the report names. */
    public tool: string,
    readonly declared: Declared,
    readonly trust: readonly SigningTrust[],
    /** What snapshots are judged by: got when it is asked for, which few reports do. */
    readonly rules: () => SnapshotRules,
    private readonly sink: Rows,
  ) {}

  /** When it was so: said as soon as it is read, for where the rows go it may be good to know early. */
  get observedAt(): string | null {
    return this.#observedAt;
  }

  set observedAt(at: string | null) {
    this.#observedAt = at;
    this.sink.observed(at);
  }

  /** Rows so far. */
  get size(): number {
    return this.#results.size + this.#facts.size + this.#events;
  }

  /** Parts so far that could not be read. */
  get rejected(): number {
    return this.#rejected;
  }

  /**
   * Says that the scan looked at a source of a target. Said again, the sums of what was looked at and the more careful extent stand. Throws `Unreadable` where
   * the id of a check does not fit: no result has it, and what would be closed by it is not known.
   */
  cover({ target, source, extent, checks, silentPass }: Coverage): void {
    for (const check of checks ?? []) identity(check, 'check id', BOUNDS.check);
    const key = this.#scope({ target, source });
    let scope = this.#coverage.get(key);
    if (!scope) {
      scope = { target, source, extent, checks: checks === null ? null : new Set(), silentPass: new Set() };
      this.#coverage.set(key, scope);
    }
    if (extent === 'partial') scope.extent = 'partial';
    else if (source.split('/').includes(NAMELESS)) {
      scope.extent = 'partial';
      this.note('A source that bears no name closes nothing, for others may bear none.');
    }
    if (checks === null) scope.checks = null;
    for (const check of checks ?? []) {
      if (scope.checks === null || scope.checks.has(check)) continue;
      if (++this.#covered > BOUNDS.coveredChecks) {
        throw new ReportFault(
          'too-many-values',
          `A report may say of ${BOUNDS.coveredChecks} checks, over all of its targets, that it covered them.`,
        );
      }
      scope.checks.add(check);
    }
    for (const prefix of silentPass) scope.silentPass.add(prefix);
  }

  note(text: string): void {
    if (!this.#notes.includes(text)) this.#notes.push(text);
  }

  /** Says that the report itself tells that it is a part of something: it closes nothing. */
  cut(why: string): void {
    this.note(why);
    this.#unreadable = null;
  }

  reject(pointer: string, reason: string, scope: Scope | null): void {
    this.#rejected++;
    if (this.#rejects.length < BOUNDS.rejects) this.#rejects.push({ pointer, reason });
    if (scope === null) this.#unreadable = null;
    else this.#unreadable?.add(this.#scope(scope));
  }

  /** Reads each of the values; one that cannot be read becomes a reject of the scope and the others are read on. */
  rows(values: List, pointer: string, scope: Scope | null, read: (row: Fields, pointer: string) => void): void {
    let index = 0;
    for (const value of values) this.attempt(`${pointer}/${index++}`, scope, (at) => read(fieldsOf(value), at));
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

  /** Takes a check result. Throws `Unreadable` where what identifies it does not fit. */
  add(result: CheckResult): void {
    identity(result.check, 'check id', BOUNDS.check);
    identity(result.resource, 'resource', BOUNDS.resource);
    if (result.namespace !== null) identity(result.namespace, 'namespace', 253);
    const targetId = this.#idOf(result.target);
    const series = seriesId(targetId, result.source, result.check, result.resource, this.#places);
    const rank = WORST.indexOf(result.status);
    const before = this.#results.put(series, rank);
    if (before !== null) {
      this.#duplicates++;
      if (rank >= before) return;
    } else if (this.#results.size > BOUNDS.results) {
      throw new ReportFault('too-many-results', `A report may hold ${BOUNDS.results} results; post it in parts.`);
    }
    result.title = prose(this.#withoutSecret(result.title), BOUNDS.title);
    result.message = prose(this.#withoutSecret(result.message), BOUNDS.message);
    this.sink.result(series, targetId, result, before !== null);
  }

  /** Takes a fact. Throws `Unreadable` where what identifies it does not fit, or its value is not of its kind. */
  fact<Kind extends FactKind>(fact: Fact<Kind>): void {
    identity(fact.subject, 'subject', BOUNDS.resource);
    if (fact.namespace !== null) identity(fact.namespace, 'namespace', 253);
    const checked = facts().FACT_KINDS[fact.kind].safeParse(fact.value);
    if (!checked.success) {
      const [issue] = checked.error.issues;
      throw new Unreadable(
        '',
        `its ${fact.kind}${(issue?.path ?? []).map((name) => step(String(name))).join('')} cannot be kept`,
      );
    }
    const value = storable(checked.data) as Fact['value'];
    if (JSON.stringify(value).length > BOUNDS.factValue) {
      throw new Unreadable('', `what it says is longer than ${BOUNDS.factValue} characters`);
    }
    const targetId = this.#idOf(fact.target);
    const series = factId(targetId, fact.source, fact.kind, fact.subject, this.#places);
    const replaces = this.#facts.put(series, 0) !== null;
    if (replaces) {
      this.note('A fact is given twice; the last one stands.');
      if (++this.#replaced > BOUNDS.results) {
        throw new ReportFault('too-many-results', `A report may give ${BOUNDS.results} facts again; post it in parts.`);
      }
    }
    if (this.#facts.size > BOUNDS.results) {
      throw new ReportFault('too-many-results', `A report may hold ${BOUNDS.results} facts; post it in parts.`);
    }
    this.sink.fact(series, targetId, { ...fact, value }, replaces);
  }

  /** Takes an event. Throws `Unreadable` where what identifies it does not fit. */
  event(event: SecurityEvent): void {
    identity(event.id, 'event id', BOUNDS.check);
    if (++this.#events > BOUNDS.events) {
      throw new ReportFault('too-many-results', `A report may hold ${BOUNDS.events} events; post it in parts.`);
    }
    this.sink.event({
      ...event,
      actor: prose(event.actor, BOUNDS.title),
      action: prose(event.action, BOUNDS.title),
      resource: prose(event.resource, BOUNDS.resource),
      namespace: event.namespace === null ? null : prose(event.namespace, 253),
      sourceIp: prose(event.sourceIp, 100),
    });
  }

  /** The report. Throws `ReportFault` empty-report where nothing was looked at. */
  finish(): ReportHead {
    const coverage: Coverage[] = Array.from(this.#coverage.values(), ({ checks, silentPass, ...scope }) => ({
      ...scope,
      checks: checks === null ? null : [...checks],
      silentPass: [...silentPass],
    }));
    if (coverage.length === 0 && this.size === 0 && this.#rejected === 0) {
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
      tool: prose(this.tool, 100),
      toolVersion: this.toolVersion === null ? null : prose(this.toolVersion, 100),
      observedAt: this.observedAt,
      clusterName: this.clusterName === null ? null : prose(this.clusterName, BOUNDS.title),
      clusterUid: this.clusterUid === null ? null : prose(this.clusterUid, 100),
      ...(this.clusterVersion === null ? {} : { clusterVersion: this.clusterVersion }),
      coverage,
      rejects: this.#rejects,
      notes,
    };
  }

  /** Policies quote what they refuse, and what they refuse may be a secret. The evidence keeps the text, which few people read. */
  #withoutSecret(text: string): string {
    if (!hasSecretForm(text)) return text;
    this.note('Texts that have the form of a secret were dropped from results.');
    return '[dropped]';
  }

  #scope({ target, source }: Scope): string {
    return `${this.#idOf(target)} ${source}`;
  }

  #idOf(target: Target): string {
    // Most rows are of the target of the row before.
    if (target !== this.#last.target) this.#last = { target, id: this.#findId(target) };
    return this.#last.id;
  }

  #findId({ kind, name }: Target): string {
    const key = `${kind}/${name}`;
    const known = this.#targets.get(key);
    if (known !== undefined) return known;
    identity(name, 'target name', BOUNDS.targetName);
    if (this.#targets.size >= BOUNDS.targets) {
      throw new ReportFault('too-many-targets', `A report may be about ${BOUNDS.targets} targets.`);
    }
    const id = idOfTarget(kind, name);
    this.#targets.set(key, id);
    return id;
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

/** A fact's texts as the database can keep them. */
function storable(value: unknown): unknown {
  if (typeof value === 'string') return isStorable(value) ? value : value.toWellFormed().replaceAll('\0', '\ufffd');
  if (Array.isArray(value)) return value.map(storable);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [String(storable(key)), storable(member)]));
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
