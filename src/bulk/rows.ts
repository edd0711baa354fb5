import { hash } from 'node:crypto';
import type { TypeDefinition } from '../catalog/record-type.js';
import { canonicalJson, type JsonValue } from '../kernel/crypto/canonical-json.js';
import { instant } from '../kernel/http/instant.js';
import { columnName, type Cell, type Row } from '../kernel/tables/table.js';
import { nameText } from '../organizations/text.schema.js';
import { LINK_KINDS, type RecordLink } from '../records/effective.js';
import { instantOfField } from '../records/instants.js';
import type { NewRecord } from '../records/record-life.js';
import { referencesOf } from '../records/references.js';
import { CellFault, dayValue, instantValue, isDay, textOf, valueOf, type Directory } from './cells.js';
import type { ColumnPlace, RecordColumn } from './columns.js';
import { splitList } from '../kernel/tables/lists.js';

/** What cannot be taken of a table. */
export interface RowFault {
  /** As a spreadsheet counts; 1 is the head. */
  row: number;
  /** The name of the column; null: of the row as a whole. */
  column: string | null;
  detail: string;
}

/** What a row says. A member that its table has no column for is not there; null where the cell is empty. */
export interface Given {
  id: string | null;
  version: number | null;
  title?: string | null;
  ownerId?: string | null;
  systemIds?: string[];
  effectiveFrom?: Date | null;
  links?: RecordLink[];
  /** Of a risk register, whose status is made of other columns. */
  isDone?: boolean;
  fields: { path: Extract<ColumnPlace, { kind: 'field' }>['path']; value: unknown }[];
}

/** `columns`: what the cells are, in their order; null: of no column. */
export function readRow(
  columns: readonly (RecordColumn | null)[],
  head: readonly string[],
  { number, cells, faults: unread }: Row,
  directory: Directory,
): { given: Given; faults: RowFault[] } {
  const faults: RowFault[] = unread.map(({ column, detail }) => ({
    row: number,
    column: head[column] ?? columnName(column),
    detail,
  }));
  const given: Given = { id: null, version: null, fields: [] };
  for (const [index, column] of columns.entries()) {
    const cell = cells[index] ?? null;
    try {
      if (column === null) {
        if (cell !== null) throw new CellFault('It stands in a column without a name.');
      } else if (!unread.some((fault) => fault.column === index)) {
        take(given, column.place, cell, directory);
      }
    } catch (error) {
      if (!(error instanceof CellFault)) throw error;
      faults.push({ row: number, column: column?.name ?? columnName(index), detail: error.message });
    }
  }
  return { given, faults };
}

function take(given: Given, place: ColumnPlace, cell: Cell, directory: Directory): void {
  switch (place.kind) {
    case 'field':
      given.fields.push({ path: place.path, value: valueOf(place.schema, cell, directory) });
      return;
    case 'id':
      given.id = cell === null ? null : idOf(cell);
      return;
    case 'version':
      given.version = cell === null ? null : versionOf(cell);
      return;
    case 'title':
      given.title = cell === null ? null : titleOf(textOf(cell));
      return;
    case 'owner':
      given.ownerId = cell === null ? null : found(directory.member(textOf(cell).trim()), 'member');
      return;
    case 'systems':
      given.systemIds = cell === null ? [] : systemsOf(textOf(cell), directory);
      return;
    case 'effectiveFrom':
      given.effectiveFrom = cell === null ? null : effectiveFromOf(cell);
      return;
    case 'links':
      given.links = cell === null ? [] : linksOf(textOf(cell));
      return;
    case 'expires':
    case 'level':
      return;
    case 'status':
      given.isDone = cell !== null && /^(done|closed|completed)$/i.test(textOf(cell).trim());
      return;
  }
}

function idOf(cell: Exclude<Cell, null>): string {
  const id = textOf(cell).trim().toLowerCase();
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id)) throw new CellFault('It is not an id.');
  return id;
}

function versionOf(cell: Exclude<Cell, null>): number {
  const version = typeof cell === 'number' ? cell : Number(textOf(cell));
  if (!Number.isInteger(version) || version < 1) throw new CellFault('It is not the number of a version.');
  return version;
}

function titleOf(text: string): string {
  const title = nameText.safeParse(text);
  if (!title.success) throw new CellFault('A title has 1 to 200 characters and no control characters.');
  return title.data;
}

function found(id: string | null, what: string): string {
  if (id === null) throw new CellFault(`There is no ${what} of this name or id, or more than one.`);
  return id;
}

function systemsOf(text: string, directory: Directory): string[] {
  const names = splitList(text) ?? [];
  const ids = names.map((name) => found(typeof name === 'string' ? directory.system(name) : null, 'system'));
  return [...new Set(ids)].sort();
}

function effectiveFromOf(cell: Exclude<Cell, null>): Date {
  const isWholeDay = cell instanceof Date || isDay(textOf(cell).trim());
  const text = isWholeDay ? `${dayValue(cell)}T00:00:00Z` : instantValue(cell);
  const parsed = instant.safeParse(text);
  if (!parsed.success) throw new CellFault('It is neither a day (2026-11-26) nor an instant with its zone.');
  return new Date(parsed.data);
}

