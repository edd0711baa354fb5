import { Injectable } from '@nestjs/common';
import type { Tx } from '../kernel/db/database.js';
import { Refusal } from '../kernel/http/problem.js';
import { TABLE_LIMITS, TableFault, type Row, type Table } from '../kernel/tables/table.js';
import { Batch } from '../records/record-batch.js';
import { MAX_WITH_RULES, RecordBulk, type NewVersion, type StandingRecord } from '../records/record-bulk.js';
import type { TypeInForce } from '../records/types/record-types.service.js';
import { CellFault } from './cells.js';
import { columnAt, columnsOf, matched, type RecordColumn } from './columns.js';
import { Directories, keyOf, type People } from './directory.js';
import type { ImportOutcome } from './import.entity.js';
import { registerColumns } from './register.js';
import { splitList } from '../kernel/tables/lists.js';
import { contentDigest, contentOf, readRow, sayingOf, type Content, type Given, type RowFault } from './rows.js';

/** Rows read, checked and written at once. */
const PAGE = 500;
/** Faults that are kept: more than anybody mends before trying again. */
export const MAX_FAULTS = 1_000;

/** What is imported, and by whom: the member, and the person. */
export interface Asked {
  type: string;
  /** Of a risk register: its analysis; else empty. */
  register: string;
  requestedAt: Date;
  id: string;
  person: string;
}

/** What has become of a row. `made`: the version to be written. */
export interface RowResult {
  number: number;
  outcome: ImportOutcome;
  recordId: string | null;
  version: number | null;
  made: NewVersion | null;
}

/** Called with rows in their order, while nothing was wrong so far. */
export type Take = (page: readonly RowResult[]) => Promise<void>;

export interface Examined {
  rows: number;
  counts: Record<ImportOutcome, number>;
  faultCount: number;
  faults: RowFault[];
}

/** Reads a table of records, row by row, and says what each becomes. Writes nothing itself. */
@Injectable()
export class ImportRun {
  constructor(
    private readonly bulk: RecordBulk,
    private readonly directories: Directories,
  ) {}

  async examine(tx: Tx, asked: Asked, table: Table, take: Take): Promise<Examined> {
    const examined: Examined = {
      rows: 0,
      counts: { created: 0, changed: 0, unchanged: 0, draft: 0 },
      faultCount: 0,
      faults: [],
    };
    try {
      const type = await this.bulk.type(tx, asked.type);
      const columns = asked.register === '' ? columnsOf(type.definition) : registerColumns(type.definition);
      const bound = matched(columns, table.columns);
      this.tell(examined, headFaults(table.columns, bound));
      if (examined.faultCount > 0) return examined;
      const run: Run = {
        ...{ tx, type, columns, bound, asked },
        importer: { id: asked.id, from: asked.register === '' ? null : asked.requestedAt },
        head: table.columns,
        people: await this.directories.people(tx),
        batch: new Batch(),
        known: await this.known(tx, type),
        seen: new Map(),
      };
      for await (const page of pagesOf(table.rows)) {
        examined.rows += page.length;
        if (type.hasRules && examined.rows > MAX_WITH_RULES) {
          throw new TableFault(
            `A table of the type ${asked.type} has at most ${MAX_WITH_RULES} rows: send it in parts.`,
          );
        }
        const results = await this.page(run, page, examined);
        if (examined.faultCount === 0) await take(results);
      }
    } catch (error) {
      // Behind it nothing can be read any more.
      if (error instanceof TableFault) this.tell(examined, [{ row: 1, column: null, detail: error.message }]);
      else if (error instanceof Refusal && error.code === 'record-type-refused') {
        this.tell(examined, [{ row: 1, column: null, detail: error.detail }]);
      } else throw error;
    }
    if (examined.rows === 0 && examined.faultCount === 0) {
      this.tell(examined, [{ row: 1, column: null, detail: 'There is no row below the head.' }]);
    }
    return examined;
  }

