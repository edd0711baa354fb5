import { describe, expect, it } from 'vitest';
import { parsed } from '../../../test/fixtures/reports/load.js';

const RBAC = 'rbac.authorization.k8s.io';
const TOKENS = 'authentication.k8s.io';

/** What the checks say of a policy of these rules: by the last part of their ids. */
function verdicts(rules: unknown[], omitStages: string[] = []) {
  const { results } = parsed({ apiVersion: 'audit.k8s.io/v1', kind: 'Policy', omitStages, rules });
  return Object.fromEntries(results.map(({ check, status, message }) => [check, { status, message }]));
}
const said = (check: string, ...rules: unknown[]) => verdicts(rules)[check]?.status;

const METADATA = { level: 'Metadata' };
const REQUEST = { level: 'Request' };
const NONE = { level: 'None' };
const about = (group: string, ...resources: string[]) => ({ resources: [{ group, resources }] });
const CONTENT = {
  resources: [
    { group: '', resources: ['secrets', 'configmaps'] },
    { group: TOKENS, resources: ['tokenreviews'] },
  ],
};

describe('are Secrets, ConfigMaps and TokenReviews logged, and not what they hold?', () => {
  it.each<[string, string, unknown[]]>([
    ['pass', 'all is Metadata', [METADATA]],
    ['pass', 'they are, and the rest is more', [{ ...METADATA, ...CONTENT }, REQUEST]],
    ['pass', 'whole groups are', [{ ...METADATA, resources: [{ group: '' }, { group: TOKENS }] }, REQUEST]],
    [
      'pass',
      'any resource of their groups is',
      [
        { ...METADATA, ...about('', '*') },
        { ...METADATA, ...about(TOKENS, 'tokenreviews/*') },
      ],
    ],
    [
      'pass',
      'a token review is, which is never read',
      [
        { ...METADATA, ...about(TOKENS, 'tokenreviews'), verbs: ['create'] },
        { ...METADATA, ...about('') },
      ],
    ],
    [
      'pass',
      'rules before are about other things',
      [
        { ...NONE, nonResourceURLs: ['*'] },
        { ...NONE, ...about('', 'events') },
        { ...REQUEST, ...about('apps', 'secrets') },
        METADATA,
      ],
    ],
    ['fail', 'all is more', [REQUEST]],
    ['fail', 'tokens are left to the rest', [{ ...METADATA, ...about('', 'secrets', 'configmaps') }, REQUEST]],
    [
      'fail',
      'the group of tokens is another',
      [{ ...METADATA, ...about('', 'secrets', 'configmaps', 'tokenreviews') }, REQUEST],
    ],
    ['fail', 'reads are not', [{ ...NONE, verbs: ['get', 'list'] }, METADATA]],
    ['fail', 'only writes are', [{ ...METADATA, verbs: ['create', 'update', 'patch', 'delete'] }]],
    ['fail', 'the first rule says otherwise', [{ ...NONE, ...about('', 'secrets') }, METADATA]],
    [
      'fail',
      'every rule that may match says otherwise',
      [
        { ...NONE, ...about('', 'configmaps'), namespaces: ['emr'] },
        { ...REQUEST, ...about('', 'configmaps') },
        METADATA,
      ],
    ],
    ['manual', 'some people are left out', [{ ...NONE, users: ['system:kube-scheduler'] }, METADATA]],
    [
      'manual',
      'some groups are left out',
      [{ ...NONE, userGroups: ['system:nodes'], ...about('', 'configmaps') }, METADATA],
    ],
    ['manual', 'only a namespace is', [{ ...METADATA, namespaces: ['emr'] }, REQUEST]],
    [
      'manual',
      'a name is left out',
      [{ ...NONE, resources: [{ group: '', resources: ['configmaps'], resourceNames: ['leader'] }] }, METADATA],
    ],
    [
      'manual',
      'all groups are, by a star that older API servers do not know',
      [{ ...METADATA, resources: [{ group: '*' }] }, REQUEST],
    ],
    ['manual', 'some are, and what no rule matches is not', [{ ...METADATA, userGroups: ['system:authenticated'] }]],
  ])('%s, where %s', (status, _where, rules) => {
    expect(said('audit-secrets-without-content', ...rules)).toBe(status);
  });

  it('is it said which request is in question?', () => {
    const check = 'audit-secrets-without-content';
    expect(verdicts([{ ...NONE, verbs: ['watch'] }, METADATA])[check]).toEqual({
      status: 'fail',
      message: 'watch secrets: None.',
    });
    const { message } = verdicts([{ ...NONE, users: ['a@clinic.example'], verbs: ['list'] }, METADATA])[check]!;
    expect(message).toBe('list secrets: None or Metadata, by rules that are about some of these requests only.');
  });
});

