import { describe, expect, it } from 'vitest';
import { bytesOf, declared, faultOf, fixture, golden } from '../../../test/fixtures/reports/load.js';
import type { Report } from '../report.js';
import { parseReport } from './index.js';

const parse = (document: unknown, ...targets: string[]): Report =>
  parseReport(Buffer.isBuffer(document) ? document : bytesOf(document), { declared: declared(...targets) });

const DIGEST = `sha256:${'1'.repeat(64)}`;
const document = (extra: object = {}) => ({
  spdxVersion: 'SPDX-2.3',
  SPDXID: 'SPDXRef-DOCUMENT',
  creationInfo: { created: '2026-06-01T00:00:00Z', creators: ['Tool: syft-1.50.0'] },
  packages: [{ SPDXID: 'SPDXRef-a', name: 'a', versionInfo: '1' }],
  ...extra,
});
const image = (of: object) => ({
  SPDXID: 'SPDXRef-i',
  name: 'r.example/portal:3.2',
  primaryPackagePurpose: 'CONTAINER',
  ...of,
});
const describes = (id: string) => ({
  spdxElementId: 'SPDXRef-DOCUMENT',
  relationshipType: 'DESCRIBES',
  relatedSpdxElement: id,
});
const purl = (referenceLocator: string) => ({
  referenceCategory: 'PACKAGE-MANAGER',
  referenceType: 'purl',
  referenceLocator,
});

describe('SPDX', () => {
  it.each([
    ['spdx/image.json', []],
    ['spdx/repository.json', ['repository/git.example/portal']],
  ])('does %s give its golden rows?', (name, targets) => {
    const report = parse(fixture(name), ...targets);
    expect(report).toEqual(golden(name, report));
  });

  it('does no name of a person, no text of a licence and no password leave it?', () => {
    const reports = [parse(fixture('spdx/image.json')), parse(fixture('spdx/repository.json'), 'repository/a')];
    expect(JSON.stringify(reports)).not.toMatch(/jane|doe|hunter2|Written by|CVE-/i);
  });

  it.each([
    { versionInfo: DIGEST },
    { checksums: [{ algorithm: 'SHA256', checksumValue: '1'.repeat(64) }] },
    { externalRefs: [purl(`pkg:oci/portal@${encodeURIComponent(DIGEST)}?repository_url=r.example%2Fportal`)] },
  ])('is the image that it describes known by its digest, and no package of itself? (%j)', (of) => {
    const packages = [image(of), { SPDXID: 'SPDXRef-a', name: 'a' }];
    const report = parse(document({ packages, relationships: [describes('SPDXRef-i')] }));
    expect(report.facts.map(({ target, subject }) => [target.name, subject])).toEqual([
      [`r.example/portal@${DIGEST}`, 'a'],
    ]);
    const listed = document({ packages, documentDescribes: ['SPDXRef-i'] });
    expect(parse(listed).facts).toEqual(report.facts);
  });

  it('is an image that it does not describe, or one of two, what is in something else?', () => {
    const base = image({ versionInfo: DIGEST });
    const packages = [base, { SPDXID: 'SPDXRef-a', name: 'a' }];
    expect(faultOf(bytesOf(document({ packages })))).toBe('target-unknown');
    const checksums = ['1', '2'].map((digit) => ({ algorithm: 'SHA256', checksumValue: digit.repeat(64) }));
    expect(
      faultOf(bytesOf(document({ packages: [image({ checksums })], relationships: [describes('SPDXRef-i')] }))),
    ).toBe('target-unknown');
    const two = [base, { ...base, SPDXID: 'SPDXRef-j' }];
    const relationships = [describes('SPDXRef-i'), describes('SPDXRef-j')];
    expect(faultOf(bytesOf(document({ packages: two, relationships })))).toBe('target-unknown');
    expect(parse(document({ packages, relationships: [] }), 'repository/a').facts).toHaveLength(2);
  });

  it('do declared targets have to fit?', () => {
    const bytes = fixture('spdx/image.json');
    for (const target of ['image/other', 'repository/a', 'cluster/cluster']) {
      expect(faultOf(bytes, declared(target)), target).toBe('target-mismatch');
    }
    expect(faultOf(bytes, declared('image/registry.example/clinic/portal:3.2'))).toBe('');
  });

  it.each([
    ['Tool: syft-1.50.0', 'spdx/syft', '1.50.0'],
    ['Tool: sbom-tool-v4.1.5', 'spdx/sbom-tool', '4.1.5'],
    ['Tool: trivy-dev', 'spdx/trivy-dev', null],
    ['Tool: spdx-tools', 'spdx/spdx-tools', null],
    ['Organization: Anchore', 'spdx/unknown', null],
    ['Person: Tool: x', 'spdx/unknown', null],
  ])('is the tool of %j read as %s, %s?', (creator, source, version) => {
    const report = parse(document({ creationInfo: { creators: ['Person: Jane Doe ()', creator] } }), 'repository/a');
    expect([report.facts[0]?.source, report.toolVersion, report.observedAt]).toEqual([source, version, null]);
  });

  it('does a package that cannot be read leave its inventory open?', () => {
    const report = parse(document({ packages: [{ name: 'a' }, { versionInfo: '1' }, null] }), 'repository/a');
    expect(report.facts).toHaveLength(1);
    expect(report.rejects.map(({ pointer }) => pointer)).toEqual(['/packages/1/name', '/packages/2']);
    expect(report.coverage).toMatchObject([{ extent: 'partial' }]);
  });

  it('does an image without any package prove nothing?', () => {
    const empty = document({ packages: [image({ versionInfo: DIGEST })], documentDescribes: ['SPDXRef-i'] });
    expect(faultOf(bytesOf(empty))).toBe('empty-report');
  });

  it('is SPDX 3 refused by name, in whatever shape its context is?', () => {
    const context = 'https://spdx.org/rdf/3.0.1/spdx-context.jsonld';
    for (const three of [
      { '@context': context, '@graph': [] },
      { '@context': [context, {}], '@graph': [{}] },
      { spdxVersion: 'SPDX-3.0', '@context': 'https://spdx.github.io/spdx-3-model/3.0/context.json', '@graph': [] },
    ]) {
      const run = () => parse(three, 'repository/a');
      expect(run).toThrow('malformed-report: SPDX 3 is not read: post SPDX 2.3 or CycloneDX, both in JSON.');
    }
    expect(faultOf(bytesOf({ '@context': 'https://schema.org', '@graph': [] }))).toBe('unknown-format');
    expect(faultOf(bytesOf(document({ spdxVersion: 'SPDX-2.1' })), declared('repository/a'))).toBe('malformed-report');
  });
});
