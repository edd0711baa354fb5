import type { CompiledCheck } from './definition.js';
import { KUBERNETES_SINCE, mixtureIn } from './environment.js';
import { nodesOf, type Expression } from './expression.js';
import { wordsOf } from './functions/strings.js';
import { CLUSTER, WORKLOAD, WORKLOADS, kindNamed, type Kind } from './kinds.js';
import type { PhiScope } from './phi.js';

/*
 * A check that judges one object alone, with functions that Kubernetes has, as a ValidatingAdmissionPolicy of the same expression: the rule that proves is the rule that
 * prevents (https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/).
 */

export interface ExportOptions {
  readonly phi: PhiScope;
  readonly action: 'Deny' | 'Warn';
}

/** The policy and its binding, or why there is none. */
export type Exported = { readonly documents: readonly [object, object] } | { readonly reason: string };

/** Where Kubernetes has ValidatingAdmissionPolicy in version v1. */
const LEAST_VERSION = '1.30';

/** These kinds are let past admission policies, lest nobody can take a wrong one back. */
const UNGUARDED: ReadonlySet<string> = new Set(['admissionregistration.k8s.io']);

class NotExportable extends Error {}

export function exportCheck(check: CompiledCheck, options: ExportOptions): Exported {
  try {
    return { documents: documentsOf(check, options) };
  } catch (error) {
    if (error instanceof NotExportable) return { reason: error.message };
    throw error;
  }
}

function documentsOf(check: CompiledCheck, { phi, action }: ExportOptions): [object, object] {
  const { definition, id } = check;
  const kinds = kindsOf(check);
  if (isUndecided(check)) throw new NotExportable('its params are not set: it would let everything through');
  const translation = new Translation(check, kinds, phi);
  const where = check.where === null ? null : translation.where(check.where);
  const pass = [check.undecided, check.pass]
    .filter((part) => part !== null)
    .map((part) => translation.expression(part));
  const passes = pass.length === 1 ? (pass[0] ?? '') : pass.map((part) => `(${part})`).join(' || ');
  const messageExpression = translation.message(check);
  const name = `safeguard-${id.replaceAll('/', '-')}`;
  const metadata = {
    name,
    labels: { 'app.kubernetes.io/managed-by': 'safeguard' },
    annotations: {
      'safeguard.dev/check': id,
      'safeguard.dev/practices': check.practices.join(','),
      'safeguard.dev/kubernetes': `>=${translation.version}`,
    },
  };
  const policy = {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingAdmissionPolicy',
    metadata,
    spec: {
      failurePolicy: 'Fail',
      matchConstraints: { resourceRules: kinds.flatMap(rulesOf) },
      ...(where?.isCondition === true ? { matchConditions: [{ name: 'where', expression: where.text }] } : {}),
      ...(translation.variables.length > 0 ? { variables: translation.variables } : {}),
      validations: [
        {
          expression: where === null || where.isCondition ? passes : `!(${where.text}) || (${passes})`,
          // A message of a policy is one line.
          message: `${definition.title.replaceAll(/\s+/g, ' ')} (${id})`,
          ...(messageExpression === null ? {} : { messageExpression }),
          reason: 'Forbidden',
        },
      ],
    },
  };
  const binding = {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingAdmissionPolicyBinding',
    metadata: { name, labels: metadata.labels },
    spec: { policyName: name, validationActions: action === 'Deny' ? ['Deny'] : ['Warn', 'Audit'] },
  };
  return [policy, binding];
}

function kindsOf({ each }: CompiledCheck): readonly Kind[] {
  if (each.includes(CLUSTER)) throw new NotExportable('judges the cluster, and no object');
  const names = each.includes(WORKLOAD) ? Object.keys(WORKLOADS) : each;
  const kinds = names.map(kindNamed).filter((kind) => kind !== null);
  const unguarded = kinds.find(({ group }) => UNGUARDED.has(group));
  if (unguarded !== undefined) throw new NotExportable(`Kubernetes lets ${unguarded.kind} past admission policies`);
  return kinds;
}

