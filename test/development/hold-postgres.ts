import { startPostgres } from '../../src/development/postgres.js';

/** A program of its own for the tests that kill one: starts Postgres on the directory given, says so in one line, and stays. */
const [dataDirectory = ''] = process.argv.slice(2);
try {
  const server = await startPostgres({ dataDirectory, durable: false });
  console.log(JSON.stringify({ pid: server.pid, url: server.url('safeguard', 'server') }));
} catch (error) {
  console.log(JSON.stringify({ error: String(error) }));
  process.exitCode = 1;
}
