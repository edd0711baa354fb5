import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { Fault } from './fault.js';
import { Rereader } from './rereader.js';
import type { SaidEvent, SaidRow } from './said.js';

const report = (rows: number): string =>
  JSON.stringify({
    Controls: [
      {
        ...{ id: '1', version: 'cis-1.9', node_type: 'master' },
        tests: [
          {
            section: '1.1',
            results: Array.from({ length: rows }, (_, row) => ({ test_number: `1.1.${row}`, status: 'FAIL' })),
          },
        ],
      },
    ],
  });
const ASK = { format: undefined, declared: { targets: [{ kind: 'node', name: 'cp-1' }], partial: false } } as const;
const contentOf = (text: string): AsyncIterable<Buffer> => Readable.from([Buffer.from(text)], { objectMode: false });

describe('the reader of reports that were read before', () => {
  let rereader: Rereader;
  const read = (text: string, hear: (said: readonly (SaidRow | SaidEvent)[]) => void = () => undefined) =>
    rereader.read(contentOf(text), ASK, hear);

  it('does it tell all that a report says, in its order, and what it is?', async () => {
    rereader = new Rereader();
    const heard: string[] = [];
    const outcome = await read(report(25_500), (said) =>
      heard.push(...said.map((one) => (one.kind === 'results' ? one.check : one.kind))),
    );
    expect(outcome).toMatchObject({ head: { format: 'kube-bench', tool: 'kube-bench' } });
    expect(heard).toEqual(Array.from({ length: 25_500 }, (_, row) => `cis-1.9/1.1.${row}`));
  });

  it('is one that cannot be read told of, and the next one read?', async () => {
    rereader = new Rereader();
    expect(await read('{"Controls": [')).toMatchObject({ unreadable: expect.stringContaining('truncated') });
    expect(await read(report(1))).toMatchObject({ head: { format: 'kube-bench' } });
  });

  it('is one that takes longer than it may given up?', async () => {
    rereader = new Rereader({ least: 0, perMegabyte: 0 });
    expect(await read(report(100_000))).toBe('limit');
  });

  it('is one given up as soon as it is found wrong, and the next one read?', async () => {
    rereader = new Rereader();
    const blame = (): never => {
      throw new Fault('it says otherwise');
    };
    await expect(read(report(50_000), blame)).rejects.toThrow('it says otherwise');
    expect(await read(report(1))).toMatchObject({ head: { format: 'kube-bench' } });
  });
});
