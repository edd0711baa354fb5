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

const MOUNT = 'account/vault.example/transit';
const answer = (more: object) => ({
  data: {
    name: 'phi',
    type: 'aes256-gcm96',
    keys: { 1: 1772323200 },
    latest_version: 1,
    min_decryption_version: 1,
    ...more,
  },
});
const key = (more: object) => parsed(answer(more), MOUNT).facts[0]?.value;

describe('Vault transit', () => {
  it.each(fixtureNames('vault-transit'))('does %s give its golden facts?', (name) => {
    const report = parsed(fixture(name), MOUNT);
    expect(report).toEqual(golden(name, report));
    expect(JSON.stringify(report)).not.toContain('not-to-be-kept');
  });

  it('has the poster to name the mount?', () => {
    expect(faultOf(fixture('vault-transit/symmetric.json'))).toBe('target-unknown');
    expect(faultOf(fixture('vault-transit/symmetric.json'), declared('account/a', 'account/b'))).toBe(
      'target-mismatch',
    );
    expect(parsed(answer({}), MOUNT).coverage).toMatchObject([
      { target: { name: 'vault.example/transit' }, extent: 'partial' },
    ]);
  });

  it('is a period of zero off, and none nothing?', () => {
    expect(key({ auto_rotate_period: 0 })).toMatchObject({ rotation: { enabled: false, periodDays: null } });
    expect(key({ auto_rotate_period: 86_400 })).toMatchObject({ rotation: { enabled: true, periodDays: 1 } });
    expect(key({})).toMatchObject({ rotation: { enabled: null, periodDays: null } });
    for (const auto_rotate_period of [-1, '24h', true]) {
      expect(parsed(answer({ auto_rotate_period }), MOUNT).rejects).toMatchObject([
        { pointer: '/data/auto_rotate_period' },
      ]);
    }
  });

  it('is the latest version the greatest by number, and the last rotation its time?', () => {
    expect(
      key({ keys: { 10: 1772323200, 9: 1780000000 }, latest_version: 10, min_decryption_version: 9 }),
    ).toMatchObject({
      latestVersion: '10',
      lastRotatedAt: '2026-03-01T00:00:00.000Z',
      createdAt: null,
      // Eight versions are archived.
      complete: false,
    });
    expect(key({ latest_version: undefined })).toMatchObject({
      latestVersion: '1',
      lastRotatedAt: null,
      complete: true,
    });
    expect(key({ latest_version: 2 })).toMatchObject({ latestVersion: '2', lastRotatedAt: null, complete: false });
    expect(key({ keys: {}, latest_version: undefined })).toMatchObject({ latestVersion: null, versions: [] });
  });

  it('are versions read in both shapes, and in no other?', () => {
    expect(key({ keys: { 1: { creation_time: '2026-03-01T00:00:00Z' } } })).toMatchObject({
      createdAt: '2026-03-01T00:00:00.000Z',
    });
    for (const keys of [{ x: 1 }, { 0: 1 }, { 1: 'soon' }, { 1: { creation_time: 'soon' } }, { 1: [] }]) {
      expect(parsed(answer({ keys }), MOUNT)).toMatchObject({ facts: [], rejects: [{}] });
    }
  });

  it('is a key that may leave in either way exportable?', () => {
    expect(key({ exportable: false, allow_plaintext_backup: false })).toMatchObject({ exportable: false });
    expect(key({ exportable: false, allow_plaintext_backup: true })).toMatchObject({ exportable: true });
    expect(key({ exportable: false })).toMatchObject({ exportable: null });
  });

  it('are other answers of Vault not of this format?', () => {
    expect(faultOf(bytesOf({ data: { keys: ['a', 'b'] } }), declared(MOUNT))).toBe('unknown-format');
    expect(faultOf(bytesOf({ data: { password: 'x' } }), declared(MOUNT))).toBe('unknown-format');
    expect(parsed([answer({}), { data: { keys: ['a'] } }], MOUNT).rejects).toMatchObject([{ pointer: '/1' }]);
  });
});
