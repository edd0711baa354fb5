import {
  columnName,
  DAY,
  EPOCH_1900,
  headOf,
  TABLE_LIMITS,
  TableFault,
  type Cell,
  type Row,
  type Table,
} from './table.js';
import { XlsxParts } from './xlsx-parts.js';
import { decoded, Texts, workbookOf, type Workbook } from './xlsx-workbook.js';
import type { XmlHandlers } from './xml.js';

/** What Excel has. */
const MAX_ROW = 1_048_576;
/** 9999-12-31. */
const MAX_SERIAL = 2_958_465;
/** From the 1904 system's days to the 1900 system's. */
const DAYS_TO_1904 = 1_462;

/**
 * Reads one sheet of an XLSX workbook (ECMA-376 part 1): its first row with anything in it is the head. Formulas are faults of their rows: their values are what
 * another program has made of them. Throws TableFault, also later from `rows`.
 * @param sheet its name; null: the first that is shown.
 */
export async function readXlsx(file: Buffer, { sheet = null }: { sheet?: string | null } = {}): Promise<Table> {
  try {
    const parts = await XlsxParts.open(file);
    const workbook = await workbookOf(parts, sheet);
    const rows = told(sheetRows(parts, workbook));
    const head = await rows.next();
    if (head.done === true) throw new TableFault('It is empty.');
    const [fault] = head.value.faults;
    if (fault !== undefined)
      throw new TableFault(`The head cannot be read (${columnName(fault.column)}). ${fault.detail}`);
    const columns = headOf(head.value.cells.map((cell) => (cell === null ? null : String(cell))));
    return { columns, rows: rowsOf(columns.length, rows) };
  } catch (error) {
    throw asFault(error);
  }
}

async function* rowsOf(width: number, rows: AsyncGenerator<Row, void>): AsyncGenerator<Row, void> {
  let count = 0;
  let characters = 0;
  for await (const { number, cells, faults } of rows) {
    for (const cell of cells) if (typeof cell === 'string') characters += cell.length;
    if (characters > TABLE_LIMITS.text) throw new TableFault(`It holds more than ${TABLE_LIMITS.text} characters.`);
    if (++count > TABLE_LIMITS.rows) throw new TableFault(`It has more than ${TABLE_LIMITS.rows} rows.`);
    const beyond = cells.findIndex((cell, column) => column >= width && cell !== null);
    yield {
      number,
      cells: Array.from({ length: width }, (_, column) => cells[column] ?? null),
      faults: beyond < 0 ? faults : [...faults, { column: beyond, detail: 'It stands in no column of the head.' }],
    };
  }
}

/** What the libraries say of a file that is none, in our words. */
async function* told(rows: AsyncGenerator<Row, void>): AsyncGenerator<Row, void> {
  try {
    yield* rows;
  } catch (error) {
    throw asFault(error);
  }
}

const asFault = (error: unknown): TableFault =>
  error instanceof TableFault ? error : new TableFault('It does not read as XLSX.', { cause: error });

/** The rows with anything in them, as far as cells may stand. */
async function* sheetRows(parts: XlsxParts, workbook: Workbook): AsyncGenerator<Row, void> {
  const sheet = new SheetReader(workbook);
  for await (const _ of parts.pieces(workbook.sheet, sheet)) yield* sheet.take();
  yield* sheet.take();
}

interface OpenCell {
  column: number;
  type: string;
  isDate: boolean;
  /** Its beginning, as far as one of a constant goes; null: it is none. */
  formula: string | null;
  value: string;
}

/** LibreOffice has no cells that are true or false: it saves those that were as formulas of these two functions, which depend on nothing. */
const CONSTANTS: ReadonlyMap<string, string> = new Map([
  ['TRUE()', '1'],
  ['FALSE()', '0'],
]);
const LONGEST_CONSTANT = 'FALSE()'.length;

/** Makes rows of the elements of a sheet. */
class SheetReader implements XmlHandlers {
  private rows: Row[] = [];
  private row: Row | null = null;
  private lastNumber = 0;
  private lastColumn = -1;
  private characters = 0;
  private cell: OpenCell | null = null;
  private inValue = false;
  private inFormula = false;
  private readonly texts = new Texts();

  constructor(private readonly workbook: Workbook) {}

  /** Those that are complete since the last time. */
  take(): Row[] {
    const { rows } = this;
    this.rows = [];
    return rows;
  }

  open(name: string, attributes: Readonly<Record<string, string>>): void {
    switch (name) {
      case 'row':
        this.beginRow(attributes.r);
        return;
      case 'c':
        this.beginCell(attributes);
        return;
      case 'f':
        this.inFormula = true;
        if (this.cell !== null) this.cell.formula ??= '';
        return;
      case 'v':
        this.inValue = true;
        return;
      default:
        this.texts.open(name);
    }
  }

  close(name: string): void {
    switch (name) {
      case 'row':
        if (this.row !== null && (this.row.faults.length > 0 || this.row.cells.some((cell) => cell !== null)))
          this.rows.push(this.row);
        this.row = null;
        return;
      case 'c':
        this.endCell();
        return;
      case 'f':
        this.inFormula = false;
        return;
      case 'v':
        this.inValue = false;
        return;
      default:
        this.texts.close(name);
    }
  }

