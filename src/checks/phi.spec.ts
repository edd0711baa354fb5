import { describe, expect, it } from 'vitest';
import { clusterOf } from './examples.js';

type Json = Record<string, unknown>;

const object = (kind: string, name: string, namespace: string | null, labels: Json = {}, more: Json = {}): Json => ({
  apiVersion: kind === 'Deployment' ? 'apps/v1' : 'v1',
  kind,
  metadata: { name, labels, ...(namespace === null ? {} : { namespace }) },
  ...more,
});

function holding(objects: Json[], phi: string[] = []): string[] {
  const cluster = clusterOf({ name: 'phi', objects, phi });
  return ['Namespace', 'Pod', 'Deployment', 'PersistentVolume', 'Node']
    .flatMap((kind) => cluster.list(kind))
    .filter((found) => cluster.phi.holds(found))
    .map((found) => `${String(found['kind'])}/${String((found['metadata'] as Json)['name'])}`);
}

const clinic = object('Namespace', 'clinic', null, { 'safeguard.dev/phi': 'true' });
const shop = object('Namespace', 'shop', null, { 'safeguard.dev/phi': 'false', 'data-classification': 'public' });

describe('which objects hold PHI?', () => {
  it('those of a namespace that is marked', () => {
    expect(holding([clinic, shop, object('Pod', 'a', 'clinic'), object('Pod', 'b', 'shop')])).toEqual([
      'Namespace/clinic',
      'Pod/a',
    ]);
  });

  it('those of a namespace on the list, whether it is there or not', () => {
    expect(holding([shop, object('Pod', 'a', 'clinic'), object('Pod', 'b', 'shop')], ['clinic'])).toEqual(['Pod/a']);
  });

  it('those that are marked themselves, or in their pod template', () => {
    const template = { spec: { template: { metadata: { labels: { 'data-classification': 'ephi' } } } } };
    expect(
      holding([
        shop,
        object('Pod', 'a', 'shop', { 'data-classification': 'phi' }),
        object('Deployment', 'd', 'shop', {}, template),
      ]),
    ).toEqual(['Pod/a', 'Deployment/d']);
  });

  it('those whose label is written in capitals', () => {
    expect(holding([object('Namespace', 'a', null, { 'data-classification': 'PHI' }), shop])).toEqual(['Namespace/a']);
  });

  it('volumes of claims of such a namespace', () => {
    const volume = (name: string, namespace: string) =>
      object('PersistentVolume', name, null, {}, { spec: { claimRef: { namespace } } });
    expect(
      holding([clinic, volume('v', 'clinic'), volume('w', 'shop'), object('PersistentVolume', 'free', null)]),
    ).toEqual(['Namespace/clinic', 'PersistentVolume/v']);
  });

  it('everything but what is of Kubernetes, where nothing is marked', () => {
    const objects = ['clinic', 'kube-system', 'kube-public', 'kube-node-lease'].map((name) =>
      object('Namespace', name, null),
    );
    expect(
      holding([
        ...objects,
        object('Pod', 'a', 'clinic'),
        object('Pod', 'b', 'kube-system'),
        object('Pod', 'c', 'unseen'),
        object('Node', 'n', null),
      ]),
    ).toEqual(['Namespace/clinic', 'Pod/a', 'Pod/c']);
  });

  it.each([[{ 'safeguard.dev/phi': true }], [{ 'safeguard.dev/phi': 'yes' }], ['x'], [null]])(
    'labels that say something else: %j',
    (labels) => {
      expect(holding([object('Namespace', 'shop', null, labels as Json), clinic])).toEqual(['Namespace/clinic']);
    },
  );
});
