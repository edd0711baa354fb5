import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const CRUISER = join(ROOT, 'node_modules/dependency-cruiser/bin/dependency-cruiser.mjs');

/** What breaks a rule today, with what would mend it. A line that breaks nothing any more must go: the list only shrinks. */
const knownExceptions = new Set<string>([]);

interface Cruised {
  summary: { violations: { from: string; to: string; rule: { name: string } }[]; totalCruised: number };
}

/** Every violation as `rule: from → to`, packages by their names. */
async function violations(directory: string, folders: string[]): Promise<string[]> {
  const cruised = await promisify(execFile)(
    process.execPath,
    [CRUISER, '--config', join(ROOT, '.dependency-cruiser.cjs'), '--output-type', 'json', ...folders],
    { cwd: directory, maxBuffer: 256 * 1024 * 1024 },
  ).catch((error: unknown) => error as { stdout: string; stderr: string });
  if (!cruised.stdout.startsWith('{')) throw new Error(cruised.stderr);
  const { summary } = JSON.parse(cruised.stdout) as Cruised;
  expect(summary.totalCruised).toBeGreaterThan(5);
  const named = (path: string) => /node_modules\/((@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? path;
  return summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} → ${named(to)}`);
}

describe('does the program keep its import directions?', () => {
  let found: string[];
  beforeAll(async () => {
    found = await violations(ROOT, ['src', 'migrations']);
  });

  it('nothing breaks a rule but what is known to', () => {
    expect(found.filter((violation) => !knownExceptions.has(violation))).toEqual([]);
  });

  it('what is known to break one still does', () => {
    expect([...knownExceptions].filter((known) => !found.includes(known))).toEqual([]);
  });
});

/** A program in small that breaks every rule once. */
const PLANTED: [rule: string, file: string, text: string][] = [
  ['kernel-imports', 'src/kernel/a.ts', `import { b } from '../audit/event.js';\nexport const a = b;`],
  ['audit-imports', 'src/audit/event.ts', `import type { T } from '../scans/report.js';\nexport const b: T = 1;`],
  ['organizations-imports', 'src/organizations/a.ts', `export * from '../auth/a.js';`],
  ['engagements-imports', 'src/engagements/a.ts', `import '../evidence/b.js';`],
  ['auth-imports', 'src/auth/a.ts', `import '../evidence/a.js';`],
  ['evidence-imports', 'src/evidence/a.ts', `import '../catalog/a.js';`],
  ['catalog-imports', 'src/catalog/a.ts', `import '../results/a.js';`],
  ['results-imports', 'src/results/a.ts', `import '../scans/report.js';`],
  ['events-imports', 'src/events/a.ts', `import '../results/a.js';`],
  ['checks-imports', 'src/checks/a.ts', `import '../results/a.js';`],
  ['scans-imports', 'src/scans/report.ts', `import '../posture/a.js';\nexport type T = number;`],
  ['posture-imports', 'src/posture/a.ts', `import '../auth/b.js';`],
  ['custody-imports', 'src/custody/a.ts', `import '../results/a.js';`],
  ['records-imports', 'src/records/a.ts', `import '../results/a.js';`],
  ['agreements-imports', 'src/agreements/a.ts', `import '../results/a.js';`],
  ['keys-imports', 'src/keys/a.ts', `import '../evidence/b.js';`],
  ['recovery-imports', 'src/recovery/a.ts', `import '../evidence/b.js';`],
  ['risks-imports', 'src/risks/a.ts', `import '../evidence/b.js';`],
  ['exceptions-imports', 'src/exceptions/a.ts', `import '../evidence/b.js';`],
  ['analyses-imports', 'src/analyses/a.ts', `import '../auth/b.js';`],
  ['bulk-imports', 'src/bulk/a.ts', `import '../auth/b.js';`],
  ['notices-imports', 'src/notices/a.ts', `import '../evidence/b.js';`],
  ['reconciliation-imports', 'src/reconciliation/a.ts', `import '../evidence/b.js';`],
  ['packages-imports', 'src/packages/a.ts', `import '../auth/b.js';`],
  ['verify-imports', 'src/verify/a.ts', `import '../catalog/b.js';`],
  ['verify-is-offline', 'src/verify/b.ts', `import '../audit/audit.service.js';`],
  [
    'verify-is-offline',
    'src/verify/c.ts',
    `import { Injectable } from '@nestjs/common';\nexport const i = Injectable;`,
  ],
  ['examinations-imports', 'src/examinations/a.ts', `import '../auth/b.js';`],
  ['reference-imports', 'src/reference/a.ts', `import '../catalog/b.js';`],
  ['health-imports', 'src/health/a.ts', `import '../catalog/b.js';`],
  ['bin-imports', 'src/bin/a.ts', `export const a = () => import('../kernel/b.js');`],
  ['bin-imports', 'src/bin/b.ts', `export const a = () => import('../checks/checks.service.js');`],
  ['agent-imports', 'src/agent/a.ts', `import '../kernel/b.js';`],
  ['agent-is-a-client', 'src/agent/b.ts', `import '../bin/program.js';`],
  [
    'kubernetes-client-in-agent',
    'src/bin/d.ts',
    `import { KubeConfig } from '@kubernetes/client-node';\nexport const k = KubeConfig;`,
  ],
  ['room-is-known', 'src/chapel/a.ts', `import '../kernel/b.js';`],
  ['no-cycles', 'src/kernel/c.ts', `import { d } from './d.js';\nexport const c = d;`],
  ['packages-and-portal-are-last', 'src/config.ts', `import './packages/b.js';`],
  [
    'stores-and-entities-stay-in-their-room',
    'src/packages/c.ts',
    `import type { Row } from '../scans/scan.entity.js';\nexport type R = Row;`,
  ],
  [
    'stores-and-entities-stay-in-their-room',
    'src/posture/c.ts',
    `import { store } from '../results/results.store.js';\nexport const s = store;`,
  ],
  ['packages-ask-services', 'src/packages/d.ts', `import '../scans/scans.controller.js';`],
  [
    'typeorm-in-stores',
    'src/scans/scans.service.ts',
    `import type { DataSource } from 'typeorm';\nexport type D = DataSource;`,
  ],
  [
    'typeorm-handed-on',
    'src/kernel/kernel.module.ts',
    `import { DataSource } from 'typeorm';\nexport const d = DataSource;`,
  ],
  ['pg-in-kernel', 'src/scans/scans.worker.ts', `import pg from 'pg';\nexport const client = pg.Client;`],
  ['kernel-in-migrations', 'migrations/1.ts', `import '../src/kernel/b.js';`],
  [
    'development-parts',
    'src/auth/provider.ts',
    `import Provider from 'oidc-provider';\nexport const provider = Provider;`,
  ],
  ['development-from-main', 'src/app.module.ts', `export const load = () => import('./development/a.js');`],
  ['development-when-asked', 'src/main.ts', `import './development/a.js';`],
  ['bin-is-light', 'src/bin/commands/serve.ts', `import '../../kernel/b.js';`],
  ['no-development-dependencies', 'src/scans/a.ts', `import fc from 'fast-check';\nexport const check = fc;`],
  [
    'declared-dependencies',
    'src/scans/b.ts',
    `import express from 'left-over-of-another-package';\nexport const e = express;`,
  ],
  ['no-tests-in-the-program', 'src/scans/c.ts', `import './c.spec.js';`],
];

/** What the planted files import, and what is right and must not be found. */
const HARMLESS: [file: string, text: string][] = [
  // Closes the cycle, which is told of one of its files.
  ['src/kernel/d.ts', `import { c } from './c.js';\nexport const d = c;`],
  ['src/kernel/b.ts', `export const b = 1;`],
  ['src/auth/b.ts', `import '../organizations/organization.service.js';`],
  ['src/organizations/organization.service.ts', `import '../audit/audit.service.js';\nimport '../kernel/b.js';`],
  ['src/audit/audit.service.ts', `import '../kernel/b.js';`],
  ['src/evidence/b.ts', `export const b = 1;`],
  ['src/catalog/b.ts', `export const b = 1;`],
  ['src/checks/definition.ts', `import '../catalog/b.js';`],
  ['src/checks/checks.service.ts', `export const s = 1;`],
  ['src/bin/commands/checks.ts', `export const a = () => import('../../checks/definition.js');`],
  ['src/audit/merkle.ts', `export const m = 1;`],
  ['src/verify/d.ts', `import '../audit/merkle.js';\nimport './e.js';`],
  ['src/verify/e.ts', `export const e = 1;`],
  ['src/bin/commands/verify.ts', `export const a = () => import('../../verify/d.js');`],
  ['src/packages/b.ts', `import '../posture/posture.service.js';\nimport '../scans/b.service.js';`],
  ['src/posture/posture.service.ts', `import '../results/results.service.js';`],
  ['src/results/results.service.ts', `import { store } from './results.store.js';\nexport const s = store;`],
  ['src/results/results.store.ts', `import { In } from 'typeorm';\nexport const store = In;`],
  ['src/scans/b.service.ts', `import '../results/results.service.js';\nimport '../evidence/b.js';`],
  ['src/scans/scan.entity.ts', `import { Entity } from 'typeorm';\nexport type Row = typeof Entity;`],
  ['src/scans/scans.controller.ts', `export const c = 1;`],
  ['src/scans/c.spec.ts', `import '../packages/b.js';\nexport const s = 1;`],
  ['src/bin/program.ts', `export const p = 1;`],
  ['src/development/a.ts', `import Provider from 'oidc-provider';\nexport const p = Provider;`],
];

describe('is a violation caught?', () => {
  let directory: string;
  let found: string[];
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'safeguard-imports-'));
    for (const name of ['node_modules', 'package.json']) await symlink(join(ROOT, name), join(directory, name));
    const files: [string, string][] = [...PLANTED.map(([, file, text]): [string, string] => [file, text]), ...HARMLESS];
    for (const [file, text] of files) {
      await mkdir(dirname(join(directory, file)), { recursive: true });
      await writeFile(join(directory, file), `${text}\n`, { flag: 'wx' });
    }
    found = await violations(directory, ['src', 'migrations']);
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  it.each(PLANTED)('%s: %s', (rule, file) => {
    expect(found.filter((violation) => violation.startsWith(`${rule}: ${file} → `))).not.toEqual([]);
  });

  it.each(HARMLESS)('and %s is not blamed', (file) => {
    expect(found.filter((violation) => violation.includes(`: ${file} → `))).toEqual([]);
  });

  it('each rule is planted against', async () => {
    const config = await readFile(join(ROOT, '.dependency-cruiser.cjs'), 'utf8');
    const names = [...config.matchAll(/^ {6}name: '([a-z-]+)'/gm)].map(([, name]) => name);
    const rooms = [...(/ROOMS = \{([^}]*)\}/.exec(config)?.[1] ?? '').matchAll(/^ {2}([a-z]+):/gm)].map(
      ([, room]) => `${room}-imports`,
    );
    expect(names.length).toBeGreaterThan(10);
    expect(rooms.length).toBeGreaterThan(10);
    const planted = new Set(PLANTED.map(([rule]) => rule));
    // src/development is the developer's own set-up.
    expect([...names, ...rooms].filter((name) => !planted.has(name ?? '') && name !== 'development-imports')).toEqual(
      [],
    );
  });
});

/** Where the process's environment may be read: the server's configuration, the command line's, and the one part that must not even load in production. */
const ENVIRONMENT_READERS = ['src/bin/client/environment.ts', 'src/config.ts', 'src/development/provider.ts'];

describe('is the environment read in one place?', () => {
  const READS = /\bprocess\s*\??\.\s*env\b|\bprocess\s*\[|\benv\b[^;\n]*from 'node:process'/;
  const withoutComments = (text: string) => text.replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');

  it('no other file touches process.env', async () => {
    const files = await readdir(join(ROOT, 'src'), { recursive: true });
    const readers: string[] = [];
    for (const file of files.filter((name) => name.endsWith('.ts') && !name.endsWith('.spec.ts'))) {
      const text = withoutComments(await readFile(join(ROOT, 'src', file), 'utf8'));
      if (READS.test(text)) readers.push(`src/${file}`);
    }
    expect(readers.sort()).toEqual(ENVIRONMENT_READERS);
  });

  it.each([
    'process.env.X',
    "process.env['X']",
    'process?.env',
    "process['env']",
    "import { env } from 'node:process'",
  ])('%s is found', (text) => {
    expect(READS.test(text)).toBe(true);
  });
});
