import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { loadConfig } from '../../src/config.js';
import { startApp, startClinic, type Clinic, type World } from '../support/app.js';
import { envelope, keyPair, pemOf } from '../support/sigstore.js';

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
