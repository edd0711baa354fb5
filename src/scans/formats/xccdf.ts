import type { Format } from '../report.js';
import { XmlElement } from '../text/xml-element.js';
import { detectObjects, eachObject } from './kubernetes.js';
import { isScanResult, scanResultOf } from './xccdf-configmap.js';
import { operatorTarget, scannedTarget } from './xccdf-target.js';
import { isXccdf, TestResults } from './xccdf-test-result.js';

const SLUG = 'xccdf';

/** Results of benchmarks in the Extensible Configuration Checklist Description Format. */
export const xccdf: Format = {
  slug: SLUG,
  title: 'XCCDF',
  tool: SLUG,
  description:
    'XML of `oscap xccdf eval --results|--results-arf`, of SCC, and of whatever else writes XCCDF 1.1 or 1.2: a TestResult, a Benchmark that holds one, or an ARF ' +
    'collection. Or the ConfigMaps of the Compliance Operator as JSON or YAML, compressed or not ' +
    '(`kubectl get configmaps -l complianceoperator.openshift.io/scan-result -o yaml`). It is about the node that it names, or that is declared (targets=node/NAME); a ' +
    'ConfigMap without a node is of a scan of the cluster, while XML of one has to be posted with targets=cluster/cluster. Complete for the checks that were evaluated, if the result says when it ended and the exit code is 0 or 2. ' +
    'Rules that were not selected are left out; those that a person has to check are manual; results that were overridden, or mended by the scan, are warnings. SCC and ' +
    'old versions of OpenSCAP write times without a zone: pass observedAt.',

  yields: ['results'],
  targets: ['node', 'cluster', 'image'],

  detect(document) {
    return document instanceof XmlElement ? isXccdf(document) : detectObjects(document, isScanResult);
  },

  read(document, draft) {
    const results = new TestResults(draft);
    const { declared } = draft;
    if (document instanceof XmlElement) {
      results.read(document, '', true, (result) => scannedTarget(declared, result));
    } else {
      eachObject(draft, document, (object) => {
        const found = scanResultOf(object);
        if (found === null) {
          draft.note('ConfigMaps without results, of scans that failed or of something else, are left out.');
          return;
        }
        const { root, node, isWhole } = found;
        if (!isWhole) draft.note('A scan ended with an error, so it closes nothing.');
        results.read(root, `${object.pointer}/data/results`, isWhole, (result) =>
          operatorTarget(declared, node, result),
        );
      });
    }
    results.finish();
  },
};
