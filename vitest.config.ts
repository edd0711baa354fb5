import { defineConfig } from 'vitest/config';

/** Tests run over the compiled program (`dist/`), the one that ships: same decorators, same workers, same import paths. */
export default defineConfig({
  test: {
    include: ['dist/**/*.spec.js'],
    exclude: ['node_modules/**'],
    globalSetup: ['dist/test/support/global-setup.js'],
    pool: 'forks',
    // Left to itself vitest keeps a core free, which of two is half of them. Each file has a process, a database and directories of its own.
    maxWorkers: '100%',
    // The program is loaded by Node itself, as when it ships: TypeORM and threads import it too, and a class must be one class.
    server: { deps: { external: [/\/dist\/(src|migrations)\/(?!.*\.spec\.js)/] } },
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
