import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type pg from 'pg';
import type { Logger } from 'pino';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { LOGGER } from '../../src/kernel/logger.js';
import { openCheckpoint } from '../../src/audit/checkpoint.js';
import { LogRefused } from '../../src/audit/log-faults.js';
import { LogSequencer } from '../../src/audit/log.sequencer.js';
import { isConsistent, isIncluded, leafHash } from '../../src/audit/merkle.js';
import { parseVerifierKey } from '../../src/audit/note.js';
import { openReceipt } from '../../src/audit/receipt.js';
import { entriesOf, hashesOfTile } from '../../src/audit/tile.js';
import { parseTlogProof } from '../../src/audit/tlog-proof.js';
import { LocalKeyEncryptionKey } from '../../src/kernel/crypto/local-key-encryption.js';
import { spkiOf } from '../../src/kernel/crypto/signing/signing-key.js';
import { SigningKeys } from '../../src/kernel/crypto/signing/signing-keys.js';
import { Database } from '../../src/kernel/db/database.js';
import { newId } from '../../src/kernel/ids.js';
import { servicePrincipal } from '../../src/kernel/principal.js';
import { beginNewLogs } from '../../src/new-logs.js';
import { startClinic, startSuite, type Caller, type Clinic, type World } from '../support/app.js';
import { followLog, partsOf, programOf, writeEvents } from '../support/log.js';
import { packagesRoom } from '../support/packages.js';
import { kubeBench, send } from './reports.js';

let world: World;
let clinic: Clinic;
let officer: Caller;
let admin: pg.Client;
beforeAll(async () => {
  const suite = await startSuite();
  ({ world, clinic, officer, admin } = suite);
  return suite.stop;
});

/** Another organisation, whose log nobody else writes to. */
const another = (): Promise<Clinic> => startClinic(world);
const close = (of: Clinic) => partsOf(world).log.close(programOf(of));
const base64 = (text: string): Buffer => Buffer.from(text, 'base64');

interface Listed {
  id: string;
  leaf: string;
  logIndex: number | null;
}
async function events(of: Clinic): Promise<Listed[]> {
  const found: Listed[] = [];
  let path: string | null = `${of.path}/audit-events?limit=500`;
  while (path !== null) {
    const { body }: { body: { items: Listed[]; next: string | null } } = await of.admin.get(path).expect(200);
    found.push(...body.items);
    path = body.next === null ? null : `${of.path}/audit-events?limit=500&cursor=${body.next}`;
  }
  return found;
}

describe('is what was done in the log?', () => {
  it('each event is the leaf at its index, and whoever follows the log finds all of it to agree', async () => {
    await close(clinic);
    const followed = await followLog(world, clinic, officer);
    const listed = await events(clinic);
    expect(followed.origin).toBe(`127.0.0.1:8080/log/${clinic.organizationId}`);
    expect(listed.map(({ logIndex }) => logIndex).sort((a, b) => Number(a) - Number(b))).toEqual([
      ...followed.leaves.keys(),
    ]);
    for (const { leaf, logIndex } of listed) expect(followed.leaves[logIndex ?? -1]?.toString()).toBe(leaf);
  });

  it('an event is under a signed head before long, without anybody asking for it', async () => {
    const before = await close(clinic);
    const { id } = await clinic.system();
    await vi.waitFor(
      async () => {
        const followed = await followLog(world, clinic, officer);
        expect(followed.size).toBeGreaterThan(before.size);
        expect(followed.leaves.some((leaf) => leaf.includes(id))).toBe(true);
      },
      { timeout: 15_000, interval: 200 },
    );
  });

  it.each([255, 256, 257, 513])('a log of %i leaves is whole, and extends what it was', async (size) => {
    const other = await another();
    const first = await close(other);
    await writeEvents(world, other, size - first.size);
    const head = await close(other);
    expect(head.size).toBe(size);
    const followed = await followLog(world, other, other.admin);
    expect(followed.root).toEqual(head.root);
    const { body } = await other.admin.get(`${other.path}/log/proof/consistency?from=${first.size}`).expect(200);
    expect(isConsistent(first, head, (body.proof as string[]).map(base64))).toBe(true);
    // A further batch that ends inside a tile, and one that goes over several.
    await writeEvents(world, other, 1);
    await close(other);
    await writeEvents(world, other, 700);
    await close(other);
    expect((await followLog(world, other, other.admin)).size).toBe(size + 701);
  });

  it('two levels of tiles are', async () => {
    const other = await another();
    const first = await close(other);
    const { rows } = await admin.query<{ count: string }>(`select count(*) from audit_event`);
    expect(Number(rows[0]?.count)).toBeGreaterThan(0);
    await writeEvents(world, other, 65_537 - first.size);
    const head = await close(other);
    expect(head.size).toBe(65_537);
    const { bytes } = await send(world.url, other.admin, 'GET', `${other.path}/log/tile/2/000.p/1`);
    const level1 = await send(world.url, other.admin, 'GET', `${other.path}/log/tile/1/000`);
    expect(hashesOfTile(bytes)).toHaveLength(1);
    expect(hashesOfTile(level1.bytes)).toHaveLength(256);
    const { body } = await other.admin.get(`${other.path}/log/proof/consistency?from=65535`).expect(200);
    const [from, to] = [body.from, body.to].map(({ size, root }) => ({ size, root: base64(root) }));
    expect(isConsistent(from!, to!, (body.proof as string[]).map(base64))).toBe(true);
  }, 60_000);
});

