/** Why something is on the work list. */
export const WORK_KINDS = ['missing', 'stale', 'failing', 'expiring', 'due', 'waiting'] as const;
export type WorkKind = (typeof WORK_KINDS)[number];

/** So many statements of one kind posture tells of a need in their words; the others it counts. */
export const TOLD_IN_WORDS = 3;

/**
 * What a judge says of a practice or an item of the law because of records and facts. A judge's rule is a pure function of what was in effect at an instant;
 * what it cannot read is failing or not said, never met.
 */
export interface Statement {
  about: { practice: string } | { control: string };
  /** The record type that it speaks of; null: of the practice or item itself. */
  need: string | null;
  /** That something is missing is said by nobody's saying anything. */
  says: 'met' | 'stale' | 'failing';
  /** One sentence; names the type and, where it fails, the record's natural key. No names of people. */
  reason: string;
  /** Of how many it speaks, where a judge has more to say than anybody reads; left out: of one. */
  alike?: number;
  /** Ids of records, and series of results or facts, behind it. */
  records: readonly string[];
  series: readonly string[];
  /** Of what instant it is. */
  at: Date;
  /** When age or a date alone ends it; null: nothing of that sort does. */
  until: Date | null;
  /** When a date alone may change it, and may as well leave it as it is: then it is judged anew. What only ends so is nothing to renew. Left out: never. */
  again?: Date | null;
  work?: {
    kind: WorkKind;
    /** A member's id. */
    ownerId: string | null;
    dueAt: Date | null;
  };
}
