import type {
  BASES,
  CONTROL_TYPES,
  ControlsFile,
  CrosswalkFile,
  FAMILIES,
  MappingFile,
  MATCHES,
  OverlayFile,
  PodSecurityFile,
  PracticesFile,
  SEVERITIES,
} from './catalog.schema.js';
import type { MappedCheck, Mapping } from './checks.mapping.js';
import type { TypeDefinition } from './record-type.js';

/** As its mapping file is called. */
export type Tool = string;
export type Family = (typeof FAMILIES)[number];
export type Basis = (typeof BASES)[number];
export type Severity = (typeof SEVERITIES)[number];

/** One paragraph of 45 CFR 164, or, under an overlay, one requirement that is only proposed. */
export interface Control {
  readonly id: string;
  readonly aliases: readonly string[];
  readonly title: string;
  readonly family: Family;
  readonly type: (typeof CONTROL_TYPES)[number] | 'proposed_requirement';
  /** The mark of 45 CFR 164.306(d); everything that is not an addressable specification is required. */
  readonly required: 'required' | 'addressable';
  readonly parent: string | null;
  readonly summary: string;
  readonly citation: string;
  /** `document`: scanner passes alone never meet this item. `nothing`: judged through other items, never shown by itself. */
  readonly needs: 'document' | 'nothing';
  readonly needsWhy: string | null;
  /** `never`: no scanner result counts here, whatever practice it came through (164.310). */
  readonly scanners: 'support' | 'never';
  readonly auditorAsks: readonly string[];
  /** Records that the item itself asks for, beside those of its practices. */
  readonly records: readonly ControlNeed[];
  readonly note: string | null;
  /** The overlay that made or marked this item, null for the law in force. */
  readonly overlay: string | null;
}

/** How long evidence of one kind speaks for the present. `maxAgeDays` null: per event, or for the life of what it is about. */
export interface Freshness {
  readonly maxAgeDays: number | null;
  readonly basis: Basis;
  readonly why: string;
  readonly from: 'default' | 'practice' | 'override' | 'overlay';
}

export interface RecordNeed {
  readonly type: string;
  readonly what: string;
  readonly freshness: Freshness;
}

/** What an item of the law itself asks for. */
export interface ControlNeed extends RecordNeed {
  /** The term that an agreement must have; null: the need is of the record as a whole. */
  readonly term: string | null;
}

export interface Practice {
  readonly id: string;
  readonly section: PracticesFile['section'];
  readonly summary: string;
  readonly primary: readonly string[];
  readonly supporting: readonly string[];
  readonly automation: 'full' | 'partial' | 'records';
  readonly kubernetes: readonly { readonly kind: string; readonly path: string; readonly expected: string }[];
  readonly outsideCluster: readonly { readonly source: string; readonly path: string; readonly expected: string }[];
  readonly records: readonly RecordNeed[];
  /** Of scanner results that support this practice. */
  readonly scannerFreshness: Freshness;
  readonly note: string | null;
}

/** One check of one tool. Its id is canonical: what stored results are keyed by. */
export interface Check {
  readonly tool: Tool;
  readonly id: string;
  readonly aliases: readonly string[];
  readonly title: string;
  readonly severity: Severity | null;
  readonly mode: 'automated' | 'manual' | 'skip' | null;
  readonly practices: readonly string[];
  /** Why the check supports no practice; null where it does. */
  readonly unmapped: string | null;
  readonly review: 'proposed' | 'reviewed';
  /** false: results of this check prove nothing, whatever they say. */
  readonly evidence: boolean;
  /**
   * `name-hint`: found by a name that users may have given to something else. `posted-file`: judged in a file that somebody posted, which need not be the one in
   * force. A pass by either is a hint.
   */
  readonly match: (typeof MATCHES)[number];
  readonly deprecated: boolean;
  readonly sameAs: readonly { readonly tool: Tool; readonly id: string }[];
  /** `organization`: its own check, or its own version of one of the catalogue. */
  readonly by: 'catalog' | 'organization';
  /** Which record, or whose answer, does instead where the check could not look; null where it does not say. With `{…}` where the definition fills something in. */
  readonly without: string | null;
}

/** What a stored result speaks of. */
export interface ResolvedResult {
  readonly check: Check;
  /** What its name holds beside the id (the rule of a policy, a constraint of a template), which tells results of one check apart. */
  readonly part: string;
  /** false: of this source only what fails counts. */
  readonly passes: boolean;
}

/** A report whose findings are of no check of the catalogue, seen as one check of its tool. */
export interface WholeReport {
  readonly check: Check;
  /** What a finding is; `manual`: for people to judge. None is a pass. */
  readonly findings: 'manual' | 'fail';
}

export type Link = 'primary' | 'supporting';
export interface PracticeLink {
  readonly link: Link;
  readonly practice: Practice;
}
export interface ControlLink {
  readonly link: Link;
  readonly control: Control;
}

/** What an organisation sets in place of product defaults. Days are whole and at least 1; a number that an overlay binds can only be tightened. */
export interface FreshnessOverrides {
  /** practice id → days of scanner evidence */
  readonly scanner?: Readonly<Record<string, number>>;
  /** `<practice id>/<record type>` → days of that record */
  readonly records?: Readonly<Record<string, number>>;
}

