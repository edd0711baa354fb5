import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { LogRefused } from '../../src/audit/log-faults.js';
import { LogSigner } from '../../src/audit/log.signer.js';
import type { Instant } from '../../src/kernel/http/instant.js';
import { newId } from '../../src/kernel/ids.js';
import { PackagesService } from '../../src/packages/packages.service.js';
import { seriesId, targetId } from '../../src/results/series.js';
import type { Held } from '../../src/verify/held.js';
import type { Check } from '../../src/verify/steps.js';
import { safeguard } from '../cli/support.js';
import { bagIn, readZip } from '../packages/read-zip.js';
import { backup } from '../support/anchors.js';
import { startClinic, startSuite, type Caller, type Clinic, type World } from '../support/app.js';
import { Keeper } from '../support/keep.js';
import { followLog, partsOf, programOf, writeEvents } from '../support/log.js';
import { ofAll, packagesRoom, unqueuedPackage, type PackagesRoom } from '../support/packages.js';
import type { Verdict } from '../../src/verify/verify.js';
import { failed, Superuser, verify, type Edit } from '../support/tampering.js';
import { kubeBench, send } from './reports.js';

/*
 * Somebody with all rights on the database and the disk edits what the service keeps, past its triggers and its keys: which check tells of it. The table in docs/log.md
 * says the same to people. What the outside adds (witnesses, copies) is tried in anchors.spec.ts; what somebody does who has the service's keys as well, and what is
 * done to a package on its way, in test/verify.
 */

const FIXTURES = fileURLToPath(new URL('../../../test/fixtures/reports', import.meta.url));

let world: World;
let admin: pg.Client;
let superuser: Superuser;
let clinic: Clinic;
let officer: Caller;
let packages: PackagesRoom;
let directory: string;
/** Of two reports; each with what its poster was given. */
const posted: { evidenceId: string; receipt: Held }[] = [];
let recordId: string;
/** A package from before anything was done. */
let whole: { id: string; file: string; instant: Instant };
/** What an auditor has kept from before as well. */
let head: Held;

const post = async (of: Clinic, minute: number): Promise<{ evidenceId: string; receipt: Held }> => {
  const observedAt = new Date(Date.now() - minute * 60_000).toISOString();
  const { status, body } = await send<{ evidenceId: string; receipt: string }>(
    world.url,
    of.agent,
    'POST',
    `${of.systemPath}/scans?targets=node/cp-1&observedAt=${observedAt}`,
    { body: kubeBench({ '1.2.1': 'PASS', '1.2.2': minute % 2 === 0 ? 'PASS' : 'WARN' }) },
  );
  expect(status).toBe(201);
  return { evidenceId: body.evidenceId, receipt: { name: `receipt ${minute}`, bytes: Buffer.from(body.receipt) } };
};

const sign = (of: Clinic) => partsOf(world).log.close(programOf(of));
const checkpointOf = async (of: Clinic): Promise<Held> => {
  const { bytes } = await send(world.url, of.admin, 'GET', `${of.path}/log/checkpoint`);
  return { name: 'checkpoint', bytes };
};

