import type pg from 'pg';
import type { Response } from 'supertest';
import { beforeAll, describe, expect, it } from 'vitest';
import { newId } from '../../src/kernel/ids.js';
import type { FactValue } from '../../src/results/fact.js';
import { targetId } from '../../src/results/series.js';
import { startSuite, type Caller, type Clinic } from '../support/app.js';
import { holdEvent, holdFact, type HeldFact } from '../support/held.js';

let clinic: Clinic;
let officer: Caller;
let admin: pg.Client;

beforeAll(async () => {
  const suite = await startSuite();
  ({ clinic, officer, admin } = suite);
  return suite.stop;
});

/** A system of its own, with the targets that facts are of. */
async function system() {
  const { id, path } = await clinic.system();
  const of = { organizationId: clinic.organizationId, systemId: id };
  await admin.query(`insert into target values ($1, $2, $3, 'cluster', 'cluster'), ($1, $2, $4, 'account', 'aws/1')`, [
    of.organizationId,
    of.systemId,
    targetId('cluster', 'cluster'),
    targetId('account', 'aws/1'),
  ]);
  return {
    path,
    fact: (said: Partial<HeldFact>) => holdFact(admin, of, said),
    event: (said: Parameters<typeof holdEvent>[2], knownAt?: Date) => holdEvent(admin, of, said, knownAt),
    facts: async (query = '') => (await officer.get(`${path}/facts?${query}`).expect(200)).body.items as Fact[],
    events: async (query = '') =>
      ((await officer.get(`${path}/events?${query}`).expect(200)).body.items as Event[]).map(
        ({ nativeId }) => nativeId,
      ),
  };
}

/** By the links that each page gives to the next. */
async function everyPage<Item>(path: string): Promise<Item[]> {
  const { body, headers }: Response = await officer.get(path).expect(200);
  const next = /<(.+)>; rel="next"/.exec(headers['link'] ?? '')?.[1];
  return [...(body.items as Item[]), ...(next === undefined ? [] : await everyPage<Item>(next))];
}

interface Event {
  nativeId: string;
}

interface Fact {
  series: string;
  subject: string;
  value: object;
}

const day = (number: number): Date => new Date(Date.UTC(2026, 0, number));
const iso = (number: number): string => day(number).toISOString();

const key = (state: string): FactValue<'key'> => ({
  provider: 'aws-kms',
  keyId: 'arn:aws:kms:eu-central-1:1:key/2',
  state,
  enabled: state === 'Enabled',
  purpose: 'ENCRYPT_DECRYPT',
  algorithm: 'SYMMETRIC_DEFAULT',
  managedBy: 'customer',
  origin: 'AWS_KMS',
  createdAt: '2025-01-01T00:00:00.000Z',
  expiresAt: null,
  deletedAt: null,
  rotation: { enabled: true, supported: true, periodDays: 365, nextAt: null },
  latestVersion: null,
  lastRotatedAt: null,
  versions: [{ version: '1', createdAt: null, state: null }],
  rotations: [{ at: '2025-06-01T00:00:00.000Z', type: 'automatic', version: '1' }],
  complete: true,
  exportable: false,
});

const component = (name: string): FactValue<'image-component'> => ({
  name,
  version: '1.0',
  type: 'library',
  purl: `pkg:npm/${name}@1.0`,
  licenses: ['MIT'],
});