describe('are proofs what they say?', () => {
  it('that each event is in the tree, of any size', async () => {
    const head = await close(clinic);
    for (const { id, leaf, logIndex } of await events(clinic)) {
      for (const size of new Set([head.size, (logIndex ?? 0) + 1])) {
        const { body } = await officer.get(`${clinic.path}/log/proof/inclusion?event=${id}&size=${size}`).expect(200);
        expect(body).toMatchObject({ eventId: id, leaf, index: logIndex, size });
        const tree = { size, root: base64(body.root) };
        expect(isIncluded(leafHash(Buffer.from(leaf)), body.index, tree, body.proof.map(base64))).toBe(true);
      }
    }
  });

  it('as a file that stands alone', async () => {
    await close(clinic);
    const [event] = await events(clinic);
    const { bytes } = await send(world.url, officer, 'GET', `${clinic.path}/log/events/${event?.id}/proof`);
    const proof = parseTlogProof(bytes);
    const { body } = await officer.get(`${clinic.path}/log`).expect(200);
    const head = openCheckpoint(proof.checkpoint, parseVerifierKey(body.keys.checkpoint[0]));
    expect(isIncluded(leafHash(Buffer.from(event?.leaf ?? '')), proof.index, head, proof.hashes)).toBe(true);
  });

  it('and none is given of what is not so', async () => {
    const { size } = await close(clinic);
    const [event] = await events(clinic);
    const get = (path: string) => officer.get(`${clinic.path}/log/${path}`);
    await get(`proof/inclusion?event=${newId()}`).expect(404);
    await get(`events/${newId()}/proof`).expect(404);
    await get(`proof/inclusion?event=${event?.id}&size=${event?.logIndex}`).expect(404);
    await get(`proof/inclusion?event=${event?.id}&size=${size + 1}`).expect(400);
    await get(`proof/consistency?from=2&to=1`).expect(400);
    await get(`proof/consistency?from=1&to=${size + 1}`).expect(400);
    await get(`proof/consistency?from=${2 ** 53}`).expect(400);
    const { body } = await get('proof/consistency?from=0').expect(200);
    expect(body.proof).toEqual([]);
  });

  it.each([
    '0/000.p/256',
    '0/001',
    '0/999.p/1',
    '6/000.p/1',
    'entries/0',
    'entries/%2e%2e/000',
    '0',
    'a/000',
    '0/000/000',
  ])('there is no tile %s', async (path) => {
    await close(clinic);
    await officer.get(`${clinic.path}/log/tile/${path}`).expect(404);
  });

  it('a part of a tile is that of the tile', async () => {
    const { size } = await close(clinic);
    const tile = async (path: string) =>
      (await send(world.url, officer, 'GET', `${clinic.path}/log/tile/${path}`)).bytes;
    const hashes = hashesOfTile(await tile(`0/000.p/${size}`));
    for (const width of [1, size - 1]) {
      expect(hashesOfTile(await tile(`0/000.p/${width}`))).toEqual(hashes.slice(0, width));
      expect(entriesOf(await tile(`entries/000.p/${width}`)).map((leaf) => leafHash(leaf))).toEqual(
        hashes.slice(0, width),
      );
    }
  });
});

