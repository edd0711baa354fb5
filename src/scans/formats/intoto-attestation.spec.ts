import { describe, expect, it } from 'vitest';
import { bytesOf, declared, faultOf, fixture, golden } from '../../../test/fixtures/reports/load.js';
import { envelope, ISSUER, keyPair, pemOf, startSigstore, WORKFLOW } from '../../../test/support/sigstore.js';
import type { Fact, Report } from '../report.js';
import { signingTrusts, type SigningTrust } from '../signing-trust.js';
import { parseReport } from './index.js';

const sigstore = startSigstore();
const key = keyPair();
const trust: SigningTrust[] = signingTrusts.parse([
  { name: 'release key', publicKeys: [pemOf(key)] },
  { name: 'workflows', trustedRoots: [sigstore.trustedRoot], identities: [{ issuer: ISSUER, subject: WORKFLOW }] },
]);

const DIGEST = '1'.repeat(64);
const statement = (extra: object = {}) => ({
  _type: 'https://in-toto.io/Statement/v1',
  predicateType: 'https://slsa.dev/provenance/v1',
  subject: [{ name: 'registry.example/portal', digest: { sha256: DIGEST } }],
  predicate: {},
  ...extra,
});
const parse = (document: unknown, ...targets: string[]): Report =>
  parseReport(Buffer.isBuffer(document) ? document : bytesOf(document), { declared: declared(...targets), trust });
const statesOf = ({ facts }: Report): string[] =>
  facts.map(({ value }) => {
    const { state, by, reason } = (value as Fact<'attestation'>['value']).verification;
    return `${state}: ${by ?? reason}`;
  });
const valueOf = (document: unknown, ...targets: string[]) =>
  parse(document, ...targets).facts[0]?.value as Fact<'attestation'>['value'];

