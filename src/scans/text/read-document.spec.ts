import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { growth } from '../../../test/support/growth.js';
import { ReportFault } from '../report.js';
import { isList, LazyList } from './lazy-list.js';
import { JSON_READING, readDocument } from './read-document.js';
import type { JsonReading } from './read-json.js';

function fault(text: string | Uint8Array): ReportFault {
  try {
    readDocument(typeof text === 'string' ? Buffer.from(text) : text);
  } catch (error) {
    if (error instanceof ReportFault) return error;
    throw error;
  }
  throw new Error('was taken');
}

const nested = fc.oneof(fc.array(fc.jsonValue()), fc.dictionary(fc.string(), fc.jsonValue()));

describe('reading JSON strictly', () => {
  it('is whatever JSON.stringify writes read as it was?', () => {
    fc.assert(
      fc.property(nested, fc.constantFrom(undefined, 1, '\t'), (value, indent) => {
        const text = JSON.stringify(value, null, indent);
        expect(JSON.stringify(readDocument(Buffer.from(text)))).toBe(JSON.stringify(JSON.parse(text)));
      }),
    );
  });

  it('is any truncation refused?', () => {
    fc.assert(
      fc.property(nested, fc.nat(), (value, seed) => {
        const bytes = Buffer.from(JSON.stringify(value));
        const cut = bytes.subarray(0, 1 + (seed % Math.max(bytes.length - 1, 1)));
        if (cut.length < bytes.length) expect(['truncated', 'invalid-utf8']).toContain(fault(cut).code);
      }),
    );
  });

  it('does a mutation throw nothing but ReportFault, and is what is taken what JSON.parse reads?', () => {
    fc.assert(
      fc.property(nested, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }), (value, changes) => {
        const bytes = Buffer.from(JSON.stringify(value));
        for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
        try {
          const document = readDocument(bytes);
          if (/^[[{]/.test(bytes.toString())) expect(document).toEqual(JSON.parse(bytes.toString()));
        } catch (error) {
          expect(error).toBeInstanceOf(ReportFault);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('is a repeated key found, wherever it stands and however it is written?', () => {
    expect(fault('{"a":{"b/c":[0,{"x":1,"y":2,"x":3}]}}')).toMatchObject({
      code: 'duplicate-key',
      place: { pointer: '/a/b~1c/1/x' },
    });
    expect(fault('{"a":1,"\\u0061":2}').code).toBe('duplicate-key');
    expect(fault('{"\\u0061":1,"a":2}').code).toBe('duplicate-key');
    expect(fault('{"__proto__":1,"__proto__":2}').code).toBe('duplicate-key');
    fc.assert(
      fc.property(fc.uniqueArray(fc.string(), { minLength: 1, maxLength: 60 }), fc.nat(), (keys, seed) => {
        const members = keys.map((key) => `${JSON.stringify(key)}:[{}]`);
        expect(() => readDocument(Buffer.from(`{${members.join(',')}}`))).not.toThrow();
        const again = members[seed % members.length] ?? '';
        expect(fault(`{${[...members, again].join(',')}}`).code).toBe('duplicate-key');
      }),
    );
  });

  it('may objects side by side have the same keys?', () => {
    expect(readDocument(Buffer.from('[{"a":1},{"a":1},{"b":{"a":1},"a":2}]'))).toHaveLength(3);
  });

  it('is the key __proto__ harmless?', () => {
    const document = readDocument(Buffer.from('{"__proto__":{"polluted":true}}')) as object;
    expect(Object.keys(document)).toEqual(['__proto__']);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it('are 64 levels read and 65 refused?', () => {
    expect(() => readDocument(Buffer.from('['.repeat(64) + ']'.repeat(64)))).not.toThrow();
    expect(fault('['.repeat(65) + ']'.repeat(65))).toMatchObject({ code: 'too-deep', place: { offset: 64 } });
  });

  it('is a hundred megabytes of brackets refused at once and without memory?', async () => {
    const bytes = Buffer.alloc(100_000_000, '[');
    const look = (length: number): void => expect(fault(bytes.subarray(0, length)).code).toBe('too-deep');
    look(1_000);
    const before = process.memoryUsage().heapUsed;
    expect(await growth(look, 1_000, 100_000)).toBeLessThan(100);
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(20_000_000);
  });

  it('is the number of values bounded?', () => {
    const bytes = Buffer.from(`[${'0,'.repeat(10)}0]`);
    expect(readDocument(bytes, { ...JSON_READING, values: 12 })).toHaveLength(11);
    expect(() => readDocument(bytes, { ...JSON_READING, values: 11 })).toThrow(/^too-many-values/);
  });

  it.each([
    ['{"a":1} x', 'not-json'],
    ['{"a":1} {"a":2}', 'not-json'],
    ['{"a":1,}', 'not-json'],
    ['{"a" 1}', 'not-json'],
    ['[1 2]', 'not-json'],
    ['[01]', 'not-json'],
    ['[nul]', 'not-json'],
    ['["\\x"]', 'not-json'],
    ['["\n"]', 'not-json'],
    ['[1}', 'not-json'],
    ["{'a':1}", 'not-json'],
    ['[\0]', 'nul'],
    ['[INFO] 1 Control Plane Security Configuration\n', 'text-output'],
    ['\n== Summary master ==\n1 checks PASS\n', 'text-output'],
    ['app (alpine 3.10)\n====\nTotal: 4 (UNKNOWN: 0, LOW: 0)\n┌──┐\n', 'text-output'],
  ])('is %j refused?', (text, code) => {
    expect(fault(text).code).toBe(code);
  });

  it('is the first byte that is not UTF-8 named?', () => {
    for (const bad of [[0xff], [0xc3, 0x28], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xe2, 0x82]]) {
      const bytes = Buffer.concat([Buffer.from('["é€😀'), Buffer.from(bad), Buffer.from('"]')]);
      expect(fault(bytes)).toMatchObject({ code: 'invalid-utf8', place: { offset: 11 } });
    }
  });

  it('is a byte order mark dropped?', () => {
    expect(readDocument(Buffer.from('\ufeff{"a":1}'))).toEqual({ a: 1 });
  });

  it('are JSON texts one per line read as an array?', () => {
    expect(readDocument(Buffer.from('{"a":1}\n\n{"a":2}\r\n'))).toEqual([{ a: 1 }, { a: 2 }]);
    expect(fault('{"a":1}\n{"a":').code).toBe('truncated');
  });

  it('is an empty text no document?', () => {
    for (const text of ['', ' \n', 'null', '---\n', '# only a comment\n'])
      expect(readDocument(Buffer.from(text))).toBeNull();
  });

  it('do faults quote nothing of the report?', () => {
    const secret = 'hunter2-hunter2';
    for (const text of [
      `{"a":"${secret}",}`,
      `[${secret}]`,
      `{"a":1}${secret}`,
      `a: [${secret}\nb: }`,
      `${secret}: *x`,
    ]) {
      expect(fault(text).message).not.toContain(secret);
    }
  });
});

describe('reading what is too large to be held', () => {
  /** Windows in which a key just fits, and containers of some bytes that are large already. */
  const small = fc.record({
    window: fc.integer({ min: 120, max: 300 }),
    large: fc.integer({ min: 0, max: 60 }),
  });
  const keyed = fc.oneof(
    fc.array(fc.jsonValue()),
    fc.dictionary(fc.string({ maxLength: 10 }), fc.jsonValue({ maxDepth: 4 })),
  );

  it('is it the same document, whatever is held of it at a time?', () => {
    fc.assert(
      fc.property(
        fc.array(keyed, { minLength: 1, maxLength: 5 }),
        small,
        fc.constantFrom(undefined, 2),
        (values, sizes, indent) => {
          const texts = values.map((value) => JSON.stringify(value, null, indent));
          const document = readDocument(Buffer.from(texts.join('\n')), { ...JSON_READING, ...sizes });
          const wanted = texts.map((text) => JSON.parse(text) as unknown);
          expect(JSON.stringify(held(document))).toBe(JSON.stringify(wanted.length > 1 ? wanted : wanted[0]));
        },
      ),
      { numRuns: 300 },
    );
  });

  it('is a fault the same fault at the same place, whatever is held at a time?', () => {
    fc.assert(
      fc.property(
        keyed,
        small,
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 2 }),
        (value, sizes, changes) => {
          const bytes = Buffer.from(JSON.stringify(value, null, 1));
          for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
          if (!/^[[{]/.test(bytes.toString())) return;
          const outcome = (reading: JsonReading): unknown => {
            try {
              return JSON.stringify(held(readDocument(bytes, reading)));
            } catch (error) {
              expect(error).toBeInstanceOf(ReportFault);
              const { code, place } = error as ReportFault;
              // What JSON.parse refuses is known by the part that it was given.
              return code === 'not-json' && (error as ReportFault).detail.startsWith('The text holds a number')
                ? code
                : { code, place };
            }
          };
          const whole = outcome(JSON_READING);
          const inParts = outcome({ ...JSON_READING, ...sizes });
          // Of two faults the one that is met first is told.
          const isText = typeof whole === 'object' && /^(invalid-utf8|nul)$/.test((whole as { code: string }).code);
          if (isText) expect(inParts).toHaveProperty('code');
          else expect(inParts).toEqual(whole);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('can a lazy list be gone through twice, and not by halves?', () => {
    const document = readDocument(Buffer.from('[1,[2,3],{"a":[4]}]'), { ...JSON_READING, large: 3 });
    expect(document).toBeInstanceOf(LazyList);
    expect([held(document), held(document)]).toEqual([
      [1, [2, 3], { a: [4] }],
      [1, [2, 3], { a: [4] }],
    ]);
  });

  it('is a single text, or what is no list, larger than may be held refused?', () => {
    const reading = { ...JSON_READING, large: 100, held: 1_000 };
    const read = (value: unknown) => held(readDocument(Buffer.from(JSON.stringify(value)), reading));
    expect(() => read({ a: 'x'.repeat(2_000) })).toThrow(/^too-large/);
    expect(() => read(Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`k${i}`, i])))).toThrow(/^too-large/);
    expect(read(Array.from({ length: 300 }, (_, i) => `member ${i}`))).toHaveLength(300);
    expect(() => read(['x'.repeat(200_000)])).toThrow(/^too-large/);
  });
});

/** A document with its lists read. */
function held(value: unknown): unknown {
  if (isList(value)) return Array.from(value, held);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, held(member)]));
}

describe('reading YAML strictly', () => {
  it('are several documents read, and empty ones left out?', () => {
    expect(readDocument(Buffer.from('---\na: 1\n---\n---\nb: [x, "1"]\n'))).toEqual([{ a: 1 }, { b: ['x', '1'] }]);
  });

  it('are times, yes and no left as text?', () => {
    expect(readDocument(Buffer.from('a: 2021-04-08T11:44:57Z\nb: yes\nc: 1.1.1\n'))).toEqual({
      a: '2021-04-08T11:44:57Z',
      b: 'yes',
      c: '1.1.1',
    });
  });

  it('is a repeated key refused with its line?', () => {
    expect(fault('a: 1\nb: 2\na: 3\n')).toMatchObject({ code: 'duplicate-key', place: { line: 3 } });
  });

  it('is a repeated key found in whatever mapping it is?', () => {
    for (const text of ['- a:\n    b: 1\n    "b": 2\n', 'a: {b: 1, c: 2, b: 3}\n', 'a: [{b: 1, b: 2}]\n']) {
      expect(fault(text).code).toBe('duplicate-key');
    }
    expect(readDocument(Buffer.from('a: {b: 1}\nc: {b: 2}\n'))).toEqual({ a: { b: 1 }, c: { b: 2 } });
  });

  it('are two hundred thousand keys of one mapping read?', () => {
    const text = Buffer.from(Array.from({ length: 200_000 }, (_, row) => `key-${row}: 1\n`).join(''));
    expect(Object.keys(readDocument(text) as object)).toHaveLength(200_000);
  });

  it('are aliases read, and more of them than a person writes refused?', () => {
    const text = (count: number): string => `a: &a [x]\nb: [${Array<string>(count).fill('*a').join(', ')}]\n`;
    expect(readDocument(Buffer.from(text(100)))).toEqual({ a: ['x'], b: Array<string[]>(100).fill(['x']) });
    expect(fault(text(101)).code).toBe('not-yaml');
  });

  it('are many keys of one line in brackets no depth?', () => {
    const keys = Array.from({ length: 100 }, (_, key) => `k${key}: 1`).join(', ');
    expect(readDocument(Buffer.from(`a: {${keys}}\nb: 1\n`))).toMatchObject({ a: { k99: 1 }, b: 1 });
  });

  it('is a billion laughs refused?', () => {
    let text = 'a0: &a0 [lol]\n';
    for (let i = 1; i < 30; i++)
      text += `a${i}: &a${i} [${Array<string>(10)
        .fill(`*a${i - 1}`)
        .join(', ')}]\n`;
    expect(fault(text).code).toBe('not-yaml');
    let doubled = 'a0: &a0 [lol]\n';
    for (let i = 1; i < 50; i++) doubled += `a${i}: &a${i} [*a${i - 1}, *a${i - 1}]\n`;
    expect(fault(doubled).code).toBe('too-many-values');
  });

  it.each([
    ['x: ' + '['.repeat(100_000), 'too-deep'],
    ['- '.repeat(100_000), 'too-deep'],
    ['? '.repeat(100_000), 'too-deep'],
    [Array.from({ length: 200 }, (_, i) => `${' '.repeat(i)}a:`).join('\n'), 'too-deep'],
    [Array.from({ length: 60 }, (_, i) => `${' '.repeat(i * 100)}${'- '.repeat(60)}`).join('\n') + 'x', 'too-deep'],
    ['a: *missing\n', 'not-yaml'],
    ['a: "unclosed\n', 'not-yaml'],
    ['a: !!set {x}\n', 'not-yaml'],
    ['%YAML 1.1\n---\na: !!timestamp 2001-01-01\n', 'not-yaml'],
  ])('is hostile YAML refused? (%#)', (text, code) => {
    expect(fault(text).code).toBe(code);
  });

  it('does arbitrary text throw nothing but ReportFault?', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom(...'abc:-?[]{}&*!|>\'"%#\n 01,'.split('')), maxLength: 80 }),
        (text) => {
          try {
            readDocument(Buffer.from(text));
          } catch (error) {
            expect(error).toBeInstanceOf(ReportFault);
          }
        },
      ),
      { numRuns: 2000 },
    );
  });
});
