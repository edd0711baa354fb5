import { describe, expect, it } from 'vitest';
import { timeStampAuthority } from '../test/support/time-stamp-authority.js';
import { loadConfig } from './config.js';

const configWith = (further: Record<string, string>) =>
  loadConfig({
    NODE_ENV: 'test',
    DATABASE_URL: 'postgres://localhost/safeguard',
    PUBLIC_URL: 'https://safeguard.example.org',
    EVIDENCE_DIRECTORY: '/evidence',
    KEY_FILE: '/keys.json',
    SIGNING_KEY_DIRECTORY: '/signing',
    OIDC_ISSUER: 'https://login.example.org',
    OIDC_AUDIENCE: 'urn:safeguard',
    OIDC_CLIENT_ID: 'safeguard',
    OIDC_CLI_CLIENT_ID: 'safeguard-cli',
    OIDC_MFA: 'by-provider',
    SESSION_SECRET: 'a secret of the tests and of nobody else',
    ...further,
  });
const hostsOf = (hosts: string): string[] => [...configWith({ WEBHOOK_PRIVATE_HOSTS: hosts }).webhookPrivateHosts];

it('is a variable that is missing said to be so?', () => {
  expect(() => configWith({ DATABASE_URL: '' })).toThrow('DATABASE_URL: It is missing.');
});

describe('are outside parties of the logs asked as they are configured?', () => {
  it('are there none by default, and is an authority taken with its chain?', () => {
    expect(configWith({})).toMatchObject({ anchor: { host: 'safeguard.example.org', copies: null }, timeStamps: null });
    const { chainPem, chain } = timeStampAuthority();
    const { timeStamps } = configWith({ TSA_URL: 'http://tsa.example/', TSA_CHAIN: chainPem });
    expect(timeStamps?.chain.map(({ raw }) => raw)).toEqual(chain.map(({ raw }) => raw));
  });

  it.each([
    [{ TSA_URL: 'http://tsa.example/' }, 'TSA_CHAIN: certificates in PEM'],
    [{ TSA_URL: 'http://tsa.example/', TSA_CHAIN: 'none' }, 'TSA_CHAIN: certificates in PEM'],
    [{ TSA_CHAIN: 'none' }, 'TSA_URL: TSA_CHAIN is given'],
    [{ TSA_URL: 'ftp://tsa.example/' }, 'TSA_URL: '],
    [{ ANCHOR_STORE: '/mnt' }, 'ANCHOR_STORE: '],
    [{ ANCHOR_WITNESSES: '[]' }, 'ANCHOR_WITNESSES: '],
    [{ ANCHOR_INTERVAL_SECONDS: '0' }, 'ANCHOR_INTERVAL_SECONDS: '],
  ])('does %j stop the start?', (further, fault) => expect(() => configWith(further)).toThrow(fault));
});

describe('which private hosts may be told?', () => {
  it('are they those that are named, as URLs write them?', () => {
    expect(hostsOf('')).toEqual([]);
    expect(hostsOf('Hooks.Clinic.Internal, 10.0.0.7,[FD00::7]')).toEqual([
      'hooks.clinic.internal',
      '10.0.0.7',
      '[fd00::7]',
    ]);
  });

  it.each(['hooks:8443', 'https://hooks', 'hooks/path', '*.internal', 'user@hooks', '10.0.0.0/8', 'fd00::7'])(
    'does %s stop the start, and not silently allow nothing?',
    (hosts) => expect(() => hostsOf(hosts)).toThrow(/fault:\n +WEBHOOK_PRIVATE_HOSTS: /),
  );
});
