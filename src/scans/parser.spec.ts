import { createHash, createSecretKey, randomBytes } from 'node:crypto';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { policyReport } from '../../test/api/reports.js';
import { NO_RULES } from '../checks/snapshot-rules.js';
import type { OpenedEvidence } from '../evidence/evidence-file.js';
import { GrowingEvidence } from '../evidence/growing-evidence.js';
import { encryptStream } from '../kernel/crypto/streaming-aead.js';
import { Parser, type ParseAsk, type Parsing } from './parser.js';

/** More rows than may wait between the thread and the database. */
const REPORT = Buffer.from(
  policyReport(Array.from({ length: 40_000 }, (_, row) => ({ check: `check-${row}`, result: 'fail' }))),
);
const LIMIT = 60_000;

let parser: Parser;
let folder: string;
let evidence: OpenedEvidence;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'safeguard-parser-'));
  evidence = await inCustody();
  // Of this thread alone: those that parse have their own clocks.
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  parser = new Parser([], LIMIT);
});
afterEach(async () => {
  vi.useRealTimers();
  await rm(folder, { recursive: true });
});

/** A thread that reads a file waits while many rows are not taken: one that was given the bytes has sent them all. */
async function inCustody(): Promise<OpenedEvidence> {
  const key = createSecretKey(randomBytes(32));
  const associatedData = Buffer.from('a report');
  const path = join(folder, 'report');
  await writeFile(path, encryptStream(key, associatedData, Readable.from([REPORT])));
  const { size: storageSize } = await stat(path);
  const sha256 = createHash('sha256').update(REPORT).digest();
  return {
    file: { path, key, associatedData, storageSize, size: REPORT.length, sha256, growing: null },
    release: () => Promise.resolve(),
  };
}

const ASK: ParseAsk = {
  format: undefined,
  declared: { targets: [], partial: false },
  rules: () => Promise.resolve(NO_RULES),
};
const parse = (): Promise<Parsing> => parser.parse(REPORT.length, () => Promise.resolve(evidence), ASK);

/** Begins to read it as one that is still coming. `come`: all of it is there. */
async function parseComing(): Promise<{ parsing: Promise<Parsing>; growing: GrowingEvidence; come: () => void }> {
  const { path, key, associatedData, size, storageSize } = evidence.file;
  const begun = Promise.withResolvers<Promise<Parsing> | null>();
  const growing = new GrowingEvidence({ size, key, associatedData }, (of, opened) =>
    begun.resolve(parser.parseEarly(of, opened, ASK)),
  );
  const parsing = begun.promise.then((reading) => reading!);
  await growing.begin(path);
  return { parsing, growing, come: () => growing.wrote(storageSize) };
}

async function take(parsing: Parsing): Promise<number> {
  let bytes = 0;
  for await (const chunk of parsing.rows()) bytes += chunk.bytes.length;
  return bytes;
}

describe('is a report refused for time', () => {
  it('that its thread took?', async () => {
    const parsing = parse();
    // It has just begun, and is read in none of this.
    await vi.advanceTimersByTimeAsync(LIMIT);
    const { early } = await parsing;
    expect(early).toBe('limit');
  });

  it('or also for time that the database took?', async () => {
    const parsing = await parse();
    expect(parsing.early).toBeNull();
    // As many as may wait have come: the clock stands, and so does the thread.
    const { chunks } = parsing as unknown as { chunks: unknown[] };
    await vi.waitFor(() => expect(chunks).toHaveLength(16));
    vi.advanceTimersByTime(10 * LIMIT);
    expect(await take(parsing)).toBeGreaterThan(4 * 2 ** 20);
    expect(await parsing.outcome()).toMatchObject({ report: { totals: { result: 40_000 } } });
  });

  it('or also for time in which it was still coming?', async () => {
    const { parsing, come } = await parseComing();
    await vi.advanceTimersByTimeAsync(10 * LIMIT);
    come();
    const { early } = await parsing;
    expect(early).toBeNull();
    (await parsing).close();
  });

  it('and for time that its thread took when all of it had come?', async () => {
    const { parsing, come } = await parseComing();
    come();
    await vi.advanceTimersByTimeAsync(LIMIT);
    expect((await parsing).early).toBe('limit');
  });
});

