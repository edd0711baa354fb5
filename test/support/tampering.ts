import pg from 'pg';
import { expect } from 'vitest';
import { newId } from '../../src/kernel/ids.js';
import { ReconciliationService } from '../../src/reconciliation/reconciliation.service.js';
import type { Check } from '../../src/verify/steps.js';
import { verifyPackage, type Verdict, type VerifyOptions } from '../../src/verify/verify.js';
import { NOTHING_KNOWN } from '../verify/in-memory.js';
import type { Caller, Clinic, World } from './app.js';
import { programOf } from './log.js';

export interface Edit {
  table: string;
  /** Which rows; true of them before and after. */
  where: string;
  edit: string;
}

/** Somebody with all rights on the database. */
export class Superuser {
  constructor(private readonly admin: pg.Client) {}

  static async of({ database }: World): Promise<Superuser> {
    const admin = new pg.Client({ connectionString: database.urls.admin });
    await admin.connect();
    return new Superuser(admin);
  }

  end(): Promise<void> {
    return this.admin.end();
  }

  /** Nothing that forbids changes stands in the way, neither a trigger nor a key. */
  async unguarded(table: string, ...statements: string[]): Promise<void> {
    const { admin } = this;
    await admin.query('begin');
    try {
      await admin.query('set local session_replication_role = replica');
      await admin.query(`alter table ${table} disable trigger user`);
      for (const statement of statements) await admin.query(statement);
      await admin.query(`alter table ${table} enable trigger user`);
      await admin.query('commit');
    } catch (error) {
      await admin.query('rollback');
      throw error;
    }
  }

  /** Ids of rows. */
  async ids(table: string, where: string): Promise<string[]> {
    const { rows } = await this.admin.query<{ id: string }>(`select id from ${table} where ${where} order by id`);
    return rows.map(({ id }) => id);
  }

  /** Edits rows; what it gives puts them back. */
  async behind({ table, where, edit }: Edit): Promise<() => Promise<void>> {
    const kept = `kept_${newId().replaceAll('-', '')}`;
    await this.admin.query(`create temp table ${kept} as select * from ${table} where ${where}`);
    await this.unguarded(table, edit);
    return () =>
      this.unguarded(table, `delete from ${table} where ${where}`, `insert into ${table} select * from ${kept}`);
  }
}

export const verify = (file: string, kept: Partial<VerifyOptions> = {}): Promise<Verdict> =>
  verifyPackage(file, { ...NOTHING_KNOWN, ...kept });
export const failed = ({ lines }: Verdict): Check[] =>
  lines.filter(({ result }) => result === 'failed').map(({ check }) => check);

/** Edits of rows of one organisation: which, and what. */
export class OwnEdits {
  constructor(private readonly organizationId: string) {}

  update(table: string, where: string, set: string): Edit {
    return this.of(table, where, (own) => `update ${table} set ${set} where ${own}`);
  }

  remove(table: string, where: string): Edit {
    return this.of(table, where, (own) => `delete from ${table} where ${own}`);
  }

  /** A copy of one row that is another in some columns; `where`: true of the copy alone. */
  insert(table: string, where: string, of: string, columns: string): Edit {
    return this.of(
      table,
      where,
      () =>
        `insert into ${table} select (jsonb_populate_record(r, jsonb_build_object(${columns}))).* from ${table} r where organization_id = '${this.organizationId}' and ${of}`,
    );
  }

  private of(table: string, where: string, edit: (own: string) => string): Edit {
    const own = `organization_id = '${this.organizationId}' and ${where}`;
    return { table, where: own, edit: edit(own) };
  }
}

/** An object whose rows were found to be another thing than what they follow from. */
export interface Altered {
  table: string;
  id: string;
  reason: string;
}

/** Comparisons of the rows of one organisation. */
export class Comparisons {
  constructor(
    private readonly world: World,
    private readonly clinic: Clinic,
    private readonly officer: Caller,
    private readonly superuser: Superuser,
  ) {}

  examine(): Promise<void> {
    return this.world.app.get(ReconciliationService, { strict: false }).examine(programOf(this.clinic));
  }

  async listed(): Promise<{ items: Altered[]; lastComparedAt: string | null }> {
    const { body } = await this.officer.get(`${this.clinic.path}/log/altered-rows`).expect(200);
    return body as { items: Altered[]; lastComparedAt: string | null };
  }

  async found(): Promise<Altered[]> {
    return (await this.listed()).items;
  }

  /** All that is found once rows are edited so, which is then put back and found right. */
  async foundAfter(...edits: Edit[]): Promise<Altered[]> {
    const altered = await this.foundMeanwhile(...edits);
    await this.examine();
    expect(await this.found()).toEqual([]);
    return altered;
  }

  /** The same of the one edit after the other, of which the last alone is found right. */
  async foundAfterEach(edits: readonly [what: string, edit: Edit][]): Promise<[what: string, altered: Altered[]][]> {
    const all: [string, Altered[]][] = [];
    for (const [what, edit] of edits) all.push([what, await this.foundMeanwhile(edit)]);
    await this.examine();
    expect(await this.found()).toEqual([]);
    return all;
  }

  private async foundMeanwhile(...edits: Edit[]): Promise<Altered[]> {
    const undo: (() => Promise<void>)[] = [];
    for (const edit of edits) undo.unshift(await this.superuser.behind(edit));
    await this.examine();
    const altered = await this.found();
    for (const one of undo) await one();
    return altered;
  }
}

/** A row of a table: which, by what it is of, edits of it, and a copy of it. */
export type EditedTable = [
  table: string,
  where: () => string,
  edits: string[],
  copy: ((id: string) => [where: string, columns: string]) | null,
];

/** Each edit of a row, that it is deleted, and that a copy of it is put in. */
export function editsOf([table, where, sets, copy]: EditedTable, edits: OwnEdits): [what: string, edit: Edit][] {
  const changed = sets.map((set): [string, Edit] => [`was edited: ${set}`, edits.update(table, where(), set)]);
  const removed: [string, Edit] = ['was deleted', edits.remove(table, where())];
  if (copy === null) return [...changed, removed];
  const [copied, columns] = copy(newId());
  return [...changed, removed, ['was put in', edits.insert(table, copied, where(), columns)]];
}

/** Tables whose rows are edited in tampering-kept.spec.ts. */
export const KEPT = [
  ...['record', 'record_move', 'record_link', 'record_document', 'import', 'import_row'],
  ...['evidence_request', 'evidence_request_move', 'system_change', 'snapshot'],
  ...['target', 'sighting', 'sighting_loss'],
];
/** Those in tampering-custody.spec.ts; all others that are compared are in tampering-rows.spec.ts. */
export const CUSTODY = [
  ...['evidence', 'evidence_export', 'evidence_finding', 'evidence_disposal', 'frozen_posture', 'audit_erasure'],
];
