import type { Format } from '../report.js';
import { field, fieldsIn, fieldsOf, has, instant, isFields, list, optionalText, resourceName, text } from './fields.js';
import { clusterScope } from './targets.js';
import { FILTERED_RUNS, readTrivyResults } from './trivy-results.js';

const SLUG = 'trivy-k8s';

/** `Resources` since 2023; before, the same resource once under each of the others. `Findings` is the summary report. */
const LISTS = ['Resources', 'Vulnerabilities', 'Misconfigurations', 'Findings'] as const;

/** Trivy's report of a cluster. */
export const trivyK8s: Format = {
  slug: SLUG,
  title: 'Trivy: Kubernetes cluster',
  tool: 'trivy',
  description:
    'JSON of `trivy k8s --report all|summary --format json`. The report does not say how much of the cluster was scanned: it closes nothing ' +
    'unless the poster declares the cluster or namespaces as targets. The summary report never closes anything. ' +
    'That a workload check (KSV) is not listed counts as passed only where some resource shows that about all of them were evaluated. ' +
    FILTERED_RUNS,

  yields: ['results'],
  targets: ['cluster', 'namespace'],

  detect(document) {
    return (
      isFields(document) &&
      has(document, 'ClusterName') &&
      !has(document, 'ArtifactName') &&
      Object.keys(document).every((key) => KNOWN.has(key))
    );
  },

  read(document, draft) {
    const report = fieldsOf(document);
    draft.clusterName = optionalText(report, 'ClusterName') || null;
    draft.observedAt = instant(field(report, 'CreatedAt'));
    draft.toolVersion = optionalText(fieldsIn(report, 'Trivy'), 'Version') || null;
    const scope = clusterScope(draft.declared, SLUG, draft.clusterName);

    for (const name of LISTS) {
      draft.rows(list(report, name), `/${name}`, null, (resource, at) => {
        const namespace = optionalText(resource, 'Namespace') || null;
        const { target, extent } = scope.targetOf(namespace);
        if (optionalText(resource, 'Error') !== '') {
          draft.reject(`${at}/Error`, 'Trivy could not scan this resource', null);
        }
        readTrivyResults(draft, list(resource, 'Results'), `${at}/Results`, {
          target,
          extent: name === 'Findings' ? 'partial' : extent,
          namespace,
          within: resourceName(namespace, '', text(resource, 'Kind'), text(resource, 'Name')),
        });
      });
    }
    if (has(report, 'Findings')) draft.note('A summary report: it proves nothing that it does not list.');
  },
};

const KNOWN = new Set<string>(['ClusterName', 'SchemaVersion', 'ReportID', 'CreatedAt', 'Trivy', ...LISTS]);
