/** A check whose parts a test replaces. */
export const exampleCheck = (more: Readonly<Record<string, unknown>> = {}) => ({
  id: 'example',
  title: 'It is so',
  practice: 'run-as-non-root',
  severity: 'high' as const,
  each: 'Pod',
  pass: 'true',
  message: 'It is not so.',
  examples: { pass: [{ name: 'a', objects: [] }], fail: [{ name: 'a', objects: [] }] },
  ...more,
});

/** A check of an organisation's own: that deployments have an owner. */
export const ownCheck = {
  id: 'org/owned-deployments',
  title: 'Deployments name their owner',
  practice: 'phi-workload-labels',
  severity: 'low',
  each: 'Deployment',
  pass: "has(object.metadata.labels) && 'owner' in object.metadata.labels",
  message: '{object.metadata.name} has no owner.',
  examples: {
    pass: [{ name: 'it has one', objects: [deployment({ owner: 'portal' })] }],
    fail: [{ name: 'it has none', objects: [deployment({})] }],
  },
};

function deployment(labels: Record<string, string>): object {
  return { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web', namespace: 'emr', labels } };
}
