import { pino } from 'pino';
import { beginGeneration } from './audit/anchor/generations.js';
import type { Config } from './config.js';
import { openDataSource } from './kernel/db/data-source.js';
import { Database } from './kernel/db/database.js';
import { assertFit } from './kernel/db/fitness.js';

/** Has the logs of a service go on under new origins, beside whatever server is running on the database. Null where no log asks for it, and the operator does not. */
export async function beginNewLogs(
  { databaseUrl }: Pick<Config, 'databaseUrl'>,
  { restored = false } = {},
): ReturnType<typeof beginGeneration> {
  const source = await openDataSource(databaseUrl, { max: 2, statementTimeout: 30_000 });
  try {
    await assertFit(source);
    return await beginGeneration(new Database(source, pino({ base: null }, pino.destination(2))), { restored });
  } finally {
    await source.destroy();
  }
}