beforeAll(async () => {
  const suite = await startSuite();
  ({ world, admin, clinic, officer } = suite);
  superuser = new Superuser(admin);
  directory = await mkdtemp(join(tmpdir(), 'safeguard-tampering-'));
  packages = packagesRoom(`${clinic.path}/packages`, officer);
  posted.push(await post(clinic, 10), await post(clinic, 5));
  const query = `observedAt=${new Date().toISOString()}`;
  const minute = new Date(Date.now() - 3_600_000).toISOString().slice(0, 16);
  for (const [report, when] of [
    ['cert-manager/certificates.yaml', query],
    ['falco/lines.ndjson', ''],
  ] as const) {
    // Of an hour ago: packages show the security events of their period.
    const body = (await readFile(join(FIXTURES, report), 'utf8')).replaceAll(/2026-03-01T(09:59|10:00)/g, minute);
    const { status } = await send(world.url, clinic.agent, 'POST', `${clinic.systemPath}/scans?${when}`, { body });
    expect(status).toBe(201);
  }
  const keeper = await Keeper.of(clinic, officer, await clinic.member('approver'));
  recordId = await keeper.keep({
    type: 'appointment',
    fields: {
      person: 'M. Alvarez',
      duties: 'Keeps the risk analysis.',
      appointedOn: '2025-01-06',
      confirmedOn: new Date().toISOString().slice(0, 10),
    },
    document: 'appointment',
  });
  // So that the log has a full tile.
  await writeEvents(world, clinic, 300);
  await sign(clinic);
  head = await checkpointOf(clinic);
  const { id, status } = await packages.settled((await packages.request(ofAll)).id);
  expect(status).toBe('ready');
  const bytes = await packages.bytes(id);
  const index = JSON.parse((await fileIn(bytes, 'index.json')).toString()) as Record<keyof Instant, string>;
  const instant = { asOf: new Date(index.asOf), knownAt: new Date(index.knownAt) };
  whole = { id, file: await fileOf(bytes), instant };
  return suite.stop;
});
afterAll(() => rm(directory, { recursive: true, force: true }));

async function fileOf(bytes: Buffer): Promise<string> {
  const file = join(directory, `${newId()}.zip`);
  await writeFile(file, bytes);
  return file;
}

async function fileIn(archive: Buffer, path: string): Promise<Buffer> {
  const bytes = bagIn(await readZip(archive)).get(`data/${path}`);
  if (bytes === undefined) throw new Error(`the package has no ${path}`);
  return bytes;
}

/** Builds another package now; by default as of now. */
async function nextPackage(instant?: Instant): Promise<Buffer> {
  const id = await unqueuedPackage(world, clinic, instant);
  await world.app.get(PackagesService, { strict: false }).build(programOf(clinic), id);
  return packages.bytes(id);
}

const flipped = (column: string): string => `${column} = set_byte(${column}, 0, get_byte(${column}, 0) # 1)`;
const rows = (table: string, where: string, edit: (where: string) => string): Edit => {
  const own = `organization_id = '${clinic.organizationId}' and ${where}`;
  return { table, where: own, edit: edit(own) };
};
/** An event of the clinic, by what it is of. */
const eventOf = async (action: string, objectId?: string): Promise<string> => {
  const { rows } = await admin.query<{ id: string }>(
    `select id from audit_event where organization_id = $1 and action = $2 and object_id = coalesce($3, object_id) order by id limit 1`,
    [clinic.organizationId, action, objectId ?? null],
  );
  return rows[0]!.id;
};

describe('a package as the service makes it', () => {
  it('does it pass every check, by the keys and heads that an auditor was given another way?', async () => {
    const { body } = await officer.get('/v1/signing-keys').expect(200);
    const { fingerprint } = (body.items as { use: string; fingerprint: string }[]).find(
      ({ use }) => use === 'package',
    )!;
    const verdict = await verify(whole.file, {
      fingerprints: [fingerprint],
      checkpoints: [head],
      receipts: posted.map(({ receipt }) => receipt),
    });
    expect(verdict.fault).toBeNull();
    // Nobody outside is configured here.
    expect(verdict.lines.filter(({ result }) => result !== 'ok').map(({ check }) => check)).toEqual([
      'witnesses',
      'time-stamps',
    ]);
    expect(verdict.lines.find(({ check }) => check === 'approved')?.text).toMatch(/^1 versions of records/);

    const [checkpoint, receipt] = [join(directory, 'checkpoint'), join(directory, 'receipt')];
    await writeFile(checkpoint, head.bytes);
    await writeFile(receipt, posted[0]!.receipt.bytes);
    const known = ['--fingerprint', fingerprint, '--checkpoint', checkpoint, '--receipt', receipt];
    const { code, stdout } = await safeguard(['verify', whole.file, ...known]);
    expect(stdout).toMatch(/\nVERIFIED: nothing is wrong with package .* of Lakeside Clinic\n$/);
    expect(code).toBe(0);
  });
});

