/** A list of a document: an array, or one that is too large to be held and whose members are read when they are asked for. */
export interface List extends Iterable<unknown> {
  readonly length: number;
}

/** Members of a list that is read anew, in order, each time that it is gone through; none is held. */
export class LazyList implements List {
  constructor(
    readonly length: number,
    private readonly members: () => Iterator<unknown>,
  ) {}

  [Symbol.iterator](): Iterator<unknown> {
    return this.members();
  }
}

export function isList(value: unknown): value is List {
  return Array.isArray(value) || value instanceof LazyList;
}
