import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Environment } from '@marcbachmann/cel-js';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { exampleCheck } from '../../test/support/checks.js';
import { compileCheck, compileDefinition, compileFile, withParams, type CompiledCheck } from './definition.js';
import { FUNCTIONS } from './environment.js';
import { clusterOf } from './examples.js';
import { evaluate, type Outcome } from './evaluate.js';
import { exportCheck } from './export.js';
import { shippedFiles } from './files.js';
import { EQUAL, IP_NAMESPACE, TYPES } from './functions/values.js';
import { kindOf } from './kinds.js';
import { DEFAULT_PHI_LABELS } from './phi.js';
import { namespaceOf, nameOf, textAt, type KubernetesObject } from './values.js';

type Json = Record<string, unknown>;

interface Policy {
  metadata: { name: string };
  spec: {
    matchConstraints: { resourceRules: { apiGroups: string[]; resources: string[] }[] };
    matchConditions?: { expression: string }[];
    variables?: { name: string; expression: string }[];
    validations: { expression: string; message: string; messageExpression?: string }[];
  };
}

/** As an API server has it: the functions of Kubernetes and none of ours. */
function environmentOfKubernetes(): Environment {
  const environment = new Environment({ enableOptionalTypes: true });
  class Sets {
    readonly namespace = 'sets';
  }
  environment.registerType('Sets', Sets).registerConstant('sets', 'Sets', new Sets());
  for (const [name, ctor] of Object.entries(TYPES)) environment.registerType(name, { ctor, fields: {} } as never);
  environment.registerConstant('ip', 'Ip', IP_NAMESPACE);
  for (const name of EQUAL)
    environment.registerOperator(`${name} == ${name}`, (one: { equals(other: unknown): boolean }, other: unknown) =>
      one.equals(other),
    );
  for (const { signature, handler, kubernetes } of FUNCTIONS) {
    // Under its own name, where the library's stands: regular expressions and conversions are the library's here.
    if (handler === undefined || kubernetes === undefined || /strict[A-Z]|re2/.test(signature)) continue;
    environment.registerFunction(signature, handler as (...given: unknown[]) => unknown, { async: false });
  }
  for (const name of ['object', 'variables']) environment.registerVariable(name, 'map');
  return environment.registerVariable('namespaceObject', 'dyn');
}

const kubernetes = environmentOfKubernetes();

/** What the API server would make of an object: null where the policy is not about it. */
function admits({ spec }: Policy, object: KubernetesObject, namespaceObject: unknown): boolean | null {
  const variables: Json = {};
  const value = (expression: string) =>
    kubernetes.evaluate(expression, { object, namespaceObject, variables }) as unknown;
  for (const { expression } of spec.matchConditions ?? []) if (value(expression) !== true) return null;
  for (const { name, expression } of spec.variables ?? []) variables[name] = value(expression);
  return spec.validations.every(({ expression }) => value(expression) === true);
}

function exported(check: CompiledCheck, namespaces: string[] = []): Policy | string {
  const made = exportCheck(check, { phi: { labels: DEFAULT_PHI_LABELS, namespaces }, action: 'Deny' });
  return 'reason' in made ? made.reason : (made.documents[0] as Policy);
}

const FIXTURES = fileURLToPath(new URL('../../../test/fixtures/checks/', import.meta.url));
const checks = [`${FIXTURES}engine.yaml`, `${FIXTURES}exported.yaml`, ...shippedFiles()].flatMap(
  (file) => compileFile(parse(readFileSync(file, 'utf8'))).checks,
);

/** As it is shipped, or with the constants of one of its examples. */
function isPolicy(check: CompiledCheck): boolean {
  const examples = Object.values(check.definition.examples).flatMap((list) => list ?? []);
  return [{}, ...examples.map(({ params = {} }) => params)].some(
    (params) => typeof exported(compileCheck(withParams(check.definition, params))) !== 'string',
  );
}

describe('does the policy say of the examples what the check says?', () => {
  const policies = checks
    .map((check): [string, CompiledCheck] => [check.id, check])
    .filter(([, check]) => isPolicy(check));

  it('there are policies', () => expect(policies.length).toBeGreaterThan(3));

  it.each(policies)('%s', (_, own) => {
    let compared = 0;
    for (const example of Object.values(own.definition.examples).flatMap((list) => list ?? [])) {
      const check = example.params === undefined ? own : compileCheck(withParams(own.definition, example.params));
      const cluster = clusterOf(example);
      // A policy cannot know that nothing is marked.
      if (check.where?.functions.has('holdsPhi') === true && !cluster.phi.isMarked) continue;
      const policy = exported(check, example.phi);
      if (typeof policy === 'string') continue;
      const outcomes: Outcome[] = [];
      evaluate([check], cluster, (outcome) => outcomes.push(outcome));
      for (const { object: judged, status } of outcomes) {
        if (judged === null || status === 'error') continue;
        const object = cluster
          .list(kindOf(judged.group, judged.kind)?.name ?? '')
          .find(
            (found) =>
              nameOf(found) === judged.name &&
              namespaceOf(found) === (judged.namespace ?? '') &&
              textAt(found, 'kind') === judged.kind,
          );
        if (object === undefined) continue;
        // The admission of an object says of its namespace what the API has of it.
        const namespaceObject =
          namespaceOf(object) === ''
            ? null
            : (cluster.namespace(namespaceOf(object)) ?? { metadata: { name: namespaceOf(object) } });
        expect([judged.name, admits(policy, object, namespaceObject)]).toEqual([judged.name, status !== 'fail']);
        compared++;
      }
    }
    expect(compared).toBeGreaterThan(0);
  });
});