describe('does the next package fail its verification, and pass again when it is put back?', () => {
  const leafEdit = (from: string, to: string): string =>
    `leaf = convert_to(replace(convert_from(leaf, 'UTF8'), '${from}', '${to}'), 'UTF8')`;

  it.each<[string, () => Promise<Edit[]>, Check[]]>([
    [
      'an event was changed',
      async () => {
        const id = await eventOf('scan.stored');
        const edit = leafEdit('"outcome":"success"', '"outcome":"failure"');
        return [rows('audit_event', `id = '${id}'`, (own) => `update audit_event set ${edit} where ${own}`)];
      },
      ['log'],
    ],
    [
      'a full tile was changed',
      () =>
        Promise.resolve([
          rows('log_tile', 'level = 0', (own) => `update log_tile set ${flipped('hashes')} where ${own}`),
        ]),
      ['log', 'proofs'],
    ],
    [
      'an event was dated later, to be left out, and an approved record is in effect from earlier',
      async () => {
        const id = await eventOf('evidence.received');
        const [later, earlier] = [`created_at + interval '1 day'`, `effective_from - interval '1 year'`];
        return [
          rows('audit_event', `id = '${id}'`, (own) => `update audit_event set created_at = ${later} where ${own}`),
          rows(
            'record_version',
            `record_id = '${recordId}'`,
            (own) => `update record_version set effective_from = ${earlier} where ${own}`,
          ),
        ];
      },
      ['events', 'approved', 'custody'],
    ],
    [
      'an event was slipped in past the log, or taken out of the queue',
      async () => {
        const [id, added] = [await eventOf('scan.stored'), newId()];
        const edit = `insert into audit_event select (jsonb_populate_record(e, jsonb_build_object('id', '${added}',
          'leaf', '\\x' || encode(convert_to(replace(convert_from(leaf, 'UTF8'), '${id}', '${added}'), 'UTF8'), 'hex')))).*
          from audit_event e where organization_id = '${clinic.organizationId}' and id = '${id}'`;
        return [rows('audit_event', `id = '${added}'`, () => edit)];
      },
      ['events', 'custody'],
    ],
    [
      'the details of an event have another salt, a row of evidence another digest, an approved record other content',
      async () => {
        const id = await eventOf('record.approved');
        const [evidence, record] = [`id = '${posted[0]!.evidenceId}'`, `record_id = '${recordId}'`];
        return [
          rows(
            'audit_detail',
            `event_id = '${id}'`,
            (own) => `update audit_detail set ${flipped('salt')} where ${own}`,
          ),
          rows('evidence', evidence, (own) => `update evidence set ${flipped('sha256')} where ${own}`),
          rows(
            'record_version',
            record,
            (own) => `update record_version set fields = fields || '{"duties": "None."}' where ${own}`,
          ),
        ];
      },
      ['events', 'received', 'approved'],
    ],
  ])('when %s', async (_, edits, checks) => {
    const undo: (() => Promise<void>)[] = [];
    for (const edit of await edits()) undo.push(await superuser.behind(edit));
    const verdict = await verify(await fileOf(await nextPackage()));
    for (const put of undo) await put();
    expect(failed(verdict)).toEqual(checks);
  });

  it('and when a scan was deleted?', async () => {
    const scan = `evidence_id = '${posted[1]!.evidenceId}'`;
    const undo = await superuser.behind(rows('scan', scan, (own) => `delete from scan where ${own}`));
    const verdict = await verify(await fileOf(await nextPackage()));
    await undo();
    expect(failed(verdict)).toContain('complete');
    expect(verdict.lines.find(({ check }) => check === 'complete')?.text).toMatch(/leaves out scan/);
  });

  /** Where a system was remembered before its rows were edited, what is said of all systems is what was so: then `postures` fails as well. */
  const judged = (verdict: Verdict): string[] => failed(verdict).filter((check) => check !== 'postures');

  it('and when a result was changed, which no log knows, is the package of the same instants another one?', async () => {
    const results = await fileIn(await readFile(whole.file), 'results.csv');
    const undo = await superuser.behind(
      rows('result', `check_id = 'cis-1.12/1.2.2'`, (own) => `update result set status = 'fail' where ${own}`),
    );
    const archive = await nextPackage(whole.instant);
    await undo();
    expect(judged(await verify(await fileOf(archive)))).toEqual(['reports']);
    expect(await fileIn(archive, 'results.csv')).not.toEqual(results);
  });

  const update = (table: string, where: string, edit: string): Edit =>
    rows(table, where, (own) => `update ${table} set ${edit} where ${own}`);
  const remove = (table: string, where: string): Edit =>
    rows(table, where, (own) => `delete from ${table} where ${own}`);
  const isNow = `check_id = 'cis-1.12/1.2.2' and observed_to is null`;
  const isLast = (report: string): string => `scan_id = (select id from scan where evidence_id = '${report}')`;
  const inserted = seriesId(targetId('node', 'cp-1'), 'kube-bench/master', 'cis-1.12/1.2.9', '1.2');

  it.each<[string, () => Edit]>([
    ['a result was changed', () => update('result', isNow, `status = 'pass'`)],
    ['the message of a result was changed', () => update('result', isNow, `message = 'All is well.'`)],
    [
      'a result was dated otherwise',
      () => update('result', isNow, `observed_from = observed_from + interval '1 minute'`),
    ],
    [
      'a result was said to have ended',
      () =>
        rows('result', `check_id = 'cis-1.12/1.2.2'`, (own) => {
          const end = `observed_to = observed_from + interval '1 second', ended_known = known_from`;
          return `update result set ${end} where ${own} and observed_to is null`;
        }),
    ],
    ['a result was deleted', () => remove('result', isNow)],
    [
      'a result was put in',
      () =>
        rows('result', `series = '${inserted}'`, () => {
          const row = `jsonb_build_object('series', '${inserted}', 'check_id', 'cis-1.12/1.2.9', 'resource', '1.2')`;
          return `insert into result select (jsonb_populate_record(r, ${row})).* from result r where organization_id = '${clinic.organizationId}' and ${isNow}`;
        }),
    ],
    ['a fact was changed', () => update('fact', 'true', `value = value || '{"issuer": "Nobody"}'`)],
    ['a fact was deleted', () => remove('fact', 'true')],
    ['a security event was changed', () => update('event', 'true', `severity = 'info'`)],
    ['a security event was said of another', () => update('event', 'true', `actor = 'nobody'`)],
    ['a security event was deleted', () => remove('event', 'true')],
    [
      'coverage was said to be of later',
      () => update('coverage', isLast(posted[1]!.evidenceId), `observed_at = observed_at + interval '1 minute'`),
    ],
    [
      'coverage was said to be of more',
      () => update('coverage', isLast(posted[1]!.evidenceId), `checks = '{cis-1.12/1.2.9}'`),
    ],
    ['the last coverage was deleted', () => remove('coverage', isLast(posted[1]!.evidenceId))],
    [
      'a scan was said to be of another time',
      () => update('scan', 'true', `observed_at = observed_at - interval '1 minute'`),
    ],
    ['a scan was said to be of another cluster', () => update('scan', 'true', `cluster_name = 'another'`)],
    [
      'a scan was said to be of other targets',
      () => update('scan', `evidence_id = '${posted[1]!.evidenceId}'`, `declared = declared || '{"targets": []}'`),
    ],
  ])('when %s', async (_, edit) => {
    const undo = await superuser.behind(edit());
    const verdict = await verify(await fileOf(await nextPackage()));
    await undo();
    expect(judged(verdict)).toEqual(['reports']);
  });

  it('and when the bytes of evidence were exchanged on the disk, does it say so first, and verify?', async () => {
    const { rows: found } = await admin.query<{ key: string }>(
      'select storage_key as key from evidence where id = any ($1) order by id',
      [posted.map(({ evidenceId }) => evidenceId)],
    );
    const [one, other] = found.map(({ key }) => join(world.evidenceDirectory, key));
    const [ofOne, ofOther] = [await readFile(one!), await readFile(other!)];
    const put = async (file: string, bytes: Buffer) => {
      await chmod(file, 0o600);
      await writeFile(file, bytes);
    };
    await put(one!, ofOther);
    await put(other!, ofOne);
    const archive = await nextPackage();
    await put(one!, ofOne);
    await put(other!, ofOther);
    const { faults } = JSON.parse((await fileIn(archive, 'index.json')).toString()) as { faults: object[] };
    expect(faults).toMatchObject(posted.map(({ evidenceId }) => ({ evidenceId })));
    const verdict = await verify(await fileOf(archive));
    // So all that was done above was put back.
    expect(failed(verdict)).toEqual([]);
    expect(verdict.lines.find(({ check }) => check === 'evidence')?.text).toContain('2 could no longer be read');
  });
});

