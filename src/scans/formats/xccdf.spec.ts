import { describe, expect, it } from 'vitest';
import { bytesOf, declared, faultOf, fixture, golden, parsed } from '../../../test/fixtures/reports/load.js';
import type { Report } from '../report.js';
import { ReportFault } from '../report.js';
import { parseReport } from './index.js';

const RESULT = 'xccdf/testresult.xml';
const BENCHMARK = 'xccdf/benchmark-1.1.xml';
const ARF = 'xccdf/arf.xml';
const OF_NODE = 'xccdf/configmap-of-node.yaml';
const OF_CLUSTER = 'xccdf/configmaps-compressed.json';
const NAMESPACE = 'http://checklists.nist.gov/xccdf/1.2';

const textOf = (name: string): string => fixture(name).toString();
const read = (xml: string, ...targets: string[]): Report => parsed(Buffer.from(xml), ...targets);
/** A result of one rule, of which `inside` is said, on a machine called `a`. */
const rule = (inside: string, attributes = 'idref="r"') =>
  `<TestResult xmlns="${NAMESPACE}" end-time="2026-06-01T08:00:00Z"><target>a</target><rule-result ${attributes}>${inside}</rule-result></TestResult>`;
const passes = ({ results }: Report): number => results.filter(({ status }) => status === 'pass').length;

