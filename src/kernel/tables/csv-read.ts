import { pipeline, type Readable } from 'node:stream';
import { CsvError, parse } from 'csv-parse';
import { unguarded } from './formula.js';
import { headOf, TABLE_LIMITS, TableFault, type Cell, type CellFault, type Row, type Table } from './table.js';

/** What spreadsheets separate cells by: the comma, the semicolon where the comma is a decimal sign, the tabulator. */
const DELIMITERS = [',', ';', '\t'] as const;

/**
 * Reads a CSV (RFC 4180, UTF-8): its first row is the head. Every cell is text, also one that looks like a formula; an apostrophe that disarms one is taken off.
 * Throws TableFault, also later from `rows`.
 */
export async function readCsv(source: AsyncIterable<Uint8Array>): Promise<Table> {
  const text = textOf(source);
  const head = await headText(text);
  const parser = parse({
    delimiter: delimiterOf(head),
    // Rows of another length are the reader's to tell, row by row.
    relax_column_count: true,
    max_record_size: TABLE_LIMITS.row,
  });
  // The parser is destroyed with what ends the pipeline, and whoever reads it is told.
  pipeline(resumed(head, text), parser, () => undefined);
  const records = (parser as Readable)[Symbol.asyncIterator]() as AsyncIterator<string[]>;
  const first = await nextOf(records);
  if (first === null) throw new TableFault('It is empty.');
  const columns = headOf(first);
  return { columns, rows: rowsOf(columns.length, records) };
}

async function* rowsOf(width: number, records: AsyncIterator<string[]>): AsyncGenerator<Row, void> {
  try {
    let count = 0;
    for (let number = 2; ; number++) {
      const record = await nextOf(records);
      if (record === null) return;
      if (record.every((cell) => cell === '')) continue;
      if (++count > TABLE_LIMITS.rows) throw new TableFault(`It has more than ${TABLE_LIMITS.rows} rows.`);
      yield rowOf(number, width, record);
    }
  } finally {
    await records.return?.();
  }
}

function rowOf(number: number, width: number, record: readonly string[]): Row {
  const faults: CellFault[] = [];
  const cells = Array.from({ length: width }, (_, column): Cell => {
    const cell = record[column] ?? '';
    if (cell.length <= TABLE_LIMITS.cell) return cell === '' ? null : unguarded(cell);
    faults.push({ column, detail: `It is longer than ${TABLE_LIMITS.cell} characters.` });
    return null;
  });
  const beyond = record.findIndex((cell, column) => column >= width && cell !== '');
  if (beyond >= 0) faults.push({ column: beyond, detail: 'It stands in no column of the head.' });
  // Cut, or its separators were lost.
  if (record.length < width) faults.push({ column: record.length, detail: 'The row has fewer cells than the head.' });
  return { number, cells, faults };
}

async function nextOf(records: AsyncIterator<string[]>): Promise<string[] | null> {
  try {
    const next = await records.next();
    return next.done === true ? null : next.value;
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    if (error.code === 'CSV_MAX_RECORD_SIZE') {
      throw new TableFault(`A row is longer than ${TABLE_LIMITS.row} characters, or a quotation mark was not closed.`);
    }
    const line = 'lines' in error && typeof error.lines === 'number' ? ` at line ${error.lines}` : '';
    throw new TableFault(
      `It does not read as CSV${line}: a quotation mark within a cell is written twice, and the cell in quotation marks.`,
    );
  }
}

/** Without the byte order mark. */
async function* textOf(source: AsyncIterable<Uint8Array>): AsyncGenerator<string, void> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const decoded = (chunk?: Uint8Array): string => {
    try {
      const text = chunk === undefined ? decoder.decode() : decoder.decode(chunk, { stream: true });
      if (!text.includes('\0')) return text;
    } catch {
      // Told below.
    }
    throw new TableFault('It is no text in UTF-8. Save it as «CSV UTF-8».');
  };
  for await (const chunk of source) yield decoded(chunk);
  yield decoded();
}

/** The text up to the end of its first line at least, unless a row may not be that long. */
async function headText(text: AsyncIterator<string>): Promise<string> {
  let head = '';
  while (!/[\r\n]/.test(head) && head.length < TABLE_LIMITS.row) {
    const next = await text.next();
    if (next.done === true) break;
    head += next.value;
  }
  return head;
}

async function* resumed(head: string, text: AsyncGenerator<string, void>): AsyncGenerator<string, void> {
  yield head;
  yield* text;
}

/** By the first line, outside quotation marks; the comma where there is none. */
function delimiterOf(head: string): string {
  const [line = ''] = head.replaceAll(/"[^"]*"/g, '').split(/[\r\n]/, 1);
  const counts = DELIMITERS.map((delimiter) => line.split(delimiter).length);
  return DELIMITERS[counts.indexOf(Math.max(...counts))] ?? ',';
}
