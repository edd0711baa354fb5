import type { CheckStatus, Declared, Format, Severity, Target } from '../report.js';
import { ReportFault } from '../report.js';
import type { List } from '../text/lazy-list.js';
import type { Draft } from './draft.js';
import type { Fields } from './fields.js';
import {
  field,
  fieldsIn,
  fieldsOf,
  has,
  instant,
  isFields,
  list,
  optionalNumber,
  optionalText,
  resourceName,
  some,
  step,
  text,
  texts,
  Unreadable,
} from './fields.js';
import { pseudonym } from './people.js';
import { assertCluster, assertKinds, CLUSTER, repositoryTarget } from './targets.js';

const SLUG = 'kubescape';

/** Kubescape's posture report, versions 2 and 3. */
export const kubescape: Format = {
  slug: SLUG,
  title: 'Kubescape',
  tool: 'kubescape',
  description:
    'JSON of `kubescape scan --format json` (versions 2 and 3), of a cluster or of files. Complete for the controls that its summary lists ' +
    'as evaluated, if it says that it scanned a cluster without restricting namespaces. A scan of files is complete where the poster declares the ' +
    'repository: targets=repository/NAME.',

  yields: ['results'],
  targets: ['cluster', 'repository'],

  detect(document) {
    return (
      isFields(document) &&
      has(document, 'summaryDetails') &&
      (has(document, 'results') || has(document, 'resources') || has(document, 'paginationInfo'))
    );
  },

  read(document, draft) {
    const { declared } = draft;
    const report = fieldsOf(document);
    const metadata = fieldsIn(report, 'metadata');
    const scan = fieldsIn(metadata, 'scanMetadata');
    draft.toolVersion = optionalText(scan, 'kubescapeVersion') || null;
    draft.observedAt = instant(field(report, 'generationTime'));
    draft.clusterName = optionalText(report, 'clusterName') || null;

    const results = list(report, 'results');
    const { target, whole } = targetOf(draft, report, metadata, scan, results, declared);
    const scope = { target, source: SLUG };
    const controls = fieldsIn(fieldsIn(report, 'summaryDetails'), 'controls');
    const severities = new Map<string, Severity>();
    for (const [id, control] of Object.entries(controls)) {
      if (isFields(control)) severities.set(id, severityOf(control));
    }
    const files = filesOf(report);
    const saysStatus = /^v?([3-9]|\d{2,})\./.test(draft.toolVersion ?? '');
    /** Results per control that did not pass: to be compared with the summary's count. */
    const failed = new Map<string, number>();

    draft.rows(results, '/results', scope, (result, at) => {
      const id = text(result, 'resourceID');
      const { resource, namespace } = resourceOf(id, files);
      draft.rows(list(result, 'controls'), `${at}/controls`, scope, (control) => {
        const check = text(control, 'controlID');
        if (saysStatus && !has(control, 'status')) throw new Unreadable('/status', 'must be an object');
        const status = statusOf(control);
        if (status === 'fail' || status === 'warn') failed.set(check, (failed.get(check) ?? 0) + 1);
        draft.add({
          ...scope,
          check,
          resource,
          namespace,
          title: optionalText(control, 'name'),
          status,
          severity: severities.get(check) ?? 'unknown',
          message: messageOf(control),
        });
      });
    });

    const checks = evaluated(draft, controls, failed);
    if (checks.length > 0) {
      draft.cover({ ...scope, extent: whole ? 'complete' : 'partial', checks, silentPass: [] });
    }
  },
};

/** Numbers of `scanningTarget`; absent means cluster in version 2, whose writer leaves zeros out. */
const CLUSTER_SCAN = 0;

