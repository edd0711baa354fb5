import { createHash } from 'node:crypto';
import type pg from 'pg';
import { expect, vi } from 'vitest';
import { ownTypeExample } from '../../src/records/types/record-types.schema.js';
import { newId } from '../../src/kernel/ids.js';
import { policyReport, send } from '../api/reports.js';
import type { Clinic, World } from './app.js';
import { ownCheck } from './checks.js';
import { holdEvent, holdFact } from './held.js';
import { Keeper } from './keep.js';

/** What an organisation has that a path can name: by the path parameter, or, where one name stands for different things, as HELD_BY_PATH has it. */
export const NAMES = [
  'organizationId',
  'systemId',
  'memberId',
  'agentId',
  'evidenceId',
  'eventId',
  'scanId',
  'series',
  'factSeries',
  'packageId',
  'checkId',
  'recordType',
  'recordId',
  'documentId',
  'keyId',
  'vendorId',
  'analysisId',
  'importId',
  'webhookId',
  'noticeId',
  'engagementId',
  'requestId',
] as const;
export type Held = (typeof NAMES)[number];
/** `recordTag`: what an edit of the record sends as If-Match; of everything else it is `"1"`. */
export type Holdings = Record<Held | 'recordTag', string>;

/** Where a parameter names something else than its name says: by what stands before it. */
const HELD_BY_PATH: Readonly<Record<string, Held>> = {
  'documents/:evidenceId': 'documentId',
  'keys/:recordId': 'keyId',
  'vendors/:recordId': 'vendorId',
  'risk-analyses/:recordId': 'analysisId',
  'record-types/:type': 'recordType',
};
const NAMED = /([^/]+)\/:([A-Za-z]+)/g;
/** Counted within its record: every record has a first version. */
const VERSION = 'version';

function heldAt(named: string, parameter: string): Held {
  const held = HELD_BY_PATH[named] ?? NAMES.find((name) => name === parameter);
  if (held === undefined) throw new Error(`nobody says what ${named} names`);
  return held;
}

/** Everything that a path names, the organisation with it. */
export const heldBy = (path: string): Held[] =>
  [...path.matchAll(NAMED)].flatMap(([named, , parameter = '']) =>
    parameter === VERSION ? [] : [heldAt(named, parameter)],
  );

/** The path with what it names. */
export const filled = (path: string, holdings: Holdings): string =>
  path
    .replace('*tile', '0/000.p/1')
    .replaceAll(
      NAMED,
      (named, before: string, parameter: string) =>
        `${before}/${parameter === VERSION ? '1' : encodeURIComponent(holdings[heldAt(named, parameter)])}`,
    );

/** A name as good as any, of nothing. */
export const absent = (held: Held): string => (held === 'recordType' ? `org/${newId()}` : newId());
export const nothing = (): Holdings => ({
  ...(Object.fromEntries(NAMES.map((name) => [name, absent(name)])) as Record<Held, string>),
  recordTag: '"1"',
});

export const digestOf = (text: string): string => `sha-256=:${createHash('sha256').update(text).digest('base64')}:`;

/** People who are the officer, the approver and the engaged auditor of an organisation, and a name by which all that it has is known again. */
export interface Owners {
  officer: string;
  approver: string;
  auditor: string;
  name: string;
}

/** Gives an organisation one of everything. */
export async function holdingsOf(world: World, admin: pg.Client, clinic: Clinic, owners: Owners): Promise<Holdings> {
  const { name } = owners;
  const join = async (subject: string, role: string) => {
    const { issuer } = world.provider;
    const { body } = await clinic.admin.post(`${clinic.path}/members`, { issuer, subject, name, role }).expect(201);
    return { id: String(body.id), caller: await world.as(subject) };
  };
  const { id: memberId, caller: officer } = await join(owners.officer, 'compliance_officer');
  const { caller: approver } = await join(owners.approver, 'approver');
  const { body: agents } = await clinic.admin.get(`${clinic.path}/agents`).expect(200);

  const { body: scan } = await send<{ id: string; evidenceId: string }>(
    world.url,
    clinic.agent,
    'POST',
    `${clinic.systemPath}/scans?targets=cluster/cluster&observedAt=2026-01-01T00:00:00Z`,
    { body: policyReport([{ check: name, result: 'fail' }]) },
  );
  const { body: results } = await officer.get(`${clinic.systemPath}/results`).expect(200);
  const value = { provider: name, ready: true, reason: null };
  const factSeries = await holdFact(admin, clinic, { kind: 'secret-store', subject: name, value });
  await holdEvent(admin, clinic, { id: name, actor: name });

  const own = `org/${name.replaceAll(' ', '-')}`;
  const define = async (room: 'checks' | 'record-types', definition: object) =>
    officer
      .put(`${clinic.path}/${room}/${encodeURIComponent(own)}`, {
        definition: { ...definition, [room === 'checks' ? 'id' : 'type']: own },
      })
      .set('If-None-Match', '*')
      .expect(200);
  await define('checks', ownCheck);
  await define('record-types', ownTypeExample);

  const keeper = await Keeper.of(clinic, officer, approver);
  const told = await holdTold(world, clinic, officer, name);
  const records = await holdRecords(clinic, keeper, name);
  const { body: requested } = await officer.post(`${clinic.path}/packages`, { scope: { systemId: null } }).expect(202);
  await vi.waitFor(
    async () => {
      const { body } = await officer.get(`${clinic.path}/packages/${requested.id}`).expect(200);
      expect(body.status).toBe('ready');
    },
    { timeout: 30_000, interval: 200 },
  );
  const { body: events } = await officer.get(`${clinic.path}/audit-events?action=scan.stored`).expect(200);
  const engaged = await holdEngagement(world, clinic, officer, owners.auditor, name);
  await officer
    .post(`${clinic.path}/engagements/${engaged.engagementId}/packages`, { packageId: requested.id })
    .expect(204);
  return {
    organizationId: clinic.organizationId,
    systemId: clinic.systemId,
    memberId,
    agentId: agents.items[0].id,
    eventId: events.items[0].id,
    evidenceId: scan.evidenceId,
    scanId: scan.id,
    series: results.items[0].series,
    factSeries,
    packageId: requested.id,
    checkId: own,
    recordType: own,
    ...records,
    ...told,
    ...engaged,
  };
}