describe('is no package made at all?', () => {
  it.each<[string, () => Promise<Edit>, RegExp]>([
    [
      'an event was deleted',
      async () => {
        const id = await eventOf('scan.stored');
        return rows('audit_event', `id = '${id}'`, (own) => `delete from audit_event where ${own}`);
      },
      /the log has lost leaves/,
    ],
    [
      'the details of an event were changed',
      async () => {
        const id = await eventOf('record.approved');
        return rows(
          'audit_detail',
          `event_id = '${id}'`,
          (own) => `update audit_detail set ${flipped('encrypted_detail')} where ${own}`,
        );
      },
      /the sealed value is not authentic/,
    ],
    [
      'the row of an evidence was deleted',
      () =>
        Promise.resolve(
          rows('evidence', `id = '${posted[0]!.evidenceId}'`, (own) => `delete from evidence where ${own}`),
        ),
      /There is no such evidence/,
    ],
  ])('when %s', async (_, edit, reason) => {
    const undo = await superuser.behind(await edit());
    const built = nextPackage();
    await expect(built).rejects.toThrow(reason);
    // As it is asked for, it ends at once and says why.
    const { status, problem } = await packages.settled((await packages.request()).id);
    await undo();
    expect({ status, problem }).toMatchObject({ status: 'failed', problem: { detail: expect.stringMatching(reason) } });
  });
});

