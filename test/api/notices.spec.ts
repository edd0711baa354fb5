import { createHash } from 'node:crypto';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TERM_NAMES } from '../../src/agreements/terms.js';
import { formatDigest } from '../../src/kernel/http/content.js';
import { newId } from '../../src/kernel/ids.js';
import { servicePrincipal } from '../../src/kernel/principal.js';
import { NOTICE_TYPE_NAMES, type NoticeType } from '../../src/notices/events.js';
import { Lookout } from '../../src/notices/lookout.js';
import type { NoticeView } from '../../src/notices/webhooks.schema.js';
import { startApp, startClinic, type Caller, type Clinic, type World } from '../support/app.js';
import { readCalendar } from '../support/calendar.js';
import { Keeper } from '../support/keep.js';
import { startReceiver, verified, type CloudEvent, type Receiver } from '../support/receiver.js';
import { settled, travel } from '../support/time.js';
import { kubeBench, send } from './reports.js';

/*
 * One organisation over some 400 days, told of by a webhook. What one test leaves, the next goes on with: time goes forward alone.
 */

const DAY = 86_400_000;
const OFFICIAL = '164.308(a)(2)';

let world: World;
let clinic: Clinic;
let receiver: Receiver;
let secret: string;
let keeper: Keeper;
const midnight = Math.ceil(Date.now() / DAY) * DAY;
const day = (number: number): Date => new Date(midnight + number * DAY);
const dateOf = (number: number): string => day(number).toISOString().slice(0, 10);

beforeAll(async () => {
  receiver = await startReceiver();
  setDefaultCACertificates([...getCACertificates('default'), receiver.authority]);
  world = await startApp({ environment: { WEBHOOK_PRIVATE_HOSTS: '127.0.0.1' } });
  await travel(world, day(0));
  clinic = await startClinic(world);
  await clinic.member('compliance_officer');
  await clinic.member('approver');
  await keepersAnew();
  const { body } = await (
    await officer()
  )
    .post(`${clinic.path}/webhooks`, { url: receiver.url, events: NOTICE_TYPE_NAMES })
    .expect(201);
  secret = body.secret;
  await settled(world);
}, 120_000);
/** The events of the calendar. */
async function calendarNow() {
  const calendar = await (await officer()).get(`${clinic.path}/calendar`).expect(200);
  expect(calendar.headers['content-type']).toBe('text/calendar; charset=utf-8');
  return readCalendar(calendar.text).events;
}

afterAll(async () => {
  await world.stop();
  await receiver.stop();
});

const officer = (): Promise<Caller> => world.as('dev-compliance-officer');

/** Tokens of before a journey have expired. */
async function keepersAnew(): Promise<void> {
  keeper = await Keeper.of(
    { ...clinic, admin: await world.as('dev-admin') },
    await officer(),
    await world.as('dev-approver'),
  );
}

/** As the queue does every 15 minutes: its clock is the real one. What is told then, by its type, in the order of its subjects. */
async function toldOn(date: Date | null, type: NoticeType): Promise<CloudEvent[]> {
  if (date !== null) {
    await settled(world);
    await travel(world, date);
    await keepersAnew();
  }
  const from = receiver.received.length;
  await world.app.get(Lookout, { strict: false }).look(servicePrincipal('notices', clinic.organizationId, newId()));
  await settled(world);
  return receiver.received
    .slice(from)
    .map((one) => verified(one, secret))
    .filter((event) => event.type === `dev.safeguard.${type}.v1`)
    .sort((a, b) => (a.subject < b.subject ? -1 : 1));
}