function targetOf(
  draft: Draft,
  report: Fields,
  metadata: Fields,
  scan: Fields,
  results: List,
  declared: Declared,
): { target: Target; whole: boolean } {
  const kind = optionalNumber(scan, 'scanningTarget');
  const ofFiles = some(
    results,
    (result) =>
      isFields(result) && typeof result['resourceID'] === 'string' && /(^|\/)path=/.test(result['resourceID']),
  );
  const saysCluster =
    isFields(field(report, 'clusterAPIServerInfo')) ||
    draft.clusterName !== null ||
    Object.keys(fieldsIn(metadata, 'clusterMetadata')).length > 0;
  const isCluster = !ofFiles && (kind === CLUSTER_SCAN || (kind === null && saysCluster));

  if (!ofFiles && (isCluster || kind === null)) {
    assertKinds(declared, ['cluster'], `${SLUG} cluster`);
    for (const target of declared.targets) assertCluster(target, draft.clusterName);
    if (!isCluster && declared.targets.length === 0) {
      throw new ReportFault(
        'target-unknown',
        'The report does not say whether a cluster or files were scanned: pass targets=cluster/cluster.',
      );
    }
    return { target: CLUSTER, whole: isCluster && !isRestricted(draft, report, scan) };
  }
  // A scan of one folder names the same remote as a scan of all of them, so only the poster can say that it was the repository.
  return {
    target: repositoryTarget(declared, repositoryName(fieldsIn(metadata, 'targetMetadata')), SLUG),
    whole: declared.targets.length > 0,
  };
}

/** What makes a scan of a cluster less than the cluster: namespaces in or out, one workload (its own framework), a chunk of a report. */
function isRestricted(draft: Draft, report: Fields, scan: Fields): boolean {
  const frameworks = Array.from(list(fieldsIn(report, 'summaryDetails'), 'frameworks'), (of) =>
    isFields(of) ? of['name'] : of,
  );
  const names = [...texts(scan, 'targetNames'), ...frameworks].map((name) =>
    typeof name === 'string' ? name.toLowerCase() : '',
  );
  const restricted =
    texts(scan, 'includeNamespaces').length > 0 ||
    texts(scan, 'excludedNamespaces').length > 0 ||
    names.includes('workloadscan') ||
    (optionalNumber(fieldsIn(report, 'paginationInfo'), 'chunkNumber') ?? 0) > 0;
  if (restricted) draft.note('The scan was restricted to a part of the cluster.');
  return restricted;
}

/** The remote of the repository, else the path that was scanned. */
function repositoryName(target: Fields): string {
  const git = fieldsIn(target, 'gitRepoContextMetadata');
  const provider = optionalText(git, 'provider');
  if (provider !== '' && provider !== 'none') {
    return [provider, optionalText(git, 'owner'), optionalText(git, 'repo')].filter(Boolean).join('/');
  }
  return (
    optionalText(fieldsIn(target, 'fileContextMetadata'), 'filePath') ||
    optionalText(fieldsIn(target, 'directoryContextMetadata'), 'basePath')
  );
}

/** The file of each resource, relative to the repository. Of its last commit, which names the committer, nothing is read. */
function filesOf(report: Fields): Map<string, string> {
  const files = new Map<string, string>();
  for (const resource of list(report, 'resources')) {
    if (!isFields(resource) || !isFields(resource['source'])) continue;
    const id = resource['resourceID'];
    const path = resource['source']['relativePath'];
    if (typeof id === 'string' && typeof path === 'string' && path !== '') files.set(id, path);
  }
  return files;
}

/** `group/version/namespace/kind/name`, after `path=HASH/api=` where it lies in a file; bindings join several of them and stay as they are. */
const RESOURCE_ID = /^(?:path=\d+\/api=)?([^/]*)\/([^/]*)\/([^/]*)\/([^/]+)\/([^/]+)$/;

function resourceOf(id: string, files: ReadonlyMap<string, string>): { resource: string; namespace: string | null } {
  const [, group, , namespace, kind, name] = RESOURCE_ID.exec(id) ?? [];
  const object =
    kind !== undefined && name !== undefined ? resourceName(namespace ?? '', group ?? '', kind, name) : withoutUser(id);
  const file = files.get(id);
  return {
    resource: file === undefined ? object : `${file}#${object}`,
    namespace: namespace === '' ? null : (namespace ?? null),
  };
}

