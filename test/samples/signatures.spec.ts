import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { FactValue } from '../../src/results/fact.js';
import { parseReport } from '../../src/scans/formats/index.js';
import { signingTrusts, type SigningTrust } from '../../src/scans/signing-trust.js';
import { EXPECTED, SAMPLES } from './expected.js';
import { NPM_KEY, PUBLIC_ROOT } from './sigstore-public.js';

const GITHUB = 'https://token.actions.githubusercontent.com';

const trusted = (...identities: { issuer: string; subject: string }[]): SigningTrust[] =>
  signingTrusts.parse([
    { name: 'sigstore', trustedRoots: [PUBLIC_ROOT], identities },
    { name: 'npm', publicKeys: [NPM_KEY] },
  ]);

describe.skipIf(SAMPLES === null)('signatures that others made (../shared/samples)', () => {
  const read = (file: string): string => readFileSync(join(SAMPLES ?? '', file), 'utf8');
  const signatures = (file: string, trust: SigningTrust[], text = read(file)) => {
    const target = EXPECTED[file]?.target;
    const declared = { targets: target ? [target] : [], partial: false };
    return parseReport(Buffer.from(text), { declared, trust }).facts.flatMap(({ kind, value }) =>
      kind === 'image-component' ? [] : [value as FactValue<'signature' | 'attestation'>],
    );
  };
  const states = (...of: Parameters<typeof signatures>): string[] =>
    signatures(...of).map(({ verification: { state, by } }) => `${state} ${by ?? ''}`.trim());

  it.each([
    [
      'intoto-attestation/sigstore-bundle-v0.3-slsa-v1.json',
      GITHUB,
      'https://github.com/bazel-contrib/publish-to-bcr/*',
      ['verified sigstore'],
    ],
    [
      'intoto-attestation/sigstore-bundle-cyclonedx-predicate.json',
      'https://github.com/login/oauth',
      '*@ringodev.com',
      ['verified sigstore'],
    ],
    [
      'intoto-attestation/npm-attestations-publish-and-provenance.json',
      GITHUB,
      'https://github.com/ramonpetgrave64/gundam-visor/*',
      ['verified npm', 'verified sigstore'],
    ],
    [
      'cosign-verify/keyless-github-workflow.json',
      GITHUB,
      'https://github.com/chainguard-images/node/.github/workflows/release.yaml@refs/heads/main',
      ['verified sigstore'],
    ],
  ])('is %s verified by what Sigstore and npm publish?', (file, issuer, subject, expected) => {
    expect(states(file, trusted({ issuer, subject }))).toEqual(expected);
    const others = expected.map((state) => (state === 'verified npm' ? state : 'unverified'));
    expect(states(file, trusted({ issuer, subject: `${subject}x` }))).toEqual(others);
    expect(states(file, trusted({ issuer: 'https://accounts.google.com', subject }))).toEqual(others);
    expect(states(file, []).every((state) => state === 'unverified')).toBe(true);
  });

  it('are the components of an attested bill told only where its signature is verified?', () => {
    const bytes = Buffer.from(read('intoto-attestation/sigstore-bundle-cyclonedx-predicate.json'));
    const components = (trust: SigningTrust[]) =>
      parseReport(bytes, { declared: { targets: [], partial: false }, trust }).facts.filter(
        ({ kind }) => kind === 'image-component',
      ).length;
    expect(
      components(trusted({ issuer: 'https://github.com/login/oauth', subject: '*@ringodev.com' })),
    ).toBeGreaterThan(1);
    expect(components([])).toBe(0);
  });

  it('does a digit of a digest that was changed undo it?', () => {
    const file = 'cosign-verify/keyless-github-workflow.json';
    const trust = trusted({ issuer: GITHUB, subject: 'https://github.com/*' });
    expect(states(file, trust)).toEqual(['verified sigstore']);
    expect(states(file, trust, read(file).replace('sha256:19f655', 'sha256:19f656'))).toEqual(['unverified']);
  });

  it('is an envelope with a certificate and without a log not verified?', () => {
    const trust = trusted({ issuer: GITHUB, subject: 'https://github.com/*' });
    const [first, second] = signatures('intoto-attestation/dsse-slsa-provenance-v0.2-github-generator.jsonl', trust);
    expect(first).toMatchObject({
      digest: 'sha256:482ce8c8f7e867da3a3c05a9aee637703e17470ed1cf882a9e5b405e8f82619d',
      source: 'git+https://github.com/asraa/slsa-on-github-test@refs/tags/v1.5.0',
      issuer: GITHUB,
      verification: { state: 'unverified', reason: 'No configured log or authority vouches for its time.' },
    });
    expect(second?.verification).toEqual(first?.verification);
  });

  it('does no name and no mail address of a person leave the readers?', () => {
    const files = Object.keys(EXPECTED).filter((file) => /^(intoto|cosign|cyclonedx|spdx)/.test(file));
    for (const file of files.filter((name) => !EXPECTED[name]?.refused)) {
      const target = EXPECTED[file]?.target;
      const declared = { targets: target ? [target] : [], partial: false };
      const report = parseReport(Buffer.from(read(file)), { declared });
      expect(JSON.stringify(report), file).not.toMatch(
        /Jane Doe|Natanael|Bartosz|grininger@|Asra Ali|@google\.com|Person:|maintainer\d|@example\.org/i,
      );
    }
  });
});
