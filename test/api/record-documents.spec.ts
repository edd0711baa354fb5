import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { ReconciliationService } from '../../src/reconciliation/reconciliation.service.js';
import { startApp, startClinic, type Caller, type Clinic, type World } from '../support/app.js';
import { programOf } from '../support/log.js';
import { defineOwnTypes } from '../support/record-types.js';

let world: World;
let clinic: Clinic;
let officer: Caller;
let approver: Caller;
let owner: string;
let records: string;

beforeAll(async () => {
  world = await startApp();
  clinic = await startClinic(world);
  officer = await clinic.member('compliance_officer');
  approver = await clinic.member('approver');
  records = `${clinic.path}/records`;
  const { body } = await clinic.admin.get(`${clinic.path}/members`).expect(200);
  owner = body.items.find(({ role }: { role: string }) => role === 'compliance_officer').id;
  await defineOwnTypes(officer, clinic.path);
});
afterEach(async () => {
  vi.useRealTimers();
  await signIn();
});
afterAll(() => world.stop());

/** Moves the program's clock; tokens are asked for anew. */
async function travel(years: number): Promise<void> {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + years * 365.25 * 24 * 3_600_000 });
  await signIn();
}

async function signIn(): Promise<void> {
  officer = await world.as('dev-compliance-officer');
  approver = await world.as('dev-approver');
}

interface Shown {
  id: string;
  revision: number;
  [member: string]: unknown;
}

let names = 0;
async function create(
  type = 'org/supplier',
  fields: object = { name: `Supplier ${++names}` },
  links: object[] = [],
): Promise<string> {
  const body = { type, title: 'A title', ownerId: owner, effectiveFrom: '2026-01-01T00:00:00Z', fields, links };
  return (await officer.post(records, body).expect(201)).body.id;
}

const etagOf = async (id: string): Promise<string> =>
  `"${(await officer.get(`${records}/${id}`).expect(200)).body.revision}"`;

async function approve(id: string): Promise<Shown> {
  await officer
    .post(`${records}/${id}/submission`)
    .set('If-Match', await etagOf(id))
    .expect(200);
  const { body } = await approver
    .post(`${records}/${id}/decision`, { decision: 'approve' })
    .set('If-Match', await etagOf(id))
    .expect(200);
  return body;
}

const digest = (bytes: Buffer): string => `sha-256=:${createHash('sha256').update(bytes).digest('base64')}:`;

async function add(
  id: string,
  bytes: Buffer,
  options: { type?: string; role?: string; contentDigest?: string | null } = {},
) {
  const { type = 'text/plain', role = 'letter', contentDigest = digest(bytes) } = options;
  const sent = officer
    .post(`${records}/${id}/documents?role=${role}&name=${encodeURIComponent('the letter.txt')}`)
    .set('Content-Type', type)
    .set('If-Match', await etagOf(id));
  if (contentDigest !== null) sent.set('Content-Digest', contentDigest);
  return sent.send(bytes);
}

