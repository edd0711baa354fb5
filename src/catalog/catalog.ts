import { createHash } from 'node:crypto';
import type { CatalogContent, CatalogFiles } from './catalog.files.js';
import { CatalogFaults, canonicalText, parseFiles } from './catalog.files.js';
import { faultsOf, sourcesOf } from './catalog.rules.js';
import type {
  Check,
  Control,
  ControlLink,
  Crosswalk,
  Freshness,
  FreshnessOverrides,
  Gaps,
  Overlay,
  PodSecurity,
  Practice,
  PracticeFreshness,
  PracticeGroup,
  PracticeLink,
  ReportKind,
  ResolvedResult,
  Tool,
  WholeReport,
} from './catalog.types.js';
import { checkOf, controlOf, practiceOf, proposedControl } from './catalog.types.js';
import { allMappings, type Mapping, type OrganizationCheck } from './checks.mapping.js';
import type { CheckDefinition } from './checks.schema.js';
import type { TypeDefinition } from './record-type.js';

/**
 * The checked catalogue: what is law, what would support it, what would prove it. Immutable (frozen through and through), pure, the same for every tenant;
 * what an organisation chooses (overlay, freshness) is an argument. An evaluation names `version`, `digest` and the overlay's id.
 */
export class Catalog {
  readonly version: string;
  /** Day of the catalogue, `YYYY-MM-DD`. */
  readonly date: string;
  readonly lawText: { readonly snapshot: string; readonly last_amended: string; readonly source: string };
  readonly review: { readonly status: 'proposed' | 'reviewed'; readonly note: string };
  readonly controls: readonly Control[];
  readonly practices: readonly Practice[];
  /** Every check of the current benchmarks, as counted in version.yaml; those that only older benchmarks have are found by resolveCheck and checksOf. */
  readonly checks: readonly Check[];
  /** The product's own checks, as catalog/checks has them: results of the tool `safeguard-checks`. src/checks compiles them. */
  readonly definitions: readonly CheckDefinition[];
  /** Sorts of records that people keep, section by section. */
  readonly recordTypes: readonly (TypeDefinition & { readonly section: string })[];
  readonly crosswalks: readonly Crosswalk[];
  /** The bullets of the seed article: headings to show practices under. A practice may stand in several; gap practices stand in none. */
  readonly groups: readonly PracticeGroup[];
  /** The Kubernetes Pod Security Standards, each with the check of each scanner that tests the same. */
  readonly podSecurity: PodSecurity;
  readonly overlays: readonly Overlay[];

  readonly #controlByName = new Map<string, Control>();
  #gaps: Gaps | null = null;
  /** By practice: what counts where an organisation has set nothing, which is asked for a thousand times in a posture. */
  readonly #freshness = new Map<string, PracticeFreshness>();
  readonly #practiceById = new Map<string, Practice>();
  readonly #recordTypeByName = new Map<string, TypeDefinition>();
  readonly #practicesOf = new Map<string, PracticeLink[]>();
  readonly #checksOf = new Map<string, Check[]>();
  readonly #checkByName = new Map<string, Check | null>();
  readonly #mappingBySource = new Map<string, { readonly mapping: Mapping; readonly passes: boolean }>();
  /** By source, with what ids of its findings begin with. */
  readonly #reportBySource = new Map<string, { readonly report: WholeReport; readonly ids: readonly string[] }>();
  readonly #mappings: readonly Mapping[];
  readonly #content: CatalogContent;

