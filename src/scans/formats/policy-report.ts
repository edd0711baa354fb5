import type { CheckStatus, Coverage, Format, Severity } from '../report.js';
import type { Draft } from './draft.js';
import type { Fields } from './fields.js';
import {
  field,
  fieldsIn,
  firstOf,
  has,
  instantOfMillis,
  isFields,
  list,
  optionalNumber,
  optionalText,
  resourceName,
  slug,
  text,
  Unreadable,
} from './fields.js';
import { detectObjects, eachObject } from './kubernetes.js';
import type { ClusterScope } from './targets.js';
import { clusterScope } from './targets.js';

/** Kubernetes' Policy Report API (wg-policy), as Kyverno and several adapters write it. */
export const policyReport: Format = policyReportFormat(
  'policy-report',
  'PolicyReport',
  'PolicyReport and ClusterPolicyReport of wgpolicyk8s.io (v1alpha1, v1alpha2, v1beta1)',
  'wgpolicyk8s.io',
);

/**
 * A format of the Policy Report API under one API group. Its successor, OpenReports, is the same under another name, and its own samples still
 * use the old kinds: the group decides.
 */
export function policyReportFormat(name: string, title: string, what: string, group: string): Format {
  return {
    slug: name,
    title,
    tool: 'policy-report',
    description:
      `${what}, as JSON or YAML: one object, several documents, or a List. The objects do not say that they are all there are: they close ` +
      'nothing unless the poster declares the cluster or namespaces as targets, and then only where each object lists as many results as ' +
      'its summary counts. A PolicyReportList and the like closes nothing: it may be the last page of several. It is as old as the ' +
      'newest result: engines leave a result that they find again with its old time.',
    yields: ['results'],
    targets: ['cluster', 'namespace'],
    detect(document) {
      return detectObjects(document, ({ group: own, kind }) => own === group && KINDS.includes(kind));
    },
    read(document, draft) {
      readObjects(document, group, draft);
    },
  };
}

const KINDS: readonly string[] = ['PolicyReport', 'ClusterPolicyReport', 'Report', 'ClusterReport'];

function readObjects(document: unknown, group: string, draft: Draft): void {
  const scope = clusterScope(draft.declared, draft.format, null);
  let latest = 0;
  eachObject(draft, document, ({ object, kind, group: own, pointer }) => {
    if (own !== group || !KINDS.includes(kind)) throw new Unreadable('/kind', `is no report of ${group}`);
    latest = Math.max(latest, readObject(draft, scope, object, kind, pointer));
  });
  // Not the oldest, as of reports of several parts that were each made anew: engines evaluate again and leave a result that stays as it was with the time at which it came
  // to be (Kyverno compares reports without their times), so that the oldest says nothing of when it was last so, and would put what changed today into the past. All
  // of the objects were read when the newest result was already there; when exactly, nobody says. An engine that has died makes no new ones, and its reports age.
  draft.observedAt = instantOfMillis(latest);
}

/** Reads one object; returns its newest timestamp in milliseconds since 1970, 0 where there is none. */
function readObject(draft: Draft, scope: ClusterScope, object: Fields, kind: string, pointer: string): number {
  const metadata = fieldsIn(object, 'metadata');
  const own = optionalText(metadata, 'namespace');
  const fallback = subjectOfReport(object, metadata, kind, own);
  const results = list(object, 'results');
  const complete = isComplete(draft, object, results.length);
  let latest = 0;

  draft.rows(results, `${pointer}/results`, null, (row) => {
    const source = `policy-report/${sourceOf(object, metadata, row)}`;
    latest = Math.max(latest, timestampOf(row));
    const severity = severityOf(row);
    const check = checkOf(row);
    const status = statusOf(row);
    const resources = list(row, 'resources');
    const subjects = resources.length > 0 ? Array.from(resources, (resource) => subjectOf(resource, own)) : [fallback];
    for (const { namespace, resource } of subjects) {
      const { target, extent } = scope.targetOf(namespace);
      draft.cover({ target, source, ...covered(extent, complete) });
      draft.add({
        target,
        source,
        check,
        resource,
        namespace,
        title: optionalText(row, 'category') || check,
        status,
        severity,
        message: optionalText(row, 'message') || optionalText(row, 'description'),
      });
    }
  });
  return latest;
}

