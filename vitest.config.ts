import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

// Tests run over the compiled program (`dist/`), the one that ships: same decorators, same workers, same import paths.

/** Specs of functions that keep nothing: files may follow one another in a process, which loads once what they test. */
const PURE = ['dist/src/{catalog,checks,posture}/**/*.spec.js', 'dist/src/scans/{formats,redaction,text}/**/*.spec.js'];

/**
 * Of those who start the whole program, those that may follow one another in a process, which loads it once: each has a database, directories and a server of its own, and
 * the program keeps nothing between them. Not those that move the clock or trust another authority, which is of the process (test/support/time.ts, node:tls).
 */
const FOLLOWING = [
  'dist/test/api/!(anchors|notices|record-documents|records|travel|webhooks).spec.js',
  'dist/test/cli/!(credentials).spec.js',
];

export default defineConfig({
  test: {
    pool: 'forks',
    // A fifth of the time of a file is waiting, for a disk, a heartbeat, a server that is killed and comes back: one more than there are cores.
    maxWorkers: availableParallelism() + 1,
    // The program is loaded by Node itself, as when it ships: TypeORM and threads import it too, and a class must be one class.
    server: { deps: { external: [/\/dist\/(src|migrations)\/(?!.*\.spec\.js)/] } },
    testTimeout: 60_000,
    hookTimeout: 60_000,
    projects: [
      { extends: true, test: { name: 'pure', include: PURE, isolate: false } },
      {
        extends: true,
        test: {
          // Each file has a process, a database and directories of its own.
          name: 'whole',
          include: ['dist/**/*.spec.js'],
          exclude: ['node_modules/**', ...PURE, ...FOLLOWING],
          globalSetup: ['dist/test/support/global-setup.js'],
        },
      },
      {
        extends: true,
        test: {
          name: 'following',
          include: FOLLOWING,
          isolate: false,
          globalSetup: ['dist/test/support/global-setup.js'],
        },
      },
    ],
  },
});
