import pg from 'pg';
import { pino } from 'pino';
import type { DataSource } from 'typeorm';
import { openDataSource } from '../../src/kernel/db/data-source.js';
import { Database, type Tx, type WriteTx } from '../../src/kernel/db/database.js';
import { newId } from '../../src/kernel/ids.js';
import { servicePrincipal, type Principal } from '../../src/kernel/principal.js';
import { IntervalMemory } from '../../src/records/interval.memory.js';
import { subjectId } from '../../src/records/interval-filter.js';
import { IntervalStore } from '../../src/records/interval.store.js';
import { RecordsStore } from '../../src/records/records.store.js';
import { createTestDatabase, type TestDatabase } from './postgres.js';

/** Days, some of them in the future: what is planned is in effect then. */
export const day = (number: number): Date => new Date(Date.UTC(2026, 0, 1 + number));
export const FAR = new Date(Date.UTC(2200, 0, 1));

/** What somebody decides on. */
export interface Version {
  kind: 'content' | 'end';
  from: Date;
  goodFrom: Date;
  expiresAt: Date | null;
  fails: boolean;
  systemIds: string[];
  subject: string | null;
  about: string[];
}

const AUTHOR = newId();
const APPROVER = newId();

/** An organisation in a database of its own, and the stores of its records alone: no rules, no audit. */
export class RecordHistory {
  readonly organizationId = newId();
  readonly author = AUTHOR;
  readonly principal: Principal = servicePrincipal('test', this.organizationId, 'test');
  /** The one asks the database each time; the other has memory, as the program does. */
  readonly stores = {
    database: new IntervalStore(new IntervalMemory(0)),
    memory: new IntervalStore(new IntervalMemory()),
  };
  readonly records = new RecordsStore();
  private source!: DataSource;
  private database!: Database;
  private own!: TestDatabase;

  async open(): Promise<void> {
    this.own = await createTestDatabase();
    this.source = await openDataSource(this.own.urls.server, { max: 4, statementTimeout: 60_000 });
    this.database = new Database(this.source, pino({ enabled: false }));
    await this.asAdmin(`insert into organization values ($1, 'clinic', '{}', 1, now(), now())`, [this.organizationId]);
  }

  async close(): Promise<void> {
    await this.source.destroy();
    await this.own.drop();
  }

  async asAdmin(statement: string, values: unknown[] = []): Promise<void> {
    const admin = new pg.Client({ connectionString: this.own.urls.admin });
    await admin.connect();
    await admin.query(statement, values);
    await admin.end();
  }

  read<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    return this.database.read(this.principal, work);
  }

  readSnapshot<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    return this.readSnapshotAs(this.principal, work);
  }

  readSnapshotAs<T>(principal: Principal, work: (tx: Tx) => Promise<T>): Promise<T> {
    return this.database.readSnapshot(principal, work);
  }

  write<T>(work: (tx: WriteTx) => Promise<T>): Promise<T> {
    return this.writeAs(this.principal, work);
  }

  writeAs<T>(principal: Principal, work: (tx: WriteTx) => Promise<T>): Promise<T> {
    return this.database.write(principal, (tx) => {
      tx.withoutAudit('a test of the stores alone');
      return work(tx);
    });
  }

  async submit(tx: WriteTx, type: string, recordId: string, number: number, version: Version): Promise<void> {
    const at = new Date();
    if (number === 1) {
      await this.records.insert(tx, {
        organizationId: this.organizationId,
        id: recordId,
        type,
        naturalKey: '',
        revision: 1,
        lastVersion: 1,
        approvedVersion: null,
        openVersion: 1,
        createdAt: at,
        createdBy: 'test',
      });
    } else await this.records.change(tx, recordId, { lastVersion: number, openVersion: number });
    await this.records.insertVersion(tx, {
      organizationId: this.organizationId,
      recordId,
      version: number,
      kind: version.kind,
      state: 'submitted',
      type,
      typeVersion: 'test',
      title: '',
      ownerId: 'test',
      fields: {},
      systemIds: version.systemIds,
      effectiveFrom: version.from,
      expiresAt: version.expiresAt,
      goodFrom: version.goodFrom,
      naturalKey: '',
      subject: version.subject,
      subjectId: version.subject === null ? null : subjectId(type, version.subject),
      outcome: version.fails ? 'failed' : null,
      fails: version.fails,
      about: version.about,
      links: [],
      documents: [],
      reason: null,
      hands: [AUTHOR],
      createdAt: at,
      createdBy: 'test',
      submittedAt: at,
      submittedBy: 'test',
      decidedAt: null,
      decidedBy: null,
      decidedPerson: null,
      disposedAt: null,
    });
  }

  async approve(tx: WriteTx, versions: { recordId: string; version: number }[]): Promise<Date> {
    const known = await this.stores.database.lockDecisions(tx);
    await this.records.approve(tx, versions, { known, by: 'test', person: APPROVER });
    await this.stores.database.approve(tx, known, versions);
    return known;
  }
}
