import { describe, expect, it } from 'vitest';
import { MalformedError } from './objects.js';
import { parseSubject, subjectName } from './rbac-subjects.js';

describe('subjects', () => {
  it.each(['ServiceAccount/emr/app', 'User/jane@example.com', 'User/https://issuer/#jane', 'Group/a/b'])(
    'are read and said again: %s?',
    (text) => {
      expect(subjectName(parseSubject(text))).toBe(text);
    },
  );

  it('are one, as a service account and as its user?', () => {
    const APP = 'ServiceAccount/emr/app';
    expect(subjectName(parseSubject('User/system:serviceaccount:emr:app'))).toBe(APP);
    expect(subjectName(parseSubject({ kind: 'User', name: 'system:serviceaccount:emr:app' }))).toBe(APP);
    expect(subjectName(parseSubject({ kind: 'ServiceAccount', name: 'app', namespace: 'emr' }))).toBe(APP);
  });

  it.each([
    '',
    'app',
    'ServiceAccount/app',
    'ServiceAccount/a/b/c',
    'ServiceAccount//b',
    'serviceaccount/a/b',
    'User/',
    'Robot/x',
    null,
    1,
    [],
    {},
    { kind: 'User' },
    { kind: 'Robot', name: 'x' },
  ])('are not %j?', (value) => {
    expect(() => parseSubject(value)).toThrow(MalformedError);
  });
});
