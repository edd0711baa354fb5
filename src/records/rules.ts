import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { RULE_SETS, type RuleSet } from '../catalog/rule-sets.js';
import type { Tx, WriteTx } from '../kernel/db/database.js';
import type { ProblemCode } from '../kernel/http/problem.js';
import type { EffectiveFilter, EffectiveRecord } from './effective.js';

/** A version that is to be submitted or approved, its fields checked against its type. */
export interface Candidate extends Omit<EffectiveRecord, 'decidedAt' | 'disposed'> {
  /** `end`: the record ends at `effectiveFrom`; its content is that of the version before. */
  kind: 'content' | 'end';
  /** Of an end. */
  reason: string | null;
}

/** A version of another record that is in effect at some instant from the candidate's `effectiveFrom` on, by what is known now. */
export interface Neighbour extends EffectiveRecord {
  /** When a later version stands over it or it ends; null: nothing does. */
  effectiveTo: Date | null;
}

export interface ApprovedVersion extends Candidate {
  /** Since when it is known. */
  knownAt: Date;
}

export interface RecordFault {
  /** Into the record, as it is sent: `/fields/endsOn`. */
  pointer: string;
  detail: string;
  /** Where it is another problem than `record-refused`. */
  code?: ProblemCode;
  /** Further members of the problem: ids to look up. */
  extra?: Readonly<Record<string, unknown>>;
}

/** What the schema of a type's fields cannot say. Asked at submission, and again at approval under the organisation's lock. */
export interface RecordRules {
  /** Which other records the faults depend on, such as all agreements of the same vendor. */
  neighbours(candidate: Candidate): EffectiveFilter[];
  faults(candidate: Candidate, neighbours: readonly Neighbour[], now: Date): RecordFault[];
  /** The same of what other rooms know: systems, results. */
  examine?(tx: Tx, candidate: Candidate, now: Date): Promise<RecordFault[]>;
  /** What the approval has to write besides, in its transaction. */
  approved?(tx: WriteTx, version: ApprovedVersion): Promise<void>;
}

/** The rules by the names that record types give them. Rooms add theirs when their module starts; the program does not start without all of them. */
@Injectable()
export class RecordRulesRegistry implements OnApplicationBootstrap {
  private readonly sets = new Map<RuleSet, RecordRules>();

  /** When all modules have started: a type whose rules nobody has added would be found out by the first person who submits a record of it. */
  onApplicationBootstrap(): void {
    const missing = RULE_SETS.filter((name) => !this.sets.has(name));
    if (missing.length > 0) throw new Error(`nobody has added the rules ${missing.join(', ')}`);
  }

  add(name: RuleSet, rules: RecordRules): void {
    if (!RULE_SETS.includes(name)) throw new Error(`no record type may name the rules ${name}`);
    if (this.sets.has(name)) throw new Error(`the rules ${name} are there already`);
    this.sets.set(name, rules);
  }

  get(name: RuleSet): RecordRules {
    const rules = this.sets.get(name);
    if (rules === undefined) throw new Error(`nobody has added the rules ${name}`);
    return rules;
  }
}
