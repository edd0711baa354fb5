import type { Draft } from './draft.js';
import type { Fields } from './fields.js';
import { fieldsIn, flag, list, optionalText, resourceName, slug, text, texts } from './fields.js';
import type { ClusterScope } from './targets.js';
import { canonicalCheckId, trivySeverity, quotesValues } from './trivy-results.js';

/**
 * Reads one ClusterComplianceReport of Trivy Operator. A row is a finding of a control. The operator writes a control without findings as one check that
 * succeeded, without an id and without a target, whether everything passed or nothing was looked at: it is neither a pass nor covered.
 *
 * Its source names no tool of the catalogue, like that of Trivy's own compliance reports, but is another one: they must not close each other.
 */
export function readCompliance(draft: Draft, scope: ClusterScope, object: Fields, pointer: string): void {
  const status = fieldsIn(object, 'status');
  const detail = fieldsIn(status, 'detailReport');
  const id = optionalText(detail, 'id') || text(fieldsIn(fieldsIn(object, 'spec'), 'compliance'), 'id');
  const { target, extent } = scope.targetOf(null);
  const source = `trivy-operator-compliance/${slug(id)}`;

  /** Only of controls with findings is it known that somebody looked. */
  const evaluated: string[] = [];
  const controls = list(detail, 'results');
  draft.rows(controls, `${pointer}/status/detailReport/results`, { target, source }, (control, at) => {
    const check = `${id}/${text(control, 'id')}`;
    let findings = 0;
    draft.rows(list(control, 'checks'), `${at}/checks`, { target, source }, (row) => {
      const passed = flag(row, 'success');
      if (passed && optionalText(row, 'checkID') === '') {
        draft.note('Controls without findings are not taken as passed.');
        return;
      }
      findings++;
      const { resource, namespace } = resourceOf(text(row, 'target'));
      draft.add({
        target,
        source,
        check,
        // Of one control several checks may fail on one resource.
        resource: `${resource}#${canonicalCheckId(text(row, 'checkID'))}`,
        namespace,
        title: optionalText(control, 'name'),
        status: passed ? 'pass' : 'fail',
        severity: trivySeverity(control, 'severity'),
        message: quotesValues(canonicalCheckId(text(row, 'checkID'))) ? '' : texts(row, 'messages').join('\n'),
      });
    });
    if (findings > 0) evaluated.push(check);
  });

  const counted = list(fieldsIn(status, 'summaryReport'), 'controlCheck').length;
  if (counted > 0) draft.note(`A summary report of ${counted} controls: counts are no results and prove nothing.`);
  else if (controls.length === 0) {
    draft.note('A compliance report without results: not evaluated yet, or in the layout of an old operator.');
  }
  draft.cover({
    target,
    source,
    extent: evaluated.length > 0 ? extent : 'partial',
    checks: evaluated.length > 0 ? evaluated : null,
    silentPass: [],
  });
}

/** Kinds that the operator looks at: its targets write them in small letters. */
const KINDS = [
  'ClusterRole',
  'ClusterRoleBinding',
  'ConfigMap',
  'CronJob',
  'CustomResourceDefinition',
  'DaemonSet',
  'Deployment',
  'Ingress',
  'Job',
  'LimitRange',
  'NetworkPolicy',
  'Node',
  'Pod',
  'PodSecurityPolicy',
  'ReplicaSet',
  'ReplicationController',
  'ResourceQuota',
  'Role',
  'RoleBinding',
  'Service',
  'ServiceAccount',
  'StatefulSet',
];

/** `namespace/kind-name` and `/kind-name`: what stands before the first hyphen is the kind, for none has one. */
function resourceOf(target: string): { resource: string; namespace: string | null } {
  const [, namespace = '', small = '', name = ''] = /^([^/]*)\/([a-z]+)-(.+)$/.exec(target) ?? [];
  if (small === '') return { resource: target, namespace: null };
  const kind = KINDS.find((known) => known.toLowerCase() === small) ?? small;
  return { resource: resourceName(namespace, '', kind, name), namespace: namespace || null };
}
