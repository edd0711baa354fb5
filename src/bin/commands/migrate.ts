import { exitCode, Failure } from '../client/failure.js';
import { print } from '../client/terminal.js';
import { plural } from '../client/text.js';

/** Brings the database to the schema of this version, as the role that owns it. */
export async function migrate(): Promise<void> {
  const { ConfigFaults, environment, migrationUrl } = await import('../../config.js');
  const schema = await import('../../kernel/db/migrate.js');
  try {
    const ran = await schema.migrate(migrationUrl(environment()));
    for (const name of ran) print(name);
    print(ran.length === 0 ? 'The schema is up to date.' : `${plural(ran.length, 'migration')} ran.`);
  } catch (error) {
    if (!(error instanceof ConfigFaults)) throw error;
    throw new Failure(exitCode.usage, error.message);
  }
}
