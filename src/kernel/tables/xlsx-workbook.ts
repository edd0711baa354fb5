import { posix } from 'node:path';
import { TABLE_LIMITS, TableFault } from './table.js';
import type { XlsxParts } from './xlsx-parts.js';
import { attributeOf } from './xml.js';

/** What of a workbook one needs to read a sheet of it. */
export interface Workbook {
  /** The path of the sheet. */
  sheet: string;
  /** Texts that cells name by number. */
  shared: readonly string[];
  /** By the number of a cell's format: whether it shows a date. */
  isDate: readonly boolean[];
  /** Days count from 1904. */
  from1904: boolean;
}

interface Relationship {
  id: string;
  type: string;
  path: string;
}

/** ECMA-376 part 1, 18.2: from the package to the workbook, and from there to its parts. The sheet is the one of that name, or the first that is shown. */
export async function workbookOf(parts: XlsxParts, sheetName: string | null): Promise<Workbook> {
  const [main] = (await relationshipsOf(parts, '')).filter(({ type }) => type === 'officeDocument');
  if (main === undefined) throw new TableFault('It is no workbook.');
  const relationships = await relationshipsOf(parts, main.path);
  const sheets: { name: string; id: string; shown: boolean }[] = [];
  let from1904 = false;
  await parts.read(main.path, {
    open: (name, attributes) => {
      if (name === 'sheet') {
        const id = attributeOf(attributes, 'id') ?? '';
        sheets.push({ name: attributes.name ?? '', id, shown: (attributes.state ?? 'visible') === 'visible' });
      }
      if (name === 'workbookPr') from1904 = isOn(attributes.date1904);
    },
    close: () => undefined,
    text: () => undefined,
  });
  const pathOf = (id: string): string | undefined =>
    relationships.find((one) => one.id === id && one.type === 'worksheet')?.path;
  const found = sheets.find((one) =>
    sheetName === null ? one.shown && pathOf(one.id) !== undefined : one.name === sheetName,
  );
  const sheet = found === undefined ? undefined : pathOf(found.id);
  if (sheet === undefined)
    throw new TableFault(sheetName === null ? 'It has no sheet.' : 'It has no sheet of that name.');
  const ofType = (type: string): string | undefined => relationships.find((one) => one.type === type)?.path;
  const [styles, shared] = [ofType('styles'), ofType('sharedStrings')];
  return {
    sheet,
    shared: shared === undefined ? [] : await sharedTexts(parts, shared),
    isDate: styles === undefined ? [] : await dateFormats(parts, styles),
    from1904,
  };
}

export const isOn = (value: string | undefined): boolean => value === '1' || value === 'true' || value === 'on';

async function relationshipsOf(parts: XlsxParts, path: string): Promise<Relationship[]> {
  const { dir, base } = posix.parse(path);
  const source = posix.join(dir, '_rels', `${base}.rels`);
  if (!parts.has(source)) throw new TableFault('It is no workbook.');
  const found: Relationship[] = [];
  await parts.read(source, {
    open: (name, { Id: id = '', Type: type = '', Target: target = '', TargetMode: mode = 'Internal' }) => {
      if (name !== 'Relationship' || mode !== 'Internal') return;
      // «…/relationships/worksheet», of the transitional namespace and of the strict one. A target is relative to its source, or to the package.
      const resolved = posix.join('/', target.startsWith('/') ? '' : dir, target).slice(1);
      found.push({ id, type: type.slice(type.lastIndexOf('/') + 1), path: resolved });
    },
    close: () => undefined,
    text: () => undefined,
  });
  return found;
}

/** Gathers the text of `t` elements, but for those of phonetic runs (`rPh`), which say it a second time. */
export class Texts {
  private inPhonetic = 0;
  private isOpen = false;
  text = '';

  begin(): void {
    this.text = '';
  }

  open(name: string): void {
    if (name === 'rPh') this.inPhonetic++;
    if (name === 't') this.isOpen = this.inPhonetic === 0;
  }

  close(name: string): void {
    if (name === 'rPh') this.inPhonetic--;
    if (name === 't') this.isOpen = false;
  }

  add(text: string): void {
    if (!this.isOpen) return;
    this.text += text;
    if (this.text.length > MAX_ENCODED) throw new TableFault(`A cell is longer than ${TABLE_LIMITS.cell} characters.`);
  }
}

/** A character that XML cannot hold takes seven. */
const MAX_ENCODED = 7 * TABLE_LIMITS.cell;

async function sharedTexts(parts: XlsxParts, path: string): Promise<string[]> {
  const all: string[] = [];
  const texts = new Texts();
  await parts.read(
    path,
    {
      open: (name) => (name === 'si' ? texts.begin() : texts.open(name)),
      close: (name) => {
        if (name === 'si') all.push(decoded(texts.text));
        else texts.close(name);
      },
      text: (text) => texts.add(text),
    },
    TABLE_LIMITS.shared,
  );
  return all;
}

/** ECMA-376 part 1, 22.9.2.19 (ST_Xstring): what XML cannot hold is written as `_x000D_`, and what looks like that as `_x005F_x000D_`. */
export const decoded = (text: string): string =>
  text.includes('_x')
    ? text.replace(/_x([0-9A-Fa-f]{4})_/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
    : text;

/** Formats that are dates without anybody's saying so (18.8.30; 27–36 and 50–58 in East Asian locales). Durations (45–47) are not. */
const isBuiltInDate = (id: number): boolean =>
  (id >= 14 && id <= 22) || (id >= 27 && id <= 36) || (id >= 50 && id <= 58);

/** A format of its own is a date's if it names a part of one outside quotation marks, brackets and escapes. `[h]` counts hours, and is none. */
export const isDateFormat = (code: string): boolean =>
  /[ymdhs]/i.test((code.split(';')[0] ?? '').replace(/"[^"]*"|\\.|_.|\*.|\[[^\]]*\]/g, '').replace(/general/gi, ''));

async function dateFormats(parts: XlsxParts, path: string): Promise<boolean[]> {
  const custom = new Map<number, string>();
  const used: number[] = [];
  let inCells = false;
  await parts.read(path, {
    open: (name, { numFmtId, formatCode }) => {
      if (name === 'numFmt') custom.set(Number(numFmtId), formatCode ?? '');
      if (name === 'cellXfs') inCells = true;
      if (name === 'xf' && inCells) used.push(Number(numFmtId ?? 0));
    },
    close: (name) => {
      if (name === 'cellXfs') inCells = false;
    },
    text: () => undefined,
  });
  return used.map((id) => {
    const code = custom.get(id);
    return code === undefined ? isBuiltInDate(id) : isDateFormat(code);
  });
}