describe('is an organisation told of what changes?', () => {
  it('is what was so before anybody looked no news?', async () => {
    expect(receiver.received).toEqual([]);
    expect(await toldOn(null, 'control.status-changed')).toEqual([]);
  });

  it('is a version told that waits for a decision, by its type alone?', async () => {
    const id = await keeper.draft({
      type: 'policy',
      title: 'On the security official, M. Alvarez',
      effectiveFrom: day(0).toISOString(),
      fields: { name: 'Security official', kind: 'policy', reviewedOn: dateOf(0) },
      links: [{ kind: 'control', target: OFFICIAL, note: '' }],
      document: 'text',
    });
    await keeper.submit(id);
    const [event, more] = await toldOn(null, 'record.submitted');
    expect(more).toBeUndefined();
    expect(event).toMatchObject({
      subject: 'record-types/policy',
      data: { type: 'policy', waiting: 1, records: [id] },
    });
    expect(JSON.stringify(receiver.received)).not.toContain('Alvarez');
    await keeper.approve(id);
    await settled(world);
  });

  it('are versions told that a table has submitted, as soon as it was read?', async () => {
    const from = receiver.received.length;
    const table = Buffer.from(`person,course,completedOn,result\nT. Nguyen,Phishing,${dateOf(0)},passed\n`);
    const { body } = await send<{ id: string }>(
      world.url,
      await officer(),
      'POST',
      `${clinic.path}/imports?type=training_record`,
      {
        headers: {
          'Content-Type': 'text/csv',
          'Content-Digest': formatDigest({ 'sha-256': createHash('sha256').update(table).digest() }),
        },
        body: table,
      },
    );
    // Nobody asks the job for it here.
    await settled(world);
    const events = receiver.received.slice(from).map((one) => verified(one, secret));
    expect(events).toContainEqual(
      expect.objectContaining({
        subject: 'record-types/training_record',
        data: expect.objectContaining({ type: 'training_record', waiting: 1 }) as unknown,
      }),
    );
    const rejected = { decision: 'reject', reason: 'Of the wrong year.' };
    await (await world.as('dev-approver')).post(`${clinic.path}/imports/${body.id}/decision`, rejected).expect(200);
    await settled(world);
  });

  it('is an item told whose status moves because of an approval, as soon as it was made?', async () => {
    const approved = receiver.received.length;
    await keeper.keep({
      type: 'appointment',
      effectiveFrom: day(0).toISOString(),
      fields: {
        person: 'M. Alvarez',
        duties: 'Keeps the risk analysis.',
        appointedOn: dateOf(0),
        confirmedOn: dateOf(0),
      },
      document: 'appointment',
    });
    // Nobody asks the job for it here.
    await settled(world);
    const events = receiver.received.slice(approved).map((one) => verified(one, secret));
    expect(events).toContainEqual(
      expect.objectContaining({
        subject: `controls/${OFFICIAL}`,
        data: { control: OFFICIAL, from: 'partial', to: 'evidenced' },
      }),
    );
    expect(await toldOn(null, 'control.status-changed')).toEqual([]);
  });

  it('is a source told that stops, once?', async () => {
    const { status, body } = await (
      await world.as('safeguard-agent')
    )
      .post(`${clinic.systemPath}/scans?observedAt=${day(0).toISOString()}&targets=node/worker-1`)
      .set('Content-Type', 'application/json')
      .send(kubeBench({ '1.2.1': 'PASS' }));
    expect(status, JSON.stringify(body)).toBe(201);
    expect(await toldOn(day(7), 'scan.stopped')).toEqual([]);
    expect((await toldOn(day(9), 'scan.stopped')).map(({ subject, data }) => [subject, data])).toEqual([
      [
        `systems/${clinic.systemId}`,
        {
          systemId: clinic.systemId,
          source: expect.stringContaining('kube-bench') as string,
          lastAt: day(0).toISOString(),
          maxAgeDays: 8,
        },
      ],
    ]);
    expect(await toldOn(day(10), 'scan.stopped')).toEqual([]);
    const stopped = (await calendarNow()).filter(({ CATEGORIES }) => CATEGORIES === 'scans');
    expect(stopped.map(({ SUMMARY, DTSTART }) => [SUMMARY, DTSTART])).toEqual([
      [expect.stringMatching(/^Scans have stopped: kube-bench/), dateOf(8).replaceAll('-', '')],
    ]);
  });

  it('is an agreement told 90, 60, 30 and 7 days before it ends?', async () => {
    const vendor = await keeper.keep({
      type: 'vendor',
      title: 'Lakeside Imaging',
      effectiveFrom: day(10).toISOString(),
      fields: { name: 'Lakeside Imaging', role: 'business_associate', ephi: true, services: 'Image archive' },
    });
    const id = await keeper.keep({
      type: 'baa',
      effectiveFrom: day(10).toISOString(),
      fields: {
        vendor,
        signedOn: dateOf(9),
        endsOn: dateOf(149),
        renewal: 'none',
        incidentNoticeHours: 24,
        returnOrDestroy: 'destroy',
        terms: TERM_NAMES.map((term) => ({ term, clause: '§ 4' })),
      },
      document: 'agreement',
    });
    const told: unknown[] = [];
    for (const at of [50, 61, 91, 100, 121, 130, 144]) {
      for (const { subject, data } of await toldOn(day(at), 'agreement.ending')) told.push([at, subject, data['days']]);
    }
    // Its last day is the 149th: it ends with it.
    expect(told).toEqual([61, 91, 121, 144].map((at, step) => [at, `records/${id}`, [90, 60, 30, 7][step]]));
    const [failing] = await toldOn(day(151), 'control.status-changed');
    expect(failing?.data).toMatchObject({ to: 'failing' });
  });

  it('is a key told that was not rotated in time?', async () => {
    const id = await keeper.keep({
      type: 'key',
      systemIds: [clinic.systemId],
      effectiveFrom: day(151).toISOString(),
      fields: {
        name: 'etcd-east',
        purpose: 'etcd-kms',
        custodian: keeper.owner,
        provider: 'aws-kms',
        keyId: 'arn:aws:kms:us-east-1:123456789012:key/11111111-2222-4333-8444-555555555555',
        createdOn: dateOf(151),
        policyDays: 30,
        rotateAfterIncident: true,
      },
    });
    expect(await toldOn(day(170), 'key.overdue')).toEqual([]);
    const told = await toldOn(day(185), 'key.overdue');
    expect(told.map(({ subject }) => subject)).toEqual([`records/${id}`]);
    expect(await toldOn(day(186), 'key.overdue')).toEqual([]);
  });

  it('is a record told that is about to grow too old, and then that it has, with the item that goes stale by it?', async () => {
    const isOfficial = ({ data }: CloudEvent) => data['type'] === 'appointment';
    const told: unknown[] = [];
    for (const at of [274, 276, 306, 336, 359]) {
      for (const { data } of (await toldOn(day(at), 'record.expiring')).filter(isOfficial))
        told.push([at, data['days']]);
    }
    expect(told).toEqual([
      [276, 90],
      [306, 60],
      [336, 30],
      [359, 7],
    ]);
    const events = await calendarNow();
    expect(events.filter(({ SUMMARY }) => SUMMARY?.startsWith('Ends: ')).map(({ DTSTART }) => DTSTART)).toContain(
      dateOf(365).replaceAll('-', ''),
    );
    const from = receiver.received.length;
    const changed = await toldOn(day(366), 'control.status-changed');
    expect(changed.map(({ data }) => data)).toContainEqual({
      control: OFFICIAL,
      from: 'evidenced',
      to: expect.any(String) as string,
    });
    const days = await calendarNow();
    const changes = days.filter(({ CATEGORIES }) => CATEGORIES === 'status');
    // On the first instant of a day what was good until its eve ends.
    expect(changes.filter(({ DESCRIPTION }) => DESCRIPTION?.includes(`${OFFICIAL}: evidenced → `))).toMatchObject([
      { DTSTART: dateOf(365).replaceAll('-', '') },
    ]);
    expect(new Set(days.map(({ UID }) => UID)).size).toBe(days.length);
    expect((await calendarNow()).map(({ UID }) => UID)).toEqual(days.map(({ UID }) => UID));
    const expired = receiver.received.slice(from).map((one) => verified(one, secret));
    expect(expired.filter(({ type }) => type === 'dev.safeguard.record.expired.v1').filter(isOfficial)).toHaveLength(1);
  });
});

