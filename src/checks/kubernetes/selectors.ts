import { described, Fields, MalformedError, textOf } from './objects.js';

/**
 * Label selectors (https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/; k8s.io/apimachinery/pkg/apis/meta/v1, helpers.go, and
 * pkg/labels, selector.go). What the API server would refuse is refused: a selector with a misspelt part would else select everything.
 */
export type Labels = Readonly<Record<string, string>>;

interface Requirement {
  readonly key: string;
  readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
  readonly values: ReadonlySet<string>;
}

const NAME = /^(?:[A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;
const SUBDOMAIN = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$/;
const MAX_NAME = 63;
const MAX_PREFIX = 253;

export class LabelSelector {
  private constructor(
    /** Selects nothing whatever: the selector is null. */
    readonly nothing: boolean,
    private readonly requirements: readonly Requirement[],
  ) {}

  /** Null selects nothing, `{}` everything. */
  static parse(selector: unknown, path = 'the label selector'): LabelSelector {
    if (selector === null || selector === undefined) return new LabelSelector(true, []);
    const fields = Fields.of(selector, path);
    const stranger = fields.names().find((name) => name !== 'matchLabels' && name !== 'matchExpressions');
    if (stranger !== undefined)
      throw new MalformedError(`${path} has a field that label selectors have not: ${stranger}`);
    const labels = fields.map('matchLabels');
    return new LabelSelector(false, [
      ...(labels?.names() ?? []).map((key): Requirement => {
        const value = textOf(labels?.value(key), `${path}.matchLabels[${JSON.stringify(key)}]`);
        return { key: validKey(key), operator: 'In', values: new Set([validValue(value)]) };
      }),
      ...fields.maps('matchExpressions').map(requirementOf),
    ]);
  }

  /** Selects everything whatever its labels: the selector is empty. */
  get everything(): boolean {
    return !this.nothing && this.requirements.length === 0;
  }

  /** Label and value of which one has to be there, each `key=value`; null where the selector names none. */
  get candidates(): readonly string[] | null {
    const named = this.requirements.find((requirement) => requirement.operator === 'In');
    return named === undefined ? null : [...named.values].map((value) => `${named.key}=${value}`);
  }

  matches(labels: Labels): boolean {
    return !this.nothing && this.requirements.every((requirement) => meets(requirement, labels));
  }
}

/** @throws MalformedError if a selector or labels are not of their form */
export function selects(selector: unknown, labels: unknown): boolean {
  return LabelSelector.parse(selector).matches(labelsOf(labels));
}

export function selectsEverything(selector: unknown): boolean {
  return LabelSelector.parse(selector).everything;
}

/** Labels of an object; none where they are null. */
export function labelsOf(value: unknown, path = 'labels'): Labels {
  if (value === null || value === undefined) return {};
  const fields = Fields.of(value, path);
  for (const key of fields.names()) textOf(fields.value(key), `${path}[${JSON.stringify(key)}]`);
  return fields.raw() as Labels;
}

function meets({ key, operator, values }: Requirement, labels: Labels): boolean {
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
  // A null among labels is no label; the API server knows none.
  const there = typeof value === 'string';
  switch (operator) {
    case 'In':
      return there && values.has(value);
    case 'NotIn':
      return !there || !values.has(value);
    case 'Exists':
      return there;
    case 'DoesNotExist':
      return !there;
  }
}

function requirementOf(fields: Fields): Requirement {
  const key = validKey(fields.needText('key'));
  const operator = fields.needText('operator');
  const values = new Set(fields.texts('values').map(validValue));
  switch (operator) {
    case 'In':
    case 'NotIn':
      if (values.size === 0) throw new MalformedError(`${fields.path}: ${operator} needs values`);
      return { key, operator, values };
    case 'Exists':
    case 'DoesNotExist':
      if (values.size > 0) throw new MalformedError(`${fields.path}: ${operator} takes no values`);
      return { key, operator, values };
    default:
      throw new MalformedError(`${fields.path}.operator is ${described(operator)}, not an operator of label selectors`);
  }
}

function validKey(key: string): string {
  const slash = key.indexOf('/');
  const prefix = slash < 0 ? undefined : key.slice(0, slash);
  const name = key.slice(slash + 1);
  const valid =
    name.length <= MAX_NAME &&
    NAME.test(name) &&
    (prefix === undefined || (prefix.length <= MAX_PREFIX && SUBDOMAIN.test(prefix)));
  if (!valid) throw new MalformedError(`${described(key)} is not a label's key`);
  return key;
}

function validValue(value: string): string {
  if (value !== '' && (value.length > MAX_NAME || !NAME.test(value))) {
    throw new MalformedError(`${described(value)} is not a label's value`);
  }
  return value;
}