  private async page(run: Run, rows: readonly Row[], examined: Examined): Promise<RowResult[]> {
    const { tx } = run;
    const directory = await this.directories.directory(tx, run.people, keysIn(run, rows));
    const read = rows.map((row) => {
      const { given, faults } = readRow(run.bound, run.head, row, directory);
      if (run.asked.register !== '') given.fields.push({ path: ['analysis'], value: run.asked.register });
      return { row, given, faults };
    });
    const meant = read.map(({ given }) => knownOf(run, given));
    const standing = new Map(
      (
        await this.bulk.read(
          tx,
          meant.flatMap((id) => id ?? []),
        )
      ).map((one) => [one.record.id, one]),
    );
    const results: RowResult[] = [];
    for (const [index, { row, given, faults }] of read.entries()) {
      if (faults.length > 0) {
        this.tell(examined, faults);
        continue;
      }
      try {
        const id = meant[index] ?? null;
        const result = await this.row(run, row.number, given, id === null ? null : (standing.get(id) ?? null));
        if ('faults' in result) {
          this.tell(
            examined,
            result.faults.map(({ pointer, detail }) => ({
              row: row.number,
              column: columnAt(run.columns, pointer),
              detail,
            })),
          );
        } else {
          examined.counts[result.outcome]++;
          results.push(result);
        }
      } catch (error) {
        if (!(error instanceof RowRefusal || error instanceof CellFault)) throw error;
        const column = error instanceof RowRefusal ? error.column : null;
        this.tell(examined, [{ row: row.number, column, detail: error.message }]);
      }
    }
    return results;
  }

  private async row(
    run: Run,
    number: number,
    given: Given,
    named: StandingRecord | null,
  ): Promise<RowResult | { faults: { pointer: string; detail: string }[] }> {
    const { tx, type, importer, asked } = run;
    const { definition } = type;
    if (given.id !== null && named === null) throw new RowRefusal('id', 'There is no such record of this type.');
    const standing = named ?? (await this.sameSaying(run, given));
    const before = standing?.approved ?? null;
    const content = parsed(type, contentOf(definition, given, before, importer));
    if (given.isDone === true && content.fields['completedOn'] === undefined) {
      throw new RowRefusal('Status', 'The status is made of the days: write in «Done on» when it was done.');
    }
    this.requireOnce(run, number, standing?.record.id ?? sayingKey(definition.key, content));
    if (standing !== null) {
      const { record, open } = standing;
      if (given.version !== null && given.version !== record.approvedVersion) {
        throw new RowRefusal(
          'version',
          `The record has gone on: its version is ${record.approvedVersion ?? 'not approved'}. Export it again.`,
        );
      }
      const digest = contentDigest(definition, content);
      const same = [before, open].find((one) => one !== null && contentDigest(definition, one) === digest) ?? null;
      if (same !== null) {
        return { number, outcome: 'unchanged', recordId: record.id, version: same.version, made: null };
      }
      if (open !== null) {
        throw new RowRefusal('id', `A version of this record is open (${open.state}): finish or abandon it first.`);
      }
      if (before === null) throw new RowRefusal('id', 'The record has ended: begin its next version by itself.');
    }
    const version = (standing?.record.lastVersion ?? 0) + 1;
    const draft = this.bulk.draft({ type: definition.type, ...content }, before, version, asked);
    const { made, faults } = await this.bulk.submit(tx, draft, standing?.record.naturalKey ?? '', run.batch);
    if (faults.length > 0) return { faults };
    if (standing !== null && standing.record.naturalKey === '') this.requireFree(run, number, made.version);
    const isDraft = made.version.state === 'draft';
    return {
      number,
      outcome: isDraft ? 'draft' : standing === null ? 'created' : 'changed',
      recordId: made.version.recordId,
      version,
      made,
    };
  }

  /** Of a type without a key: the record that says the same. */
  private async sameSaying(run: Run, given: Given): Promise<StandingRecord | null> {
    const { definition } = run.type;
    if (definition.key !== null) return null;
    const content = parsed(run.type, contentOf(definition, given, null, run.importer));
    const id = run.known.bySaying.get(sayingOf(content));
    return id === undefined ? null : ((await this.bulk.read(run.tx, [id]))[0] ?? null);
  }

  /** Of a record from before its type had a key: no other has that which it gets. */
  private requireFree(run: Run, number: number, { recordId, naturalKey }: NewVersion['version']): void {
    const { key } = run.type.definition;
    if (naturalKey === '') return;
    if ((run.known.byKey.get(naturalKey) ?? recordId) !== recordId) {
      throw new RowRefusal(key, 'Another record of this type has this key. Go on with that one.');
    }
    this.requireOnce(run, number, withKey(naturalKey));
  }

  private requireOnce(run: Run, number: number, subject: string): void {
    const earlier = run.seen.get(subject);
    if (earlier !== undefined) throw new RowRefusal(null, `Row ${earlier} is of the same record.`);
    run.seen.set(subject, number);
  }

