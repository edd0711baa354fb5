import { describe, expect, it } from 'vitest';
import { selectsEndpoint } from './network.js';

const labels = { app: 'api', 'app.kubernetes.io/name': 'api' };

describe('does a selector of Cilium select a pod?', () => {
  it.each([
    ['everything', {}],
    ['a label', { matchLabels: { app: 'api' } }],
    ['a label of Kubernetes', { matchLabels: { 'k8s:app': 'api', 'k8s:app.kubernetes.io/name': 'api' } }],
    ['a label of any source', { matchLabels: { 'any:app': 'api' } }],
    ['its namespace', { matchLabels: { 'k8s:io.kubernetes.pod.namespace': 'ehr' } }],
    [
      'its namespace, among others',
      { matchExpressions: [{ key: 'io.kubernetes.pod.namespace', operator: 'In', values: ['ehr', 'lab'] }] },
    ],
    ['not what only nodes have', { matchExpressions: [{ key: 'reserved:host', operator: 'DoesNotExist' }] }],
    ['not what it has not', { matchExpressions: [{ key: 'k8s:tier', operator: 'DoesNotExist' }] }],
  ])('%s', (_, selector) => {
    expect(selectsEndpoint(selector, labels, 'ehr')).toBe(true);
  });

  it.each([
    ['another label', { matchLabels: { app: 'web' } }],
    ['another namespace', { matchLabels: { 'k8s:io.kubernetes.pod.namespace': 'lab' } }],
    ['a label of another source', { matchLabels: { 'reserved:app': 'api' } }],
    ['what only nodes have', { matchExpressions: [{ key: 'reserved:host', operator: 'Exists' }] }],
    ['one of two', { matchLabels: { app: 'api', tier: 'db' } }],
  ])('not %s', (_, selector) => {
    expect(selectsEndpoint(selector, labels, 'ehr')).toBe(false);
  });

  it('a pod without labels is in its namespace all the same', () => {
    expect(selectsEndpoint({ matchLabels: { 'io.kubernetes.pod.namespace': 'ehr' } }, null, 'ehr')).toBe(true);
    expect(selectsEndpoint({ matchLabels: { app: 'api' } }, null, 'ehr')).toBe(false);
  });

  it('a label of a pod cannot say that it is in another namespace', () => {
    const lying = { 'io.kubernetes.pod.namespace': 'lab' };
    expect(selectsEndpoint({ matchLabels: { 'io.kubernetes.pod.namespace': 'lab' } }, lying, 'ehr')).toBe(false);
  });

  it.each([
    ['no selector', null],
    ['a field that is not known', { matchCIDR: ['10.0.0.0/8'] }],
    ['labels that are a list', { matchLabels: ['app'] }],
    ['expressions that are a map', { matchExpressions: { key: 'app' } }],
    ['an expression that is a text', { matchExpressions: ['app in (api)'] }],
    ['an operator that is none', { matchExpressions: [{ key: 'app', operator: 'Is', values: ['api'] }] }],
  ])('%s is told', (_, selector) => {
    expect(() => selectsEndpoint(selector, labels, 'ehr')).toThrow();
  });
});
