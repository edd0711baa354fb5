import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startPostgres, type EmbeddedPostgres } from '../../src/development/postgres.js';
import { openDataSource } from '../../src/kernel/db/data-source.js';
import { assertFit } from '../../src/kernel/db/fitness.js';
import { migrate } from '../../src/kernel/db/migrate.js';
import { DEPLOY } from './files.js';

const PASSWORDS = { owner_password: "own'er", server_password: 'ser"ver' };

/** A server of its own: roles belong to a whole server, and the one that all tests share has them already. */
let server: EmbeddedPostgres;
let directory: string;

const url = (role: keyof typeof PASSWORDS, name: string) => {
  const made = new URL(server.url('safeguard', 'server'));
  made.username = name;
  made.password = encodeURIComponent(PASSWORDS[role]);
  return made.href;
};

async function withClient<T>(connectionString: string, act: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    return await act(client);
  } finally {
    await client.end();
  }
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'safeguard-deploy-'));
  server = await startPostgres({ dataDirectory: directory, durable: false });
  const script = await readFile(join(DEPLOY, 'postgres/roles.sql'), 'utf8');
  const statements = script
    .replace(/^--.*$/gm, '')
    // As psql quotes a variable.
    .replace(/:'(\w+)'/g, (_whole, name: keyof typeof PASSWORDS) => pg.escapeLiteral(PASSWORDS[name]))
    .split(/;\s*\n/)
    .filter((statement) => statement.trim() !== '');
  await withClient(server.url('postgres', 'admin'), async (admin) => {
    await admin.query('drop database safeguard');
    await admin.query('drop role safeguard_server, safeguard_app, safeguard_owner');
    for (const statement of statements) await admin.query(statement);
  });
  await migrate(url('owner_password', 'safeguard_owner'));
});

afterAll(async () => {
  await server.stop();
  await rm(directory, { recursive: true, force: true });
});

describe('deploy/postgres/roles.sql', () => {
  it('makes roles on which the schema can be made and the server agrees to run?', async () => {
    const source = await openDataSource(url('server_password', 'safeguard_server'), { max: 2, statementTimeout: 0 });
    try {
      await expect(assertFit(source)).resolves.toBeUndefined();
    } finally {
      await source.destroy();
    }
  });

  it('leaves the owner’s login unfit for the server?', async () => {
    const source = await openDataSource(url('owner_password', 'safeguard_owner'), { max: 2, statementTimeout: 0 });
    try {
      await expect(assertFit(source)).rejects.toThrow('member of safeguard_app');
    } finally {
      await source.destroy();
    }
  });

  it('gives the server no way to change the schema, and nobody else a way in?', async () => {
    await withClient(url('server_password', 'safeguard_server'), async (client) => {
      await expect(client.query('create table mine (id int)')).rejects.toThrow('permission denied for schema public');
      await expect(client.query('create schema mine')).rejects.toThrow('permission denied for database');
      await client.query('create temporary table staged (id int)');
    });
    await withClient(server.url('safeguard', 'admin'), async (admin) => {
      const { rows } = await admin.query<{ open: boolean }>(
        `select exists (select from pg_database d, aclexplode(d.datacl) a where d.datname = 'safeguard' and a.grantee = 0) as open`,
      );
      expect(rows).toEqual([{ open: false }]);
    });
  });

  it('makes the same kind of database as development and the tests have?', async () => {
    const kind = `select pg_encoding_to_char(encoding) as encoding, datlocprovider, datlocale, datcollate
                  from pg_database where datname = current_database()`;
    const made = await withClient(url('server_password', 'safeguard_server'), (client) => client.query(kind));
    const embedded = await withClient(server.url('postgres', 'admin'), (client) => client.query(kind));
    expect(made.rows).toEqual(embedded.rows);
  });
});
