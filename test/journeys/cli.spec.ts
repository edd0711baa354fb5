import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { directory, safeguard } from '../cli/support.js';
import { bagFaults } from '../packages/bagit-validator.js';
import { bagIn, readZip } from '../packages/read-zip.js';
import { startApp, startClinic, type Clinic, type World } from '../support/app.js';
import { auditLogReport, PRACTICE } from './audit-log-report.js';

// The command line that ships against the server that ships; what it does with other servers is told in test/cli.

let world: World;
let clinic: Clinic;

beforeAll(async () => {
  world = await startApp();
  clinic = await startClinic(world);
  await clinic.member('compliance_officer');
});
afterAll(async () => {
  await world.stop();
});

/** A token file, as the kubelet writes it into a pod. */
async function tokenFile(folder: string, subject: string): Promise<string> {
  const file = join(folder, `${subject}.token`);
  await writeFile(file, `${await world.provider.tokenFor(subject)}\n`, { mode: 0o600 });
  return file;
}

const run = (args: readonly string[], token: string) =>
  safeguard([...args, '--token-file', token], { SAFEGUARD_SERVER: world.url, SAFEGUARD_TOKEN: '' });

const scanIn = (stdout: string): string | undefined => /scan ([0-9a-f-]{36})/.exec(stdout)?.[1];

it('does the command line take a report to an auditor’s package?', async () => {
  const folder = await directory();
  const agent = await tokenFile(folder, 'safeguard-agent');
  const officer = await tokenFile(folder, 'dev-compliance-officer');
  const report = join(folder, 'report.json');
  await writeFile(report, auditLogReport(['1.2.18']));
  const there = ['--organization', clinic.organizationId];
  const observed = new Date(Date.now() - 60 * 60_000).toISOString();
  const push = [
    'push',
    report,
    ...there,
    '--system',
    'emr-production',
    '--targets',
    'node/cp-1',
    '--observed-at',
    observed,
  ];

  const pushed = await run(push, agent);
  expect(pushed.stderr).toContain('1 file: 1 stored');
  expect(pushed.stdout).toMatch(/^stored .* 5 results: 5 new, 0 changed, 0 unchanged, 0 closed, 0 rejected/m);
  expect(pushed.code).toBe(0);
  const again = await run(push, agent);
  expect(again.code).toBe(0);
  expect(scanIn(again.stdout)).toBe(scanIn(pushed.stdout));

  const posture = await run(['posture', '--fail-on', 'failing'], officer);
  expect(posture.stdout).toMatch(new RegExp(`^failing +${PRACTICE} `, 'm'));
  expect(posture.code).toBe(3);

  const zip = join(folder, 'package.zip');
  const packed = await run(['package', '--output', zip, '--json'], officer);
  expect(packed.code).toBe(0);
  const bytes = await readFile(zip);
  expect(JSON.parse(packed.stdout)).toMatchObject({
    size: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
  });
  expect(bagFaults(bagIn(await readZip(bytes)))).toEqual([]);
});

it('does whoami say who it is, and in which role?', async () => {
  const folder = await directory();
  const { code, stdout } = await run(['whoami'], await tokenFile(folder, 'dev-compliance-officer'));
  expect(code).toBe(0);
  expect(stdout).toMatch(/^subject +dev-compliance-officer$/m);
  expect(stdout).toMatch(/^organisation +Lakeside Clinic \(.*\) as compliance_officer$/m);
});

it('may a person without the right post nothing, and is it told so?', async () => {
  const folder = await directory();
  await clinic.member('viewer');
  const report = join(folder, 'report.json');
  await writeFile(report, auditLogReport([]));
  const viewer = await tokenFile(folder, 'dev-viewer');
  const refused = await run(
    ['push', report, '--system', 'emr-production', '--observed-at', new Date().toISOString()],
    viewer,
  );
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain('403');
});
