import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { describe, expect, it } from 'vitest';
import { parseReport } from '../../src/scans/formats/index.js';
import { reportJsonSchema } from '../../src/scans/formats/safeguard-report.js';
import { declared, fixture, fixtureNames } from '../fixtures/reports/load.js';

/** Three folders above the compiled file. */
const read = (path: string): string =>
  readFileSync(fileURLToPath(new URL(`../../../${path}`, import.meta.url)), 'utf8');

const EXAMPLES = [...read('docs/own-tools.md').matchAll(/^```json\n(.*?)^```$/gms)].map(([, text = '']) => text);
const SCHEMA = JSON.parse(read('docs/report.schema.json')) as object;
const ajv = new Ajv2020();
addFormats.default(ajv);
const isValid = ajv.compile(SCHEMA);

describe('docs/own-tools.md', () => {
  it.each(EXAMPLES)('is the example %# taken as printed, without a reject?', (text) => {
    const report = parseReport(Buffer.from(text), { declared: declared() });
    expect(report.format).toBe('safeguard');
    expect([report.rejects, report.notes]).toEqual([[], []]);
    expect(report.observedAt).toBe('2026-03-01T02:00:00.000Z');
    expect(isValid(JSON.parse(text))).toBe(true);
  });

  it('what does the least say?', () => {
    const { results, coverage } = parseReport(Buffer.from(EXAMPLES[0] ?? ''), { declared: declared() });
    expect(results.map(({ source, status }) => [source, status])).toEqual([
      ['custom/disk-check', 'pass'],
      ['custom/disk-check', 'fail'],
    ]);
    expect(coverage).toMatchObject([{ target: { kind: 'node', name: 'worker-1' }, extent: 'complete' }]);
    expect(EXAMPLES).toHaveLength(2);
  });
});

describe('docs/report.schema.json', () => {
  it('is it what reports are checked by?', () => {
    expect(SCHEMA).toEqual(JSON.parse(JSON.stringify(reportJsonSchema())));
  });

  it.each(fixtureNames('safeguard'))('does it take %s?', (name) => {
    expect(isValid(JSON.parse(fixture(name).toString('utf8'))), ajv.errorsText(isValid.errors)).toBe(true);
  });

  it.each([
    { safeguardReport: 2 },
    { tool: { name: 'Disk Check' } },
    { observedAt: '2026-03-01T02:00:00' },
    { observedat: '2026-03-01T02:00:00Z' },
    { targets: [] },
    { results: [{ check: 'a', resource: 'b', status: 'PASS' }] },
    { results: [{ check: 'a', resource: 'b', status: 'pass', extra: 1 }] },
    { facts: [{ kind: 'restore', subject: 'a', value: {} }] },
  ])('does it refuse a report with %j?', (wrong) => {
    const right = JSON.parse(EXAMPLES[0] ?? '') as object;
    expect(isValid({ ...right, ...wrong })).toBe(false);
  });
});
