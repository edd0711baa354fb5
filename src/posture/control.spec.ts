import { describe, expect, it } from 'vitest';
import { currentCatalog } from '../catalog/load.js';
import { evaluateControl } from './control.js';
import { rollUp } from './rollup.js';
import type { Status } from './status.js';

const catalog = currentCatalog();

function evaluate(id: string, statusOf: (practice: string) => Status) {
  return evaluateControl(catalog.control(id)!, catalog.practicesOf(id), statusOf);
}

/** The first primary practice of the item has the status, the others another. */
const firstIs = (id: string, first: Status, others: Status) => {
  const primary = catalog.practicesOf(id).find(({ link }) => link === 'primary')!.practice.id;
  return evaluate(id, (practice) => (practice === primary ? first : others)).status;
};

describe('what follows for a control?', () => {
  const id = '164.312(a)(1)';

  it.each<[Status, Status, Status]>([
    ['failing', 'evidenced', 'failing'],
    ['failing', 'missing', 'failing'],
    ['missing', 'missing', 'missing'],
    ['stale', 'stale', 'stale'],
    ['stale', 'missing', 'stale'],
    ['partial', 'missing', 'partial'],
    ['evidenced', 'stale', 'partial'],
    // An item asks for documents; no number of passes is one.
    ['evidenced', 'evidenced', 'partial'],
  ])('a primary practice %s, the others %s: %s', (first, others, status) => {
    expect(firstIs(id, first, others)).toBe(status);
  });

  it('do supporting practices decide nothing?', () => {
    const found = catalog.controls.find(
      (control) =>
        control.needs === 'document' &&
        control.scanners === 'support' &&
        catalog.practicesOf(control.id).some(({ link }) => link === 'supporting') &&
        catalog.practicesOf(control.id).some(({ link }) => link === 'primary'),
    )!;
    const supporting = new Set(
      catalog.practicesOf(found.id).flatMap(({ link, practice }) => (link === 'supporting' ? [practice.id] : [])),
    );
    const result = evaluate(found.id, (practice) => (supporting.has(practice) ? 'failing' : 'missing'));
    expect(result.status).toBe('missing');
    expect(result.practices.some(({ link, status }) => link === 'supporting' && status === 'failing')).toBe(true);
  });

  it('is a physical safeguard missing, whatever scanners say of its practices?', () => {
    for (const status of ['evidenced', 'failing'] as const) {
      const result = evaluate('164.310(a)(1)', () => status);
      expect(result.status).toBe('missing');
      expect(result.reason).toContain('never count');
    }
  });

  it('is an item that is judged through others not applicable, with the reason?', () => {
    const result = evaluate('164.306(a)(1)', () => 'failing');
    expect(result.status).toBe('not_applicable');
    expect(result.reason).toBe(catalog.control('164.306(a)(1)')!.needsWhy);
  });

  it('is an item without practice missing, and says so?', () => {
    expect(evaluate('164.412', () => 'evidenced')).toMatchObject({ status: 'missing' });
    expect(evaluate('164.412', () => 'evidenced').reason).toContain('No practice of the catalogue');
  });

  it('is an addressable item marked, and not called optional?', () => {
    const result = evaluate('164.312(a)(2)(iv)', () => 'missing');
    expect(result).toMatchObject({ status: 'missing', required: 'addressable' });
    expect(result.reason).toContain('Addressable is not optional');
    expect(evaluate(id, () => 'missing').reason).not.toContain('Addressable');
  });

  it('does it say what an auditor asks for?', () => {
    const asks = catalog.control(id)!.auditorAsks[0]!;
    expect(evaluate(id, () => 'partial').reason).toContain(asks);
  });

  it('is the word that we never say never said?', () => {
    for (const control of catalog.controls)
      for (const status of ['partial', 'missing', 'failing', 'stale'] as const)
        expect(evaluate(control.id, () => status).reason).not.toMatch(/\bcompliant\b/i);
  });
});

describe('what follows for an organisation?', () => {
  it.each<[Status[], Status]>([
    [[], 'missing'],
    [['evidenced', 'evidenced'], 'evidenced'],
    [['evidenced', 'failing'], 'failing'],
    [['stale', 'failing'], 'failing'],
    [['evidenced', 'stale'], 'partial'],
    [['missing', 'stale'], 'stale'],
    [['missing', 'missing'], 'missing'],
    [['evidenced', 'missing'], 'partial'],
    [['evidenced', 'partial'], 'partial'],
    [['evidenced', 'excepted'], 'partial'],
    [['not_applicable', 'not_applicable'], 'not_applicable'],
  ])('%j: %s', (statuses, status) => {
    expect(rollUp(statuses)).toBe(status);
    expect(rollUp(statuses.toReversed())).toBe(status);
  });
});
