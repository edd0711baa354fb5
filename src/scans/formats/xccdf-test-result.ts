import type { CheckStatus, Severity, Target } from '../report.js';
import { ReportFault } from '../report.js';
import type { XmlElement } from '../text/xml-element.js';
import type { Draft } from './draft.js';
import { Evaluated } from './evaluated.js';
import { instant, OldestOf, slug, Unreadable } from './fields.js';
import { xccdfName, xccdfStatus } from './xccdf-results.js';

const SLUG = 'xccdf';
const XCCDF: readonly string[] = ['http://checklists.nist.gov/xccdf/1.1', 'http://checklists.nist.gov/xccdf/1.2'];
const ARF = 'http://scap.nist.gov/schema/asset-reporting-format/1.1';

/** Whether a root is of XCCDF, or of a collection of reports that hold such. */
export function isXccdf({ name, namespace }: XmlElement): boolean {
  if (namespace === ARF) return name === 'asset-report-collection';
  return XCCDF.includes(namespace) && (name === 'TestResult' || name === 'Benchmark');
}

/** A test result as it lies in its document. */
interface Found {
  result: XmlElement;
  /** Id of the benchmark around it; "" where there is none. */
  benchmark: string;
}

function testResultsIn(root: XmlElement): Found[] {
  if (!isXccdf(root)) return [];
  switch (root.name) {
    case 'TestResult':
      return [{ result: root, benchmark: '' }];
    case 'Benchmark':
      return root.all('TestResult').map((result) => ({ result, benchmark: root.attribute('id') }));
    default: {
      const reports = root.child('reports')?.all('report') ?? [];
      return reports.flatMap((report) => report.child('content')?.children.flatMap(testResultsIn) ?? []);
    }
  }
}

/** Reads test results, which a report may hold several of, into one draft. */
export class TestResults {
  private readonly evaluated = new Evaluated();
  private readonly made = new OldestOf();
  private readonly tools = new Set<string>();
  private readonly targets = new Set<string>();

  constructor(private readonly draft: Draft) {}

  /** `isWhole`: nothing outside of the document says that the scan failed. */
  read(root: XmlElement, pointer: string, isWhole: boolean, targetOf: (result: XmlElement) => Target): void {
    const titles = titlesIn(root);
    for (const [index, found] of testResultsIn(root).entries()) {
      this.readResult(found, `${pointer}/TestResult/${index}`, isWhole, targetOf(found.result), titles);
    }
  }

  /** Tells the draft what was looked at, by what and when. */
  finish(): void {
    const { draft } = this;
    const [tool, another] = this.tools;
    if (tool !== undefined && another === undefined) draft.tool = tool;
    draft.observedAt = this.made.instant;
    this.evaluated.cover(draft);
  }

  private readResult(
    { result, benchmark }: Found,
    pointer: string,
    isWhole: boolean,
    target: Target,
    titles: ReadonlyMap<string, string>,
  ): void {
    const { draft } = this;
    this.targets.add(`${target.kind}/${target.name} ${result.child('target')?.text ?? ''}`);
    if (this.targets.size > 1 && draft.declared.targets.length > 0) {
      throw new ReportFault('target-mismatch', 'The report holds results of several machines: post one for each.');
    }
    const system = testSystemOf(result);
    this.tools.add(system.tool);
    draft.toolVersion = system.version;
    const end = result.attribute('end-time');
    this.made.add(instant(end || result.attribute('start-time')));
    const hasEnd = /^\d{4}-\d\d-\d\dT/.test(end);
    if (!hasEnd) draft.note('A test result does not say when it ended, so it may be a part of one.');

    const scope = { target, source: sourceOf(result, benchmark) };
    const extent = isWhole && hasEnd ? 'complete' : 'partial';
    for (const [index, rule] of result.all('rule-result').entries()) {
      draft.attempt(`${pointer}/rule-result/${index}`, scope, () => {
        const check = rule.attribute('idref');
        const status = statusOf(rule);
        if (status === null) return;
        draft.add({
          ...scope,
          check,
          resource: target.name,
          namespace: null,
          title: titles.get(check) ?? check,
          status,
          severity: severityOf(rule),
          message: messageOf(rule),
        });
        this.evaluated.add(scope, extent, check);
      });
    }
  }
}

/** Titles of the rules by their ids, where the report holds the benchmark too. */
function titlesIn(root: XmlElement): Map<string, string> {
  const titles = new Map<string, string>();
  for (const element of root.walk()) {
    if (element.name !== 'Rule' || !XCCDF.includes(element.namespace)) continue;
    const title = element.child('title')?.text.replace(/\s+/g, ' ') ?? '';
    if (title !== '') titles.set(element.attribute('id'), title);
  }
  return titles;
}

/** `xccdf/benchmark/profile`: each profile sets values of its own, so that a rule may pass under one and fail under another. */
function sourceOf(result: XmlElement, around: string): string {
  const benchmark = result.child('benchmark')?.attribute('id') || around;
  const profile = result.child('profile')?.attribute('idref') ?? '';
  const parts = [benchmark, profile].filter((id) => id !== '').map((id) => slug(xccdfName(id)));
  return [SLUG, ...(parts.length === 0 ? ['unknown'] : parts)].join('/');
}

/** A name of the Common Platform Enumeration: `cpe:/a:redhat:openscap:1.3.4`, `cpe:2.3:a:…`. */
const CPE = /^cpe:(?:\/|2\.3:)[aho]:[^:]*:([^:]+)(?::([^:]*))?/;

function testSystemOf(result: XmlElement): { tool: string; version: string | null } {
  const system = result.attribute('test-system');
  const [, product = system, version = ''] = CPE.exec(system) ?? [];
  const tool = /openscap/i.test(system) ? 'openscap' : product === '' ? SLUG : slug(product);
  return { tool, version: version || null };
}

/** What a person overrode, in a file beside the scanner, is no pass: exceptions are approved in Safeguard. */
function statusOf(rule: XmlElement): CheckStatus | null {
  if (rule.children.filter(({ name }) => name === 'result').length > 1) {
    throw new Unreadable('/result', 'must be given once');
  }
  const status = xccdfStatus(rule.child('result')?.text ?? '');
  if (!isOverridden(rule) || status === 'fail' || status === 'error') return status;
  return status === null ? null : 'warn';
}

/** In whatever namespace: what is no pass must not become one because it is written in another. */
const isOverridden = (rule: XmlElement): boolean => rule.children.some(({ name }) => name === 'override');

const SEVERITIES: readonly Severity[] = ['high', 'medium', 'low', 'info'];

function severityOf(rule: XmlElement): Severity {
  const severity = rule.attribute('severity');
  return SEVERITIES.find((known) => known === severity) ?? 'unknown';
}

/** How others call the rule: configuration and control correlation identifiers, and the number of a STIG. What its check said may quote the machine. */
function messageOf(rule: XmlElement): string {
  const idents = rule.all('ident').map(({ text }) => text);
  const names = [rule.attribute('version'), ...idents].filter((name) => /^[A-Z0-9]{2,10}-[\w-]{1,30}$/.test(name));
  const parts = [names.join(', ')];
  if (rule.child('result')?.text === 'fixed') parts.push('failed, and was mended by the scan');
  if (isOverridden(rule)) parts.push('the result was overridden');
  return parts.filter((part) => part !== '').join('; ');
}
