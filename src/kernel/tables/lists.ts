/*
 * Lists in one cell: entries with a semicolon between them, as people write them; as a JSON array where that would not be read back as it was.
 */

/** More than any list of a record may have. */
const MAX_ENTRIES = 10_000;

const isPlain = (entry: string): boolean => entry !== '' && entry === entry.trim() && !entry.includes(';');

export function joinList(entries: readonly string[]): string {
  const isReadBack = entries.length > 0 && entries.every(isPlain) && !(entries[0] ?? '').startsWith('[');
  return isReadBack ? entries.join('; ') : JSON.stringify(entries);
}

/** Texts, or what a JSON array holds. Null: it begins as JSON and is none. */
export function splitList(text: string): unknown[] | null {
  const trimmed = text.trim();
  if (trimmed.startsWith('[')) return jsonList(trimmed);
  const entries = trimmed.split(';', MAX_ENTRIES + 1).map((entry) => entry.trim());
  return entries.filter((entry) => entry !== '');
}

function jsonList(text: string): unknown[] | null {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? (value as unknown[]) : null;
  } catch {
    return null;
  }
}
