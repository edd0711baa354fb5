import { describe, expect, it } from 'vitest';
import { bytesOf, declared, faultOf, fixture, fixtureNames, golden } from '../../../test/fixtures/reports/load.js';
import type { Report } from '../report.js';
import { parseReport } from './index.js';

const parse = (document: unknown): Report =>
  parseReport(Buffer.isBuffer(document) ? document : bytesOf(document), { declared: declared() });

const event = (extra: object = {}) => ({
  kind: 'Event',
  apiVersion: 'audit.k8s.io/v1',
  level: 'Metadata',
  auditID: 'a',
  stage: 'ResponseComplete',
  requestURI: '/',
  verb: 'get',
  user: { username: 'alice', groups: ['system:authenticated'] },
  sourceIPs: ['10.0.0.1'],
  responseStatus: { metadata: {}, code: 200 },
  requestReceivedTimestamp: '2026-03-01T10:00:00.000001Z',
  stageTimestamp: '2026-03-01T10:00:00.100000Z',
  annotations: { 'authorization.k8s.io/decision': 'allow' },
  ...extra,
});
/** `verb group/resource/subresource`. */
const request = (verb: string, where: string, extra: object = {}) => {
  const [apiGroup = '', resource = '', subresource = ''] = where.split('/');
  return event({ verb, objectRef: { apiGroup, resource, subresource, namespace: 'clinic', name: 'x' }, ...extra });
};
const categories = (...events: object[]): string[] => parse(events).events.map(({ category }) => category);