export interface PracticeFreshness {
  readonly scanner: Freshness;
  readonly records: Readonly<Record<string, Freshness>>;
}

/** Where the machine's reach ends, said aloud. */
export interface Gaps {
  /** Items that need a document and have no primary practice that would produce it. */
  readonly controlsWithoutPractice: readonly string[];
  /** Items with practices, none of whose scanner evidence can count: people's records alone. */
  readonly controlsWithoutScanner: readonly string[];
  /** Practices that no check of any tool supports, although part of them could be seen by a machine. */
  readonly practicesWithoutScanner: readonly string[];
  /** Practices that rest on records by their nature and have no check. */
  readonly practicesOnRecordsOnly: readonly string[];
}

/** What `Catalog.reportsOf` says of one source of a tool. */
export type ReportKind = MappingFile['reports'][number];
export type Crosswalk = CrosswalkFile;
export type Overlay = OverlayFile;
export type PodSecurity = PodSecurityFile;

export interface PracticeGroup {
  readonly section: PracticesFile['section'];
  readonly id: string;
  readonly label: string;
  readonly practices: readonly string[];
}

/** As its type has it. */
function freshnessOf(type: TypeDefinition | undefined): Freshness {
  if (type === undefined) throw new RangeError('no such record type');
  const { days: maxAgeDays, basis, why } = type.good_for;
  return { maxAgeDays, basis, why, from: 'default' };
}

const listOf = <T>(list: readonly T[] | undefined): readonly T[] => list ?? [];

/** `typeOf` gives the record type of a name: files that do not agree come no further than catalog.rules.ts. */
export function controlOf(
  entry: ControlsFile['controls'][number],
  typeOf: (type: string) => TypeDefinition | undefined,
): Control {
  return {
    id: entry.id,
    aliases: listOf(entry.aliases),
    title: entry.title,
    family: entry.family,
    type: entry.type,
    required: entry.required,
    parent: entry.parent,
    summary: entry.summary,
    citation: entry.citation,
    needs: entry.needs,
    needsWhy: entry.needs_why ?? null,
    scanners: entry.scanners ?? 'support',
    auditorAsks: listOf(entry.auditor_asks),
    records: listOf(entry.records).map(({ type, what, term }) => ({ type, what, term: term ?? null, freshness: freshnessOf(typeOf(type)) })),
    note: entry.note ?? null,
    overlay: null,
  };
}

export function practiceOf(
  section: PracticesFile['section'],
  entry: PracticesFile['practices'][number],
  scannerDefault: Freshness,
): Practice {
  const { kubernetes, outside_cluster: outsideCluster, records } = entry.evidence;
  return {
    id: entry.id,
    section,
    summary: entry.summary,
    primary: entry.hipaa.primary,
    supporting: entry.hipaa.supporting,
    automation: entry.automation,
    kubernetes: listOf(kubernetes),
    outsideCluster: listOf(outsideCluster),
    records: listOf(records).map((record) => ({
      type: record.type,
      what: record.what,
      freshness: { maxAgeDays: record.max_age_days, basis: record.basis, why: record.why, from: 'practice' },
    })),
    scannerFreshness: entry.freshness
      ? {
          maxAgeDays: entry.freshness.max_age_days,
          basis: entry.freshness.basis,
          why: entry.freshness.why,
          from: 'practice',
        }
      : scannerDefault,
    note: entry.note ?? null,
  };
}

export function checkOf(file: Mapping, entry: MappedCheck): Check {
  return {
    tool: file.tool,
    id: entry.id,
    aliases: listOf(entry.aliases),
    title: entry.title,
    severity: entry.severity ?? severityOfScore(file, entry.base_score),
    mode: entry.mode ?? null,
    practices: listOf(entry.practices),
    unmapped: entry.unmapped ?? null,
    review: entry.review ?? file.review,
    evidence: entry.evidence ?? true,
    match: file.match,
    deprecated: entry.deprecated ?? false,
    sameAs: Object.entries(entry.same_as ?? {}).flatMap(([tool, ids]) => ids.map((id) => ({ tool, id }))),
    by: entry.by ?? 'catalog',
    without: entry.without ?? null,
  };
}

function severityOfScore(file: Mapping, score: number | undefined): Severity | null {
  const least = file.severity_from_base_score;
  if (score === undefined || least === undefined) return null;
  return (['critical', 'high', 'medium', 'low'] as const).find((severity) => score >= least[severity]) ?? null;
}

/** A requirement that an overlay adds, seen as a control. It is never law, and it asks for documents like every other. */
export function proposedControl(overlay: Overlay, entry: Overlay['requirements'][number]): Control {
  return {
    id: entry.id,
    aliases: [],
    title: entry.title,
    family: entry.family,
    type: 'proposed_requirement',
    required: 'required',
    parent: null,
    summary: entry.summary,
    citation: `proposed 45 CFR ${entry.citation} (${overlay.citation})`,
    needs: 'document',
    needsWhy: null,
    scanners: 'support',
    auditorAsks: [],
    records: [],
    note: entry.amends.length > 0 ? `Would stand beside or in place of ${entry.amends.join(', ')}.` : null,
    overlay: overlay.id,
  };
}
