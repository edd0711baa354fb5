import { describe, expect, it } from 'vitest';
import {
  envelope,
  ISSUER,
  keyPair,
  pemOf,
  SIGNED_AT,
  startSigstore,
  WORKFLOW,
  type Bundle,
} from '../../../test/support/sigstore.js';
import { signingTrusts, type SigningTrust } from '../signing-trust.js';
import { matches, Signatures } from './signatures.js';

const sigstore = startSigstore();
const STATEMENT = { _type: 'https://in-toto.io/Statement/v1', subject: [], predicateType: 'x', predicate: {} };

const trusted = (...trusts: object[]): SigningTrust[] => signingTrusts.parse(trusts);
const clinic = { issuer: ISSUER, subject: 'https://git.example/clinic/*' };
const byRoot = (extra: object = {}) =>
  trusted({ name: 'clinic', trustedRoots: [sigstore.trustedRoot], identities: [clinic], ...extra });
const of = (bundle: unknown, trust: SigningTrust[] = byRoot(), artifact?: Buffer) =>
  new Signatures(trust).of(bundle, artifact);
const stateOf = (...args: Parameters<typeof of>) => {
  const { state, by, reason } = of(...args).verification;
  return [state, by ?? reason];
};

/** A bundle of an envelope that a plain key signed. */
const byKey = (dsseEnvelope: object, hint = '') => ({
  mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
  verificationMaterial: { publicKey: { hint } },
  dsseEnvelope,
});
const changed = (bundle: Bundle, change: (copy: Bundle) => void): Bundle => {
  const copy = structuredClone(bundle);
  change(copy);
  return copy;
};
const entryOf = (bundle: Bundle): Record<string, unknown> => bundle.verificationMaterial.tlogEntries[0] ?? {};

describe('a signature by a key', () => {
  const key = keyPair();
  const trust = trusted({ name: 'release key', publicKeys: [pemOf(key)] });
  const signed = envelope(STATEMENT, key);

  it('is it verified by the configured key, whatever key it names?', () => {
    for (const hint of ['', 'unknown']) {
      expect(of(byKey(signed, hint), trust)).toEqual({
        identity: expect.stringMatching(/^sha256:[0-9a-f]{64}$/) as string,
        issuer: null,
        signedAt: null,
        logIndex: null,
        verification: { state: 'verified', by: 'release key', reason: '' },
      });
    }
  });

  it('is one of RSA and of Ed25519 verified too?', async () => {
    const { generateKeyPairSync, sign } = await import('node:crypto');
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2_048 });
    expect(stateOf(byKey(envelope(STATEMENT, rsa)), trusted({ name: 'rsa', publicKeys: [pemOf(rsa)] }))).toEqual([
      'verified',
      'rsa',
    ]);
    const ed = generateKeyPairSync('ed25519');
    const payload = Buffer.from(JSON.stringify(STATEMENT));
    const bytes = Buffer.from(`DSSEv1 28 application/vnd.in-toto+json ${payload.length} ${payload.toString()}`);
    const dsse = { ...signed, signatures: [{ sig: sign(null, bytes, ed.privateKey).toString('base64') }] };
    expect(stateOf(byKey(dsse), trusted({ name: 'ed', publicKeys: [pemOf(ed)] }))).toEqual(['verified', 'ed']);
  });

  it('is it not verified where the payload, its type, the signature or the key is another?', () => {
    const other = [
      { ...signed, payload: Buffer.from(JSON.stringify({ ...STATEMENT, predicateType: 'y' })).toString('base64') },
      { ...signed, payloadType: 'application/json' },
      { ...signed, signatures: envelope(STATEMENT, keyPair()).signatures },
      { ...signed, signatures: [{ sig: 'AAAA' }] },
    ];
    for (const dsse of other) {
      expect(stateOf(byKey(dsse), trust)).toEqual(['unverified', 'No configured key made it.']);
      expect(stateOf(byKey(dsse, hintOf(key)), trust)).toEqual([
        'failed',
        'It names a configured key, which did not make it.',
      ]);
    }
  });

  it('is nothing verified where nothing is configured?', () => {
    expect(stateOf(byKey(signed), [])).toEqual(['unverified', 'No configured key made it.']);
    expect(stateOf(sigstore.attest(STATEMENT), [])[0]).toBe('unverified');
    expect(stateOf(sigstore.attest(STATEMENT), trust)).toEqual([
      'unverified',
      'No root is configured that certificates could be verified by.',
    ]);
  });

  it('does a key that the report brings verify nothing?', () => {
    const brought = { ...byKey(signed), verificationMaterial: { publicKey: { hint: '', rawBytes: pemOf(key) } } };
    expect(stateOf(brought, trusted({ name: 'other', publicKeys: [pemOf(keyPair())] }))[0]).toBe('unverified');
  });

  const hintOf = (of: typeof key): string =>
    new Signatures(trusted({ name: 'x', publicKeys: [pemOf(of)] }))
      .of(byKey(envelope(STATEMENT, of)))
      .identity?.slice(7) ?? '';
});

