import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { VERIFY_CHECKS } from '../../src/packages/verify-checks.js';
import { CHECKS } from '../../src/verify/steps.js';
import { blocksOf, blockWith, indentedBlocksOf, typed } from '../auditor-tools/guide.js';
import { timeStampAuthority } from '../support/time-stamp-authority.js';
import {
  makeKeys,
  makePackage,
  PACKAGE,
  packageFingerprint,
  writeFolder,
  writeZip,
  type Files,
} from '../verify/made-package.js';

/*
 * An auditor who has never seen this project copies what docs/auditors.md and VERIFY.md say. What needs a tool from a registry is run by test/auditor-tools.
 */

describe('what auditors are told', () => {
  const keys = makeKeys();
  let files: Files;
  let folder: string;
  let guide: string;
  beforeAll(async () => {
    files = await makePackage({ keys, authority: timeStampAuthority() });
    folder = await writeFolder(files, await mkdtemp(join(tmpdir(), 'safeguard-guide-')));
    guide = await readFile('docs/auditors.md', 'utf8');
  });
  afterAll(async () => {
    for (const path of [folder, `${folder}.bin`]) await rm(path, { recursive: true, force: true });
  });

  const says = async (block: string, expected: RegExp): Promise<void> => {
    const { code, output } = await typed(block, folder, { fingerprint: packageFingerprint(keys) });
    expect(code, output).toBe(0);
    expect(output).toMatch(expected);
  };
  const ofGuide = (command: string): string => blockWith(blocksOf(guide), command);
  const ofPackage = (command: string): string => blockWith(indentedBlocksOf(VERIFY_CHECKS), command);

  it('does unpacking lead into the package?', async () => {
    const outside = await mkdtemp(join(tmpdir(), 'safeguard-guide-zip-'));
    await writeZip(files, join(outside, `safeguard-package-${PACKAGE}.zip`));
    const { code, output } = await typed(`${ofGuide('unzip')}pwd; ls\n`, outside);
    expect(code, output).toBe(0);
    expect(output).toContain(`${basename(outside)}/safeguard-package-${PACKAGE}\nVERIFY.md\nbag\nkeys\nsig\n`);
    for (const path of [outside, `${outside}.bin`]) await rm(path, { recursive: true });
  });

  it('does each command that needs no registry say what it is said to, in the guide and in VERIFY.md?', async () => {
    for (const block of [ofGuide, ofPackage]) {
      await says(block('(cd bag'), /^$/);
      await says(block('openssl pkey'), /^[0-9a-f]{64} {2}-\nVerified OK\n$/);
      await says(block('openssl ts'), /Verification: OK[^]*Time stamp: /);
    }
    await says(ofGuide('safeguard verify'), /^ok {4}trust[^]*\nVERIFIED: /m);
  });

  it('does the command of the guide verify nothing where no fingerprint was told, or another?', async () => {
    for (const fingerprint of ['', packageFingerprint(makeKeys())]) {
      const { code, output } = await typed(ofGuide('safeguard verify'), folder, { fingerprint });
      expect(code, output).not.toBe(0);
      expect(output).not.toMatch(/^VERIFIED/m);
    }
  });

  it('is every check of the command told of, and no other?', () => {
    const table = /^\| check +\| says[^]*?\n\n/m.exec(guide)?.[0] ?? '';
    const told = [...table.matchAll(/^\| ([a-z][a-z, -]*?) +\|/gm)]
      .slice(1)
      .flatMap(([, names = '']) => names.split(', '));
    expect(told.sort()).toEqual([...CHECKS].sort());
  });
});
