import { describe, expect, it } from 'vitest';
import { loadConfig } from './config.js';

const hostsOf = (hosts: string): string[] => {
  const config = loadConfig({
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
    WEBHOOK_PRIVATE_HOSTS: hosts,
  });
  return [...config.webhookPrivateHosts];
};

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
