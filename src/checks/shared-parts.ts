import { at, isMap, type KubernetesObject } from './values.js';

/** Lists whose members are the same in thousands of objects: a package is in every image that is built on its distribution. */
const LISTS: Readonly<Record<string, readonly string[]>> = { SbomReport: ['report', 'components', 'components'] };

/** Parts that are told apart at most: some 20 MB. */
const MOST = 100_000;

/** Holds parts of objects that say the same once. Bills of materials of 5,000 images have five million of them. */
export class SharedParts {
  readonly #known = new Map<string, object>();

  /** Changes the object: what it says stays. */
  share(kind: string, object: KubernetesObject): void {
    const path = LISTS[kind];
    const list = path === undefined ? null : at(object, ...path);
    if (!Array.isArray(list)) return;
    for (const [index, member] of list.entries()) {
      const name = isMap(member) ? nameOf(member) : null;
      if (name === null) continue;
      const known = this.#known.get(name);
      if (known !== undefined) list[index] = known;
      else if (this.#known.size < MOST) this.#known.set(name, member as object);
    }
  }
}

/** Of what holds texts alone, all that it says. */
function nameOf(part: KubernetesObject): string | null {
  let name = '';
  for (const key of Object.keys(part)) {
    const value = part[key];
    if (typeof value !== 'string') return null;
    name += `${key.length} ${key}${value.length} ${value}`;
  }
  return name;
}
