import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ReportFault } from '../report.js';
import { decompressBzip2 } from './bzip2.js';

const LIMIT = 2_000_000;
/** As bzip2 1.0.8 writes them. */
const EMPTY = Buffer.from('QlpoORdyRThQkAAAAAA=', 'base64');
const SHORT = Buffer.from('QlpoOTFBWSZTWZ5iW/4AAAKRAEAAAkSgACEUYGaCke8jRwu5IpwoSE8xLf8A', 'base64');
const RUN = Buffer.from('QlpoOTFBWSZTWZe+3DgAB6iBQKAAAAIACCAAMMwJqmmVJDapSQ8XckU4UJCXvtw4', 'base64');
const TWO_BLOCKS = Buffer.from(
  'QlpoMTFBWSZTWZM6TvoAgi7BAAAQMAAgADDMBSmmqkIHVSEDVSEDzFBWSZTWeIdj6EAIJDBAAAQNgEgADDAApU0aZBEDuAiB2CIG5vxdyRThQkMRpElQ',
  'base64',
);

function codeOf(bytes: Uint8Array, limit = LIMIT): string {
  try {
    decompressBzip2(bytes, limit);
    return '';
  } catch (error) {
    if (error instanceof ReportFault) return error.code;
    throw error;
  }
}

describe('bzip2', () => {
  it.each([
    ['nothing', EMPTY, ''],
    ['a few bytes', SHORT, 'hello hello hello'],
    ['a million times the same', RUN, 'a'.repeat(1_000_000)],
    ['more than one block', TWO_BLOCKS, `${'ab\n'.repeat(50_000)}end`],
    ['two streams', Buffer.concat([SHORT, EMPTY, RUN]), `hello hello hello${'a'.repeat(1_000_000)}`],
  ])('is %s decompressed?', (_what, compressed, text) => {
    expect(decompressBzip2(compressed, LIMIT).toString() === text).toBe(true);
  });

  it('is any cut told so?', () => {
    for (let at = 0; at < SHORT.length; at++) expect(codeOf(SHORT.subarray(0, at)), String(at)).toBe('truncated');
  });

  it('is more than the limit refused, before it is there?', () => {
    expect(codeOf(RUN, 1_000_000)).toBe('');
    expect(codeOf(RUN, 999_999)).toBe('too-large');
  });

  it('do changed bytes never become another text, and throw nothing but ReportFault?', () => {
    const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(changes, (places) => {
        const changed = Buffer.from(SHORT);
        for (const [at, byte] of places) changed[at % changed.length] = byte;
        // Some bits are of codes that this text does not use.
        if (codeOf(changed) === '') expect(decompressBzip2(changed, LIMIT).toString()).toBe('hello hello hello');
      }),
      { numRuns: 2_000 },
    );
  });

  it('are arbitrary bytes behind a header refused?', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(codeOf(Buffer.concat([Buffer.from('BZh91AY&SY'), bytes]))).not.toBe('');
      }),
    );
  });

  it.each(['', 'BZ', 'PK\x03\x04', 'BZh0', '<TestResult/>'])('is %j refused?', (text) => {
    expect(['truncated', 'malformed-report']).toContain(codeOf(Buffer.from(text)));
  });
});
