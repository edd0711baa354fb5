/*
 * Tables as people send them: CSV or one sheet of an XLSX workbook. Both readers give the same: a head, and rows one after another, each with what is wrong with
 * its cells. What is wrong with the whole file is a TableFault.
 */

/**
 * What stands in a cell. A date has no zone in a spreadsheet: its parts in UTC are what the sheet shows. Null: nothing. A CSV has texts alone.
 */
export type Cell = string | number | boolean | Date | null;

export interface Row {
  /** As a spreadsheet counts: the head is 1. */
  number: number;
  /** One for each column. */
  cells: Cell[];
  /** What cannot be read of it. Its cell is null then. */
  faults: CellFault[];
}

export interface CellFault {
  /** From 0; a number that no column has where the row goes on behind the last one. */
  column: number;
  detail: string;
}

export interface Table {
  /** Without white space around them; empty where the head leaves one out. */
  columns: string[];
  /** Rows in which anything stands. Read once. */
  rows: AsyncIterable<Row>;
}

/** Why a file is no table: in words for whoever made it. Nothing of its content is quoted. */
export class TableFault extends Error {
  override name = 'TableFault';
}

const MIB = 1024 * 1024;

export const TABLE_LIMITS = {
  /** Bytes of the file: a hundred thousand rows of three hundred bytes. */
  file: 32 * MIB,
  /** Bytes of all parts of a workbook that are read, unpacked: a full sheet of that size in XML. */
  unpacked: 256 * MIB,
  /** Bytes of its shared texts, unpacked: they are held in memory. */
  shared: 64 * MIB,
  /** Unpacked bytes per byte of a part beyond its first MiB. Sheets of programs reach some 30, deflate 1 032. */
  ratio: 200,
  /** Rows below the head. */
  rows: 100_000,
  /** Of a record type's sixty fields, with the members of objects, and what each record has. */
  columns: 120,
  /** Characters of a cell: what Excel holds. */
  cell: 32_767,
  /** Characters of all cells: twice the file of a CSV. A workbook names a text again and again. */
  text: 64 * MIB,
  /** Characters of a row: twice what a record's fields may hold. */
  row: 512 * 1024,
} as const;

export const DAY = 86_400_000;
/** Days from the 1900 system's day 0 to 1970-01-01. */
export const EPOCH_1900 = 25_569;

/** The name of a column in a spreadsheet, from 0: A … Z, AA … */
export function columnName(column: number): string {
  const letter = String.fromCharCode(65 + (column % 26));
  return column < 26 ? letter : columnName(Math.floor(column / 26) - 1) + letter;
}

/** The head of a table: refuses two columns of one name, and more than there may be. Empty cells at its end are no columns. */
export function headOf(cells: readonly (string | null)[]): string[] {
  const columns = cells.map((cell) => (cell ?? '').normalize('NFC').trim());
  while (columns.at(-1) === '') columns.pop();
  if (columns.length === 0) throw new TableFault('Its first row names no columns.');
  if (columns.length > TABLE_LIMITS.columns) throw new TableFault(`It has more than ${TABLE_LIMITS.columns} columns.`);
  const named = columns.filter((column) => column !== '');
  if (new Set(named).size < named.length) throw new TableFault('Two of its columns have the same name.');
  return columns;
}
