import type { Format } from '../report.js';
import { fieldsOf, has, isFields, list, optionalText, slug, text } from './fields.js';
import { clusterScope } from './targets.js';
import { FILTERED_RUNS, readTrivyResults, trivySeverity } from './trivy-results.js';

const SLUG = 'trivy-k8s-compliance';

/** Trivy's report of a cluster against a compliance specification (NSA, CIS, Pod security standards). */
export const trivyK8sCompliance: Format = {
  slug: SLUG,
  title: 'Trivy: Kubernetes compliance',
  tool: 'trivy',
  description:
    'JSON of `trivy k8s --compliance=… --report all|summary --format json`. A row is a finding of a control. A control without findings ' +
    'proves nothing: what nobody looked at is written like what passed. The summary gives counts only, and so no results. ' +
    FILTERED_RUNS,

  yields: ['results'],
  targets: ['cluster'],

  detect(document) {
    return (
      isFields(document) &&
      has(document, 'ID') &&
      has(document, 'Title') &&
      !has(document, 'kind') &&
      (has(document, 'SummaryControls') || (has(document, 'RelatedResources') && has(document, 'Results')))
    );
  },

  read(document, draft) {
    const report = fieldsOf(document);
    const id = text(report, 'ID');
    const source = `trivy-compliance/${slug(id)}`;
    const { target, extent } = clusterScope(draft.declared, SLUG, null).targetOf(null);

    const summary = list(report, 'SummaryControls');
    if (summary.length > 0) {
      draft.cover({ target, source, extent: 'partial', checks: null, silentPass: [] });
      draft.note(`A summary report of ${summary.length} controls: counts are no results and prove nothing.`);
    }
    draft.rows(list(report, 'Results'), '/Results', { target, source }, (control, at) => {
      const check = `${id}/${text(control, 'ID')}`;
      const findings = list(control, 'Results');
      // Only what has findings is known to have been looked at.
      draft.cover({ target, source, extent, checks: findings.length > 0 ? [check] : [], silentPass: [] });
      if (findings.length === 0) draft.note('Controls without findings are not taken as passed.');
      readTrivyResults(draft, findings, `${at}/Results`, {
        target,
        extent,
        namespace: null,
        within: '',
        control: { source, check, title: optionalText(control, 'Name'), severity: trivySeverity(control) },
      });
    });
  },
};
