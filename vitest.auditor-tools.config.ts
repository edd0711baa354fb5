import { defineConfig } from 'vitest/config';

// `npm run test:auditor-tools`: outside of `npm test`, as it needs tools that others' registries have.
export default defineConfig({
  test: {
    pool: 'forks',
    server: { deps: { external: [/\/dist\/(src|migrations)\//] } },
    include: ['dist/test/auditor-tools/*.suite.js'],
    globalSetup: ['dist/test/support/global-setup.js'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