const definition = (more: Json): CompiledCheck =>
  compileDefinition(exampleCheck({ message: 'Pod {object.metadata.name} is not so.', ...more }));

describe('what cannot be a policy, and why?', () => {
  it.each<[Json, RegExp]>([
    [{ each: 'Cluster' }, /judges the cluster/],
    [{ each: 'ValidatingWebhookConfiguration' }, /past admission policies/],
    [{ pass: "isolated(object, 'Ingress')" }, /calls isolated\(\)/],
    [{ pass: "objects('Pod').size() > 0" }, /calls objects\(\)/],
    [{ pass: "age(object.metadata.creationTimestamp) < duration('1h')" }, /calls age\(\)/],
    [{ pass: "cluster.provider == 'eks'" }, /variable cluster/],
    [{ pass: "object.status.phase == 'Running'" }, /status/],
    [{ pass: 'cel.bind(a, object.spec, a.hostNetwork != true)' }, /cel\.bind/],
    [{ pass: 'allContainers(object.spec).all(c, true)' }, /allContainers/],
    [
      { each: 'Workload', pass: 'allContainers(spec).all(c, true) && allContainers(template.spec).all(c, true)' },
      /allContainers/,
    ],
    [
      {
        params: { names: [] },
        undecided: 'params.names.size() == 0',
        without: 'x',
        pass: 'object.kind in params.names',
      },
      /params are not set/,
    ],
    [{ each: 'PersistentVolume', where: 'holdsPhi(object)' }, /in no namespace/],
    [
      { pass: "object.spec.?x.orValue('') in ['', object.metadata.namespace]" },
      /expected type 'string' but found 'dyn'/,
    ],
  ])('%j', (more, reason) => expect(exported(definition(more))).toMatch(reason));
});

describe('how is a check written as a policy?', () => {
  it('with the same expression, and the condition as a condition', () => {
    const policy = exported(
      definition({ where: "object.metadata.name != 'x'", pass: 'object.spec.?hostNetwork.orValue(false) == false' }),
    ) as Policy;
    expect(policy.spec).toEqual({
      failurePolicy: 'Fail',
      matchConstraints: {
        resourceRules: [
          { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE', 'UPDATE'], resources: ['pods'] },
          { apiGroups: [''], apiVersions: ['v1'], operations: ['UPDATE'], resources: ['pods/ephemeralcontainers'] },
        ],
      },
      matchConditions: [{ name: 'where', expression: "object.metadata.name != 'x'" }],
      validations: [
        {
          expression: 'object.spec.?hostNetwork.orValue(false) == false',
          message: 'It is so (example)',
          messageExpression: "'Pod ' + string(object.metadata.name) + ' is not so.'",
          reason: 'Forbidden',
        },
      ],
    });
  });

  it('with the variables of workloads, but not where a loop has the name', () => {
    const policy = exported(
      definition({ each: 'Workload', pass: 'spec.x == 1 && [1].all(spec, spec == 1) && object.spec.y' }),
    ) as Policy;
    expect(policy.spec.validations[0]?.expression).toBe(
      'variables.spec.x == 1 && [1].all(spec, spec == 1) && object.spec.y',
    );
    expect(policy.spec.variables?.map(({ name }) => name)).toEqual(['template', 'spec']);
    expect(policy.spec.matchConstraints.resourceRules.map(({ resources }) => resources[0])).toEqual([
      ...[
        'deployments',
        'statefulsets',
        'daemonsets',
        'cronjobs',
        'jobs',
        'replicasets',
        'replicationcontrollers',
        'pods',
        'pods/ephemeralcontainers',
      ],
    ]);
  });

  it('with what is not decided let through', () => {
    const policy = exported(
      definition({ undecided: 'object.spec.a == 1', without: 'x', pass: 'object.spec.b == 1' }),
    ) as Policy;
    expect(policy.spec.validations[0]?.expression).toBe('(object.spec.a == 1) || (object.spec.b == 1)');
  });

  it.each<[string, string | undefined]>([
    ['{object.kind} is no {params.names}', "string(object.kind) + ' is no ' + 'a, b'"],
    ['{object.spec.containers.map(c, c.name)}', undefined],
    ['{params.names[0]}', undefined],
    ["It's {size(object.spec)}\n\\", "'It\\'s ' + string(size(object.spec)) + '\\n\\\\'"],
  ])('with a message, where it has words there: %s', (message, expected) => {
    const policy = exported(definition({ message, params: { names: ['a', 'b'] } })) as Policy;
    expect(policy.spec.validations[0]?.messageExpression).toBe(expected);
  });

  it('with the version of Kubernetes that its functions need', () => {
    const made = exportCheck(definition({ pass: "semver('1.2.3').major() == 1" }), {
      phi: { labels: [], namespaces: [] },
      action: 'Warn',
    });
    expect(made).toMatchObject({
      documents: [
        { metadata: { annotations: { 'safeguard.dev/kubernetes': '>=1.33' } } },
        { spec: { validationActions: ['Warn', 'Audit'] } },
      ],
    });
    expect('documents' in made && textAt(made.documents[1], 'spec', 'policyName')).toBe('safeguard-example');
  });
});
