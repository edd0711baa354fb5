import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { NO_RULES } from '../../src/checks/snapshot-rules.js';
import { Draft } from '../../src/scans/formats/draft.js';
import type { CheckResult } from '../../src/scans/report.js';
import { declared } from '../fixtures/reports/load.js';
import { linter } from './linter.js';

/** Three folders above the compiled file. */
const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

const PAGE = read('docs/adding-a-format.md');
const [, EXAMPLE = ''] = /^```ts\n(.*?)^```$/ms.exec(PAGE) ?? [];
const QUOTED = [...PAGE.replace(EXAMPLE, '').matchAll(/`([^`\n]+)`/g)].map(([, quoted = '']) => quoted);
const SOURCES = [
  'src/scans',
  'src/scans/formats',
  'src/scans/text',
  'src/results',
  'src/events',
  'test/fixtures/reports',
]
  .flatMap((folder) => readdirSync(join(ROOT, folder)).map((file) => join(folder, file)))
  .filter((path) => path.endsWith('.ts'));
const PROGRAM = SOURCES.map(read).join('\n');

const draftOf = (rows: CheckResult[]): Draft =>
  new Draft('linter', 'linter', declared('repository/app'), [], () => NO_RULES, {
    observed: () => undefined,
    result: (_, __, result) => rows.push(result),
    fact: () => undefined,
    event: () => undefined,
  });

describe('docs/adding-a-format.md', () => {
  it('is its example what is compiled here, and does it read a report?', () => {
    expect(read('test/docs/linter.ts')).toContain(`\n${EXAMPLE}`);
    const finding = { rule: 'no-latest', file: 'app.yaml', outcome: 'violation' };
    const report = { linterVersion: '1', findings: [finding, { ...finding, outcome: 'odd' }], checks: ['no-latest'] };
    const rows: CheckResult[] = [];
    const draft = draftOf(rows);
    expect(linter.detect(report)).toBe(true);
    linter.read(report, draft);
    expect(rows).toMatchObject([{ check: 'no-latest', status: 'fail', target: { kind: 'repository', name: 'app' } }]);
    expect(draft.finish()).toMatchObject({
      rejects: [{ pointer: '/findings/1/outcome' }],
      coverage: [{ extent: 'partial' }],
    });
  });

  it('does the draft have the members that it names?', () => {
    const members = QUOTED.flatMap((quoted) =>
      [...quoted.matchAll(/\bdraft\.(\w+)/g)].map(([, member = '']) => member),
    );
    expect(members.length).toBeGreaterThan(10);
    expect(members.filter((member) => !(member in draftOf([])))).toEqual([]);
  });

  it('does the program know the names that it mentions?', () => {
    const names = QUOTED.flatMap((quoted) => /^[A-Za-z]\w*$/.exec(quoted)?.[0] ?? []);
    expect(names.length).toBeGreaterThan(40);
    expect(names.filter((name) => !new RegExp(`\\b${name}\\b`).test(PROGRAM))).toEqual([]);
  });

  it('are the files there that it names?', () => {
    const paths = QUOTED.flatMap((quoted) => /^[\w/.-]+\.ts$/.exec(quoted)?.[0] ?? []);
    expect(paths.length).toBeGreaterThan(10);
    const isThere = (path: string): boolean =>
      existsSync(join(ROOT, path)) || existsSync(join(ROOT, 'src/scans/formats', path));
    expect(paths.filter((path) => !isThere(path))).toEqual([]);
  });
});
