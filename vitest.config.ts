import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

// Tests run over the compiled program (`dist/`), the one that ships: same decorators, same workers, same import paths.

/** Specs that move the clock, trust another authority or say what the environment is, which is of the process, or that measure it (test/support/time.ts, node:tls). */
const ALONE = [
  'dist/src/audit/anchor/copies.spec.js',
  'dist/src/results/growth.spec.js',
  'dist/src/scans/parser.spec.js',
  'dist/test/agent/scanners.spec.js',
  'dist/test/api/{anchors,notices,record-documents,records,travel,webhooks}.spec.js',
  'dist/test/cli/credentials.spec.js',
  'dist/test/journeys/clinic-year.spec.js',
];

/** Specs on a Postgres. Each has a database, directories and a server of its own, and the program keeps nothing between them. */
const DATABASE = [
  'dist/src/audit/anchor/anchor.spec.js',
  'dist/src/audit/anchor/anchor-{guard,rows}.spec.js',
  'dist/src/events/events.spec.js',
  'dist/src/kernel/{queue,db/database,db/copy-rows}.spec.js',
  'dist/src/organizations/register.memory.spec.js',
  'dist/src/posture/timeline.memory.spec.js',
  'dist/src/records/interval{,.memory}.spec.js',
  'dist/src/results/*.spec.js',
  'dist/test/{api,cli,journeys}/**/*.spec.js',
  'dist/test/agent/product.spec.js',
  'dist/test/development/test-database.spec.js',
  'dist/test/rules/{citus,clock,migrated-*,migrations,operations,record-types,tenant-tables}.spec.js',
  'dist/test/samples/ingest.spec.js',
];

export default defineConfig({
  test: {
    pool: 'forks',
    // A fifth of the time of a file is waiting, for a disk, a heartbeat, a server that is killed and comes back: one more than there are cores.
    maxWorkers: availableParallelism() + 1,
    // There are more processes than cores: threads that share the work of a collection among them would only change places.
    execArgv: ['--single-threaded-gc'],
    // The program is loaded by Node itself, as when it ships: TypeORM and threads import it too, and a class must be one class.
    server: { deps: { external: [/\/dist\/(src|migrations)\/(?!.*\.spec\.js)/] } },
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // By their names one after the other, so that the shortest files come last. Where files may follow one another in a process, it loads once what they test.
    projects: [
      {
        extends: true,
        test: {
          name: 'alone',
          include: ALONE,
          globalSetup: ['dist/test/support/global-setup.js'],
        },
      },
      {
        extends: true,
        test: {
          name: 'database',
          include: DATABASE,
          exclude: ALONE,
          isolate: false,
          globalSetup: ['dist/test/support/global-setup.js'],
        },
      },
      {
        extends: true,
        test: {
          name: 'pure',
          include: ['dist/{src,test}/**/*.spec.js'],
          exclude: [...ALONE, ...DATABASE],
          isolate: false,
        },
      },
    ],
  },
});
