import type { FieldSchema } from '../catalog/record-type.js';
import { dayOf } from '../kernel/dates.js';
import { DAY, type Cell } from '../kernel/tables/table.js';
import { isTooLong } from '../kernel/tables/xlsx-write.js';
import { joinList, splitList } from '../kernel/tables/lists.js';

/** What names people use for what records name by ids. Null: nothing has that name, or more than one. */
export interface Directory {
  member(text: string): string | null;
  system(text: string): string | null;
  /** By its key, or by its id. */
  record(type: string, text: string): string | null;
}

/** The same the other way. What has no name of its own keeps its id. */
export interface Labels {
  member(id: string): string;
  system(id: string): string;
  record(id: string): string;
}

/** A cell that cannot be what its column holds, in words for whoever wrote it. */
export class CellFault extends Error {
  override name = 'CellFault';
}

/** The value of a field as a cell. */
export function cellOf(schema: FieldSchema, value: unknown, labels: Labels): Cell {
  if (value === undefined || value === null) return null;
  if (Array.isArray(value)) return listCell(schema, value as unknown[], labels);
  if (typeof value === 'number' || typeof value === 'boolean') return value;
  if (typeof value === 'string') {
    return schema.format === 'date' && isDay(value) ? new Date(`${value}T00:00:00Z`) : labelled(schema, value, labels);
  }
  return JSON.stringify(value);
}

function listCell(schema: FieldSchema, values: readonly unknown[], labels: Labels): string {
  const { items } = schema;
  if (items === undefined || items.type === 'object') return JSON.stringify(values);
  return joinList(values.map((value) => (typeof value === 'string' ? labelled(items, value, labels) : String(value))));
}

function labelled(schema: FieldSchema, text: string, labels: Labels): string {
  if (schema['x-member'] === true) return labels.member(text);
  if (schema['x-system'] === true) return labels.system(text);
  if (schema['x-record'] !== undefined) return labels.record(text);
  return text;
}

/** What a cell says of a field; undefined where it is empty. Whether the value is one that the field may have says the check of its type. Throws CellFault. */
export function valueOf(schema: FieldSchema, cell: Cell, directory: Directory): unknown {
  if (cell === null) return undefined;
  if (isTooLong(cell)) throw new CellFault('It stands for a text that was too long for a cell: write the text.');
  if (schema.type === 'array') return listValue(schema, textOf(cell), directory);
  if (schema.type === 'object') return json(textOf(cell));
  return scalarValue(schema, cell, directory);
}

function scalarValue(schema: FieldSchema, cell: Exclude<Cell, null>, directory: Directory): unknown {
  switch (schema.type) {
    case 'boolean':
      return booleanValue(cell);
    case 'integer':
    case 'number':
      return numberValue(cell);
    default:
      return textValue(schema, cell, directory);
  }
}

const BOOLEANS: Readonly<Record<string, boolean>> = { true: true, yes: true, false: false, no: false };

function booleanValue(cell: Exclude<Cell, null>): boolean {
  const found = typeof cell === 'boolean' ? cell : BOOLEANS[textOf(cell).trim().toLowerCase()];
  if (found === undefined) throw new CellFault('It is neither true nor false.');
  return found;
}

function numberValue(cell: Exclude<Cell, null>): number {
  if (typeof cell === 'number') return cell;
  const text = textOf(cell).trim();
  if (!/^-?\d{1,15}(\.\d{1,15})?$/.test(text)) throw new CellFault('It is not a number, as 12 or 0.5.');
  return Number(text);
}

function textValue(schema: FieldSchema, cell: Exclude<Cell, null>, directory: Directory): string {
  if (schema.format === 'date') return dayValue(cell);
  if (schema.format === 'date-time') return instantValue(cell);
  const text = textOf(cell);
  // What names something has no white space around it; a text of people's keeps what it has.
  const name = text.trim();
  const found = (id: string | null, what: string): string => {
    if (id === null) throw new CellFault(`There is no ${what} of this name or id, or more than one.`);
    return id;
  };
  if (schema['x-member'] === true) return found(directory.member(name), 'member');
  if (schema['x-system'] === true) return found(directory.system(name), 'system');
  const type = schema['x-record'];
  if (type !== undefined) return found(directory.record(type, name), `record of the type ${type}`);
  return schema.enum !== undefined || schema.format !== undefined ? name : text;
}

function listValue(schema: FieldSchema, text: string, directory: Directory): unknown[] {
  const entries = splitList(text);
  if (entries === null) throw new CellFault('It begins as a list in JSON and is none.');
  const { items } = schema;
  if (items === undefined || items.type === 'object') return entries;
  return entries.map((entry) =>
    typeof entry === 'string' || typeof entry === 'number' || typeof entry === 'boolean'
      ? scalarValue(items, entry, directory)
      : entry,
  );
}

/** A day, as text or as a spreadsheet's date. */
export function dayValue(cell: Exclude<Cell, null>): string {
  if (!(cell instanceof Date)) return textOf(cell).trim();
  if (cell.getTime() % DAY !== 0) throw new CellFault('It is an instant, where a day is meant.');
  return dayOf(cell);
}

/** A spreadsheet's dates have no zone: an instant is written as text. */
export function instantValue(cell: Exclude<Cell, null>): string {
  if (cell instanceof Date)
    throw new CellFault('A date of a spreadsheet has no zone. Write it as text: 2026-11-26T09:00:00+01:00.');
  return textOf(cell).trim();
}

/** A text that was meant as one: a spreadsheet makes a date of «1-2», and nobody can say what it was. */
export function textOf(cell: Exclude<Cell, null>): string {
  if (cell instanceof Date)
    throw new CellFault('It is a date, where text is meant. Format the column as text, and write it again.');
  return typeof cell === 'string' ? cell : String(cell);
}

export const isDay = (text: string): boolean => /^\d{4}-\d{2}-\d{2}$/.test(text);

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new CellFault('It is no JSON.');
  }
}
