/** What a version of a record points at. Systems are its place, not links. */
export const LINK_KINDS = [
  'practice',
  'control',
  'record',
  'evidence',
  'series',
  'namespace',
  'check',
  'event',
] as const;
export type LinkKind = (typeof LINK_KINDS)[number];

export interface RecordLink {
  kind: LinkKind;
  /** An id; of a namespace `<system>/<name>`, of a check `<source>/<id>`. */
  target: string;
  /** Why, or where in the document; may be empty. */
  note: string;
}

/** The system of a namespace that a link points at. */
export const systemOf = ({ target }: Pick<RecordLink, 'target'>): string => target.split('/')[0] ?? '';

export interface RecordDocument {
  evidenceId: string;
  role: string;
  name: string;
}

/** A document as a version keeps it. */
export interface KeptDocument extends RecordDocument {
  /** RFC 3339, UTC. */
  addedAt: string;
  addedBy: string;
}

/** A version of a record that is in effect at an instant: what judges read. */
export interface EffectiveRecord {
  id: string;
  version: number;
  type: string;
  /** One record of its type has it; empty where the type has no key. */
  naturalKey: string;
  /** Of a type that wants one for each (vendor, person, key …): for which. */
  subject: string | null;
  title: string;
  /** A member's id. */
  ownerId: string;
  /** Empty: the whole organisation. */
  systemIds: readonly string[];
  fields: Readonly<Record<string, unknown>>;
  effectiveFrom: Date;
  /** When it ends whatever its age. It is in effect afterwards too, until a later version stands over it, so that it can be called expired. */
  expiresAt: Date | null;
  /** From when its age counts. */
  goodFrom: Date;
  outcome: string | null;
  /** The outcome is one that its type calls failing. */
  fails: boolean;
  links: readonly RecordLink[];
  documents: readonly RecordDocument[];
  /** Since when it is known. */
  decidedAt: Date;
  /** Its record was disposed of: title, key, subject and fields are empty. What it evidenced it did evidence. */
  disposed: boolean;
}

/** A record in effect that some of the given evidence documents. */
export interface DocumentedRecord {
  id: string;
  type: string;
  /** Practices and controls that it is about. */
  about: readonly string[];
  /** Those of the given evidence. */
  evidenceIds: readonly string[];
}

/** With who stands for it: two people at least. */
export interface ApprovedRecord extends EffectiveRecord {
  documents: readonly KeptDocument[];
  /** Ids of principals. */
  submittedBy: string;
  decidedBy: string;
}

/** A version that was in effect within a period and was no longer at its end. */
export interface PastRecord extends ApprovedRecord {
  /** When it ended, where it lasted longest. */
  endedAt: Date;
}

/** The last version of a record of which nothing is in effect any more. */
export interface EndedRecord extends EffectiveRecord {
  endedAt: Date;
}

/** Which records in effect: all of the given conditions at once. */
export interface EffectiveFilter {
  types: readonly string[];
  /** Records of that system alone; left out: all of the organisation, of every place. */
  systemId?: string;
  keys?: readonly string[];
  subjects?: readonly string[];
  ids?: readonly string[];
  linkedTo?: { kind: LinkKind; target: string };
}

/** What is wanted of records of a type: that they are not older than so many days (null: of any age), and, where `about` is given, about one of these. */
export interface NeedLimit {
  type: string;
  days: number | null;
  /** Ids of practices or controls: an item and its ancestors. */
  about?: readonly string[];
}

/**
 * What the records in effect of one place say for one NeedLimit, without their fields. One whose age counts from later than the instant does not speak: what had yet
 * to be done showed nothing. For each subject one record speaks: of those that have not expired the one
 * whose age counts from the latest instant, else of the expired ones; of two of one instant the one that fails. A type that does not want one for each has one subject.
 */
export interface NeedSummary {
  limit: NeedLimit;
  /** A system, or null: the whole organisation. */
  systemId: string | null;
  /** How many speak; no summary is given where nobody does. */
  subjects: number;
  /** How many of them have a failing outcome, of whatever age. */
  failing: number;
  /** How many of the others have expired. */
  expired: number;
  /** How many of the others are not older than the limit's days. `subjects` = failing + expired + fresh + too old. */
  fresh: number;
  /** Of those neither failing nor expired: from when the youngest and the oldest count; null where there are none. */
  newestGoodFrom: Date | null;
  oldestGoodFrom: Date | null;
  /** When the first of those neither failing nor expired expires. */
  firstExpires: Date | null;
  /** From when on nobody speaks for any of the subjects, because of ends that are decided on already; null where somebody will. */
  endsAt: Date | null;
  /** At most five of those that speak: failing ones first, then expired ones, then the oldest. */
  records: readonly string[];
}
