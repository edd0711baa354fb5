import { describe, expect, it } from 'vitest';
import { parsePackageKey } from './package-key.js';

describe('where the key of packages lies', () => {
  it.each([
    ['awskms:arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab', 'awskms'],
    ['awskms:arn:aws-us-gov:kms:us-gov-west-1:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab', 'awskms'],
    ['vault:https://vault.example.org:8200/v1/transit/keys/safeguard-package', 'vault'],
    ['vault:https://vault.example.org/v1/team-a/transit/keys/packages', 'vault'],
    ['vault:http://127.0.0.1:8100/v1/transit/keys/packages', 'vault'],
  ])('is %s taken?', (text, kind) => {
    expect(parsePackageKey(text)).toMatchObject({ kind });
  });

  it.each([
    '',
    'package.pem',
    'awskms:alias/packages',
    'awskms:arn:aws:kms:eu-central-1:111122223333:alias/packages',
    'awskms:arn:aws:s3:::bucket',
    'vault:http://vault.example.org/v1/transit/keys/packages',
    'vault:https://token@vault.example.org/v1/transit/keys/packages',
    'vault:https://vault.example.org/v1/transit/keys/packages?version=1',
    'vault:https://vault.example.org/v1/transit/sign/packages',
    'vault:https://vault.example.org/v1/keys/packages',
    'vault:transit/keys/packages',
  ])('is %j refused with what would be right?', (text) => {
    expect(parsePackageKey(text)).toMatch(/awskms|vault/);
  });
});
