import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { bytesOf, declared, faultOf, fixture, golden, parsed } from '../../../test/fixtures/reports/load.js';
import type { Report } from '../report.js';

const WHOLE = 'oscal-assessment-results/assessment-results.json';
const RESULTS = 'oscal-assessment-results/results-only.yaml';
const CLUSTER = 'cluster/cluster';

type Fields = Record<string, unknown>;
type Result = Fields & { observations: Fields[]; findings: Fields[] };
const resultsOnly = () => parse(fixture(RESULTS).toString()) as { results: [Result] };
const assessed = () =>
  (JSON.parse(fixture(WHOLE).toString()) as { 'assessment-results': { results: [Result] } })['assessment-results'];

/** The results alone, with some of the one changed. */
const read = (change: (result: Result) => unknown, target = CLUSTER): Report => {
  const document = resultsOnly();
  change(document.results[0]);
  return parsed(document, target);
};
/** A report of one observation with these properties. */
const observed = (props: unknown, target = CLUSTER): Report =>
  read((result) => (result.observations = [{ ...result.observations[0], props }]), target);
const property = (name: string, value: unknown, more: Fields = {}) => ({ name, value, ...more });
const found = (target: unknown): Report => {
  const report = assessed();
  report.results[0].findings = [{ uuid: 'f', target }];
  return parsed({ 'assessment-results': report }, CLUSTER);
};

