/** An object of the Kubernetes API as JSON has it, its whole numbers as bigint. */
export type KubernetesObject = Readonly<Record<string, unknown>>;

export function isMap(value: unknown): value is KubernetesObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What lies at the end of the path; undefined where it breaks off. Only own fields are seen. */
export function at(value: unknown, ...path: readonly string[]): unknown {
  let found: unknown = value;
  for (const name of path) {
    if (!isMap(found) || !Object.hasOwn(found, name)) return undefined;
    found = found[name];
  }
  return found;
}

export function textAt(value: unknown, ...path: readonly string[]): string {
  const found = at(value, ...path);
  return typeof found === 'string' ? found : '';
}

export function listAt(value: unknown, ...path: readonly string[]): readonly unknown[] {
  const found = at(value, ...path);
  return Array.isArray(found) ? found : [];
}

export function nameOf(object: KubernetesObject): string {
  return textAt(object, 'metadata', 'name');
}

/** "" of what no namespace holds. */
export function namespaceOf(object: KubernetesObject): string {
  return textAt(object, 'metadata', 'namespace');
}

/** `apps/v1` → `apps`, `v1`; `v1` → "", `v1`. */
export function splitApiVersion(apiVersion: string): { group: string; version: string } {
  const slash = apiVersion.lastIndexOf('/');
  return { group: apiVersion.slice(0, Math.max(0, slash)), version: apiVersion.slice(slash + 1) };
}

const SMALL = Array.from({ length: 1024 }, (_, index) => BigInt(index));

function integer(value: number): bigint {
  return (value >= 0 && value < SMALL.length ? SMALL[value] : undefined) ?? BigInt(value);
}

/** Deeper than any object that an API server stores. */
const MAX_DEPTH = 200;

/** JSON.parse makes every number a double, and CEL does not add one to an int. In place, for objects are many. Says whether some key is named like a part of JavaScript. */
export function integersIn(value: object, depth = 0): boolean {
  if (depth > MAX_DEPTH) throw new RangeError(`is nested more than ${MAX_DEPTH} deep`);
  let hostile = false;
  if (Array.isArray(value)) {
    const list = value as unknown[];
    for (let index = 0; index < list.length; index++) {
      const member = list[index];
      if (typeof member === 'number') {
        if (Number.isInteger(member)) list[index] = integer(member);
      } else if (typeof member === 'object' && member !== null && integersIn(member, depth + 1)) hostile = true;
    }
    return hostile;
  }
  const map = value as Record<string, unknown>;
  for (const key of Object.keys(map)) {
    if (key === 'constructor' || key === '__proto__') hostile = true;
    const member = map[key];
    if (typeof member === 'number') {
      if (Number.isInteger(member)) map[key] = integer(member);
    } else if (typeof member === 'object' && member !== null && integersIn(member, depth + 1)) hostile = true;
  }
  return hostile;
}

/** What an expression sees of a value, and the value behind what it sees. */
export class Views {
  readonly #views = new WeakMap<object, object>();
  readonly #values = new WeakMap<object, object>();
  #some = false;

  /**
   * The library asks a map for its `constructor` to know what it is, so that a label of that name breaks the whole object. Such an object is seen as Maps, whose keys
   * are nothing but keys.
   */
  add(value: object): void {
    this.#some = true;
    this.#make(value);
  }

  #make(value: object): object {
    const seen = (member: unknown) => (typeof member === 'object' && member !== null ? this.#make(member) : member);
    const view = Array.isArray(value)
      ? value.map(seen)
      : new Map(Object.entries(value).map(([key, member]) => [key, seen(member)]));
    this.#views.set(value, view);
    this.#values.set(view, value);
    return view;
  }

  /** For an expression. */
  seen(value: unknown): unknown {
    if (!this.#some || typeof value !== 'object' || value === null) return value;
    const known = this.#views.get(value);
    if (known !== undefined || !Array.isArray(value)) return known ?? value;
    // All pods, say: asked for by each of them.
    const list = value.map((member) => this.seen(member));
    this.#views.set(value, list);
    this.#values.set(list, value);
    return list;
  }

  /** For a function. */
  behind(value: unknown): unknown {
    if (typeof value !== 'object' || value === null) return value;
    if (this.#some && Array.isArray(value))
      return this.#values.get(value) ?? value.map((member) => this.behind(member));
    if (!(value instanceof Map)) return value;
    // A Map that an expression cannot have made, for map literals are plain objects.
    return this.#values.get(value) ?? value;
  }
}