function rulesOf({ name, group, versions, resource }: Kind): object[] {
  const rule = (operations: string[], resources: string[]) => ({
    apiGroups: [group],
    apiVersions: versions,
    operations,
    resources,
  });
  const rules = [rule(['CREATE', 'UPDATE'], [resource])];
  // `kubectl debug` adds containers to a running pod by a subresource of its own; the object is the pod with them.
  return name === 'Pod' ? [...rules, rule(['UPDATE'], ['pods/ephemeralcontainers'])] : rules;
}

/** Whether nothing is decided of any object, for an organisation has not set what the check goes by. */
function isUndecided({ undecided, params }: CompiledCheck): boolean {
  if (undecided === null || ![...undecided.variables].every((name) => name === 'params')) return false;
  try {
    return undecided.evaluate({ params }) === true;
  } catch {
    return false;
  }
}

const TEMPLATE =
  "object.kind == 'Pod' ? object : object.kind == 'CronJob' ? object.spec.jobTemplate.spec.template : object.spec.template";

/** What is written in the language of a policy otherwise than in that of a check. The order is that in which one may name another. */
const VARIABLES: readonly { readonly name: string; readonly expression: string }[] = [
  { name: 'template', expression: TEMPLATE },
  { name: 'spec', expression: 'variables.template.spec' },
  {
    name: 'allContainers',
    expression: ['containers', 'initContainers', 'ephemeralContainers']
      .map((list) => `variables.spec.?${list}.orValue([])`)
      .join(' + '),
  },
];

const NEEDS: Readonly<Record<string, readonly string[]>> = {
  template: ['template'],
  spec: ['template', 'spec'],
  allContainers: ['template', 'spec', 'allContainers'],
  phi: [],
};

class Translation {
  readonly #check: CompiledCheck;
  readonly #kinds: readonly Kind[];
  readonly #phi: PhiScope;
  readonly #needed = new Set<string>();
  #phiExpression: string | null = null;
  version = LEAST_VERSION;

  constructor(check: CompiledCheck, kinds: readonly Kind[], phi: PhiScope) {
    this.#check = check;
    this.#kinds = kinds;
    this.#phi = phi;
  }

