import type { CheckStatus, Coverage, Severity, Target } from '../report.js';
import type { List } from '../text/lazy-list.js';
import type { Draft, Scope } from './draft.js';
import type { Fields } from './fields.js';
import {
  field,
  fieldsIn,
  has,
  isFields,
  list,
  optionalNumber,
  optionalText,
  slug,
  text,
  Unreadable,
} from './fields.js';

/**
 * How many checks Trivy must have evaluated on one resource of a cluster before silence means anything. The report does not say that it was
 * filtered: `--severity` drops checks, failed or passed, before they are counted. But one filter holds for the whole run, so one resource
 * with enough checks shows that there was none. 79 is the number of the catalogue's KSV checks, and one more than all its KSV and KCV checks
 * of the severities HIGH and CRITICAL (78; CRITICAL alone: 26), so that a run with these filters cannot reach it. Unfiltered runs do: 152 on
 * each resource (2024), 98 on a pod since Trivy chooses the checks by kind. In 2022 it had 31 checks; the silence of such a run proves nothing.
 */
export const EVALUATED_UNFILTERED = 79;

/**
 * Trivy's `Results[]`, which its image, file system, cluster and compliance reports share.
 *
 * Trivy lists what is wrong; of what is right it gives a number (`MisconfSummary.Successes`) or nothing. So nearly no row is a pass, and
 * `silentPass` says for which checks silence means one.
 */
export interface TrivyPlace {
  target: Target;
  extent: Coverage['extent'];
  namespace: string | null;
  /** What the results are about within the target: "" or a Kubernetes resource (`namespace/kind/name`). */
  within: string;
  /** Set in a compliance report: the rows are findings of this control, whatever check found them. */
  control?: { source: string; check: string; title: string; severity: Severity };
}

/** For the descriptions of the formats. */
export const FILTERED_RUNS =
  'The report does not say that it was filtered: post runs restricted by `--severity`, `--ignore-unfixed`, `--scanners`, `.trivyignore` or the like with `partial=true`.';

export const END_OF_LIFE = 'The operating system gets no more security updates: that nothing is listed proves nothing.';

export function readTrivyResults(draft: Draft, values: List, pointer: string, place: TrivyPlace): void {
  draft.rows(values, pointer, null, (result, at) => {
    const kind = kindOf(result);
    if (kind === null) {
      draft.note('Results of custom classes are not read.');
      return;
    }
    const scope: Scope = {
      target: place.target,
      source: place.control?.source ?? `trivy/${kind.source}`,
    };
    // A compliance report states which controls it evaluated; there the classes are no coverage.
    if (!place.control) draft.cover({ ...scope, ...coverageOf(draft, result, kind, place) });
    draft.attempt(at, scope, () => {
      const rows = list(result, kind.list);
      draft.rows(rows, `${at}/${kind.list}`, scope, (row) => addFinding(draft, kind, place, scope, result, row));
      readSuppressed(draft, kind, place, scope, result, at);
    });
  });
}

interface Kind {
  source: 'vulnerability' | 'misconfiguration' | 'secret' | 'license';
  list: 'Vulnerabilities' | 'Misconfigurations' | 'Secrets' | 'Licenses';
}

const VULNERABILITY: Kind = { source: 'vulnerability', list: 'Vulnerabilities' };
const MISCONFIGURATION: Kind = { source: 'misconfiguration', list: 'Misconfigurations' };
const SECRET: Kind = { source: 'secret', list: 'Secrets' };
const LICENSE: Kind = { source: 'license', list: 'Licenses' };

/** By `Class`; before v0.20 and in compliance reports there is none, and the list that is there tells. */
function kindOf(result: Fields): Kind | null {
  switch (optionalText(result, 'Class')) {
    case 'os-pkgs':
    case 'lang-pkgs':
      return VULNERABILITY;
    case 'config':
      return MISCONFIGURATION;
    case 'secret':
      return SECRET;
    case 'license':
    case 'license-file':
      return LICENSE;
    case 'custom':
      return null;
    case '':
      for (const kind of [VULNERABILITY, MISCONFIGURATION, SECRET, LICENSE]) if (has(result, kind.list)) return kind;
      if (has(result, 'Type') && !has(result, 'MisconfSummary')) return VULNERABILITY;
      throw new Unreadable('', 'the result is of no class');
    default:
      throw new Unreadable('/Class', 'is no class that is known here');
  }
}