const stored = async (): Promise<number> =>
  (await readdir(world.evidenceDirectory, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile())
    .length;

describe('do documents come and go with the draft?', () => {
  it('named in a role, kept once, downloaded as they came, and fixed from submission on', async () => {
    const id = await create();
    const letter = Buffer.from('Dear Ada,\nthis is so.\n');
    const { body } = await add(id, letter);
    const [document] = body.documents;
    expect(body.documents).toMatchObject([{ role: 'letter', name: 'the letter.txt' }]);
    const before = await stored();
    expect((await add(id, letter, { role: 'copy' })).body.documents).toHaveLength(2);
    expect(await stored()).toBe(before);
    await approve(id);
    const path = `${records}/${id}/versions/1/documents`;
    const { body: listed } = await officer.get(path).expect(200);
    expect(listed.items).toMatchObject([
      {
        evidenceId: document.evidenceId,
        role: 'letter',
        mediaType: 'text/plain',
        size: letter.length,
        retainedUntil: null,
        heldBy: [],
      },
      { evidenceId: document.evidenceId, role: 'copy' },
    ]);
    const whole = await officer.get(`${path}/${document.evidenceId}`).expect(200);
    expect(whole.headers['repr-digest']).toBe(digest(letter));
    expect(Buffer.from(whole.body).equals(letter)).toBe(true);
    await officer.get(`${path}/${document.evidenceId}`).set('Range', 'bytes=0-3').expect(206);
    await officer.get(`${path}/${document.evidenceId}`).set('If-None-Match', String(whole.headers['etag'])).expect(304);
    const { body: events } = await approver.get(`${clinic.path}/audit-events?action=evidence.read`).expect(200);
    expect(
      events.items.filter((event: { object: { id: string } }) => event.object.id === document.evidenceId),
    ).toHaveLength(3);
    const late = await add(id, Buffer.from('late'));
    expect([late.status, late.body.type]).toEqual([409, '/problems/move-refused']);
    const gone = await officer
      .delete(`${records}/${id}/documents/${document.evidenceId}?role=copy`)
      .set('If-Match', await etagOf(id));
    expect([gone.status, gone.body.type]).toEqual([409, '/problems/move-refused']);
    // A next version has them too, until it lets go of one.
    await officer
      .post(`${records}/${id}/versions`)
      .set('If-Match', await etagOf(id))
      .expect(201);
    const { body: left } = await officer
      .delete(`${records}/${id}/documents/${document.evidenceId}?role=copy`)
      .set('If-Match', await etagOf(id))
      .expect(200);
    expect(left.documents).toHaveLength(1);
    expect((await officer.get(path).expect(200)).body.items).toHaveLength(2);
    await officer.get(`${records}/${id}/versions/1/documents/${id}`).expect(404);
  });

  it('what lies about itself, comes damaged or unasked is refused, and nothing of it stays', async () => {
    const id = await create();
    const before = await stored();
    const html = Buffer.from('<html></html>');
    const zip = Buffer.from('PK\x03\x04 and no more');
    for (const [bytes, options, status, type] of [
      [html, { type: 'application/pdf' }, 422, 'document-refused'],
      [
        zip,
        { type: 'application/vnd.openxmlformats-officedocument.wordprocessingml.document' },
        422,
        'document-refused',
      ],
      [Buffer.from([0xff, 0x00]), {}, 422, 'document-refused'],
      [html, { type: 'text/html' }, 415, 'unsupported-media-type'],
      [html, { contentDigest: digest(zip) }, 400, 'digest-mismatch'],
      [html, { contentDigest: null }, 400, 'malformed-header'],
      [html, { role: 'Not a role' }, 400, 'invalid-request'],
    ] as const) {
      const answer = await add(id, bytes, options);
      expect([answer.status, answer.body.type]).toEqual([status, `/problems/${type}`]);
    }
    const stale = officer
      .post(`${records}/${id}/documents?role=a&name=b`)
      .set('Content-Type', 'text/plain')
      .set('If-Match', '"7"');
    expect((await stale.set('Content-Digest', digest(html)).send(html)).status).toBe(412);
    expect(await stored()).toBe(before);
    expect((await officer.get(`${records}/${id}`).expect(200)).body.documents).toEqual([]);
    for (const caller of [approver, clinic.admin, clinic.agent]) {
      await caller.delete(`${records}/${id}/documents/${id}?role=a`).set('If-Match', '"1"').expect(403);
    }
    await clinic.admin.get(`${records}/${id}/versions/1/documents`).expect(403);
  });
});

describe('is what the law keeps kept, and nothing disposed of by one person?', () => {
  it('until six years after it was last in effect, and never while it is held', async () => {
    const id = await create();
    const { body: withLetter } = await add(id, Buffer.from('a letter of the vendor'));
    const evidenceId = withLetter.documents[0].evidenceId;
    await approve(id);
    const other = await create();
    await add(other, Buffer.from('a letter of the vendor'));
    await approve(other);
    for (const one of [id, other]) {
      await officer
        .post(`${records}/${one}/end`, { effectiveFrom: '2026-06-01T00:00:00Z', reason: 'Over.' })
        .set('If-Match', await etagOf(one))
        .expect(201);
      if (one === id) await approve(one);
    }
    const disposal = async (targets: object[]) => {
      const made = await create('record_disposal', { method: 'Deleted', reason: 'Six years are over.' }, targets);
      return { made, sent: await officer.post(`${records}/${made}/submission`).set('If-Match', '"1"') };
    };
    const target = { kind: 'record', target: id };
    const refused = await disposal([target]);
    expect([refused.sent.status, refused.sent.body.type, refused.sent.body.pointer]).toEqual([
      409,
      '/problems/retained',
      '/links/0',
    ]);
    expect(Date.parse(refused.sent.body.until)).toBeGreaterThan(Date.now() + 5.9 * 365 * 24 * 3_600_000);
    expect((await disposal([])).sent.body.pointer).toBe('/links');
    const hold = await create('legal_hold', { matter: 'Example v. Clinic', everything: false }, [target]);
    await approve(hold);

    await travel(7);
    const held = await disposal([target]);
    expect([held.sent.status, held.sent.body.heldBy]).toEqual([409, [hold]]);
    const { body: kept } = await officer.get(`${clinic.path}/retention`).expect(200);
    // The other vendor’s end waits for a decision: it is in effect, and names the same letter.
    expect(kept.items.find((item: { evidenceId: string }) => item.evidenceId === evidenceId)).toMatchObject({
      retainedUntil: null,
      heldBy: [hold],
    });
    await officer
      .post(`${records}/${hold}/end`, { effectiveFrom: '2026-07-01T00:00:00Z', reason: 'Settled.' })
      .set('If-Match', await etagOf(hold))
      .expect(201);
    await approve(hold);
    const letter = await disposal([{ kind: 'evidence', target: evidenceId }]);
    expect([letter.sent.status, letter.sent.body.type]).toEqual([409, '/problems/retained']);

    const { made } = await disposal([target]);
    const own = await officer
      .post(`${records}/${made}/decision`, { decision: 'approve' })
      .set('If-Match', await etagOf(made));
    expect(own.status).toBe(403);
    await approver
      .post(`${records}/${made}/decision`, { decision: 'approve' })
      .set('If-Match', await etagOf(made))
      .expect(200);
    const { body: emptied } = await officer.get(`${records}/${id}/versions/1?asOf=2026-03-01T00:00:00Z`).expect(200);
    // What was in effect was, and who decided on it stays known.
    expect(emptied).toMatchObject({
      title: '',
      naturalKey: '',
      fields: {},
      state: 'withdrawn',
      inEffect: true,
      documents: [{ name: '' }],
    });
    expect(emptied.disposedAt).not.toBeNull();
    const revised = await officer.post(`${records}/${id}/versions`).set('If-Match', await etagOf(id));
    expect([revised.status, revised.body.type]).toEqual([410, '/problems/disposed']);
    await world.app.get(ReconciliationService, { strict: false }).examine(programOf(clinic));
    const { body: compared } = await officer.get(`${clinic.path}/log/altered-rows`).expect(200);
    expect(compared.items).toEqual([]);
    // The other vendor names the letter: it stays.
    await officer.get(`${records}/${other}/versions/1/documents/${evidenceId}`).expect(200);
    await approve(other);
  });

  /** A supplier that ended long ago by the time of the travel, and a draft of its disposal. */
  async function overAndDone(): Promise<string> {
    const id = await create();
    await approve(id);
    await officer
      .post(`${records}/${id}/end`, { effectiveFrom: '2026-06-01T00:00:00Z', reason: 'Over.' })
      .set('If-Match', await etagOf(id))
      .expect(201);
    await approve(id);
    return id;
  }
  const submitDisposal = async (targets: object[]) => {
    const made = await create('record_disposal', { method: 'Deleted', reason: 'Over.' }, targets);
    return { made, sent: await officer.post(`${records}/${made}/submission`).set('If-Match', '"1"') };
  };

  it('nothing goes on the eve of a legal hold', async () => {
    const id = await overAndDone();
    await travel(7);
    const targets = [{ kind: 'record', target: id }];
    const { body: hold } = await officer
      .post(records, {
        type: 'legal_hold',
        title: 'From tomorrow on',
        ownerId: owner,
        effectiveFrom: new Date(Date.now() + 24 * 3_600_000).toISOString(),
        fields: { matter: 'Example v. Clinic', everything: false },
        links: targets,
      })
      .expect(201);
    await approve(hold.id);
    const { sent } = await submitDisposal(targets);
    expect([sent.status, sent.body.type, sent.body.heldBy]).toEqual([409, '/problems/retained', [hold.id]]);
  });

  it('evidence that a record in effect links to is kept, and that of a hold or a disposal too', async () => {
    const source = await create();
    const evidenceOf = async (text: string) =>
      (await add(source, Buffer.from(text))).body.documents.at(-1).evidenceId as string;
    const [linked, free] = [await evidenceOf('linked by another'), await evidenceOf('linked by nobody')];
    await officer
      .post(`${records}/${source}/abandonment`, { reason: 'Only its documents are of use.' })
      .set('If-Match', await etagOf(source))
      .expect(200);
    const naming = await create(undefined, undefined, [{ kind: 'evidence', target: linked }]);
    await approve(naming);
    await travel(7);
    const { sent } = await submitDisposal([{ kind: 'evidence', target: linked }]);
    expect([sent.status, sent.body.type]).toEqual([409, '/problems/retained']);
    // A disposal that waits does not keep what it is about.
    const { made, sent: waits } = await submitDisposal([{ kind: 'evidence', target: free }]);
    expect(waits.status).toBe(200);
    await approver
      .post(`${records}/${made}/decision`, { decision: 'approve' })
      .set('If-Match', await etagOf(made))
      .expect(200);
    await officer.get(`${clinic.path}/evidence/${free}/content`).expect(410);
    await officer.get(`${clinic.path}/evidence/${linked}/content`).expect(200);
  });

  it('a next version that is begun while a disposal is decided on stops it', async () => {
    const id = await overAndDone();
    await travel(7);
    const { made, sent } = await submitDisposal([{ kind: 'record', target: id }]);
    expect(sent.status).toBe(200);
    const etag = await etagOf(made);
    const other = new pg.Client({ connectionString: world.database.urls.server });
    await other.connect();
    try {
      await other.query('begin');
      await other.query(`select set_config('app.organization_id', $1, true)`, [clinic.organizationId]);
      await other.query(`update record set last_version = 3, open_version = 3, revision = revision + 1 where id = $1`, [
        id,
      ]);
      await other.query(
        `insert into record_version
         select (jsonb_populate_record(v, '{"version": 3, "state": "draft", "submitted_at": null, "submitted_by": null, "decided_at": null, "decided_by": null, "decided_person": null}')).*
         from record_version v where record_id = $1 and version = 1`,
        [id],
      );
      let status = 0;
      const deciding = approver
        .post(`${records}/${made}/decision`, { decision: 'approve' })
        .set('If-Match', etag)
        .then((answer) => {
          status = answer.status;
          return answer;
        });
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      expect(status).toBe(0);
      await other.query('commit');
      const { body } = await deciding;
      expect([status, body.type]).toEqual([409, '/problems/retained']);
    } finally {
      await other.end();
    }
    const { body: draft } = await officer.get(`${records}/${id}`).expect(200);
    expect(draft).toMatchObject({ version: 3, state: 'draft', disposedAt: null });
  });

  it('nothing that was written of a record is left anywhere, and what was done with it when and by whom is', async () => {
    const written = 'jane-roe-mrn-0012345';
    const reason = `${written} has moved.`;
    const body = {
      ...{ type: 'org/supplier', title: written, ownerId: owner, effectiveFrom: '2026-01-01T00:00:00Z' },
      ...{ fields: { name: written }, links: [{ kind: 'control', target: '164.308(a)(1)(i)', note: written }] },
    };
    const made = await officer.post(records, body).set('Idempotency-Key', `${++names}`).expect(201);
    const { id } = made.body;
    const act = async (who: Caller, path: string, said: object, status = 200) =>
      who
        .post(`${records}/${id}/${path}`, said)
        .set('If-Match', await etagOf(id))
        .expect(status);
    const submit = async () =>
      officer
        .post(`${records}/${id}/submission`)
        .set('If-Match', await etagOf(id))
        .expect(200);
    await submit();
    await act(approver, 'decision', { decision: 'reject', reason });
    await approve(id);
    await officer
      .post(`${records}/${id}/versions`)
      .set('If-Match', await etagOf(id))
      .expect(201);
    await act(officer, 'abandonment', { reason });
    await act(officer, 'end', { effectiveFrom: '2026-06-01T00:00:00Z', reason }, 201);
    await approve(id);
    const moves = async () =>
      (await officer.get(`${records}/${id}/moves`).expect(200)).body.items as { reason: string | null }[];
    const before = await moves();
    expect(before.filter((move) => move.reason === reason)).toHaveLength(3);

    await travel(7);
    const admin = new pg.Client({ connectionString: world.database.urls.admin });
    await admin.connect();
    try {
      // Its own clock has not moved.
      await admin.query(`update idempotency_key set created_at = created_at - interval '7 years'`);
      const { made: disposal } = await submitDisposal([{ kind: 'record', target: id }]);
      await approver
        .post(`${records}/${disposal}/decision`, { decision: 'approve' })
        .set('If-Match', await etagOf(disposal))
        .expect(200);
      expect(await moves()).toEqual(before.map((move) => ({ ...move, reason: null })));
      const { rows: tables } = await admin.query<{ name: string }>(
        `select c.oid::regclass::text as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
         where c.relkind in ('r', 'p') and n.nspname not in ('pg_catalog', 'information_schema')`,
      );
      expect(tables.length).toBeGreaterThan(50);
      for (const { name } of tables) {
        const { rows } = await admin.query(`select from ${name} t where t::text like $1`, [`%${written}%`]);
        expect([name, rows.length]).toEqual([name, 0]);
      }
    } finally {
      await admin.end();
    }
  });

  it('bytes go with the last that names them, and come back to nobody', async () => {
    const bytes = Buffer.from('only once');
    const id = await create();
    const { body: withLetter } = await add(id, bytes);
    const evidenceId = withLetter.documents[0].evidenceId;
    await approve(id);
    await officer
      .post(`${records}/${id}/end`, { effectiveFrom: '2026-06-01T00:00:00Z', reason: 'Over.' })
      .set('If-Match', await etagOf(id))
      .expect(201);
    await approve(id);
    const before = await stored();
    await travel(7);
    const made = await create('record_disposal', { method: 'Deleted', reason: 'Over.' }, [
      { kind: 'record', target: id },
    ]);
    await approve(made);
    const path = `${records}/${id}/versions/1/documents/${evidenceId}`;
    const gone = await officer.get(path);
    expect([gone.status, gone.body.type]).toEqual([410, '/problems/disposed']);
    await officer.get(`${clinic.path}/evidence/${evidenceId}/content`).expect(410);
    const { body: known } = await officer.get(`${clinic.path}/evidence/${evidenceId}`).expect(200);
    expect(known.disposedAt).not.toBeNull();
    await vi.waitFor(async () => expect(await stored()).toBe(before - 1), 10_000);
    const again = await add(await create(), bytes);
    expect([again.status, again.body.type]).toEqual([410, '/problems/disposed']);
    expect(await stored()).toBe(before - 1);
    const { body: events } = await approver.get(`${clinic.path}/audit-events?objectId=${evidenceId}`).expect(200);
    expect(events.items.map(({ action }: { action: string }) => action)).toContain('evidence.disposed');
    // What was disposed of does not come back.
    const end = { effectiveFrom: '2026-06-01T00:00:00Z', reason: 'Undo.' };
    await officer
      .post(`${records}/${made}/end`, end)
      .set('If-Match', await etagOf(made))
      .expect(201);
    await officer
      .post(`${records}/${made}/submission`)
      .set('If-Match', await etagOf(made))
      .expect(422);
  });
});
