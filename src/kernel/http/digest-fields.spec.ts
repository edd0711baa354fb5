import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatDigest, parseDigest } from './content.js';
import { Refusal } from './problem.js';

const report = Buffer.from('a report');
const sha256 = (bytes: Buffer): Buffer => createHash('sha256').update(bytes).digest();
const sha512 = (bytes: Buffer): Buffer => createHash('sha512').update(bytes).digest();

/** The code of the Refusal that a value is answered by. */
function refusal(value: string): string {
  try {
    parseDigest('Content-Digest', value);
  } catch (error) {
    if (error instanceof Refusal) return error.code;
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('digest fields (RFC 9530)', () => {
  it('reads the examples of the RFC?', () => {
    const field =
      'sha-512=:YMAam51Jz/jOATT6/zvHrLVgOYTGFy1d6GJiOHTohq4yP+pgk4vf2aCsyRZOtw8MjkM7iw7yZ/WkppmM44T3qg==:, sha-256=:d435Qo+nKZ+gLcUHn7GQtQ72hiBVAgqoLsZnZPiTGPk=:';
    const content = Buffer.from('{"hello": "world"}\n');
    expect(parseDigest('Content-Digest', field)['sha-256']?.length).toBe(32);
    expect(parseDigest('Repr-Digest', 'sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:')['sha-256']).toEqual(
      sha256(content),
    );
  });

  it('reads what it writes?', () => {
    const digests = { 'sha-256': sha256(report), 'sha-512': sha512(report) };
    const text = formatDigest(digests);
    expect(text).toBe(
      `sha-256=:${digests['sha-256'].toString('base64')}:, sha-512=:${digests['sha-512'].toString('base64')}:`,
    );
    expect(parseDigest('Content-Digest', text)).toEqual(digests);
  });

  it('ignores unknown algorithms, unless there is no known one?', () => {
    const known = formatDigest({ 'sha-256': sha256(report) });
    expect(Object.keys(parseDigest('Content-Digest', `md5=:AAAA:, new;p=1, ${known}`))).toEqual(['sha-256']);
    expect(refusal('md5=:1B2M2Y8AsgTpgAmY7PhCfg==:')).toBe('malformed-header');
  });

  it.each([
    '',
    'sha-256',
    'sha-256=1',
    'sha-256="text"',
    'sha-256=:AAAA:',
    'sha-256=(:AAAA:)',
    'sha-256=d435Qo+nKZ',
    'SHA-256=:d435Qo+nKZ+gLcUHn7GQtQ72hiBVAgqoLsZnZPiTGPk=:',
    'sha-256=:d435Qo+nKZ+gLcUHn7GQtQ72hiBVAgqoLsZnZPiTGPk=',
    'sha-256=:!!!!:',
    ':'.repeat(10_000),
  ])('refuses %j?', (value) => {
    expect(refusal(value)).toBe('malformed-header');
  });

  it('answers any text with digests or a refusal?', () => {
    fc.assert(
      fc.property(fc.string(), (value) => {
        try {
          parseDigest('Content-Digest', value);
        } catch (error) {
          expect(error).toBeInstanceOf(Refusal);
        }
      }),
    );
  });
});
