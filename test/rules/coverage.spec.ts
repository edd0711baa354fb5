import { describe, expect, it } from 'vitest';
import { OWN_CHECKS } from '../../src/catalog/checks.mapping.js';
import { loadCatalog } from '../../src/catalog/load.js';

const catalog = loadCatalog();

describe('can each practice be shown?', () => {
  it('none is without a source: a check that yields evidence, or a record', () => {
    const without = catalog.practices.filter(
      ({ id, records }) => records.length === 0 && !catalog.checksOf(id).some(({ evidence }) => evidence),
    );
    expect(without.map(({ id }) => id)).toEqual([]);
  });

  it('each that a machine can see at all has checks of our own', () => {
    const unseen = catalog.practices.filter(
      ({ id, automation }) => automation !== 'records' && !catalog.checksOf(id).some(({ tool }) => tool === OWN_CHECKS),
    );
    expect(unseen.map(({ id }) => id)).toEqual([]);
  });
});