/** A record with a document, approved and with a draft of its next version; and one of each kind that has a path of its own. */
async function holdRecords(clinic: Clinic, keeper: Keeper, name: string) {
  const { officer, owner } = keeper;
  const recordId = await keeper.keep({
    type: 'appointment',
    title: name,
    fields: {
      person: name,
      duties: 'Keeps the risk analysis.',
      appointedOn: '2025-01-06',
      confirmedOn: '2026-01-01',
    },
    document: 'appointment',
  });
  const path = `${clinic.path}/records/${recordId}`;
  const { headers } = await officer.get(path).expect(200);
  const { body: draft, headers: revised } = await officer
    .post(`${path}/versions`)
    .set('If-Match', String(headers['etag']))
    .expect(201);
  const keyId = await keeper.keep({
    type: 'key',
    title: name,
    systemIds: [clinic.systemId],
    fields: {
      name,
      purpose: 'volume',
      custodian: owner,
      provider: 'aws-kms',
      keyId: `arn:aws:kms:eu-central-1:111122223333:key/${newId()}`,
      createdOn: '2025-12-01',
      policyDays: 365,
      rotateAfterIncident: true,
    },
  });
  const vendorId = await keeper.keep({
    type: 'vendor',
    title: name,
    fields: { name, role: 'business_associate', ephi: true, services: 'Image archive' },
  });
  const { body: begun } = await officer
    .post(`${clinic.path}/risk-analyses`, { title: name, ownerId: owner, effectiveFrom: '2026-01-01T00:00:00Z' })
    .expect(201);
  return {
    recordId,
    recordTag: String(revised['etag']),
    documentId: String(draft.documents[0].evidenceId),
    keyId,
    vendorId,
    analysisId: String(begun.analysis.id),
  };
}

/** An engagement on all there is, of which the auditor has asked for something. */
async function holdEngagement(world: World, clinic: Clinic, officer: Keeper['officer'], subject: string, name: string) {
  const { body: engagement } = await clinic.admin
    .post(`${clinic.path}/engagements`, {
      name,
      issuer: world.provider.issuer,
      subject,
      scope: { systemIds: null },
      periodFrom: '2020-01-01T00:00:00Z',
      periodTo: '2099-12-31T00:00:00Z',
      endsAt: new Date(Date.now() + 24 * 3_600_000).toISOString(),
    })
    .expect(201);
  const path = `${clinic.path}/engagements/${engagement.id}`;
  const { body: asked } = await (await world.as(subject)).post(`${path}/requests`, { title: name }).expect(201);
  await officer.get(`${path}/requests/${asked.id}`).expect(200);
  return { engagementId: String(engagement.id), requestId: String(asked.id) };
}

/** A webhook, where nobody listens, and an import that waits for its decision, of whose end it was to be told. */
async function holdTold(world: World, clinic: Clinic, officer: Keeper['officer'], name: string) {
  const { body: webhook } = await officer
    .post(`${clinic.path}/webhooks`, {
      url: `https://127.0.0.1:9/${encodeURIComponent(name)}`,
      events: ['import.finished'],
    })
    .expect(201);
  const table = `person,course,completedOn,result\n${name},Awareness,2026-01-20,passed\n`;
  const { body: sent } = await send<{ id: string }>(
    world.url,
    officer,
    'POST',
    `${clinic.path}/imports?type=training_record`,
    { headers: { 'Content-Type': 'text/csv', 'Content-Digest': digestOf(table) }, body: table },
  );
  const noticeId = await vi.waitFor(
    async () => {
      const { body: read } = await officer.get(`${clinic.path}/imports/${sent.id}`).expect(200);
      expect(read).toMatchObject({ status: 'applied', faults: [] });
      const { body: told } = await officer.get(`${clinic.path}/webhooks/${webhook.id}/deliveries`).expect(200);
      expect(told.items).toHaveLength(1);
      return String(told.items[0].noticeId);
    },
    { timeout: 30_000, interval: 200 },
  );
  return { webhookId: String(webhook.id), importId: sent.id, noticeId };
}
