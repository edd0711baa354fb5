import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CatalogFaults } from './catalog.files.js';
import {
  CATALOG_DIRECTORY,
  checkReleased,
  currentCatalog,
  loadCatalog,
  loadRelease,
  readCatalogFiles,
  releaseCatalog,
  releasedVersions,
} from './load.js';

const LINKS = currentCatalog()
  .checks.filter(({ tool }) => tool !== 'safeguard-checks')
  .reduce((sum, { practices }) => sum + practices.length, 0);
let directory: string;

/** A catalogue as there were some, without checks of its own and record types: they are most of the text. */
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'catalog-'));
  for (const part of ['version.yaml', 'defaults.yaml', 'hipaa', 'practices', 'crosswalks', 'mappings'])
    cpSync(join(CATALOG_DIRECTORY, part), join(directory, part), { recursive: true });
  edit('version.yaml', (text) =>
    text
      .replace(/^ {2}links: \d+/m, `  links: ${LINKS}`)
      .replace(/^ {4}safeguard-checks: .*\n/m, '')
      .replace(/^ {2}record_types: .*\n/m, ''),
  );
  edit('hipaa/controls.yaml', (text) => text.replace(/^ {4}records:\n(?: {6}- .*\n)+/gm, ''));
});
afterEach(() => rmSync(directory, { recursive: true }));

const edit = (path: string, change: (text: string) => string) =>
  writeFileSync(join(directory, path), change(readFileSync(join(directory, path), 'utf8')));

function faultsOf(act: () => unknown): readonly string[] {
  try {
    act();
  } catch (error) {
    if (error instanceof CatalogFaults) return error.faults;
    throw error;
  }
  return [];
}

describe('does an old version stay readable?', () => {
  it('is a released catalogue read back, after the files went on, as it was?', () => {
    const then = loadCatalog(directory);
    expect(releaseCatalog(directory).written).toBe(true);
    edit('version.yaml', (text) => text.replace(`version: ${then.version}`, 'version: 2027.1.1'));
    edit('defaults.yaml', (text) => text.replace('max_age_days: 8', 'max_age_days: 3'));

    const now = currentCatalog(directory);
    const named = loadRelease(then.version, directory);
    expect(named.digest).toBe(then.digest);
    expect(named.controls).toEqual(then.controls);
    expect(named.freshnessOf('rbac-least-privilege').scanner.maxAgeDays).toBe(8);
    expect(now.freshnessOf('rbac-least-privilege').scanner.maxAgeDays).toBe(3);
    expect(releaseCatalog(directory).written).toBe(true);
    expect(releasedVersions(directory)).toEqual([then.version, '2027.1.1']);
  });

  it('is a released version closed, though comments may change?', () => {
    releaseCatalog(directory);
    edit('defaults.yaml', (text) => `# a better comment\n${text}`);
    expect(releaseCatalog(directory).written).toBe(false);
    edit('defaults.yaml', (text) => text.replace('max_age_days: 8', 'max_age_days: 3'));
    const faults = faultsOf(() => checkReleased(loadCatalog(directory), directory));
    expect(faults).toEqual([expect.stringMatching(/^version\.yaml: version: .* was released with other content/)]);
    expect(faultsOf(() => releaseCatalog(directory))).toEqual(faults);
    // And nothing is judged by it.
    expect(currentCatalog(directory).freshnessOf('rbac-least-privilege').scanner.maxAgeDays).toBe(8);
  });

  it('is a version that was never released, or no version at all, refused?', () => {
    expect(() => loadRelease('2020.1.1', directory)).toThrow(RangeError);
    expect(() => loadRelease('../../etc', directory)).toThrow(RangeError);
  });

  it('is a release under a wrong name or in another form refused?', () => {
    const { path } = releaseCatalog(directory);
    cpSync(path, join(directory, 'releases', '2025.1.1.json.gz'));
    expect(faultsOf(() => loadRelease('2025.1.1', directory))[0]).toMatch(/holds version/);
    writeFileSync(path, gzipSync('{ }'));
    expect(faultsOf(() => loadRelease(loadCatalog(directory).version, directory))).not.toEqual([]);
  });
});

describe('is a file that is not plain YAML told with its line?', () => {
  // It is told before anything is put together.
  beforeEach(() => {
    for (const name of readdirSync(join(directory, 'mappings'))) rmSync(join(directory, 'mappings', name));
  });
  it.each([
    ['a key given twice', 'max_age_days: 8', 'max_age_days: 8\n  max_age_days: 9'],
    ['a tag', 'max_age_days: 8', 'max_age_days: !!js/function 8'],
    ['a broken line', 'basis: practice', 'basis: [practice'],
  ])('%s', (_name, from, to) => {
    edit('defaults.yaml', (text) => text.replace(from, to));
    expect(faultsOf(() => readCatalogFiles(directory)).join('\n')).toMatch(/^defaults\.yaml:\d+: /);
  });

  it('an alias', () => {
    edit('defaults.yaml', (text) => text.replace('scanner_evidence:', 'other: &a { b: 1 }\nthird: *a\nscanner_evidence:'));
    expect(faultsOf(() => readCatalogFiles(directory))).not.toEqual([]);
  });

  it('is a missing folder told beside a missing file?', () => {
    rmSync(join(directory, 'practices'), { recursive: true });
    rmSync(join(directory, 'version.yaml'));
    expect(faultsOf(() => readCatalogFiles(directory))).toEqual([
      'version.yaml: the file is missing',
      'practices: the folder is missing',
    ]);
  });
});