it('does a thread whose rows nobody takes any more end by itself, and send no more of them?', async () => {
  const unwanted = await parse();
  const { chunks } = unwanted as unknown as { chunks: unknown[] };
  await vi.waitFor(() => expect(chunks).toHaveLength(16));
  // Time stands still, so that it is not ended.
  unwanted.close();
  const next = await parse();
  expect(chunks).toHaveLength(16);
  next.close();
});

it('does a report whose bytes are not kept yet leave its thread to the next, though all has come and its rows wait?', async () => {
  const { parsing, come } = await parseComing();
  come();
  const { chunks } = (await parsing) as unknown as { chunks: unknown[] };
  await vi.waitFor(() => expect(chunks).toHaveLength(16));
  expect(await take(await parse())).toBeGreaterThan(4 * 2 ** 20);
});

it('and not where they are kept?', async () => {
  const { parsing, growing, come } = await parseComing();
  come();
  growing.keep();
  const next = parse();
  expect(await take(await parsing)).toBeGreaterThan(4 * 2 ** 20);
  expect(await (await parsing).outcome()).toHaveProperty('report');
  (await next).close();
});

it('does a parser that is never idle let go of whom it has served?', async () => {
  vi.useRealTimers();
  const small = Buffer.from(policyReport([{ check: 'check', result: 'fail' }]));
  const serve = async (content: OpenedEvidence | Uint8Array, size: number): Promise<void> => {
    const parsing = await parser.parse(size, () => Promise.resolve(content), ASK);
    await take(parsing);
    expect(await parsing.outcome()).toHaveProperty('report');
  };
  const serveSmall = async (): Promise<void> => {
    for (let times = 0; times < 100; times++) await serve(small, small.length);
  };
  const serveLarge = async (): Promise<void> => {
    for (let times = 0; times < 5; times++) await serve(evidence, REPORT.length);
  };
  await Promise.all([serveSmall(), serveSmall(), serveLarge()]);
  // The large ones may not have heard yet that they are closed.
  const open = process.getActiveResourcesInfo().filter((name) => name === 'MessagePort');
  expect(open.length).toBeLessThanOrEqual(5);
});

describe('do rows that wait to be stored', () => {
  /** 2 MB that say 50 MB: one message of many resources is one of each of them. */
  const repetitive = Buffer.from(
    JSON.stringify({
      apiVersion: 'wgpolicyk8s.io/v1alpha2',
      kind: 'ClusterPolicyReport',
      metadata: { name: 'repetitive' },
      summary: { fail: 30_000 },
      results: [
        {
          source: 'kyverno',
          policy: 'p',
          result: 'fail',
          message: 'm'.repeat(1_500),
          resources: Array.from({ length: 30_000 }, (_, pod) => ({
            kind: 'Pod',
            namespace: 'emr',
            name: `portal-${pod}`,
          })),
        },
      ],
    }),
  );
  const parseIt = () => parser.parse(repetitive.length, () => Promise.resolve(repetitive), ASK);

  it('take no more memory than there is for them, however many reports there are?', async () => {
    vi.useRealTimers();
    const held: Parsing[] = [];
    const read = async (): Promise<void> => {
      for (let times = 0; times < 4; times++) held.push(await parseIt());
    };
    await expect(read()).rejects.toMatchObject({ code: 'too-many-requests', status: 429 });
    expect(held).toHaveLength(2);
    for (const parsing of held) parsing.close();
    const again = await parseIt();
    expect(await take(again)).toBeGreaterThan(45_000_000);
    again.close();
    expect((await parseIt()).early).toHaveProperty('report');
  });
});
