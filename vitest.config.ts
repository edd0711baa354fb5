import { defineConfig } from 'vitest/config';

/** Tests run over the compiled program (`dist/`), the one that ships: same decorators, same workers, same import paths. */
export default defineConfig({
  test: {
    include: ['dist/**/*.spec.js'],
    exclude: ['node_modules/**'],
    globalSetup: ['dist/test/support/global-setup.js'],
    pool: 'forks',
    // The program is loaded by Node itself, as when it ships: TypeORM and threads import it too, and a class must be one class.
    server: { deps: { external: [/\/dist\/(src|migrations)\/(?!.*\.spec\.js)/] } },
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
