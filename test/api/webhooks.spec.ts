import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { Database } from '../../src/kernel/db/database.js';
import { formatDigest } from '../../src/kernel/http/content.js';
import { newId } from '../../src/kernel/ids.js';
import { servicePrincipal } from '../../src/kernel/principal.js';
import type { Notice } from '../../src/notices/events.js';
import { NoticesService } from '../../src/notices/notices.service.js';
import { startApp, startClinic, type Caller, type Clinic, type World } from '../support/app.js';
import { send } from './reports.js';
import { startReceiver, verified, type Receiver } from '../support/receiver.js';

let world: World;
let clinic: Clinic;
let foreign: Clinic;
let officer: Caller;
let admin: pg.Client;
let receiver: Receiver;

beforeAll(async () => {
  receiver = await startReceiver();
  setDefaultCACertificates([...getCACertificates('default'), receiver.authority]);
  world = await startApp({ environment: { WEBHOOK_PRIVATE_HOSTS: '127.0.0.1' } });
  clinic = await startClinic(world);
  foreign = await startClinic(world, { admin: 'other-admin', agent: 'other-agent' });
  officer = await clinic.member('compliance_officer');
  admin = new pg.Client({ connectionString: world.database.urls.admin });
  await admin.connect();
}, 120_000);
afterAll(async () => {
  await admin.end();
  await world.stop();
  await receiver.stop();
});
afterEach(async () => {
  receiver.answer = { status: 204 };
  const { body } = await officer.get(`${clinic.path}/webhooks`).expect(200);
  for (const { id } of body.items) await officer.delete(`${clinic.path}/webhooks/${id}`).expect(204);
});

interface Hook {
  id: string;
  path: string;
  secret: string;
}

/** A webhook on a path of its own, so that nothing of another test is taken for its own. */
async function hook(events: string[] = ['import.finished'], path = `/${newId()}`): Promise<Hook> {
  const { body } = await officer.post(`${clinic.path}/webhooks`, { url: receiver.url + path, events }).expect(201);
  return { id: body.id, path: `${clinic.path}/webhooks/${body.id}`, secret: body.secret };
}

/** As a room does that has something to tell. */
async function tell(more: Partial<Notice> = {}): Promise<Notice> {
  const notice: Notice = {
    id: newId(),
    type: 'import.finished',
    subject: `imports/${newId()}`,
    at: new Date(),
    data: { status: 'checked', rows: 3 },
    ...more,
  };
  const principal = servicePrincipal('notices', clinic.organizationId, newId());
  await world.app.get(Database).write(principal, async (tx) => {
    tx.withoutAudit('a test tells');
    await world.app.get(NoticesService, { strict: false }).tell(tx, [notice]);
  });
  return notice;
}

const deliveriesOf = async ({ path }: Hook) => (await officer.get(`${path}/deliveries`).expect(200)).body.items;

/** Waits until a delivery of the webhook is so. */
const until = (of: Hook, wanted: object) =>
  vi.waitFor(async () => expect(await deliveriesOf(of)).toEqual([expect.objectContaining(wanted)]), {
    timeout: 20_000,
    interval: 100,
  });

