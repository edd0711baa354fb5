import type { CheckStatus, Format, Severity } from '../report.js';
import { isList } from '../text/lazy-list.js';
import type { Draft, Scope } from './draft.js';
import type { Fields } from './fields.js';
import {
  field,
  fieldsIn,
  fieldsOf,
  firstOf,
  has,
  isFields,
  list,
  optionalNumber,
  optionalText,
  resourceName,
  slug,
  text,
  Unreadable,
} from './fields.js';
import { repositoryTarget } from './targets.js';

const SLUG = 'checkov';

/** Checkov's three lists, each of results of one kind. `--quiet` leaves all but the second out. */
const LISTS = [
  { name: 'passed_checks', result: 'PASSED', counted: 'passed' },
  { name: 'failed_checks', result: 'FAILED', counted: 'failed' },
  { name: 'skipped_checks', result: 'SKIPPED', counted: 'skipped' },
] as const;

/** `kubernetes`, `terraform_plan`, `3d_policy` … */
const FRAMEWORK = /^[a-z0-9_]{1,50}$/;

/** Frameworks whose `resource` is `Kind.namespace.name`. */
const OF_KUBERNETES: readonly string[] = ['kubernetes', 'helm', 'kustomize'];

/** Prisma Cloud's scanner of infrastructure as code. */
export const checkov: Format = {
  slug: SLUG,
  title: 'Checkov',
  tool: 'checkov',
  description:
    'JSON of `checkov --output json`, of one framework or of several. The report does not say when it was made, nor of what: pass observedAt and ' +
    'targets=repository/NAME. Complete, by framework, for the checks that it lists, unless a file could not be parsed or its summary counts more than it ' +
    'lists (`--quiet`); post a run with `--baseline` with `partial=true`. What a comment or an annotation in the code suppresses is `warn`. The summary that ' +
    'Checkov writes when it found nothing to scan proves nothing.',

  yields: ['results'],
  targets: ['repository'],

  detect(document) {
    return isFramework(isList(document) ? firstOf(document) : document) || isNothingFound(document);
  },

  read(document, draft) {
    // Nothing is told, and so the report is refused as empty.
    if (isNothingFound(document)) return;
    const target = repositoryTarget(draft.declared, '', SLUG);
    const readOne = (framework: Fields, at: string) => {
      const type = text(framework, 'check_type');
      if (!FRAMEWORK.test(type)) throw new Unreadable('/check_type', 'is no framework of Checkov');
      readFramework(draft, framework, at, type, { target, source: `${SLUG}/${slug(type)}` });
    };
    if (isList(document)) draft.rows(document, '', null, readOne);
    else readOne(fieldsOf(document), '');
  },
};

function isFramework(value: unknown): boolean {
  return isFields(value) && typeof field(value, 'check_type') === 'string' && isFields(field(value, 'results'));
}

function isNothingFound(value: unknown): boolean {
  return isFields(value) && has(value, 'checkov_version') && has(value, 'resourcecount') && !has(value, 'results');
}

function readFramework(draft: Draft, framework: Fields, at: string, type: string, scope: Scope): void {
  const results = fieldsIn(framework, 'results');
  const summary = fieldsIn(framework, 'summary');
  draft.toolVersion ??= optionalText(summary, 'checkov_version') || null;
  const checks = new Set<string>();
  let cut = false;
  for (const { name, result, counted } of LISTS) {
    const rows = list(results, name);
    const count = optionalNumber(summary, counted);
    cut ||= count === null || count > rows.length;
    draft.rows(rows, `${at}/results/${name}`, scope, (row) => {
      const check = text(row, 'check_id');
      checks.add(check);
      const { resource, namespace } = subjectOf(row, type, check);
      draft.add({
        ...scope,
        check,
        resource,
        namespace,
        title: optionalText(row, 'check_name') || check,
        status: statusOf(row, result),
        severity: severityOf(row),
        message: linesOf(row),
      });
    });
  }
  if (cut) draft.note('Checkov counts more results than the report lists, so something was left out.');
  // Of these files only the number is kept: their paths are of the machine that scanned.
  const unparsed = Math.max(list(results, 'parsing_errors').length, optionalNumber(summary, 'parsing_errors') ?? 0);
  if (unparsed > 0) draft.note(`Files of ${slug(type)} that Checkov could not parse: ${unparsed}.`);
  if (checks.size === 0) return;
  const extent = cut || unparsed > 0 ? 'partial' : 'complete';
  draft.cover({ ...scope, extent, checks: [...checks], silentPass: [] });
}

/** What a list says of its rows they must say themselves. A suppressed finding is `warn`: exceptions are approved here and not in the code. */
function statusOf(row: Fields, ofList: (typeof LISTS)[number]['result']): CheckStatus {
  const result = text(fieldsIn(row, 'check_result'), 'result');
  if (result === 'UNKNOWN') return 'error';
  if (result !== ofList) throw new Unreadable('/check_result/result', `must be ${ofList}, as its list says`);
  return result === 'PASSED' ? 'pass' : result === 'FAILED' ? 'fail' : 'warn';
}

/** `file#resource`. A secret's resource is a digest of the secret, from which a short one can be found: there the file is all that is kept. */
function subjectOf(row: Fields, type: string, check: string): { resource: string; namespace: string | null } {
  const file = text(row, 'file_path');
  const resource = text(row, 'resource');
  if (type === 'secrets' || check.startsWith('CKV_SECRET_')) return { resource: file, namespace: null };
  const [, kind, namespace, name] = (OF_KUBERNETES.includes(type) && OBJECT.exec(resource)) || [];
  if (kind === undefined || namespace === undefined || name === undefined) {
    return { resource: `${file}#${resource}`, namespace: null };
  }
  return { resource: `${file}#${resourceName(namespace, '', kind, name)}`, namespace };
}

/** Names may hold dots, kinds and namespaces do not. Checkov writes `default` where the manifest names no namespace. */
const OBJECT = /^([A-Za-z]+)\.([a-z0-9-]+)\.(.+)$/;

/** Where in the file. Of code, evaluated values, tags and the comment that suppresses, which name committers and secrets, nothing is read. */
function linesOf(row: Fields): string {
  const [first, last] = list(row, 'file_line_range');
  return typeof first === 'number' && typeof last === 'number' ? `lines ${first} to ${last}` : '';
}

/** Null without a key of the platform. */
function severityOf(row: Fields): Severity {
  const severity = field(row, 'severity');
  return (typeof severity === 'string' ? SEVERITIES.get(severity.toUpperCase()) : undefined) ?? 'unknown';
}

const SEVERITIES: ReadonlyMap<string, Severity> = new Map([
  ['CRITICAL', 'critical'],
  ['HIGH', 'high'],
  ['MEDIUM', 'medium'],
  ['LOW', 'low'],
  ['INFO', 'info'],
]);