describe('is what was told there to be read?', () => {
  it('newest first, by type, since an instant, and page by page?', async () => {
    const reader = await officer();
    const read = async (query: string): Promise<{ items: NoticeView[]; next: string | null }> =>
      (await reader.get(`${clinic.path}/notices?${query}`).expect(200)).body;
    const { items } = await read('type=agreement.ending');
    expect(items.map(({ data }) => data['days'])).toEqual([7, 30, 60, 90]);
    const since = await read(`type=agreement.ending&since=${day(100).toISOString()}`);
    expect(since.items.map(({ data }) => data['days'])).toEqual([7, 30]);
    const first = await read('type=agreement.ending&limit=3');
    const second = await read(`type=agreement.ending&limit=3&cursor=${first.next}`);
    expect([...first.items, ...second.items]).toEqual(items);
    expect(second.next).toBeNull();
    // It lapsed once, and its return became overdue since.
    const ended = await read('type=agreement.ended');
    expect(ended.items.map(({ subject, data }) => [subject, data['type']])).toEqual([[items[0]?.subject, 'baa']]);
    await reader.get(`${clinic.path}/notices?type=nothing`).expect(400);
  });

  it('is everything of it told once, and nothing of it names a person or a title?', () => {
    const ids = receiver.received.map(({ headers }) => headers['webhook-id']);
    expect(new Set(ids).size).toBe(ids.length);
    const all = receiver.received.map(({ body }) => body).join('\n');
    for (const name of ['Alvarez', 'Lakeside', 'etcd-east', 'dev-', keeper.owner]) expect(all).not.toContain(name);
  });
});