describe('in-toto attestations', () => {
  it.each([
    ['intoto-attestation/envelopes.ndjson', []],
    ['intoto-attestation/bundle.json', []],
    ['intoto-attestation/npm.json', ['repository/git.example/portal']],
    ['intoto-attestation/google.json', []],
    ['intoto-attestation/message.json', [`image/sha256:${DIGEST}`]],
    ['intoto-attestation/statement.json', []],
  ])('does %s give its golden facts?', (name, targets) => {
    const report = parseReport(fixture(name), { declared: declared(...targets) });
    expect(report).toEqual(golden(name, report));
    expect(statesOf(report).every((state) => state.startsWith('unverified: '))).toBe(true);
  });

  it('does it never pass anything, and close nothing?', () => {
    const report = parse(envelope(statement(), key));
    expect([report.results, report.observedAt]).toEqual([[], null]);
    expect(report.coverage).toMatchObject([{ source: 'in-toto', extent: 'partial' }]);
  });

  it('is an envelope verified by a configured key, and one of another key or payload not?', () => {
    const signed = envelope(statement(), key);
    const other = envelope(statement({ predicateType: 'other' }), keyPair());
    expect(statesOf(parse(signed))).toEqual(['verified: release key']);
    expect(statesOf(parse(other))).toEqual(['unverified: No configured key made it.']);
    expect(statesOf(parse({ ...signed, payload: other.payload }))).toEqual(['unverified: No configured key made it.']);
    const { verification: _, ...said } = valueOf(signed);
    expect(said).toMatchObject({ digest: `sha256:${DIGEST}`, identity: expect.stringMatching(/^sha256:/) as string });
  });

  it('is a bundle verified by root and identity, and one that was changed failed?', () => {
    const bundle = sigstore.attest(statement());
    expect(statesOf(parse(bundle))).toEqual(['verified: workflows']);
    expect(valueOf(bundle)).toMatchObject({ identity: WORKFLOW, issuer: ISSUER, logIndex: '42' });
    const other = sigstore.attest(statement({ predicate: { builder: 'another' } }));
    bundle.dsseEnvelope.payload = other.dsseEnvelope.payload;
    expect(statesOf(parse(bundle))).toEqual(['failed: Its entry in the transparency log does not fit.']);
  });

  it('is what an attested bill of materials lists told, if its signature is verified and it is of one artifact?', () => {
    const cyclonedx = {
      predicateType: 'https://cyclonedx.org/bom/v1.6',
      predicate: {
        bomFormat: 'CycloneDX',
        specVersion: '1.6',
        components: [{ type: 'library', name: 'a', version: '1' }],
      },
    };
    const spdx = {
      predicateType: 'https://spdx.dev/Document/v2.3',
      predicate: { spdxVersion: 'SPDX-2.3', packages: [{ SPDXID: 'SPDXRef-a', name: 'a', versionInfo: '1' }] },
    };
    const told = (document: unknown) =>
      parse(document).facts.flatMap(({ kind, target, source, subject }) =>
        kind === 'image-component' ? [`${target.name} ${source} ${subject}`] : [],
      );
    const image = `registry.example/portal@sha256:${DIGEST}`;
    expect(told(envelope(statement(cyclonedx), key))).toEqual([`${image} in-toto/cyclonedx library/a@1`]);
    expect(told(sigstore.attest(statement(spdx)))).toEqual([`${image} in-toto/spdx a@1`]);
    for (const { extent } of parse(envelope(statement(cyclonedx), key)).coverage) expect(extent).toBe('partial');

    for (const bill of [cyclonedx, spdx]) {
      const { subject } = statement();
      const two = [...subject, { name: 'registry.example/other', digest: { sha256: '2'.repeat(64) } }];
      const unsaid = [
        statement(bill),
        envelope(statement(bill), keyPair()),
        { ...envelope(statement(), key), payload: envelope(statement(bill), keyPair()).payload },
        envelope(statement({ ...bill, subject: two }), key),
        envelope(statement({ ...bill, predicateType: 'other' }), key),
        envelope(statement({ ...bill, predicate: 'SPDXVersion: SPDX-2.3' }), key),
      ];
      for (const document of unsaid) expect(told(document)).toEqual([]);
      const odd = parse(envelope(statement({ ...bill, predicate: { components: [{}], packages: [{}] } }), key));
      expect(odd).toMatchObject({ facts: [{ kind: 'attestation' }], rejects: [{ pointer: '/predicate' }] });
    }
  });

  it('is each of several signatures a fact, and each line?', () => {
    const two = envelope(statement(), key);
    two.signatures.push(...envelope(statement(), keyPair()).signatures);
    expect(statesOf(parse(two))).toEqual(['verified: release key', 'unverified: No configured key made it.']);
    const lines = [two, sigstore.attest(statement())].map((line) => `${JSON.stringify(line)}\n`).join('');
    expect(statesOf(parse(Buffer.from(lines)))).toHaveLength(3);
  });

  it('does a forged copy of an attestation not take the place of the good one?', () => {
    const good = envelope(statement(), key);
    const forged = { ...envelope(statement({ predicate: { forged: true } }), keyPair()), signatures: good.signatures };
    const states = statesOf(parse(Buffer.from(`${JSON.stringify(good)}\n${JSON.stringify(forged)}\n`)));
    expect(states).toEqual(['verified: release key', 'unverified: No configured key made it.']);
  });

  it('is one without a signature told so?', () => {
    const none = { ...envelope(statement(), key), signatures: [] };
    for (const document of [none, statement(), [statement()]]) {
      expect(statesOf(parse(document))).toEqual(['unverified: There is no signature.']);
    }
  });

  it('is a signature with a certificate beside it, of no log, not verified?', () => {
    const { rawBytes } = sigstore.attest(statement()).verificationMaterial.certificate;
    const cert = `-----BEGIN CERTIFICATE-----\n${rawBytes}\n-----END CERTIFICATE-----\n`;
    const signed = envelope(statement(), key);
    const of = (pem: string) => ({ ...signed, signatures: [{ ...signed.signatures[0], cert: pem }] });
    expect(statesOf(parse(of(cert)))).toEqual(['unverified: No configured log or authority vouches for its time.']);
    expect(valueOf(of(cert)).identity).toBe(WORKFLOW);
    expect(parse(of('x')).rejects).toEqual([{ pointer: '/signatures/0/cert', reason: 'must be a certificate' }]);
  });

  it.each([
    ['https://slsa.dev/provenance/v0.1', { builder: { id: 'b' }, materials: [{ uri: 's' }] }, 'b', 's', null],
    [
      'https://slsa.dev/provenance/v0.2',
      {
        builder: { id: 'b' },
        invocation: { configSource: { uri: 's' } },
        metadata: { buildStartedOn: '2026-06-01T00:00:00Z' },
      },
      'b',
      's',
      '2026-06-01T00:00:00.000Z',
    ],
    [
      'https://slsa.dev/provenance/v1',
      {
        buildDefinition: { externalParameters: { source: 'x' }, resolvedDependencies: [{ uri: 's' }, { uri: 'base' }] },
        runDetails: { builder: { id: 'b' }, metadata: { finishedOn: '2026-06-01T00:00:01Z' } },
      },
      'b',
      's',
      '2026-06-01T00:00:01.000Z',
    ],
    ['https://slsa.dev/provenance/v1', null, null, null, null],
    ['https://cyclonedx.org/bom', { builder: { id: 'b' } }, null, null, null],
  ])('does provenance of %s say what built it of what?', (predicateType, predicate, builder, source, builtAt) => {
    const signed = envelope(statement({ predicateType, predicate }), key);
    expect(valueOf(signed)).toMatchObject({ builder, source, builtAt });
  });

  it('do no parameters, environments, names of people and passwords leave it?', () => {
    const reports = ['envelopes.ndjson', 'bundle.json'].map((name) => parse(fixture(`intoto-attestation/${name}`)));
    expect(JSON.stringify(reports)).not.toMatch(/jane|hunter2|TOKEN|release\.yml"/);
  });

  it('is what an attestation is about the image that it names, or else what is declared?', () => {
    const about = (name: string, ...targets: string[]) =>
      parse(statement({ subject: [{ name, digest: { sha256: DIGEST } }] }), ...targets).facts[0]?.target.name;
    const images = ['r.example/app', 'r.example/app:1', 'localhost:5000/app', 'pkg:docker/r.example/app@1?platform=x'];
    expect(images.map((name) => about(name))).toEqual(
      ['r.example/app', 'r.example/app', 'localhost:5000/app', 'r.example/app'].map(
        (name) => `${name}@sha256:${DIGEST}`,
      ),
    );
    expect(about('app.tar.gz', 'repository/git.example/app')).toBe('git.example/app');
    expect(about('r.example/app', 'repository/git.example/app')).toBe('git.example/app');
    expect(about('app', 'image/r.example/app:1')).toBe('r.example/app:1');
    expect(about('r.example/app', 'image/r.example/app:1')).toBe(`r.example/app@sha256:${DIGEST}`);
    for (const name of ['app.tar.gz', 'dist/app', './r.example/app', 'pkg:npm/app@1', '']) {
      expect(faultOf(bytesOf(statement({ subject: [{ name, digest: { sha256: DIGEST } }] }))), name).toBe(
        'target-unknown',
      );
    }
    for (const target of ['image/r.example/other', `image/x@sha256:${'2'.repeat(64)}`]) {
      expect(faultOf(bytesOf(statement()), declared(target))).toBe('target-mismatch');
    }
    expect(faultOf(bytesOf(statement()), declared('image/a', 'image/b'))).toBe('target-mismatch');
  });

  it.each([
    [{ sha256: DIGEST.slice(1) }, '/subject/0/digest/sha256'],
    [{ sha256: `${DIGEST.slice(1)}G` }, '/subject/0/digest/sha256'],
    [{ sha1: '1'.repeat(40) }, '/subject/0/digest'],
    [{}, '/subject/0/digest'],
  ])('is a subject without a digest that holds a reject? (%j)', (digest, pointer) => {
    const subject = [{ name: 'registry.example/portal', digest }];
    expect(parse(statement({ subject })).rejects.map((reject) => reject.pointer)).toEqual([pointer]);
  });

  it.each([
    ['no base64', '%%%%', '/payload'],
    ['base64 with a line end', `${envelope('{}', key).payload}\n`, '/payload'],
    ['base64 without its padding', Buffer.from('{"a":1}').toString('base64').replace(/=+$/, ''), '/payload'],
    ['base64 of bits that are not', 'e31=', '/payload'],
    ['base64 of two alphabets', Buffer.from('{"a":"??>>??>>"}').toString('base64').replace('/', '_'), '/payload'],
    ['no JSON', Buffer.from('hello').toString('base64'), '/payload'],
    ['YAML', Buffer.from('_type: https://in-toto.io/Statement/v1').toString('base64'), '/payload'],
    [
      'a key twice',
      Buffer.from('{"_type":"x","_type":"https://in-toto.io/Statement/v1"}').toString('base64'),
      '/payload',
    ],
    ['a deep one', Buffer.from(`{"a":${'['.repeat(100)}${']'.repeat(100)}}`).toString('base64'), '/payload'],
    ['no statement', Buffer.from('{"a":1}').toString('base64'), '/payload/_type'],
  ])('is a payload that is %s a reject?', (_what, payload, pointer) => {
    const report = parse([{ ...envelope(statement(), key), payload }, envelope(statement(), key)]);
    expect(report.rejects.map((reject) => reject.pointer)).toEqual([`/0${pointer}`]);
    expect(statesOf(report)).toEqual(['verified: release key']);
  });

  it('is a payload that is too large a reject, and another type of payload?', () => {
    const large = { ...envelope(statement(), key), payload: 'A'.repeat(16 * 1024 * 1024 + 4) };
    expect(parse(large).rejects).toEqual([{ pointer: '/payload', reason: 'is longer than 16777216 characters' }]);
    const other = { ...envelope(statement(), key), payloadType: 'text/plain' };
    expect(parse(other).rejects).toEqual([{ pointer: '/payloadType', reason: 'is no in-toto statement' }]);
  });

  it('is verification material bounded before a library goes through it?', () => {
    const bundle = sigstore.attest(statement());
    const [entry = {}] = bundle.verificationMaterial.tlogEntries;
    const hostile = [
      { ...bundle.verificationMaterial, tlogEntries: Array.from({ length: 101 }, () => entry) },
      { ...bundle.verificationMaterial, certificate: { rawBytes: 'A'.repeat(300_000) } },
      { ...bundle.verificationMaterial, x: { x: { x: { x: { x: { x: { x: { x: {} } } } } } } } },
    ];
    for (const verificationMaterial of hostile) {
      const report = parse({ ...bundle, verificationMaterial });
      expect(report.facts).toEqual([]);
      expect(report.rejects[0]?.pointer).toMatch(/^\/verificationMaterial/);
    }
    const signatures = Array.from({ length: 11 }, () => envelope(statement(), key).signatures[0]);
    expect(parse({ ...envelope(statement(), key), signatures }).rejects[0]?.pointer).toBe('/signatures');
  });

  it('are more signatures than can be verified in time refused?', () => {
    const line = `${JSON.stringify(envelope(statement(), key))}\n`;
    expect(faultOf(Buffer.from(line.repeat(10_001)))).toBe('too-many-results');
  });

  it('is a bundle over bytes that are elsewhere kept by its digest, and never verified?', () => {
    const report = parse(fixture('intoto-attestation/message.json'), `image/registry.example/portal@sha256:${DIGEST}`);
    expect(report.facts).toMatchObject([{ kind: 'signature', value: { digest: `sha256:${DIGEST}` } }]);
    expect(statesOf(report)).toEqual(['unverified: What is signed is not in the report.']);
    expect(faultOf(fixture('intoto-attestation/message.json'))).toBe('target-unknown');
  });
});