function linksOf(text: string): RecordLink[] {
  const entries = splitList(text);
  if (entries === null) throw new CellFault('It begins as a list in JSON and is none.');
  const links = entries.map((entry): RecordLink => {
    const link: { kind?: unknown; target?: unknown; note?: unknown } | null =
      typeof entry === 'string' ? splitLink(entry) : (entry as object | null);
    const kind = LINK_KINDS.find((known) => known === link?.kind);
    const { target, note = '' } = link ?? {};
    if (
      kind === undefined ||
      typeof target !== 'string' ||
      target === '' ||
      target.length > 500 ||
      typeof note !== 'string' ||
      note.length > 500
    ) {
      throw new CellFault(`A link is kind:target; kinds are ${LINK_KINDS.join(', ')}.`);
    }
    return { kind, target, note };
  });
  if (links.length > 500) throw new CellFault('It has more than 500 links.');
  if (new Set(links.map(({ kind, target }) => `${kind} ${target}`)).size < links.length) {
    throw new CellFault('It names a link twice.');
  }
  return links;
}

function splitLink(text: string): { kind: string; target: string } {
  const at = text.indexOf(':');
  return { kind: text.slice(0, Math.max(0, at)).trim(), target: text.slice(at + 1).trim() };
}

/** For a field that is no instant: its own fault is told of when the record is checked. */
const NO_INSTANT = new Date(0);

/** A version as rows are compared with it. */
export type Content = Pick<NewRecord, 'title' | 'ownerId' | 'systemIds' | 'effectiveFrom' | 'fields' | 'links'>;

/**
 * What a row makes of a record: of what it does not say, what the record said before. Throws CellFault.
 * @param importer who answers for a new record, and from when on it is so, where nothing says it.
 */
export function contentOf(
  definition: TypeDefinition,
  given: Given,
  before: Content | null,
  importer: { id: string; from: Date | null },
): Content {
  const fields = mergedFields(given, before?.fields ?? {});
  const { good_from: dated } = definition;
  const effectiveFrom =
    given.effectiveFrom ??
    before?.effectiveFrom ??
    (dated === null || fields[dated] === undefined ? importer.from : (instantOfField(fields[dated]) ?? NO_INSTANT));
  if (effectiveFrom === null) throw new CellFault('From when on is it so? effectiveFrom is empty.');
  return {
    title: given.title ?? before?.title ?? titleFor(definition, fields),
    ownerId: given.ownerId ?? before?.ownerId ?? importer.id,
    systemIds: given.systemIds ?? before?.systemIds ?? [],
    effectiveFrom,
    fields,
    links: given.links ?? (before === null ? [] : ownLinks(definition, before)),
  };
}

function mergedFields({ fields }: Given, before: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const merged = new Map(Object.entries(before));
  for (const { path, value } of fields) {
    const [field, member] = path;
    const inner = member === undefined ? value : withMember(merged.get(field), member, value);
    if (inner === undefined) merged.delete(field);
    else merged.set(field, inner);
  }
  return Object.fromEntries(merged);
}

/** An object with that member, or without it; undefined where it has no other. */
function withMember(object: unknown, member: string, value: unknown): object | undefined {
  const members = new Map(Object.entries(object ?? {}));
  if (value === undefined) members.delete(member);
  else members.set(member, value);
  return members.size === 0 ? undefined : Object.fromEntries(members);
}

/** Its key, or whom it is for; else what its type is called. */
function titleFor({ key, each, title }: TypeDefinition, fields: Readonly<Record<string, unknown>>): string {
  const named = [key, each].map((field) => (field === null ? undefined : fields[field]));
  const text = named.find((value) => typeof value === 'string' && !/^[0-9a-f-]{36}$/.test(value));
  const parsed = nameText.safeParse(typeof text === 'string' ? `${title}: ${text}`.slice(0, 200) : title);
  return parsed.success ? parsed.data : title;
}

/** Without those that a field has made. */
export function ownLinks(
  { fields: schema }: TypeDefinition,
  { fields, links }: Pick<Content, 'fields' | 'links'>,
): RecordLink[] {
  const made = new Set(referencesOf(schema, fields).map(({ kind, target, field }) => `${kind} ${target} ${field}`));
  return links.filter(({ kind, target, note }) => !made.has(`${kind} ${target} ${note}`));
}

/** Equal for what says the same of the same places from the same instant on. */
export function sayingOf({ fields, systemIds, effectiveFrom }: Content): string {
  const said = { fields, systemIds: [...systemIds].sort(), effectiveFrom: effectiveFrom.toISOString() };
  return hash('sha256', canonicalJson(said as unknown as JsonValue), 'base64');
}

/** Equal for what is the same in all that a table tells. */
export function contentDigest(definition: TypeDefinition, content: Content): string {
  const { title, ownerId } = content;
  const links = ownLinks(definition, content)
    .map(({ kind, target, note }) => `${kind} ${target} ${note}`)
    .sort();
  return hash('sha256', JSON.stringify([sayingOf(content), title, ownerId, links]), 'base64');
}
