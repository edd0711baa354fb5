import pg from 'pg';
import { pino } from 'pino';
import type { DataSource } from 'typeorm';
import { openDataSource } from '../../src/kernel/db/data-source.js';
import { Database, type Tx, type WriteTx } from '../../src/kernel/db/database.js';
import { newId } from '../../src/kernel/ids.js';
import { servicePrincipal } from '../../src/kernel/principal.js';
import type { CopyRows } from '../../src/kernel/db/copy-rows.js';
import { copyResult } from '../../src/results/copy.js';
import { RESULT } from '../../src/results/merge.sql.js';
import { MergeStore } from '../../src/results/merge.store.js';
import { seriesId, targetId } from '../../src/results/series.js';
import type { StagedRows } from '../../src/results/staged.js';
import { createTestDatabase, type TestDatabase } from './postgres.js';
import { rowsOf } from './copy.js';

export type Status = 'pass' | 'fail';

/** What a scan says of one source on one node: what it covered, and the status of each check that it lists. */
export interface Said {
  target: string;
  source: string;
  complete: boolean;
  checks: string[] | null;
  states: Readonly<Record<string, Status>>;
}

export interface PlantedScan {
  observedAt: Date;
  knownAt: Date;
  said: readonly Said[];
}

/** A database of one organisation, in which scans are merged by the product's own stores, at instants of the test's choosing. */
export class History {
  readonly organizationId = newId();
  readonly principal = servicePrincipal('test', this.organizationId, 'test');
  private readonly merges = new MergeStore();
  private readonly evidenceId = newId();

  private constructor(
    readonly testDatabase: TestDatabase,
    readonly admin: pg.Client,
    private readonly source: DataSource,
    private readonly database: Database,
  ) {}

  static async begin(): Promise<History> {
    const testDatabase = await createTestDatabase();
    const source = await openDataSource(testDatabase.urls.server, { max: 4, statementTimeout: 60_000 });
    const admin = new pg.Client({ connectionString: testDatabase.urls.admin });
    await admin.connect();
    const history = new History(testDatabase, admin, source, new Database(source, pino({ enabled: false })));
    const { organizationId, evidenceId } = history;
    const keyId = newId();
    await admin.query(`insert into organization values ($1, 'clinic', '{}', 1, now(), now())`, [organizationId]);
    await admin.query(`insert into data_key values ($1, $2, '2026Q4', 'test', 1, '\\x00', now())`, [
      organizationId,
      keyId,
    ]);
    await admin.query(
      `insert into evidence values ($1, $2, '\\x00', 1, 'application/json', 'agent', 'a', now(), now(), $3, 'k', null, 1, '\\x00')`,
      [organizationId, evidenceId, keyId],
    );
    return history;
  }

  async end(): Promise<void> {
    await this.source.destroy();
    await this.admin.end();
    await this.testDatabase.drop();
  }

  async newSystem(): Promise<string> {
    const id = newId();
    await this.admin.query(
      `insert into system values ($1, $2, $3, 'production', 'stores', '{}', 1, now(), now(), null)`,
      [this.organizationId, id, id],
    );
    return id;
  }

  read<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    return this.database.readSnapshot(this.principal, work);
  }

  /** Gives the scan's id. */
  async post(tx: WriteTx, systemId: string, { observedAt, knownAt, said }: PlantedScan): Promise<string> {
    await this.merges.lockSystem(tx, systemId);
    const scanId = await this.addScan(tx, systemId, knownAt);
    const rows = said.flatMap(({ target, source, states }) =>
      Object.entries(states).map(([check, status]) => ({ target: targetId('node', target), source, check, status })),
    );
    await this.merges.stage(tx, staged(rows), true);
    const coverage = said.map(({ target, source, complete, checks }) => {
      const of = { targetId: targetId('node', target), targetKind: 'node', targetName: target };
      return { ...of, source, complete, checks: complete ? checks : null, silentPass: [] };
    });
    const totals = { result: rows.length, fact: 0 };
    const scan = {
      systemId,
      scanId,
      evidenceId: this.evidenceId,
      observedAt,
      coverage,
      totals,
      replaced: false,
      opened: null,
    };
    await this.merges.merge(tx, scan, [RESULT], knownAt);
    return scanId;
  }

  /** A scan that said what an earlier one said. Null where it could not be taken as such. */
  async repeat(
    tx: WriteTx,
    systemId: string,
    earlierId: string,
    scanned: Omit<PlantedScan, 'said'>,
  ): Promise<string | null> {
    await this.merges.lockSystem(tx, systemId);
    const scanId = await this.addScan(tx, systemId, scanned.knownAt);
    const scan = { systemId, scanId, evidenceId: this.evidenceId, observedAt: scanned.observedAt };
    return (await this.merges.repeat(tx, scan, earlierId, scanned.knownAt)) ? scanId : null;
  }

  /** The id of the scan that was observed last. */
  async lastScan(systemId: string): Promise<string> {
    const { rows } = await this.admin.query<{ id: string }>(
      'select scan_id as id from coverage where system_id = $1 order by observed_at desc limit 1',
      [systemId],
    );
    if (rows[0] === undefined) throw new Error('the system has had no scan');
    return rows[0].id;
  }

  write<T>(work: (tx: WriteTx) => Promise<T>): Promise<T> {
    return this.database.write(this.principal, async (tx) => {
      tx.withoutAudit('a test of the stores alone');
      return work(tx);
    });
  }

  private async addScan(tx: WriteTx, systemId: string, knownAt: Date): Promise<string> {
    const id = newId();
    await tx.execute(
      `insert into scan (organization_id, system_id, id, evidence_id, status, declared, declared_digest, reading_digest, received_at, posted_by, known_at)
       values ($1, $2, $3, $4, 'queued', '{}', $5, '\\x00', $6, 'test', $6)`,
      [this.organizationId, systemId, id, this.evidenceId, Buffer.from(id), knownAt],
    );
    return id;
  }
}

interface Row {
  target: string;
  source: string;
  check: string;
  status: Status;
}

const copyRow = (to: CopyRows, { target, source, check, status }: Row): void =>
  copyResult(to, seriesId(target, source, check, 'pod'), target, {
    source,
    check,
    resource: 'pod',
    namespace: check === 'a' ? 'phi' : null,
    status,
    severity: 'high',
    title: 'title',
    message: '',
  });

async function* staged(rows: readonly Row[]): AsyncGenerator<StagedRows> {
  const bytes = rowsOf(rows, copyRow);
  yield await Promise.resolve({ table: RESULT.staging, columns: RESULT.stagingColumns, bytes });
}
