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
