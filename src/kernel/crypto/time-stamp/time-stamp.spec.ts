import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  SERVER_AUTH,
  serveTimeStamps,
  TIME_STAMPING,
  timeStampAuthority,
  type AnswerOptions,
  type ServedAuthority,
} from '../../../../test/support/time-stamp-authority.js';
import { TimeStampAuthority } from './authority.js';
import { checkTimeStamp, parseChain, TimeStampError, timeStampRequest } from './time-stamp.js';

const BYTES = Buffer.from('the head of a log');
const AT = Math.floor(Date.now() / 1_000) - 3_600;

/** Why it is not believed. */
function reason(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof TimeStampError) return error.message;
    throw error;
  }
  return 'believed';
}

describe('is a time stamp believed only when all of it holds?', () => {
  const authority = timeStampAuthority();
  const check = (options: AnswerOptions, { chain } = authority, bytes = BYTES): string => {
    const { request, nonce } = timeStampRequest(BYTES);
    return reason(() => checkTimeStamp(authority.answer(request, options), bytes, { chain, nonce }));
  };

  it.each([
    { signer: 'ec' as const, intermediate: false },
    { signer: 'rsa' as const, intermediate: false },
    { signer: 'rsa' as const, intermediate: true },
  ])('is one of an authority that signs by $signer taken?', (options) => {
    const own = timeStampAuthority(options);
    const { request, nonce } = timeStampRequest(BYTES);
    const { time, chain } = checkTimeStamp(own.answer(request, { at: AT }), BYTES, { chain: own.chain, nonce });
    expect(time).toEqual(new Date(AT * 1_000));
    const names = ['CN=Authority', ...(options.intermediate ? ['CN=Middle'] : []), 'CN=Root'];
    expect(chain.map(({ subject }) => subject)).toEqual(names);
  });

  it('is it taken years later, without the nonce, which nobody keeps?', () => {
    const { request } = timeStampRequest(BYTES);
    expect(reason(() => checkTimeStamp(authority.answer(request), BYTES, authority))).toBe('believed');
  });

  it.each<[string, AnswerOptions]>([
    ['the authority has refused the request (status 2)', { status: 2 }],
    ['the time stamp is of other bytes', { imprint: randomBytes(32) }],
    ['its nonce is not the one that was sent', { nonce: Buffer.from('4001020304050607', 'hex') }],
    ['has not the certificate that signed it', { certificateSha256: randomBytes(32) }],
    [
      'what the authority has signed is not the time stamp',
      { info: (info) => Buffer.from(info.toString('hex').replace('020107', '020108'), 'hex') },
    ],
  ])('is it refused because %s?', (why, options) => {
    expect(check(options)).toContain(why);
  });

  it('is it refused for other bytes, and by whoever trusts another root?', () => {
    expect(check({}, authority, Buffer.from('another head'))).toContain('the time stamp is of other bytes');
    expect(check({}, timeStampAuthority())).toContain('no chain that was valid then leads');
  });

  it.each([
    ['the certificate of the authority is not one for time stamps alone', { usages: [SERVER_AUTH] }],
    ['the certificate of the authority is not one for time stamps alone', { usages: [TIME_STAMPING, SERVER_AUTH] }],
    ['the certificate of the authority is not one for time stamps alone', { critical: false }],
    ['no chain that was valid then leads', { valid: [AT - 1_000, AT - 1] as const }],
    ['no chain that was valid then leads', { valid: [AT + 1, AT + 1_000] as const }],
  ])('is it refused because %s (%j)?', (why, options) => {
    const own = timeStampAuthority(options);
    const { request, nonce } = timeStampRequest(BYTES);
    expect(reason(() => checkTimeStamp(own.answer(request, { at: AT }), BYTES, { chain: own.chain, nonce }))).toContain(
      why,
    );
  });

  it('is every answer with one bit changed refused, as a time stamp or as none, and never by another error?', () => {
    const { request, nonce } = timeStampRequest(BYTES);
    const answer = authority.answer(request);
    const bits = fc.integer({ min: 0, max: answer.length * 8 - 1 });
    fc.assert(
      fc.property(bits, (bit) => {
        const changed = Buffer.from(answer);
        changed.writeUInt8(changed.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
        const why = reason(() => checkTimeStamp(changed, BYTES, { chain: authority.chain, nonce }));
        // What nobody signs and nothing is made of: the status within «granted», the versions, the digest algorithms that are listed once more, the signer by its name.
        if (why === 'believed')
          expect(unsignedParts(answer).some(([from, to]) => bit >> 3 >= from && bit >> 3 < to)).toBe(true);
      }),
      { numRuns: 2_000 },
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => {
        expect(reason(() => checkTimeStamp(Buffer.from(noise), BYTES, authority))).not.toBe('believed');
      }),
    );
  });
});

