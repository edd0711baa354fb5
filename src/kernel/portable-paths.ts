/** Windows' default limit is 260 for a whole path; this leaves 60 for where somebody unpacks it. */
const MAX_PATH = 200;
const PATH = /^[A-Za-z0-9_-][A-Za-z0-9._-]*(\/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$/;
/** Names that Windows reads as devices, and names that end in a dot, which it drops. */
const NOT_ON_WINDOWS = /(^|\/)(con|prn|aux|nul|com\d|lpt\d)(\.|\/|$)|\.(\/|$)/i;

/** Refuses paths that some file system, shell or BagIt tool reads as something else, and two that differ by case alone. */
export class Paths {
  private readonly taken = new Set<string>();

  add(path: string): string {
    if (path.length > MAX_PATH || !PATH.test(path) || NOT_ON_WINDOWS.test(path)) {
      throw new Error(`a path in a package is portable and has at most ${MAX_PATH} characters`);
    }
    const folded = path.toLowerCase();
    if (this.taken.has(folded)) throw new Error('a path in a package is written once, in one case');
    this.taken.add(folded);
    return path;
  }
}