describe('what is so of a system?', () => {
  it('facts of every kind, each in the shape of its kind', async () => {
    const { fact, facts } = await system();
    const selector = { app: 'portal' };
    await fact({ kind: 'key', subject: 'k', targetId: targetId('account', 'aws/1'), value: key('Enabled') });
    await fact({ kind: 'image-component', subject: 'c', value: component('left-pad') });
    const mode = { mode: 'STRICT', selector, portModes: {}, createdAt: null };
    await fact({ kind: 'mutual-tls-policy', subject: 'm', namespace: 'emr', value: mode, source: 'istio' });
    const found = await facts();
    expect(found.map(({ series }) => series)).toEqual(found.map(({ series }) => series).sort());
    expect(found.sort((a, b) => (a.subject < b.subject ? -1 : 1))).toMatchObject([
      { kind: 'image-component', subject: 'c', target: { kind: 'cluster', name: 'cluster' }, namespace: null },
      { kind: 'key', subject: 'k', target: { kind: 'account', name: 'aws/1' }, value: key('Enabled') },
      { kind: 'mutual-tls-policy', subject: 'm', source: 'istio', namespace: 'emr', value: { selector } },
    ]);
    expect(found[0]).not.toHaveProperty('knownFrom');
  });

  it('at an instant, as known at another, and what was ever said of one', async () => {
    const { path, fact, facts } = await system();
    const said = { kind: 'key', subject: 'k' } as const;
    const before = { to: day(10), endedKnown: day(12), value: key('Enabled') };
    const series = await fact({ ...said, ...before, from: day(1), knownFrom: day(2) });
    await fact({ ...said, from: day(10), knownFrom: day(12), value: key('PendingDeletion') });
    const state = async (query: string) => (await facts(query)).map(({ value }) => (value as FactValue<'key'>).state);
    expect(await state('')).toEqual(['PendingDeletion']);
    expect(await state(`asOf=${iso(5)}`)).toEqual(['Enabled']);
    expect(await state(`asOf=${iso(11)}&knownAt=${iso(11)}`)).toEqual(['Enabled']);
    expect(await state(`knownAt=${iso(1)}`)).toEqual([]);
    const { body } = await officer.get(`${path}/facts/${series}/history`).expect(200);
    expect(body.items).toMatchObject([
      { knownFrom: iso(2), knownTo: null, fact: { series, observedFrom: iso(1), observedTo: iso(10) } },
      { knownFrom: iso(12), knownTo: null, fact: { observedTo: null, value: { state: 'PendingDeletion' } } },
    ]);
  });

  it('by kind, source, namespace, subject and target', async () => {
    const { fact, facts } = await system();
    await fact({ subject: 'a', source: 'velero', namespace: 'emr' });
    await fact({ subject: 'b', targetId: targetId('account', 'aws/1') });
    await fact({ subject: 'pkg:npm/a@1', kind: 'image-component', value: component('a') });
    const subjects = async (query: string) => (await facts(query)).map(({ subject }) => subject).sort();
    expect(await subjects('kind=volume-snapshot-class')).toEqual(['a', 'b']);
    expect(await subjects('kind=image-component')).toEqual(['pkg:npm/a@1']);
    expect(await subjects('source=velero')).toEqual(['a']);
    expect(await subjects('namespace=emr')).toEqual(['a']);
    expect(await subjects(`subject=${encodeURIComponent('pkg:npm/a@1')}`)).toEqual(['pkg:npm/a@1']);
    expect(await subjects('target=account/aws/1')).toEqual(['b']);
    expect(await subjects('kind=key')).toEqual([]);
  });

  it('in pages that show each once', async () => {
    const { path, fact } = await system();
    for (let number = 0; number < 7; number++) await fact({ subject: `subject ${number}` });
    const seen = (await everyPage<Fact>(`${path}/facts?limit=3`)).map(({ subject }) => subject);
    expect(seen.sort()).toEqual(Array.from({ length: 7 }, (_, number) => `subject ${number}`));
  });
});