  text(text: string): void {
    if (this.cell === null) return;
    if (this.inFormula) {
      const { formula } = this.cell;
      if (formula !== null && formula.length <= LONGEST_CONSTANT) this.cell.formula = formula + text;
      return;
    }
    if (!this.inValue) {
      this.texts.add(text);
      return;
    }
    this.cell.value += text;
    if (this.cell.value.length > TABLE_LIMITS.cell * 7)
      throw new TableFault(`A cell is longer than ${TABLE_LIMITS.cell} characters.`);
  }

  private beginRow(given: string | undefined): void {
    const number = given === undefined ? this.lastNumber + 1 : Number(given);
    if (!Number.isInteger(number) || number <= this.lastNumber || number > MAX_ROW) {
      throw new TableFault('The rows of the sheet are not in their order.');
    }
    this.lastNumber = number;
    this.lastColumn = -1;
    this.characters = 0;
    this.row = { number, cells: [], faults: [] };
  }

  private beginCell({ r: reference, t: type = 'n', s: style = '0' }: Readonly<Record<string, string>>): void {
    const column = reference === undefined ? this.lastColumn + 1 : columnOf(reference);
    if (column <= this.lastColumn) throw new TableFault('The cells of a row are not in their order.');
    this.lastColumn = column;
    const isDate = this.workbook.isDate[Number(style)] ?? false;
    this.cell = { column, type, isDate, formula: null, value: '' };
    this.texts.begin();
  }

  private endCell(): void {
    const { cell, row } = this;
    this.cell = null;
    if (cell === null || row === null) return;
    const value = this.valueOf(cell);
    if (value instanceof CellRefusal) {
      row.faults.push({ column: cell.column, detail: value.detail });
    } else if (value !== null) {
      if (cell.column >= TABLE_LIMITS.columns)
        throw new TableFault(`It has more than ${TABLE_LIMITS.columns} columns.`);
      if (typeof value === 'string') this.characters += value.length;
      if (this.characters > TABLE_LIMITS.row)
        throw new TableFault(`A row is longer than ${TABLE_LIMITS.row} characters.`);
      while (row.cells.length < cell.column) row.cells.push(null);
      row.cells[cell.column] = value;
    }
  }

  private valueOf({ type, value, isDate, formula }: OpenCell): Cell | CellRefusal {
    const isConstant = type === 'b' && formula !== null && CONSTANTS.get(formula) === value;
    if (formula !== null && !isConstant)
      return new CellRefusal('It is a formula. Put its value in its place («Paste special: values»).');
    switch (type) {
      case 's': {
        const text = /^\d+$/.test(value) ? this.workbook.shared[Number(value)] : undefined;
        return text === undefined
          ? new CellRefusal('It names a text that the workbook does not have.')
          : textCell(text);
      }
      case 'inlineStr':
        return textCell(decoded(this.texts.text));
      case 'str':
        return textCell(decoded(value));
      case 'b':
        return value === '1' || value === 'true' ? true : value === '0' || value === 'false' ? false : UNREAD;
      case 'd':
        return isoDate(value);
      case 'n':
        if (value === '') return null;
        return isDate ? this.dateOf(Number(value)) : Number.isFinite(Number(value)) ? Number(value) : UNREAD;
      case 'e':
        return new CellRefusal('It is an error value.');
      default:
        return UNREAD;
    }
  }

  /** Days since 1899-12-31, of which the 60th never was (Excel takes 1900 for a leap year); or since 1904-01-01. */
  private dateOf(serial: number): Date | CellRefusal {
    const day = this.workbook.from1904 ? serial + DAYS_TO_1904 : serial;
    // Below 1 it is a time of day without a day.
    if (!(day >= 1 && day < MAX_SERIAL + 1)) return new CellRefusal('It is no date.');
    const since1970 = (day < 60 ? day + 1 : day) - EPOCH_1900;
    return new Date(Math.round(since1970 * DAY));
  }
}

class CellRefusal {
  constructor(readonly detail: string) {}
}
const UNREAD = new CellRefusal('It cannot be read.');

function textCell(text: string): string | null | CellRefusal {
  if (text.length > TABLE_LIMITS.cell) return new CellRefusal(`It is longer than ${TABLE_LIMITS.cell} characters.`);
  if (!text.isWellFormed() || text.includes('\0')) return new CellRefusal('It holds a character that no text has.');
  return text === '' ? null : text;
}

/** ISO 8601 without a zone, of the strict format. */
function isoDate(value: string): Date | CellRefusal {
  const match = /^(\d{4}-\d{2}-\d{2})(T\d{2}:\d{2}:\d{2}(\.\d+)?)?$/.exec(value);
  const at = match === null ? Number.NaN : Date.parse(match[2] === undefined ? `${value}T00:00:00Z` : `${value}Z`);
  return Number.isNaN(at) ? new CellRefusal('It is no date.') : new Date(at);
}

function columnOf(reference: string): number {
  const letters = /^([A-Z]{1,3})[1-9]\d{0,6}$/.exec(reference)?.[1];
  if (letters === undefined) throw new TableFault('A cell of the sheet has no place.');
  let column = 0;
  for (const letter of letters) column = column * 26 + letter.charCodeAt(0) - 64;
  return column - 1;
}
