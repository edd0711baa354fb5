import { Injectable } from '@nestjs/common';
import type { TypeDefinition } from '../catalog/record-type.js';
import { Clock } from '../kernel/clock.js';
import { dayOf } from '../kernel/dates.js';
import { Database } from '../kernel/db/database.js';
import type { Download } from '../kernel/http/endpoint.js';
import { instantOf, type Instant } from '../kernel/http/instant.js';
import { Refusal } from '../kernel/http/problem.js';
import { tableOf, type TableFormat } from '../kernel/http/table.js';
import type { Principal } from '../kernel/principal.js';
import { DAY, type Cell } from '../kernel/tables/table.js';
import type { EffectiveRecord } from '../records/effective.js';
import { RecordBulk } from '../records/record-bulk.js';
import { RecordsService } from '../records/records.service.js';
import { referencesOf } from '../records/references.js';
import { analysisOf } from '../risks/fields.js';
import { cellOf, type Labels } from './cells.js';
import { columnsOf, type RecordColumn } from './columns.js';
import { Directories, type People } from './directory.js';
import { joinList } from '../kernel/tables/lists.js';
import { registerCell, registerColumns } from './register.js';
import { ownLinks } from './rows.js';

/** Records read at once, in a transaction of their own: what was known at an instant never changes, so all pages show one state. */
const PAGE = 500;

export type Exported = Omit<EffectiveRecord, 'documents'>;

interface AskedTable {
  format: TableFormat;
  asOf?: string | undefined;
  knownAt?: string | undefined;
}

/** Tables of records in effect, as `importRecords` takes them. */
@Injectable()
export class RecordExport {
  constructor(
    private readonly database: Database,
    private readonly records: RecordsService,
    private readonly bulk: RecordBulk,
    private readonly directories: Directories,
    private readonly clock: Clock,
  ) {}

  async export(principal: Principal, asked: AskedTable & { type: string }): Promise<Download> {
    const { definition, people } = await this.database.read(principal, async (tx) => ({
      definition: (await this.bulk.type(tx, asked.type)).definition,
      people: await this.directories.people(tx),
    }));
    const instant = await this.instantOf(principal, asked);
    const columns = columnsOf(definition);
    const rowOf = (record: Exported, labels: Labels): Cell[] => cellsOf(definition, columns, record, labels);
    const pages = this.pages(principal, definition, people, instant, rowOf);
    return written(asked.type.replaceAll('/', '-'), asked.format, columns, pages, instant);
  }

  /** The risks of an analysis, as registers have them. */
  async exportRegister(principal: Principal, analysisId: string, asked: AskedTable): Promise<Download> {
    const { definition, people, matrix } = await this.database.read(principal, async (tx) => {
      const [analysis] = await this.bulk.read(tx, [analysisId]);
      if (analysis?.record.type !== 'risk_analysis') throw new Refusal('not-found', 'There is no such risk analysis.');
      const fields = (analysis.approved ?? analysis.open)?.fields ?? {};
      return {
        definition: (await this.bulk.type(tx, 'risk')).definition,
        people: await this.directories.people(tx),
        matrix: analysisOf({ type: 'risk_analysis', fields })?.matrix,
      };
    });
    const instant = await this.instantOf(principal, asked);
    const columns = registerColumns(definition);
    const rowOf = (record: Exported, labels: Labels): Cell[] | null =>
      record.fields['analysis'] === analysisId
        ? columns.map(({ place }) =>
            place.kind === 'field'
              ? fieldCell(place, record, labels)
              : registerCell(place.kind, record, matrix, instant.asOf),
          )
        : null;
    const pages = this.pages(principal, definition, people, instant, rowOf);
    return written('risk-register', asked.format, columns, pages, instant);
  }

  private async instantOf(principal: Principal, asked: AskedTable): Promise<Instant> {
    const now = this.clock.now();
    const instant = instantOf(asked, now);
    if (instant.knownAt > now) {
      throw new Refusal('invalid-request', 'The instant lies in the future.', { pointer: 'query/knownAt' });
    }
    // By itself: a snapshot taken before the wait would not see what was waited for.
    await this.database.read(principal, (tx) => this.records.awaitDecisions(tx, instant.knownAt));
    return instant;
  }

  private async *pages(
    principal: Principal,
    definition: TypeDefinition,
    people: People,
    instant: Instant,
    rowOf: (record: Exported, labels: Labels) => Cell[] | null,
  ): AsyncGenerator<Cell[][], void> {
    for (let after: string | null = null; ;) {
      const { read, rows }: { read: Exported[]; rows: Cell[][] } = await this.database.read(principal, async (tx) => {
        const page = await this.bulk.effective(tx, definition.type, instant, { after, limit: PAGE });
        const kept = page.filter(({ disposed }) => !disposed);
        const named = kept.flatMap(({ fields }) =>
          referencesOf(definition.fields, fields).flatMap(({ kind, target }) => (kind === 'record' ? [target] : [])),
        );
        const labels = await this.directories.labels(tx, people, [...new Set(named)]);
        return {
          read: page,
          rows: kept.flatMap((record) => {
            const row = rowOf(record, labels);
            return row === null ? [] : [row];
          }),
        };
      });
      yield rows;
      if (read.length < PAGE) return;
      after = read.at(-1)?.id ?? null;
    }
  }
}

const written = (
  name: string,
  format: TableFormat,
  columns: readonly RecordColumn[],
  pages: AsyncIterable<Cell[][]>,
  { asOf }: Instant,
): Download => tableOf(`${name}-${dayOf(asOf)}`, format, columns, pages, asOf);

/** A record as a row of these columns. */
export const cellsOf = (
  definition: TypeDefinition,
  columns: readonly RecordColumn[],
  record: Exported,
  labels: Labels,
): Cell[] =>
  columns.map(({ place }) =>
    place.kind === 'field' ? fieldCell(place, record, labels) : ownCell(place.kind, definition, record, labels),
  );

function fieldCell(
  { path: [field, member], schema }: Extract<RecordColumn['place'], { kind: 'field' }>,
  { fields }: Exported,
  labels: Labels,
): Cell {
  const value = fields[field];
  if (member === undefined) return cellOf(schema, value, labels);
  return cellOf(schema, (value as Record<string, unknown> | undefined)?.[member], labels);
}

function ownCell(
  kind: Exclude<RecordColumn['place']['kind'], 'field'>,
  definition: TypeDefinition,
  record: Exported,
  labels: Labels,
): Cell {
  switch (kind) {
    case 'id':
      return record.id;
    case 'version':
      return record.version;
    case 'title':
      return record.title;
    case 'owner':
      return labels.member(record.ownerId);
    case 'systems':
      return record.systemIds.length === 0 ? null : joinList(record.systemIds.map((id) => labels.system(id)));
    case 'effectiveFrom':
      return dayOrInstant(record.effectiveFrom);
    case 'expires':
      return record.expiresAt?.toISOString() ?? null;
    case 'links':
      return linksCell(definition, record);
    case 'level':
    case 'status':
      return null;
  }
}

/** A whole day as a spreadsheet knows it, which has no zones; any other instant as text. */
const dayOrInstant = (at: Date): Cell => (at.getTime() % DAY === 0 ? at : at.toISOString());

function linksCell(definition: TypeDefinition, record: Exported): Cell {
  const links = ownLinks(definition, { ...record, links: [...record.links] });
  if (links.length === 0) return null;
  if (links.some(({ note }) => note !== '')) return JSON.stringify(links);
  return joinList(links.map(({ kind, target }) => `${kind}:${target}`));
}
