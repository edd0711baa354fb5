import { createHash, createPublicKey, verify } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { stringify } from 'yaml';
import { Signer } from '../../src/agent/statement.js';
import { loadConfig } from '../../src/config.js';
import { API_AUDIENCE } from '../../src/development/provider.js';
import { fixture } from '../fixtures/reports/load.js';
import { bagIn, readZip } from '../packages/read-zip.js';
import { verifyFiles } from '../../src/verify/verify.js';
import { inMemory, NOTHING_KNOWN } from '../verify/in-memory.js';
import { startApp, startClinic, type Caller, type Clinic, type World } from '../support/app.js';
import { ownCheck } from '../support/checks.js';
import { envelope, keyPair, pemOf, type KeyPair } from '../support/sigstore.js';
import { policyReport, send } from './reports.js';

const key = keyPair();
const trust = [{ name: 'release key', publicKeys: [pemOf(key)] }];
const statement = (digit: string) => ({
  _type: 'https://in-toto.io/Statement/v1',
  predicateType: 'https://sigstore.dev/cosign/sign/v1',
  subject: [{ name: 'registry.example/portal', digest: { sha256: digit.repeat(64) } }],
  predicate: {},
});

describe('whose signatures does the service believe?', () => {
  let world: World;
  let clinic: Clinic;
  beforeAll(async () => {
    world = await startApp({ environment: { SIGNING_TRUST: stringify(trust) } });
    clinic = await startClinic(world);
  });
  afterAll(() => world.stop());

  it('those that the operator configured, and no other', async () => {
    const lines = [envelope(statement('1'), key), envelope(statement('2'), keyPair())];
    const { body } = await clinic.agent
      .post(`${clinic.systemPath}/scans?observedAt=2026-06-01T00:00:00Z`)
      .set('Content-Type', 'application/json')
      .send(lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
      .expect(201);
    expect(body).toMatchObject({ format: 'intoto-attestation', rejects: [] });
    const officer = await clinic.member('compliance_officer');
    const facts = await officer.get(`${clinic.systemPath}/facts?kind=signature`).expect(200);
    const verified = (facts.body.items as { value: { digest: string; verification: object } }[])
      .map(({ value }) => [value.digest.slice(7, 8), value.verification] as const)
      .sort();
    expect(verified).toEqual([
      ['1', { state: 'verified', by: 'release key', reason: '' }],
      ['2', { state: 'unverified', by: null, reason: 'No configured key made it.' }],
    ]);
  });
});

describe('what does an agent’s own signature of what it sends become?', () => {
  let world: World;
  let clinic: Clinic;
  let officer: Caller;
  let directory: string;
  const signers = new Map<KeyPair, Signer>();
  const other = keyPair();
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'safeguard-signers-'));
    for (const pair of [key, other]) {
      const file = join(directory, `${signers.size}.pem`);
      await writeFile(file, pair.privateKey.export({ type: 'pkcs8', format: 'pem' }));
      signers.set(pair, Signer.fromFile(file));
    }
    world = await startApp();
    clinic = await startClinic(world);
    officer = await clinic.member('compliance_officer');
  });
  afterAll(async () => {
    await world.stop();
    await rm(directory, { recursive: true });
  });

  const wrapped = (text: string): string => `:${Buffer.from(text).toString('base64')}:`;
  const digestOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
  /** As the agent does it. */
  const signed = (bytes: Buffer, by: KeyPair): string =>
    wrapped(
      signers.get(by)!.envelope({ size: bytes.length, sha256: digestOf(bytes) }, new Date('2026-11-26T08:00:00.000Z')),
    );
  const trustAgent = async (systemId: string, signingKeys: string[]): Promise<void> => {
    const trusted = await clinic.admin
      .post(`${clinic.path}/agents`, {
        name: 'signing',
        systemId,
        kind: 'client_credentials',
        issuer: world.provider.issuer,
        audience: API_AUDIENCE,
        subjectPattern: 'safeguard-agent',
        signingKeys,
      })
      .expect(201);
    expect(trusted.body).toMatchObject({ signingKeys });
  };
  const revokeAgents = async (systemId: string): Promise<void> => {
    const { body } = await clinic.admin.get(`${clinic.path}/agents?systemId=${systemId}`).expect(200);
    for (const { id } of body.items as { id: string }[]) {
      await clinic.admin.delete(`${clinic.path}/agents/${id}`).expect(204);
    }
  };
  const report = (name: string) => Buffer.from(policyReport([{ check: name, result: 'fail' }]));
  const post = (bytes: Buffer, headers: Record<string, string>, prefer = '', systemPath = clinic.systemPath) =>
    send(world.url, clinic.agent, 'POST', `${systemPath}/scans?observedAt=2026-06-01T00:00:00Z`, {
      headers: { ...headers, ...(prefer === '' ? {} : { Prefer: prefer }) },
      body: bytes,
    });

  it('is verified by the key that the agent was trusted with, over the bytes before anything was dropped, and kept with the scan', async () => {
    // Of an agent without keys it is kept, and unverified.
    const before = report('before');
    expect((await post(before, { 'Safeguard-Signature': signed(before, key) })).body).toMatchObject({
      signature: { state: 'unverified' },
      flags: [],
    });
    await revokeAgents(clinic.systemId);
    await trustAgent(clinic.systemId, [pemOf(key)]);

    const plain = report('plain');
    const { body } = await post(plain, { 'Safeguard-Signature': signed(plain, key) });
    expect(body).toMatchObject({ signature: { state: 'verified', createdAt: '2026-11-26T08:00:00.000Z' }, flags: [] });
    const read = await clinic.agent.get(`${clinic.systemPath}/scans/${String(body['id'])}`).expect(200);
    expect(read.body.signature).toEqual(body['signature']);

    // With a secret in it, which is dropped; and compressed.
    const secret = Buffer.from(
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: 'a', namespace: 'emr' },
        data: { a: 'eA==' },
      }),
    );
    expect((await post(secret, { 'Safeguard-Signature': signed(secret, key) })).body).toMatchObject({
      signature: { state: 'verified' },
    });
    const squeezed = report('squeezed');
    expect(
      (await post(gzipSync(squeezed), { 'Content-Encoding': 'gzip', 'Safeguard-Signature': signed(squeezed, key) }))
        .body,
    ).toMatchObject({ signature: { state: 'verified' } });
  });

  it('is missed where the agent has a key', async () => {
    expect((await post(report('unsigned'), {})).body).toMatchObject({ signature: null, flags: [{ code: 'unsigned' }] });
    const { status, body } = await post(report('unsigned later'), {}, 'respond-async');
    expect(status).toBe(202);
    await vi.waitFor(async () => {
      const read = await clinic.agent.get(`${clinic.systemPath}/scans/${String(body['id'])}`).expect(200);
      expect(read.body).toMatchObject({ status: 'stored', flags: [{ code: 'unsigned' }] });
    }, 20_000);
  });

  it('keeps what is not what was signed from being taken at all', async () => {
    const bytes = report('changed on the way');
    const answer = await post(bytes, { 'Safeguard-Signature': signed(report('as it was sent'), key) });
    expect([answer.status, answer.body]).toMatchObject([400, { type: '/problems/signature-mismatch' }]);
    expect((await officer.get(`${clinic.path}/evidence?sha256=${digestOf(bytes)}`).expect(200)).body.items).toEqual([]);
    const made = JSON.parse(
      signers.get(key)!.envelope({ size: bytes.length, sha256: digestOf(bytes) }, new Date()),
    ) as {
      signatures: { sig: string }[];
    };
    const unkept = JSON.stringify({
      ...made,
      signatures: [{ keyid: 'a\u0000', sig: made.signatures[0]!.sig.toLowerCase() }],
    });
    for (const header of ['x', wrapped(unkept)]) {
      const { status, body } = await post(bytes, { 'Safeguard-Signature': header });
      expect([status, body]).toMatchObject([400, { type: '/problems/malformed-header' }]);
    }
  });

  it('stays with what is judged anew of the same bytes', async () => {
    const bytes = fixture('cluster-snapshot/clinic.ndjson');
    const { body } = await send(world.url, clinic.agent, 'POST', `${clinic.systemPath}/scans`, {
      headers: { 'Content-Type': 'application/x-ndjson', 'Safeguard-Signature': signed(bytes, key) },
      body: bytes,
    });
    expect(body).toMatchObject({ format: 'cluster-snapshot', signature: { state: 'verified' } });
    await officer
      .put(`${clinic.path}/checks/${encodeURIComponent(ownCheck.id)}`, { definition: ownCheck })
      .set('If-None-Match', '*')
      .expect(200);
    await vi.waitFor(async () => {
      const { body: page } = await officer.get(`${clinic.systemPath}/scans?format=cluster-snapshot`).expect(200);
      expect(page.items).toHaveLength(2);
      for (const { signature } of page.items as { signature: unknown }[]) expect(signature).toEqual(body['signature']);
    }, 30_000);
  });

  it('is verified by whoever has the package, with nothing else', async () => {
    const bytes = report('in a package');
    const { body: scan } = await post(bytes, { 'Safeguard-Signature': signed(bytes, key) });
    const { headers } = await officer
      .post(`${clinic.path}/packages`, { scope: { systemId: clinic.systemId } })
      .expect(202);
    const path = String(headers['location']);
    await vi.waitFor(async () => {
      expect((await officer.get(path).expect(200)).body).toMatchObject({ status: 'ready' });
    }, 30_000);
    const archive = await fetch(`${world.url}${path}/content`, {
      headers: { Authorization: `Bearer ${officer.token}` },
    });
    const entries = await readZip(Buffer.from(await archive.arrayBuffer()));
    const files = new Map(entries.map((entry) => [entry.path.slice(entry.path.indexOf('/') + 1), entry.bytes]));
    const verdict = await verifyFiles(() => Promise.resolve(inMemory(files)), NOTHING_KNOWN);
    expect(verdict.fault).toBeNull();
    expect(verdict.lines.find(({ check }) => check === 'agents')?.text).toMatch(/^[1-9]\d* of \d+ scans/);
    const bag = bagIn(entries);
    const lines = (name: string) =>
      bag
        .get(name)!
        .toString()
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, unknown>);

    const inPackage = lines('data/scans.jsonl').find(({ id }) => id === scan['id'])!;
    const { publicKey, keyId, envelope: kept } = inPackage['signature'] as Record<string, string>;
    // Whose key it is, says the log: the officer who trusted the agent.
    const trusted = lines('data/audit/events.jsonl').filter(({ leaf }) => String(leaf).includes('agent.trusted'));
    expect(trusted.flatMap(({ details }) => (details as { signingKeys: string[] }).signingKeys)).toContain(keyId);
    const pem = createPublicKey(publicKey!);
    expect(digestOf(pem.export({ type: 'spki', format: 'der' }))).toBe(keyId);
    const { payload, payloadType, signatures } = JSON.parse(kept!) as {
      payload: string;
      payloadType: string;
      signatures: { sig: string }[];
    };
    const said = Buffer.from(payload, 'base64');
    const signedText = Buffer.concat([
      Buffer.from(`DSSEv1 ${payloadType.length} ${payloadType} ${said.length} `),
      said,
    ]);
    expect(verify('sha256', signedText, pem, Buffer.from(signatures[0]!.sig, 'base64'))).toBe(true);
    const evidence = bag.get(String(inPackage['evidencePath']))!;
    expect((JSON.parse(said.toString()) as { sha256: string }).sha256).toBe(digestOf(evidence));
    // What was noticed when it came is told too.
    const unsigned = lines('data/scans.jsonl').filter(({ signature }) => signature === null);
    expect(unsigned).toContainEqual(
      expect.objectContaining({ flags: [expect.objectContaining({ code: 'unsigned' })] }),
    );
  });

  it('proves nothing of another system, whose agent has other keys or none', async () => {
    const systemPaths: string[] = [];
    for (const keys of [[pemOf(other)], []]) {
      const { body: system } = await clinic.admin
        .post(`${clinic.path}/systems`, { name: `of ${keys.length} keys`, environment: 'staging', phi: 'stores' })
        .expect(201);
      const systemId = (system as { id: string }).id;
      await trustAgent(systemId, keys);
      systemPaths.push(`${clinic.path}/systems/${systemId}`);
    }
    const [withOther, without] = systemPaths;
    const bytes = report('elsewhere');
    const elsewhere = await post(bytes, { 'Safeguard-Signature': signed(bytes, key) }, '', withOther);
    expect(elsewhere.body).toMatchObject({ signature: { state: 'unverified', publicKey: null } });
    const theirs = report('theirs');
    expect((await post(theirs, { 'Safeguard-Signature': signed(theirs, other) }, '', withOther)).body).toMatchObject({
      signature: { state: 'verified', publicKey: pemOf(other) },
    });
    const bare = report('no keys there');
    expect((await post(bare, {}, '', without)).body).toMatchObject({ signature: null, flags: [] });
  });

  it('is verified no more by a key that was revoked with its agent, and what was verified before stays so', async () => {
    const before = report('before it was revoked');
    const { body: kept } = await post(before, { 'Safeguard-Signature': signed(before, key) });
    expect(kept).toMatchObject({ signature: { state: 'verified' } });
    await revokeAgents(clinic.systemId);
    const refused = report('by nobody that is trusted');
    expect((await post(refused, { 'Safeguard-Signature': signed(refused, key) })).status).toBe(404);
    await trustAgent(clinic.systemId, [pemOf(other)]);
    const after = report('after it was revoked');
    expect((await post(after, { 'Safeguard-Signature': signed(after, key) })).body).toMatchObject({
      signature: { state: 'unverified' },
    });
    const read = await officer.get(`${clinic.systemPath}/scans/${String(kept['id'])}`).expect(200);
    expect(read.body.signature).toEqual(kept['signature']);
  });
});