describe('does a package that was changed where it lies not come out as whole?', () => {
  const content = () => send(world.url, officer, 'GET', `${packages.path}/${whole.id}/content`);
  const row = (edit: string): Edit =>
    rows('package', `id = '${whole.id}'`, (own) => `update package set ${edit} where ${own}`);

  it.each([
    ['digest', flipped('sha256')],
    ['size', 'size = size - 1'],
    ['place', `storage_key = storage_key || 'x'`],
  ])('when its row has another %s', async (_, edit) => {
    const undo = await superuser.behind(row(edit));
    const answered = await content().catch((error: unknown) => error);
    await undo();
    if (!(answered instanceof Error)) expect(answered).toMatchObject({ status: 500 });
    expect((await content()).bytes).toEqual(await readFile(whole.file));
  });

  it('when its bytes are others', async () => {
    const { rows: found } = await admin.query<{ key: string }>('select storage_key as key from package where id = $1', [
      whole.id,
    ]);
    const file = join(world.evidenceDirectory, found[0]!.key);
    const kept = await readFile(file);
    await chmod(file, 0o600);
    await writeFile(file, kept.with(kept.length - 1, kept.at(-1)! ^ 1));
    await expect(content()).rejects.toThrow();
    await writeFile(file, kept);
  });
});

