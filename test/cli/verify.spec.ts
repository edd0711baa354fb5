import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  leavesOf,
  makeKeys,
  makePackage,
  noteOf,
  PACKAGE,
  packageFingerprint,
  receiptOf,
  TENANT,
  witnessVkey,
  writeFolder,
  writeZip,
  type Files,
} from '../verify/made-package.js';
import { directory, safeguard } from './support.js';

describe('safeguard verify', () => {
  const keys = makeKeys();
  let whole: Files;
  beforeAll(async () => {
    whole = await makePackage({ keys, entries: 20 });
  });

  it('does it say each check in a line, and the outcome last, without a server?', async () => {
    const folder = await directory();
    const zip = await writeZip(whole, join(folder, 'package.zip'));
    const checkpoint = join(folder, 'checkpoint');
    const receipt = join(folder, 'receipt');
    const witness = join(folder, 'witness.vkey');
    const key = join(folder, 'key.pem');
    await writeFile(checkpoint, await noteOf(`evidence.example/log/${TENANT}`, leavesOf(20).slice(0, 7), keys.log));
    // As `jq -r .receipt` saves it.
    await writeFile(receipt, `${receiptOf(leavesOf(20)[3]!, keys).toString()}\n`);
    await writeFile(witness, `${witnessVkey(keys)}\n`);
    await writeFile(key, whole.get('keys/package-signing.pem')!);
    const { code, stdout, stderr } = await safeguard([
      'verify',
      zip,
      ...['--key', key, '--checkpoint', checkpoint, '--receipt', receipt, '--witness', witness],
    ]);
    const lines = stdout.trimEnd().split('\n');
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(lines.at(-1)).toBe(`VERIFIED: nothing is wrong with package ${PACKAGE} of Lakeside`);
    expect(
      lines.slice(0, -2).every((line) => /^(ok {2}|-- {2}) {2}[a-z-]+ +\S/.test(line)),
      stdout,
    ).toBe(true);
    expect(stdout).toContain('the log extends checkpoint: its first 7 entries are the same');
    expect(stdout).toContain('receipt was kept: entry 3 of the log');
    expect(stdout).toContain('witness.example/w1 has cosigned');
  });

  it('does it name the first thing wrong, and end with 1?', async () => {
    const folder = await directory();
    await writeFolder(new Map([...whole, ['bag/data/index.json', Buffer.from('{}')]]), folder);
    const { code, stdout } = await safeguard(['verify', folder]);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^FAIL {2}payload +bag\/data\/index\.json has another sha256 digest/m);
    expect(stdout.trimEnd().split('\n').at(-1)).toMatch(
      /^NOT VERIFIED\. The first thing wrong, payload: bag\/data\/index\.json/,
    );
    const json = await safeguard(['verify', folder, '--json']);
    expect(json.code).toBe(1);
    expect(JSON.parse(json.stdout)).toMatchObject({
      verified: false,
      package: null,
      fault: { check: 'payload', result: 'failed' },
    });
  });

  it('does it refuse a package by another key than the one that is trusted, as openssl prints it or in hex?', async () => {
    const folder = await writeFolder(whole, await directory());
    const right = packageFingerprint(keys);
    const printed = right.toUpperCase().match(/../g)!.join(':');
    for (const fingerprint of [right, printed]) {
      expect((await safeguard(['verify', folder, '--fingerprint', fingerprint])).code).toBe(0);
    }
    const { code, stdout } = await safeguard(['verify', folder, '--fingerprint', packageFingerprint(makeKeys())]);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^FAIL {2}trust +the package is signed by another key/m);
    const none = await safeguard(['verify', folder, '--json']);
    expect(none.code).toBe(0);
    expect(JSON.parse(none.stdout)).toMatchObject({
      verified: true,
      trusted: false,
      package: { id: PACKAGE },
      fingerprint: right,
    });
    const told = await safeguard(['verify', folder]);
    expect(told.stdout).not.toContain('VERIFIED');
    expect(told.stdout.trimEnd().split('\n').at(-1)).toMatch(new RegExp(`^WHOLE, but signed by whom .*${right}$`));
    const known = await safeguard(['verify', folder, '--fingerprint', right, '--json']);
    expect(JSON.parse(known.stdout)).toMatchObject({ verified: true, trusted: true });
  });

  it('is a file that cannot be read, or is no key, a fault of the command line and not of the package?', async () => {
    const folder = await directory();
    const zip = await writeZip(whole, join(folder, 'package.zip'));
    for (const args of [
      [join(folder, 'absent.zip')],
      [zip, '--key', join(folder, 'absent.pem')],
      [zip, '--key', zip],
      [zip, '--witness', zip],
      [zip, '--tsa', zip],
      [zip, '--fingerprint', 'abc'],
      [],
    ]) {
      const { code, stderr, stdout } = await safeguard(['verify', ...args]);
      expect([code, stdout], args.join(' ')).toEqual([2, '']);
      expect(stderr).not.toBe('');
      expect(stderr).not.toMatch(/\n {4}at /);
    }
  });
});
