type Fields = Readonly<Record<string, unknown>>;

/** A value with its place in the record. */
export interface Placed {
  pointer: string;
  /** Of an entry of a list: which. */
  entry: number | null;
  value: unknown;
}

/** What a path of a record type names: the field, or that member of each entry of a list (`accounts[].removedAt`). */
export function valuesAt(fields: Fields, path: string): Placed[] {
  const [name = '', member] = path.split('[].');
  const value = fields[name];
  if (member === undefined) return [{ pointer: `/fields/${name}`, entry: null, value }];
  if (!Array.isArray(value)) return [];
  return value.map((item: unknown, entry) => ({
    pointer: `/fields/${name}/${entry}/${member}`,
    entry,
    value: typeof item === 'object' && item !== null ? (item as Fields)[member] : undefined,
  }));
}
