import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { flagValue } from '../../src/checks/kubernetes/flags.js';
import { podSecurityLevel } from '../../src/checks/kubernetes/pod-security.js';
import { SAMPLES } from './expected.js';

describe.skipIf(SAMPLES === null)('pods that somebody runs (../shared/samples)', () => {
  const read = (file: string) => JSON.parse(readFileSync(join(SAMPLES ?? '', 'k8s-objects', file), 'utf8'));

  it('are the flags of an API server read?', () => {
    const pod = read('kube-apiserver-pod-encryption-and-audit-flags.json');
    const container = (pod.items?.[0] ?? pod).spec.containers[0];
    expect(flagValue(container, 'encryption-provider-config')).toMatch(/^\//);
    expect(flagValue(container, 'no-such-flag')).toBeNull();
  });

  it('are they judged by the Pod Security Standards?', () => {
    const { items } = read('pods-podlist-default.json');
    expect(items.length).toBeGreaterThan(0);
    for (const { spec, metadata } of items)
      expect(['privileged', 'baseline', 'restricted']).toContain(podSecurityLevel(spec, metadata));
  });
});