  /** Only for `buildCatalog` and `withOverlay`: takes content that was checked. `digest` is `sha256:` and 64 hex digits over the canonical text. */
  constructor(
    content: CatalogContent,
    readonly digest: string,
    readonly overlay: Overlay | null = null,
  ) {
    this.#content = content;
    ({ version: this.version, date: this.date, law_text: this.lawText, review: this.review } = content.version);
    this.overlays = [...content.overlays.values()];
    this.crosswalks = [...content.crosswalks.values()];
    this.podSecurity = content.podSecurity;
    this.groups = [...content.practices.values()].flatMap(({ section, groups }) =>
      (groups ?? []).map((group) => ({ section, ...group })),
    );

    this.recordTypes = [...content.recordTypes.values()].flatMap(({ section, types }) =>
      types.map((type) => ({ section, ...type })),
    );
    for (const type of this.recordTypes) this.#recordTypeByName.set(type.type, type);
    this.controls = content.controls.controls.map((entry) =>
      controlOf(entry, (type) => this.#recordTypeByName.get(type)),
    );
    const { max_age_days: maxAgeDays, basis, why } = content.defaults.scanner_evidence;
    const scannerDefault: Freshness = { maxAgeDays, basis, why, from: 'default' };
    this.practices = [...content.practices.values()].flatMap((file) =>
      file.practices.map((entry) => practiceOf(file.section, entry, scannerDefault)),
    );
    if (overlay !== null) {
      this.controls = overlaidControls(this.controls, overlay);
      this.practices = this.practices.map((practice) => overlaidPractice(practice, overlay));
    }
    for (const control of this.controls)
      for (const name of [control.id, ...control.aliases]) this.#controlByName.set(name, control);
    for (const practice of this.practices) {
      this.#practiceById.set(practice.id, practice);
      for (const [link, ids] of [
        ['primary', practice.primary],
        ['supporting', practice.supporting],
      ] as const)
        for (const id of ids) pushTo(this.#practicesOf, id, { link, practice });
    }
    for (const links of this.#practicesOf.values()) links.sort((a, b) => a.link.localeCompare(b.link));

    const checks: Check[] = [];
    this.#mappings = allMappings(content);
    this.definitions = [...content.checks.values()].flatMap((file) => file.checks);
    for (const file of this.#mappings) {
      for (const source of sourcesOf(file)) {
        const passes = file.results?.failures?.includes(source) !== true;
        this.#mappingBySource.set(source, { mapping: file, passes });
      }
      for (const { report: id, practices, sources, among, findings } of file.report_kinds ?? []) {
        const report = { check: checkOf(file, { id, title: id, practices }), findings };
        for (const source of sources) this.#reportBySource.set(source, { report, ids: [''] });
        for (const [source, ids] of Object.entries(among)) this.#reportBySource.set(source, { report, ids });
      }
      for (const entry of file.checks) checks.push(this.#index(checkOf(file, entry)));
      for (const [benchmark, older] of Object.entries(file.older_benchmarks ?? {})) {
        for (const entry of older.own) this.#index(checkOf(file, entry));
        for (const entry of file.checks) {
          const [from, id] = splitId(entry.id);
          // An id that keeps its number: it is there, it did not move, and it has no meaning of its own.
          if (from !== older.base || Object.hasOwn(older.moved, id) || older.absent.includes(id)) continue;
          const old = nameOf(file.tool, `${benchmark}/${id}`);
          if (!this.#checkByName.has(old)) this.#alias(old, file.tool, entry.id);
        }
        for (const [old, id] of Object.entries(older.moved))
          this.#alias(nameOf(file.tool, `${benchmark}/${old}`), file.tool, `${older.base}/${id}`);
      }
      for (const { id } of file.ambiguous ?? []) this.#checkByName.set(nameOf(file.tool, id), null);
    }
    this.checks = checks;
    const found = [...this.#checkByName.values(), ...this.#reportBySource.values()];
    for (const part of [content, this.groups, this.controls, this.practices, this.checks, this.recordTypes, found])
      freezeDeep(part);
    Object.freeze(this);
  }

  #index(check: Check): Check {
    for (const name of [check.id, ...check.aliases]) this.#checkByName.set(nameOf(check.tool, name), check);
    for (const practice of check.practices) pushTo(this.#checksOf, practice, check);
    return check;
  }

  #alias(name: string, tool: Tool, id: string): void {
    this.#checkByName.set(name, this.#checkByName.get(nameOf(tool, id)) ?? null);
  }

  /** By paragraph or by any other way the same item is cited; `45 CFR ` and `§` before it are allowed. null where there is no such item. */
  control(idOrAlias: string): Control | null {
    return this.#controlByName.get(idOrAlias.replace(/^(45 CFR )?(§ ?)?/, '')) ?? null;
  }

  practice(id: string): Practice | null {
    return this.#practiceById.get(id) ?? null;
  }

  /** null where the catalogue has none of this name; those of an organisation (`org/…`) are not its matter. */
  recordType(type: string): TypeDefinition | null {
    return this.#recordTypeByName.get(type) ?? null;
  }

  /** What asks for records of a type: practices, and items of the law by themselves. */
  needsOf(type: string): { readonly practices: readonly Practice[]; readonly controls: readonly Control[] } {
    const asks = ({ records }: Practice | Control) => records.some((need) => need.type === type);
    return { practices: this.practices.filter(asks), controls: this.controls.filter(asks) };
  }

  /** The practices that support a control, primary ones first. None where the control is not known. */
  practicesOf(control: string): readonly PracticeLink[] {
    return this.#practicesOf.get(this.control(control)?.id ?? '') ?? [];
  }

  /** The controls that a practice supports, primary ones first. */
  controlsOf(practice: string): readonly ControlLink[] {
    const found = this.practice(practice);
    if (found === null) return [];
    const linked = (ids: readonly string[], link: 'primary' | 'supporting') =>
      ids.flatMap((id) => this.control(id) ?? []).map((control) => ({ link, control }));
    return [...linked(found.primary, 'primary'), ...linked(found.supporting, 'supporting')];
  }

  /** Specifications, contract terms and paragraphs that belong to a control. */
  childrenOf(control: string): readonly Control[] {
    return this.controls.filter(({ parent }) => parent !== null && parent === this.control(control)?.id);
  }

  /** Every check of every tool that supports a practice, checks of older benchmarks and checks that yield no evidence included (see `Check.evidence`). */
  checksOf(practice: string): readonly Check[] {
    return this.#checksOf.get(practice) ?? [];
  }

  /**
   * What a tool's report means by an id. `benchmark` (kube-bench) or `provider` (prowler) qualify an id that means nothing alone; an id that is already
   * canonical needs neither. null where the catalogue does not know it for certain: an unknown tool, check or benchmark, or an id of two meanings.
   */
  resolveCheck(
    tool: string,
    rawId: string,
    { benchmark, provider }: { readonly benchmark?: string; readonly provider?: string } = {},
  ): Check | null {
    const qualifier = benchmark ?? provider;
    const id = qualifier === undefined ? rawId : `${qualifier}/${rawId}`;
    return this.#checkByName.get(nameOf(tool, id)) ?? null;
  }

  /** The tool whose checks the results of a source speak of: `trivy/misconfiguration` of trivy, `policy-report/kyverno` of kyverno. null where no mapping says so. */
  toolOf(source: string): Tool | null {
    return nearest(this.#mappingBySource, source)?.mapping.tool ?? null;
  }

  /** What a stored result speaks of. null where the catalogue does not know it for certain. */
  resolveResult(source: string, name: string): ResolvedResult | null {
    const found = nearest(this.#mappingBySource, source);
    if (found === undefined) return null;
    const { mapping, passes } = found;
    const slash = mapping.results?.id === 'before-slash' ? name.indexOf('/') : -1;
    const check = this.resolveCheck(mapping.tool, slash === -1 ? name : name.slice(0, slash));
    return check === null ? null : { check, part: slash === -1 ? '' : name.slice(slash + 1), passes };
  }

  /** The whole report that a finding of a source is of; without a finding, that the source holds and nothing beside. null: it is of none. */
  reportOf(source: string, name = ''): WholeReport | null {
    const found = nearest(this.#reportBySource, source);
    return found?.ids.some((id) => name.startsWith(id)) === true ? found.report : null;
  }

  /** Which sources of a tool list the checks that passed, and which only failures. None for a tool without a mapping. */
  reportsOf(tool: string): readonly ReportKind[] {
    return this.#mappings.find((file) => file.tool === tool)?.reports ?? [];
  }

  /** References of other frameworks for a control or practice, by crosswalk id; crosswalks without one are absent, which proves nothing. */
  referencesOf(subject: string): Readonly<Record<string, readonly string[]>> {
    return Object.fromEntries(
      this.crosswalks.flatMap(({ id, links }) => (Object.hasOwn(links, subject) ? [[id, links[subject] ?? []]] : [])),
    );
  }

  /**
   * How long evidence of a practice speaks for the present, product defaults first, an organisation's numbers over them. Throws a RangeError for a practice
   * that is not known and for an override that is not a whole number of days: both are faults of the caller.
   */
  freshnessOf(practice: string, overrides: FreshnessOverrides = {}): PracticeFreshness {
    const found = this.practice(practice);
    if (found === null) throw new RangeError(`no practice ${practice}`);
    if (!isSet(overrides.scanner) && !isSet(overrides.records)) {
      const known = this.#freshness.get(practice) ?? freshnessOf(found, {});
      this.#freshness.set(practice, known);
      return known;
    }
    return freshnessOf(found, overrides);
  }

  /** The same catalogue with an overlay laid over it: marks changed, limits tightened, proposed requirements added. Throws a RangeError if there is none. */
  withOverlay(id: string): Catalog {
    const overlay = this.overlays.find((candidate) => candidate.id === id);
    if (overlay === undefined) throw new RangeError(`no overlay ${id}`);
    return new Catalog(this.#content, this.digest, overlay);
  }

  /** The same catalogue with what an organisation makes of the checks over snapshots. `definitions` stay the catalogue's. */
  withChecks(organization: readonly OrganizationCheck[]): Catalog {
    return new Catalog({ ...this.#content, organization }, this.digest, this.overlay);
  }

  /** Where the machine's reach ends. Told with every posture, and always the same. */
  gaps(): Gaps {
    return (this.#gaps ??= this.#findGaps());
  }

  #findGaps(): Gaps {
    const byReport = new Set([...this.#reportBySource.values()].flatMap(({ report }) => report.check.practices));
    const seen = (practice: string) =>
      byReport.has(practice) || this.checksOf(practice).some((check) => check.evidence);
    const unseen = this.practices.filter(({ id }) => !seen(id));
    const items = this.controls.filter(({ needs }) => needs === 'document');
    const primaryOf = (id: string) => this.practicesOf(id).filter(({ link }) => link === 'primary');
    return {
      controlsWithoutPractice: items.filter(({ id }) => primaryOf(id).length === 0).map(({ id }) => id),
      controlsWithoutScanner: items
        .filter(({ id }) => primaryOf(id).length > 0)
        .filter(
          ({ id, scanners }) =>
            scanners === 'never' || !this.practicesOf(id).some(({ practice }) => seen(practice.id)),
        )
        .map(({ id }) => id),
      practicesWithoutScanner: unseen.filter(({ automation }) => automation !== 'records').map(({ id }) => id),
      practicesOnRecordsOnly: unseen.filter(({ automation }) => automation === 'records').map(({ id }) => id),
    };
  }
}

/** Checks the files and builds the catalogue, or throws `CatalogFaults` with all that is wrong: first shapes, and once these hold, what is between files. */
export function buildCatalog(files: CatalogFiles): Catalog {
  const content = parseFiles(files);
  const faults = faultsOf(content);
  if (faults.length > 0) throw new CatalogFaults(faults);
  return new Catalog(content, digestOf(canonicalText(files)));
}

/** `sha256:` and the hex digits of a canonical text. */
export function digestOf(canonical: string): string {
  return `sha256:${createHash('sha256').update(canonical, 'utf8').digest('hex')}`;
}

function overlaidControls(controls: readonly Control[], overlay: Overlay): Control[] {
  const marked = new Set(overlay.marks.controls);
  return [
    ...controls.map((control) =>
      marked.has(control.id) ? { ...control, required: overlay.marks.required, overlay: overlay.id } : control,
    ),
    ...overlay.requirements.map((requirement) => proposedControl(overlay, requirement)),
  ];
}

function overlaidPractice(practice: Practice, overlay: Overlay): Practice {
  const added = overlay.requirements.filter(({ practices }) => practices.includes(practice.id)).map(({ id }) => id);
  return {
    ...practice,
    primary: [...practice.primary, ...added],
    records: practice.records.map((record) => {
      const limit = overlay.limits.find((entry) => entry.practice === practice.id && entry.record === record.type);
      if (limit === undefined) return record;
      const why = `proposed 45 CFR ${limit.citation} (${overlay.citation})`;
      return {
        ...record,
        freshness: { maxAgeDays: limit.max_age_days, basis: 'proposed_rule_2025', why, from: 'overlay' },
      };
    }),
  };
}

const isSet = (days: Readonly<Record<string, number>> | undefined): boolean =>
  days !== undefined && Object.keys(days).length > 0;

const freshnessOf = (
  { id, scannerFreshness, records }: Practice,
  overrides: FreshnessOverrides,
): PracticeFreshness => ({
  scanner: overridden(scannerFreshness, overrides.scanner, id),
  records: Object.fromEntries(
    records.map(({ type, freshness }) => [type, overridden(freshness, overrides.records, `${id}/${type}`)]),
  ),
});

function overridden(
  freshness: Freshness,
  overrides: Readonly<Record<string, number>> | undefined,
  key: string,
): Freshness {
  const days = overrides !== undefined && Object.hasOwn(overrides, key) ? overrides[key] : undefined;
  if (days === undefined) return freshness;
  if (!Number.isSafeInteger(days) || days < 1) throw new RangeError(`${key}: ${days} is not a whole number of days`);
  if (freshness.from === 'overlay' && days > (freshness.maxAgeDays ?? Infinity)) return freshness;
  return { maxAgeDays: days, basis: 'practice', why: 'set by the organisation', from: 'override' };
}

/** What is said of a source, or else of the nearest above it. */
function nearest<T>(bySource: ReadonlyMap<string, T>, source: string): T | undefined {
  for (let from = source; from !== ''; from = from.slice(0, Math.max(0, from.lastIndexOf('/')))) {
    const found = bySource.get(from);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Tool names never hold a line feed, so the two parts cannot run into each other. */
function nameOf(tool: string, id: string): string {
  return `${tool}\n${id}`;
}

/** `cis-1.12/1.2.16` → `cis-1.12`, `1.2.16`. */
function splitId(id: string): [string, string] {
  const slash = id.indexOf('/');
  return [id.slice(0, slash), id.slice(slash + 1)];
}

function pushTo<T>(lists: Map<string, T[]>, key: string, item: T): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [item]);
  else list.push(item);
}

function freezeDeep(value: unknown): void {
  if (value === null || typeof value !== 'object' || Object.isFrozen(value)) return;
  Object.freeze(value);
  for (const part of value instanceof Map ? value.values() : Object.values(value)) freezeDeep(part);
}
