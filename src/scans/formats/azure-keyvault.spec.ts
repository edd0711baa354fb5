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

const VAULT = 'clinic.vault.azure.net';
const KEY = `https://${VAULT}/keys/etcd`;
const policy = (actions: object[], more: object = {}) => ({
  id: `${KEY}/rotationpolicy`,
  lifetimeActions: actions,
  ...more,
});
const action = (type: string, trigger: object) => ({ action: { type }, trigger });
const rotation = (document: unknown) => parsed(document).facts[0]?.value;
const list = (kids: string[], more: object = {}) => ({
  value: kids.map((kid, day) => ({ kid, attributes: { enabled: true, created: 1772323200 + day * 86_400 } })),
  nextLink: null,
  ...more,
});

describe('Azure Key Vault', () => {
  it.each(fixtureNames('azure-keyvault'))('does %s give its golden facts?', (name) => {
    const report = parsed(fixture(name), `account/${name.includes('/policy') ? KEY : VAULT}`);
    expect(report).toEqual(golden(name, report));
    expect(JSON.stringify(report)).not.toMatch(/not-to-be-kept|bm90LX/);
  });

  it('does a policy rotate only if one of its actions does?', () => {
    expect(rotation(policy([action('Notify', { timeBeforeExpiry: 'P30D' })]))).toMatchObject({
      rotation: { enabled: false, periodDays: null },
    });
    expect(rotation(policy([]))).toMatchObject({ rotation: { enabled: false } });
    for (const odd of [{}, { action: 'Revoke' }, { action: { type: true } }, { action: null }]) {
      expect(parsed(policy([odd]))).toMatchObject({ facts: [], rejects: [{}] });
    }
  });

  it('how long is a period?', () => {
    const period = (trigger: object, attributes: object | null = null) =>
      rotation(policy([action('Rotate', trigger)], { attributes }));
    expect(period({ timeAfterCreate: 'P90D' })).toMatchObject({ rotation: { enabled: true, periodDays: 90 } });
    expect(period({ timeAfterCreate: 'P1Y6M' })).toMatchObject({ rotation: { periodDays: 545 } });
    expect(period({ timeAfterCreate: 'P1W' })).toMatchObject({ rotation: { periodDays: 7 } });
    expect(period({ timeAfterCreate: 'PT48H' })).toMatchObject({ rotation: { periodDays: 2 } });
    const before = { timeBeforeExpiry: 'P30D' };
    expect(period(before, { expiryTime: 'P90D' })).toMatchObject({ rotation: { periodDays: 60 } });
    expect(period(before)).toMatchObject({ rotation: { enabled: true, periodDays: null } });
    expect(period(before, { expiryTime: 'P7D' })).toMatchObject({ rotation: { periodDays: null } });
    for (const timeAfterCreate of ['P', '90D', 'P-1D', 'PT', 90]) {
      expect(parsed(policy([action('Rotate', { timeAfterCreate })])).rejects).toHaveLength(1);
    }
  });

  it('has the poster to name the key of a default policy?', () => {
    const answer = fixture('azure-keyvault/policy-default.json');
    expect(faultOf(answer)).toBe('target-unknown');
    expect(faultOf(answer, declared(`account/${VAULT}`))).toBe('target-unknown');
    expect(parsed(answer, `account/${KEY}`).facts).toMatchObject([
      { target: { name: VAULT }, subject: 'etcd', source: 'azure-keyvault/rotation-policy' },
    ]);
    const two = [policy([], { id: undefined }), policy([], { id: null })];
    expect(faultOf(bytesOf(two), declared(`account/${KEY}`))).toBe('target-unknown');
  });

  it.each(['account/other.vault.azure.net', `account/${KEY}2`, 'account/not a host', 'namespace/clinic'])(
    'is the target %s refused?',
    (target) => {
      expect(faultOf(fixture('azure-keyvault/policy.json'), declared(target))).toBe('target-mismatch');
    },
  );

  it('is a list of keys complete only if the vault is declared and its pages are there, first to last?', () => {
    const vault = `account/${VAULT}`;
    const extent = (document: unknown, ...targets: string[]) => {
      const [first, ...others] = new Set(parsed(document, ...targets).coverage.map((of) => of.extent));
      expect(others).toEqual([]);
      return first;
    };
    const page = (...kids: string[]) => list(kids, { nextLink: 'https://next' });
    const last = list([`${KEY}2`]);
    expect(extent([last])).toBe('partial');
    expect(extent([last], `account/${KEY}2`)).toBe('partial');
    expect(extent(fixture('azure-keyvault/keys-of-az.json'), vault)).toBe('partial');

    expect(extent([last], vault)).toBe('complete');
    expect(extent([page(KEY), last], vault)).toBe('complete');
    expect(extent([page(KEY), page(`${KEY}1`), { ...last, nextLink: undefined }], vault)).toBe('complete');
    const alone = [last, page(KEY), [page(KEY)], [page(KEY), page(`${KEY}1`)], [last, page(KEY)], [last, last]];
    for (const document of alone) expect(extent(document, vault)).toBe('partial');
    // Of a list without a key in it nothing tells whose it is.
    expect(parsed([page(KEY), list([])], vault)).toMatchObject({ rejects: [{}], coverage: [{ extent: 'partial' }] });
    const key = { key: { kid: `${KEY}/0123456789abcdef0123456789abcdef` }, attributes: {} };
    expect(parsed([last, key], vault).coverage.map((of) => [of.source, of.extent])).toEqual([
      ['azure-keyvault/keys', 'complete'],
      ['azure-keyvault/key', 'partial'],
    ]);
  });

  it('do versions say when the key was rotated, if all of them are there?', () => {
    const one = `${KEY}/0123456789abcdef0123456789abcdef`;
    const two = `${KEY}/fedcba9876543210fedcba9876543210`;
    expect(rotation([list([one, two])])).toMatchObject({
      complete: true,
      latestVersion: 'fedcba9876543210fedcba9876543210',
      lastRotatedAt: '2026-03-02T00:00:00.000Z',
      createdAt: '2026-03-01T00:00:00.000Z',
    });
    expect(rotation([list([one])])).toMatchObject({ complete: true, lastRotatedAt: null });
    const page = list([one, two], { nextLink: 'https://next' });
    for (const cut of [page, [page], list([one, two])]) {
      expect(rotation(cut)).toMatchObject({ complete: false, latestVersion: null, createdAt: null });
    }
    expect(parsed([list([one]), list([two])]).facts).toMatchObject([
      { value: { complete: false, lastRotatedAt: null } },
    ]);
    const mixed = parsed(list([one, `https://${VAULT}/keys/other/0123456789abcdef0123456789abcdef`]));
    expect(mixed).toMatchObject({ rejects: [{ pointer: '/value/1' }], facts: [{ value: { complete: false } }] });
  });

  it('is one vault one, however its name is written?', () => {
    const { facts } = parsed(list(['https://CLINIC.vault.azure.net:443/keys/ETCD']), `account/Clinic.vault.azure.net`);
    expect(facts).toMatchObject([{ target: { name: VAULT }, subject: 'etcd', value: { keyId: KEY } }]);
  });

  it('are JSON web keys of others no answer of a vault?', () => {
    expect(faultOf(bytesOf({ keys: [{ kid: 'a', kty: 'RSA' }] }))).toBe('unknown-format');
    expect(faultOf(bytesOf({ value: [{ kid: 'a' }], nextLink: null }))).toBe('unknown-format');
    expect(faultOf(bytesOf({ id: 'https://other.example/policy', lifetimeActions: [] }))).toBe('unknown-format');
  });
});