describe('does whoever posts a report get a receipt?', () => {
  const post = (query: string, headers: Record<string, string> = {}) =>
    send<{ id: string; status: string; receipt: string; duplicate: boolean }>(
      world.url,
      clinic.agent,
      'POST',
      `${clinic.systemPath}/scans?targets=node/${query}&observedAt=2026-01-01T00:00:00Z`,
      { body: kubeBench({ '1.2.1': 'PASS' }), headers },
    );

  it.each([
    ['stored', 'one', {}],
    ['queued', 'two', { Prefer: 'respond-async' }],
  ] as const)(
    'for a scan that is %s: the leaf that it promises is in the log, and again the same',
    async (status, node, headers) => {
      const before = Date.now();
      const { body } = await post(node, headers);
      expect(body.status).toBe(status);
      await close(clinic);
      const { body: log } = await officer.get(`${clinic.path}/log`).expect(200);
      const receipt = openReceipt(Buffer.from(body.receipt), (log.keys.receipt as string[]).map(parseVerifierKey));
      expect(receipt.origin).toBe(log.origin);
      expect(receipt.time).toBeGreaterThanOrEqual(before);
      expect(receipt.time).toBeLessThanOrEqual(Date.now());
      const { leaves } = await followLog(world, clinic, officer);
      const promised = leaves.find((leaf) => leafHash(leaf).equals(receipt.leafHash));
      expect(JSON.parse(promised?.toString() ?? '')).toMatchObject({
        action: `scan.${status}`,
        object: { kind: 'scan', id: body.id },
      });
      const again = await post(node, headers);
      expect(again.body).toMatchObject({ id: body.id, duplicate: true, receipt: body.receipt });
    },
  );

  it('for a retry under the same key: the same', async () => {
    const headers = { 'Idempotency-Key': newId() };
    const [one, other] = [await post('three', headers), await post('three', headers)];
    expect(other.body.receipt).toBe(one.body.receipt);
  });
});

