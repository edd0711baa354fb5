import { mkdtemp, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import type { ProvidedContext } from 'vitest';
import type { TestProject } from 'vitest/node';
import { startPostgres } from '../../src/development/postgres.js';
import { createDatabase } from '../../src/development/roles.js';
import { migrate } from '../../src/kernel/db/migrate.js';
import { TEMPLATE, type TestServer } from './postgres.js';

declare module 'vitest' {
  export interface ProvidedContext {
    postgres: TestServer;
  }
}

/** One Postgres per run, of all projects that need one, thrown away after it, with a migrated template from which every test file copies its own database. */
export default async function setup({ vitest }: TestProject): Promise<() => Promise<void>> {
  const root = vitest.getRootProject();
  if ((root.getProvidedContext() as Partial<ProvidedContext>).postgres !== undefined) return () => Promise.resolve();
  const directory = await mkdtemp(join(await roomForFiles(), 'safeguard-test-'));
  const server = await startPostgres({ dataDirectory: directory, durable: false });
  const teardown = async () => {
    await server.stop();
    await rm(directory, { recursive: true, force: true });
  };
  try {
    const adminUrl = server.url('postgres', 'admin');
    const admin = new pg.Client({ connectionString: adminUrl });
    await admin.connect();
    try {
      await createDatabase(admin, TEMPLATE);
      await migrate(server.url(TEMPLATE, 'owner'));
      // A template with an open connection cannot be copied: from here on none can be opened.
      await admin.query(`alter database ${TEMPLATE} with allow_connections false is_template true`);
    } finally {
      await admin.end();
    }
    root.provide('postgres', {
      admin: adminUrl,
      owner: server.url('postgres', 'owner'),
      server: server.url('postgres', 'server'),
    });
  } catch (error) {
    await teardown();
    throw error;
  }
  return teardown;
}

/** Where the databases of a run have room several times over. */
const ROOM = 3 * 2 ** 30;

/** In memory, where there is room: a database is a thousand files, and file systems of disks take long to make as many anew as have just been removed. */
async function roomForFiles(): Promise<string> {
  const memory = '/dev/shm';
  const { bavail, bsize } = await statfs(memory).catch(() => ({ bavail: 0, bsize: 0 }));
  return Math.min(bavail * bsize, process.availableMemory()) >= ROOM ? memory : tmpdir();
}
