import { describe, expect, it } from 'vitest';
import { fixture, fixtureNames, golden, parsed } from '../../../test/fixtures/reports/load.js';

const object = (kind: string, more: object) => ({
  apiVersion: 'secrets-store.csi.x-k8s.io/v1',
  kind,
  metadata: { name: 'a', namespace: 'clinic' },
  ...more,
});

describe('Secrets Store CSI Driver', () => {
  it.each(fixtureNames('secrets-store-csi'))('does %s give its golden facts, and no parameters?', (name) => {
    const report = parsed(fixture(name), 'cluster/cluster');
    expect(report).toEqual(golden(name, report));
    expect(JSON.stringify(report)).not.toContain('not-to-be-kept');
  });

  it('is nothing mounted where the status does not say so?', () => {
    for (const status of [undefined, null, {}, { mounted: null }]) {
      expect(parsed(object('SecretProviderClassPodStatus', { status })).facts).toMatchObject([
        { value: { mounted: null, objects: [] } },
      ]);
    }
  });

  it.each([{ mounted: 'true' }, { objects: [{ version: '1' }] }, { objects: ['a'] }, { podName: 7 }])(
    'is a status with %j rejected?',
    (status) => {
      expect(parsed(object('SecretProviderClassPodStatus', { status }))).toMatchObject({ facts: [], rejects: [{}] });
    },
  );

  it('is a Secret without a name in a class rejected?', () => {
    const spec = { provider: 'vault', secretObjects: [{ secretName: 'a' }, { type: 'Opaque' }] };
    expect(parsed(object('SecretProviderClass', { spec })).rejects).toMatchObject([
      { pointer: '/spec/secretObjects/1/secretName' },
    ]);
  });
});
