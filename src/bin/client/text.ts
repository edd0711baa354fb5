/** Control characters, line breaks and bidirectional overrides: what could rewrite a terminal's screen or fool its reader. */
const unprintable = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/gu;

/** Text from outside, made safe for one line of a terminal and bounded (default 1 000 characters). */
export function printable(text: string, limit = 1_000): string {
  const clean = text.slice(0, limit + 1).replace(unprintable, ' ');
  return clean.length > limit ? `${clean.slice(0, limit - 1)}…` : clean;
}

/**
 * Lines of aligned columns. With `width` (a terminal) the last column is cut to fit; without, nothing is cut, so that
 * a file or a pipe has it all.
 */
export function table(rows: readonly (readonly string[])[], width?: number): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    row.slice(0, -1).forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, cell.length);
    });
  }
  return rows.map((row) => {
    const line = row
      .map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)))
      .join('  ')
      .trimEnd();
    return width !== undefined && line.length > width ? `${line.slice(0, Math.max(1, width - 1))}…` : line;
  });
}

/** "1 file", "2 files". */
export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** A size as people read it: 1 kB = 1 000 bytes. */
export function bytes(count: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = count;
  let unit = 0;
  while (value >= 1_000 && unit < units.length - 1) {
    value /= 1_000;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit] ?? ''}`;
}

/** A span of milliseconds as people read it. */
export function span(milliseconds: number): string {
  if (milliseconds < 1_000) return `${Math.round(milliseconds)} ms`;
  return milliseconds < 120_000 ? `${Math.round(milliseconds / 1_000)} s` : `${Math.round(milliseconds / 60_000)} min`;
}