describe('a signature by a certificate', () => {
  const bundle = sigstore.attest(STATEMENT);

  it('is it verified by root, logs, time and identity, and says who signed and when?', () => {
    expect(of(bundle)).toEqual({
      identity: WORKFLOW,
      issuer: ISSUER,
      signedAt: new Date(SIGNED_AT * 1_000).toISOString(),
      logIndex: '42',
      verification: { state: 'verified', by: 'clinic', reason: '' },
    });
  });

  it('is one of another authority, or logged when its certificate did not hold, not verified?', () => {
    const foreign = startSigstore().attest(STATEMENT);
    const late = sigstore.attest(STATEMENT, { at: SIGNED_AT + 601 });
    for (const one of [foreign, late]) {
      expect(stateOf(one)).toEqual([
        'unverified',
        'Its certificate is of no configured root, or was not valid when it signed.',
      ]);
    }
  });

  it('is one that was not logged not verified?', () => {
    const unlogged = changed(bundle, (copy) => (copy.verificationMaterial.tlogEntries = []));
    expect(stateOf(unlogged)).toEqual(['unverified', 'No configured log or authority vouches for its time.']);
  });

  it('does one whose payload, log entry or certificate was exchanged fail?', () => {
    const another = sigstore.attest({ ...STATEMENT, predicateType: 'y' });
    const log = 'Its entry in the transparency log does not fit.';
    const exchanged: [string, string, Bundle][] = [
      ['failed', log, changed(bundle, (copy) => (copy.dsseEnvelope = another.dsseEnvelope))],
      ['failed', log, changed(bundle, (copy) => (copy.dsseEnvelope.payload = another.dsseEnvelope.payload))],
      [
        'failed',
        log,
        changed(bundle, (copy) => (entryOf(copy)['canonicalizedBody'] = entryOf(another)['canonicalizedBody'])),
      ],
      ['failed', log, changed(bundle, (copy) => (entryOf(copy)['integratedTime'] = String(SIGNED_AT + 1)))],
      ['failed', log, changed(bundle, (copy) => (entryOf(copy)['logIndex'] = '43'))],
      [
        'failed',
        'It does not fit what is signed.',
        changed(bundle, (copy) => (copy.verificationMaterial.certificate = another.verificationMaterial.certificate)),
      ],
    ];
    for (const [state, reason, one] of exchanged) expect(stateOf(one)).toEqual([state, reason]);
  });

  it('does a certificate have to be in the log that its root names for certificates?', () => {
    const unlogged = startSigstore({ logsCertificates: false });
    const signed = unlogged.attest(STATEMENT);
    expect(stateOf(signed, byRoot({ trustedRoots: [unlogged.trustedRoot] }))).toEqual(['verified', 'clinic']);
    const { ctlogs } = sigstore.trustedRoot;
    for (const [one, root] of [
      [signed, { ...unlogged.trustedRoot, ctlogs }],
      [bundle, { ...sigstore.trustedRoot, ctlogs: startSigstore().trustedRoot['ctlogs'] }],
    ] as const) {
      expect(stateOf(one, byRoot({ trustedRoots: [root] }))[0]).toBe('unverified');
    }
  });

  it.each([
    { subject: 'https://git.example/other/app/.github/workflows/release.yml@refs/heads/main' },
    { subject: 'https://evil.example/?https://git.example/clinic/' },
    { issuer: 'https://token.evil.example' },
    { issuer: `${ISSUER}/` },
  ])('is a good signature of somebody else (%j) not verified?', (by) => {
    expect(stateOf(sigstore.attest(STATEMENT, by))).toEqual([
      'unverified',
      'It is good, but its signer is none of those configured.',
    ]);
  });

  it('does of several trusts the one that fits verify it, in whatever order?', () => {
    const other = { name: 'other', trustedRoots: [startSigstore().trustedRoot], identities: [clinic] };
    const [own] = byRoot();
    for (const trust of [trusted(other, own!), trusted(own!, other)]) {
      expect(stateOf(bundle, trust)).toEqual(['verified', 'clinic']);
      const foreign = sigstore.attest(STATEMENT, { issuer: 'https://token.evil.example' });
      expect(stateOf(foreign, trust)[1]).toBe('It is good, but its signer is none of those configured.');
    }
  });

  it('does no mail address of a person leave it, though it is what is allowed?', () => {
    const address = 'jane.doe@clinic.example';
    const signed = sigstore.attest(STATEMENT, { subject: address });
    const said = of(signed, byRoot({ identities: [{ issuer: ISSUER, subject: address }] }));
    expect(said.verification.state).toBe('verified');
    expect(said.identity).toBe('(person)@clinic.example');
    expect(JSON.stringify(of(signed, []))).not.toContain('jane');
  });

  it('is material that is malformed told, and never thrown?', () => {
    const malformed: unknown[] = [
      null,
      7,
      {},
      { mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json' },
      { ...bundle, mediaType: 'application/json' },
      changed(bundle, (copy) => (copy.verificationMaterial.certificate.rawBytes = 'AAAA')),
      changed(bundle, (copy) => (copy.verificationMaterial.certificate.rawBytes = '')),
      changed(bundle, (copy) => (entryOf(copy)['inclusionProof'] = { checkpoint: 7 })),
      changed(bundle, (copy) => (entryOf(copy)['logId'] = null)),
      changed(bundle, (copy) => (entryOf(copy)['canonicalizedBody'] = 'bm8gSlNPTg==')),
    ];
    for (const one of malformed)
      expect(of(one).verification.state, JSON.stringify(one).slice(0, 80)).not.toBe('verified');
  });

  it('does a change anywhere in what the authority signed count?', () => {
    const raw = Buffer.from(bundle.verificationMaterial.certificate.rawBytes, 'base64');
    // A sequence of three, each of the first two with two bytes of length.
    const end = 4 + 4 + raw.readUInt16BE(6);
    for (let at = 4; at < end; at += 7) {
      const other = Buffer.from(raw);
      other[at] = (other[at] ?? 0) ^ 1;
      const one = changed(
        bundle,
        (copy) => (copy.verificationMaterial.certificate.rawBytes = other.toString('base64')),
      );
      expect(of(one).verification.state, String(at)).not.toBe('verified');
    }
  });
});

describe('what is trusted', () => {
  const refused = (trust: object): string[] =>
    signingTrusts.safeParse([trust]).error?.issues.map(({ message }) => message) ?? [];
  const { privateKey } = keyPair();

  it('is what could verify nothing, or anybody, refused when it is configured?', async () => {
    const { generateKeyPairSync } = await import('node:crypto');
    const name = 'x';
    const key = 'No public key in PEM of P-256, Ed25519, or RSA of 2048 to 8192 bits.';
    expect(refused({ name })).toEqual(['Give publicKeys or trustedRoots.']);
    expect(refused({ name, publicKeys: ['x'] })).toEqual([key]);
    expect(refused({ name, publicKeys: [privateKey.export({ type: 'pkcs8', format: 'pem' })] })).toContain(
      'A private key was given: revoke it, and give the public one.',
    );
    const small = generateKeyPairSync('rsa', { modulusLength: 1_024 });
    const curve = generateKeyPairSync('ec', { namedCurve: 'P-384' });
    for (const pair of [small, curve]) expect(refused({ name, publicKeys: [pemOf(pair)] })).toEqual([key]);
    const root = { name, trustedRoots: [sigstore.trustedRoot] };
    expect(refused(root)).toEqual([expect.stringContaining('go together')]);
    expect(refused({ ...root, identities: [{ issuer: ISSUER, subject: '**' }] })).toHaveLength(1);
    expect(refused({ ...root, trustedRoots: [{}], identities: [clinic] })).toHaveLength(1);
    expect(refused({ ...root, identities: [clinic] })).toEqual([]);
    expect(refused({ ...root, identities: [clinic], key: 1 })).toHaveLength(1);
  });

  it.each([
    ['a*c', 'abc', true],
    ['a*c', 'ac', true],
    ['a*c', 'abcd', false],
    ['a*c', 'xac', false],
    ['*b*', 'abc', true],
    ['a*a', 'a', false],
    ['a*b*b', 'ab', false],
    ['a.c', 'abc', false],
    ['abc', 'abc', true],
    ['abc', 'abcd', false],
    ['', '', true],
  ])('does the pattern %j mean %j? %j', (pattern, text, expected) => {
    expect(matches(pattern, text)).toBe(expected);
  });
});
