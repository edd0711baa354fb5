import type { CheckStatus, Coverage, Format, Severity, Target } from '../report.js';
import { ReportFault } from '../report.js';
import { isList } from '../text/lazy-list.js';
import type { Draft } from './draft.js';
import type { Fields } from './fields.js';
import { field, has, instant, isFields, OldestOf, optionalText, resourceName, text, Unreadable } from './fields.js';
import { clusterScope, repositoryTarget } from './targets.js';

const SLUG = 'kubeaudit';

/** Lines of other loggers before the first result; more of them than this, and it is a log of something else. */
const LINES_BEFORE = 20;

/** Shopify's audit of workloads, which writes a log line for each finding. */
export const kubeaudit: Format = {
  slug: SLUG,
  title: 'kubeaudit',
  tool: 'kubeaudit',
  description:
    'Lines of `kubeaudit all --format json`; lines that other loggers mixed in are left out. The tool is archived, and lists failures only: what it does not ' +
    'list is no pass, and an audit that finds nothing writes nothing. The lines do not say what was audited: pass targets=cluster/cluster, namespaces, or ' +
    'targets=repository/NAME for manifests. It closes nothing: a log has no end that would show it whole. A finding' +
    ' that a label overrides is `warn`.',

  yields: ['results'],
  targets: ['cluster', 'namespace', 'repository'],

  detect(document) {
    if (!isList(document)) return isResult(document);
    let before = 0;
    for (const line of document) {
      if (isResult(line)) return true;
      if (!isLogLine(line) || ++before > LINES_BEFORE) return false;
    }
    return false;
  },

  read(document, draft) {
    const place = placesOf(draft);
    const audited = new OldestOf();
    let others = 0;
    draft.rows(isList(document) ? document : [document], '', null, (line) => {
      if (!has(line, 'AuditResultName')) {
        others++;
        if (isError(line)) throw new Unreadable('', 'is an error, and what was not audited for it is not known');
        return;
      }
      const { target, extent } = place(line);
      draft.cover({ target, source: SLUG, extent, checks: null, silentPass: [] });
      addResult(draft, target, line);
      audited.add(instant(field(line, 'time')));
    });
    draft.observedAt = audited.instant;
    if (others > 0) draft.note(`Lines that are no results of kubeaudit: ${others}.`);
  },
};

const isResult = (value: unknown): boolean =>
  isFields(value) && typeof field(value, 'AuditResultName') === 'string' && typeof field(value, 'level') === 'string';

/** What logrus writes, of whatever program. */
const isLogLine = (value: unknown): boolean =>
  isFields(value) && ['level', 'msg', 'time'].every((name) => typeof field(value, name) === 'string');

const isError = (line: Fields): boolean => ['error', 'fatal', 'panic'].includes(String(field(line, 'level')));

/** Where a line belongs. Nothing in it says whether it is of a cluster or of a file. */
function placesOf(draft: Draft): (line: Fields) => { target: Target; extent: Coverage['extent'] } {
  const { declared } = draft;
  const [first] = declared.targets;
  if (!first) {
    throw new ReportFault(
      'target-unknown',
      'The report does not say what was audited: pass targets=cluster/cluster, namespace/NAME or repository/NAME.',
    );
  }
  if (declared.targets.some(({ kind }) => kind === 'repository')) {
    const target = repositoryTarget(declared, '', SLUG);
    return () => ({ target, extent: 'partial' });
  }
  const scope = clusterScope(declared, SLUG, null);
  // A log has no end that would show it whole, and lists failures only: what it does not say closes nothing.
  return (line) => ({ ...scope.targetOf(namespaceOf(line)), extent: 'partial' });
}

/** Namespaces lie in none; what is said of one concerns what lies in it. */
function namespaceOf(line: Fields): string | null {
  const own = optionalText(line, 'ResourceKind') === 'Namespace' ? optionalText(line, 'ResourceName') : '';
  return own || optionalText(line, 'ResourceNamespace') || null;
}

function addResult(draft: Draft, target: Target, line: Fields): void {
  const rule = text(line, 'AuditResultName');
  const level = text(line, 'level');
  // A label on the object overrides the finding: of the same check, with another name and less than an error.
  const overridden = rule.endsWith(OVERRIDDEN) && level !== 'error';
  const check = overridden ? rule.slice(0, -OVERRIDDEN.length) : rule;
  const apiVersion = optionalText(line, 'ResourceApiVersion');
  const group = apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '';
  const kind = text(line, 'ResourceKind');
  const within = kind === 'Namespace' ? '' : optionalText(line, 'ResourceNamespace');
  const container = optionalText(line, 'Container');
  const object = resourceName(within, group, kind, text(line, 'ResourceName'));
  draft.add({
    target,
    source: SLUG,
    check,
    resource: container === '' ? object : `${object}#${container}`,
    namespace: namespaceOf(line),
    title: check,
    status: overridden ? 'warn' : statusOf(rule, level),
    severity: SEVERITIES.get(level) ?? 'unknown',
    // The reason that the label gives (`OverrideReason`) is what somebody wrote of themselves: it stays out.
    message: optionalText(line, 'msg'),
  });
}

const OVERRIDDEN = 'Allowed';

/** Warnings that say nothing is wrong: a label that overrides nothing, and a pod's user in whose place the container has its own. */
const FAULTLESS_WARNINGS: readonly string[] = ['RedundantAuditorOverride', 'RunAsUserPSCRoot'];

/** `info` asks for nothing: it is neither passed nor failed. */
function statusOf(rule: string, level: string): CheckStatus {
  switch (level) {
    case 'error':
      return 'fail';
    case 'warning':
      return FAULTLESS_WARNINGS.includes(rule) ? 'warn' : 'fail';
    case 'info':
      return 'warn';
    default:
      throw new Unreadable('/level', 'is no level that is known here');
  }
}

const SEVERITIES: ReadonlyMap<string, Severity> = new Map([
  ['error', 'high'],
  ['warning', 'medium'],
  ['info', 'info'],
]);