/** Of a user and the bindings and roles that it has, each `group/version/namespace/kind/name`; those that begin with system: are Kubernetes' own. */
function withoutUser(id: string): string {
  return id.replace(
    /(\/User\/)(?!system:)(.+?)(?=\/rbac\.authorization\.k8s\.io\/|$)/s,
    (_, before: string, user: string) => before + pseudonym(user),
  );
}

/** The worst of what the control says (version 3, which always says it) and its rules say; version 2 says it by rules only. */
function statusOf(control: Fields): CheckStatus {
  const said: CheckStatus[] = [];
  if (has(control, 'status')) said.push(oneStatus(fieldsIn(control, 'status'), '/status'));
  let index = 0;
  for (const rule of list(control, 'rules')) {
    const at = `/rules/${index++}`;
    if (!isFields(rule)) throw new Unreadable(at, 'must be an object');
    said.push(oneStatus(rule, at));
  }
  const worst = (['fail', 'warn', 'manual', 'skip', 'pass'] as const).find((status) => said.includes(status));
  if (!worst) throw new Unreadable('', 'the control has no status');
  return worst;
}

/**
 * `passed` with `irrelevant` had nothing to check: no pass. `passed` with exceptions failed, and a file beside the scanner excuses it: `warn`,
 * for exceptions are approved here. What needs a review is `manual`.
 */
function oneStatus(of: Fields, at: string): CheckStatus {
  const detail = optionalText(of, 'subStatus').toLowerCase();
  switch (field(of, 'status')) {
    case 'failed':
      return 'fail';
    case 'passed':
      if (detail === '') return 'pass';
      return detail.includes('exception') ? 'warn' : 'skip';
    case 'skipped':
      return detail.includes('review') ? 'manual' : 'skip';
    case 'irrelevant':
      return 'skip';
    default:
      throw new Unreadable(`${at}/status`, 'is no status that is known here');
  }
}

/** Where in the resource the failing rules point: paths, which hold no values of the resource. */
function messageOf(control: Fields): string {
  const paths: string[] = [];
  for (const rule of list(control, 'rules')) {
    if (!isFields(rule) || rule['status'] !== 'failed') continue;
    for (const entry of list(rule, 'paths')) {
      if (!isFields(entry)) continue;
      const fix = isFields(entry['fixPath']) ? entry['fixPath']['path'] : undefined;
      for (const path of [entry['failedPath'], entry['reviewPath'], entry['deletePath'], fix]) {
        if (typeof path === 'string' && path !== '' && paths.length < 20) paths.push(path);
      }
    }
  }
  return [...new Set(paths)].join('\n');
}

/**
 * The controls that were evaluated. Skipped ones were not. One whose summary counts more failed resources than the report lists (or does not
 * count them) may have been cut, and is left out, so that nothing of it is closed.
 */
function evaluated(draft: Draft, controls: Fields, failed: ReadonlyMap<string, number>): string[] {
  const checks: string[] = [];
  for (const [id, control] of Object.entries(controls)) {
    draft.attempt(`/summaryDetails/controls${step(id)}`, null, () => {
      const of = fieldsOf(control);
      const status = optionalText(of, 'status') || optionalText(fieldsIn(of, 'statusInfo'), 'status');
      if (!['passed', 'failed', 'irrelevant'].includes(status)) return;
      const counted = optionalNumber(fieldsIn(of, 'ResourceCounters'), 'failedResources');
      if (counted === null) return;
      if (counted > (failed.get(id) ?? 0)) {
        draft.note(
          'Kubescape counts more failed resources than the report lists; such controls are not taken as complete.',
        );
        return;
      }
      checks.push(id);
    });
  }
  return checks;
}

/** Kubescape's own rule for the name of a score factor (0 to 10). */
function severityOf(control: Fields): Severity {
  const factor = field(control, 'scoreFactor');
  if (typeof factor !== 'number') return 'unknown';
  if (factor >= 9) return 'critical';
  if (factor >= 7) return 'high';
  if (factor >= 4) return 'medium';
  return factor >= 1 ? 'low' : 'unknown';
}
