const SPECIAL = /[\\\t\n\r]/;
const EACH_SPECIAL = /[\\\t\n\r]/g;
const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' };

/** A text inside a line of COPY. Most have nothing to escape, and looking is cheaper than replacing. */
export const copyText = (text: string): string =>
  SPECIAL.test(text) ? text.replace(EACH_SPECIAL, (character) => ESCAPES[character] ?? character) : text;

/** One line of COPY's text format (PostgreSQL documentation, COPY, «Text Format»). */
export const copyRow = (cells: readonly (string | null)[]): string =>
  `${cells.map((cell) => (cell === null ? '\\N' : copyText(cell))).join('\t')}\n`;
