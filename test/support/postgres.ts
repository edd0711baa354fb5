import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { inject } from 'vitest';
import { createDatabase, type DatabaseRole } from '../../src/development/roles.js';

export const TEMPLATE = 'safeguard_template';

/** A URL per role (to any database of the server: the path is replaced). */
export type TestServer = Record<DatabaseRole, string>;

export interface TestDatabase {
  readonly name: string;
  /** `admin` is the superuser, `owner` what migrations run as, `server` what the product runs as. */
  readonly urls: Readonly<Record<DatabaseRole, string>>;
  /** Ends what is still connected and drops the database. */
  readonly drop: () => Promise<void>;
}

/** A database of one's own with the product's schema and not a row in it. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const server = inject('postgres');
  const name = `test_${randomBytes(8).toString('hex')}`;
  await asAdmin(server, (admin) => createDatabase(admin, name, TEMPLATE));
  return {
    name,
    urls: { admin: into(server.admin, name), owner: into(server.owner, name), server: into(server.server, name) },
    drop: () =>
      asAdmin(server, async (admin) => {
        await admin.query(`drop database if exists ${name} with (force)`);
      }),
  };
}

async function asAdmin(server: TestServer, act: (admin: pg.Client) => Promise<void>): Promise<void> {
  const admin = new pg.Client({ connectionString: server.admin });
  await admin.connect();
  try {
    await act(admin);
  } finally {
    await admin.end();
  }
}

function into(url: string, database: string): string {
  const changed = new URL(url);
  changed.pathname = `/${database}`;
  return changed.href;
}