function covered(extent: Coverage['extent'], complete: boolean): Pick<Coverage, 'extent' | 'checks' | 'silentPass'> {
  return { extent: complete ? extent : 'partial', checks: null, silentPass: [] };
}

/** Whether the object holds all of its results: no limit is configured, and the summary counts as many as are listed. */
function isComplete(draft: Draft, object: Fields, listed: number): boolean {
  if (has(fieldsIn(object, 'configuration'), 'limits')) {
    draft.note('A report is configured to leave out results.');
    return false;
  }
  if (!isFields(field(object, 'summary'))) {
    draft.note('A report has no summary that would show it whole.');
    return false;
  }
  const summary = fieldsIn(object, 'summary');
  const counted = ['pass', 'fail', 'warn', 'error', 'skip'].reduce(
    (total, status) => total + (optionalNumber(summary, status) ?? 0),
    0,
  );
  if (counted > listed) draft.note('A summary counts more results than its report lists.');
  return counted <= listed;
}

interface Subject {
  namespace: string | null;
  resource: string;
}

/** What a report without resources in its results is about: its scope, else its owner, else the report itself. */
function subjectOfReport(object: Fields, metadata: Fields, kind: string, own: string): Subject {
  if (isFields(field(object, 'scope'))) return subjectOf(field(object, 'scope'), own);
  const owners = list(metadata, 'ownerReferences');
  if (owners.length === 1) return subjectOf(firstOf(owners), own);
  const resource = resourceName(own, '', kind, optionalText(metadata, 'name') || 'unnamed');
  return { namespace: own || null, resource };
}

function subjectOf(value: unknown, own: string): Subject {
  if (!isFields(value)) throw new Unreadable('', 'must refer to a resource');
  const kind = text(value, 'kind');
  // Namespaces lie in none; their report does, in the namespace itself.
  const namespace = optionalText(value, 'namespace') || (kind === 'Namespace' ? '' : own);
  const apiVersion = optionalText(value, 'apiVersion');
  const group = apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '';
  return { namespace: namespace || null, resource: resourceName(namespace, group, kind, text(value, 'name')) };
}

/** The engine: said by the result, the report, or the label that adapters set. */
function sourceOf(object: Fields, metadata: Fields, row: Fields): string {
  return slug(
    optionalText(row, 'source') ||
      optionalText(object, 'source') ||
      optionalText(fieldsIn(metadata, 'labels'), 'policy.kubernetes.io/engine'),
  );
}

/** `policy/rule`. Adapters of benchmarks use the same policy and rule for all checks of a section, and number these in `properties.index`. */
function checkOf(row: Fields): string {
  const parts = [text(row, 'policy'), optionalText(row, 'rule')];
  const index = field(fieldsIn(row, 'properties'), 'index') ?? '';
  if (typeof index !== 'string' && typeof index !== 'number') {
    throw new Unreadable('/properties/index', 'must be a text or number');
  }
  parts.push(String(index));
  return parts.filter((part) => part !== '').join('/');
}

const STATUSES: readonly CheckStatus[] = ['pass', 'fail', 'warn', 'error', 'skip'];

/** `status` is the field's name in v1alpha1. A result that says neither says nothing: its row is refused. */
function statusOf(row: Fields): CheckStatus {
  const said = has(row, 'result') ? field(row, 'result') : field(row, 'status');
  const status = STATUSES.find((known) => known === said);
  if (!status) throw new Unreadable('/result', 'must be pass, fail, warn, error or skip');
  return status;
}

const SEVERITIES: readonly Severity[] = ['critical', 'high', 'medium', 'low', 'info'];

function severityOf(row: Fields): Severity {
  return SEVERITIES.find((known) => known === field(row, 'severity')) ?? 'unknown';
}

/** `{seconds, nanos}`; adapters write negative nanos, and yq writes seconds as a fraction. */
function timestampOf(row: Fields): number {
  const at = field(row, 'timestamp');
  if (!isFields(at)) return 0;
  const { seconds, nanos } = at;
  if (typeof seconds !== 'number' || seconds <= 0) return 0;
  return Math.floor(seconds * 1000 + (typeof nanos === 'number' ? nanos / 1e6 : 0));
}