describe('OSCAL assessment results', () => {
  it.each([WHOLE, RESULTS])('does %s give its golden rows?', (name) => {
    const report = parsed(fixture(name), CLUSTER);
    expect(report).toEqual(golden(name, report));
  });

  it('is what an assessor found satisfied no pass, and what was not satisfied a failure?', () => {
    const of = (state: string) => found({ 'target-id': 'ac-2_obj', status: { state } }).results;
    expect(of('satisfied')).toMatchObject([{ check: 'ac-2_obj', status: 'manual' }]);
    expect(of('not-satisfied')).toMatchObject([{ check: 'ac-2_obj', status: 'fail' }]);
  });

  it.each([
    undefined,
    {},
    { 'target-id': 'x' },
    { 'target-id': 'x', status: 'satisfied' },
    { 'target-id': 'x', status: { state: 'Satisfied' } },
    { 'target-id': '', status: { state: 'satisfied' } },
    { status: { state: 'not-satisfied' } },
  ])('is a finding of %j rejected?', (target) => {
    const report = found(target);
    expect(report.results).toEqual([]);
    expect(report.rejects).toMatchObject([
      { pointer: expect.stringContaining('/assessment-results/results/0/findings/0') as unknown },
    ]);
  });

  it.each([
    ['pass', 'pass'],
    ['FAIL', 'fail'],
    ['error', 'error'],
    ['unknown', 'error'],
    ['notchecked', 'manual'],
    ['notapplicable', 'skip'],
    ['fixed', 'warn'],
  ])('is an observation of %s a %s?', (value, status) => {
    expect(observed([property('idref', 'r'), property('result', value)]).results).toMatchObject([
      { check: 'r', status },
    ]);
  });

  it('are properties known by their class too, whatever a tool calls them?', () => {
    const props = [
      property('Rule_ID', 'r', { class: 'scc_check_name_id' }),
      property('State', 'fail', { class: 'scc_result' }),
      property('Risk', 'high', { class: 'scc_check_severity' }),
    ];
    expect(observed(props).results).toMatchObject([{ check: 'r', status: 'fail', severity: 'high' }]);
  });

  it.each([
    ['no check', [property('result', 'pass')]],
    ['two results', [property('idref', 'r'), property('result', 'pass'), property('result', 'fail')]],
    ['two checks', [property('idref', 'r'), property('idref', 's'), property('result', 'pass')]],
    ['another word', [property('idref', 'r'), property('result', 'satisfied')]],
    ['no value', [property('idref', 'r'), property('result', '')]],
    ['a number', [property('idref', 'r'), property('result', 1)]],
    ['a text for a property', ['pass']],
    ['an object for the properties', {}],
  ])('is an observation with %s rejected, and does it leave its source open?', (_what, props) => {
    const report = read((result) => (result.observations[1] = { ...result.observations[1], props }));
    expect(report.results.map(({ status }) => status)).toEqual(['pass', 'manual']);
    expect(report.rejects).toMatchObject([
      { pointer: expect.stringMatching(/^\/results\/0\/observations\/1/) as unknown },
    ]);
    expect(report.coverage).toMatchObject([{ extent: 'partial' }]);
  });

  it('are observations of people left out, and do they alone prove nothing?', () => {
    const report = assessed();
    report.results[0].findings = [];
    expect(faultOf(bytesOf({ 'assessment-results': report }), declared(CLUSTER))).toBe('empty-report');
    expect(observed([property('idref', 'r'), property('result', 'pass')]).notes).toEqual([]);
  });

  it('is a result complete for what it lists, if it has an end?', () => {
    expect(parsed(fixture(RESULTS), CLUSTER).coverage).toMatchObject([
      { source: 'oscal/ocp-4', extent: 'complete', checks: [{}, {}, {}].map(() => expect.any(String) as unknown) },
    ]);
    for (const end of [undefined, null, '', 'soon', 7]) {
      expect(read((result) => (result['end'] = end)).coverage).toMatchObject([{ extent: 'partial' }]);
    }
  });

  it('are the tool and its benchmark said of the result or of the assets of the assessment?', () => {
    const props = [property('scanner_name', 'OpenSCAP'), property('benchmark_id', 'RHEL-9')];
    const report = read((result) => {
      delete result['props'];
      result['local-definitions'] = { 'assessment-assets': { components: [{ props }] } };
    });
    expect(report).toMatchObject({ tool: 'openscap', toolVersion: null, coverage: [{ source: 'oscal/rhel-9' }] });
    const nameless = read((result) => delete result['props']);
    expect(nameless).toMatchObject({ tool: 'oscal', coverage: [{ source: 'oscal/unknown', extent: 'partial' }] });
  });

  describe('machines', () => {
    const machine = (uuid: string, name: string) => ({ uuid, props: [property('target', name)] });
    const on = (items: unknown[], uuids: string[], target = CLUSTER) =>
      read((result) => {
        result['local-definitions'] = { 'inventory-items': items };
        const [first] = result.observations;
        result.observations = [{ ...first, subjects: uuids.map((uuid) => ({ 'subject-uuid': uuid })) }];
      }, target).results.map(({ resource }) => resource);

    it('are they the resources of an account?', () => {
      const items = [machine('a', 'worker-1'), machine('b', 'worker-2')];
      expect(on(items, ['b', 'a'], 'account/1')).toEqual(['worker-2', 'worker-1']);
      expect(on(items, ['c'], 'account/1')).toEqual(['1']);
    });

    it('are they nodes of a declared cluster, and no evidence of the cluster itself?', () => {
      const covered = (items: unknown[], subjects: Fields[] | undefined) => {
        const { coverage, results } = read((result) => {
          result['local-definitions'] = { 'inventory-items': items };
          const [first] = result.observations;
          result.observations = [{ ...first, subjects }];
        });
        const isWhole = coverage.every(({ extent }) => extent === 'complete');
        expect(new Set(results.map(({ status }) => status))).toEqual(new Set([isWhole ? 'pass' : 'manual']));
        return coverage.map(({ target, extent }) => [`${target.kind}/${target.name}`, extent]);
      };
      const items = [machine('a', 'worker-1'), machine('b', 'worker-2')];
      const [a, b, c] = ['a', 'b', 'c'].map((uuid) => ({ 'subject-uuid': uuid, type: 'inventory-item' }));
      const component = { 'subject-uuid': 'k', type: 'component' };
      expect(covered(items, [a!])).toEqual([['node/worker-1', 'complete']]);
      expect(covered(items, [b!, component, a!])).toEqual([
        ['node/worker-2', 'complete'],
        ['node/worker-1', 'complete'],
      ]);
      // Of some machine, but nobody can tell of which.
      const some = [['cluster/cluster', 'partial']];
      expect(covered(items, [c!])).toEqual(some);
      expect(covered(items, [])).toEqual(some);
      expect(covered(items, undefined)).toEqual(some);
      expect(covered([...items, machine('a', 'worker-3')], [a!])).toEqual(some);
      expect(covered([machine('a', 'localhost')], [a!])).toEqual(some);
      expect(covered([], [a!])).toEqual(some);
      expect(covered([], [{ 'subject-uuid': 'a' }])).toEqual(some);

      const whole = [['cluster/cluster', 'complete']];
      expect(covered([], undefined)).toEqual(whole);
      expect(covered([], [component])).toEqual(whole);
    });

    it('does a declared node have to be the one?', () => {
      expect(on([machine('a', 'worker-1.clinic.example')], ['a'], 'node/worker-1')).toEqual(['worker-1']);
      expect(on([{ uuid: 'a' }], ['a'], 'node/worker-1')).toEqual(['worker-1']);
      expect(() => on([machine('a', 'worker-1')], ['a'], 'node/worker-2')).toThrow(/^target-mismatch/);
      expect(() => on([machine('a', 'x'), machine('b', 'y')], ['a'], 'node/x')).toThrow(/^target-mismatch/);
    });
  });

  it('is it as old as the oldest observation, and of no known time if one does not say?', () => {
    expect(parsed(fixture(WHOLE), CLUSTER).observedAt).toBe('2026-05-30T08:00:00.000Z');
    const at = (collected: unknown) =>
      read((result) => (result.observations[1] = { ...result.observations[1], collected })).observedAt;
    expect(at('2026-05-01T00:00:00Z')).toBe('2026-05-01T00:00:00.000Z');
    expect(at('2026-05-01T00:00:00')).toBeNull();
    expect(at(undefined)).toBeNull();
  });

  it('does the worst of several results stand, and is it said?', () => {
    const document = resultsOnly();
    const [result] = document.results;
    const [first] = result.observations;
    const failed = {
      ...first,
      props: (first!['props'] as Fields[]).map((of) => (of['value'] === 'pass' ? { ...of, value: 'fail' } : of)),
    };
    const report = parsed({ results: [{ ...result, observations: [failed] }, result] }, CLUSTER);
    expect(report.results.filter(({ check }) => check.endsWith('etcd_unique_ca'))).toMatchObject([{ status: 'fail' }]);
    expect(report.notes.join()).toContain('several results');
  });

  it('does the poster have to say what it is about?', () => {
    expect(faultOf(fixture(WHOLE))).toBe('target-unknown');
    expect(faultOf(fixture(WHOLE), declared('cluster/prod'))).toBe('target-mismatch');
    expect(faultOf(fixture(WHOLE), declared('namespace/emr'))).toBe('target-mismatch');
    for (const target of [CLUSTER, 'account/1', 'node/a']) expect(faultOf(fixture(WHOLE), declared(target))).toBe('');
  });

  it('do parties, titles, descriptions, remarks and risks stay behind?', () => {
    const all = [WHOLE, RESULTS].map((name) => parsed(fixture(name), CLUSTER));
    expect(JSON.stringify(all)).not.toMatch(/hunter2|jane/);
  });

  it('is it refused as XML, with what can be done?', () => {
    const xml = Buffer.from('<assessment-results xmlns="http://csrc.nist.gov/ns/oscal/1.0"/>');
    expect(() => parsed(xml, CLUSTER)).toThrow(/^unknown-format: OSCAL is read as JSON or YAML, not as XML/);
    expect(faultOf(Buffer.from('<catalog xmlns="http://csrc.nist.gov/ns/oscal/1.0"/>'))).toBe('unknown-format');
  });
});
