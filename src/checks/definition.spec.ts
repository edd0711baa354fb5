import { describe, expect, it } from 'vitest';
import type { Params } from '../catalog/checks.schema.js';
import { exampleCheck } from '../../test/support/checks.js';
import { compileDefinition, compileFile, DefinitionFaults, withParams, wordsOfFault } from './definition.js';

type Json = Record<string, unknown>;

function faults(more: Json, of: 'catalog' | 'organization' = 'catalog'): string[] {
  try {
    compileDefinition(exampleCheck(more), of);
  } catch (error) {
    if (error instanceof DefinitionFaults) return error.faults.map(wordsOfFault);
    throw error;
  }
  return [];
}

describe('is what is wrong with a definition told with its place?', () => {
  it.each<[string, Json, RegExp]>([
    ['a key that nobody reads', { colour: 'red' }, /colour/],
    ['an id of another form', { id: 'Not An Id' }, /^\/id: /],
    ['an id of an organisation in the catalogue', { id: 'org/own' }, /^\/id: /],
    ['a severity', { severity: 'info' }, /^\/severity: /],
    ['a kind', { each: 'Pot' }, /^\/each: there is no kind Pot$/],
    [
      'a kind in an expression',
      { pass: "true &&\nobjects('Pot').size() == 0" },
      /^\/pass: line 2, column 10: there is no kind Pot$/,
    ],
    ['Workload beside others', { each: ['Workload', 'Pod'] }, /^\/each: Workload stands alone/],
    ['no practice', { practice: undefined }, /^\/practice: /],
    ['practices twice', { practices: ['a'] }, /^\/practice: /],
    [
      'a constant that it does not have',
      { params: { a: 1 }, pass: 'params.a == 1 && params.b == 2' },
      /^\/pass: line 1, column 18: params are named/,
    ],
    [
      'all constants at once',
      { params: { a: 1 }, pass: 'size(params) == 1' },
      /^\/pass: line 1, column 6: params are named/,
    ],
    ['an expression', { pass: 'object.' }, /^\/pass: line 1, column 8: /],
    ['a message', { message: 'Pod {objekt.x} is bad' }, /^\/message: line 1, column 6: Unknown variable: objekt/],
    ['a brace that is not closed', { message: 'Pod {object.kind' }, /^$|Pod/],
    ['an expression of more than 16 KiB', { pass: `'${'x'.repeat(17_000)}' == ''` }, /^\/pass: /],
    ['no example that fails', { examples: { pass: [{ name: 'a', objects: [] }], fail: [] } }, /^\/examples\/fail: /],
    ['undecided, and nothing that does instead', { undecided: 'true' }, /^\/without: must say/],
    ['manual, and nothing that does instead', { none: 'manual' }, /^\/without: must say/],
  ])('%s', (name, more, expected) => {
    const told = faults(more);
    // To the end of the text, an expression that is not closed is an expression.
    if (name !== 'a brace that is not closed') expect(told).toEqual([expect.stringMatching(expected)]);
    else expect(told).toEqual([]);
  });

  it('all faults at once', () => {
    expect(faults({ pass: 'a', where: 'b', each: 'C', message: '{d}' })).toHaveLength(4);
  });

  it('an organisation names its own checks org/…', () => {
    expect(faults({ id: 'org/own' }, 'organization')).toEqual([]);
  });
});

describe('can an organisation set constants of a check?', () => {
  const own = compileDefinition(exampleCheck({ params: { names: ['a'], least: 1 } })).definition;

  it('those that it has, by values of their types', () => {
    expect(withParams(own, { names: ['b'] }).params).toEqual({ names: ['b'], least: 1 });
    expect(compileDefinition(exampleCheck({ params: { least: 1 }, pass: 'params.least + 1 == 2' })).params).toEqual({
      least: 1n,
    });
  });

  it.each<[Params, RegExp]>([
    [{ others: ['b'] }, /\/params\/others: the check has no constant others/],
    [{ constructor: ['b'] }, /\/params\/constructor: the check has no constant/],
    [{ names: 'b' }, /\/params\/names: must be a list of texts/],
    [{ least: '1' }, /\/params\/least: must be number/],
  ])('%j is none', (params, reason) => expect(() => withParams(own, params)).toThrow(reason));
});

describe('are names of people kept out of messages?', () => {
  it.each([
    '{object.subjects[0].name}',
    '{object.subjects.map(s, s.name)}',
    "{object['subjects'].size()}",
    '{object.?subjects.orValue([]).map(s, s.name)}',
    "{subjectsWho('get', 'secrets', '')}",
    '{boundTo(object).map(s, s.name)}',
  ])('%s is refused', (message) => {
    expect(faults({ each: 'RoleBinding', message })).toEqual([
      expect.stringMatching(/may name people: say who\(…\) of it/),
    ]);
  });

  it.each(['{who(object.subjects)}', "{who(subjectsWho('get', 'secrets', '*'))}", '{object.roleRef.name}'])(
    '%s is not',
    (message) => {
      expect(faults({ each: 'RoleBinding', message })).toEqual([]);
    },
  );
});

describe('which kinds does a check read?', () => {
  const reads = (more: Json) => compileDefinition(exampleCheck(more)).reads;

  it.each<[Json, string[]]>([
    [{ pass: 'true' }, []],
    [{ where: 'holdsPhi(object)' }, ['Namespace']],
    [{ pass: 'namespaceObject == null' }, ['Namespace']],
    [{ pass: "cluster.provider == 'eks'" }, ['Node']],
    [{ pass: "cluster['provider'] == 'eks'" }, ['Namespace', 'Node']],
    [{ pass: "cluster.version == ''" }, []],
    [{ pass: "objects('Schedule.velero.io').size() > 0" }, ['Schedule']],
    [{ pass: "isolated(object, 'Ingress')" }, ['NetworkPolicy']],
    [{ pass: "can('Group/x', 'get', 'secrets', '')" }, ['ClusterRole', 'ClusterRoleBinding', 'Role', 'RoleBinding']],
    [{ message: "{objects('Node').size()}" }, []],
    [{ undecided: "objects('Node').size() == 0", without: 'x' }, ['Node']],
    [
      { pass: 'pods(object).size() > 0' },
      ['CronJob', 'DaemonSet', 'Deployment', 'Job', 'Pod', 'ReplicaSet', 'ReplicationController', 'StatefulSet'],
    ],
  ])('%j', (more, expected) => expect(reads(more)).toEqual(expected));
});

describe('is a file of checks read check by check?', () => {
  it('one that is wrong does not hide the others', () => {
    const { checks, faults: told } = compileFile({
      section: 'network',
      checks: [exampleCheck(), exampleCheck({ id: 'other', pass: 'x' }), exampleCheck()],
    });
    expect(checks.map(({ id }) => id)).toEqual(['example']);
    expect(told.map(({ message }) => message)).toEqual([
      'other: /pass: line 1, column 1: Unknown variable: x',
      'example: /id: another check has this id',
    ]);
  });

  it.each([null, 7, { checks: 'x' }, { section: 'network', checks: [] }, { section: 'network' }])(
    '%j is no file of checks',
    (value) => {
      expect(compileFile(value).faults.length).toBeGreaterThan(0);
    },
  );
});
