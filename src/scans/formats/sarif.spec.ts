import { describe, expect, it } from 'vitest';
import { bytesOf, declared, faultOf, fixture, golden } from '../../../test/fixtures/reports/load.js';
import type { Report } from '../report.js';
import { parseReport } from './index.js';

const parse = (document: unknown, ...targets: string[]): Report =>
  parseReport(Buffer.isBuffer(document) ? document : bytesOf(document), { declared: declared(...targets) });

const REPOSITORY = 'repository/git.example/clinic/portal';
const log = (...runs: object[]) => ({ version: '2.1.0', runs });
const run = (results: unknown, more: object = {}, driver: object = {}) => ({
  tool: { driver: { name: 'Lint', rules: [{ id: 'R1' }], ...driver } },
  results,
  ...more,
});
const read = (result: object, more: object = {}, driver: object = {}) =>
  parse(log(run([{ ruleId: 'R1', ...result }], more, driver)), REPOSITORY);
const extentOf = (more: object) => read({}, more).coverage[0]?.extent;

describe('SARIF', () => {
  it.each([
    ['sarif/trivy-image.json', []],
    ['sarif/two-tools.json', [REPOSITORY]],
  ] as const)('does %s give its golden rows?', (name, targets) => {
    const report = parse(fixture(name), ...targets);
    expect(report).toEqual(golden(name, report));
  });

  it('does a log without runs, or of runs without results, prove nothing?', () => {
    expect(faultOf(bytesOf(log()), declared(REPOSITORY))).toBe('empty-report');
    for (const results of [undefined, null]) {
      expect(faultOf(bytesOf(log(run(results))), declared(REPOSITORY))).toBe('empty-report');
    }
    expect(parse(log(run([])), REPOSITORY)).toMatchObject({ results: [], coverage: [{ extent: 'complete' }] });
  });

  it('are tools and categories whose names have no Latin letter sources apart?', () => {
    const runs = [
      run([], {}, { name: 'Сканер' }),
      run([], {}, { name: '扫描器' }),
      run([], { automationDetails: { id: '前端/1' } }),
      run([], { automationDetails: { id: '后端/1' } }),
    ];
    const { coverage } = parse(log(...runs), REPOSITORY);
    expect(new Set(coverage.map(({ source }) => source)).size).toBe(runs.length);
    for (const { extent } of coverage) expect(extent).toBe('complete');
  });

  it.each([
    [{}, 'fail'],
    [{ kind: 'fail', level: 'note' }, 'fail'],
    [{ kind: 'fail', level: 'none' }, 'fail'],
    [{ kind: 'pass', level: 'none' }, 'pass'],
    [{ kind: 'open' }, 'warn'],
    [{ kind: 'review' }, 'manual'],
    [{ kind: 'notApplicable' }, 'skip'],
    [{ kind: 'informational' }, 'skip'],
    [{ suppressions: [] }, 'fail'],
    [{ suppressions: null }, 'fail'],
    [{ suppressions: [{ kind: 'inSource' }] }, 'warn'],
    [{ suppressions: [{ status: 'accepted' }, {}] }, 'warn'],
    [{ suppressions: [{ status: 'accepted' }, { status: 'rejected' }] }, 'fail'],
    [{ suppressions: [{ status: 'underReview' }] }, 'fail'],
    [{ suppressions: [{ status: 'never heard of' }] }, 'fail'],
  ])('does %j %s?', (result, status) => {
    expect(read(result).results).toMatchObject([{ status }]);
  });

  it('is what passed no failure where Trivy writes it like one, and no pass?', () => {
    const said = { text: 'Artifact: a.yaml\nVulnerability R1\nMessage: No issues found\nLink: x' };
    expect(read({ message: said }, {}, { name: 'Trivy' }).results).toMatchObject([{ status: 'warn' }]);
    expect(read({ message: said }).results).toMatchObject([{ status: 'fail' }]);
    expect(read({ message: said, kind: 'review' }, {}, { name: 'Trivy' }).results).toMatchObject([
      { status: 'manual' },
    ]);
    const failed = { text: said.text.replace('No issues found', 'No issues found in a.yaml but this') };
    expect(read({ message: failed }, {}, { name: 'Trivy' }).results).toMatchObject([{ status: 'fail' }]);
  });

  it.each([{ kind: '' }, { kind: null }, { kind: 'PASS' }, { suppressions: {} }, { suppressions: ['x'] }])(
    'is %j rejected, and never a pass?',
    (result) => {
      const report = read(result);
      expect(report.results).toEqual([]);
      expect(report.rejects).toHaveLength(1);
      expect(report.coverage).toMatchObject([{ extent: 'partial' }]);
    },
  );

  it.each([
    [{}, {}, 'medium'],
    [{}, { defaultConfiguration: { level: 'error' } }, 'high'],
    [{ level: 'note' }, { defaultConfiguration: { level: 'error' } }, 'low'],
    [{ level: 'none' }, {}, 'unknown'],
    [{ level: 'constructor' }, {}, 'unknown'],
    [{ level: 'note' }, { properties: { 'security-severity': '9.1' } }, 'critical'],
    [{}, { properties: { 'security-severity': 7 } }, 'high'],
    [{}, { properties: { 'security-severity': '0.0' } }, 'medium'],
    [{}, { properties: { 'security-severity': 'high' } }, 'medium'],
  ])('is %j of the rule %j of severity %s?', (result, rule, severity) => {
    expect(read(result, {}, { rules: [{ id: 'R1', ...rule }] }).results).toMatchObject([{ severity }]);
  });

  it('is the rule found by index, in an extension, or as a case of another?', () => {
    const driver = { rules: [{ id: 'R0' }, { id: 'R1', name: 'One' }] };
    const of = (result: object) => read(result, {}, driver).results[0];
    expect(of({ ruleId: undefined, ruleIndex: 1 })).toMatchObject({ check: 'R1', title: 'One' });
    expect(of({ ruleId: 'R1/a', ruleIndex: 1 })).toMatchObject({ check: 'R1/a', title: 'One' });
    expect(of({ ruleId: 'R1/b' })).toMatchObject({ check: 'R1/b', title: 'One' });
    // An index that contradicts the id is of another list.
    expect(of({ ruleId: 'R1', ruleIndex: 0 })).toMatchObject({ check: 'R1', title: 'One' });
    expect(of({ ruleId: 'R9', ruleIndex: -1 })).toMatchObject({ check: 'R9', title: 'R9' });
    for (const result of [{ ruleId: undefined }, { ruleId: undefined, ruleIndex: 7 }]) {
      expect(read(result, {}, driver).rejects).toMatchObject([{ pointer: '/runs/0/results/0/ruleId' }]);
    }
  });

  it.each([
    { invocations: [{ executionSuccessful: false }] },
    { invocations: [{ executionSuccessful: 'yes' }] },
    {
      invocations: [{ executionSuccessful: true, toolExecutionNotifications: [{ level: 'error' }] }],
    },
    { invocations: [{ executionSuccessful: true, toolConfigurationNotifications: [{ level: 'error' }] }] },
    { invocations: [{ executionSuccessful: true, exitSignalName: 'SIGKILL' }] },
    { externalPropertyFileReferences: { results: [{ location: { uri: 'more.sarif' } }] } },
  ])('does a run with %j close nothing?', (more) => {
    expect(extentOf({ invocations: [{ executionSuccessful: true }] })).toBe('complete');
    expect(extentOf(more)).toBe('partial');
  });

  it('is a result that is gone since the baseline left out?', () => {
    expect(read({ baselineState: 'absent' }).results).toEqual([]);
    expect(read({ baselineState: 'unchanged' }).results).toHaveLength(1);
  });

  it('is each tool, and each category of it, a source of its own?', () => {
    const of = (id?: string) => parse(log(run([], { automationDetails: { id } })), REPOSITORY).coverage[0]?.source;
    expect(of()).toBe('sarif/lint');
    expect(of('only a run')).toBe('sarif/lint');
    expect(of('go/2026-05-02')).toBe('sarif/lint/go');
    expect(of('go/')).toBe('sarif/lint/go');
  });

  it('is the time that of the oldest run, and not known if one does not say?', () => {
    const at = (endTimeUtc?: string) => run([], { invocations: [{ endTimeUtc }] });
    const timeOf = (...runs: object[]) => parse(log(...runs), REPOSITORY).observedAt;
    expect(timeOf(at('2026-05-02T06:00:00Z'), at('2026-05-01T06:00:00Z'))).toBe('2026-05-01T06:00:00.000Z');
    expect(timeOf(at('2026-05-02T06:00:00Z'), at())).toBeNull();
    expect(timeOf(at('2026-05-02T06:00:00Z'), run([]))).toBeNull();
    expect(timeOf(at('2026-05-02T06:00:00'))).toBeNull();
  });

  it('is the image that Trivy names the target, and does a declared one have to be it?', () => {
    const bytes = fixture('sarif/trivy-image.json');
    expect(parse(bytes).coverage[0]?.target.name).toMatch(/^registry.example\/clinic\/portal@sha256:1/);
    expect(faultOf(bytes, declared('image/registry.example/clinic/portal:3.2'))).toBe('');
    expect(faultOf(bytes, declared('image/other:1'))).toBe('target-mismatch');
  });

  it('does the poster have to say what else was scanned?', () => {
    const bytes = bytesOf(log(run([])));
    expect(faultOf(bytes)).toBe('target-unknown');
    for (const target of ['image/app:1', REPOSITORY, 'cluster/cluster'])
      expect(faultOf(bytes, declared(target))).toBe('');
    expect(faultOf(bytes, declared('cluster/prod-1'))).toBe('target-mismatch');
    expect(faultOf(bytes, declared('node/a'))).toBe('target-mismatch');
    const named = log(
      run([], { versionControlProvenance: [{ repositoryUri: 'https://git.example/clinic/portal.git' }] }),
    );
    expect(parse(named).coverage).toMatchObject([{ extent: 'partial' }]);
    expect(parse(named, REPOSITORY).coverage).toMatchObject([{ extent: 'complete' }]);
    expect(faultOf(bytesOf(named), declared('repository/git.example/other'))).toBe('target-mismatch');
  });

  it('do messages, snippets, long texts, fingerprints, credentials and home folders stay behind?', () => {
    const rows = [parse(fixture('sarif/trivy-image.json')), parse(fixture('sarif/two-tools.json'), REPOSITORY)];
    expect(JSON.stringify(rows)).not.toMatch(/hunter2|jane/);
    const uri = 'https://jane:hunter2@git.example/x';
    const [row] = read({ locations: [{ physicalLocation: { artifactLocation: { uri } } }] }).results;
    expect(row?.resource).toBe('https://git.example/x');

    const at = (uri: string) => read({ locations: [{ physicalLocation: { artifactLocation: { uri } } }] }).results[0];
    for (const home of ['file:///home/', '/home/', 'file:///C:/Users/', 'C:\\Users\\']) {
      const [jane, joe] = ['jane', 'joe'].map((name) => at(`${home}${name}/a.ts`)?.resource);
      expect(jane).toMatch(/sha256:[0-9a-f]{16}\/a\.ts$/);
      expect(jane).not.toBe(joe);
    }
    const repositoryUri = 'file:///home/jane/portal';
    const named = parse(log(run([], { versionControlProvenance: [{ repositoryUri }] })));
    expect(named.coverage[0]?.target.name).toMatch(/^file:\/\/\/home\/sha256:[0-9a-f]{16}\/portal$/);
    expect(
      parse(log(run([], { versionControlProvenance: [{ repositoryUri }] })), `repository/${repositoryUri}`),
    ).toBeDefined();
  });

  it('is what has no place a matter of the whole target?', () => {
    expect(read({ locations: [] }).results).toMatchObject([{ resource: 'git.example/clinic/portal' }]);
  });

  it('is another version no report that is read?', () => {
    for (const version of ['2.0.0', '2.1.00', 2.1, undefined, { toString: 1 }]) {
      expect(faultOf(bytesOf({ ...log(run([])), version }), declared(REPOSITORY))).toBe('unknown-format');
    }
  });
});
