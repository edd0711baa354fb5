import { describe, expect, it } from 'vitest';
import { DEFAULT_RISK_MATRIX } from '../organizations/organization.schema.js';
import { keptMatrix, levelOf } from './matrix.js';

describe('what level do a likelihood and an impact give?', () => {
  const matrix = keptMatrix(DEFAULT_RISK_MATRIX);

  it('is every cell the one that the organisation has set?', () => {
    for (let likelihood = 1; likelihood <= 5; likelihood++) {
      for (let impact = 1; impact <= 5; impact++) {
        expect(levelOf(matrix, likelihood, impact)).toBe(DEFAULT_RISK_MATRIX.level[likelihood - 1]?.[impact - 1]);
      }
    }
    // The corners that a transposed matrix would mix up.
    expect([levelOf(matrix, 1, 5), levelOf(matrix, 5, 1)]).toEqual(['low', 'low']);
    expect([levelOf(matrix, 2, 5), levelOf(matrix, 5, 2)]).toEqual(['moderate', 'low']);
  });

  it('is there none for steps that the matrix does not have, or without one?', () => {
    for (const step of [0, 6, 1.5, NaN, -1]) {
      expect(levelOf(matrix, step, 3)).toBeNull();
      expect(levelOf(matrix, 3, step)).toBeNull();
    }
    expect(levelOf(undefined, 3, 3)).toBeNull();
  });
});