describe('does the log stay one?', () => {
  it('a turn that is cut off leaves nothing, and the next does all of it once', async () => {
    const other = await another();
    const before = await close(other);
    await writeEvents(world, other, 300);
    const count = async (table: string): Promise<number> => {
      const { rows } = await admin.query<{ count: string }>(
        `select count(*) from ${table} where organization_id = $1`,
        [other.organizationId],
      );
      return Number(rows[0]?.count);
    };
    const state = async () =>
      (await admin.query<object>('select size, root from log_state where organization_id = $1', [other.organizationId]))
        .rows;
    // The last statement of the transaction fails, as the connection would.
    await admin.query(`create trigger cut before delete on audit_queue for each row execute function refuse_change()`);
    const [leaves, tiles, at] = [await count('audit_leaf'), await count('log_tile'), await state()];
    const sequencer = world.app.get(LogSequencer, { strict: false });
    await expect(sequencer.append(programOf(other), { wait: true })).rejects.toThrow('append-only');
    expect([await count('audit_leaf'), await count('log_tile'), await state()]).toEqual([leaves, tiles, at]);
    expect(await count('audit_queue')).toBe(300);
    await admin.query('drop trigger cut on audit_queue');
    const after = await close(other);
    expect(after.size).toBe(before.size + 300);
    expect(await count('audit_queue')).toBe(0);
    expect((await followLog(world, other, other.admin)).size).toBe(after.size);
  });

  it('however many write and append at once', async () => {
    const other = await another();
    const writers = Array.from({ length: 12 }, async (_, at) => {
      for (let round = 0; round < 4; round += 1) await writeEvents(world, other, 1 + ((at * 7 + round * 13) % 60));
    });
    const closers = Array.from({ length: 4 }, async () => {
      for (let round = 0; round < 5; round += 1) await close(other);
    });
    await Promise.all([...writers, ...closers]);
    await close(other);
    const listed = await events(other);
    const followed = await followLog(world, other, other.admin);
    const indexes = listed.map(({ logIndex }) => Number(logIndex)).sort((a, b) => a - b);
    expect(indexes).toEqual([...followed.leaves.keys()]);
    const { rows } = await admin.query<{ size: string; root: Buffer }>(
      'select size, root from log_checkpoint where organization_id = $1 order by size',
      [other.organizationId],
    );
    expect(rows.length).toBeGreaterThan(1);
    for (const { size, root } of rows) {
      const { body } = await other.admin.get(`${other.path}/log/proof/consistency?from=${size}`).expect(200);
      const proof = (body.proof as string[]).map(base64);
      expect(isConsistent({ size: Number(size), root }, followed, proof)).toBe(true);
    }
  });

  /** As a superuser does it, past what forbids it. */
  const unguarded = async (statement: string, values: readonly unknown[]): Promise<void> => {
    await admin.query('alter table audit_leaf disable trigger append_only');
    await admin.query(statement, [...values]);
    await admin.query('alter table audit_leaf enable always trigger append_only');
  };

  it('what a superuser has changed below a head is signed no further, is said, and is over when it is put back', async () => {
    const other = await another();
    const packages = packagesRoom(`${other.path}/packages`, await other.member('compliance_officer'));
    const head = await close(other);
    const leaf = 'update audit_leaf set leaf_hash = $2 where organization_id = $1 and index = 0';
    const { rows: kept } = await admin.query<{ hash: Buffer }>(
      'select leaf_hash as hash from audit_leaf where organization_id = $1 and index = 0',
      [other.organizationId],
    );
    await unguarded(leaf, [other.organizationId, leafHash(Buffer.from('another'))]);
    await writeEvents(world, other, 1);
    await expect(close(other)).rejects.toThrow(LogRefused);
    await expect(close(other)).rejects.toThrow('has another root than its leaves');
    // It signs a log every five seconds at most.
    await vi.waitFor(
      () => {
        expect(
          world.logs.some((line) => line.includes('the log does not go on') && line.includes(other.organizationId)),
        ).toBe(true);
      },
      { timeout: 20_000, interval: 100 },
    );
    const { rows } = await admin.query<{ size: string }>(
      'select max(size) as size from log_checkpoint where organization_id = $1',
      [other.organizationId],
    );
    expect(Number(rows[0]?.size)).toBe(head.size);

    const log = async () => (await other.admin.get(`${other.path}/log`).expect(200)).body;
    const health = async () => (await other.admin.get('/health/ready').expect(200)).body;
    expect(await log()).toMatchObject({
      size: head.size,
      refused: { origin: head.origin, foundBy: 'here', reason: 'the log has another root than its leaves' },
    });
    const { body: problem } = await other.admin.get(`${other.path}/log/checkpoint`).expect(503);
    expect(problem).toMatchObject({ type: '/problems/log-refused', since: expect.any(String) });
    expect(problem.detail).toContain('is not what it has signed');
    expect(await health()).toEqual({ status: 'ok', log: 'refused' });
    // No further try would help: it ends, and says why.
    expect(await packages.settled((await packages.request()).id)).toMatchObject({
      status: 'failed',
      problem: { type: '/problems/log-refused', detail: expect.stringContaining('is not what it has signed') },
    });
    // Of others nothing stops.
    await writeEvents(world, clinic, 1);
    await close(clinic);

    await unguarded(leaf, [other.organizationId, kept[0]!.hash]);
    const { note } = await close(other);
    expect(await log()).toMatchObject({ refused: null, checkpoint: note.toString() });
    await other.admin.get(`${other.path}/log/checkpoint`).expect(200);
    expect(await health()).toEqual({ status: 'ok', log: 'signed' });
  });

  it('a key of before is still told', async () => {
    const ground = join(world.evidenceDirectory, '..');
    const options = { directory: join(ground, 'signing-before'), create: true, packageKey: null, vaultTokenFile: '' };
    const kek = await LocalKeyEncryptionKey.load(join(ground, 'keys.json'), { create: false });
    const keys = await SigningKeys.open(world.app.get(Database), options, kek, world.app.get<Logger>(LOGGER));
    await keys.onModuleInit();
    await close(clinic);
    const { body } = await officer.get(`${clinic.path}/log`).expect(200);
    const [present, before, ...others] = (body.keys.checkpoint as string[]).map(parseVerifierKey);
    expect(others).toEqual([]);
    expect(spkiOf(before!.publicKey)).toEqual(spkiOf(keys.log.publicKey));
    openCheckpoint(Buffer.from(body.checkpoint), present!);
  });

  it('one that is begun anew has the last head of the one before, and all of its events again', async () => {
    const other = await another();
    await writeEvents(world, other, 400);
    const old = await close(other);
    const before = await followLog(world, other, other.admin);
    // What is kept of the old one under the same address is not kept for long.
    const { headers } = await send(world.url, other.admin, 'GET', `${other.path}/log/tile/0/000`);
    expect(headers['cache-control']).toBe('private, max-age=60');
    for (const generation of [2, 3]) {
      await admin.query('insert into log_generation values ($1, now())', [generation]);
      await writeEvents(world, other, 3);
      await close(other);
      const followed = await followLog(world, other, other.admin);
      expect(followed.origin).toBe(`${before.origin}/${generation}`);
      expect(followed.size).toBe(old.size + 1 + 3 * (generation - 1));
      const [first, ...leaves] = followed.leaves;
      if (generation === 2) expect(first).toEqual(old.note);
      expect(leaves.slice(0, old.size)).toEqual(before.leaves);
      expect((await events(other)).every(({ logIndex }) => logIndex !== null && logIndex > 0)).toBe(true);
    }
    // One to which nothing is written is begun anew too.
    await vi.waitFor(
      async () => {
        const { body } = await officer.get(`${clinic.path}/log`).expect(200);
        expect(body.origin).toMatch(/\/3$/);
      },
      { timeout: 15_000, interval: 200 },
    );
    await followLog(world, clinic, officer);
  });

  it('what a turn of the old one still appends while a new one is begun is taken over, and its receipts are given meanwhile', async () => {
    const other = await another();
    const { generation, size } = await close(other);
    const { database, log } = partsOf(world);
    const of = [other.organizationId];
    await admin.query('begin');
    try {
      // A turn that is slow: it has the log in hand, and gives an event its place in it.
      await admin.query('select from log_state where organization_id = $1 for update', of);
      await writeEvents(world, other, 1);
      await admin.query(
        `with taken as (delete from audit_queue where organization_id = $1 returning organization_id, event_id, leaf_hash)
         insert into audit_leaf (organization_id, generation, index, leaf_hash, event_id)
         select organization_id, $2, $3, leaf_hash, event_id from taken`,
        [...of, generation, size],
      );
      await database.write(servicePrincipal('test', null, newId()), async (tx) => {
        tx.withoutAudit('of a test');
        await tx.execute('insert into log_generation values ($1, now())', [generation + 1]);
      });
      const closed = close(other);
      await vi.waitFor(
        async () => {
          const waiting = await database.read(programOf(other), (tx) =>
            tx.query(
              `select from pg_stat_activity where wait_event_type = 'Lock' and query ~ 'from log_state.*for update'`,
            ),
          );
          expect(waiting).not.toEqual([]);
        },
        { timeout: 10_000, interval: 50 },
      );
      const receipt = await database.read(programOf(other), (tx) =>
        log.receiptOf(tx, { kind: 'system', id: other.systemId }, ['system.created']),
      );
      expect(receipt).toContain(`/${generation + 1}\n`);
      await admin.query('commit');
      expect((await closed).size).toBe(size + 2);
    } finally {
      await admin.query('rollback');
    }
    const followed = await followLog(world, other, other.admin);
    const listed = await events(other);
    expect(listed).toHaveLength(size + 1);
    for (const { leaf, logIndex } of listed) expect(followed.leaves[logIndex ?? -1]?.toString()).toBe(leaf);
  });

  it('a new one is whole where leaves of the old one were changed, or taken out of it', async () => {
    const other = await another();
    await close(other);
    const of = [other.organizationId];
    await unguarded(`update audit_leaf set leaf_hash = sha256('another') where organization_id = $1 and index = 0`, of);
    await unguarded('delete from audit_leaf where organization_id = $1 and index = 1', of);
    await writeEvents(world, other, 1);
    await expect(close(other)).rejects.toThrow('has lost a part of its tile');
    // What the operator is told to ask finds both.
    const guide = await readFile(new URL('../../../docs/log.md', import.meta.url), 'utf8');
    const questions = /```sql\n([^]*?)```/.exec(guide)?.[1]?.replaceAll('…', other.organizationId).split(/;\s*/) ?? [];
    const [changed, lost] = [await admin.query(questions[0] ?? ''), await admin.query(questions[1] ?? '')];
    expect([changed.rows, lost.rows]).toEqual([
      [{ index: '0', event_id: expect.any(String) }],
      [{ id: expect.any(String) }],
    ]);
    const begun = await beginNewLogs({ databaseUrl: world.database.urls.server });
    expect(begun?.faults).toMatchObject([{ foundBy: 'here', reason: 'the log has lost a part of its tile 0/0' }]);
    await close(other);
    const followed = await followLog(world, other, other.admin);
    expect(followed.origin).toMatch(new RegExp(`/${begun?.number}$`));
    const listed = await events(other);
    expect(followed.leaves.slice(1).map(String).sort()).toEqual(listed.map(({ leaf }) => leaf).sort());
  });
});
