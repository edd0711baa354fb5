import type { Readable } from 'node:stream';
import { dayOf } from '../dates.js';
import { zipOf, type ZipInput } from '../zip-write.js';
import { isLikeFormula } from './formula.js';
import { columnName, DAY, EPOCH_1900, TABLE_LIMITS, type Cell } from './table.js';

const MAIN = 'http://schemas.openxmlformats.org/spreadsheetml/2006/main';
const OFFICE = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships';
const PACKAGE = 'http://schemas.openxmlformats.org/package/2006';
const SHEET_TYPE = 'application/vnd.openxmlformats-officedocument.spreadsheetml';
const HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n';

export const XLSX_TYPE = `${SHEET_TYPE}.sheet`;

/** Formats of cells, by their place in STYLES. */
const [GENERAL, BOLD, DATE, TEXT, QUOTED] = [0, 1, 2, 3, 4];

/** `quotePrefix`: a text that looks like a formula stays one when somebody edits it. */
const STYLES = `${HEAD}<styleSheet xmlns="${MAIN}"><numFmts count="1"><numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd"/></numFmts><fonts count="2"><font><sz val="11"/><name val="Calibri"/></font><font><b/><sz val="11"/><name val="Calibri"/></font></fonts><fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills><borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders><cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs><cellXfs count="5"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/><xf numFmtId="49" fontId="1" fillId="0" borderId="0" xfId="0" applyNumberFormat="1" applyFont="1"/><xf numFmtId="164" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/><xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/><xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1" quotePrefix="1"/></cellXfs><cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>`;

const contentTypes = (sheets: number): string =>
  `${HEAD}<Types xmlns="${PACKAGE}/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="${SHEET_TYPE}.sheet.main+xml"/>${numbers(
    sheets,
  )
    .map(
      (number) => `<Override PartName="/xl/worksheets/sheet${number}.xml" ContentType="${SHEET_TYPE}.worksheet+xml"/>`,
    )
    .join('')}<Override PartName="/xl/styles.xml" ContentType="${SHEET_TYPE}.styles+xml"/></Types>`;

const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);

const relationships = (...targets: readonly (readonly [type: string, target: string])[]): string =>
  `${HEAD}<Relationships xmlns="${PACKAGE}/relationships">${targets
    .map(([type, target], at) => `<Relationship Id="rId${at + 1}" Type="${OFFICE}/${type}" Target="${target}"/>`)
    .join('')}</Relationships>`;

const workbookXml = (sheets: readonly Sheet[]): string =>
  `${HEAD}<workbook xmlns="${MAIN}" xmlns:r="${OFFICE}"><sheets>${sheets
    .map(({ name }, index) => `<sheet name="${escaped(name)}" sheetId="${index + 1}" r:id="rId${index + 1}"/>`)
    .join('')}</sheets></workbook>`;

/** A column of a workbook, with what it means. */
export interface NotedColumn {
  name: string;
  note: string;
}

/** One table of a workbook. */
export interface Sheet {
  /** At most 31 characters, none of them one of []:*?/\\ or a quotation mark. */
  name: string;
  columns: readonly string[];
  /** Rows, some at a time. Read once, when the sheets before have been. */
  pages: AsyncIterable<readonly (readonly Cell[])[]> | Iterable<readonly (readonly Cell[])[]>;
}

/**
 * A table as an XLSX workbook, as fast as it is read: the table with its head in view, and a second sheet that says what its columns mean.
 * @param pages rows, some at a time.
 * @param day the date in every entry's header, UTC: the same table and day give the same bytes.
 */
export const xlsxOf = (
  columns: readonly NotedColumn[],
  pages: AsyncIterable<readonly (readonly Cell[])[]>,
  day: Date,
): Readable =>
  xlsxOfSheets(
    [
      { name: 'Table', columns: columns.map(({ name }) => name), pages },
      { name: 'Notes', columns: ['Column', 'Meaning'], pages: [columns.map(({ name, note }) => [name, note])] },
    ],
    day,
  );

/**
 * Tables as an XLSX workbook, as fast as they are read, each with its head in view. Texts are texts, also those that look like formulas. A cell that no spreadsheet can
 * hold says so in its place (see `isTooLong`), and so does a sheet whose rows are more than it holds. A fault of the rows destroys the result.
 * @param day the date in every entry's header, UTC: the same tables and day give the same bytes.
 */