describe('what happened on a system?', () => {
  it('its events, newest first, in pages', async () => {
    const { path, event, events } = await system();
    for (let number = 1; number <= 7; number++) await event({ id: `${number}`, at: iso(number) });
    expect(await events()).toEqual(['7', '6', '5', '4', '3', '2', '1']);
    const seen = (await everyPage<Event>(`${path}/events?limit=3&from=${iso(2)}`)).map(({ nativeId }) => nativeId);
    expect(seen).toEqual(['7', '6', '5', '4', '3', '2']);
  });

  it('with all that the source says of each', async () => {
    const { path, event } = await system();
    await event({ id: 'a/ResponseComplete', at: iso(3), statusCode: null, namespace: null, severity: 'high' }, day(4));
    const { body } = await officer.get(`${path}/events`).expect(200);
    expect(body.items).toEqual([
      {
        id: expect.any(String),
        source: 'planted',
        nativeId: 'a/ResponseComplete',
        at: iso(3),
        category: 'exec',
        severity: 'high',
        actor: 'somebody',
        action: 'create',
        resource: 'emr/pods/portal/exec',
        namespace: null,
        statusCode: null,
        sourceIp: '10.0.0.1',
        scanId: expect.any(String),
        evidenceId: expect.any(String),
        knownAt: iso(4),
      },
    ]);
  });

  it('by category, severity, source, namespace and time, as known at an instant', async () => {
    const { event, events } = await system();
    await event({ id: 'a', at: iso(1), category: 'secret-read' }, day(2));
    await event({ id: 'b', at: iso(3), severity: 'critical', source: 'falco' }, day(4));
    await event({ id: 'c', at: iso(5), namespace: 'lab' }, day(20));
    expect(await events('category=secret-read')).toEqual(['a']);
    expect(await events('severity=critical')).toEqual(['b']);
    expect(await events('source=falco')).toEqual(['b']);
    expect(await events('namespace=lab')).toEqual(['c']);
    expect(await events(`from=${iso(3)}&to=${iso(5)}`)).toEqual(['b']);
    expect(await events(`knownAt=${iso(4)}`)).toEqual(['b', 'a']);
    expect(await events(`from=${encodeURIComponent('2026-01-03T01:00:00+01:00')}`)).toEqual(['c', 'b']);
  });
});

describe('who may ask, and for what?', () => {
  it('whoever reads results, and of events not viewers: they name people', async () => {
    const { path, fact } = await system();
    const series = await fact({});
    const viewer = await clinic.member('viewer');
    for (const resource of ['facts', `facts/${series}/history`, 'events']) {
      await viewer.get(`${path}/${resource}`).expect(resource === 'events' ? 403 : 200);
      await officer.get(`${path}/${resource}`).expect(200);
      await clinic.agent.get(`${path}/${resource}`).expect(403);
      await officer.get(`${clinic.path}/systems/${newId()}/${resource}`).expect(404);
    }
    await officer.get(`${path}/facts/${newId()}/history`).expect(404);
    await officer.get(`${path}/facts/none/history`).expect(404);
    // Of another system of the same organisation.
    await officer.get(`${clinic.systemPath}/facts/${series}/history`).expect(404);
  });

  it.each([
    ['facts', 'kind=certificates', 'kind'],
    ['facts', 'status=pass', ''],
    ['facts', 'asOf=2999-01-01T00:00:00Z', 'asOf'],
    ['facts', 'subject=%00', 'subject'],
    ['facts', `cursor=${Buffer.from('["x"]').toString('base64url')}`, 'cursor'],
    ['events', 'category=login', 'category'],
    ['events', 'severity=bad', 'severity'],
    ['events', 'asOf=2026-01-01T00:00:00Z', ''],
    ['events', 'from=2026-01-01', 'from'],
    ['events', 'to=0000-01-01T00:00:00Z', 'to'],
    ['events', 'knownAt=2999-01-01T00:00:00Z', 'knownAt'],
    ['events', 'limit=501', 'limit'],
    ['events', `cursor=${Buffer.from(`["${newId()}"]`).toString('base64url')}`, 'cursor'],
    ['events', `cursor=${Buffer.from(`["0000-01-01T00:00:00Z","${newId()}"]`).toString('base64url')}`, 'cursor'],
  ])('and nothing else: %s?%s', async (resource, query, pointer) => {
    const { body } = await officer.get(`${clinic.systemPath}/${resource}?${query}`).expect(400);
    expect(body).toMatchObject({ type: '/problems/invalid-request', pointer: `query/${pointer}` });
  });
});
