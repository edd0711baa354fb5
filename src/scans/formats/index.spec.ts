import { describe, expect, it } from 'vitest';
import { fitting } from '../../../test/fixtures/reports/fitting.js';
import { bytesOf, declared, faultOf, fixture, fixtureNames } from '../../../test/fixtures/reports/load.js';
import { readDocument } from '../text/read-document.js';
import type { Declared, Report } from '../report.js';
import { BOUNDS, ReportFault } from '../report.js';
import { FORMATS, parseReport } from './index.js';

const ALL = FORMATS.flatMap(({ slug }) => fixtureNames(slug));

function tryParse(bytes: Uint8Array, by: Declared): Report | null {
  try {
    return parseReport(bytes, { declared: by });
  } catch (error) {
    if (error instanceof ReportFault) return null;
    throw error;
  }
}

describe('any report', () => {
  it.each(ALL)('is %s of one format only, and of the folder that it lies in?', (name) => {
    const document = readDocument(fixture(name));
    const slugs = FORMATS.filter((format) => format.detect(document)).map(({ slug }) => slug);
    expect(slugs).toEqual([name.slice(0, name.indexOf('/'))]);
  });

  it('does a partial declaration make everything partial?', () => {
    for (const name of ALL) {
      const { coverage } = parseReport(fixture(name), { declared: { ...fitting(name), partial: true } });
      for (const { extent, checks, silentPass } of coverage)
        expect([extent, checks, silentPass]).toEqual(['partial', null, []]);
    }
  });

  it.each(['', 'null', '[]', '{}', '---\n'])('does the empty report %j prove nothing?', (text) => {
    expect(faultOf(Buffer.from(text))).toBe('empty-report');
  });

  it('does an unknown document name the keys that it has, bounded, and none of its values?', () => {
    const document = { secretKey: 'hunter2', ['k'.repeat(500)]: 1, 'a\nb': 2 };
    const run = () => parseReport(bytesOf(document), { declared: declared() });
    expect(run).toThrow(/^unknown-format: .*secretKey, k{40}, a\?b\. Formats: .*kube-bench, /);
    expect(run).not.toThrow(/hunter2/);
  });

  it('is a named format held to?', () => {
    expect(faultOf(fixture('trivy/image.json'), declared(), 'kubescape')).toBe('wrong-format');
    expect(faultOf(fixture('trivy/image.json'), declared(), 'trivy')).toBe('');
    expect(faultOf(fixture('trivy/image.json'), declared(), 'nessus')).toBe('unknown-format');
  });
});

describe('bounds on rows', () => {
  const report = (finding: object) =>
    parseReport(
      bytesOf({
        SchemaVersion: 2,
        ArtifactName: 'app:1',
        ArtifactType: 'container_image',
        Results: [{ Target: 'app', Class: 'os-pkgs', Vulnerabilities: [finding] }],
      }),
      { declared: declared() },
    );
  const finding = { VulnerabilityID: 'CVE-1', PkgName: 'p', InstalledVersion: '1' };

  it('is prose mended and cut, without splitting a surrogate pair?', () => {
    expect(report({ ...finding, Title: 'a\0b\ud800c' }).results[0]?.title).toBe('a\ufffdb\ufffdc');
    for (const title of ['x'.repeat(301), `${'x'.repeat(298)}😀😀`, '😀'.repeat(400)]) {
      const cut = report({ ...finding, Title: title }).results[0]?.title ?? '';
      expect(cut.length).toBeLessThanOrEqual(BOUNDS.title);
      expect(cut.endsWith('…') && cut.isWellFormed()).toBe(true);
    }
    expect(report({ ...finding, Title: 'x'.repeat(300) }).results[0]?.title).toHaveLength(300);
  });

  it.each([
    { VulnerabilityID: 'CVE\0' },
    { VulnerabilityID: '\udc00' },
    { PkgName: 'x'.repeat(2_001) },
    { VulnerabilityID: 'x'.repeat(501) },
  ])('is a row whose identity does not fit rejected, and its source left open? (%#)', (odd) => {
    const parsed = report({ ...finding, ...odd });
    expect(parsed.results).toEqual([]);
    expect(parsed.rejects).toMatchObject([{ pointer: '/Results/0/Vulnerabilities/0' }]);
    expect(parsed.coverage).toMatchObject([{ extent: 'partial' }]);
  });

  it('does an image name that cannot be kept close nothing?', () => {
    const document = {
      SchemaVersion: 2,
      ArtifactName: 'a\0b',
      ArtifactType: 'container_image',
      Results: [{ Target: 'x', Class: 'os-pkgs' }],
    };
    expect(tryParse(bytesOf(document), declared())?.coverage ?? []).toEqual([]);
  });
});