/** Where an answer has what is not signed, from and to, in bytes. */
function unsignedParts(answer: Buffer): [number, number][] {
  const info = answer.indexOf(Buffer.from('060b2a864886f70d0109100104', 'hex'));
  const attributes = answer.lastIndexOf(Buffer.from('060b2a864886f70d010910022f', 'hex'));
  const signer = answer.lastIndexOf(Buffer.from('Root'), attributes);
  return [
    [0, info],
    [signer - 40, attributes],
  ];
}

describe('is the chain of a configuration read?', () => {
  it('is a root asked for?', () => {
    const { chainPem, chain } = timeStampAuthority();
    expect(parseChain(`a comment\n${chainPem}\n${chainPem}`).map(({ raw }) => raw)).toEqual([
      chain[0]?.raw,
      chain[0]?.raw,
    ]);
    expect(reason(() => parseChain(''))).toContain('among them a root');
    expect(reason(() => parseChain('-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----'))).toContain(
      'a root',
    );
  });
});

describe('is an authority asked over HTTP?', () => {
  let served: ServedAuthority;
  beforeAll(async () => {
    served = await serveTimeStamps();
  });
  afterAll(() => served.stop());

  it('is its answer what is kept, and refused where it is of another request or no answer?', async () => {
    const client = new TimeStampAuthority({ url: served.url, chain: served.chain });
    const { response, stamp } = await client.stamp(BYTES);
    expect(checkTimeStamp(response, BYTES, served).time).toEqual(stamp.time);
    served.answering.options = { nonce: Buffer.from('4001020304050607', 'hex') };
    await expect(client.stamp(BYTES)).rejects.toThrow('answers another request');
    served.answering.status = 503;
    await expect(client.stamp(BYTES)).rejects.toThrow('the authority answered 503');
  });
});

const OPENSSL = spawnSync('openssl', ['version']).status === 0;

/** Skipped where the machine has no openssl: then nothing was held to the tool that auditors use. */
describe.skipIf(!OPENSSL)('does OpenSSL read what is made here, and the other way round?', () => {
  let directory: string;
  const at = (file: string): string => join(directory, file);
  const openssl = (...args: string[]): string =>
    execFileSync('openssl', args, { cwd: directory, stdio: 'pipe' }).toString();
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'safeguard-time-stamp-'));
    writeFileSync(at('head'), BYTES);
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  it.each(['ec', 'rsa'] as const)(
    'does `openssl ts -verify` take an answer of the test’s own authority (%s)?',
    (signer) => {
      const { answer, chainPem } = timeStampAuthority({ signer, intermediate: true });
      writeFileSync(at('chain.pem'), chainPem);
      writeFileSync(at('head.tsr'), answer(timeStampRequest(BYTES).request));
      expect(openssl('ts', '-verify', '-data', 'head', '-in', 'head.tsr', '-CAfile', 'chain.pem')).toContain(
        'Verification: OK',
      );
    },
  );

  it('does `openssl ts -reply` answer our request, and is its answer believed?', () => {
    writeFileSync(
      at('root.cnf'),
      '[req]\ndistinguished_name=dn\n[dn]\n[tsa]\nextendedKeyUsage=critical,timeStamping\n',
    );
    openssl(
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-keyout',
      'root.key',
      '-out',
      'root.pem',
      '-subj',
      '/CN=Root',
      '-days',
      '2',
    );
    openssl(
      'req',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-keyout',
      'tsa.key',
      '-out',
      'tsa.csr',
      '-subj',
      '/CN=TSA',
      '-config',
      'root.cnf',
    );
    openssl(
      'x509',
      '-req',
      '-in',
      'tsa.csr',
      '-CA',
      'root.pem',
      '-CAkey',
      'root.key',
      '-CAcreateserial',
      '-out',
      'tsa.pem',
      '-days',
      '2',
      '-extfile',
      'root.cnf',
      '-extensions',
      'tsa',
    );
    writeFileSync(
      at('tsa.cnf'),
      '[tsa]\ndefault_tsa=t\n[t]\nserial=serial\nsigner_cert=tsa.pem\nsigner_key=tsa.key\nsigner_digest=sha256\ndefault_policy=1.2.3.4\ndigests=sha256\naccuracy=secs:1\nordering=yes\ntsa_name=yes\ness_cert_id_chain=no\n',
    );
    writeFileSync(at('serial'), '01');
    const { request, nonce } = timeStampRequest(BYTES);
    writeFileSync(at('head.tsq'), request);
    expect(openssl('ts', '-query', '-in', 'head.tsq', '-text')).toContain('Hash Algorithm: sha256');
    const before = Math.floor(Date.now() / 1_000) * 1_000;
    openssl('ts', '-reply', '-queryfile', 'head.tsq', '-config', 'tsa.cnf', '-out', 'head.tsr');
    const chain = parseChain(readFileSync(at('root.pem'), 'utf8'));
    const { time } = checkTimeStamp(readFileSync(at('head.tsr')), BYTES, { chain, nonce });
    expect(time.getTime()).toBeGreaterThanOrEqual(before);
    expect(time.getTime()).toBeLessThanOrEqual(Date.now());
  });
});
