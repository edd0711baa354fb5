import { describe, expect, it } from 'vitest';
import {
  bytesOf,
  declared,
  faultOf,
  fixture,
  fixtureNames,
  golden,
  parsed,
} from '../../../test/fixtures/reports/load.js';

const policy = (...rules: unknown[]) => ({ apiVersion: 'audit.k8s.io/v1', kind: 'Policy', rules });
const host = (file: unknown, name = 'control-1') => ({
  apiVersion: 'hostdata.kubescape.cloud/v1beta0',
  kind: 'ControlPlaneInfo',
  metadata: { name },
  data: { APIServerInfo: { auditPolicyFile: file } },
});
const content = (text: string) => ({ content: Buffer.from(text).toString('base64') });
const MINIMAL = JSON.stringify(policy({ level: 'Metadata' }));

describe('Kubernetes audit policy', () => {
  it.each(fixtureNames('k8s-audit-policy'))('does %s give its golden facts and results?', (name) => {
    const report = parsed(fixture(name), 'cluster/cluster');
    expect(report).toEqual(golden(name, report));
    expect(JSON.stringify(report)).not.toMatch(/not-to-be-kept|not\.kept/);
  });

  it('does a rule about some names stay one about these?', () => {
    const { value } = parsed(fixture('k8s-audit-policy/policy.yaml')).facts[0]!;
    expect(value).toMatchObject({
      rules: [
        { level: 'None', resources: [{ group: '', resources: ['endpoints'], names: ['controller-leader'] }] },
        { resources: [{ group: '' }, { group: 'authentication.k8s.io', resources: [] }] },
        {},
        { level: 'RequestResponse', resources: [] },
      ],
    });
  });

  it('are people in a rule somebody, and not left out?', () => {
    const { value } = parsed(policy({ level: 'None', users: ['system:admin', 'a@clinic.example', 'b'] })).facts[0]!;
    expect(value).toMatchObject({ rules: [{ users: ['system:admin', '(other)'] }] });
  });

  it.each([[[]], [[{ level: 'metadata' }]], [[{}]], [['Metadata']], [[{ level: 'None', resources: ['secrets'] }]]])(
    'is a policy of the rules %j rejected?',
    (rules) => {
      expect(parsed(policy(...rules), 'cluster/cluster')).toMatchObject({
        results: [],
        facts: [],
        rejects: [{}],
        coverage: [{ extent: 'partial' }],
      });
    },
  );

  it('is the file of each node its own, and a node without one told?', () => {
    const report = parsed([host(content(MINIMAL)), host(content(MINIMAL), 'control-2'), host(undefined, 'control-3')]);
    expect(report.facts.map(({ source, subject }) => [source, subject])).toEqual([
      ['kubescape/ControlPlaneInfo', 'Node/control-1'],
      ['kubescape/ControlPlaneInfo', 'Node/control-2'],
    ]);
    expect(report.notes).toEqual(['A node of the control plane has no audit policy file.']);
    expect([...new Set(report.results.map(({ source, resource }) => `${source} ${resource}`))]).toEqual([
      'kubernetes/ControlPlaneInfo Node/control-1',
      'kubernetes/ControlPlaneInfo Node/control-2',
    ]);
  });

  it.each([
    {},
    { content: '' },
    { content: '%%%' },
    content(''),
    content('hello'),
    content('{"kind": "Policy"}'),
    content(`${MINIMAL}\n${MINIMAL}`),
    content(MINIMAL.slice(0, -5)),
    content('&a [*a]'),
    { content: 7 },
  ])('is the file %j of a node rejected?', (file) => {
    expect(parsed(host(file), 'cluster/cluster')).toMatchObject({
      results: [],
      facts: [],
      rejects: [{ pointer: '/data/APIServerInfo/auditPolicyFile/content' }],
      // Of the fact, and of the results.
      coverage: [{ extent: 'partial' }, { extent: 'partial' }],
    });
  });

  it('are two policies refused, for one of them is not in force?', () => {
    const one = policy({ level: 'Metadata' });
    expect(faultOf(bytesOf([one, one]))).toBe('malformed-report');
    expect(faultOf(bytesOf(one), declared('namespace/clinic'))).toBe('target-mismatch');
  });

  it('is an audit event no policy?', () => {
    const event = { apiVersion: 'audit.k8s.io/v1', kind: 'Event' };
    expect(faultOf(bytesOf(event), declared(), 'k8s-audit-policy')).toBe('wrong-format');
    expect(parsed([policy({ level: 'None' }), event]).rejects).toMatchObject([{ pointer: '/1/kind' }]);
  });
});
