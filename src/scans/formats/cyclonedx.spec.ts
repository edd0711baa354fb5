import { describe, expect, it } from 'vitest';
import { bytesOf, declared, faultOf, fixture, golden } from '../../../test/fixtures/reports/load.js';
import type { Report } from '../report.js';
import { parseReport } from './index.js';

const parse = (document: unknown, ...targets: string[]): Report =>
  parseReport(Buffer.isBuffer(document) ? document : bytesOf(document), { declared: declared(...targets) });

const DIGEST = `sha256:${'1'.repeat(64)}`;
const bom = (extra: object = {}, component: object = { type: 'application', name: 'portal' }) => ({
  bomFormat: 'CycloneDX',
  specVersion: '1.6',
  metadata: { component, tools: [{ name: 'Syft' }] },
  components: [{ type: 'library', name: 'a', version: '1', 'bom-ref': 'a' }],
  ...extra,
});
const inRepository = (extra: object): Report => parse(bom(extra), 'repository/git.example/portal');
const rated = (vulnerability: object): string | undefined =>
  inRepository({ vulnerabilities: [{ id: 'CVE-1', affects: [{ ref: 'a' }], ...vulnerability }] }).results[0]?.severity;

describe('CycloneDX', () => {
  it.each([
    ['cyclonedx/image.json', 'image/registry.example/clinic/portal:3.2'],
    ['cyclonedx/repository.json', 'repository/git.example/portal'],
    ['cyclonedx/kbom.json', 'cluster/cluster'],
    ['cyclonedx/vex.json', 'image/registry.example/clinic/portal:3.2'],
  ])('does %s give its golden rows?', (name, target) => {
    const report = parse(fixture(name), target);
    expect(report).toEqual(golden(name, report));
  });

  it('does no name of a person, no password and no analyst’s text leave it?', () => {
    for (const name of ['image', 'vex']) {
      const report = parse(fixture(`cyclonedx/${name}.json`), 'image/registry.example/clinic/portal');
      expect(JSON.stringify(report)).not.toMatch(/jane|doe|hunter2/i);
    }
  });

  it.each([
    { purl: `pkg:oci/portal@${DIGEST}?repository_url=r.example/portal` },
    { purl: `pkg:oci/portal@${encodeURIComponent(DIGEST)}?arch=amd64&repository_url=r.example%2Fportal` },
    { purl: '', 'bom-ref': `pkg:oci/portal@${DIGEST}?repository_url=r.example/portal` },
    { version: DIGEST },
    {
      hashes: [
        { alg: 'SHA-1', content: '1' },
        { alg: 'SHA-256', content: '1'.repeat(64) },
      ],
    },
    { properties: [{ name: 'aquasecurity:trivy:RepoDigest', value: `r.example/portal@${DIGEST}` }] },
  ])('is the image known by its digest? (%j)', (component) => {
    const named = { type: 'container', name: 'r.example/portal:3.2', ...component };
    expect(parse(bom({}, named)).facts[0]?.target).toEqual({ kind: 'image', name: `r.example/portal@${DIGEST}` });
  });

  it.each([
    { type: 'container', name: 'portal:3.2' },
    { type: 'container', name: 'portal', version: '3.2' },
    { type: 'container', name: 'portal', version: 'sha256:12' },
    { type: 'application', name: 'portal', version: DIGEST },
    {
      type: 'container',
      name: 'portal',
      hashes: ['1', '2'].map((digit) => ({ alg: 'SHA-256', content: digit.repeat(64) })),
    },
    { type: 'container', purl: 'pkg:oci/portal@3.2' },
    {},
  ])('is what names no digest asked for? (%j)', (component) => {
    expect(faultOf(bytesOf(bom({}, component)))).toBe('target-unknown');
    expect(parse(bom({}, component), 'image/portal:3.2').facts[0]?.target.name).toBe('portal:3.2');
  });

  it('do declared targets have to fit?', () => {
    const image = fixture('cyclonedx/image.json');
    const wrong = ['image/other', 'repository/git.example/portal', 'cluster/cluster', 'node/a', `image/x@${DIGEST}0`];
    for (const target of wrong) expect(faultOf(image, declared(target)), target).toBe('target-mismatch');
    for (const target of [DIGEST, `mirror.example/portal@${DIGEST}`])
      expect(faultOf(image, declared(`image/${target}`))).toBe('');
    expect(faultOf(image, declared('image/a', 'image/b'))).toBe('target-mismatch');
    expect(faultOf(fixture('cyclonedx/kbom.json'), declared('image/a'))).toBe('target-mismatch');
    expect(faultOf(fixture('cyclonedx/kbom.json'), declared('cluster/clinic'))).toBe('');
  });

  it('are components complete, but for those that say that they are not, or cannot be read?', () => {
    const extent = (extra: object) => inRepository(extra).coverage.map(({ extent }) => extent);
    expect(extent({})).toEqual(['complete']);
    expect(extent({ compositions: [{ aggregate: 'complete' }] })).toEqual(['complete']);
    expect(extent({ compositions: [{ aggregate: 'complete' }, { aggregate: 'unknown' }] })).toEqual(['partial']);
    expect(extent({ compositions: ['complete'] })).toEqual(['partial']);
    expect(extent({ components: [{ name: 'a' }, { version: '1' }] })).toEqual(['partial']);
    expect(extent({ components: [{ name: 'a', components: {} }] })).toEqual(['partial']);
    expect(parse(fixture('cyclonedx/kbom.json')).coverage).toMatchObject([{ extent: 'partial' }]);
  });

  it('do inventories whose tools bear no name close nothing of each other?', () => {
    for (const tools of [undefined, [], [{}], [{ name: ' ' }], [{ name: 'Unknown' }]]) {
      const report = inRepository({ metadata: { tools } });
      expect(report.coverage, JSON.stringify(tools)).toMatchObject([
        { source: 'cyclonedx/unknown', extent: 'partial' },
      ]);
      expect(report.notes).toContain('A source that bears no name closes nothing, for others may bear none.');
    }
  });

  it('is what lies in a component that cannot be read still read?', () => {
    const report = inRepository({ components: [{ version: '1', components: [{ name: 'b' }] }] });
    expect(report.facts.map(({ subject }) => subject)).toEqual(['b']);
    expect(report.rejects).toEqual([{ pointer: '/components/0/name', reason: 'must be a text that is not empty' }]);
  });

  it('does a list of vulnerabilities close something only where there is one, and its poster says of what?', () => {
    const vulnerabilities = [{ id: 'CVE-1', affects: [{ ref: 'a' }] }];
    const sources = (report: Report) => report.coverage.map(({ source, extent }) => [source, extent]);
    const image = { type: 'container', name: 'r.example/portal', version: DIGEST };
    expect(sources(inRepository({ vulnerabilities }))).toEqual([
      ['cyclonedx/syft', 'complete'],
      ['cyclonedx/syft/vulnerability', 'complete'],
    ]);
    expect(sources(parse(bom({ vulnerabilities }, image)))).toEqual([
      ['cyclonedx/syft', 'complete'],
      ['cyclonedx/syft/vulnerability', 'partial'],
    ]);
    expect(sources(inRepository({ vulnerabilities: [] }))).toEqual([['cyclonedx/syft', 'complete']]);
  });

  it('does VEX alone close nothing, pass nothing, and stand apart from what scans say?', () => {
    const report = parse(fixture('cyclonedx/vex.json'), 'image/registry.example/clinic/portal');
    expect(report.coverage).toMatchObject([{ source: 'cyclonedx/unknown/vex', extent: 'partial' }]);
    expect(report.results.map(({ status }) => status)).toEqual(['skip', 'fail']);
    expect(report.facts).toEqual([]);
    expect(faultOf(fixture('cyclonedx/vex.json'))).toBe('target-unknown');
  });

  it.each([
    [undefined, 'fail'],
    ['exploitable', 'fail'],
    ['in_triage', 'fail'],
    ['resolved', 'skip'],
    ['resolved_with_pedigree', 'skip'],
    ['false_positive', 'skip'],
    ['not_affected', 'skip'],
  ])('is a vulnerability that was analysed as %s told as %s?', (state, status) => {
    const report = inRepository({ vulnerabilities: [{ id: 'CVE-1', affects: [{ ref: 'a' }], analysis: { state } }] });
    expect(report.results).toMatchObject([{ check: 'CVE-1', resource: 'library/a@1', status }]);
  });

  it('is an analysis that is not known a reject, which leaves them open?', () => {
    const report = inRepository({ vulnerabilities: [{ id: 'CVE-1', analysis: { state: 'fine' } }] });
    expect(report.results).toEqual([]);
    expect(report.rejects).toEqual([
      { pointer: '/vulnerabilities/0/analysis/state', reason: 'is no state that is known here' },
    ]);
    expect(report.coverage[1]).toMatchObject({ extent: 'partial' });
  });

  it('does the source of a vulnerability rate it, and else the worst rating?', () => {
    const [nvd, ghsa, own] = ['nvd', 'ghsa', 'clinic'].map((name) => ({ source: { name } }));
    const ratings = [
      { ...ghsa, severity: 'critical' },
      { ...nvd, severity: 'medium' },
      { ...own, severity: 'none' },
    ];
    expect(rated({ ...nvd, ratings })).toBe('medium');
    expect(rated({ ...own, ratings })).toBe('info');
    expect(rated({ ratings })).toBe('critical');
    expect(rated({ source: { name: 'other' }, ratings })).toBe('critical');
    expect(rated({ ...nvd, ratings: [{ ...nvd, severity: 'unknown' }, { severity: 'low' }] })).toBe('low');
    expect(rated({ ratings: [{ score: 9.8, method: 'CVSSv31' }] })).toBe('critical');
    expect(rated({ ratings: [{ score: 9.8, method: 'CVSSv2' }] })).toBe('high');
    expect(rated({ ratings: [{ score: 9.8, method: 'OWASP' }] })).toBe('unknown');
    expect(rated({})).toBe('unknown');
  });

  it('is what a vulnerability points at named as its component is, and what is of another document as it is called?', () => {
    const link = 'urn:cdx:3f1c2f5e-6a50-4f0e-9d8e-111111111111/1#a';
    const component = { type: 'application', name: 'portal', 'bom-ref': 'root' };
    const vulnerabilities = [{ id: 'CVE-1', affects: [{ ref: 'a' }, { ref: link }, { ref: 'root' }] }, { id: 'CVE-2' }];
    const report = parse(bom({ vulnerabilities }, component), 'repository/git.example/portal');
    expect(report.results.map(({ check, resource }) => [check, resource])).toEqual([
      ['CVE-1', 'library/a@1'],
      ['CVE-1', link],
      ['CVE-1', 'git.example/portal'],
      ['CVE-2', 'git.example/portal'],
    ]);
  });

  it('are licences bounded, in number and length?', () => {
    const licenses = Array.from({ length: 200 }, (_, index) => ({
      license: { name: `${index} ${'x'.repeat(10_000)}` },
    }));
    const [fact] = inRepository({ components: [{ name: 'a', licenses }] }).facts;
    expect(fact?.value).toMatchObject({ licenses: { length: 50 } });
    expect(JSON.stringify(fact).length).toBeLessThan(16_384);
    const long = inRepository({ components: [{ name: 'x'.repeat(1_001) }] });
    expect([long.facts.length, long.rejects[0]?.reason]).toEqual([0, 'its image-component/name cannot be kept']);
  });

  it('is a document that lists nothing no evidence, and another version refused?', () => {
    expect(faultOf(bytesOf(bom({ components: [] })), declared('repository/a'))).toBe('empty-report');
    for (const specVersion of ['1.1', '2.0', '1.60', '', undefined]) {
      expect(faultOf(bytesOf(bom({ specVersion })), declared('repository/a'))).toBe('malformed-report');
    }
    for (const specVersion of ['1.2', '1.7']) {
      expect(faultOf(bytesOf(bom({ specVersion })), declared('repository/a'))).toBe('');
    }
  });
});