  get variables(): readonly { readonly name: string; readonly expression: string }[] {
    const needed = VARIABLES.filter(({ name }) => this.#needed.has(name));
    return this.#phiExpression === null ? needed : [...needed, { name: 'phi', expression: this.#phiExpression }];
  }

  /** `isCondition`: it can be a matchCondition, which knows the object alone and no variables. */
  where(expression: Expression): { text: string; isCondition: boolean } {
    const text = this.expression(expression);
    return {
      text,
      isCondition: [...expression.variables].every((name) => name === 'object') && text === expression.source,
    };
  }

  expression(expression: Expression): string {
    const { source } = expression;
    const changes: { start: number; end: number; text: string }[] = [];
    const replaced = new Set<number>();
    const replace = (start: number, end: number, variable: string): void => {
      changes.push({ start, end, text: `variables.${variable}` });
      for (const name of NEEDS[variable] ?? []) this.#needed.add(name);
      for (let position = start; position < end; position++) replaced.add(position);
    };
    const params = new Set(expression.places.filter(({ name }) => name === 'params').map(({ start }) => start));
    let own = 0;
    for (const node of nodesOf(expression.ast)) {
      if (node.op === '.' && node.args[0].op === 'id' && params.has(node.start)) {
        changes.push({ start: node.start, end: node.end, text: literalOf(this.#check.params[node.args[1]]) });
      }
      if (node.op !== 'call') continue;
      const [name, given] = node.args;
      const argument = given.length === 1 && given[0]?.op === 'id' ? given[0].args : '';
      if (name === 'allContainers' && argument === 'spec') replace(node.start, node.end, 'allContainers');
      else if (name === 'holdsPhi' && argument === 'object') {
        replace(node.start, node.end, 'phi');
        this.#phiExpression ??= this.#phiCondition();
      } else continue;
      own++;
    }
    this.#refuseForeign(expression, own);
    for (const { name, start } of expression.places) {
      if ((name === 'spec' || name === 'template') && !replaced.has(start)) replace(start, start + name.length, name);
    }
    const text = changes
      .sort((a, b) => b.start - a.start)
      .reduce((text, { start, end, text: by }) => text.slice(0, start) + by + text.slice(end), source);
    const mixture = mixtureIn(text);
    if (mixture !== null) throw new NotExportable(`${mixture}: Kubernetes refuses that; write dyn(…) around each`);
    return text;
  }

  /** `translated`: calls of functions of ours that a variable stands for. */
  #refuseForeign(expression: Expression, translated: number): void {
    const TRANSLATED: ReadonlySet<string> = new Set(['allContainers', 'holdsPhi']);
    let calls = 0;
    for (const node of nodesOf(expression.ast)) if (node.op === 'call' && TRANSLATED.has(node.args[0])) calls++;
    for (const name of expression.functions) {
      const since = KUBERNETES_SINCE.get(name);
      if (since !== undefined) {
        if (later(since, this.version)) this.version = since;
      } else if (!TRANSLATED.has(name) || calls > translated) {
        throw new NotExportable(`calls ${name.replace(/^\./, '')}(), which Kubernetes does not have`);
      }
    }
    for (const name of expression.variables) {
      if (name === 'cluster') throw new NotExportable('reads the variable cluster, which Kubernetes does not have');
    }
    if (expression.fields.has('object.status')) {
      throw new NotExportable('reads the status of the object, which is not there yet when it is admitted');
    }
  }

  /** As `holdsPhi(object)` has it, but for one thing: a policy cannot know that nothing in the cluster is marked. */
  #phiCondition(): string {
    const isWorkload = this.#check.each.includes(WORKLOAD);
    const namespaced = this.#kinds.every((kind) => kind.namespaced);
    const isNamespace = this.#kinds.every((kind) => kind.name === 'Namespace');
    if (!namespaced && !isNamespace) {
      throw new NotExportable('asks of objects that are in no namespace whether they hold PHI');
    }
    if (isWorkload) this.#needed.add('template');
    const holders = [
      'object',
      ...(isWorkload ? ['variables.template'] : []),
      ...(namespaced ? ['namespaceObject'] : []),
    ];
    const marks = holders.flatMap((holder) =>
      this.#phi.labels.map(({ key, values }) => {
        const there = holder === 'variables.template' ? `has(${holder}.metadata) && ` : '';
        const labels = `${holder}.metadata.labels`;
        return `(${there}has(${labels}) && ${literal(key)} in ${labels} && ${labels}[${literal(key)}].lowerAscii() in [${values.map((value) => literal(value.toLowerCase())).join(', ')}])`;
      }),
    );
    if (this.#phi.namespaces.length > 0) {
      const name = isNamespace ? 'object.metadata.name' : 'object.metadata.namespace';
      marks.push(`${name} in [${this.#phi.namespaces.map(literal).join(', ')}]`);
    }
    return marks.join(' || ');
  }

  /** null where something that it fills in has no words in the language of Kubernetes: then its title is said. */
  message({ message }: CompiledCheck): string | null {
    try {
      const parts = message.map((part) => {
        if (typeof part === 'string') return literal(part);
        const constant = /^params\.(\w+)$/.exec(part.source.trim())?.[1];
        if (constant !== undefined) return literal(wordsOf(this.#check.params[constant]));
        // string() of a list does not compile there: neither where its type says so, nor where a constant that is one may stand.
        const lists = Object.values(this.#check.params).some(Array.isArray) && part.variables.has('params');
        if (lists || !['string', 'int', 'bool', 'double', 'dyn'].includes(part.type))
          throw new NotExportable('has no words');
        return part.type === 'string' ? this.expression(part) : `string(${this.expression(part)})`;
      });
      return parts.length === 0 ? null : parts.join(' + ');
    } catch (error) {
      if (error instanceof NotExportable) return null;
      throw error;
    }
  }
}

function literalOf(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(literalOf).join(', ')}]`;
  return typeof value === 'string' ? literal(value) : String(value);
}

/** A text as a literal of CEL. */
function literal(text: string): string {
  const escaped = text.replaceAll('\\', '\\\\').replaceAll("'", "\\'").replaceAll('\n', '\\n').replaceAll('\r', '\\r');
  return `'${escaped}'`;
}

function later(version: string, than: string): boolean {
  return Number(version.split('.')[1]) > Number(than.split('.')[1]);
}