describe('what stops the start?', () => {
  const environment = {
    DATABASE_URL: 'postgres://localhost/x',
    PUBLIC_URL: 'https://safeguard.example',
    EVIDENCE_DIRECTORY: '/x',
    KEY_FILE: '/x',
    SIGNING_KEY_DIRECTORY: '/x',
    SESSION_SECRET: 'x'.repeat(32),
    OIDC_ISSUER: 'https://id.example',
    OIDC_AUDIENCE: 'safeguard',
    OIDC_CLIENT_ID: 'browser',
    OIDC_CLI_CLIENT_ID: 'cli',
    OIDC_MFA_AMR: 'mfa',
  };

  it('no trust is none, and one in JSON or YAML is read', () => {
    expect(loadConfig(environment).signingTrust).toEqual([]);
    for (const text of [JSON.stringify(trust), stringify(trust)]) {
      expect(loadConfig({ ...environment, SIGNING_TRUST: text }).signingTrust).toMatchObject(trust);
    }
  });

  it.each([
    ['{', 'SIGNING_TRUST: neither JSON nor YAML'],
    ['{"a": "hunter2"}', 'SIGNING_TRUST: Invalid input: expected array, received object'],
    [JSON.stringify([{ name: 'x', publicKeys: ['hunter2'] }]), 'SIGNING_TRUST: 0: publicKeys: 0: No public key in PEM'],
    [JSON.stringify([trust[0], trust[0]]), 'SIGNING_TRUST: Two trusts have one name.'],
  ])('a trust that could verify nothing, told without its values: %s', (text, fault) => {
    const load = () => loadConfig({ ...environment, SIGNING_TRUST: text });
    expect(load).toThrow(fault);
    expect(load).not.toThrow(/hunter2/);
  });
});
