import { describe, expect, it } from 'vitest';
import { evaluatedOnce } from '../../src/packages/system-postures.js';
import { EAST, postureOf, WEST } from './facts.js';

/** What is asked of it is evaluated by counting. */
function counting(room?: number) {
  const evaluated: string[] = [];
  const of = evaluatedOnce((systemId) => {
    evaluated.push(systemId);
    return Promise.resolve(postureOf(systemId));
  }, room);
  return { evaluated, of };
}

describe('the posture of a system in a package', () => {
  it('is evaluated once, however many ask for it, and is the same to each?', async () => {
    const { evaluated, of } = counting();
    for (let reader = 0; reader < 3; reader += 1) {
      for (const systemId of [EAST, WEST]) expect(await of(systemId)).toEqual(postureOf(systemId));
    }
    expect(evaluated).toEqual([EAST, WEST]);
  });

  it('is evaluated again where there is no room to hold it, and is the same all the same?', async () => {
    const { evaluated, of } = counting(100);
    for (let reader = 0; reader < 2; reader += 1) expect(await of(EAST)).toEqual(postureOf(EAST));
    expect(evaluated).toEqual([EAST, EAST]);
  });
});
