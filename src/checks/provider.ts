import { at, isMap, textAt, type KubernetesObject } from './values.js';

/** Providers that run the control plane out of sight, or have it in a form of their own. `` of the others: what kubeadm, k3s, RKE2 or Talos made. */
export type Provider = 'eks' | 'gke' | 'aks' | 'openshift' | '';

/** What nodes carry: labels that the providers' own components set. */
const LABELS: readonly [Provider, RegExp][] = [
  ['eks', /^eks\.amazonaws\.com\/|^alpha\.eksctl\.io\//],
  ['gke', /^cloud\.google\.com\/gke-/],
  ['aks', /^kubernetes\.azure\.com\//],
  ['openshift', /^node\.openshift\.io\//],
];

/** `v1.34.1-eks-113cf36`, `v1.33.4-gke.1134000`: EKS and GKE write themselves into the version of the API server. */
const VERSIONS: readonly [Provider, RegExp][] = [
  ['eks', /-eks-/],
  ['gke', /-gke\./],
];

export function providerOf(nodes: readonly KubernetesObject[], gitVersion: string): Provider {
  for (const [provider, pattern] of VERSIONS) if (pattern.test(gitVersion)) return provider;
  for (const node of nodes) {
    const labels = at(node, 'metadata', 'labels');
    const keys = isMap(labels) ? Object.keys(labels) : [];
    for (const [provider, pattern] of LABELS) if (keys.some((key) => pattern.test(key))) return provider;
    // A node pool of AKS may be stripped of its labels, not of the subscription that its machines stand in.
    if (/^azure:\/\/.*\/resourcegroups\/mc_/i.test(textAt(node, 'spec', 'providerID'))) return 'aks';
  }
  return '';
}
