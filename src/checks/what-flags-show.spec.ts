import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { practicesOf } from '../catalog/checks.mapping.js';
import { compileFile } from './definition.js';
import { evaluate } from './evaluate.js';
import { clusterOf } from './examples.js';
import { shippedFiles } from './files.js';

const SHIPPED = shippedFiles().flatMap((file) => compileFile(parse(readFileSync(file, 'utf8'))).checks);

/** Statuses that the shipped checks of a practice give for a cluster of kubeadm whose API server is started with these flags. */
function statuses(practice: string, ...flags: string[]): string[] {
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: 'kube-apiserver-cp-1',
      namespace: 'kube-system',
      labels: { component: 'kube-apiserver', tier: 'control-plane' },
    },
    spec: { containers: [{ name: 'kube-apiserver', image: 'x', command: ['kube-apiserver', ...flags] }] },
  };
  const checks = SHIPPED.filter(({ definition }) => practicesOf(definition).includes(practice));
  const found = new Set<string>();
  const cluster = clusterOf({ name: 'kubeadm', objects: [pod] });
  evaluate(checks, cluster, ({ status }) => found.add(status), { perCheck: 5_000, inAll: 5_000 });
  return [...found].sort();
}

const AUDITED = ['--audit-policy-file=/p.yaml', '--audit-log-path=/var/log/audit.log'];

// What stands in the files is not seen: `aescbc` with its key beside the data, a policy of level None.
it.each([
  ['kms-provider-external-keys', ['--encryption-provider-config=/e.yaml']],
  ['audit-policy-coverage', AUDITED],
  ['audit-event-fields', AUDITED],
  ['security-event-logging', AUDITED],
])('does a flag that names a file prove nothing of %s, and fail without?', (practice, flags) => {
  expect(statuses(practice, ...flags)).not.toContain('pass');
  expect(statuses(practice, ...flags)).toContain('manual');
  expect(statuses(practice)).toContain('fail');
  expect(statuses(practice)).not.toContain('pass');
});
