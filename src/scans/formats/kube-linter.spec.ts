import { describe, expect, it } from 'vitest';
import { bytesOf, declared, faultOf, fixture, golden } from '../../../test/fixtures/reports/load.js';
import type { Report } from '../report.js';
import { parseReport } from './index.js';

const REPOSITORY = 'repository/git.example/app';
const parse = (document: unknown, ...targets: string[]): Report =>
  parseReport(Buffer.isBuffer(document) ? document : bytesOf(document), { declared: declared(...targets) });

interface Editable {
  Checks: { name: string; template: string }[];
  Reports: { Check: string; Diagnostic: { Message: string } }[] | null;
  Summary: Record<string, string>;
}
const findings = () => JSON.parse(fixture('kube-linter/findings.json').toString()) as Editable;
const extents = (report: Report) => report.coverage.map(({ extent }) => extent);

describe('KubeLinter', () => {
  it.each(['kube-linter/findings.json', 'kube-linter/clean.json'])('does %s give its golden rows?', (name) => {
    const report = parse(fixture(name), REPOSITORY);
    expect(report).toEqual(golden(name, report));
  });

  it('does it cover the checks that were on, and is what it does not report no pass?', () => {
    for (const name of ['kube-linter/findings.json', 'kube-linter/clean.json']) {
      const { coverage, results } = parse(fixture(name), REPOSITORY);
      expect(coverage).toMatchObject([{ extent: 'complete', silentPass: [] }]);
      expect(results.map(({ status }) => status)).not.toContain('pass');
    }
    expect(parse(fixture('kube-linter/clean.json'), REPOSITORY).coverage[0]?.checks).toEqual(['privileged-container']);
  });

  it.each(['x'.repeat(501), 'a\0b', '\udc00'])('is a check whose name no result can have refused? (%#)', (name) => {
    const document = findings();
    document.Checks.push({ name, template: 'privileged' });
    expect(faultOf(bytesOf(document), declared(REPOSITORY))).toBe('malformed-report');
  });

  it('has the poster to say which repository it was?', () => {
    expect(faultOf(bytesOf(findings()))).toBe('target-unknown');
    expect(faultOf(bytesOf(findings()), declared('cluster/cluster'))).toBe('target-mismatch');
  });

  it('does an object that could not be loaded leave the rest open?', () => {
    const document = findings();
    document.Reports!.push({ ...document.Reports![0]!, Check: 'failed-to-load-object' });
    const report = parse(document, REPOSITORY);
    expect(extents(report)).toEqual(['partial']);
    expect(report.results.map(({ check }) => check)).not.toContain('failed-to-load-object');
  });

  it.each([
    ['Failed', null],
    ['Failed', []],
    ['Unsure', []],
    ['Passed', findings().Reports],
  ])('is a summary that says %s with other reports partial?', (status, reports) => {
    const document = { ...findings(), Reports: reports, Summary: { ...findings().Summary, ChecksStatus: status } };
    expect(extents(parse(document, REPOSITORY))).toEqual(['partial']);
  });

  it('does a report of no checks prove nothing?', () => {
    expect(
      faultOf(
        bytesOf({ ...findings(), Checks: [], Reports: null, Summary: { ChecksStatus: 'Passed' } }),
        declared(REPOSITORY),
      ),
    ).toBe('empty-report');
  });

  it('do messages that quote the object stay out, and paths of whoever linted?', () => {
    const document = findings();
    const message = 'cluster-admin role is bound to {"kind":"User","name":"not-to-be-kept@example.org"}';
    document.Checks.push({ name: 'bound', template: 'cluster-admin-role-binding' });
    document.Checks.push({ name: 'valid', template: 'kubeconform' });
    for (const check of ['bound', 'valid', 'not-on']) {
      document.Reports!.push({ ...document.Reports![0]!, Check: check, Diagnostic: { Message: message } });
    }
    const report = parse(document, REPOSITORY);
    expect(report.results.filter(({ message: said }) => said === '')).toHaveLength(3);
    expect(JSON.stringify(report)).not.toContain('not-to-be-kept');
  });

  it('is a finding without its check or kind rejected?', () => {
    const document = findings();
    document.Reports![0]!.Check = '';
    const report = parse(document, REPOSITORY);
    expect(report.rejects).toEqual([{ pointer: '/Reports/0/Check', reason: 'must be a text that is not empty' }]);
    expect(extents(report)).toEqual(['partial']);
  });
});
