import { copyFile, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { facts, rows } from '../packages/facts.js';
import { kubeBench, send } from '../api/reports.js';
import { oscalOf } from '../packages/read-oscal.js';
import { readZip } from '../packages/read-zip.js';
import { startSuite } from '../support/app.js';
import { PERIOD, soon } from '../support/engaged.js';
import { Keeper } from '../support/keep.js';
import { writeEvents } from '../support/log.js';
import { packagesRoom } from '../support/packages.js';
import { timeStampAuthority } from '../support/time-stamp-authority.js';
import { makePackage, writeFolder, type Files } from '../verify/made-package.js';
import { blocksOf, blockWith, indentedBlocksOf, typed } from './guide.js';
import { holdTo, passes, run, type Verifier } from './verifier.js';

/*
 * The tools that VERIFY.md names, as their own registries have them: `npm run test:auditor-tools` brings them and says where they are. One that could not be had is
 * skipped, and the script has said why.
 */

const TOOLS = process.env['AUDITOR_TOOLS'];
if (TOOLS === undefined) throw new Error('AUDITOR_TOOLS is not set: run npm run test:auditor-tools');
const tool = (name: string): string => join(TOOLS, name);

const PREDICATE = 'https://safeguard.dev/predicates/audit-package/v1';
const LOG = [/^keys\/log\.vkey$/, /log\/checkpoint$/, /tile\/entries\/000$/, /tile\/entries\/002\.p/, /tile\/0\/001$/];

/** Any text is as good as another in most places; a UUID has a form. */
function withoutUuids(bytes: Buffer): Buffer {
  return Buffer.from(bytes.toString().replace(/"uuid":"[0-9a-f]/, '"uuid":"g'));
}

const VERIFIERS: (Verifier & { program: string })[] = [
  {
    name: 'bagit.py of the Library of Congress',
    program: 'python/bin/bagit.py',
    // Below 1.9 it did not look at the tag manifests of BagIt 1.0.
    watches: [/^bag\/data\/index\.json$/, /^bag\/manifest-sha256/, /^bag\/bag-info\.txt$/, /^bag\/tagmanifest-sha512/],
    accepts: (folder) => passes(tool('python/bin/bagit.py'), ['--validate', 'bag'], folder),
  },
  {
    name: 'cosign',
    program: 'bin/cosign',
    watches: [/^sig\/statement/, /^keys\/package-signing\.pem$/, /^bag\/tagmanifest-sha256/],
    accepts: (folder) => cosign(folder, 'bag/tagmanifest-sha256.txt', []),
  },
  {
    name: 'cosign with time stamps',
    program: 'bin/cosign',
    watches: [/^sig\/statement/, /^keys\/trusted_root\.json$/],
    accepts: (folder) =>
      cosign(folder, 'bag/tagmanifest-sha256.txt', [
        '--trusted-root',
        'keys/trusted_root.json',
        '--use-signed-timestamps',
      ]),
  },
  {
    name: 'cosign of what lies beside the bag',
    program: 'bin/cosign',
    watches: [/^VERIFY\.md$/],
    accepts: (folder) => cosign(folder, 'VERIFY.md', []),
  },
  {
    name: 'fsck of Tessera',
    program: 'bin/fsck',
    watches: [...LOG, /tile\/1\//],
    accepts: async (folder) => {
      const log = `--storage_url=file://${join(folder, 'bag/data/log')}/`;
      const { code, output } = await run(tool('bin/fsck'), ['--ui=false', log, '--public_key=keys/log.vkey'], folder);
      // v1.0.4 ends with 0 whatever it found, or not at all.
      return code === 0 && output.includes('Successfully fsck') && !output.includes('fsck failed');
    },
  },
  {
    name: 'spicy of torchwood',
    program: 'bin/spicy',
    watches: [/^keys\/log\.vkey$/, /proofs\/.*\.json$/, /proofs\/.*\.tlog-proof$/],
    accepts: async (folder) => {
      const proofs = join(folder, 'bag/data/proofs');
      const events = (await readdir(proofs)).filter((name) => name.endsWith('.json'));
      for (const name of events) {
        const proof = await readFile(join(proofs, `${name}.tlog-proof`), 'utf8');
        await copyFile(join(proofs, name), join(folder, name));
        await writeFile(join(folder, `${name}.spicy`), proof.slice(proof.indexOf('\n') + 1));
      }
      const key = await readFile(join(folder, 'keys/log.vkey'), 'utf8');
      return events.length > 0 && (await passes(tool('bin/spicy'), ['-verify', key, ...events], folder));
    },
  },
  {
    name: 'golang.org/x/mod/sumdb',
    program: 'bin/tlog',
    watches: [...LOG, /tile\/1\//, /proofs\/.*\.json$/, /proofs\/.*\.tlog-proof$/],
    accepts: (folder) => passes(tool('bin/tlog'), [folder], folder),
  },
  {
    name: 'trestle',
    program: 'python/bin/trestle',
    watches: [/oscal\/assessment-results\.json$/, /oscal\/catalog\.json$/, /oscal\/poam\.json$/],
    change: withoutUuids,
    accepts: async (folder) => {
      const workspace = join(folder, 'workspace');
      const trestle = tool('python/bin/trestle');
      await mkdir(workspace);
      if (!(await passes(trestle, ['init', '--local'], workspace))) throw new Error('trestle has no workspace');
      for (const name of await documentsIn(folder)) {
        const imported = ['import', '--file', join(folder, OSCAL, name), '--output', name.replace('.json', '')];
        if (!(await passes(trestle, imported, workspace))) return false;
      }
      return passes(trestle, ['validate', '--all'], workspace);
    },
  },
  {
    name: 'oscal-cli',
    program: 'oscal-cli/bin/oscal-cli',
    watches: [/oscal\/assessment-results\.json$/, /oscal\/catalog\.json$/],
    change: withoutUuids,
    accepts: async (folder) => {
      for (const name of await documentsIn(folder)) {
        if (!(await passes(tool('oscal-cli/bin/oscal-cli'), ['validate', name], join(folder, OSCAL)))) return false;
      }
      return true;
    },
  },
];

const OSCAL = 'bag/data/oscal';
const documentsIn = async (folder: string): Promise<string[]> => (await readdir(join(folder, OSCAL))).sort();

const cosign = (folder: string, file: string, more: readonly string[]): Promise<boolean> =>
  passes(
    tool('bin/cosign'),
    [
      'verify-blob-attestation',
      ...['--key', 'keys/package-signing.pem', '--bundle', 'sig/statement.sigstore.json', '--type', PREDICATE],
      ...['--insecure-ignore-tlog', ...more, file],
    ],
    folder,
  );

/** Made by the test of the formats alone, with all that there may be in one; and built by the service itself, of what was posted to it. */
let files: Files;
let served: Files;
/** The log of the service, as a monitor is told of it by a member, and by an auditor who was let in. */
let followed: { url: string; token: string };
let letIn: { url: string; token: string };
beforeAll(async () => {
  const { world, clinic, officer, stop } = await startSuite();
  const keeper = await Keeper.of(clinic, officer, await clinic.member('approver'));
  const posted = await send(
    world.url,
    officer,
    'POST',
    `${clinic.systemPath}/scans?targets=node/cp-1&observedAt=${new Date(Date.now() - 60_000).toISOString()}`,
    { body: kubeBench({ '1.2.1': 'PASS', '1.2.2': 'FAIL' }) },
  );
  expect(posted.status).toBe(201);
  await keeper.keep({
    type: 'appointment',
    fields: { person: 'M. Alvarez', duties: 'Keeps it.', appointedOn: '2025-01-06', confirmedOn: '2026-01-05' },
    document: 'appointment',
  });
  await writeEvents(world, clinic, 600);
  const packages = packagesRoom(`${clinic.path}/packages`, officer);
  const { id, status } = await packages.settled((await packages.request()).id);
  expect(status).toBe('ready');
  const entries = await readZip(await packages.bytes(id));
  served = new Map(entries.map(({ path, bytes }) => [path.slice(path.indexOf('/') + 1), bytes]));
  followed = { url: `${world.url}${clinic.path}/log/`, token: officer.token ?? '' };
  const { body: engagement } = await clinic.admin
    .post(`${clinic.path}/engagements`, {
      name: 'Security Rule audit',
      issuer: world.provider.issuer,
      subject: 'auditor-with-fsck',
      scope: { systemIds: [clinic.systemId] },
      ...PERIOD,
      endsAt: soon(60),
    })
    .expect(201);
  const auditor = await world.as('auditor-with-fsck');
  letIn = { url: `${world.url}${clinic.path}/engagements/${engagement.id}/log/`, token: auditor.token ?? '' };
  return stop;
});
beforeAll(async () => {
  const documents = await oscalOf(facts, rows);
  files = await makePackage({
    authority: timeStampAuthority(),
    entries: 600,
    payload: (payload) => {
      for (const [path, document] of documents) payload.set(path, Buffer.from(JSON.stringify(document)));
      payload.set('records/policy.json', Buffer.from('[]\n'));
    },
  });
});

for (const verifier of VERIFIERS) {
  describe.skipIf(!existsSync(tool(verifier.program)))(verifier.name, () => {
    describe('a package with all that there may be in one', () => holdTo(verifier, () => files));
    // Nobody stamps the time of the service of the test.
    if (verifier.program !== 'bin/cosign' || !verifier.name.includes('time stamps')) {
      describe('one that the service has built', () => holdTo(verifier, () => served));
    }
  });
}

describe('VERIFY.md of a package that the service has built', () => {
  const BLOCKS: [command: string, programs: string[], says?: string][] = [
    ['(cd bag', []],
    ['bagit.py', ['python/bin/bagit.py']],
    ['openssl pkey', [], 'Verified OK'],
    ['cosign', ['bin/cosign'], 'Verified OK'],
    ['fsck', ['bin/fsck'], 'Successfully fsck'],
  ];
  for (const [command, programs, says = ''] of BLOCKS) {
    it.skipIf(!programs.every((program) => existsSync(tool(program))))(
      `does its block of ${command} run as it stands?`,
      async () => {
        const folder = await mkdtemp(join(tmpdir(), 'safeguard-verify-'));
        await writeFolder(served, folder);
        const text = await readFile(join(folder, 'VERIFY.md'), 'utf8');
        const paths = [tool('bin'), tool('python/bin')];
        const { code, output } = await typed(blockWith(indentedBlocksOf(text), command), folder, { paths });
        expect(code, output).toBe(0);
        expect(output).toContain(says);
        await rm(folder, { recursive: true });
      },
    );
  }
});

describe.skipIf(!existsSync(tool('bin/fsck')))('the log of the service over HTTP, by fsck of Tessera', () => {
  const follows = async ({ url, token }: typeof followed): Promise<boolean> => {
    const folder = await mkdtemp(join(tmpdir(), 'safeguard-follow-'));
    try {
      await writeFolder(served, folder);
      const from = [`--storage_url=${url}`, `--bearer_token=${token}`, '--public_key=keys/log.vkey'];
      const { code, output } = await run(tool('bin/fsck'), ['--ui=false', ...from], folder);
      return code === 0 && output.includes('Successfully fsck') && !output.includes('fsck failed');
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  };

  it('is it followed with the token of somebody who may read it?', async () => {
    expect(await follows(followed)).toBe(true);
  });

  it('and below an engagement, with that of its auditor, while the log grows by being read?', async () => {
    expect(await follows(letIn)).toBe(true);
  });

  it('and not with another?', async () => {
    expect(await follows({ ...followed, token: 'another' })).toBe(false);
  });
});

describe('docs/auditors.md', () => {
  /** By the beginning of a block: the programs that it needs, and what it prints in the end where that has to be read. */
  const BLOCKS: [command: string, programs: string[], says?: string][] = [
    ['bagit.py', ['python/bin/bagit.py']],
    ['cosign', ['bin/cosign'], '"predicateType"'],
    ['for file in VERIFY.md', ['bin/cosign'], 'Verified OK'],
    ['fsck', ['bin/fsck'], 'Successfully fsck'],
    ['for event', ['bin/spicy'], 'verified'],
    ['mkdir trestle', ['python/bin/trestle'], 'VALID'],
  ];
  for (const [command, programs, says = ''] of BLOCKS) {
    it.skipIf(!programs.every((program) => existsSync(tool(program))))(
      `does its block of ${command} run as it stands?`,
      async () => {
        const guide = await readFile('docs/auditors.md', 'utf8');
        const folder = await mkdtemp(join(tmpdir(), 'safeguard-guide-'));
        await writeFolder(files, folder);
        const paths = [tool('bin'), tool('python/bin')];
        const { code, output } = await typed(blockWith(blocksOf(guide), command), folder, { paths });
        expect(code, output).toBe(0);
        expect(output).toContain(says);
        await rm(folder, { recursive: true });
      },
    );
  }
});
