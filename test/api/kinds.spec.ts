import type pg from 'pg';
import { beforeAll, describe, expect, it } from 'vitest';
import { startSuite, type Caller, type Clinic, type World } from '../support/app.js';
import { policyReport, send, type Finding } from './reports.js';

let world: World;
let clinic: Clinic;
let officer: Caller;
let admin: pg.Client;
beforeAll(async () => {
  const suite = await startSuite();
  ({ world, clinic, officer, admin } = suite);
  return suite.stop;
});

interface RowCounts {
  total: number;
  new: number;
  changed: number;
  unchanged: number;
  closed: number;
}
interface Scan {
  id: string;
  evidenceId: string;
  clusterName: string | null;
  clusterUid: string | null;
  flags: { code: string }[];
  counts: RowCounts & { rejected: number; facts?: RowCounts; events?: { total: number; new: number } };
}

const none: RowCounts = { total: 0, new: 0, changed: 0, unchanged: 0, closed: 0 };
const at = (day: number): string => `observedAt=2026-01-0${day}T00:00:00Z`;
const CLUSTER = 'targets=cluster/cluster';

/** A system of one's own, so that tests know nothing of each other. */
async function system() {
  const { id, path } = await clinic.system();
  const post = async (report: object | string, query: string): Promise<Scan> => {
    const text = typeof report === 'string' ? report : JSON.stringify(report);
    const answer = await send<Scan>(world.url, officer, 'POST', `${path}/scans?${query}`, { body: text });
    expect([answer.status, answer.body]).toEqual([201, expect.anything()]);
    return answer.body;
  };
  const count = async (table: 'result' | 'fact' | 'event' | 'scan' | 'coverage'): Promise<number> =>
    Number((await admin.query(`select count(*) from ${table} where system_id = $1`, [id])).rows[0].count);
  const list = async (what: string): Promise<Record<string, unknown>[]> =>
    (await officer.get(`${path}/${what}`).expect(200)).body.items as Record<string, unknown>[];
  return { id, path, post, count, list };
}

describe('does a report that says what an earlier one said add a scan and nothing else?', () => {
  const findings: Finding[] = [
    { check: 'a', result: 'fail' },
    { check: 'b', result: 'pass' },
  ];
  const report = (text = ''): string => policyReport(findings) + text;

  it('in other bytes: a scan with its own evidence, and no row of results', async () => {
    const { id, post, count } = await system();
    const first = await post(report(), `${CLUSTER}&${at(1)}`);
    const again = await post(report('\n'), `${CLUSTER}&${at(2)}`);
    expect(again.counts).toEqual({ ...none, total: 2, unchanged: 2, rejected: 0 });
    expect(again.evidenceId).not.toBe(first.evidenceId);
    expect([await count('result'), await count('scan')]).toEqual([2, 2]);
    const { rows } = await admin.query('select evidence_id from coverage where system_id = $1 order by observed_at', [
      id,
    ]);
    expect(rows.map((row) => String(row.evidence_id))).toEqual([first.evidenceId, again.evidenceId]);
  });

  it('is it merged all the same when something else was said since, or when it comes late?', async () => {
    const { post, list } = await system();
    await post(report(), `${CLUSTER}&${at(2)}`);
    await post(policyReport([{ check: 'a', result: 'pass' }, findings[1] as Finding]), `${CLUSTER}&${at(4)}`);
    expect((await post(report('\n'), `${CLUSTER}&${at(5)}`)).counts).toMatchObject({ changed: 1, unchanged: 1 });
    expect((await post(report('\n\n'), `${CLUSTER}&${at(1)}`)).counts).toMatchObject({ new: 2 });
    expect(await list('results?status=fail')).toHaveLength(1);
  });
});

