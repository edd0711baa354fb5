/** Whether Postgres and RFC 8785 can keep every text in it: no NUL (Postgres has none), no half of a surrogate pair (it has no bytes). */
export function isKeepable(value: unknown): boolean {
  if (typeof value === 'string') return value.isWellFormed() && !value.includes('\0');
  if (typeof value !== 'object' || value === null) return true;
  return Object.entries(value).every(([name, member]) => isKeepable(name) && isKeepable(member));
}