describe('are changes of roles and bindings logged with what was asked for?', () => {
  const writes = { verbs: ['create', 'update', 'patch', 'delete'] };
  it.each<[string, string, unknown[]]>([
    ['pass', 'writes of the group are', [{ ...REQUEST, ...writes, ...about(RBAC) }, METADATA]],
    ['pass', 'answers are as well', [{ level: 'RequestResponse', ...about(RBAC, '*') }, METADATA]],
    ['fail', 'they are Metadata', [METADATA]],
    [
      'fail',
      'two of the four kinds are',
      [{ ...REQUEST, ...about(RBAC, 'clusterroles', 'clusterrolebindings') }, METADATA],
    ],
    ['fail', 'deletions are not', [{ ...REQUEST, verbs: ['create', 'update', 'patch'], ...about(RBAC) }, METADATA]],
    ['fail', 'a group of another name is', [{ ...REQUEST, ...about('rbac') }, METADATA]],
    ['manual', 'those of some people are', [{ ...REQUEST, userGroups: ['system:masters'], ...about(RBAC) }, METADATA]],
  ])('%s, where %s', (status, _where, rules) => {
    expect(said('audit-rbac-changes', ...rules)).toBe(status);
  });
});

describe('are requests logged that no rule names?', () => {
  it.each<[string, string, unknown[]]>([
    ['pass', 'a rule about nothing in particular ends the policy', [{ ...NONE, ...about('', 'events') }, METADATA]],
    ['fail', 'it is None', [NONE, METADATA]],
    ['fail', 'it is None of what is read', [{ ...NONE, verbs: ['get', 'list', 'watch'] }, METADATA]],
    [
      'fail',
      'there is none',
      [
        { ...METADATA, ...about('') },
        { ...METADATA, ...about('apps') },
      ],
    ],
    ['fail', 'there is one of addresses that are no resources', [{ ...METADATA, nonResourceURLs: ['*'] }]],
    ['manual', 'some people are left out', [{ ...NONE, userGroups: ['system:serviceaccounts'] }, METADATA]],
    ['manual', 'a namespace is left out', [{ ...NONE, namespaces: ['emr'] }, METADATA]],
  ])('%s, where %s', (status, _where, rules) => {
    expect(said('audit-no-blanket-none', ...rules)).toBe(status);
  });
});

describe('is any stage left out but the receipt?', () => {
  const stages = (rules: unknown[], omitStages: string[] = []) => verdicts(rules, omitStages)['audit-stages'];
  it('none, or the receipt, and whatever of what is not logged', () => {
    for (const given of [[], ['RequestReceived']]) {
      expect(stages([{ ...NONE, omitStages: ['ResponseComplete'] }, METADATA], given)?.status).toBe('pass');
    }
  });

  it('of all, or by one rule', () => {
    expect(stages([METADATA], ['ResponseStarted'])?.status).toBe('fail');
    expect(stages([{ ...METADATA, omitStages: ['RequestReceived', 'ResponseComplete'] }, METADATA])).toEqual({
      status: 'fail',
      message: 'Left out: ResponseComplete.',
    });
  });
});
