import type pg from 'pg';
import type { BenchSystem } from './system.js';

/** Results of one target that are open, and of its history: one percent of them has changed in each of so many scans. */
const OPEN = 10_000;
const CHANGED_PER_SCAN = 100;
const SCANS_OF_OTHERS = 25;

/** Of one of the other systems. */
export const ROWS_OF_OTHER = OPEN + CHANGED_PER_SCAN * SCANS_OF_OTHERS;

/** Systems of one statement: long enough to be fast, short enough to be told of. */
const BATCH = 20;

/** Bytes of a stored result with its share of indexes, other rows and the log of Postgres, rather too many. */
export const BYTES_OF_ROW = 1_500;

/**
 * Fills a store with rows of a system that a real report was posted to, multiplied: all that a scan writes (evidence, scan, targets, coverage, results), with
 * other ids and instants. Columns that this does not name are copied, so that it stays right when tables gain some.
 */
export class Fill {
  private others = 0;

  private constructor(
    private readonly admin: pg.Client,
    private readonly seed: BenchSystem,
    private readonly columns: ReadonlyMap<string, readonly string[]>,
  ) {}

  static async from(admin: pg.Client, seed: BenchSystem): Promise<Fill> {
    const { rows } = await admin.query<{ table: string; columns: string[] }>(
      `select c.relname as table, array_agg(a.attname::text order by a.attnum) as columns
       from pg_class c join pg_attribute a on a.attrelid = c.oid
       where c.oid = any ($1::regclass[]) and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
       group by c.relname`,
      [['system', 'evidence', 'scan', 'target', 'coverage', 'result']],
    );
    return new Fill(admin, seed, new Map(rows.map(({ table, columns }) => [table, columns])));
  }

  /** So many systems more, each with the seed's results and a history of its own. */
  async addSystems(count: number, told: (done: number) => void): Promise<void> {
    for (let done = 0; done < count;) {
      const batch = Math.min(BATCH, count - done);
      const systems = `generate_series(${this.others + 1}, ${this.others + batch}) k`;
      const id = `md5('system ' || k)::uuid`;
      await this.copy('system', systems, { id, name: `r.name || ' ' || k`, retired_at: 'null' }, 'r.id = $1');
      await this.copy('target', systems, { system_id: id });
      const named = { system: id, name: `'system ' || k` };
      await this.addScans(`${systems} cross join generate_series(0, ${SCANS_OF_OTHERS}) j`, named);
      const series = otherSeries('r.series', `'system ' || k`);
      await this.copy('result', systems, { system_id: id, series, ...ofScan(`'system ' || k`, '0') });
      await this.addHistory(`${systems} cross join generate_series(1, ${SCANS_OF_OTHERS}) j`, named, series);
      this.others += batch;
      done += batch;
      told(done);
    }
  }

  /** What a system has besides the target that is to be measured: so many open results of other targets. */
  async addTargets(system: BenchSystem, results: number): Promise<void> {
    const id = `'${system.id}'::uuid`;
    const nodes = `generate_series(1, ${Math.ceil(results / OPEN)}) k`;
    const target = `md5('${system.id} node ' || k)::uuid`;
    const name = `'${system.id} node ' || k`;
    await this.copy('target', nodes, { system_id: id, id: target, kind: `'node'`, name: `'node-' || k` });
    await this.addScans(`${nodes} cross join generate_series(0, 0) j`, { system: id, name }, { target_id: target });
    const series = otherSeries('r.series', name);
    await this.copy(
      'result',
      nodes,
      { system_id: id, target_id: target, series, ...ofScan(name, '0') },
      undefined,
      results,
    );
  }

  /** The past of the target that is measured: so many of its results that have ended. */
  async addPast(system: BenchSystem, results: number): Promise<void> {
    const named = { system: `'${system.id}'::uuid`, name: `'${system.id}'` };
    const scans = `generate_series(1, ${Math.round(results / CHANGED_PER_SCAN)}) j`;
    await this.addScans(scans, named);
    await this.addHistory(scans, named, 'r.series');
  }

