import { createHash, sign } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { bytesOf, declared, faultOf, fixture, golden } from '../../../test/fixtures/reports/load.js';
import { keyPair, pemOf, ISSUER, SIGNED_AT, startSigstore, WORKFLOW } from '../../../test/support/sigstore.js';
import type { FactValue } from '../../results/fact.js';
import type { Report } from '../report.js';
import { signingTrusts, type SigningTrust } from '../signing-trust.js';
import { parseReport } from './index.js';

const sigstore = startSigstore();
const digest = `sha256:${'1'.repeat(64)}`;
const image = { reference: 'registry.example/clinic/portal', digest };
const trusts = (...of: object[]): SigningTrust[] => signingTrusts.parse(of);
const clinic = trusts({
  name: 'clinic',
  trustedRoots: [sigstore.trustedRoot],
  identities: [{ issuer: ISSUER, subject: WORKFLOW }],
});

const parse = (document: unknown, trust: SigningTrust[] = [], ...targets: string[]): Report =>
  parseReport(Buffer.isBuffer(document) ? document : bytesOf(document), { declared: declared(...targets), trust });
const signatureOf = (row: unknown, trust: SigningTrust[] = clinic): FactValue<'signature'> => {
  const [fact] = parse([row], trust).facts;
  expect(fact?.kind).toBe('signature');
  return fact?.value as FactValue<'signature'>;
};
const stateOf = (row: unknown, trust: SigningTrust[] = clinic): string[] => {
  const { state, by, reason } = signatureOf(row, trust).verification;
  return [state, by ?? reason];
};

interface Printed {
  critical: { identity: Record<string, string>; image: Record<string, string>; type: string };
  optional: Record<string, unknown> & { Bundle: { SignedEntryTimestamp: string; Payload: Record<string, unknown> } };
}
const printed = (annotations: Record<string, string> | null = { team: 'portal', run_id: '7' }): Printed =>
  sigstore.cosign(image, annotations && Object.fromEntries(Object.entries(annotations).sort())) as Printed;
const changed = (row: Printed, change: (copy: Printed) => void): Printed => {
  const copy = structuredClone(row);
  change(copy);
  return copy;
};

