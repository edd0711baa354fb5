import { describe, expect, it } from 'vitest';
import {
  bytesOf,
  declared,
  faultOf,
  fixture,
  fixtureNames,
  golden,
  parsed,
} from '../../../test/fixtures/reports/load.js';

const RING = 'projects/clinic/locations/europe-west3/keyRings/phi';
const version = (number: number, key = 'etcd') => ({
  name: `${RING}/cryptoKeys/${key}/cryptoKeyVersions/${number}`,
  state: 'ENABLED',
  createTime: '2026-01-01T00:00:00Z',
});
const cryptoKey = (more: object = {}) => ({ name: `${RING}/cryptoKeys/etcd`, purpose: 'ENCRYPT_DECRYPT', ...more });

describe('Google Cloud KMS', () => {
  it.each(fixtureNames('gcp-kms'))('does %s give its golden facts?', (name) => {
    const report = parsed(fixture(name), `account/${RING}`);
    expect(report).toEqual(golden(name, report));
    expect(JSON.stringify(report)).not.toContain('not-to-be-kept');
  });

  it('is a list of keys complete only if the ring is declared and as many are listed as there are?', () => {
    const list = (more: object) => ({ cryptoKeys: [cryptoKey()], totalSize: 1, ...more });
    const extent = (document: unknown, ...targets: string[]) => parsed(document, ...targets).coverage[0]?.extent;
    expect(extent(list({}))).toBe('partial');
    expect(extent(list({}), `account/${RING}`)).toBe('complete');
    for (const more of [{ nextPageToken: 't' }, { totalSize: 2 }, { totalSize: undefined }, { totalSize: null }]) {
      expect(extent(list(more), `account/${RING}`)).toBe('partial');
    }
    expect(extent(cryptoKey(), `account/${RING}`)).toBe('partial');
    expect(extent([cryptoKey()], `account/${RING}`)).toBe('partial');
    expect(faultOf(bytesOf(list({})), declared(`account/${RING}2`))).toBe('target-mismatch');
  });

  it('is no rotation period no rotation, and the period of another purpose none?', () => {
    const rotation = (more: object) => parsed(cryptoKey(more)).facts[0]?.value;
    expect(rotation({})).toMatchObject({ rotation: { enabled: false, supported: true } });
    expect(rotation({ rotationPeriod: '7776000s' })).toMatchObject({ rotation: { enabled: true, periodDays: 90 } });
    expect(rotation({ purpose: 'MAC' })).toMatchObject({ rotation: { enabled: null, supported: false } });
    expect(rotation({ importOnly: true })).toMatchObject({ rotation: { enabled: null, supported: false } });
    expect(rotation({ purpose: undefined })).toMatchObject({ rotation: { enabled: null, supported: null } });
    for (const rotationPeriod of ['90d', '7776000', 7776000]) {
      expect(parsed(cryptoKey({ rotationPeriod })).rejects).toMatchObject([{ pointer: '/rotationPeriod' }]);
    }
  });

  it('was a key of which the first version is in force never rotated?', () => {
    const of = (number: number) => parsed(cryptoKey({ primary: version(number) })).facts[0]?.value;
    expect(of(1)).toMatchObject({ latestVersion: '1', lastRotatedAt: null, complete: false });
    expect(of(2)).toMatchObject({ latestVersion: '2', lastRotatedAt: '2026-01-01T00:00:00.000Z' });
    expect(parsed(cryptoKey({ primary: version(2, 'another') })).rejects).toMatchObject([{ pointer: '/primary/name' }]);
  });

  it('are versions all there are only if as many are listed as there are?', () => {
    const complete = (document: unknown) =>
      parsed(document).facts.map(({ value }) => 'complete' in value && value.complete);
    const list = (more: object = {}) => ({ cryptoKeyVersions: [version(1), version(2)], totalSize: 2, ...more });
    expect(complete(list())).toEqual([true]);
    expect(complete(list({ totalSize: 3 }))).toEqual([false]);
    expect(complete(list({ nextPageToken: 't' }))).toEqual([false]);
    expect(complete([version(1), version(2)])).toEqual([false]);
    // Two pages, of which each counts itself whole.
    expect(complete([list(), list()])).toEqual([false]);
  });

  it('is a version of another key a reject?', () => {
    const report = parsed({ cryptoKeyVersions: [version(1), version(1, 'another')], totalSize: 2 });
    expect(report.rejects).toMatchObject([{ pointer: '/cryptoKeyVersions/1' }]);
    expect(report.facts).toMatchObject([{ subject: 'etcd', value: { complete: false, versions: [{ version: '1' }] } }]);
  });

  it('do lists without members prove nothing?', () => {
    expect(faultOf(bytesOf({ cryptoKeys: [], totalSize: 0 }), declared(`account/${RING}`))).toBe('empty-report');
    expect(faultOf(bytesOf({ cryptoKeyVersions: [] }))).toBe('empty-report');
  });
});
