import { describe, expect, it } from 'vitest';
import { bytesOf, declared, faultOf, fixture, golden } from '../../../test/fixtures/reports/load.js';
import type { Report } from '../report.js';
import { parseReport } from './index.js';

const parse = (document: unknown): Report =>
  parseReport(Buffer.isBuffer(document) ? document : bytesOf(document), { declared: declared() });

const alert = (extra: object = {}, fields: object = {}) => ({
  hostname: 'node-a',
  priority: 'Warning',
  rule: 'Terminal shell in container',
  source: 'syscall',
  time: '2026-03-01T10:00:00.123456789Z',
  output_fields: { 'evt.num': 1, 'container.id': 'c', ...fields },
  ...extra,
});
const idOf = (document: object): string | undefined => parse(document).events[0]?.id;

describe('Falco', () => {
  it.each(['falco/lines.ndjson', 'falco/sidekick.json'])('does %s give its golden events?', (name) => {
    const report = parse(fixture(name));
    expect(report).toEqual(golden(name, report));
  });

  it('is an alert known again, whoever delivers it, with whatever tags and text?', () => {
    const first = idOf(alert());
    expect(idOf(alert({ tags: ['x'], output: 'y', uuid: 'z' }, { cluster: 'added' }))).toBe(first);
    // Of the two fixtures, one alert is the same, with and without the zeros at the end of its fraction.
    const [lines, sidekick] = ['falco/lines.ndjson', 'falco/sidekick.json'].map((name) => parse(fixture(name)).events);
    expect(sidekick?.[0]).toEqual(lines?.[1]);
  });

  it.each([
    [{ rule: 'Another' }, {}],
    [{ hostname: 'node-b' }, {}],
    [{ source: 'k8s_audit' }, {}],
    [{ time: '2026-03-01T10:00:00.123456788Z' }, {}],
    [{}, { 'evt.num': 2 }],
    [{}, { 'container.id': 'd' }],
    [{}, { 'k8s.pod.name': 'emr-0' }],
  ])('is an alert that differs in %j %j another event?', (extra, fields) => {
    expect(idOf(alert(extra, fields))).not.toBe(idOf(alert()));
  });

  it.each([
    ['Emergency', 'critical'],
    ['Alert', 'critical'],
    ['Critical', 'critical'],
    ['Error', 'high'],
    ['WARNING', 'medium'],
    ['Notice', 'low'],
    ['Informational', 'info'],
    ['Debug', 'info'],
    ['constructor', 'unknown'],
  ])('is the priority %s the severity %s?', (priority, severity) => {
    expect(parse(alert({ priority })).events).toMatchObject([{ severity, category: 'alert' }]);
  });

  it('does no text and no command line leave the reader?', () => {
    const report = parse(fixture('falco/lines.ndjson'));
    expect(JSON.stringify(report)).not.toContain('not-to-be-kept');
    expect(report.notes).toContain('The texts of the alerts were dropped: they may hold command lines.');
  });

  it.each([{ time: '' }, { time: '2026-03-01T10:00:00' }, { time: 1772359200 }, { rule: '' }, { output_fields: [] }])(
    'is an alert with %j rejected, and the others kept?',
    (odd) => {
      const report = parse([alert(), alert(odd)]);
      expect(report.events).toHaveLength(1);
      expect(report.rejects).toHaveLength(1);
    },
  );

  it('does it never close anything, and is it as of its newest alert?', () => {
    const report = parse([alert(), alert({ time: '2026-03-01T12:00:00+01:00' })]);
    expect(report.coverage).toMatchObject([{ source: 'falco', extent: 'partial' }]);
    expect(report.observedAt).toBe('2026-03-01T11:00:00.000Z');
    expect(faultOf(bytesOf(alert()), declared('cluster/cluster'))).toBe('target-mismatch');
  });
});
