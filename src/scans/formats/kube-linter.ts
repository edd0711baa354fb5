import type { Format } from '../report.js';
import type { Fields } from './fields.js';
import { field, fieldsIn, fieldsOf, has, instant, isFields, list, optionalText, resourceName, text } from './fields.js';
import { repositoryTarget } from './targets.js';

const SLUG = 'kube-linter';

/** What KubeLinter reports of a file that is no Kubernetes object, where it is told to fail on such. */
const NOT_LOADED = 'failed-to-load-object';

/** Templates of checks whose messages quote the object: who is bound to cluster-admin, what a field holds. They stay out. */
const QUOTING: readonly string[] = ['cluster-admin-role-binding', 'kubeconform', 'cel-expression'];

/** StackRox' linter of manifests and Helm charts. */
export const kubeLinter: Format = {
  slug: SLUG,
  title: 'KubeLinter',
  tool: 'kube-linter',
  description:
    'JSON of `kube-linter lint --format json`, of files. The report does not say where they lie: pass targets=repository/NAME. Complete for the checks that ' +
    'it says were on (`Checks`); what it does not report of them is gone and no pass, for an annotation can tell KubeLinter to ignore an object, which leaves ' +
    'no trace. Without an object to lint KubeLinter writes no report at all.',

  yields: ['results'],
  targets: ['repository'],

  detect(document) {
    return (
      isFields(document) &&
      has(document, 'Checks') &&
      has(document, 'Reports') &&
      isFields(field(document, 'Summary')) &&
      has(fieldsIn(document, 'Summary'), 'ChecksStatus')
    );
  },

  read(document, draft) {
    const report = fieldsOf(document);
    const summary = fieldsIn(report, 'Summary');
    draft.toolVersion = optionalText(summary, 'KubeLinterVersion') || null;
    draft.observedAt = instant(field(summary, 'CheckEndTime'));
    const scope = { target: repositoryTarget(draft.declared, '', SLUG), source: SLUG };

    /** By name. */
    const checks = new Map<string, { title: string; quotes: boolean }>();
    draft.rows(list(report, 'Checks'), '/Checks', scope, (check) => {
      const title = optionalText(check, 'description');
      checks.set(text(check, 'name'), { title, quotes: QUOTING.includes(optionalText(check, 'template')) });
    });

    let whole = true;
    const reports = list(report, 'Reports');
    draft.rows(reports, '/Reports', scope, (finding) => {
      const check = text(finding, 'Check');
      if (check === NOT_LOADED) {
        whole = false;
        draft.note('KubeLinter could not load some objects, so the report is partial.');
        return;
      }
      const { title, quotes } = checks.get(check) ?? { title: '', quotes: true };
      const { resource, namespace } = subjectOf(finding);
      draft.add({
        ...scope,
        check,
        resource,
        namespace,
        title: title || check,
        status: 'fail',
        severity: 'unknown',
        message: quotes ? '' : optionalText(fieldsIn(finding, 'Diagnostic'), 'Message'),
      });
    });

    if ((text(summary, 'ChecksStatus') === 'Passed') !== (reports.length === 0)) {
      whole = false;
      draft.note('The summary does not fit what is reported, so something was cut from the report.');
    }
    if (checks.size === 0) return;
    draft.cover({ ...scope, extent: whole ? 'complete' : 'partial', checks: [...checks.keys()], silentPass: [] });
  },
};

/** The object; not the file, whose path begins on the machine that linted. One object of several files is as bad as the worst of them. */
function subjectOf(finding: Fields): { resource: string; namespace: string | null } {
  const object = fieldsIn(fieldsIn(finding, 'Object'), 'K8sObject');
  const of = fieldsIn(object, 'GroupVersionKind');
  const namespace = optionalText(object, 'Namespace') || null;
  // Of a job that is named when it is created, the manifest has no name.
  const name = optionalText(object, 'Name') || 'unnamed';
  return { resource: resourceName(namespace, optionalText(of, 'Group'), text(of, 'Kind'), name), namespace };
}
