import { describe, expect, it } from 'vitest';
import { fixture, fixtureNames, golden, parsed } from '../../../test/fixtures/reports/load.js';

const certificate = (status: unknown, spec: object = {}) => ({
  apiVersion: 'cert-manager.io/v1',
  kind: 'Certificate',
  metadata: { name: 'a', namespace: 'clinic' },
  spec: { secretName: 's', issuerRef: { name: 'i' }, ...spec },
  status,
});
const value = (status: unknown, spec?: object) => parsed(certificate(status, spec)).facts[0]?.value;
const ready = (status: string) => ({ type: 'Ready', status, reason: 'R' });

describe('cert-manager', () => {
  it.each(fixtureNames('cert-manager'))('does %s give its golden facts?', (name) => {
    const report = parsed(fixture(name), 'cluster/cluster');
    expect(report).toEqual(golden(name, report));
    expect(JSON.stringify(report)).not.toContain('not-to-be-kept');
  });

  it('is a certificate ready only if its condition of that type says so?', () => {
    const issuing = { type: 'Issuing', status: 'True', reason: 'Renewing' };
    expect(value({ conditions: [issuing, ready('True')] })).toMatchObject({ ready: true, issuing: true });
    expect(value({ conditions: [ready('False'), issuing] })).toMatchObject({ ready: false, issuing: true });
    expect(value({ conditions: [ready('Unknown')] })).toMatchObject({ ready: null, reason: 'R', issuing: false });
    for (const status of [undefined, null, {}, { conditions: null }, { conditions: [issuing] }]) {
      expect(value(status)).toMatchObject({ ready: null, reason: null });
    }
    for (const conditions of [[ready('true')], [{ type: 'Ready' }], [{ ...ready('x'), status: true }], ['Ready'], {}]) {
      expect(parsed(certificate({ conditions }))).toMatchObject({ facts: [], rejects: [{}] });
    }
    expect(parsed(certificate({ conditions: [ready('True'), ready('False')] })).rejects).toMatchObject([
      { pointer: '/status/conditions' },
    ]);
  });

  it('is a time that is none rejected, and one that is not known null?', () => {
    for (const notAfter of [undefined, null, '', '0001-01-01T00:00:00Z']) {
      expect(value({ notAfter })).toMatchObject({ expiresAt: null });
    }
    expect(value({ notAfter: '2026-05-30T02:00:00+02:00' })).toMatchObject({ expiresAt: '2026-05-30T00:00:00.000Z' });
    for (const notAfter of ['tomorrow', '2026-05-30', '2026-05-30T00:00:00', 1780000000, {}]) {
      expect(parsed(certificate({ notAfter })).rejects).toMatchObject([{ pointer: '/status/notAfter' }]);
    }
  });

  it.each([{ dnsNames: 'a' }, { dnsNames: [7] }, { privateKey: { size: -1 } }, { duration: 90 }, { issuerRef: {} }])(
    'is a certificate with %j rejected?',
    (spec) => {
      expect(parsed(certificate({}, spec))).toMatchObject({ facts: [], rejects: [{}] });
    },
  );

  it('is one with more names than can be kept rejected, and not cut?', () => {
    const dnsNames = (length: number) => ({
      dnsNames: Array.from({ length }, (_, number) => `${number}.clinic.example`),
    });
    expect(value({}, dnsNames(500))).toHaveProperty('dnsNames.length', 500);
    expect(parsed(certificate({}, dnsNames(501))).rejects).toMatchObject([{ pointer: '/spec/dnsNames' }]);
    const long = { dnsNames: Array.from({ length: 100 }, () => 'x'.repeat(200)) };
    expect(parsed(certificate({}, long))).toMatchObject({ facts: [], rejects: [{ reason: /longer than 16384/ }] });
  });
});
