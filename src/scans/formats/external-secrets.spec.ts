import { describe, expect, it } from 'vitest';
import { fixture, fixtureNames, golden, parsed } from '../../../test/fixtures/reports/load.js';

const object = (kind: string, spec: unknown, status?: unknown) => ({
  apiVersion: 'external-secrets.io/v1',
  kind,
  metadata: { name: 'a', namespace: 'clinic' },
  spec,
  status,
});
const value = (...of: Parameters<typeof object>) => parsed(object(...of)).facts[0]?.value;

describe('External Secrets Operator', () => {
  it.each(fixtureNames('external-secrets'))(
    'does %s give its golden facts, and nothing of what is fetched?',
    (name) => {
      const report = parsed(fixture(name), 'cluster/cluster');
      expect(report).toEqual(golden(name, report));
      expect(JSON.stringify(report)).not.toContain('not-to-be-kept');
    },
  );

  it('are the defaults those of the operator?', () => {
    expect(value('ExternalSecret', { secretStoreRef: { name: 'vault' } })).toEqual({
      store: 'SecretStore/vault',
      target: 'a',
      refreshInterval: null,
      refreshPolicy: null,
      ready: null,
      reason: null,
      refreshedAt: null,
      entries: 0,
    });
  });

  it('is a True of another condition than Ready no readiness?', () => {
    const conditions = [
      { type: 'NotReady', status: 'True' },
      { type: 'PartiallyReady', status: 'True' },
    ];
    expect(value('ExternalSecret', {}, { conditions })).toMatchObject({ ready: null });
  });

  it.each([{}, { provider: {} }, { provider: { aws: {}, vault: {} } }, { provider: 'aws' }, null])(
    'is a store with %j rejected?',
    (spec) => {
      expect(parsed(object('SecretStore', spec))).toMatchObject({ facts: [], rejects: [{}] });
    },
  );
});
