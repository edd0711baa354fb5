import { describe, expect, it } from 'vitest';
import { builtDetails } from '../../src/packages/built-details.js';

const items = (length: number) => Array.from({ length }, (_, index) => ({ evidenceId: `e${index}` }));

describe('the audit events of a build', () => {
  it('are one, also when no evidence was read?', () => {
    expect(builtDetails([], [])).toEqual([{ part: 1, parts: 1, evidence: [], unreadable: [], exported: 0 }]);
  });

  it('name every evidence that was read once, in events of bounded size?', () => {
    const read = items(2_001);
    const details = builtDetails(read, [{ evidenceId: 'e1500' }]);
    expect(details.map(({ part, parts, evidence }) => [part, parts, evidence.length])).toEqual([
      [1, 3, 1000],
      [2, 3, 1000],
      [3, 3, 1],
    ]);
    expect(details.flatMap(({ evidence }) => evidence)).toEqual(read.map(({ evidenceId }) => evidenceId));
    expect(details.map(({ unreadable }) => unreadable)).toEqual([[], ['e1500'], []]);
  });
});
