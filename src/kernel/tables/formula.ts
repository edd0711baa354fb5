/**
 * What a spreadsheet would take for a formula, by OWASP's list («CSV Injection»): a cell that begins with = + - @, or their full-width forms, also after blanks
 * that an import may drop; or with a tab, carriage return or line feed. Scanners quote names that anybody in a cluster may have chosen. With apostrophes before it
 * a text is meant too, so that what was disarmed can be told from what was not.
 */
const FORMULA = /^'*(?:\s*[=+\-@\uFF1D\uFF0B\uFF0D\uFF20]|[\t\r\n])/u;

export const isLikeFormula = (text: string): boolean => FORMULA.test(text);

/** OWASP's remedy: an apostrophe before it. */
export const guarded = (text: string): string => (isLikeFormula(text) ? `'${text}` : text);

/** What `guarded` was given. Of a text that somebody disarmed by hand, as spreadsheets do, without the apostrophe as well. */
export const unguarded = (text: string): string => (text.startsWith("'") && isLikeFormula(text) ? text.slice(1) : text);
