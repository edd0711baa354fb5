import { describe, expect, it } from 'vitest';
import { bytesOf, declared, faultOf, fixture, golden } from '../../../test/fixtures/reports/load.js';
import type { Report } from '../report.js';
import { parseReport } from './index.js';

const REPOSITORY = 'repository/git.example/app';
const parse = (document: unknown, ...targets: string[]): Report =>
  parseReport(Buffer.isBuffer(document) ? document : bytesOf(document), { declared: declared(...targets) });

interface Row {
  check_id: string;
  check_result: { result: string };
  resource: string;
  file_line_range: unknown[];
}
interface Editable {
  check_type: string;
  results: Partial<Record<'passed_checks' | 'failed_checks' | 'skipped_checks', Row[]>> & { parsing_errors?: string[] };
  summary: Record<string, unknown>;
}
const kubernetes = () => JSON.parse(fixture('checkov/kubernetes.json').toString()) as Editable;
const extents = (report: Report) => report.coverage.map(({ source, extent }) => [source, extent]);

describe('Checkov', () => {
  it.each(['checkov/kubernetes.json', 'checkov/several.json'])('does %s give its golden rows?', (name) => {
    const report = parse(fixture(name), REPOSITORY);
    expect(report).toEqual(golden(name, report));
  });

  it('is what is suppressed in the code neither passed nor gone?', () => {
    const { results } = parse(kubernetes(), REPOSITORY);
    expect(results.find(({ check }) => check === 'CKV_K8S_43')?.status).toBe('warn');
  });

  it('is an object of Kubernetes named as everywhere else, with its file?', () => {
    const resources = parse(kubernetes(), REPOSITORY).results.map(({ resource, namespace }) => [resource, namespace]);
    expect(resources).toContainEqual(['/deploy/api.yaml#clinic/Deployment/api', 'clinic']);
    expect(resources).toContainEqual(['/deploy/api.yaml#clinic/Pod/api.app.kubernetes.io/name-api', 'clinic']);
    const terraform = { ...kubernetes(), check_type: 'terraform' };
    expect(parse(terraform, REPOSITORY).results[0]).toMatchObject({
      resource: '/deploy/api.yaml#Deployment.clinic.api',
      namespace: null,
    });
  });

  it('is it complete for the checks that it lists, each framework by itself?', () => {
    expect(parse(kubernetes(), REPOSITORY).coverage).toMatchObject([
      {
        source: 'checkov/kubernetes',
        extent: 'complete',
        checks: ['CKV_K8S_16', 'CKV_K8S_22', 'CKV2_K8S_6', 'CKV_K8S_43'],
      },
    ]);
    expect(extents(parse(fixture('checkov/several.json'), REPOSITORY))).toEqual([
      ['checkov/dockerfile', 'partial'],
      ['checkov/secrets', 'complete'],
    ]);
  });

  it('is a quiet report, which leaves passes out, partial, and one that counts more than it lists?', () => {
    const quiet = kubernetes();
    quiet.results = { failed_checks: quiet.results.failed_checks! };
    const more = kubernetes();
    more.summary['failed'] = 3;
    const uncounted = kubernetes();
    uncounted.summary = {};
    const unparsed = kubernetes();
    unparsed.summary['parsing_errors'] = 1;
    for (const document of [quiet, more, uncounted, unparsed]) {
      expect(extents(parse(document, REPOSITORY))).toEqual([['checkov/kubernetes', 'partial']]);
    }
  });

  it.each([
    ['PASSED', 'failed_checks', []],
    ['FAILED', 'passed_checks', []],
    ['passed', 'passed_checks', []],
    ['UNKNOWN', 'passed_checks', ['error']],
  ] as const)('is %s among the %s taken at its worst?', (result, list, statuses) => {
    const document = kubernetes();
    document.results = { [list]: [{ ...document.results.passed_checks![0]!, check_result: { result } }] };
    const report = parse(document, REPOSITORY);
    expect(report.results.map(({ status }) => status)).toEqual(statuses);
    expect(report.results.length + report.rejects.length).toBe(1);
  });

  it('does a summary of nothing found prove nothing, and no list of one framework either?', () => {
    const nothing = { passed: 0, failed: 0, skipped: 0, parsingerrors: 0, resourcecount: 0, checkov_version: '3.3.13' };
    expect(faultOf(bytesOf(nothing))).toBe('empty-report');
    expect(faultOf(bytesOf(nothing), declared(REPOSITORY))).toBe('empty-report');
    const empty = { ...kubernetes(), results: { passed_checks: [], failed_checks: [], skipped_checks: [] } };
    expect(faultOf(bytesOf([{ ...empty, summary: { passed: 0, failed: 0, skipped: 0 } }]), declared(REPOSITORY))).toBe(
      'empty-report',
    );
  });

  it('has the poster to say when it was, and of what?', () => {
    expect(parse(kubernetes(), REPOSITORY).observedAt).toBeNull();
    expect(faultOf(bytesOf(kubernetes()))).toBe('target-unknown');
    expect(faultOf(bytesOf(kubernetes()), declared('cluster/cluster'))).toBe('target-mismatch');
  });

  it('is a framework that cannot be read a reject, which leaves all of them open?', () => {
    const report = parse([kubernetes(), { ...kubernetes(), check_type: 'a b' }], REPOSITORY);
    expect(report.rejects).toEqual([{ pointer: '/1/check_type', reason: 'is no framework of Checkov' }]);
    expect(extents(report)).toEqual([['checkov/kubernetes', 'partial']]);
  });

  it('do code, committers, comments, absolute paths and digests of secrets stay out?', () => {
    const all = JSON.stringify(
      ['checkov/kubernetes.json', 'checkov/several.json'].map((name) => parse(fixture(name), REPOSITORY)),
    );
    expect(all).not.toMatch(/not-to-be-kept|Not Kept|not\.kept|2c26b46b/);
    expect(all).toContain('/deploy/config.yaml');
  });
});
