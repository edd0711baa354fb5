import { createPublicKey, generateKeyPairSync, randomBytes, type KeyObject } from 'node:crypto';
import { readFile, rename, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type pg from 'pg';
import { pino } from 'pino';
import { beforeAll, describe, expect, it } from 'vitest';
import { parseVerifierKey } from '../../src/audit/note.js';
import { LocalKeyEncryptionKey } from '../../src/kernel/crypto/local-key-encryption.js';
import { fingerprintOf, pemOf, spkiOf, verifySignature } from '../../src/kernel/crypto/signing/signing-key.js';
import { SigningKeys } from '../../src/kernel/crypto/signing/signing-keys.js';
import { Database } from '../../src/kernel/db/database.js';
import { servicePrincipal } from '../../src/kernel/principal.js';
import { startSuite, type Caller, type Clinic, type World } from '../support/app.js';
import { partsOf, programOf } from '../support/log.js';
import { Superuser } from '../support/tampering.js';

let world: World;
let admin: pg.Client;
let clinic: Clinic;
let officer: Caller;
beforeAll(async () => {
  const suite = await startSuite();
  ({ world, admin, clinic, officer } = suite);
  return suite.stop;
});

interface Shown {
  use: string;
  fingerprint: string;
  publicKey: string;
  current: boolean;
  vouched: boolean;
}
const shown = async (): Promise<Shown[]> => (await officer.get('/v1/signing-keys').expect(200)).body.items as Shown[];
const vouchedFor = async (): Promise<string[]> =>
  (await shown()).filter(({ vouched }) => vouched).map(({ fingerprint }) => fingerprint);

const beside = (name: string): string => join(world.evidenceDirectory, '..', name);

/** What the last server said as it started. */
const warned: string[] = [];

/** The keys as a server that starts now has them. */
async function restarted(keyFile = beside('keys.json')): Promise<SigningKeys> {
  warned.length = 0;
  const options = { directory: beside('signing'), create: true, packageKey: null, vaultTokenFile: '' };
  const kek = await LocalKeyEncryptionKey.load(keyFile, { create: false });
  const keys = await SigningKeys.open(
    world.app.get(Database),
    options,
    kek,
    pino({ base: null }, { write: (line: string) => void warned.push(line) }),
  );
  await keys.onModuleInit();
  return keys;
}

/** Somebody who can write to the database puts a key on the list. */
async function putIn(use: 'log' | 'package', firstUsedAt = '2020-01-01T00:00:00Z'): Promise<KeyObject> {
  const { publicKey } =
    use === 'log' ? generateKeyPairSync('ed25519') : generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  await admin.query('insert into signing_key values ($1, $2, $3, $4)', [
    use,
    fingerprintOf(publicKey),
    spkiOf(publicKey),
    firstUsedAt,
  ]);
  return publicKey;
}

describe('the list of keys that sign', () => {
  it('has it those of the service, and do they verify what it signs?', async () => {
    const keys = world.app.get(SigningKeys);
    const items = await shown();
    expect(items.map(({ use, current, vouched }) => [use, current, vouched])).toEqual([
      ['log', true, true],
      ['package', true, true],
      ['receipt', true, true],
    ]);
    for (const key of [keys.log, keys.receipt, keys.package]) {
      const { publicKey, fingerprint } = items.find(({ use }) => use === key.use)!;
      const read = createPublicKey(publicKey);
      expect(fingerprint).toBe(fingerprintOf(key.publicKey));
      expect(verifySignature(read, Buffer.from('text'), await key.sign(Buffer.from('text')))).toBe(true);
    }
  });

  it('does a rotated key stay on it, and what it signed verify by it?', async () => {
    const before = world.app.get(SigningKeys);
    const signature = await before.package.sign(Buffer.from('text'));
    await unlink(beside('signing/package.pem'));
    const after = await restarted();
    await after.onModuleInit();
    const packages = (await shown()).filter(({ use }) => use === 'package');
    expect(packages.map(({ fingerprint, vouched }) => [fingerprint, vouched])).toEqual([
      [fingerprintOf(after.package.publicKey), true],
      [fingerprintOf(before.package.publicKey), true],
    ]);
    // The process that shows them has not been restarted.
    expect(packages.map(({ current }) => current)).toEqual([false, true]);
    const verified = packages.map(({ publicKey }) =>
      verifySignature(createPublicKey(publicKey), Buffer.from('text'), signature),
    );
    expect(verified).toEqual([false, true]);
  });

  it('is one that somebody puts into the table shown as the service’s own, or told with a log?', async () => {
    const own = await vouchedFor();
    const publicKey = await putIn('log');
    const keyId = fingerprintOf(publicKey);
    expect(await vouchedFor()).toEqual(own);
    expect((await shown()).map(({ fingerprint }) => fingerprint)).toContain(keyId);
    // What vouches for another key, or for the same in another use, vouches for nothing here; nor does what nobody has sealed.
    const copied = (use: string) =>
      admin.query(
        `insert into signing_key_voucher select $1, $2, kek_version, sealed from signing_key_voucher where use = $3`,
        ['log', keyId, use],
      );
    await copied('log');
    await copied('package');
    await admin.query(`insert into signing_key_voucher values ('log', $1, 1, $2), ('log', $1, 9, $3)`, [
      keyId,
      randomBytes(60),
      randomBytes(60),
    ]);
    expect(await vouchedFor()).toEqual(own);
    await restarted();
    expect(await vouchedFor()).toEqual(own);
    expect(warned.map((line) => JSON.parse(line) as object)).toEqual([expect.objectContaining({ use: 'log', keyId })]);
    await partsOf(world).log.close(programOf(clinic));
    const { body } = await officer.get(`${clinic.path}/log`).expect(200);
    const told = (body.keys.checkpoint as string[]).map(parseVerifierKey);
    expect(told.map((vkey) => fingerprintOf(vkey.publicKey))).toEqual([
      fingerprintOf(world.app.get(SigningKeys).log.publicKey),
    ]);
  });

  it('is one whose bytes or instant were edited vouched for any more?', async () => {
    const superuser = new Superuser(admin);
    for (const edit of [`first_used_at = first_used_at - interval '1 year'`, `public_key = other.public_key`]) {
      const own = await vouchedFor();
      const undo = await superuser.behind({
        table: 'signing_key',
        where: `use = 'receipt'`,
        edit: `update signing_key set ${edit}
               from (select public_key from signing_key where first_used_at = '2020-01-01T00:00:00Z') other where use = 'receipt'`,
      });
      expect((await vouchedFor()).length, edit).toBe(own.length - 1);
      await undo();
      expect(await vouchedFor()).toEqual(own);
    }
  });

  it('is one of before the service vouched for any known by its public key among the service’s?', async () => {
    const publicKey = await putIn('package');
    // As in a database of then, which has no vouchers.
    const superuser = new Superuser(admin);
    await superuser.unguarded('signing_key_voucher', 'delete from signing_key_voucher');
    const { log, receipt, package: present } = await restarted();
    expect((await vouchedFor()).toSorted()).toEqual(
      [log, receipt, present].map((key) => fingerprintOf(key.publicKey)).toSorted(),
    );
    await writeFile(beside('signing/package-2020.pub.pem'), pemOf(publicKey));
    // Nor is another key that was put in its place, under its name.
    const { publicKey: another } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
    const undo = await superuser.behind({
      table: 'signing_key',
      where: `key_id = '${fingerprintOf(publicKey)}'`,
      edit: `update signing_key set public_key = '\\x${spkiOf(another).toString('hex')}' where key_id = '${fingerprintOf(publicKey)}'`,
    });
    await restarted();
    expect(await vouchedFor()).not.toContain(fingerprintOf(another));
    await undo();
    await restarted();
    expect(await vouchedFor()).toContain(fingerprintOf(publicKey));
    // In another use it is none of them, and a server does not start with what is no key of its use.
    await rename(beside('signing/package-2020.pub.pem'), beside('signing/log-2020.pub.pem'));
    await expect(restarted()).rejects.toThrow('log-2020.pub.pem is not a public key of the kind ed25519');
    await unlink(beside('signing/log-2020.pub.pem'));
    await restarted();
    expect(await vouchedFor()).toContain(fingerprintOf(publicKey));
  });

  it('are those of a former version of the key-encryption key vouched for when that has gone?', async () => {
    const own = await vouchedFor();
    const file = JSON.parse(await readFile(beside('keys.json'), 'utf8')) as {
      id: string;
      keys: Record<string, string>;
    };
    const second = randomBytes(32).toString('base64');
    const write = async (name: string, keys: Record<string, string>): Promise<string> => {
      await writeFile(beside(name), JSON.stringify({ id: file.id, current: 2, keys }), { mode: 0o600 });
      return beside(name);
    };
    const database = world.app.get(Database);
    const vouchedBy = (keys: SigningKeys) =>
      database.read(servicePrincipal('test', null, 'test'), async (tx) =>
        (await keys.known(tx)).filter(({ vouched }) => vouched).map(({ fingerprint }) => fingerprint),
      );
    const both = await write('both.json', { ...file.keys, 2: second });
    expect(await vouchedBy(await restarted(both))).toEqual(own);
    expect(await vouchedBy(await restarted(await write('second.json', { 2: second })))).toEqual(own);
    // Nobody with another file vouches for more than its own.
    const other = await write('other.json', { 2: randomBytes(32).toString('base64') });
    expect((await vouchedBy(await restarted(other))).length).toBe(3);
  });
});