  /** What the organisation has of the type, as far as rows are matched with it. */
  private async known(tx: Tx, { definition }: TypeInForce): Promise<Known> {
    const known: Known = { ids: new Set(), byKey: new Map(), bySaying: new Map() };
    for await (const page of this.bulk.standing(tx, definition.type)) {
      for (const { record, approved, open } of page) {
        known.ids.add(record.id);
        if (record.naturalKey !== '') known.byKey.set(record.naturalKey, record.id);
        if (definition.key !== null) continue;
        for (const version of [approved, open]) {
          if (version !== null) known.bySaying.set(sayingOf(version), record.id);
        }
      }
    }
    return known;
  }

  private tell(examined: Examined, faults: readonly RowFault[]): void {
    examined.faultCount += faults.length;
    examined.faults.push(...faults.slice(0, MAX_FAULTS - examined.faults.length));
  }
}

interface Known {
  ids: Set<string>;
  byKey: Map<string, string>;
  /** Of a type without a key, by what its records say. */
  bySaying: Map<string, string>;
}

interface Run {
  tx: Tx;
  type: TypeInForce & { hasRules: boolean };
  columns: readonly RecordColumn[];
  bound: readonly (RecordColumn | null)[];
  head: readonly string[];
  asked: Asked;
  importer: { id: string; from: Date | null };
  people: People;
  batch: Batch;
  known: Known;
  /** Rows by what they are of: the id of a record, or what tells a new one from others. */
  seen: Map<string, number>;
}

/** A row that cannot be taken, whatever its cells are. */
class RowRefusal extends Error {
  constructor(
    readonly column: string | null,
    detail: string,
  ) {
    super(detail);
  }
}

function headFaults(head: readonly string[], bound: readonly (RecordColumn | null)[]): RowFault[] {
  const faults = head.flatMap((name, index): RowFault[] =>
    name === '' || bound[index] !== null
      ? []
      : [{ row: 1, column: name, detail: 'The type has no such column. GET /exports/records shows them all.' }],
  );
  const named = bound.filter((column) => column !== null);
  if (new Set(named).size < named.length)
    faults.push({ row: 1, column: null, detail: 'Two columns are the same field.' });
  if (!named.some(({ place }) => place.kind === 'field')) {
    faults.push({ row: 1, column: null, detail: 'No column is a field of the type.' });
  }
  return faults;
}

/** The record that a row names, by its id or its key. */
function knownOf({ type, known }: Run, given: Given): string | null {
  if (given.id !== null) return known.ids.has(given.id) ? given.id : null;
  const { key } = type.definition;
  if (key === null) return null;
  const value = given.fields.find(({ path }) => path[0] === key && path.length === 1)?.value;
  return value === undefined ? null : (known.byKey.get(keyText(value)) ?? null);
}

const sayingKey = (key: string | null, content: Content): string =>
  key === null ? `saying ${sayingOf(content)}` : withKey(keyText(content.fields[key]));
const withKey = (key: string): string => `key ${key}`;

/** As a record's natural key is kept; what is no key is refused when the record is checked. */
const keyText = (value: unknown): string => keyOf(typeof value === 'string' ? value : JSON.stringify(value ?? ''));

/** As its type keeps it; what does not fit stays as it is, and is told of when it is checked. */
function parsed({ schema }: TypeInForce, content: Content): Content {
  const fields = schema.safeParse(content.fields);
  return fields.success ? { ...content, fields: fields.data } : content;
}

/** By type, the keys that cells name records by. */
function keysIn({ bound }: Run, rows: readonly Row[]): Map<string, Set<string>> {
  const keys = new Map<string, Set<string>>();
  for (const [index, column] of bound.entries()) {
    if (column?.place.kind !== 'field') continue;
    const { schema } = column.place;
    const type = schema['x-record'] ?? schema.items?.['x-record'];
    if (type === undefined) continue;
    const wanted = keys.get(type) ?? new Set<string>();
    keys.set(type, wanted);
    for (const { cells } of rows) {
      const cell = cells[index];
      if (typeof cell !== 'string' && typeof cell !== 'number') continue;
      const names = schema.type === 'array' ? (splitList(String(cell)) ?? []) : [String(cell)];
      for (const name of names) if (typeof name === 'string') wanted.add(keyOf(name));
    }
  }
  return keys;
}

async function* pagesOf(rows: AsyncIterable<Row>): AsyncGenerator<Row[], void> {
  let page: Row[] = [];
  for await (const row of rows) {
    page.push(row);
    if (page.length < PAGE) continue;
    yield page;
    page = [];
  }
  if (page.length > 0) yield page;
}

export const MAX_IMPORT_BYTES: number = TABLE_LIMITS.file;