function coverageOf(
  draft: Draft,
  result: Fields,
  kind: Kind,
  place: TrivyPlace,
): Pick<Coverage, 'extent' | 'checks' | 'silentPass'> {
  if (kind !== MISCONFIGURATION) return { extent: place.extent, checks: null, silentPass: [] };
  const summary = fieldsIn(result, 'MisconfSummary');
  const listed = { FAIL: 0, EXCEPTION: 0 };
  // By check, for one may fail several times on a resource. A file may hold several resources, whose checks are counted together: no telling.
  const failed = new Set<unknown>();
  for (const row of list(result, 'Misconfigurations')) {
    if (!isFields(row)) continue;
    const status = row['Status'];
    if (status === 'FAIL' || status === 'EXCEPTION') listed[status]++;
    if (status !== 'PASS') failed.add(row['ID']);
  }
  // What `.trivyignore` suppressed is counted as an exception, had it failed or not, and listed only with `--show-suppressed`.
  let suppressed = 0;
  for (const row of list(result, SUPPRESSED)) if (isFields(row) && row['Type'] === kind.source) suppressed++;
  const cut =
    (optionalNumber(summary, 'Failures') ?? 0) > listed.FAIL ||
    (optionalNumber(summary, 'Exceptions') ?? 0) > listed.EXCEPTION + suppressed;
  if (cut) {
    draft.note('Trivy counts more failures or exceptions than the report lists, so something was cut from it.');
    return { extent: 'partial', checks: null, silentPass: [] };
  }
  const isWhole =
    place.within !== '' &&
    optionalText(result, 'Type') === 'kubernetes' &&
    failed.size + (optionalNumber(summary, 'Successes') ?? 0) >= EVALUATED_UNFILTERED;
  return { extent: place.extent, checks: null, silentPass: isWhole ? ['KSV-'] : [] };
}

function addFinding(
  draft: Draft,
  kind: Kind,
  place: TrivyPlace,
  scope: Scope,
  result: Fields,
  row: Fields,
  suppressed?: { status: CheckStatus; reason: string },
): void {
  const finding = readFinding(draft, kind, result, row);
  const where = resourceOf(kind, place, result, finding);
  const { control } = place;
  draft.add({
    ...scope,
    check: control?.check ?? finding.check,
    // Of one control several checks may fail on one resource.
    resource: control ? [where, finding.check].filter((part) => part !== '').join('#') : where,
    namespace: place.namespace,
    title: control?.title ?? finding.title,
    status: suppressed?.status ?? finding.status,
    severity: control?.severity ?? finding.severity,
    message: suppressed ? `${suppressed.reason}: ${finding.message}` : finding.message,
  });
}

interface Finding {
  check: string;
  title: string;
  status: CheckStatus;
  severity: Severity;
  message: string;
  /** What in the target it is about: a package, a licensed file; "" for the target file itself. */
  part: string;
}

function readFinding(draft: Draft, kind: Kind, result: Fields, row: Fields): Finding {
  switch (kind.source) {
    case 'vulnerability':
      return readVulnerability(result, row);
    case 'misconfiguration': {
      const check = canonicalCheckId(has(row, 'AVDID') ? text(row, 'AVDID') : text(row, 'ID'));
      return {
        check,
        title: optionalText(row, 'Title'),
        status: misconfigurationStatus(text(row, 'Status')),
        severity: trivySeverity(row),
        message: quotesValues(check) ? '' : optionalText(row, 'Message'),
        part: '',
      };
    }
    case 'secret': {
      // `Code` prints the neighbouring lines, and only the match itself is masked there: neither leaves this function.
      if (has(row, 'Match') || has(row, 'Code')) draft.note('The text of secrets was dropped.');
      const line = optionalNumber(row, 'StartLine');
      return {
        check: text(row, 'RuleID'),
        title: optionalText(row, 'Title'),
        status: 'fail',
        severity: trivySeverity(row),
        message: line === null ? '' : `line ${line}`,
        part: '',
      };
    }
    case 'license': {
      const category = optionalText(row, 'Category');
      return {
        check: text(row, 'Name'),
        title: category === '' ? 'Licence' : `Licence of the category ${category}`,
        status: 'fail',
        severity: trivySeverity(row),
        message: '',
        part: optionalText(row, 'PkgName') || optionalText(row, 'FilePath'),
      };
    }
  }
}