describe('audit log of Kubernetes', () => {
  it.each(fixtureNames('k8s-audit-events'))('does %s give its golden events?', (name) => {
    const report = parse(fixture(name));
    expect(report).toEqual(golden(name, report));
  });

  it.each([
    ['create', '/pods/exec', 'exec'],
    ['get', '/pods/exec', 'exec'],
    ['create', '/pods/attach', 'exec'],
    ['create', '/pods/portforward', 'exec'],
    ['get', '/services/proxy', 'exec'],
    ['get', '/nodes/proxy', 'exec'],
    ['patch', '/pods/ephemeralcontainers', 'exec'],
    ['get', '/secrets', 'secret-read'],
    ['list', '/secrets', 'secret-read'],
    ['watch', '/secrets', 'secret-read'],
    ['create', 'rbac.authorization.k8s.io/clusterrolebindings', 'rbac-change'],
    ['deletecollection', 'rbac.authorization.k8s.io/roles', 'rbac-change'],
    ['update', 'networking.k8s.io/networkpolicies', 'policy-change'],
    ['delete', 'admissionregistration.k8s.io/validatingwebhookconfigurations', 'policy-change'],
    ['create', 'constraints.gatekeeper.sh/k8srequiredlabels', 'policy-change'],
    ['patch', 'kyverno.io/clusterpolicies', 'policy-change'],
  ])('is %s of %s of the category %s?', (verb, where, category) => {
    expect(categories(request(verb, where))).toEqual([category]);
  });

  it.each([
    ['get', '/pods'],
    ['create', '/pods'],
    ['get', '/pods/log'],
    ['get', '/pods/ephemeralcontainers'],
    ['create', '/secrets'],
    ['get', 'other.example/secrets'],
    ['create', 'other.example/pods/exec'],
    ['get', 'rbac.authorization.k8s.io/roles'],
    ['create', 'authorization.k8s.io/subjectaccessreviews'],
    ['update', 'networking.k8s.io/ingresses'],
    ['patch', 'networking.k8s.io/networkpolicies/status'],
    ['update', 'kyverno.io/updaterequests'],
  ])('is %s of %s of no category, and counted?', (verb, where) => {
    const report = parse(request(verb, where));
    expect(report.events).toEqual([]);
    expect(report.notes).toEqual(['Entries that concern security: 0 of 1. The others are counted and not kept.']);
  });

  it.each([
    ['forbidden by RBAC', { annotations: { 'authorization.k8s.io/decision': 'forbid' } }, ['denied']],
    ['401', { responseStatus: { code: 401 } }, ['denied']],
    ['403', { responseStatus: { code: 403 } }, ['denied']],
    [
      'refused by a webhook',
      { responseStatus: { code: 400, message: 'admission webhook "a.b" denied the request: no' } },
      ['denied'],
    ],
    [
      'refused by a policy',
      { responseStatus: { code: 422, message: "x is forbidden: ValidatingAdmissionPolicy 'p' denied request: no" } },
      ['denied'],
    ],
    ['404: nothing was read', { responseStatus: { code: 404 } }, []],
    ['500: it may have been read', { responseStatus: { code: 500 } }, ['secret-read']],
    ['without a status', { responseStatus: undefined }, ['secret-read']],
    ['in a panic', { stage: 'Panic', responseStatus: { code: 500 } }, ['secret-read']],
  ])('what is a read of a Secret that is %s?', (_, extra, expected) => {
    expect(categories(request('get', '/secrets', extra))).toEqual(expected);
  });

  it('what of that which nobody in particular does?', () => {
    const nobody = { user: { username: 'system:anonymous', groups: ['system:unauthenticated'] } };
    expect(categories(request('get', '/secrets', nobody))).toEqual(['anonymous-access']);
    expect(categories(event({ ...nobody, requestURI: '/metrics' }))).toEqual(['anonymous-access']);
    expect(categories(event({ ...nobody, requestURI: '/metrics', responseStatus: { code: 401 } }))).toEqual(['denied']);
    expect(categories(event({ user: { groups: ['system:unauthenticated'] } }))).toEqual(['anonymous-access']);
    // What the default roles let everybody see.
    for (const requestURI of ['/livez?verbose', '/readyz/etcd', '/version'])
      expect(categories(event({ ...nobody, requestURI }))).toEqual([]);
    // An object that is called like it.
    expect(categories(request('get', '/pods', { ...nobody, requestURI: '/version' }))).toEqual(['anonymous-access']);
  });

  it('does a request without a reference say by its path what it is about?', () => {
    const at = (requestURI: string) =>
      parse(event({ verb: 'list', requestURI })).events.map(({ resource }) => resource);
    expect(at('/api/v1/namespaces/clinic/secrets?limit=500')).toEqual(['clinic/secrets']);
    expect(at('/api/v1/secrets')).toEqual(['secrets']);
    expect(at('/api/v1/namespaces/secrets')).toEqual([]);
    expect(at('/apis/rbac.authorization.k8s.io/v1')).toEqual([]);
  });

  it('does a request that lasts give one event, whichever of its entries is there?', () => {
    const exec = (stage: string, stageTimestamp: string) =>
      request('create', '/pods/exec', { stage, stageTimestamp, responseStatus: { code: 101 } });
    const begun = parse(exec('ResponseStarted', '2026-03-01T10:00:01Z'));
    const ended = parse(exec('ResponseComplete', '2026-03-01T11:00:00Z'));
    expect(begun.events).toMatchObject([{ id: 'a/ResponseStarted', at: '2026-03-01T10:00:00.000Z' }]);
    expect(ended.events).toEqual(begun.events);
    expect(ended.observedAt).toBe('2026-03-01T11:00:00.000Z');
    const came = parse(exec('RequestReceived', '2026-03-01T10:00:00Z'));
    expect(came.events).toEqual([]);
    expect(came.notes).toContain('Entries that say only that a request came in: 1.');
  });

  it('is the address taken that a client cannot choose?', () => {
    expect(parse(request('get', '/secrets', { sourceIPs: ['1.1.1.1', '2.2.2.2', '10.0.0.9'] })).events).toMatchObject([
      { sourceIp: '10.0.0.9' },
    ]);
  });

  it('do no bodies, commands and claims leave the reader, and are bodies of Secrets noted?', () => {
    const report = parse(fixture('k8s-audit-events/lines.ndjson'));
    expect(JSON.stringify(report)).not.toMatch(/not-to-be-kept|bm90LXRv|psql/);
    expect(report.notes.join()).toContain('The log holds bodies of Secrets');
  });

  it('is it told from events of the core group, and are those rejected in a log?', () => {
    const core = { apiVersion: 'v1', kind: 'Event', metadata: { name: 'x' }, reason: 'Pulled' };
    expect(faultOf(bytesOf(core))).not.toBe('');
    expect(faultOf(bytesOf(core), declared(), 'k8s-audit-events')).toBe('wrong-format');
    expect(parse([event(), core]).rejects).toEqual([{ pointer: '/1', reason: 'is no audit event' }]);
  });

  it.each([
    [{ apiVersion: 'audit.k8s.io/v2' }, '/1/apiVersion'],
    [{ stage: 'Later' }, '/1/stage'],
    [{ auditID: '' }, '/1/auditID'],
    [{ verb: 7 }, '/1/verb'],
    [{ stageTimestamp: '2026-03-01T10:00:00' }, '/1/stageTimestamp'],
    [{ responseStatus: { code: 1e300 } }, '/1'],
    [{ responseStatus: { code: '403' } }, '/1/code'],
    [{ objectRef: 'pods' }, '/1/objectRef'],
    [{ sourceIPs: [1] }, '/1/sourceIPs/0'],
  ])('is an entry with %j rejected?', (odd, pointer) => {
    const report = parse([event(), event(odd)]);
    expect(report.rejects.map((reject) => reject.pointer)).toEqual([pointer]);
    expect(report.coverage).toMatchObject([{ source: 'kubernetes-audit', extent: 'partial' }]);
  });

  it('is JSON within JSON read as strictly as the report itself?', () => {
    const azure = (log: unknown) => ({ category: 'kube-audit', properties: { log } });
    const twice = JSON.stringify(event()).replace('{', '{"verb":"list",');
    const report = parse([
      azure(JSON.stringify(request('get', '/secrets'))),
      azure(twice),
      azure('{"kind"'),
      azure('['.repeat(100)),
      azure('7'),
      azure(null),
      azure(['x']),
    ]);
    expect(report.events).toHaveLength(1);
    expect(report.rejects.map(({ pointer, reason }) => `${pointer} ${reason}`)).toEqual([
      '/1/properties/log holds no JSON that can be read (duplicate-key)',
      '/2/properties/log holds no JSON that can be read (truncated)',
      '/3/properties/log holds no JSON that can be read (too-deep)',
      '/4/properties/log must be an object',
      '/5/properties/log must be an object',
      '/6/properties/log must be an object',
    ]);
  });

  it('is a log of two clusters refused?', () => {
    const azure = (name: string) => ({
      category: 'kube-audit',
      resourceId: `/subscriptions/0/providers/Microsoft.ContainerService/managedClusters/${name}`,
      properties: { log: event() },
    });
    expect(parse([azure('emr'), azure('EMR')]).clusterName).toBe('emr');
    expect(faultOf(bytesOf([azure('emr'), azure('other')]))).toBe('target-mismatch');
  });

  it('does a log without entries prove nothing?', () => {
    const empty = { kind: 'EventList', apiVersion: 'audit.k8s.io/v1', items: [] };
    expect(faultOf(bytesOf(empty))).toBe('empty-report');
    expect(faultOf(bytesOf(event()), declared('cluster/cluster'))).toBe('target-mismatch');
  });
});
