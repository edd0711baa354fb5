import { createHash, sign } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { stringify } from 'yaml';
import { loadConfig } from '../../src/config.js';
import { startApp, startClinic, type Clinic, type World } from '../support/app.js';
import { API_AUDIENCE } from '../../src/development/provider.js';
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
  beforeAll(async () => {
    world = await startApp();
    clinic = await startClinic(world);
  });
  afterAll(() => world.stop());

  const TYPE = 'application/vnd.safeguard.report-statement+json';
  const signed = (bytes: Buffer, by: KeyPair): string => {
    const payload = Buffer.from(
      JSON.stringify({
        apiVersion: 'safeguard.dev/v1',
        kind: 'ReportStatement',
        sha256: createHash('sha256').update(bytes).digest('hex'),
        size: bytes.length,
        createdAt: '2026-11-26T08:00:00.000Z',
        collector: { name: 'safeguard', version: '0.1.0' },
      }),
    );
    const text = Buffer.concat([Buffer.from(`DSSEv1 ${TYPE.length} ${TYPE} ${payload.length} `), payload]);
    const made = {
      payloadType: TYPE,
      payload: payload.toString('base64'),
      signatures: [{ sig: sign('sha256', text, by.privateKey).toString('base64') }],
    };
    return `:${Buffer.from(JSON.stringify(made)).toString('base64')}:`;
  };
  const report = (name: string) => Buffer.from(policyReport([{ check: name, result: 'fail' }]));
  const post = (bytes: Buffer, headers: Record<string, string>, prefer = '') =>
    send(world.url, clinic.agent, 'POST', `${clinic.systemPath}/scans?observedAt=2026-06-01T00:00:00Z`, {
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
    const { body: agents } = await clinic.admin.get(`${clinic.path}/agents`).expect(200);
    const [old] = agents.items as { id: string }[];
    await clinic.admin.delete(`${clinic.path}/agents/${old!.id}`).expect(204);
    const trusted = await clinic.admin
      .post(`${clinic.path}/agents`, {
        name: 'signing',
        systemId: clinic.systemId,
        kind: 'client_credentials',
        issuer: world.provider.issuer,
        audience: API_AUDIENCE,
        subjectPattern: 'safeguard-agent',
        signingKeys: [pemOf(key)],
      })
      .expect(201);
    expect(trusted.body).toMatchObject({ signingKeys: [pemOf(key)] });

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
    const officer = await clinic.member('compliance_officer');
    const digest = createHash('sha256').update(bytes).digest('hex');
    expect((await officer.get(`${clinic.path}/evidence?sha256=${digest}`).expect(200)).body.items).toEqual([]);
    expect((await post(bytes, { 'Safeguard-Signature': 'x' })).body).toMatchObject({
      type: '/problems/malformed-header',
    });
  });
});

describe('what stops the start?', () => {
  const environment = {
    DATABASE_URL: 'postgres://localhost/x',
    PUBLIC_URL: 'https://safeguard.example',
    EVIDENCE_DIRECTORY: '/x',
    KEY_FILE: '/x',
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
