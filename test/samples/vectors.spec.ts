import { createPublicKey } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { canonicalJson, type JsonValue } from '../../src/kernel/crypto/canonical-json.js';
import { Signatures } from '../../src/scans/formats/signatures.js';
import { signingTrusts } from '../../src/scans/signing-trust.js';
import { bagFaults, readBag } from '../packages/bagit-validator.js';
import { keyPair, pemOf } from '../support/sigstore.js';
import { shared } from './shared.js';

const VECTORS = shared('vectors', 'nothing was held to the test vectors of RFC 8785, DSSE, Sigstore and BagIt');

describe.skipIf(VECTORS === null)('test vectors of others (../shared/vectors)', () => {
  const path = (name: string): string => join(VECTORS ?? '', name);
  const read = (name: string): Buffer => readFileSync(path(name));
  const list = (folder: string): string[] => (VECTORS === null ? [] : readdirSync(path(folder)));

  it.each(list('jcs-rfc8785/input'))('is %s of RFC 8785 canonical?', (name) => {
    const input = JSON.parse(read(`jcs-rfc8785/input/${name}`).toString()) as JsonValue;
    expect(canonicalJson(input)).toBe(read(`jcs-rfc8785/output/${name}`).toString().trimEnd());
  });

  const stateOf = (bundle: unknown, publicKey: string, artifact?: Buffer): string[] => {
    const trust = signingTrusts.parse([{ name: 'of the vector', publicKeys: [publicKey] }]);
    const { state, by, reason } = new Signatures(trust).of(bundle, artifact).verification;
    return [state, by ?? reason];
  };

  it('is the envelope of the DSSE specification verified, and no other?', () => {
    interface Vector {
      key: { x_dec: string; y_dec: string };
      envelope: { payload: string; payloadType: string; signatures: { sig: string }[] };
    }
    const vector = JSON.parse(read('dsse/vector.json').toString()) as Vector;
    const coordinate = (decimal: string): string =>
      Buffer.from(BigInt(decimal).toString(16).padStart(64, '0'), 'hex').toString('base64url');
    const key = createPublicKey({
      key: { kty: 'EC', crv: 'P-256', x: coordinate(vector.key.x_dec), y: coordinate(vector.key.y_dec) },
      format: 'jwk',
    });
    const publicKey = key.export({ type: 'spki', format: 'pem' }).toString();
    // The vector has the two numbers one after the other, where in-toto and Sigstore have them in ASN.1.
    const raw = Buffer.from(vector.envelope.signatures[0]?.sig ?? '', 'base64');
    const number = (bytes: Buffer): Buffer => {
      const padded = (bytes[0] ?? 0) > 0x7f ? Buffer.concat([Buffer.from([0]), bytes]) : bytes;
      return Buffer.concat([Buffer.from([0x02, padded.length]), padded]);
    };
    const numbers = Buffer.concat([number(raw.subarray(0, 32)), number(raw.subarray(32))]);
    const sig = Buffer.concat([Buffer.from([0x30, numbers.length]), numbers]).toString('base64');
    const signed = { ...vector.envelope, signatures: [{ sig }] };
    const bundle = (dsseEnvelope: object) => ({
      mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
      verificationMaterial: { publicKey: { hint: '' } },
      dsseEnvelope,
    });
    expect(stateOf(bundle(signed), publicKey)).toEqual(['verified', 'of the vector']);
    const others = [{ payloadType: 'http://example.com/Hello' }, { payload: 'aGVsbG8gd29ybGQh' }];
    for (const other of others) expect(stateOf(bundle({ ...signed, ...other }), publicKey)[0]).toBe('unverified');
  });

  it('is Sigstore’s bundle of a managed key verified with its artifact, and by no other key?', () => {
    const folder = 'sigstore-bundle/managed-key-happy-path';
    const bundle: unknown = JSON.parse(read(`${folder}/bundle.sigstore.json`).toString());
    const artifact = read('sigstore-bundle/a.txt');
    const publicKey = read(`${folder}/key.pub`).toString();
    expect(stateOf(bundle, publicKey, artifact)).toEqual(['verified', 'of the vector']);
    expect(stateOf(bundle, publicKey)).toEqual(['unverified', 'What is signed is not in the report.']);
    expect(stateOf(bundle, publicKey, Buffer.from('b'))[0]).toBe('failed');
    expect(stateOf(bundle, pemOf(keyPair()), artifact)[0]).toBe('unverified');
    const wrong = read('sigstore-bundle/managed-key-wrong-key_fail/key.pub').toString();
    expect(signingTrusts.safeParse([{ name: 'wrong', publicKeys: [wrong] }]).success).toBe(false);
  });

  it.each(['valid', 'invalid'])(
    'does our validator of bags find the %s ones of the Library of Congress so?',
    async (kind) => {
      const bags = list(`bagit/v1.0/${kind}`);
      expect(bags).not.toEqual([]);
      for (const name of bags) {
        const faults = bagFaults(await readBag(path(`bagit/v1.0/${kind}/${name}`)));
        expect(faults.length > 0, `${name}: ${faults.join('; ')}`).toBe(kind === 'invalid');
      }
    },
  );
});
