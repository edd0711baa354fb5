import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { policyReport } from '../../test/api/reports.js';
import { Parser, type Parsing } from './parser.js';

/** More rows than may wait between the thread and the database. */
const REPORT = Buffer.from(
  policyReport(Array.from({ length: 40_000 }, (_, row) => ({ check: `check-${row}`, result: 'fail' }))),
);
const LIMIT = 60_000;

let parser: Parser;
beforeEach(() => {
  // Of this thread alone: those that parse have their own clocks.
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  parser = new Parser([], LIMIT);
});
afterEach(async () => {
  vi.useRealTimers();
  await parser.onApplicationShutdown();
});

const parse = (): Promise<Parsing> =>
  parser.parse(REPORT.length, () => Promise.resolve(REPORT), {
    format: undefined,
    declared: { targets: [], partial: false },
  });

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
    const { underWay } = parsing as unknown as { underWay: Int32Array };
    await vi.waitFor(() => expect(Atomics.load(underWay, 0)).toBe(16));
    vi.advanceTimersByTime(10 * LIMIT);
    expect(await take(parsing)).toBeGreaterThan(4 * 2 ** 20);
    expect(await parsing.outcome()).toMatchObject({ report: { totals: { result: 40_000 } } });
  });
});