describe('cosign verify', () => {
  it.each(['cosign-verify/keyless-and-key.json', 'cosign-verify/two-images.ndjson'])(
    'does %s give its golden facts?',
    (name) => {
      const report = parse(fixture(name));
      expect(report).toEqual(golden(name, report));
    },
  );

  it('does it never pass anything, and close nothing?', () => {
    const report = parse([printed()], clinic);
    expect(report.results).toEqual([]);
    expect(report.coverage).toMatchObject([{ source: 'cosign', extent: 'partial' }]);
    expect(report.observedAt).toBeNull();
  });

  it('is a signature unverified, whatever cosign claims, where no trust is configured?', () => {
    expect(signatureOf(printed(), [])).toMatchObject({
      identity: WORKFLOW,
      verification: {
        state: 'unverified',
        by: null,
        reason: 'No root is configured that certificates could be verified by.',
      },
    });
  });

  it.each([null, { team: 'portal' }, { b: '<&>', a: '\u2028é' }])(
    'is one verified anew of what was printed (%j)?',
    (annotations) => {
      // Go escapes what JavaScript does not.
      const row = printed(null);
      const signed = annotations === null ? row : goSigned(annotations);
      expect(signatureOf(signed)).toEqual({
        digest,
        reference: image.reference,
        identity: WORKFLOW,
        issuer: ISSUER,
        signedAt: new Date(SIGNED_AT * 1_000).toISOString(),
        logIndex: '42',
        verification: { state: 'verified', by: 'clinic', reason: '' },
      });
    },
  );

  it('is one of which anything was changed not verified?', () => {
    const nothing = 'cosign says that it verified it, and printed nothing by which that could be done again.';
    const other = `sha256:${'2'.repeat(64)}`;
    const changes: ((copy: Printed) => void)[] = [
      (copy) => (copy.critical.image['docker-manifest-digest'] = other),
      (copy) => (copy.critical.identity['docker-reference'] = 'registry.example/other'),
      (copy) => (copy.critical.type = 'x'),
      (copy) => (copy.optional['team'] = 'other'),
      (copy) => (copy.optional['more'] = 'x'),
      (copy) => delete copy.optional['team'],
      (copy) => (copy.optional['team'] = ['portal']),
      (copy) => delete copy.optional.Bundle.Payload['body'],
    ];
    for (const change of changes) {
      expect(stateOf(changed(printed(), change)), change.toString()).toEqual(['unverified', nothing]);
    }
    const { Payload } = printed().optional.Bundle;
    const log = 'Its entry in the transparency log does not fit.';
    expect(stateOf(changed(printed(), (copy) => (copy.optional.Bundle.Payload['logIndex'] = 43)))).toEqual([
      'failed',
      log,
    ]);
    expect(stateOf(changed(printed(), (copy) => (copy.optional.Bundle.SignedEntryTimestamp = 'AAAA')))).toEqual([
      'failed',
      log,
    ]);
    expect(stateOf(changed(printed(), (copy) => (copy.optional.Bundle.Payload = Payload)))[0]).not.toBe('verified');
  });

  it('does the name that cosign prints count for nothing against the certificate?', () => {
    const row = changed(sigstore.cosign(image, null, { subject: 'https://evil.example/x' }) as Printed, (copy) => {
      copy.optional['Subject'] = WORKFLOW;
    });
    expect(signatureOf(row)).toMatchObject({
      identity: 'https://evil.example/x',
      verification: { state: 'unverified' },
    });
  });

  it('is one by a key that was logged verified by that key alone?', () => {
    const key = keyPair();
    const trust = trusts({ name: 'release', publicKeys: [pemOf(key)] });
    const body = {
      apiVersion: '0.0.1',
      kind: 'hashedrekord',
      spec: {
        data: { hash: { algorithm: 'sha256', value: '' } },
        signature: { content: '', publicKey: { content: Buffer.from(pemOf(key)).toString('base64') } },
      },
    };
    const critical = printed(null).critical;
    const payload = Buffer.from(JSON.stringify({ critical, optional: null }));
    body.spec.data.hash.value = createHash('sha256').update(payload).digest('hex');
    body.spec.signature.content = sign('sha256', payload, key.privateKey).toString('base64');
    const row = {
      critical,
      optional: {
        Bundle: {
          SignedEntryTimestamp: 'AAAA',
          Payload: {
            body: Buffer.from(JSON.stringify(body)).toString('base64'),
            integratedTime: SIGNED_AT,
            logIndex: 1,
            logID: 'ab',
          },
        },
      },
    };
    expect(stateOf(row, trust)).toEqual(['verified', 'release']);
    expect(signatureOf(row, trust)).toMatchObject({ signedAt: null, logIndex: null });
    expect(stateOf(row, trusts({ name: 'other', publicKeys: [pemOf(keyPair())] }))[0]).toBe('unverified');
    expect(stateOf({ critical, optional: null }, trust)[0]).toBe('unverified');
  });

  it('is the image that of the digest, under the repository that the poster names or else the signature?', () => {
    const target = (...targets: string[]) => parse([printed()], [], ...targets).facts[0]?.target.name;
    expect(target()).toBe(`registry.example/clinic/portal@${digest}`);
    expect(target('image/cgr.example:5000/portal:1.0')).toBe(`cgr.example:5000/portal@${digest}`);
    expect(target(`image/cgr.example/portal@${digest}`)).toBe(`cgr.example/portal@${digest}`);
    expect(target(`image/${digest}`)).toBe(`registry.example/clinic/portal@${digest}`);
    const wrong = declared(`image/cgr.example/portal@sha256:${'2'.repeat(64)}`);
    expect(faultOf(bytesOf([printed()]), wrong)).toBe('target-mismatch');
    const nameless = changed(printed(), (copy) => (copy.critical.identity = {}));
    expect(faultOf(bytesOf([nameless]))).toBe('target-unknown');
  });

  it.each([
    [
      (copy: Printed) => (copy.critical.image['docker-manifest-digest'] = 'sha256:12'),
      '/critical/image/docker-manifest-digest',
    ],
    [(copy: Printed) => (copy.optional.Bundle.Payload['body'] = 'e30'), '/body'],
    [(copy: Printed) => (copy.optional.Bundle.Payload['body'] = 'bm8='), '/optional/Bundle/Payload/body'],
    [(copy: Printed) => Object.assign(copy, { optional: { Subject: 7 } }), '/Subject'],
  ])('is one that cannot be read a reject? (%#)', (change, at) => {
    const report = parse([printed(), changed(printed(null), change)]);
    expect(report.rejects.map(({ pointer }) => pointer)).toEqual([`/1${at}`]);
    expect(report.facts).toHaveLength(1);
  });

  it('are two signatures of one image two facts, and one that is given twice one?', () => {
    expect(parse([printed(), printed(null)]).facts).toHaveLength(2);
    const row = printed();
    expect(parse([row, row]).facts).toHaveLength(1);
  });
});

/** As cosign prints what Go signed: with `<`, `>`, `&` and line separators escaped. */
function goSigned(annotations: Record<string, string>): object {
  const escape = (text: string): string =>
    text.replace(/[<>&\u2028]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
  const sorted = Object.fromEntries(Object.entries(annotations).sort());
  return sigstore.cosign(image, sorted, {}, escape);
}