describe('XCCDF', () => {
  it.each([RESULT, BENCHMARK, ARF, OF_NODE, OF_CLUSTER])('does %s give its golden rows?', (name) => {
    const report = parsed(fixture(name));
    expect(report).toEqual(golden(name, report));
  });

  it.each([
    ['pass', 'pass'],
    ['fail', 'fail'],
    ['error', 'error'],
    ['unknown', 'error'],
    ['fixed', 'warn'],
    ['notchecked', 'manual'],
    ['notapplicable', 'skip'],
    ['informational', 'skip'],
  ])('is %s a %s?', (result, status) => {
    expect(read(rule(`<result>${result}</result>`)).results).toMatchObject([{ status }]);
  });

  it('is a rule that was not selected left out, and does a result of nothing else prove nothing?', () => {
    const text = textOf(RESULT);
    expect(parsed(fixture(RESULT)).results.map(({ check }) => check)).not.toContain(
      'xccdf_org.ssgproject.content_rule_left_out',
    );
    expect(faultOf(Buffer.from(rule('<result>notselected</result>')))).toBe('empty-report');
    expect(faultOf(Buffer.from(text.replace(/<rule-result[^]*<\/rule-result>/, '')))).toBe('empty-report');
    expect(faultOf(Buffer.from(`<Benchmark xmlns="${NAMESPACE}" id="b"/>`))).toBe('empty-report');
  });

  it.each([
    ['a result that is none', '<result>passed</result>', 'idref="r"'],
    ['an empty one', '<result/>', 'idref="r"'],
    ['none', '', 'idref="r"'],
    ['one of another namespace', '<result xmlns="urn:other">pass</result>', 'idref="r"'],
    ['no rule', '<result>pass</result>', ''],
  ])('is a rule with %s rejected, and does it leave its source open?', (_what, inside, attributes) => {
    const other = '<rule-result idref="other"><result>fail</result></rule-result>';
    const report = read(rule(inside, attributes).replace('</TestResult>', `${other}</TestResult>`));
    expect(report.results).toMatchObject([{ check: 'other' }]);
    expect(report.rejects).toMatchObject([
      { pointer: expect.stringContaining('/TestResult/0/rule-result/0') as unknown },
    ]);
    expect(report.coverage).toMatchObject([{ extent: 'partial', checks: null }]);
  });

  it.each([
    ['pass', 'warn'],
    ['notapplicable', 'warn'],
    ['notchecked', 'warn'],
    ['fail', 'fail'],
    ['error', 'error'],
  ])('is a %s that somebody overrode a %s?', (result, status) => {
    const override = '<override authority="jane"><old-result>fail</old-result></override>';
    expect(read(rule(`<result>${result}</result>${override}`)).results).toMatchObject([
      { status, message: 'the result was overridden' },
    ]);
  });

  it('is one that is overridden in another namespace no pass either?', () => {
    expect(read(rule('<result>pass</result><override xmlns="urn:other"/>')).results).toMatchObject([
      { status: 'warn' },
    ]);
  });

  it('does the worst of several instances of a rule stand?', () => {
    const again = (result: string) => `<rule-result idref="r"><result>${result}</result></rule-result>`;
    const text = rule('<result>pass</result>').replace(
      '</TestResult>',
      `${again('fail')}${again('pass')}</TestResult>`,
    );
    expect(read(text).results).toMatchObject([{ check: 'r', status: 'fail' }]);
  });

  it('is a result complete for what it evaluated, if it says that it ended?', () => {
    expect(parsed(fixture(ARF)).coverage).toMatchObject([
      {
        extent: 'complete',
        checks: [
          'xccdf_org.ssgproject.content_rule_package_audit_installed',
          'xccdf_org.ssgproject.content_rule_no_empty_passwords',
        ],
        silentPass: [],
      },
    ]);
    for (const end of ['', 'end-time=""', 'end-time="soon"']) {
      const endless = textOf(ARF).replace(/end-time="[^"]*"/, end);
      expect(read(endless).coverage).toMatchObject([{ extent: 'partial', checks: null }]);
    }
  });

  it.each([
    ['start-time="2026-06-01T08:00:00+02:00" end-time="2026-06-01T08:02:00+02:00"', '2026-06-01T06:02:00.000Z'],
    ['start-time="2026-06-01T08:00:00+02:00"', '2026-06-01T06:00:00.000Z'],
    ['start-time="2026-06-01T08:00:00+02:00" end-time="2026-06-01T08:02:00"', null],
    ['', null],
  ])('was it so, by %j, at %j?', (times, at) => {
    expect(read(textOf(ARF).replace(/start-time="[^"]*" end-time="[^"]*"/, times)).observedAt).toBe(at);
  });

  it('are a benchmark and its profiles sources apart?', () => {
    const sources = [RESULT, BENCHMARK, ARF, OF_NODE, OF_CLUSTER].map(
      (name) => parsed(fixture(name)).coverage[0]?.source,
    );
    expect(sources).toEqual([
      'xccdf/rhcos-4/cis',
      'xccdf/rhel-9-stig/mac-1-sensitive',
      'xccdf/rhel-9/hipaa',
      'xccdf/rhcos-4/clinic',
      'xccdf/ocp-4/cis',
    ]);
    expect(read(rule('<result>pass</result>')).coverage).toMatchObject([
      { source: 'xccdf/unknown', extent: 'partial' },
    ]);
  });

  it.each([
    ['cpe:/a:redhat:openscap:1.3.4', 'openscap', '1.3.4'],
    ['cpe:2.3:a:redhat:openscap:1.4.0:*:*:*:*:*:*:*', 'openscap', '1.4.0'],
    ['OpenSCAP', 'openscap', null],
    ['cpe:/a:spawar:scc:5.4', 'scc', '5.4'],
    ['cpe:/a:joval:scanner', 'scanner', null],
    ['', 'xccdf', null],
  ])('is %j the tool %s of version %j?', (system, tool, toolVersion) => {
    const text = rule('<result>pass</result>').replace('<TestResult', `<TestResult test-system="${system}"`);
    expect(read(text)).toMatchObject({ tool, toolVersion });
  });

  describe('what is it about?', () => {
    const named = (name: string, facts = '') =>
      rule('<result>pass</result>').replace('<target>a</target>', `<target>${name}</target>${facts}`);
    const chroot = '<target-facts><fact name="urn:xccdf:fact:identifier">chroot:///host</fact></target-facts>';

    it.each([
      ['worker-1.clinic.example', undefined, 'node/worker-1.clinic.example'],
      ['worker-1.clinic.example', 'node/worker-1', 'node/worker-1'],
      ['WORKER-1', 'node/worker-1.clinic.example', 'node/worker-1.clinic.example'],
      ['worker-1', 'cluster/cluster', 'cluster/cluster'],
      ['docker-image://sha256:11', 'image/registry.example/app:1', 'image/registry.example/app:1'],
      ['chroot:///host', 'node/worker-1', 'node/worker-1'],
      ['localhost.localdomain', 'node/worker-1', 'node/worker-1'],
      ['10.0.0.7', 'node/worker-1', 'node/worker-1'],
      ['worker-1', 'node/10.0.0.7', 'node/10.0.0.7'],
    ])('%s, declared %s: %s', (name, target, expected) => {
      const { coverage } = target === undefined ? read(named(name)) : read(named(name), target);
      expect(coverage.map((covered) => `${covered.target.kind}/${covered.target.name}`)).toEqual([expected]);
    });

    it.each(['', 'localhost', 'localhost.localdomain', '127.0.0.1', '::1', 'unknown', 'chroot:///host'])(
      'does %j name no machine?',
      (name) => {
        expect(faultOf(Buffer.from(named(name)))).toBe('target-unknown');
      },
    );

    it.each([
      ['worker-1', 'node/worker-11'],
      ['worker-1.clinic.example', 'node/worker-1.other.example'],
      ['10.0.0.7', 'node/10.0.0.8'],
      ['worker-1', 'cluster/prod'],
      ['worker-1', 'namespace/emr'],
    ])('does %s contradict the declaration %s?', (name, target) => {
      expect(faultOf(Buffer.from(named(name)), declared(target))).toBe('target-mismatch');
    });

    it.each([
      ['cpe:/o:redhat:enterprise_linux:8', 'target-mismatch'],
      ['cpe:2.3:o:microsoft:windows_server_2022:-', 'target-mismatch'],
      ['cpe:/o:redhat:openshift_container_platform_node:4', 'target-mismatch'],
      ['cpe:/o:redhat:openshift_container_platform:4', ''],
      ['cpe:/a:redhat:openshift_container_platform:4.1', ''],
      ['cpe:/a:machine', ''],
    ])('is a result on the platform %s of the cluster?', (platform, fault) => {
      const result = named('scan-pod-x7', `<platform idref="${platform}"/>`);
      expect(faultOf(Buffer.from(result), declared('cluster/cluster'))).toBe(fault);
      expect(faultOf(Buffer.from(result), declared('node/scan-pod-x7'))).toBe('');
      const map = {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: 'x' },
        data: { results: result, 'exit-code': '0' },
      };
      expect(faultOf(Buffer.from(JSON.stringify(map)))).toBe(fault);
    });

    it('is what a container found in the machine around it not of the cluster, though nothing else says so?', () => {
      expect(faultOf(Buffer.from(named('scan-pod-x7', chroot)), declared('cluster/cluster'))).toBe('target-mismatch');
      const unannotated = textOf(OF_NODE).replace('openscap-scan-result/node', 'other');
      expect(faultOf(Buffer.from(unannotated))).toBe('target-mismatch');
    });

    it('is the name of a container that scans the machine around it no contradiction?', () => {
      expect(faultOf(Buffer.from(named('scan-pod-x7', chroot)), declared('node/worker-1'))).toBe('');
    });

    it('are an address and a name among the facts names too?', () => {
      for (const target of ['node/10.0.0.7', 'node/worker-1'])
        expect(faultOf(fixture(RESULT), declared(target))).toBe('');
      expect(faultOf(fixture(BENCHMARK), declared('node/emr-db.clinic.example'))).toBe('');
    });

    it('are two targets, or two machines under one declaration, refused?', () => {
      expect(faultOf(fixture(RESULT), declared('node/worker-1', 'node/worker-2'))).toBe('target-mismatch');
      const two = textOf(BENCHMARK).replace(
        /<cdf:TestResult[^]*<\/cdf:TestResult>/,
        (one) => one + one.replace('EMR-DB', 'EMR-X'),
      );
      expect(read(two).coverage.map(({ target }) => target.name)).toEqual(['EMR-DB', 'EMR-X']);
      expect(faultOf(Buffer.from(two), declared('node/emr-db'))).toBe('target-mismatch');
    });
  });

  describe('ConfigMaps of the Compliance Operator', () => {
    type ConfigMap = { metadata: Record<string, unknown>; data: Record<string, unknown> };
    const maps = () => (JSON.parse(textOf(OF_CLUSTER)) as { items: ConfigMap[] }).items;
    const post = (change: (map: ConfigMap) => void, ...targets: string[]): Report => {
      const [map] = maps();
      change(map!);
      return parsed({ apiVersion: 'v1', kind: 'ConfigMap', ...map }, ...targets);
    };

    it('are results without a node those of the cluster, and others of their node?', () => {
      expect(parsed(fixture(OF_CLUSTER), 'cluster/cluster').coverage).toMatchObject([{ target: { kind: 'cluster' } }]);
      expect(faultOf(fixture(OF_CLUSTER), declared('node/worker-1'))).toBe('target-mismatch');
      expect(parsed(fixture(OF_NODE), 'node/worker-1').coverage).toMatchObject([{ target: { name: 'worker-1' } }]);
      expect(faultOf(fixture(OF_NODE), declared('node/worker-2'))).toBe('target-mismatch');
      expect(faultOf(fixture(OF_NODE), declared('cluster/cluster'))).toBe('target-mismatch');
    });

    it('does one without a name, or with an empty node, belong nowhere?', () => {
      for (const metadata of [{}, { name: 'x', annotations: { 'openscap-scan-result/node': '' } }]) {
        const report = post((map) => {
          map.metadata = metadata;
        });
        expect(report).toMatchObject({ results: [], coverage: [], rejects: [{}] });
      }
    });

    it('is it seen by the results themselves whether they are compressed?', () => {
      const plain = post((map) => {
        map.metadata['annotations'] = {};
      });
      expect(plain.results).toHaveLength(2);
    });

    it.each([
      ['0', 'complete'],
      ['2', 'complete'],
      ['1', 'partial'],
      ['', 'partial'],
      ['0 ', 'partial'],
      [undefined, 'partial'],
    ])('does exit code %j make it %s?', (code, extent) => {
      const report = post((map) => {
        map.data['exit-code'] = code;
      });
      expect(report.coverage).toMatchObject([{ extent }]);
    });

    it.each([
      ['cut', (results: string) => results.slice(0, 200)],
      ['no base64', () => 'TestResult'],
      ['no XCCDF', () => '<TestResult>'],
      ['other bytes', () => Buffer.from('<TestResult/>').toString('base64')],
      ['a number', () => 7],
    ])('are compressed results that are %s rejected, and those beside them read?', (_what, change) => {
      const [broken, failed] = maps();
      broken!.data['results'] = change(broken!.data['results'] as string);
      const items = [...maps().slice(0, 1), broken, failed];
      const report = parsed({
        apiVersion: 'v1',
        kind: 'List',
        items: items.map((item) => ({ apiVersion: 'v1', kind: 'ConfigMap', ...item })),
      });
      expect(report.results).toHaveLength(2);
      expect(report.rejects).toMatchObject([{ pointer: expect.stringContaining('/items/1/data/results') as unknown }]);
      expect(report.coverage).toMatchObject([{ extent: 'partial' }]);
    });

    it('is a scan that failed before it had results noted, and does it alone prove nothing?', () => {
      expect(parsed(fixture(OF_CLUSTER)).notes.join()).toContain('left out');
      const [, failed] = maps();
      const alone = bytesOf({
        apiVersion: 'v1',
        kind: 'List',
        items: [{ apiVersion: 'v1', kind: 'ConfigMap', ...failed }],
      });
      expect(faultOf(alone, declared(), 'xccdf')).toBe('wrong-format');
    });

    it('is another object among them rejected?', () => {
      const items = [...maps(), { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'x' } }];
      const report = parsed({ apiVersion: 'v1', kind: 'ConfigMapList', items });
      expect(report).toMatchObject({ rejects: [{ pointer: '/items/2/kind' }], coverage: [{ extent: 'partial' }] });
    });
  });

  it('does an attribute or element that is missing never make a pass or close anything more?', () => {
    for (const name of [RESULT, BENCHMARK, ARF]) {
      const text = textOf(name);
      const intact = parsed(fixture(name));
      const closed = JSON.stringify(intact.coverage);
      for (const part of text.matchAll(/\s[\w:-]+="[^"]*"|<([\w:-]+)[^<>]*>[^<>]*<\/\1>/g)) {
        const without = text.slice(0, part.index) + text.slice(part.index + part[0].length);
        let report: Report;
        try {
          report = parseReport(Buffer.from(without), { declared: declared() });
        } catch (error) {
          expect(error).toBeInstanceOf(ReportFault);
          continue;
        }
        expect(passes(report), part[0]).toBeLessThanOrEqual(passes(intact));
        for (const { checks } of report.coverage) for (const check of checks ?? []) expect(closed).toContain(check);
      }
    }
  });

  it('do values, messages, instances, identities and reasons of people stay behind?', () => {
    const all = [RESULT, BENCHMARK, ARF, OF_NODE, OF_CLUSTER].map((name) => parsed(fixture(name)));
    expect(JSON.stringify(all)).not.toMatch(/hunter2|jane/);
  });

  it('is XML of something else told by its root?', () => {
    const run = (text: string) => () => read(text);
    expect(run('<testsuites/>')).toThrow(/^unknown-format: .*it is XML whose root is testsuites/);
    expect(run('<TestResult xmlns="urn:other"/>')).toThrow(/^unknown-format/);
    expect(run(`<Rule xmlns="${NAMESPACE}"/>`)).toThrow(/^unknown-format/);
    expect(faultOf(Buffer.from('<testsuites/>'), declared(), 'xccdf')).toBe('wrong-format');
  });
});
