export type Place = readonly PropertyKey[];
/** Says what is wrong, where. */
export type Tell = (file: string, place: Place, message: string) => void;

/** Says so where a name was given before. */
export function once(seen: Map<string, string>, name: string, owner: string, tell: (message: string) => void): void {
  const before = seen.get(name);
  if (before === undefined) seen.set(name, owner);
  else tell(`"${name}" is already the name of ${before}`);
}
