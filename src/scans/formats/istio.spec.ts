import { describe, expect, it } from 'vitest';
import { fixture, fixtureNames, golden, parsed } from '../../../test/fixtures/reports/load.js';

const policy = (spec: unknown) => ({
  apiVersion: 'security.istio.io/v1',
  kind: 'PeerAuthentication',
  metadata: { name: 'a', namespace: 'clinic' },
  spec,
});
const value = (spec: unknown) => parsed(policy(spec)).facts[0]?.value;

describe('Istio', () => {
  it.each(fixtureNames('istio'))('does %s give its golden facts?', (name) => {
    const report = parsed(fixture(name), 'cluster/cluster');
    expect(report).toEqual(golden(name, report));
  });

  it.each([{}, null, { mtls: null }, { mtls: {} }, { mtls: { mode: null } }, { mtls: { mode: 'UNSET' } }])(
    'is the mode of %j inherited, and never strict?',
    (spec) => {
      expect(value(spec)).toMatchObject({ mode: 'UNSET', selector: {}, portModes: {} });
    },
  );

  it.each([
    { mtls: 'STRICT' },
    { mtls: { mode: 'strict' } },
    { mtls: { mode: 2 } },
    { selector: { matchLabels: { a: 1 } } },
  ])('is a policy with %j rejected?', (spec) => {
    expect(parsed(policy(spec))).toMatchObject({ facts: [], rejects: [{}] });
  });

  it('are names that JavaScript has meanings for kept as names?', () => {
    const spec = JSON.parse(
      '{"selector":{"matchLabels":{"constructor":"a"}},"portLevelMtls":{"1":{"mode":"DISABLE"}}}',
    );
    expect(value(spec)).toMatchObject({ selector: { constructor: 'a' }, portModes: { 1: 'DISABLE' } });
  });
});
