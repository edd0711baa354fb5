import type { Readable } from 'node:stream';
import { z } from 'zod';
import { csvOf } from '../tables/csv.js';
import { joinList } from '../tables/lists.js';
import type { Cell } from '../tables/table.js';
import { XLSX_TYPE, xlsxOf, type NotedColumn } from '../tables/xlsx-write.js';
import { Download, type Layout, type Operation } from './endpoint.js';

/*
 * Lists as tables for spreadsheets. The schema of what is listed has the columns: the members of a row in their order, with what they mean.
 */

export const TABLE_TYPES = ['text/csv', XLSX_TYPE] as const;

export const tableFormat = z.enum(['csv', 'xlsx']);
export type TableFormat = z.infer<typeof tableFormat>;

const asked = tableFormat.optional().meta({
  description:
    'The whole list as a table: CSV (RFC 4180, UTF-8), or an XLSX workbook, which says on its second sheet what each column means. Not with `limit` or `cursor`.',
});

/** Query parameters of everything that is a table where it is asked for. */
export const tableQuery = { table: asked };

/** The answer of an operation that is given as a table too; null: of one that is not. */
function listed({ query, answers }: Operation): z.ZodObject | null {
  const schema = answers[200]?.schema;
  return query?.shape['table'] === asked && schema instanceof z.ZodObject ? schema : null;
}

export const isTabled = (operation: Operation): boolean => listed(operation) !== null;

export interface TableColumn extends NotedColumn {
  path: readonly string[];
}

/** Members of objects are `object.member`. Of a list of objects each member is a column, which lists it of each entry. */
export function columnsOf(operation: Operation): TableColumn[] {
  const answer = listed(operation);
  if (answer === null) return [];
  const items: unknown = answer.shape['items'];
  const { each, beside } = operation.layout ?? {};
  return membersOf(items instanceof z.ZodArray ? bare(items.element) : answer).flatMap(([name, member]) => {
    if (each !== undefined && name !== each && beside?.includes(name) === false) return [];
    const schema = bare(member);
    const row = name === each && schema instanceof z.ZodArray ? schema.element : member;
    return columnsOfMember(row as z.ZodType, [name], noteOf(member), false);
  });
}

/** Of one of several kinds of objects, what any of them has; what is otherwise in each is one column. */
function membersOf(schema: unknown): [string, z.ZodType][] {
  if (schema instanceof z.ZodObject) return Object.entries<z.ZodType>(schema.shape);
  if (!(schema instanceof z.ZodUnion)) return [];
  const kinds = schema.options.map((option) => membersOf(bare(option)));
  if (kinds.some((members) => members.length === 0)) return [];
  return [...Map.groupBy(kinds.flat(), ([name]) => name)].map(([name, members]) => {
    const [[, first] = [name, z.unknown()], ...others] = members;
    return [name, others.every(([, other]) => other === first) ? first : z.unknown().describe(noteOf(first))];
  });
}

function columnsOfMember(member: z.ZodType, path: readonly string[], note: string, isListed: boolean): TableColumn[] {
  const schema = bare(member);
  const inner = (of: unknown, listed: boolean): TableColumn[] =>
    membersOf(of).flatMap(([name, within]) => columnsOfMember(within, [...path, name], noteOf(within) || note, listed));
  const columns =
    schema instanceof z.ZodArray && !isListed ? inner(bare(schema.element), true) : inner(schema, isListed);
  return columns.length > 0 ? columns : [{ name: path.join('.'), note, path }];
}

/** Without what says that it may be absent. */
function bare(schema: unknown): unknown {
  return schema instanceof z.ZodNullable || schema instanceof z.ZodOptional ? bare(schema.unwrap()) : schema;
}

const noteOf = (schema: z.ZodType): string => schema.description ?? '';

/** The rows of one answer. */
export function rowsOf({ layout }: Operation, columns: readonly TableColumn[], answer: object): Cell[][] {
  const items = 'items' in answer && Array.isArray(answer.items) ? (answer.items as object[]) : [answer];
  const rows = layout === undefined ? items : items.flatMap((item) => laidOut(layout, item));
  return rows.map((row) => columns.map(({ path }) => cellOf(memberAt(row, path))));
}

function laidOut({ each }: Layout, item: object): object[] {
  const entries = (item as Record<string, unknown>)[each];
  return Array.isArray(entries) && entries.length > 0
    ? entries.map((entry: unknown) => ({ ...item, [each]: entry }))
    : [{ ...item, [each]: null }];
}

function memberAt(value: unknown, [name, ...rest]: readonly string[]): unknown {
  if (name === undefined || value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map((entry: unknown) => memberAt(entry, [name, ...rest]));
  return memberAt((value as Record<string, unknown>)[name] ?? null, rest);
}

/** A list has a semicolon between its entries where they can be told apart so. All else that is no cell is JSON. */
function cellOf(value: unknown): Cell {
  if (value === undefined || value === null) return null;
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
  if (!Array.isArray(value)) return JSON.stringify(value);
  if (value.every((entry) => entry === null)) return null;
  const isPlain = value.every((entry) => entry !== null && typeof entry !== 'object');
  return isPlain ? joinList(value.map(String)) : JSON.stringify(value);
}

/** As an operation is called in the name of a file: `listSystemPostures` gives system-postures. */
export const tableName = ({ id }: Operation): string =>
  id
    .replace(/^(list|get)/, '')
    .replace(/\B[A-Z]/g, '-$&')
    .toLowerCase();

/** @param day the date of the entries of a workbook: the same table and day give the same bytes. */
export function tableOf(
  name: string,
  format: TableFormat,
  columns: readonly NotedColumn[],
  pages: AsyncIterable<readonly (readonly Cell[])[]>,
  day: Date,
): Download {
  const names = columns.map((column) => column.name);
  const content: Readable = format === 'csv' ? csvOf(names, pages) : xlsxOf(columns, pages, day);
  return new Download(
    200,
    {
      'Content-Type': format === 'csv' ? 'text/csv; charset=utf-8; header=present' : XLSX_TYPE,
      'Content-Disposition': `attachment; filename="${name}.${format}"`,
      'Cache-Control': 'private, no-store',
    },
    content,
  );
}
