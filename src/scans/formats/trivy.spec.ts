import { describe, expect, it } from 'vitest';
import { bytesOf, declared, faultOf, fixture, golden } from '../../../test/fixtures/reports/load.js';
import type { Report } from '../report.js';
import { parseReport } from './index.js';
import { canonicalCheckId } from './trivy-results.js';

const parse = (document: unknown, ...targets: string[]): Report =>
  parseReport(Buffer.isBuffer(document) ? document : bytesOf(document), { declared: declared(...targets) });

const image = (extra: object) => ({
  SchemaVersion: 2,
  ArtifactName: 'app:1',
  ArtifactType: 'container_image',
  ...extra,
});
const osPackages = { Target: 'app:1 (alpine 3)', Class: 'os-pkgs', Type: 'alpine' };

describe('Trivy', () => {
  it.each([
    ['trivy/image.json', []],
    ['trivy/repository.json', []],
    ['trivy/legacy.json', ['image/app:1']],
  ] as const)('does %s give its golden rows?', (name, targets) => {
    const report = parse(fixture(name), ...targets);
    expect(report).toEqual(golden(name, report));
  });

  it.each([
    ['KSV001', 'KSV-0001'],
    ['KSV-0001', 'KSV-0001'],
    ['AVD-KSV-0001', 'KSV-0001'],
    ['AVD-KSV012', 'KSV-0012'],
    ['DS002', 'DS-0002'],
    ['AVD-AWS-0089', 'AWS-0089'],
    ['KSV01010', 'KSV-01010'],
    ['AVD-KSV-01010', 'KSV-01010'],
    ['user.check.1', 'user.check.1'],
  ])('is %s the check %s?', (id, canonical) => {
    expect(canonicalCheckId(id)).toBe(canonical);
  });

  it('does no text of a secret or of its neighbours come out?', () => {
    const report = parse(fixture('trivy/image.json'));
    expect(JSON.stringify(report)).not.toMatch(/hunter2|TOKEN=/);
    expect(report.notes).toContain('The text of secrets was dropped.');
  });

  it('is a clean image covered, and a report without results no report?', () => {
    expect(parse(image({ Results: [osPackages] })).coverage).toMatchObject([
      { source: 'trivy/vulnerability', extent: 'complete', silentPass: [] },
    ]);
    for (const Results of [[], null]) expect(faultOf(bytesOf(image({ Results })))).toBe('empty-report');
    expect(faultOf(bytesOf(image({})))).toBe('empty-report');
  });

  it('is an operating system without updates told?', () => {
    const report = parse(image({ Metadata: { OS: { EOSL: true } }, Results: [osPackages] }));
    expect(report.notes.join()).toContain('no more security updates');
    expect(parse(image({ Results: [osPackages] })).notes.join()).not.toContain('no more security updates');
  });

  it('does a row that cannot be read keep its source open, and leave the others alone?', () => {
    const report = parse(
      image({
        Results: [
          { ...osPackages, Vulnerabilities: [{ VulnerabilityID: 'CVE-1' }] },
          { Target: 'Dockerfile', Class: 'config', Type: 'dockerfile', MisconfSummary: { Successes: 1, Failures: 0 } },
        ],
      }),
    );
    expect(report.rejects).toEqual([
      { pointer: '/Results/0/Vulnerabilities/0/PkgName', reason: 'must be a text that is not empty' },
    ]);
    expect(report.coverage).toMatchObject([
      { source: 'trivy/vulnerability', extent: 'partial', silentPass: [] },
      { source: 'trivy/misconfiguration', extent: 'complete', silentPass: [] },
    ]);
  });

  it('does a result of an unknown class keep everything open?', () => {
    const report = parse(image({ Results: [osPackages, { Target: 'x', Class: 'new' }] }));
    expect(report.coverage).toMatchObject([{ extent: 'partial' }]);
  });

  it('do declared targets have to fit?', () => {
    const bytes = fixture('trivy/image.json');
    expect(faultOf(bytes, declared('image/other:1'))).toBe('target-mismatch');
    expect(faultOf(bytes, declared('node/a'))).toBe('target-mismatch');
    expect(faultOf(bytes, declared('image/registry.example/clinic/portal:3.2'))).toBe('');
    expect(faultOf(fixture('trivy/legacy.json'))).toBe('target-unknown');
    expect(faultOf(fixture('trivy/repository.json'), declared('repository/git.example/other'))).toBe('target-mismatch');
    expect(faultOf(fixture('trivy/repository.json'), declared('repository/git.example/clinic/charts'))).toBe('');
    const here = { SchemaVersion: 2, ArtifactName: '.', ArtifactType: 'filesystem', Results: [osPackages] };
    expect(faultOf(bytesOf(here))).toBe('target-unknown');
    expect(faultOf(bytesOf(here), declared('repository/app'))).toBe('');
  });

  it('does the silence of a file vouch for nothing, for it may hold several resources?', () => {
    const of = (Type: string) => ({ Target: Type, Class: 'config', Type, MisconfSummary: { Successes: 1_000 } });
    const types = ['kubernetes', 'helm', 'dockerfile', 'terraform'];
    expect(parse(image({ Results: types.map(of) })).coverage).toMatchObject([{ extent: 'complete', silentPass: [] }]);
  });

  it('is another schema version refused?', () => {
    expect(faultOf(bytesOf(image({ SchemaVersion: 3, Results: [osPackages] })))).toBe('malformed-report');
  });
});
