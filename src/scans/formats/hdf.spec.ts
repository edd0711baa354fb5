import { describe, expect, it } from 'vitest';
import { bytesOf, declared, faultOf, fixture, golden, parsed } from '../../../test/fixtures/reports/load.js';
import type { Report } from '../report.js';

const BASELINE = 'hdf/baseline.json';
const OVERLAY = 'hdf/overlay.json';
const NODE = 'node/worker-1';
const AT = '2026-06-01T08:00:00Z';

type Fields = Record<string, unknown>;
const profile = (name: string, controls: unknown, more: Fields = {}) => ({ name, status: 'loaded', controls, ...more });
const control = (id: string, statuses: unknown[], more: Fields = {}) => ({
  id,
  title: id,
  impact: 0.5,
  results: statuses.map((status) => ({ status, start_time: AT })),
  ...more,
});
const report = (...profiles: unknown[]) => ({ platform: { name: 'x' }, version: '6', statistics: {}, profiles });
const read = (...profiles: unknown[]): Report => parsed(report(...profiles), NODE);
/** What becomes of one control. */
const one = (statuses: unknown[], more: Fields = {}): Report => read(profile('p', [control('c', statuses, more)]));

describe('InSpec, HDF', () => {
  it.each([BASELINE, OVERLAY])('does %s give its golden rows?', (name) => {
    const of = parsed(fixture(name), NODE);
    expect(of).toEqual(golden(name, of));
  });

  it.each([
    [['passed'], 'pass'],
    [['passed', 'passed'], 'pass'],
    [['passed', 'failed'], 'fail'],
    [['failed', 'error'], 'fail'],
    [['passed', 'error'], 'error'],
    [['skipped', 'error'], 'error'],
    [['skipped'], 'skip'],
    [['passed', 'skipped'], 'warn'],
    [[], 'error'],
    [[undefined, 'passed'], 'error'],
  ])('are tests that %j a %s?', (statuses, status) => {
    expect(one(statuses).results).toMatchObject([{ status }]);
  });

  it.each([
    [['passed'], 'skip'],
    [['failed'], 'skip'],
    [[], 'skip'],
    [['error'], 'error'],
  ])('are tests that %j of a control of impact 0 a %s?', (statuses, status) => {
    expect(one(statuses, { impact: 0 }).results).toMatchObject([{ status, severity: 'unknown' }]);
  });

  it.each([
    [true, ['skipped'], 'warn'],
    [true, [], 'warn'],
    [true, ['passed'], 'warn'],
    [true, ['failed'], 'fail'],
    ['true', ['passed'], 'warn'],
    [false, ['passed'], 'pass'],
    ['', ['passed'], 'pass'],
    [null, ['failed'], 'fail'],
  ])('is a control that was skipped by a waiver: %j, whose tests %j, a %s?', (skipped, statuses, status) => {
    const { results } = one(statuses, { waiver_data: { run: false, skipped_due_to_waiver: skipped } });
    expect(results).toMatchObject([{ status }]);
  });

  it.each([
    [['passed'], 'manual'],
    [['skipped', 'passed'], 'manual'],
    [['skipped'], 'manual'],
    [[], 'manual'],
    [['failed'], 'fail'],
    [['error'], 'error'],
  ])('are tests that %j of a control that was attested a %s?', (statuses, status) => {
    for (const attestation_data of [{ status: 'passed' }, {}, 'passed']) {
      expect(one(statuses, { attestation_data }).results).toMatchObject([{ status }]);
    }
    expect(one(['passed'], { attestation_data: null }).results).toMatchObject([{ status: 'pass' }]);
  });

  it('does a test that broke off not count as failed, and never as passed?', () => {
    for (const status of ['failed', 'passed', 'skipped']) {
      const results = [{ status, backtrace: ['x'], start_time: AT }];
      expect(one([], { results }).results).toMatchObject([{ status: 'error' }]);
    }
    expect(one([], { results: [{ status: 'passed', backtrace: null }] }).results).toMatchObject([{ status: 'pass' }]);
  });

  it.each([
    { results: [{ status: 'PASSED' }] },
    { results: [{ status: '' }] },
    { results: [{ status: null }] },
    { results: ['passed'] },
    { results: {} },
    { impact: '0.5' },
    { impact: 7 },
    { impact: -1 },
    { impact: null },
    { waiver_data: [] },
    { waiver_data: { skipped_due_to_waiver: 1 } },
    { id: '' },
    { id: 7 },
  ])('is a control with %j rejected, and does it leave everything open?', (more) => {
    const found = read(profile('p', [control('c', ['passed'], more), control('d', ['failed'])]));
    expect(found.results).toMatchObject([{ check: 'd' }]);
    expect(found.rejects).toMatchObject([{ pointer: expect.stringMatching(/^\/profiles\/0\/controls\/0/) as unknown }]);
    expect(found.coverage).toMatchObject([{ extent: 'partial' }]);
  });

  it.each([
    [1, 'critical'],
    [0.9, 'critical'],
    [0.7, 'high'],
    [0.4, 'medium'],
    [0.1, 'low'],
    [undefined, 'unknown'],
  ])('is impact %j of severity %s?', (impact, severity) => {
    expect(one(['failed'], { impact }).results).toMatchObject([{ severity }]);
  });

  it('does a control whose impact is not said, which may say that it does not apply, not pass?', () => {
    expect(one(['passed'], { impact: undefined }).results).toMatchObject([
      { status: 'warn', message: '1 passed; without an impact' },
    ]);
  });

  describe('profiles that lie over one another', () => {
    const base = (...controls: unknown[]) => profile('base', controls, { parent_profile: 'over' });
    const over = (...controls: unknown[]) => profile('over', controls);

    it('are they one, by the name of the outermost?', () => {
      const found = read(over(control('c', [])), base(control('c', ['passed'])));
      expect(found.results).toMatchObject([{ source: 'hdf/over', check: 'c', status: 'pass' }]);
      expect(found.coverage).toMatchObject([{ source: 'hdf/over', extent: 'complete', checks: ['c'] }]);
    });

    it('is it the same in any order?', () => {
      const profiles = [over(control('c', [], { impact: 0 })), base(control('c', ['failed']))];
      expect(read(...profiles).results).toMatchObject([{ status: 'skip' }]);
      expect(read(...profiles.toReversed()).results).toMatchObject([{ status: 'skip' }]);
    });

    it('does what the outermost does not list not pass?', () => {
      expect(read(over(), base(control('c', ['passed']))).results).toMatchObject([
        { status: 'warn', message: '1 passed; not listed by the outermost profile' },
      ]);
      expect(read(over(), base(control('c', ['failed']))).results).toMatchObject([{ status: 'fail' }]);
    });

    it('does a control that cannot be read in one of them not count by what the others say?', () => {
      for (const profiles of [
        [over(control('c', [], { impact: 'x' })), base(control('c', ['passed']))],
        [over(control('c', ['passed'])), base(control('c', ['FAILED']))],
        [over(control('c', ['passed'])), base(control('c', ['FAILED'])), base(control('c', ['passed']))],
      ]) {
        expect(read(...profiles)).toMatchObject({ results: [], rejects: [{}] });
      }
    });

    it('is it found through any number of layers, and through none that lie in a circle?', () => {
      const layers = (count: number, top: object) =>
        Array.from({ length: count }, (_, index) =>
          profile(`p${index}`, index === 0 ? [control('c', ['passed'])] : [control('c', [])], {
            ...(index === count - 1 ? top : { parent_profile: `p${index + 1}` }),
          }),
        );
      expect(read(...layers(400, {})).results).toMatchObject([{ source: 'hdf/p399', check: 'c', status: 'pass' }]);
      const circle = read(...layers(400, { parent_profile: 'p200' }));
      expect(circle.results).toEqual([]);
      expect(circle.rejects).toHaveLength(400);
    });

    it('is a profile whose parent is not there, is itself, or is one of two, rejected?', () => {
      const orphan = profile('base', [control('c', ['passed'])], { parent_profile: 'gone' });
      const own = profile('own', [control('c', ['passed'])], { parent_profile: 'own' });
      for (const profiles of [[orphan], [own], [over(), over(), base(control('c', ['passed']))]]) {
        const found = read(...profiles);
        expect(found.results).toEqual([]);
        expect(found.rejects).toMatchObject([{ pointer: `/profiles/${profiles.length - 1}` }]);
      }
    });

    it('is a profile that another depends on, and that does not say so, rejected, unless it was run beside it?', () => {
      const top = profile('over', [control('c', [], { impact: 0 })], { depends: [{ name: 'base' }] });
      const lost = profile('base', [control('c', ['passed'])]);
      expect(read(top, lost)).toMatchObject({
        results: [{ source: 'hdf/over' }],
        rejects: [{ pointer: '/profiles/1' }],
      });
      const twice = read(top, base(control('c', ['passed'])), lost);
      expect(twice.results.map(({ source, status }) => [source, status])).toEqual([
        ['hdf/over', 'skip'],
        ['hdf/base', 'pass'],
      ]);
    });

    it('do controls of the same id of two profiles that were both run stay apart?', () => {
      const found = read(profile('a', [control('c', ['passed'])]), profile('b', [control('c', ['failed'])]));
      expect(found.results.map(({ source, status }) => [source, status])).toEqual([
        ['hdf/a', 'pass'],
        ['hdf/b', 'fail'],
      ]);
    });
  });

  it('does a profile that was not loaded leave everything open?', () => {
    for (const status of ['skipped', 'failed']) {
      const found = read(profile('p', [control('c', ['passed'])]), profile('q', [], { status }));
      expect(found.coverage).toMatchObject([{ extent: 'partial' }]);
    }
    expect(faultOf(bytesOf(report(profile('q', []))), declared(NODE))).toBe('empty-report');
  });

  it('is it as old as its oldest test, and of no known time if one does not say?', () => {
    const at = (...times: unknown[]) =>
      one([], { results: times.map((start_time) => ({ status: 'passed', start_time })) }).observedAt;
    expect(at('2026-06-01T08:00:01+02:00', '2026-06-01T08:00:00+02:00')).toBe('2026-06-01T06:00:00.000Z');
    expect(at(AT, '')).toBeNull();
    expect(at('2026-06-01 08:00:00 +0200')).toBeNull();
    expect(one([]).observedAt).toBeNull();
  });

  it('does the poster have to say what was looked at?', () => {
    expect(faultOf(fixture(BASELINE))).toBe('target-unknown');
    for (const target of [NODE, 'image/app:1', 'account/1', 'repository/git.example/x', 'cluster/cluster'])
      expect(faultOf(fixture(BASELINE), declared(target))).toBe('');
    for (const target of ['cluster/prod', 'namespace/emr'])
      expect(faultOf(fixture(BASELINE), declared(target))).toBe('target-mismatch');
    expect(faultOf(fixture(BASELINE), declared(NODE, 'node/worker-2'))).toBe('target-mismatch');
  });

  it('is what was converted from the report of another tool not taken for one of InSpec?', () => {
    const converted = { ...report(profile('p', [control('c', ['passed'])])), platform: { name: 'Heimdall Tools' } };
    expect([parsed(converted, NODE).tool, one(['passed']).tool]).toEqual(['hdf', 'inspec']);
  });

  it('do code, values, reasons and names of people stay behind?', () => {
    const all = [BASELINE, OVERLAY].map((name) => parsed(fixture(name), NODE));
    expect(JSON.stringify(all)).not.toMatch(/hunter2|jane|passwd|shadow/);
  });
});
