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
