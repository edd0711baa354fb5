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

const configuration = (...resources: unknown[]) => ({
  apiVersion: 'apiserver.config.k8s.io/v1',
  kind: 'EncryptionConfiguration',
  resources,
});
const entry = (resources: unknown, ...providers: unknown[]) => ({ resources, providers });
const IDENTITY = { identity: {} };
const KMS = { kms: { name: 'vault', endpoint: 'unix:///kms.sock' } };
const KMS_V2 = { kms: { ...KMS.kms, apiVersion: 'v2' } };
const encryptsWith = (...resources: unknown[]) => {
  const value = parsed(configuration(...resources)).facts[0]?.value;
  return value && 'encryptsSecretsWith' in value ? value.encryptsSecretsWith : 'no fact';
};

describe('Kubernetes encryption configuration', () => {
  it.each(fixtureNames('k8s-encryption-configuration'))(
    'does %s give its golden fact and results, and no key?',
    (name) => {
      const report = parsed(fixture(name), 'cluster/cluster');
      expect(report).toEqual(golden(name, report));
      expect(JSON.stringify(report)).not.toContain('bm90LX');
    },
  );

  it('does the first provider of the first entry that matches Secrets decide?', () => {
    expect(encryptsWith(entry(['secrets'], KMS, IDENTITY))).toBe('kms');
    expect(encryptsWith(entry(['secrets'], IDENTITY, KMS))).toBe('identity');
    expect(encryptsWith(entry(['configmaps'], KMS), entry(['secrets'], IDENTITY))).toBe('identity');
    expect(encryptsWith(entry(['*.*'], IDENTITY), entry(['secrets'], KMS))).toBe('identity');
    expect(encryptsWith(entry(['*.'], KMS), entry(['*.*'], IDENTITY))).toBe('kms');
    expect(encryptsWith(entry(['secrets.'], IDENTITY), entry(['secrets'], KMS))).toBe('identity');
    for (const resource of ['configmaps', '*.apps', 'secrets.example.org', 'Secrets', '*']) {
      expect(encryptsWith(entry([resource], KMS))).toBeNull();
    }
  });

  it.each<[string, unknown[], string, string]>([
    ['a KMS of version 2', [entry(['secrets'], KMS_V2, IDENTITY)], 'pass', 'pass'],
    ['a KMS that does not say its version, which is 1', [entry(['secrets'], KMS, KMS_V2)], 'pass', 'fail'],
    ['a key beside the data', [entry(['secrets'], { aescbc: { keys: [{ name: 'a' }] } }, KMS_V2)], 'pass', 'fail'],
    ['nothing, and a KMS to read what is old', [entry(['secrets'], IDENTITY, KMS_V2)], 'fail', 'fail'],
    ['nothing, before the entry that would', [entry(['*.*'], IDENTITY), entry(['secrets'], KMS_V2)], 'fail', 'fail'],
    ['no entry', [entry(['configmaps'], KMS_V2)], 'fail', 'fail'],
  ])('are Secrets encrypted, and by a KMS, by %s?', (_by, resources, isEncrypted, byKms) => {
    expect(parsed(configuration(...resources)).results).toMatchObject([
      { check: 'secrets-encrypted-first', resource: 'EncryptionConfiguration', status: isEncrypted },
      { check: 'secrets-kms-v2-first', resource: 'EncryptionConfiguration', status: byKms },
    ]);
  });

  it.each([
    [[]],
    [[entry(['secrets'])]],
    [[entry([], KMS)]],
    [[entry('secrets', KMS)]],
    [[entry(['secrets'], {})]],
    [[entry(['secrets'], { kms: null })]],
    [[entry(['secrets'], { rot13: {} })]],
    [[entry(['secrets'], { ...KMS, ...IDENTITY })]],
    [[entry(['secrets'], 'kms')]],
    [[entry(['secrets'], { aescbc: { keys: [{ secret: 'x' }] } })]],
    [['secrets']],
  ])('is a configuration with %j, with which no API server starts, rejected?', (resources) => {
    expect(parsed(configuration(...resources), 'cluster/cluster')).toMatchObject({
      results: [],
      facts: [],
      rejects: [{}],
      coverage: [{ extent: 'partial' }],
    });
  });

  it('is it said that the report holds keys, and only then?', () => {
    const keys = (key: object) => parsed(configuration(entry(['secrets'], { aesgcm: { keys: [key] } }))).notes;
    expect(keys({ name: 'a' })).toEqual([]);
    expect(keys({ name: 'a', secret: 'x' })).toEqual([expect.stringContaining('was sent with its keys')]);
  });

  it('are two configurations refused, for one of them is not in force?', () => {
    const one = configuration(entry(['secrets'], KMS));
    expect(faultOf(bytesOf([one, configuration(entry(['secrets'], IDENTITY))]))).toBe('malformed-report');
    expect(faultOf(bytesOf(one), declared('namespace/clinic'))).toBe('target-mismatch');
    const other = { apiVersion: 'apiserver.config.k8s.io/v1', kind: 'AdmissionConfiguration' };
    expect(faultOf(bytesOf(other))).toBe('unknown-format');
    expect(parsed([one, other]).rejects).toMatchObject([{ pointer: '/1/kind' }]);
  });

  it('is whoever declares its cluster by a name told how to declare it?', () => {
    const read = () => parsed(configuration(entry(['secrets'], KMS_V2)), 'cluster/emr-production');
    expect(read).toThrow(/names no cluster.* declared as cluster\/cluster/);
  });
});
