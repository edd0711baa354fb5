import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { newId } from '../../src/kernel/ids.js';
import { startClinic } from '../support/app.js';
import { startReceiver, verified, type Receiver } from '../support/receiver.js';
import { prepareGround, type Ground } from './server.js';

let ground: Ground;
let receiver: Receiver;
let directory: string;

beforeAll(async () => {
  receiver = await startReceiver();
  directory = await mkdtemp(join(tmpdir(), 'safeguard-receiver-'));
  const authority = join(directory, 'authority.pem');
  await writeFile(authority, receiver.authority);
  ground = await prepareGround(undefined, { NODE_EXTRA_CA_CERTS: authority, WEBHOOK_PRIVATE_HOSTS: '127.0.0.1' });
}, 120_000);
afterAll(async () => {
  await ground.stop();
  await receiver.stop();
  await rm(directory, { recursive: true, force: true });
});

it('is what was being told told all the same after the server was killed in the middle of it?', async () => {
  const first = await ground.serve();
  const world = ground.worldOf(first);
  const clinic = await startClinic(world);
  const officer = await clinic.member('compliance_officer');
  const url = `${receiver.url}/killed`;
  const { body: hook } = await officer
    .post(`${clinic.path}/webhooks`, { url, events: ['import.finished'] })
    .expect(201);
  const notice = newId();
  const admin = new pg.Client({ connectionString: ground.database.urls.admin });
  await admin.connect();
  await admin.query(
    `insert into notice (organization_id, id, type, subject, at, data) values ($1, $2, 'import.finished', 'imports/1', now(), '{"rows": 3}')`,
    [clinic.organizationId, notice],
  );
  await admin.end();
  // Heard and not answered: nobody knows whether it was taken.
  receiver.answer = null;
  const path = `${clinic.path}/webhooks/${hook.id}/deliveries`;
  await officer.post(`${path}/${notice}/redelivery`).expect(202);
  await vi.waitFor(() => expect(receiver.received).toHaveLength(1), { timeout: 20_000, interval: 20 });
  await first.kill('SIGKILL');
  receiver.answer = { status: 200 };
  const again = ground.worldOf(await ground.serve());
  await vi.waitFor(() => expect(receiver.received.length).toBeGreaterThan(1), { timeout: 55_000, interval: 250 });
  const heard = receiver.received.map((one) => verified(one, hook.secret));
  // At least once, and always under the same id.
  expect(new Set(heard.map(({ id }) => id))).toEqual(new Set([notice]));
  const reader = await again.as('dev-compliance-officer');
  await vi.waitFor(
    async () =>
      expect((await reader.get(path).expect(200)).body.items).toEqual([
        expect.objectContaining({ noticeId: notice, status: 'delivered', answered: 200 }),
      ]),
    { timeout: 10_000, interval: 250 },
  );
}, 120_000);
