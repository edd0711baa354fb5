import { describe, expect, it } from 'vitest';
import { loadCatalog } from '../catalog/load.js';
import { FLOW_DOWN, OVERSIGHT } from './findings.js';
import { needsOf } from './needs.js';
import { TERMS } from './terms.js';

const catalog = loadCatalog();
const asked = (_type: string, days: number | null) => days;

describe('what does the catalogue ask of agreements?', () => {
  it('has each term as an item of its own, and each such item as a term', () => {
    const items = catalog.controls.filter(({ type }) => type === 'contract_term').map(({ id }) => id);
    expect(TERMS.map(({ control }) => control as string).sort()).toEqual(items.sort());
  });

  it('each term of the item that is about it, and the agreement as a whole of the items above', () => {
    const { needs } = needsOf(catalog, {}, asked);
    const ofItems = needs.flatMap(({ about, term }) => ('control' in about ? [{ control: about.control, term }] : []));
    expect(ofItems).toEqual(expect.arrayContaining(TERMS.map(({ term, control }) => ({ control, term }))));
    expect(ofItems.filter(({ term }) => term === null).map(({ control }) => control)).toEqual([
      '164.502(e)(1)',
      '164.502(e)(2)',
      '164.504(e)(1)',
      '164.504(e)(5)',
    ]);
    expect(ofItems).toHaveLength(TERMS.length + 4);
  });

  it('agreements, reviews and contracts one level down, as old as it says or the organisation does', () => {
    const { needs, applicabilityDays } = needsOf(
      catalog,
      { [`${OVERSIGHT}/vendor_review`]: 100, [`${OVERSIGHT}/baa`]: 200 },
      asked,
    );
    const ofPractices = needs.filter(({ about }) => 'practice' in about);
    expect(ofPractices).toEqual(
      expect.arrayContaining([
        { about: { practice: OVERSIGHT }, type: 'baa', days: 200, term: null },
        { about: { practice: OVERSIGHT }, type: 'vendor_review', days: 100, term: null },
        { about: { practice: FLOW_DOWN }, type: 'baa', days: 365, term: null },
      ]),
    );
    expect(applicabilityDays).toBe(365);
  });

  it('and no older than the organisation has made their types', () => {
    const made: Record<string, number> = { baa: 300, applicability_statement: 90 };
    const { needs, applicabilityDays } = needsOf(catalog, {}, (type, days) => Math.min(made[type] ?? 999, days ?? 999));
    const days = needs.flatMap((need) => (need.type === 'baa' ? [need.days] : []));
    expect([...new Set(days)]).toEqual([300]);
    expect(applicabilityDays).toBe(90);
  });
});
