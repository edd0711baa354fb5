import pg from 'pg';
import { newId } from '../../src/kernel/ids.js';
import type { Check } from '../../src/verify/steps.js';
import { verifyPackage, type Verdict, type VerifyOptions } from '../../src/verify/verify.js';
import { NOTHING_KNOWN } from '../verify/in-memory.js';
import type { World } from './app.js';

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

/** Tables whose rows are edited in tampering-kept.spec.ts; all others that are compared are in tampering-rows.spec.ts. */
export const KEPT = [
  ...['record', 'record_move', 'record_link', 'record_document', 'import', 'import_row'],
  ...['evidence_request', 'evidence_request_move', 'system_change', 'snapshot'],
  ...['target', 'sighting', 'sighting_loss', 'evidence_export'],
];
