import { describe, expect, it } from 'vitest';
import { authConfig } from './auth.config.js';

const issuer = {
  issuer: 'https://login.example.org',
  audience: 'urn:safeguard',
  clientId: 'safeguard',
  cliClientId: 'safeguard-cli',
  mfa: { amr: ['mfa'] },
};
const config = {
  publicUrl: 'https://safeguard.example.org',
  issuers: [issuer],
  session: { secret: 'x'.repeat(32) },
};

const faults = (value: unknown): string[] =>
  authConfig.safeParse(value).error?.issues.map((one) => one.path.join('.')) ?? [];

describe('the configuration of access', () => {
  it('is strict where nothing is said', () => {
    expect(authConfig.parse(config)).toMatchObject({
      issuers: [{ typ: ['at+jwt'], algorithms: ['ES256', 'ES384', 'EdDSA', 'PS256', 'RS256'] }],
      firstAdmins: [],
      session: { idleMinutes: 30, absoluteHours: 12 },
      allowInsecureIssuers: false,
    });
  });

  it('refuses what would let the wrong token in', () => {
    expect(faults({ ...config, issuers: [{ ...issuer, audience: 'safeguard' }] })).toEqual(['issuers.0']);
    expect(faults({ ...config, issuers: [{ ...issuer, algorithms: ['HS256'] }] })).toEqual(['issuers.0.algorithms.0']);
    expect(faults({ ...config, issuers: [{ ...issuer, mfa: {} }] })).toEqual(['issuers.0.mfa']);
    expect(faults({ ...config, issuers: [{ ...issuer, mfa: undefined }] })).toEqual(['issuers.0.mfa']);
    expect(faults({ ...config, issuers: [issuer, issuer] })).toEqual(['issuers']);
    expect(faults({ ...config, firstAdmins: [{ issuer: 'https://other.example', subject: 'a' }] })).toEqual([
      'firstAdmins.0.issuer',
    ]);
  });

  it('takes http in development alone', () => {
    const loopback = {
      ...config,
      publicUrl: 'http://127.0.0.1:8080',
      issuers: [{ ...issuer, issuer: 'http://127.0.0.1:9090' }],
    };
    expect(faults(loopback)).toEqual(['publicUrl', 'issuers.0.issuer']);
    expect(faults({ ...loopback, allowInsecureIssuers: true })).toEqual([]);
  });

  it('asks one issuer at most about opaque tokens, so that none sees the tokens of another', () => {
    const introspection = { clientId: 'api', clientSecret: 's' };
    const two = [
      { ...issuer, introspection },
      { ...issuer, issuer: 'https://two.example.org', introspection },
    ];
    expect(faults({ ...config, issuers: two })).toEqual(['issuers']);
  });
});