describe('is a webhook told?', () => {
  it('is what is told signed, whole and the same as what is listed?', async () => {
    const one = await hook();
    const sent = receiver.next(one.secret, () => true);
    const notice = await tell();
    expect(await sent).toEqual({
      specversion: '1.0',
      id: notice.id,
      source: clinic.path,
      type: 'dev.safeguard.import.finished.v1',
      subject: notice.subject,
      time: notice.at.toISOString(),
      datacontenttype: 'application/json',
      data: notice.data,
    });
    const { headers } = receiver.received.at(-1) ?? {};
    expect(headers?.['content-type']).toBe('application/cloudevents+json; charset=utf-8');
    expect(headers?.['webhook-id']).toBe(notice.id);
    await until(one, { noticeId: notice.id, status: 'delivered', attempts: 1, answered: 204, fault: null });
    const { body } = await officer.get(`${clinic.path}/notices?type=import.finished&limit=1`).expect(200);
    expect(body.items[0]).toEqual({ ...notice, at: notice.at.toISOString() });
  });

  it('is it told that an import has ended?', async () => {
    const one = await hook();
    const sent = receiver.next(one.secret, () => true);
    const table = Buffer.from('no column of it\nx\n');
    const { body } = await send<{ id: string }>(
      world.url,
      officer,
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
    expect(await sent).toMatchObject({
      type: 'dev.safeguard.import.finished.v1',
      subject: `imports/${body.id}`,
      data: { status: 'refused' },
    });
  });

  it('is it told of what it asks for, once, and of nothing else?', async () => {
    const one = await hook(['scan.stopped']);
    const other = await hook(['import.finished']);
    const notice = await tell();
    await tell({ ...notice });
    await until(other, { noticeId: notice.id, status: 'delivered' });
    expect(await deliveriesOf(one)).toEqual([]);
    expect(receiver.received.filter(({ headers }) => headers['webhook-id'] === notice.id)).toHaveLength(1);
  });

  it('does either secret verify while receivers go over to the new one, and the first no more after the second rotation?', async () => {
    const one = await hook();
    const rotate = async (version: number) =>
      (await officer.post(`${one.path}/secret`).set('If-Match', `"${version}"`).expect(200)).body;
    const second = await rotate(1);
    expect(second.previousSecretUntil).not.toBeNull();
    // Pressed twice by mistake: the secret that was just given stays.
    await officer.post(`${one.path}/secret`).set('If-Match', '"1"').expect(412);
    const notice = await tell();
    await until(one, { status: 'delivered' });
    const sentOf = (id: string) => receiver.received.find(({ headers }) => headers['webhook-id'] === id);
    for (const secret of [one.secret, second.secret]) expect(verified(sentOf(notice.id)!, secret).id).toBe(notice.id);
    const third = await rotate(2);
    const later = await tell();
    await vi.waitFor(() => expect(sentOf(later.id)).toBeDefined(), { timeout: 20_000 });
    for (const secret of [second.secret, third.secret]) verified(sentOf(later.id)!, secret);
    expect(() => verified(sentOf(later.id)!, one.secret)).toThrow();
  });

  it('is the secret nowhere but in the answer, and in that of a retry?', async () => {
    const request = { url: `${receiver.url}/once`, events: ['import.finished'] };
    const create = () => officer.post(`${clinic.path}/webhooks`, request).set('Idempotency-Key', newId());
    const key = newId();
    const first = await officer.post(`${clinic.path}/webhooks`, request).set('Idempotency-Key', key).expect(201);
    const again = await officer.post(`${clinic.path}/webhooks`, request).set('Idempotency-Key', key).expect(201);
    expect(again.body).toEqual(first.body);
    const { body: other } = await create().expect(201);
    expect(other.secret).not.toBe(first.body.secret);
    const { body: read } = await officer.get(`${clinic.path}/webhooks/${first.body.id}`).expect(200);
    expect(read).not.toHaveProperty('secret');
    const bytes = Buffer.from(first.body.secret.replace('whsec_', ''), 'base64');
    const { rows } = await admin.query<{ text: string }>(
      `select w::text as text from webhook w union all select k::text from idempotency_key k union all select e::text from audit_event e`,
    );
    const all = rows.map(({ text }) => text).join('\n') + world.logs.join('\n');
    for (const form of [first.body.secret.slice(6), bytes.toString('hex'), bytes.toString('base64url')]) {
      expect(all).not.toContain(form);
    }
  });
});

describe('what becomes of what is not taken?', () => {
  it('is it tried again that was answered 500, 404, 429 or 302, and is one that never answers not waited for beyond ten seconds?', async () => {
    const statuses = [500, 404, 429, 302];
    for (const status of statuses) {
      receiver.answers.set(`/${status}`, { status, headers: { location: `${receiver.url}/elsewhere` } });
    }
    receiver.answers.set('/silent', null);
    const hooks = await Promise.all(statuses.map((status) => hook(['import.finished'], `/${status}`)));
    const silent = await hook(['work.due'], '/silent');
    const notice = await tell();
    await Promise.all(
      hooks.map((one, at) => until(one, { status: 'waiting', attempts: 1, answered: statuses[at], fault: null })),
    );
    for (const status of statuses) receiver.answers.delete(`/${status}`);
    // Those of one organisation wait for each other: had it come first, all of them would wait for it twice.
    await tell({ type: 'work.due' });
    await until(silent, { status: 'waiting', attempts: 1, answered: null, fault: 'no answer in time' });
    await Promise.all(hooks.map((one) => until(one, { status: 'delivered', attempts: 2, answered: 204 })));
    expect(receiver.received.every(({ path }) => path !== '/elsewhere')).toBe(true);
    for (const [at, { secret }] of hooks.entries()) {
      const sent = receiver.received.filter(
        ({ path, headers }) => path === `/${statuses[at]}` && headers['webhook-id'] === notice.id,
      );
      expect(sent).toHaveLength(2);
      // Signed anew, of the instant at which it was sent, over the same bytes.
      expect(sent[0]?.headers['webhook-timestamp']).not.toBe(sent[1]?.headers['webhook-timestamp']);
      expect(sent[0]?.body).toBe(sent[1]?.body);
      for (const each of sent) verified(each, secret);
    }
  });

  it('does 410 switch it off at once, and is what waits dropped then and sent when it is asked for?', async () => {
    receiver.answer = { status: 410 };
    const one = await hook();
    const notice = await tell();
    await vi.waitFor(async () => expect((await officer.get(one.path).expect(200)).body.state).toBe('failing'), {
      timeout: 20_000,
    });
    await until(one, { noticeId: notice.id, status: 'dropped' });
    await officer.post(`${one.path}/deliveries/${notice.id}/redelivery`).expect(409);
    const { body: off } = await officer.get(one.path).expect(200);
    receiver.answer = { status: 204 };
    const { url, events, version } = off;
    await officer.put(one.path, { url, events, state: 'on' }).set('If-Match', `"${version}"`).expect(200);
    await officer.post(`${one.path}/deliveries/${notice.id}/redelivery`).expect(202);
    await until(one, { noticeId: notice.id, status: 'delivered' });
    const { body: log } = await officer.get(`${clinic.path}/audit-events?limit=50`).expect(200);
    const changes = log.items.filter(({ object }: { object: { id: string } }) => object.id === one.id);
    expect(changes.map(({ actor }: { actor: { kind: string } }) => actor.kind)).toEqual([
      'user',
      'user',
      'service',
      'user',
    ]);
  });

  it('is a receiver switched off that has failed for a day, and one not that has failed twenty times just now?', async () => {
    receiver.answer = { status: 503 };
    const one = await hook();
    await tell();
    await until(one, { status: 'waiting', attempts: 1 });
    await admin.query('update webhook set failures = 100 where id = $1', [one.id]);
    await tell();
    await vi.waitFor(
      async () => expect((await officer.get(one.path).expect(200)).body).toMatchObject({ failures: 101, state: 'on' }),
      { timeout: 20_000 },
    );
    await admin.query(`update webhook set failing_since = failing_since - interval '25 hours' where id = $1`, [one.id]);
    await tell();
    await vi.waitFor(async () => expect((await officer.get(one.path).expect(200)).body.state).toBe('failing'), {
      timeout: 20_000,
    });
  });

  it('is what waits dropped when the webhook is removed, and its secret erased?', async () => {
    receiver.answer = { status: 500 };
    const one = await hook();
    await tell();
    await until(one, { status: 'waiting', attempts: 1 });
    await officer.delete(one.path).expect(204);
    await vi.waitFor(
      async () => {
        const { rows } = await admin.query('select status from delivery where webhook_id = $1', [one.id]);
        expect(rows).toEqual([{ status: 'dropped' }]);
      },
      { timeout: 20_000 },
    );
    const { rows } = await admin.query('select length(secret) as bytes from webhook where id = $1', [one.id]);
    expect(rows).toEqual([{ bytes: 0 }]);
    await officer.get(one.path).expect(404);
    await officer.delete(one.path).expect(404);
  });
});

describe('can a webhook be turned against the service’s own network?', () => {
  it.each([
    'http://hooks.example.com/',
    'https://10.0.0.1/',
    'https://[::ffff:10.0.0.1]/',
    'https://169.254.169.254/latest/meta-data/',
    'https://localhost/',
    'https://user:secret@hooks.example.com/',
  ])('is %s refused?', async (url) => {
    const events = ['import.finished'];
    const { body } = await officer.post(`${clinic.path}/webhooks`, { url, events }).expect(422);
    expect(body).toMatchObject({ type: '/problems/address-refused', pointer: '/url' });
    expect(JSON.stringify(body)).not.toContain('secret@');
    const one = await hook();
    await officer.put(one.path, { url, events, state: 'on' }).set('If-Match', '"1"').expect(422);
  });

  it('is an address that came into the table by another way not connected to?', async () => {
    let hits = 0;
    const inside = createServer((_, response) => {
      hits += 1;
      response.end();
    });
    await new Promise<void>((resolve) => inside.listen(0, '127.0.0.2', resolve));
    const { port } = inside.address() as AddressInfo;
    const one = await hook();
    for (const [url, fault] of [
      [`https://127.0.0.2:${port}/`, 'a private address'],
      [`https://[::ffff:127.0.0.2]:${port}/`, 'a private address'],
      [`https://localhost:${port}/`, 'the name has a private address'],
      [`http://127.0.0.1:${port}/`, 'only https is called'],
    ]) {
      await admin.query('delete from delivery where webhook_id = $1', [one.id]);
      await admin.query('update webhook set url = $2 where id = $1', [one.id, url]);
      await tell();
      await until(one, { status: 'waiting', attempts: 1, answered: null, fault });
    }
    expect(hits).toBe(0);
    await new Promise((resolve) => inside.close(resolve));
  });
});

describe('whose are webhooks and notices?', () => {
  it('does nobody of another organisation see, change or use them?', async () => {
    const one = await hook();
    const notice = await tell();
    await until(one, { status: 'delivered' });
    const theirs = await foreign.admin.get(`${foreign.path}/notices`).expect(200);
    expect(theirs.body.items).toEqual([]);
    await foreign.admin.get(`${foreign.path}/webhooks/${one.id}`).expect(404);
    await foreign.admin.get(`${foreign.path}/webhooks/${one.id}/deliveries`).expect(404);
    await foreign.admin.get(one.path).expect(404);
    await foreign.admin
      .post(`${foreign.path}/members`, {
        issuer: world.provider.issuer,
        subject: 'dev-viewer',
        name: 'o',
        role: 'compliance_officer',
      })
      .expect(201);
    const stranger = await world.as('dev-viewer');
    const change = { url: 'https://hooks.example.com/', events: ['import.finished'], state: 'off' };
    await stranger.put(`${foreign.path}/webhooks/${one.id}`, change).set('If-Match', '"1"').expect(404);
    await stranger.delete(`${foreign.path}/webhooks/${one.id}`).expect(404);
    await stranger.post(`${foreign.path}/webhooks/${one.id}/secret`).set('If-Match', '"1"').expect(404);
    await stranger.post(`${foreign.path}/webhooks/${one.id}/deliveries/${notice.id}/redelivery`).expect(404);
    const own = await stranger
      .post(`${foreign.path}/webhooks`, { url: `${receiver.url}/theirs`, events: ['import.finished'] })
      .expect(201);
    await stranger.post(`${foreign.path}/webhooks/${own.body.id}/deliveries/${notice.id}/redelivery`).expect(404);
  });

  it('does an admin read them and change none, and an agent neither?', async () => {
    const one = await hook();
    await clinic.admin.get(one.path).expect(200);
    await clinic.admin.delete(one.path).expect(403);
    await clinic.admin.post(`${one.path}/secret`).set('If-Match', '"1"').expect(403);
    for (const path of ['webhooks', 'notices', 'calendar'])
      await clinic.agent.get(`${clinic.path}/${path}`).expect(403);
  });

  it('are there at most ten, however many are asked for at once?', async () => {
    const url = `${receiver.url}/many`;
    const answers = await Promise.all(
      Array.from({ length: 14 }, () => officer.post(`${clinic.path}/webhooks`, { url, events: ['import.finished'] })),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([
      ...Array.from({ length: 10 }, () => 201),
      ...Array.from({ length: 4 }, () => 409),
    ]);
  });

  it('is an edit refused that was not made of what is there?', async () => {
    const one = await hook();
    const change = { url: receiver.url, events: ['import.finished'], state: 'off' };
    await officer.put(one.path, change).expect(428);
    await officer.put(one.path, change).set('If-Match', '"2"').expect(412);
    await officer.put(one.path, change).set('If-None-Match', '*').expect(412);
    const { body } = await officer.put(one.path, change).set('If-Match', '"1"').expect(200);
    expect(body).toMatchObject({ state: 'off', version: 2 });
    for (const events of [[], ['import.finished', 'import.finished'], ['no.such']]) {
      await officer
        .put(one.path, { ...change, events })
        .set('If-Match', '"2"')
        .expect(400);
    }
  });
});
