import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments, stringify } from 'yaml';
import { kept, type Json } from '../../../test/support/redaction.js';
import { BytesInMemory } from '../text/byte-source.js';
import { YAML_LIMITS } from '../text/read-document.js';
import { readYaml } from '../text/read-yaml.js';
import { redactJson } from './redact-json.js';

const MARK = 'hunter2hunter2';
const GONE = '[dropped]';

/** A value with a secret in it, and what is to be kept of it. */
interface Planted {
  value: Json;
  kept: Json;
}

const shuffled = (value: { [key: string]: Json }, order: readonly number[]): { [key: string]: Json } =>
  Object.fromEntries(
    Object.entries(value)
      .map(([key, member], at) => [order[at % order.length] ?? 0, key, member] as const)
      .sort(([a], [b]) => a - b)
      .map(([, key, member]) => [key, member]),
  );

const markedText = fc
  .tuple(fc.string({ unit: 'grapheme', maxLength: 5 }), fc.string({ unit: 'grapheme', maxLength: 5 }))
  .map(([before, after]) => `${before}${MARK}${after}`);

/** Each with its members in any order. */
const object: fc.Arbitrary<Planted> = fc
  .tuple(markedText, fc.array(fc.nat(), { minLength: 8, maxLength: 8 }), fc.nat(12))
  .map(([text, order, which]): Planted => {
    const both = (make: (value: Json, container: (value: Json) => Json) => { [key: string]: Json }): Planted => ({
      value: shuffled(
        make(text, (value) => value),
        order,
      ),
      kept: shuffled(
        make(GONE, () => null),
        order,
      ),
    });
    const meta: Json = { name: 'x', labels: { a: 'b' } };
    switch (which) {
      case 0:
        return both((value) => ({
          kind: 'Secret',
          metadata: meta,
          data: { a: value, b: '' },
          stringData: { c: value },
        }));
      case 1:
        return both((value) => ({ kind: 'ConfigMap', apiVersion: 'v1', data: { a: value }, binaryData: { b: value } }));
      case 2:
        return both((value) => ({
          kind: 'SecretList',
          items: [{ metadata: meta, data: { a: value } }, { data: { b: value } }],
        }));
      case 3:
        return both((value) => ({ apiVersion: 'v1', metadata: meta, data: { a: value } }));
      case 4:
        return both((value, container) => ({
          Target: 'x',
          Secrets: [{ RuleID: 'r', Match: value, Code: container({ Lines: [value] }) }],
        }));
      case 5:
        return both((value) => ({ kind: 'ExposedSecretReport', report: { secrets: [{ match: value, ruleID: 'x' }] } }));
      case 6:
        return both((value) => ({
          kind: 'EncryptionConfiguration',
          resources: [{ providers: [{ secretbox: { keys: [{ secret: value, name: 'k' }] } }] }],
        }));
      case 7:
        return both((value, container) => ({
          objectRef: { resource: 'secrets' },
          requestObject: container({ data: { a: value } }),
          responseObject: { kind: 'Secret', data: { a: value } },
        }));
      case 8:
        return both((value) => ({
          kind: 'Secret',
          metadata: { annotations: { 'kubectl.kubernetes.io/last-applied-configuration': value, other: 'x' } },
          data: { a: value },
        }));
      case 9:
        return both((value) => ({
          kind: 'Pod',
          metadata: meta,
          spec: {
            containers: [
              {
                image: 'x',
                env: [
                  { value, name: 'A' },
                  { name: 'B', valueFrom: { a: 'b' } },
                ],
              },
            ],
          },
        }));
      case 10:
        return both((value) => ({
          config: { Env: [value], User: 'x' },
          history: [{ created_by: value, created: 'x' }],
        }));
      default:
        return both((value) => ({ kind: 'ConfigMapList', items: [{ kind: 'ConfigMap', data: { a: value } }] }));
    }
  });

const inText: fc.Arbitrary<Planted> = fc.oneof(
  object.map(({ value, kept: left }) => ({
    value: { log: JSON.stringify(value) },
    kept: { log: JSON.stringify(left) },
  })),
  object.map(({ value, kept: left }) => ({
    value: [JSON.stringify([JSON.stringify(value)])],
    kept: [JSON.stringify([JSON.stringify(left)])],
  })),
);

const plain = fc.json({ maxDepth: 3 }).map((text) => JSON.parse(text) as Json);

/** Secrets anywhere in a document. */
const documentWith = (planted: fc.Arbitrary<Planted>): fc.Arbitrary<Planted> =>
  fc
    .tuple(fc.array(planted, { minLength: 1, maxLength: 3 }), fc.array(plain, { maxLength: 3 }), fc.boolean(), fc.nat())
    .map(([secrets, others, isList, seed]) => {
      const place = (of: (one: Planted) => Json): Json => {
        const parts = [...others, ...secrets.map(of)].map((part, at) => [(seed * (at + 7)) % 11, part] as const);
        const ordered = parts.sort(([a], [b]) => a - b).map(([, part]) => part);
        return isList ? ordered : { outer: Object.fromEntries(ordered.map((part, at) => [`k${at}`, part])) };
      };
      return { value: place(({ value }) => value), kept: place(({ kept: left }) => left) };
    });