  /** That the planner knows them, and nothing of them is left to be done later. */
  async settle(): Promise<void> {
    for (const table of this.columns.keys()) await this.admin.query(`vacuum (analyze) ${table}`);
    await this.admin.query('checkpoint');
  }

  async count(): Promise<number> {
    const { rows } = await this.admin.query<{ count: number }>('select count(*)::int as count from result');
    return rows[0]?.count ?? 0;
  }

  private async addScans(
    each: string,
    { system, name }: { system: string; name: string },
    of: Record<string, string> = {},
  ): Promise<void> {
    const { scan_id: scan, observed_from: observed, known_from: known } = ofScan(name, 'j');
    const evidence = `md5('evidence ' || ${name} || ' ' || j)::uuid`;
    const digest = `sha256(convert_to(${name} || ' ' || j, 'UTF8'))`;
    await this.copy(
      'evidence',
      each,
      {
        id: evidence,
        sha256: digest,
        storage_key: `r.storage_key || '/' || j`,
      },
      `exists (select from scan s where s.system_id = $1 and s.organization_id = r.organization_id and s.evidence_id = r.id)`,
    );
    const instants = { observed_at: observed, known_at: known };
    // None of them said what the reports to come say.
    const own = { id: scan, evidence_id: evidence, received_at: known, rows_digest: digest };
    await this.copy('scan', each, { system_id: system, ...own, ...instants });
    await this.copy('coverage', each, { system_id: system, scan_id: scan, evidence_id: evidence, ...instants, ...of });
  }

  /** In each scan another hundred of the target's series ended, the next of them in each. */
  private async addHistory(
    each: string,
    { system, name }: { system: string; name: string },
    series: string,
  ): Promise<void> {
    const scan = ofScan(name, 'j');
    await this.copy(
      'result',
      each,
      {
        system_id: system,
        series,
        ...scan,
        observed_to: `${scan.observed_from} + interval '30 seconds'`,
        ended_known: `${scan.known_from} + interval '30 seconds'`,
      },
      `r.system_id = $1 and r.number % ${OPEN / CHANGED_PER_SCAN} = j % ${OPEN / CHANGED_PER_SCAN}`,
    );
  }

  private async copy(
    table: string,
    each: string,
    replaced: Record<string, string>,
    where = 'r.system_id = $1',
    limit = Number.MAX_SAFE_INTEGER,
  ): Promise<void> {
    const columns = this.columns.get(table);
    if (columns === undefined) throw new Error(`the store has no table ${table}`);
    const unknown = Object.keys(replaced).find((column) => !columns.includes(column));
    if (unknown !== undefined) throw new Error(`${table} has no column ${unknown}`);
    const from =
      table === 'result'
        ? '(select *, row_number() over (order by series) as number from result where system_id = $1)'
        : table;
    await this.admin.query(
      `insert into ${table} (${columns.join(', ')})
       select ${columns.map((column) => replaced[column] ?? `r.${column}`).join(', ')}
       from ${from} r cross join ${each}
       where ${where}
       limit ${limit}`,
      [this.seed.id],
    );
  }
}

/** The id of a series of another target: as those of the product, it begins with what all of the target have in common (src/results/series.ts). */
const otherSeries = (series: string, of: string): string =>
  `(left(md5(${of}), 8) || right(md5(${series}::text || ${of}), 24))::uuid`;

/** The names and instants of a filled scan: a minute apart, the first of them ten days ago. */
function ofScan(name: string, number: string): { scan_id: string; observed_from: string; known_from: string } {
  const at = `date_trunc('day', now()) - interval '10 days' + ${number} * interval '1 minute'`;
  return { scan_id: `md5('scan ' || ${name} || ' ' || ${number})::uuid`, observed_from: at, known_from: at };
}