describe('is no head signed over it any more?', () => {
  it.each<[string, number, string, string, RegExp]>([
    [
      'the hash of a leaf was changed',
      0,
      'audit_leaf',
      `update audit_leaf set ${flipped('leaf_hash')} where own and index = 2`,
      /another root than its leaves/,
    ],
    [
      'leaves were put into another order',
      0,
      'audit_leaf',
      `update audit_leaf set index = -1 where own and index = 2;
       update audit_leaf set index = 2 where own and index = 3;
       update audit_leaf set index = 3 where own and index = -1`,
      /another root than its leaves/,
    ],
    [
      'a leaf was deleted',
      0,
      'audit_leaf',
      `delete from audit_leaf where own and index = 2`,
      /has lost a part of its tile/,
    ],
    [
      'the root of a tile was changed',
      256,
      'log_tile',
      `update log_tile set ${flipped('root')} where own`,
      /another root than its leaves/,
    ],
    ['a tile was deleted', 256, 'log_tile', `delete from log_tile where own`, /has lost a part of its tile/],
    [
      'what the log goes on from was changed',
      0,
      'log_state',
      `update log_state set ${flipped('frontier')} where own`,
      /another root than its leaves/,
    ],
    [
      'the head that was signed was changed',
      0,
      'log_checkpoint',
      `update log_checkpoint set ${flipped('root')} where own`,
      /does not extend the head that it has signed/,
    ],
  ])('when %s', async (_, events, table, edit, reason) => {
    const other = await startClinic(world);
    if (events > 0) await writeEvents(world, other, events);
    await sign(other);
    const own = `organization_id = '${other.organizationId}'`;
    await superuser.unguarded(
      table,
      ...edit.split(';').map((statement) => statement.replaceAll('where own', `where ${own}`)),
    );
    await writeEvents(world, other, 1);
    const signed = sign(other);
    await expect(signed).rejects.toThrow(LogRefused);
    await expect(signed).rejects.toThrow(reason);
    await other.admin.get(`${other.path}/log/checkpoint`).expect(503);
  });

  it('when the log was cut short, as its leaves are still there', async () => {
    const other = await startClinic(world);
    await sign(other);
    const { rows: kept } = await admin.query('select * from log_state where organization_id = $1', [
      other.organizationId,
    ]);
    const { size, root, frontier } = kept[0] as { size: string; root: Buffer; frontier: Buffer };
    await writeEvents(world, other, 3);
    await sign(other);
    const set = `size = ${size}, signed_size = ${size}, root = '\\x${root.toString('hex')}', frontier = '\\x${frontier.toString('hex')}'`;
    await superuser.unguarded(
      'log_state',
      `update log_state set ${set} where organization_id = '${other.organizationId}'`,
    );
    await writeEvents(world, other, 1);
    await expect(sign(other)).rejects.toThrow(/the log has leaves above its size/);
    await other.admin.get(`${other.path}/log/checkpoint`).expect(503);
  });

  it('by a server that has not met what another has, until it is put right, and then without another event', async () => {
    const other = await startClinic(world);
    const own = `organization_id = '${other.organizationId}'`;
    const signed = await partsOf(world).log.close(programOf(other));
    await writeEvents(world, other, 2);
    const { size } = await partsOf(world).log.close(programOf(other));
    expect(size).toBe(signed.size + 2);
    // An event that has its place waits for one, below a head that is not signed.
    await superuser.unguarded(
      'log_checkpoint',
      `delete from log_checkpoint where ${own} and size = ${size}`,
      `update log_state set signed_size = ${signed.size} where ${own}`,
      `insert into audit_queue select organization_id, event_id, leaf_hash from audit_leaf where ${own} and index = 1`,
    );
    await expect(sign(other)).rejects.toThrow(/waits to become one/);
    // The log was in another's hand, so that it appended nothing.
    const signer = world.app.get(LogSigner, { strict: false });
    await expect(signer.sign(programOf(other))).rejects.toThrow(LogRefused);
    const checkpoint = () => other.admin.get(`${other.path}/log/checkpoint`);
    await checkpoint().expect(503);
    await superuser.unguarded('audit_queue', `delete from audit_queue where ${own}`);
    await vi.waitFor(() => checkpoint().expect(200), { timeout: 20_000, interval: 100 });
    expect((await partsOf(world).log.close(programOf(other))).size).toBe(size);
  });

  it('where a fault was found and all that there is was signed, until it is put right', async () => {
    const other = await startClinic(world);
    await sign(other);
    const own = `organization_id = '${other.organizationId}'`;
    await superuser.unguarded(
      'audit_queue',
      `insert into audit_queue select organization_id, event_id, leaf_hash from audit_leaf where ${own} and index = 1`,
    );
    await expect(sign(other)).rejects.toThrow(/waits to become one/);
    const checkpoint = () => other.admin.get(`${other.path}/log/checkpoint`);
    await checkpoint().expect(503);
    await superuser.unguarded('audit_queue', `delete from audit_queue where ${own}`);
    await vi.waitFor(() => checkpoint().expect(200), { timeout: 20_000, interval: 100 });
  });

  it('when the text of the signed head was changed does whoever follows the log refuse it?', async () => {
    const other = await startClinic(world);
    await sign(other);
    await followLog(world, other, other.admin);
    const edit = `note = set_byte(note, length(note) - 5, get_byte(note, length(note) - 5) # 1)`;
    await superuser.unguarded(
      'log_checkpoint',
      `update log_checkpoint set ${edit} where organization_id = '${other.organizationId}'`,
    );
    await expect(followLog(world, other, other.admin)).rejects.toThrow();
  });
});