/** Writes JSON with blanks and escapes as the numbers say. */
function writeJson(value: Json, random: () => number): string {
  const blank = () => ['', '', '', ' ', '\n', '\t  '][Math.floor(random() * 6)] ?? '';
  const text = (of: string) =>
    `"${[
      ...JSON.stringify(of)
        .slice(1, -1)
        .matchAll(/\\u[0-9a-f]{4}|\\.|./gsu),
    ]
      .map(([part]) =>
        part.length === 1 && random() < 0.1 ? `\\u${part.charCodeAt(0).toString(16).padStart(4, '0')}` : part,
      )
      .join('')}"`;
  const write = (of: Json): string => {
    if (typeof of === 'string') return text(of);
    if (of === null || typeof of !== 'object') return JSON.stringify(of);
    const parts = Array.isArray(of)
      ? of.map(write)
      : Object.entries(of).map(([key, member]) => `${text(key)}${blank()}:${blank()}${write(member)}`);
    const inner = parts.map((part) => `${blank()}${part}${blank()}`).join(',');
    return Array.isArray(of) ? `[${inner}]` : `{${inner}}`;
  };
  return `${blank()}${write(value)}${blank()}`;
}

/** Numbers from 0 to 1, the same for the same seed. */
function numbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

describe('does a secret ever stay, wherever it is and however it is written?', () => {
  it('in JSON', async () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(documentWith(fc.oneof(object, inText)), fc.nat(), sizes, async (document, seed, chunks) => {
        const written = writeJson(document.value, numbers(seed));
        const { text } = await kept(written, chunks);
        expect(JSON.parse(text)).toEqual(document.kept);
        expect(text).not.toContain(MARK);
      }),
      { numRuns: 500 },
    );
  });

  it('in lines of JSON, and read in windows of any size', () => {
    fc.assert(
      fc.property(documentWith(fc.oneof(object, inText)), fc.integer({ min: 100, max: 300 }), (document, window) => {
        const line = JSON.stringify(document.value);
        const bytes = Buffer.from(`${line}\n${line}\n`);
        expect(redactJson(new BytesInMemory(bytes), 0, window)).toEqual(redactJson(new BytesInMemory(bytes), 0));
      }),
      { numRuns: 300 },
    );
  });

  it('in YAML', async () => {
    const quotes = ['PLAIN', 'QUOTE_DOUBLE', 'QUOTE_SINGLE'] as const;
    const styles = fc.record({
      collectionStyle: fc.constantFrom(...(['any', 'block', 'flow'] as const)),
      defaultStringType: fc.constantFrom(...quotes, ...(['BLOCK_LITERAL', 'BLOCK_FOLDED'] as const)),
      defaultKeyType: fc.constantFrom(...quotes),
      lineWidth: fc.constantFrom(0, 20, 80),
      indent: fc.constantFrom(1, 2, 4),
      indentSeq: fc.boolean(),
      aliasDuplicateObjects: fc.constant(false),
    });
    const commented = fc.constantFrom('', `# ${MARK}\n`);
    await fc.assert(
      fc.asyncProperty(documentWith(object), styles, commented, async (document, style, comment) => {
        // What begins with a brace is JSON, and no other YAML.
        const written = `${comment}---\n${stringify(document.value, style)}---\n${stringify(document.value, style)}`;
        // The library writes a few texts that it reads as something else.
        fc.pre(reads(written, document.value));
        const { text } = await kept(written);
        expect(text).not.toContain(MARK);
        for (const read of parseAllDocuments(text))
          expect(leftOf(read.toJS() as Json, document.kept)).toEqual(document.kept);
      }),
      { numRuns: 300 },
    );
  });

  it('and is a text that holds none kept byte by byte?', async () => {
    await fc.assert(
      fc.asyncProperty(plain, fc.nat(), async (value, seed) => {
        const json = writeJson([value], numbers(seed));
        expect(await kept(json)).toEqual({ text: json, dropped: {} });
        const yaml = stringify(value);
        expect((await kept(yaml).catch(() => ({ text: yaml }))).text).toBe(yaml);
      }),
      { numRuns: 200 },
    );
  });
});

function reads(text: string, value: Json): boolean {
  try {
    return isDeepStrictEqual(readYaml(text, YAML_LIMITS), [value, value]);
  } catch {
    return false;
  }
}

/** Where all of a part is dropped, the keys of YAML stay: they are taken away. */
function leftOf(value: Json, expected: Json | undefined): Json {
  if (expected === null) return JSON.stringify(value).includes(MARK) ? value : null;
  if (typeof value !== 'object' || value === null || typeof expected !== 'object') return value;
  if (Array.isArray(value)) return value.map((part, at) => leftOf(part, (expected as Json[])[at]));
  return Object.fromEntries(
    Object.entries(value).map(([key, part]) => [key, leftOf(part, (expected as { [key: string]: Json })[key])]),
  );
}