export function xlsxOfSheets(sheets: readonly Sheet[], day: Date): Readable {
  const text = (path: string, content: string): ZipInput => ({ path, content: [Buffer.from(content, 'utf8')] });
  return zipOf(
    [
      text('[Content_Types].xml', contentTypes(sheets.length)),
      text('_rels/.rels', relationships(['officeDocument', 'xl/workbook.xml'])),
      text('xl/workbook.xml', workbookXml(sheets)),
      text(
        'xl/_rels/workbook.xml.rels',
        relationships(...sheets.map((_, index) => ['worksheet', `worksheets/sheet${index + 1}.xml`] as const), [
          'styles',
          'styles.xml',
        ]),
      ),
      text('xl/styles.xml', STYLES),
      ...sheets.map((sheet, index) => ({
        path: `xl/worksheets/sheet${index + 1}.xml`,
        content: sheetXml(sheet),
        atMost: SHEET_BYTES,
      })),
    ],
    day,
    DEFLATE_LEVEL,
  );
}

/** What reads workbooks need not know ZIP64, and no sheet of 4 GiB can be opened. So much less that it has not 4 GiB deflated either, if it should not shrink. */
const SHEET_BYTES = 2 ** 32 - 2 ** 21;

/** zlib's own: a table is small, and sent to somebody. */
const DEFLATE_LEVEL = 6;

/** The first row stays in view. */
const sheetHead = (columns: number): string =>
  `${HEAD}<worksheet xmlns="${MAIN}"><sheetViews><sheetView workbookViewId="0"><pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews><cols><col min="1" max="${columns}" width="24" customWidth="1"/></cols><sheetData>`;
const SHEET_FOOT = '</sheetData></worksheet>';

/** What Excel holds, the head among them (its «Excel specifications and limits»). */
const SHEET_ROWS = 1_048_576;

async function* sheetXml({ columns, pages }: Sheet): AsyncGenerator<Buffer, void> {
  let number = 1;
  yield Buffer.from(sheetHead(Math.max(1, columns.length)) + rowXml(number, columns, BOLD), 'utf8');
  // What may have the last row: only who knows whether more comes knows whether it has.
  let last: readonly Cell[] | null = null;
  for await (const rows of pages) {
    const waiting: readonly (readonly Cell[])[] = last === null ? rows : [last, ...rows];
    const room = SHEET_ROWS - number;
    last = waiting.length >= room ? (waiting.length === room ? (waiting[room - 1] ?? null) : [FULL]) : null;
    const held = last === null ? waiting : waiting.slice(0, room - 1);
    if (held.length > 0) yield Buffer.from(held.map((row) => rowXml(++number, row)).join(''), 'utf8');
    if (waiting.length > room) break;
  }
  if (last !== null) yield Buffer.from(rowXml(++number, last), 'utf8');
  yield Buffer.from(SHEET_FOOT, 'utf8');
}

const FULL = '[More rows than a sheet holds. A CSV holds them all.]';

const rowXml = (number: number, cells: readonly Cell[], style: number = TEXT): string =>
  `<row r="${number}">${cells.map((cell, column) => cellXml(cell, `${columnName(column)}${number}`, style)).join('')}</row>`;

function cellXml(cell: Cell, at: string, style: number): string {
  if (cell === null || cell === '') return '';
  if (typeof cell === 'boolean') return `<c r="${at}" s="${GENERAL}" t="b"><v>${cell ? 1 : 0}</v></c>`;
  if (typeof cell === 'number') return `<c r="${at}" s="${GENERAL}"><v>${cell}</v></c>`;
  if (cell instanceof Date) {
    const serial = cell.getTime() / DAY + EPOCH_1900;
    // Before that Excel counts a day that never was.
    if (serial >= 61) return `<c r="${at}" s="${DATE}"><v>${serial}</v></c>`;
  }
  const text = cell instanceof Date ? dayOf(cell) : cell;
  const held = text.length > TABLE_LIMITS.cell ? TOO_LONG(text.length) : text;
  const shown = isLikeFormula(held) ? QUOTED : style;
  return `<c r="${at}" s="${shown}" t="inlineStr"><is><t xml:space="preserve">${escaped(held)}</t></is></c>`;
}

const TOO_LONG = (length: number): string => `[${length} characters: too long for a cell. A CSV holds it whole.]`;
/** Whether a cell holds that in place of its text. */
export const isTooLong = (cell: Cell): boolean =>
  typeof cell === 'string' && /^\[\d+ characters: too long for a cell\. A CSV holds it whole\.\]$/.test(cell);

const MARKUP: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };
/** What XML 1.0 cannot hold or a reader would change (carriage returns), and what looks like the escape of it. */
const UNHELD = /(?![\t\n])[\p{Cc}\uFFFE\uFFFF]|_(?=x[0-9A-Fa-f]{4}_)/gu;
const escaped = (text: string): string =>
  text
    .replace(UNHELD, (character) => `_x${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}_`)
    .replace(/[&<>]/g, (character) => MARKUP[character] ?? character);
