import { describe, expect, it } from 'vitest';
import { growth } from '../../test/support/growth.js';
import { secretFaults } from './secrets.js';

const VERSION = { title: 'etcd-east', fields: {}, links: [], reason: null };
const pointers = (version: Partial<Parameters<typeof secretFaults>[0]>) =>
  secretFaults({ ...VERSION, ...version }).map(({ pointer }) => pointer);

const PEM = '-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA';

describe('is a secret refused wherever it stands?', () => {
  it.each([
    PEM,
    'AGE-SECRET-KEY-1QQPQYQSZQGPQYQSZQGPQYQSZQGPQYQSZQGPQYQSZQGPQYQSZQGPQ',
    '{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"}',
    ['hvs.', 'CAESIJlU9JMYEhOPYv4igdhm9PnZDrabYTobQ4Ymnlq1qY-LGh4K'].join(''),
    ['AKIA', 'IOSFODNN7EXAMPLE', ',wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'].join(''),
    ['aws_secret_', 'access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'].join(''),
    ['"SecretAccess', 'Key": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"'].join(''),
    'postgres://emr:hunter2@db:5432/emr',
    ['Bearer eyJ', 'hbGciOiJFUzI1NiJ9.eyJ', 'pc3MiOiJlbXIifQ.c2lnbmF0dXJl'].join(''),
    ['of-emr-eyJ', 'hbGciOiJFUzI1NiJ9.eyJ', 'pc3MiOiJlbXIifQ.c2lnbmF0dXJl'].join(''),
  ])('%s', (secret) => {
    expect(pointers({ fields: { keyId: secret } })).toEqual(['/fields/keyId']);
    expect(pointers({ title: `Key ${secret}` })).toEqual(['/title']);
    expect(pointers({ reason: secret })).toEqual(['/reason']);
    expect(pointers({ links: [{ kind: 'practice', target: 'a', note: secret }] })).toEqual(['/links/0/note']);
    expect(pointers({ fields: { keys: [{ 'a/b': 1, name: secret }] } })).toEqual(['/fields/keys/0/name']);
  });

  it('and repeated nowhere, were it the name of a field', () => {
    const faults = secretFaults({ ...VERSION, fields: { keys: { [PEM]: PEM } } });
    expect(faults).toMatchObject([{ pointer: '/fields/keys' }]);
    expect(JSON.stringify(faults)).not.toContain('PRIVATE');
  });

  it.each(['eyJ-', '-eyJ.', 'eyJhbGci.', 'AKIA', '://', '://:', '-----BEGIN ', 'SG.-', '"kty":', 'hvs.'])(
    'in a time that grows with the text, and not with its square, where %j begins and never ends',
    async (beginning) => {
      const look = (length: number): void =>
        expect(pointers({ fields: { keyId: beginning.repeat(length / beginning.length) } })).toEqual([]);
      expect(await growth(look, 32 * 1024, 8)).toBeLessThan(40);
    },
  );

  it('and what names a key is none', () => {
    for (const keyId of [
      'arn:aws:kms:us-east-1:123456789012:key/1a2b',
      ['The access key ', 'AKIA', 'IOSFODNN7EXAMPLE of the backup user'].join(''),
      'projects/clinic/locations/us/keyRings/east/cryptoKeys/etcd/cryptoKeyVersions/3',
      'https://clinic.vault.azure.net/keys/etcd/78deebed173b48e48f55abf87ed4cf71',
      'The policy covers basic responsibilities.',
    ]) {
      expect(pointers({ fields: { keyId } })).toEqual([]);
    }
  });
});
