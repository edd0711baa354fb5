/*
 * Names come from anybody: a cluster, a spreadsheet, a form. A report shows every character of them and obeys none.
 */

/**
 * Characters that show nothing, or move what stands around them: controls (line feeds and tabs are spaces here), line and paragraph separators, the marks of
 * writing direction, which can make a name read as another («Trojan Source»), what is joined or cut without being seen, halves of surrogate pairs, and what is no character.
 */
const HIDDEN =
  /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Noncharacter_Code_Point}\u00AD\u061C\u180E\u200B-\u200F\u202A-\u202E\u2060-\u206F\uFEFF\uFFF9-\uFFFB\u{E0000}-\u{E007F}]/gu;

const SPACES = /[\t\n\r\f\v]+/g;

/** The name of a character, by which anybody can look it up. */
export const named = (character: string): string =>
  `[U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}]`;

export const visible = (text: string): string => text.replace(SPACES, ' ').replace(HIDDEN, named);

const MARKUP: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** For the text and the quoted attributes of HTML and SVG. */
export const escaped = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => MARKUP[character] ?? character);

/** As much of a text as there is room for. It is cut between characters, never within one. */
export function shortened(text: string, most: number): string {
  const characters = Array.from(text);
  return characters.length <= most ? text : `${characters.slice(0, most - 1).join('')}…`;
}