// Both leave logs behind that are right in themselves, and the second takes all back: they come last.
describe('does only what others have kept tell of it?', () => {
  it('when an event was changed and the service made to build the log anew', async () => {
    const own = `organization_id = '${clinic.organizationId}'`;
    const id = await eventOf('scan.stored');
    await superuser.unguarded(
      'audit_event',
      ...['audit_leaf', 'log_tile', 'log_state', 'log_checkpoint'].flatMap((table) => [
        `alter table ${table} disable trigger user`,
        `delete from ${table} where ${own}`,
        `alter table ${table} enable trigger user`,
      ]),
      `update audit_event set leaf = convert_to(replace(convert_from(leaf, 'UTF8'), '"outcome":"success"', '"outcome":"failure"'), 'UTF8') where id = '${id}'`,
      `delete from audit_queue where ${own}`,
      `insert into audit_queue select organization_id, id, sha256('\\x00'::bytea || leaf) from audit_event where ${own}`,
    );
    // Larger than any head of the old one that is anchored.
    await writeEvents(world, clinic, 1);
    const file = await fileOf(await nextPackage());
    expect(failed(await verify(file))).toEqual([]);
    expect(failed(await verify(file, { checkpoints: [head] }))).toEqual(['extends']);
    const [first, second] = posted.map(({ receipt }) => receipt);
    expect(failed(await verify(file, { receipts: [first!] }))).toEqual(['receipts']);
    expect(failed(await verify(file, { receipts: [second!] }))).toEqual([]);
  });

  it('when a backup was restored', async () => {
    const { rows: tables } = await admin.query<{ name: string }>(
      `select c.oid::regclass::text as name from pg_class c
       where c.relkind in ('r', 'p') and not c.relispartition and c.relnamespace = 'public'::regnamespace`,
    );
    const restore = await backup(
      admin,
      tables.map(({ name }) => name),
    );
    const lost = await post(clinic, 2);
    await sign(clinic);
    const lostHead = await checkpointOf(clinic);
    await restore();
    await post(clinic, 1);
    const file = await fileOf(await nextPackage());
    expect(failed(await verify(file))).toEqual([]);
    expect(failed(await verify(file, { checkpoints: [lostHead], receipts: [lost.receipt] }))).toEqual([
      'extends',
      'receipts',
    ]);
  });
});
