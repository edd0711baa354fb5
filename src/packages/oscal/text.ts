/*
 * Free text in OSCAL's data types. Reasons, titles and names come from outside: none is markup, and none may break a document. A text that is empty as such is left
 * out by the caller, for OSCAL has no empty strings.
 */

/** What starts something in CommonMark or in OSCAL's additions to it (sub- and superscript, parameters): all of it takes a backslash. Inside of a word `_` starts nothing. */
const MARKUP = /[\\`*<>[\]~^{}]|(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])|&(?=[#\p{L}])/gu;
/** Blanks and line breaks of every sort, controls, and half of a surrogate pair, which UTF-8 cannot say. */
const BETWEEN_WORDS = /[\s\p{Cc}\p{Cs}]+/gu;

/** `StringDatatype`: one line without blanks at its ends; no markup. */
export const oscalString = (text: string): string => text.replace(BETWEEN_WORDS, ' ').trim();

/** What makes a heading, a list or a rule of a line that begins with it, and nothing elsewhere. */
const LINE_START = /^(?=[-+](?:$| )|#{1,6}(?:$| )|-[- ]*$)/;
const NUMBERED = /^(\d{1,9})(?=[.)](?:$| ))/;

/** `MarkupLineDatatype`, saying the text as it is. */
export const markupLine = (text: string): string =>
  oscalString(text).replace(MARKUP, '\\$&').replace(LINE_START, '\\').replace(NUMBERED, '$1\\') || '–';

/** `MarkupMultilineDatatype`, saying the texts as they are: a paragraph each. */
export const markup = (...paragraphs: readonly string[]): string => paragraphs.map(markupLine).join('\n\n');

/** A list of what texts say, as Markdown. */
export const markupList = (items: readonly string[]): string => items.map((item) => `- ${markupLine(item)}`).join('\n');

/** `DateTimeWithTimezoneDatatype`, of the years that its pattern knows. */
export function dateTime(instant: Date | string): string | undefined {
  const at = new Date(instant);
  const year = at.getUTCFullYear();
  return Number.isNaN(at.getTime()) || year < 1900 || year > 2999 ? undefined : at.toISOString();
}