describe('are facts kept as results are: by two clocks, closed by what covers them?', () => {
  const certificate = (name: string, notAfter: string): object => ({
    apiVersion: 'cert-manager.io/v1',
    kind: 'Certificate',
    metadata: { namespace: 'emr', name },
    spec: { secretName: `${name}-tls`, issuerRef: { kind: 'ClusterIssuer', name: 'clinic' } },
    status: { conditions: [{ type: 'Ready', status: 'True', reason: 'Ready' }], notAfter },
  });
  const certificates = (...items: object[]): object => ({ apiVersion: 'v1', kind: 'List', items });
  const january = '2027-01-01T00:00:00Z';

  it('new, unchanged, changed and closed', async () => {
    const { post, list, count, path } = await system();
    const first = await post(
      certificates(certificate('portal', january), certificate('api', january)),
      `${CLUSTER}&${at(1)}`,
    );
    expect(first.counts).toEqual({ ...none, rejected: 0, facts: { ...none, total: 2, new: 2 } });
    const changed = await post(certificates(certificate('portal', '2028-01-01T00:00:00Z')), `${CLUSTER}&${at(2)}`);
    expect(changed.counts.facts).toEqual({ ...none, total: 1, changed: 1, closed: 1 });
    expect(await list('facts')).toMatchObject([
      {
        kind: 'certificate',
        subject: 'emr/Certificate.cert-manager.io/portal',
        value: { expiresAt: '2028-01-01T00:00:00.000Z' },
      },
    ]);
    expect(await list('facts?asOf=2026-01-01T12:00:00Z')).toHaveLength(2);
    expect(await count('fact')).toBe(3);

    const late = await post(
      certificates(certificate('portal', january), certificate('api', january)),
      `${CLUSTER}&observedAt=2026-01-01T06:00:00Z`,
    );
    expect(late.counts.facts).toMatchObject({ total: 2, unchanged: 2 });
    const posture = await officer.get(`${path}/posture`).expect(200);
    expect(JSON.stringify(posture.body)).not.toContain('"evidenced":1');
  });

  it('a partial report closes none', async () => {
    const { post } = await system();
    await post(certificates(certificate('portal', january), certificate('api', january)), `${CLUSTER}&${at(1)}`);
    const partial = await post(certificates(certificate('api', january)), `${CLUSTER}&${at(2)}&partial=true`);
    expect(partial.counts.facts).toEqual({ ...none, total: 1, unchanged: 1 });
  });
});

describe('is a security event kept once, however often it is delivered?', () => {
  const event = (auditID: string, name: string): object => ({
    kind: 'Event',
    apiVersion: 'audit.k8s.io/v1',
    level: 'Metadata',
    auditID,
    stage: 'ResponseComplete',
    requestURI: `/api/v1/namespaces/emr/secrets/${name}`,
    verb: 'get',
    user: { username: 'jane' },
    sourceIPs: ['10.1.2.3'],
    objectRef: { resource: 'secrets', namespace: 'emr', name, apiVersion: 'v1' },
    responseStatus: { code: 200 },
    requestReceivedTimestamp: '2026-01-01T10:00:00.000001Z',
    stageTimestamp: '2026-01-01T10:00:00.000002Z',
    annotations: { 'authorization.k8s.io/decision': 'allow' },
  });

  it('in two reports, and the evidence of both is kept', async () => {
    const { post, list, count } = await system();
    const lines = [event('1', 'db'), event('2', 'tls')].map((line) => JSON.stringify(line)).join('\n');
    expect((await post(lines, '')).counts).toEqual({ ...none, rejected: 0, events: { total: 2, new: 2 } });
    const more = `${lines}\n${JSON.stringify(event('3', 'db'))}`;
    expect((await post(more, '')).counts.events).toEqual({ total: 3, new: 1 });
    expect([await count('event'), await count('scan')]).toEqual([3, 2]);
    expect(await list('events?category=secret-read')).toHaveLength(3);
  });
});

describe('is a report of another cluster taken, and flagged?', () => {
  const trivy = (ClusterName: string, severity: string): object => ({
    ClusterName,
    Resources: [
      {
        Namespace: 'emr',
        Kind: 'Pod',
        Name: 'portal',
        Results: [
          {
            Target: 'Pod/portal',
            Class: 'config',
            Type: 'kubernetes',
            MisconfSummary: { Successes: 1, Failures: 1 },
            Misconfigurations: [{ ID: 'KSV-0001', Title: 't', Status: 'FAIL', Severity: severity }],
          },
        ],
      },
    ],
  });
  const namespaces = (uid: string): object => ({
    apiVersion: 'v1',
    kind: 'NamespaceList',
    items: [{ metadata: { name: 'kube-system', uid } }],
  });

  it('by its name, as the same tool gave it', async () => {
    const { post } = await system();
    expect((await post(trivy('clinic-a', 'LOW'), at(1))).flags).toEqual([]);
    expect((await post(trivy('clinic-a', 'HIGH'), at(2))).flags).toEqual([]);
    const other = await post(trivy('clinic-b', 'LOW'), at(3));
    expect(other).toMatchObject({
      clusterName: 'clinic-b',
      flags: [{ code: 'cluster-name-differs' }],
      counts: { total: 1 },
    });
  });

  it('by the uid of its kube-system', async () => {
    const { post } = await system();
    expect(await post(namespaces('aaaa'), `${CLUSTER}&${at(1)}`)).toMatchObject({ clusterUid: 'aaaa', flags: [] });
    expect((await post(namespaces('bbbb'), `${CLUSTER}&${at(2)}`)).flags).toMatchObject([
      { code: 'cluster-uid-differs' },
    ]);
  });
});
