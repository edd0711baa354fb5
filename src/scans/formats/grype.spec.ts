import { describe, expect, it } from 'vitest';
import { bytesOf, declared, faultOf, fixture, golden } from '../../../test/fixtures/reports/load.js';
import type { Report } from '../report.js';
import { parseReport } from './index.js';

const parse = (document: unknown, ...targets: string[]): Report =>
  parseReport(Buffer.isBuffer(document) ? document : bytesOf(document), { declared: declared(...targets) });

const report = (more: object = {}) => ({
  matches: [],
  source: { type: 'image', target: { userInput: 'app:1', imageID: 'sha256:2' } },
  distro: { name: 'alpine' },
  descriptor: { name: 'grype', version: '0.94.0', configuration: {}, db: {} },
  ...more,
});
const match = (vulnerability: object = {}, artifact: object = {}) => ({
  vulnerability: { id: 'CVE-1', ...vulnerability },
  artifact: { name: 'p', version: '1', ...artifact },
});
const configured = (configuration: object, db: object = {}) =>
  parse(report({ descriptor: { configuration, db } })).coverage[0]?.extent;

describe('Grype', () => {
  it.each([
    ['grype/image.json', []],
    ['grype/directory.json', ['repository/git.example/clinic/portal']],
  ] as const)('does %s give its golden rows?', (name, targets) => {
    const parsed = parse(fixture(name), ...targets);
    expect(parsed).toEqual(golden(name, parsed));
  });

  it('is an image without matches covered, and a report without a list of them no report of it?', () => {
    expect(parse(report())).toMatchObject({ results: [], coverage: [{ extent: 'complete', silentPass: [] }] });
    for (const matches of [null, undefined, {}]) expect(faultOf(bytesOf(report({ matches })))).toBe('unknown-format');
  });

  it('is what was ignored in the scan a warning, and the reason that somebody wrote not kept?', () => {
    const parsed = parse(fixture('grype/image.json'));
    expect(parsed.results.at(-1)).toMatchObject({ check: 'CVE-2026-0005', status: 'warn' });
    expect(JSON.stringify(parsed)).not.toContain('Jane');
  });

  it.each([
    [{}, 'unknown'],
    [{ severity: '' }, 'unknown'],
    [{ severity: 'Unknown' }, 'unknown'],
    [{ severity: 'constructor' }, 'unknown'],
    [{ severity: 'Negligible' }, 'info'],
    [{ severity: 'Critical' }, 'critical'],
  ])('is the severity of %j %s?', (vulnerability, severity) => {
    expect(parse(report({ matches: [match(vulnerability)] })).results).toMatchObject([{ severity, status: 'fail' }]);
  });

  it('is a package named as in the reports of Trivy?', () => {
    const of = (artifact: object) => parse(report({ matches: [match({}, artifact)] })).results[0]?.resource;
    const locations = [{ path: '/app/x.jar' }];
    expect(of({ purl: 'pkg:deb/p@1', type: 'deb', locations })).toBe('pkg:deb/p@1');
    expect(of({ purl: 'pkg:maven/p@1', type: 'java-archive', locations })).toBe('/app/x.jar#pkg:maven/p@1');
    expect(of({ purl: '', locations: null })).toBe('p@1');
  });

  it('does a run that was told to leave something out, or had no valid database, close nothing?', () => {
    expect(configured({ 'only-fixed': false, exclude: [], 'ignore-wontfix': '' })).toBe('complete');
    expect(configured({ 'only-fixed': true })).toBe('partial');
    expect(configured({ 'only-notfixed': true })).toBe('partial');
    expect(configured({ 'ignore-wontfix': 'wont-fix' })).toBe('partial');
    expect(configured({ exclude: ['./vendor/**'] })).toBe('partial');
    expect(configured({}, { error: null, schemaVersion: 5 })).toBe('complete');
    expect(configured({}, { error: 'too old' })).toBe('partial');
    expect(configured({}, { status: { valid: true } })).toBe('complete');
    expect(configured({}, { status: { valid: false } })).toBe('partial');
  });

  it.each([
    ['how it was configured', { db: {} }],
    ['how it was configured, but by a word', { configuration: 'all', db: {} }],
    ['what its database was', { configuration: {} }],
    ['anything', {}],
  ])('does a run that does not tell %s close nothing?', (_what, descriptor) => {
    const { coverage, notes } = parse(report({ descriptor }));
    expect(coverage).toMatchObject([{ extent: 'partial' }]);
    expect(notes.join()).toContain('does not tell what Grype was told to leave out');
  });

  it('does an image of which the packages could not all be matched close nothing?', () => {
    const extent = (more: object, ...targets: string[]) => parse(report(more), ...targets).coverage[0]?.extent;
    for (const distro of [undefined, null, {}, { name: '', version: '', idLike: '' }]) {
      expect(extent({ distro })).toBe('partial');
      expect(extent({ distro, source: { type: 'sbom-file', target: 'a.json' } }, 'image/app:1')).toBe('partial');
      // In a folder there is none.
      expect(extent({ distro, source: { type: 'directory', target: 'portal' } })).toBe('complete');
    }
    expect(parse(report({ distro: null })).notes.join()).toContain('distribution of the image is not known');
    expect(extent({ alertsByPackage: [] })).toBe('complete');
    expect(extent({ alertsByPackage: [{ package: {}, alerts: [{ type: 'distro-disabled' }] }] })).toBe('partial');
    expect(extent({ alertsByPackage: { p: 1 } })).toBe('partial');
  });

  it('is the image named by its digest, and does a declared one have to be it?', () => {
    const bytes = fixture('grype/image.json');
    expect(parse(bytes).coverage[0]?.target.name).toMatch(/^registry.example\/clinic\/portal@sha256:1/);
    expect(faultOf(bytes, declared('image/registry.example/clinic/portal:3.2'))).toBe('');
    expect(faultOf(bytes, declared('image/other:1'))).toBe('target-mismatch');
    expect(faultOf(bytes, declared('repository/x'))).toBe('target-mismatch');
  });

  it('does the poster have to say what a directory or a bill of materials stands for?', () => {
    expect(faultOf(fixture('grype/directory.json'))).toBe('target-unknown');
    for (const source of [null, { type: 'unknown', target: 'unknown' }, { type: 'sbom-file', target: 'a.json' }]) {
      expect(faultOf(bytesOf(report({ source })))).toBe('target-unknown');
      expect(faultOf(bytesOf(report({ source })), declared('image/app:1'))).toBe('');
    }
    // A path of the machine that scanned is that of many a repository.
    for (const target of ['/src', './app', 'C:\\\\src', '~/app']) {
      expect(faultOf(bytesOf(report({ source: { type: 'directory', target } })))).toBe('target-unknown');
    }
    const named = report({ source: { type: 'directory', target: 'portal' } });
    expect(parse(named).coverage).toMatchObject([{ target: { kind: 'repository', name: 'portal' } }]);
    expect(faultOf(bytesOf(report({ source: { type: 'image', target: 'app:1' } })))).toBe('malformed-report');
  });

  it('does a match that cannot be read keep the image open?', () => {
    const parsed = parse(report({ matches: [match({ id: undefined }), match({}, { name: 7 }), match()] }));
    expect(parsed.rejects).toHaveLength(2);
    expect(parsed.results).toHaveLength(1);
    expect(parsed.coverage).toMatchObject([{ extent: 'partial' }]);
  });
});
