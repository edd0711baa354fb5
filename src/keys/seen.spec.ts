import { describe, expect, it } from 'vitest';
import { effectiveRecord } from '../../test/support/effective.js';
import { factsOf } from '../../test/support/facts.js';
import type { ListedFact } from '../results/listed-fact.js';
import { keyLedger } from './ledger.js';
import { seenKeys, type SeenKey } from './seen.js';

const AS_OF = new Date('2026-06-01T00:00:00Z');

function theOne(facts: readonly ListedFact[]): SeenKey {
  const [one, ...more] = seenKeys(facts);
  if (one === undefined || more.length > 0) throw new Error('not one key');
  return one;
}

const tellings = ({ tellings: told }: SeenKey) => told.map(({ at, version }) => [at.toISOString(), version]).sort();

/** A key that somebody recorded, found by the reference that is given. */
function recorded(provider: string, keyId: string, facts: readonly ListedFact[]) {
  const record = effectiveRecord('key', {
    name: 'etcd',
    purpose: 'etcd-kms',
    custodian: '00000000-0000-4000-8000-00000000000a',
    provider,
    keyId,
    createdOn: '2026-03-01',
    policyDays: 90,
    rotateAfterIncident: true,
  });
  return keyLedger({ records: [record], seen: seenKeys(facts), asOf: AS_OF });
}

describe('a key of Azure Key Vault', () => {
  const VAULT = 'clinic.vault.azure.net';
  const KEY = `https://${VAULT}/keys/etcd`;
  const seconds = (instant: string): number => Date.parse(instant) / 1_000;
  const listed = (version: string, created: string, more: object = {}) => ({
    kid: `${KEY}/${version}`,
    attributes: { enabled: true, created: seconds(created), ...more },
  });
  const versions = [
    { value: [listed('b2', '2026-05-20T00:00:00Z'), listed('a1', '2026-03-01T00:00:00Z')], nextLink: null },
  ];
  const policy = {
    id: `${KEY}/rotationpolicy`,
    lifetimeActions: [{ action: { type: 'Rotate' }, trigger: { timeAfterCreate: 'P80D' } }],
  };

  it('are its versions its rotations, but for the first, and is it as old as that?', () => {
    const one = theOne([...factsOf(versions, AS_OF, `account/${VAULT}`), ...factsOf(policy, AS_OF)]);
    expect(one).toMatchObject({
      provider: 'azure-key-vault',
      reference: `${VAULT}/etcd`,
      rotatesItself: true,
      latestVersion: 'b2',
      createdAt: new Date('2026-03-01T00:00:00Z'),
      sources: ['azure-keyvault/rotation-policy', 'azure-keyvault/versions'],
    });
    expect(tellings(one)).toEqual([['2026-05-20T00:00:00.000Z', 'b2']]);
  });

  it('does one answer about it, of the version in force, not say how old it is?', () => {
    const bundle = {
      key: { kid: `${KEY}/b2`, kty: 'RSA-HSM' },
      attributes: { created: seconds('2026-05-20T00:00:00Z') },
    };
    expect(theOne(factsOf(bundle, AS_OF)).createdAt).toBeNull();
  });

  it('is it the one of a record that names it by one of its versions?', () => {
    const [key, ...more] = recorded('Azure Key Vault', `${KEY.toUpperCase()}/a1`, factsOf(versions, AS_OF));
    expect(more).toEqual([]);
    expect(key?.rotations.map(({ at, version }) => [at.toISOString(), version])).toEqual([
      ['2026-05-20T00:00:00.000Z', 'b2'],
    ]);
  });
});

describe('a key of Google Cloud KMS', () => {
  const RING = 'projects/clinic/locations/europe-west3/keyRings/phi';
  const KEY = `${RING}/cryptoKeys/etcd`;
  const version = (number: number, createTime: string, state = 'ENABLED') => ({
    name: `${KEY}/cryptoKeyVersions/${number}`,
    state,
    createTime,
  });
  const answer = {
    name: KEY,
    purpose: 'ENCRYPT_DECRYPT',
    createTime: '2026-03-01T00:00:00Z',
    rotationPeriod: '7776000s',
    primary: version(2, '2026-05-20T00:00:00Z'),
  };

  it('is its last rotation that of the version in force, and none that of the first?', () => {
    const one = theOne(factsOf(answer, AS_OF));
    expect(one).toMatchObject({
      provider: 'gcp-kms',
      reference: KEY,
      rotatesItself: true,
      latestVersion: '2',
      createdAt: new Date('2026-03-01T00:00:00Z'),
    });
    expect(tellings(one)).toEqual([['2026-05-20T00:00:00.000Z', '2']]);
    expect(tellings(theOne(factsOf({ ...answer, primary: version(1, '2026-03-01T00:00:00Z') }, AS_OF)))).toEqual([]);
  });

  it('does a version that is listed not count as in force, for it may only have been made?', () => {
    const list = {
      cryptoKeyVersions: [version(1, '2026-03-01T00:00:00Z'), version(2, '2026-05-20T00:00:00Z')],
      totalSize: 2,
    };
    expect(tellings(theOne(factsOf(list, AS_OF)))).toEqual([]);
    expect(tellings(theOne([...factsOf(list, AS_OF), ...factsOf(answer, AS_OF)]))).toEqual([
      ['2026-05-20T00:00:00.000Z', '2'],
    ]);
  });

  it('is it the one of a record that names it as an address of the API?', () => {
    const [key, ...more] = recorded('gcp', `https://cloudkms.googleapis.com/v1/${KEY}`, factsOf(answer, AS_OF));
    expect(more).toEqual([]);
    expect(key?.rotations.map(({ version: name }) => name)).toEqual(['2']);
  });
});
