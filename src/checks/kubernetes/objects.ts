/** An object of the Kubernetes API, or a part of one, as JSON has it. Nothing of its shape is taken for granted. */
export type KubernetesObject = Readonly<Record<string, unknown>>;

/** The objects of a cluster, by kind (`Pod`, `ClusterRole`). */
export interface Objects {
  list(kind: string): readonly KubernetesObject[];
}

/** What cannot be read says so. An answer made of what could not be read would be a guess, and a guess may be a pass. */
export class MalformedError extends Error {
  override readonly name = 'MalformedError';
}

/** Words for a value in a message: its type, and the value itself where it is short. */
export function described(value: unknown): string {
  switch (typeof value) {
    case 'undefined':
      return 'nothing';
    case 'string':
      return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value);
    case 'number':
    case 'bigint':
    case 'boolean':
      return `the ${typeof value} ${value}`;
    case 'object':
      return value === null ? 'null' : Array.isArray(value) ? 'a list' : 'a map';
    default:
      return `a ${typeof value}`;
  }
}

function isMap(value: unknown): value is KubernetesObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Integers come as numbers, or as the bigint that CEL makes of them. */
export function integerOf(value: unknown, path: string): bigint {
  if (typeof value === 'bigint') return value;
  if (typeof value === 'number' && Number.isSafeInteger(value)) return BigInt(value);
  throw new MalformedError(`${path} is ${described(value)}, not an integer`);
}

export function textOf(value: unknown, path: string): string {
  if (typeof value === 'string') return value;
  throw new MalformedError(`${path} is ${described(value)}, not a string`);
}

/**
 * Reads a map field by field. A field that is null is absent, as it is for the API server; a field of another type than asked for is a fault that names
 * its path. Inherited properties are no fields.
 */
export class Fields {
  private constructor(
    private readonly source: KubernetesObject,
    /** Where it stands, for messages: `spec.containers[0]`. */
    readonly path: string,
  ) {}

  static of(value: unknown, path: string): Fields {
    if (isMap(value)) return new Fields(value, path);
    throw new MalformedError(`${path === '' ? 'the object' : path} is ${described(value)}, not a map`);
  }

  private at(name: string): string {
    return this.path === '' ? name : `${this.path}.${name}`;
  }

  value(name: string): unknown {
    return Object.hasOwn(this.source, name) ? (this.source[name] ?? undefined) : undefined;
  }

  has(name: string): boolean {
    return this.value(name) !== undefined;
  }

  /** The names of the fields that are not null. */
  names(): string[] {
    return Object.keys(this.source).filter((name) => this.has(name));
  }

  map(name: string): Fields | undefined {
    const value = this.value(name);
    return value === undefined ? undefined : Fields.of(value, this.at(name));
  }

  /** A map that has to be there. */
  need(name: string): Fields {
    const value = this.map(name);
    if (value === undefined) throw new MalformedError(`${this.at(name)} is missing`);
    return value;
  }

  private list<T>(name: string, read: (value: unknown, path: string) => T): T[] {
    const value = this.value(name);
    if (value === undefined) return [];
    if (!Array.isArray(value)) throw new MalformedError(`${this.at(name)} is ${described(value)}, not a list`);
    return value.map((item: unknown, index) => read(item, `${this.at(name)}[${index}]`));
  }

  maps(name: string): Fields[] {
    return this.list(name, (value, path) => Fields.of(value, path));
  }

  texts(name: string): string[] {
    return this.list(name, textOf);
  }

  text(name: string): string | undefined {
    const value = this.value(name);
    return value === undefined ? undefined : textOf(value, this.at(name));
  }

  /** A string that has to be there and say something. */
  needText(name: string): string {
    const value = this.text(name);
    if (value === undefined || value === '') throw new MalformedError(`${this.at(name)} is missing`);
    return value;
  }

  bool(name: string): boolean | undefined {
    const value = this.value(name);
    if (value === undefined || typeof value === 'boolean') return value;
    throw new MalformedError(`${this.at(name)} is ${described(value)}, not a boolean`);
  }

  integer(name: string): bigint | undefined {
    const value = this.value(name);
    return value === undefined ? undefined : integerOf(value, this.at(name));
  }

  /** The map itself, to hand on. */
  raw(): KubernetesObject {
    return this.source;
  }
}

/** Made when first asked for, once. A fault is kept too: what could not be read at first is not read again for each of ten thousand questions. */
export function lazy<T>(make: () => T): () => T {
  let made: { value: T } | { fault: unknown } | undefined;
  return () => {
    if (made === undefined) {
      try {
        made = { value: make() };
      } catch (fault) {
        made = { fault };
      }
    }
    if ('fault' in made) throw made.fault;
    return made.value;
  };
}

/** The list under a key of a map of lists. */
export function listAt<K, V>(lists: Map<K, V[]>, key: K): V[] {
  let list = lists.get(key);
  if (list === undefined) lists.set(key, (list = []));
  return list;
}
