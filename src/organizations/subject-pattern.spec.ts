import { describe, expect, it } from 'vitest';
import { refuseKubernetesPattern, subjectMatches } from './subject-pattern.js';

const account = (rest: string) => `system:serviceaccount:${rest}`;
const matches = (pattern: string, subject: string) => subjectMatches('kubernetes', account(pattern), subject);

describe('a pattern of service accounts', () => {
  it.each(['security:scanner', '*:scanner', 'security:*', 'security:scan.er-1'])('may be %s', (rest) => {
    expect(refuseKubernetesPattern(account(rest))).toBeNull();
  });

  it.each([
    '*:*',
    'security',
    'security:scan*',
    'sec*:scanner',
    'security:scanner:x',
    ':scanner',
    'security:',
    'Sec:a',
    'a.b:c',
    '**:a',
  ])('is not %s', (rest) => {
    expect(refuseKubernetesPattern(account(rest))).not.toBeNull();
  });

  it('starts as Kubernetes writes it', () => {
    expect(refuseKubernetesPattern('system:node:security:scanner')).not.toBeNull();
    expect(refuseKubernetesPattern('*')).not.toBeNull();
  });

  it('means the accounts it names and no others', () => {
    expect(matches('security:scanner', account('security:scanner'))).toBe(true);
    expect(matches('security:*', account('security:other'))).toBe(true);
    expect(matches('*:scanner', account('other:scanner'))).toBe(true);
    expect(matches('security:scanner', account('security:scanner2'))).toBe(false);
    expect(matches('security:*', account('security2:scanner'))).toBe(false);
    expect(matches('*:scanner', account('other:xscanner'))).toBe(false);
  });

  it('is not met by what is no service account', () => {
    for (const subject of [
      account('*:scanner'),
      account('security:*'),
      account('security:scanner:extra'),
      account('security:a:b'),
      `x${account('security:scanner')}`,
      account('security:scan\nner'),
      'system:serviceaccounts:security:scanner',
      '',
    ]) {
      expect(matches('security:*', subject) || matches('*:scanner', subject)).toBe(false);
    }
  });
});

describe('a client of an OpenID provider', () => {
  it('is meant by exactly its subject: a star is a star', () => {
    expect(subjectMatches('client_credentials', 'scanner', 'scanner')).toBe(true);
    expect(subjectMatches('client_credentials', '*', 'scanner')).toBe(false);
    expect(subjectMatches('client_credentials', 'scanner', 'Scanner')).toBe(false);
  });
});
