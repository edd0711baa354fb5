import { describe, expect, it } from 'vitest';
import { refuseIssuerUrl } from './issuer-url.js';
import { isPublicAddress } from '../kernel/http/public-address.js';

const fetched = { fetched: true, allowInsecure: false };
const pinned = { fetched: false, allowInsecure: false };

describe('an issuer that a tenant names', () => {
  it.each([
    'https://oidc.eks.us-east-1.amazonaws.com/id/ABC',
    'https://login.example.org',
    'https://login.example.org/',
    'https://login.example.org:8443/realms/x/',
    'https://8.8.8.8/',
  ])('may be %s', (issuer) => {
    expect(refuseIssuerUrl(issuer, fetched)).toBeNull();
  });

  it.each([
    'http://login.example.org',
    'ftp://login.example.org',
    'login.example.org',
    'https://user@login.example.org',
    'https://user:secret@login.example.org',
    'https://login.example.org?a=b',
    'https://login.example.org/?',
    'https://login.example.org/#',
    'https://LOGIN.example.org',
    'https://login.example.org:443',
    'https://login.example.org/a/../b',
    'https://login.example.org\\@evil.example',
    ' https://login.example.org',
    'https://login.example.org/\t',
    `https://login.example.org/${'a'.repeat(500)}`,
  ])('is not %j, pinned or not', (issuer) => {
    expect(refuseIssuerUrl(issuer, fetched)).not.toBeNull();
    expect(refuseIssuerUrl(issuer, pinned)).not.toBeNull();
  });

  it.each([
    'https://localhost',
    'https://localhost.',
    'https://kubernetes.default.svc',
    'https://kubernetes.default.svc.cluster.local',
    'https://kubernetes.default.svc.clinic.example.org',
    'https://vault',
    'https://metadata.google.internal',
    'https://127.0.0.1',
    'https://10.0.0.1',
    'https://169.254.169.254',
    'https://[::1]',
    'https://[fd00::1]',
    'https://[::ffff:a00:1]',
  ])('is fetched from the public Internet alone, so %s needs pinned keys', (issuer) => {
    expect(refuseIssuerUrl(issuer, fetched)).toMatch(/private network/);
    expect(refuseIssuerUrl(new URL(issuer).href, pinned)).toBeNull();
  });

  it('may be anything that parses in development, but for what every cluster calls itself', () => {
    const development = { fetched: true, allowInsecure: true };
    expect(refuseIssuerUrl('http://127.0.0.1:1234', development)).toBeNull();
    expect(refuseIssuerUrl('https://kubernetes.default.svc.cluster.local', development)).toMatch(/private network/);
  });
});

describe('isPublicAddress', () => {
  it.each(['8.8.8.8', '1.1.1.1', '172.32.0.1', '2606:4700::1111', '2a00:1450::1'])('takes %s', (address) => {
    expect(isPublicAddress(address)).toBe(true);
  });
  it.each([
    '0.0.0.0',
    '10.1.2.3',
    '100.64.0.1',
    '127.255.255.255',
    '169.254.169.254',
    '172.31.255.255',
    '192.168.0.1',
    '198.19.0.1',
    '224.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '::ffff:127.0.0.1',
    '::ffff:8.8.8.8',
    '64:ff9b::7f00:1',
    '2002:7f00:1::',
    '2001::1',
    '2001:db8::1',
    'fc00::1',
    'fe80::1',
    'fe80::1%eth0',
    'fec0::1',
    'ff02::1',
    'localhost',
    '',
  ])('refuses %s', (address) => {
    expect(isPublicAddress(address)).toBe(false);
  });
});