function readVulnerability(result: Fields, row: Fields): Finding {
  const check = text(row, 'VulnerabilityID');
  const name = text(row, 'PkgName');
  const version = optionalText(row, 'InstalledVersion');
  const fixed = optionalText(row, 'FixedVersion');
  const purl = optionalText(fieldsIn(row, 'PkgIdentifier'), 'PURL');
  const status = optionalText(row, 'Status');
  const path =
    optionalText(row, 'PkgPath') ||
    (optionalText(result, 'Class') === 'lang-pkgs' ? optionalText(result, 'Target') : '');
  return {
    check,
    title: optionalText(row, 'Title') || check,
    // That a vendor says `not_affected` is no check that passed: it is one that does not apply. All else is open until it is gone.
    status: status === 'not_affected' ? 'skip' : 'fail',
    severity: trivySeverity(row),
    message: packageMessage(name, version, fixed, status),
    part:
      purl === '' ? packagePart(path || optionalText(result, 'Target'), `${name}@${version}`) : packagePart(path, purl),
  };
}

/** The package that a vulnerability is in, as every format names it: `path#purl`, without a purl `path#name@version`. */
export function packagePart(path: string, name: string): string {
  return [path, name].filter((part) => part !== '').join('#');
}

/** What of a package is vulnerable and how it is mended, as every format says it. */
export function packageMessage(name: string, version: string, fixed: string, status: string): string {
  const parts = [`${name} ${version}`, fixed === '' ? 'no fixed version' : `fixed in ${fixed}`];
  if (status !== '') parts.push(`status ${status}`);
  return parts.join('; ');
}

/** In an image or repository the file; in a cluster the Kubernetes resource, and what of it if that is not the resource itself. */
function resourceOf(kind: Kind, place: TrivyPlace, result: Fields, finding: Finding): string {
  const target = optionalText(result, 'Target');
  const own = kind === VULNERABILITY || (kind === LICENSE && finding.part !== '') ? finding.part : target;
  if (place.within === '') return own;
  const isItself = place.within === own || place.within.endsWith(`/${own}`);
  // A workload may run several images: a package is known by its image.
  const image = kind === VULNERABILITY && !finding.part.startsWith(target) ? target : '';
  return [place.within, image, isItself ? '' : own].filter((part) => part !== '').join('#');
}

const SUPPRESSED = 'ExperimentalModifiedFindings';

/**
 * Findings that Trivy was told to suppress (`--show-suppressed`). One that the user ignores is still there: `warn`, for exceptions are approved
 * here and not in a file beside the scanner. One that a VEX document declares not to apply is `skip`.
 */
function readSuppressed(draft: Draft, kind: Kind, place: TrivyPlace, scope: Scope, result: Fields, at: string): void {
  draft.rows(list(result, SUPPRESSED), `${at}/${SUPPRESSED}`, scope, (row) => {
    const type = text(row, 'Type');
    if (type !== kind.source) return;
    const reason = text(row, 'Status');
    const status = reason === 'not_affected' || reason === 'fixed' ? 'skip' : 'warn';
    addFinding(draft, kind, place, scope, result, fieldsIn(row, 'Finding'), {
      status,
      reason: `suppressed in the scan as ${slug(reason)}`,
    });
  });
}

/**
 * `KSV001`, `KSV-0001`, `AVD-KSV-0001` and `AVD-KSV001` are one check: `KSV-0001`. Digits are padded to four and never cut, for `KSV-01010` has
 * five. Ids of another shape (checks that users wrote) stay as they are.
 */
export function canonicalCheckId(id: string): string {
  const match = /^(?:AVD-)?([A-Z]+)-?(\d{1,8})$/.exec(id);
  return match ? `${match[1] ?? ''}-${(match[2] ?? '').padStart(4, '0')}` : id;
}

/** Checks for secrets in ConfigMaps, whose messages quote what they have found. */
const QUOTING: ReadonlySet<string> = new Set(['KSV-0109', 'KSV-01010']);

export const quotesValues = (check: string): boolean => QUOTING.has(check);

/** `EXCEPTION` (old): the check would have failed, but a rule of the user excepts it; exceptions are approved here, so it is no pass. */
function misconfigurationStatus(status: string): CheckStatus {
  switch (status) {
    case 'FAIL':
      return 'fail';
    case 'PASS':
      return 'pass';
    case 'EXCEPTION':
      return 'warn';
    default:
      throw new Unreadable('/Status', 'is no status that is known here');
  }
}

const SEVERITIES: Readonly<Record<string, Severity>> = {
  CRITICAL: 'critical',
  HIGH: 'high',
  MEDIUM: 'medium',
  LOW: 'low',
};

export function trivySeverity(row: Fields, name = 'Severity'): Severity {
  const severity = field(row, name);
  return (
    (typeof severity === 'string' && Object.hasOwn(SEVERITIES, severity) ? SEVERITIES[severity] : undefined) ??
    'unknown'
  );
}
