import { describe, expect, it } from 'vitest';
import { currentCatalog } from '../catalog/load.js';
import type { TypeDefinition } from '../catalog/record-type.js';
import { asksOf } from './asks.js';
import { evaluateControl, withEachDecided } from './control.js';
import type { JudgedPractice } from './practice.js';
import type { NeedState } from './rule.js';
import { rollUp } from './rollup.js';
import { countStatuses, type Status } from './status.js';

const catalog = currentCatalog();

const types = new Map(catalog.recordTypes.map((definition): [string, TypeDefinition] => [definition.type, definition]));
const asks = asksOf(catalog, {}, types);

/** What the item asks for itself stands as `state`; its practices have their statuses of scanners and records alike. */
function evaluate(
  id: string,
  statusOf: (practice: string) => Status,
  { state = 'missing', outcome }: { state?: NeedState; outcome?: string } = {},
) {
  const judged = catalog.practices.map((practice): [string, JudgedPractice] => {
    const status = statusOf(practice.id);
    const needs: NeedState[] = [status === 'evidenced' ? 'met' : status === 'stale' ? 'stale' : 'missing'];
    const part = {
      scanner: status === 'failing' ? ('failing' as const) : ('full' as const),
      needs,
      fails: false,
      covered: false,
    };
    return [practice.id, { part, posture: { status } as JudgedPractice['posture'] }];
  });
  return evaluateControl({
    control: catalog.control(id)!,
    links: catalog.practicesOf(id),
    practices: new Map(judged),
    records: {
      needs: asks.controls
        .get(id)!
        .map(({ type }) => ({ type, state, reason: `Its ${type} is ${state}.`, records: [], until: null })),
      failures: [],
    },
    decision:
      outcome === undefined ? undefined : { recordId: '00000000-0000-4000-8000-000000000001', outcome, until: null },
  });
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
    // An item asks for its policy too; no number of passes is one.
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

  it('is it evidenced with every primary practice and what it asks for itself?', () => {
    expect(evaluate(id, () => 'evidenced', { state: 'met' }).status).toBe('evidenced');
    expect(evaluate(id, () => 'evidenced', { state: 'stale' }).status).toBe('partial');
    expect(evaluate(id, () => 'evidenced', { state: 'failing' }).status).toBe('failing');
    expect(evaluate(id, () => 'missing', { state: 'met' })).toMatchObject({ status: 'partial' });
    expect(evaluate(id, () => 'missing', { state: 'met' }).needs).toMatchObject([{ type: 'policy', state: 'met' }]);
  });

  it('does of a physical safeguard no word of scanners count, and do records?', () => {
    for (const state of ['missing', 'met'] as const) {
      const failing = evaluate('164.310(a)(1)', () => 'failing', { state });
      expect(failing.status).toBe(state === 'met' ? 'partial' : 'missing');
      expect(failing.reason).toContain('never count');
    }
    expect(evaluate('164.310(a)(1)', () => 'evidenced', { state: 'met' }).status).toBe('evidenced');
  });

  it('is an item that is judged through others not applicable, with the reason?', () => {
    const result = evaluate('164.306(a)(1)', () => 'failing');
    expect(result.status).toBe('not_applicable');
    expect(result.reason).toBe(catalog.control('164.306(a)(1)')!.needsWhy);
  });

  it('is an item without practice as what it asks for itself?', () => {
    expect(evaluate('164.412', () => 'evidenced').status).toBe('missing');
    expect(evaluate('164.412', () => 'failing', { state: 'met' }).status).toBe('evidenced');
    expect(evaluate('164.412', () => 'failing').reason).toContain('Its breach_register is missing.');
  });

  it('is an addressable item marked, and not called optional?', () => {
    const result = evaluate('164.312(a)(2)(iv)', () => 'missing');
    expect(result).toMatchObject({ status: 'missing', required: 'addressable' });
    expect(result.reason).toContain('Addressable is not optional');
    expect(evaluate(id, () => 'missing').reason).not.toContain('Addressable');
  });

  it('does a decision lift an addressable item, name itself, and do nothing to what is required or evidenced?', () => {
    const addressable = '164.312(a)(2)(iv)';
    for (const status of ['missing', 'failing', 'stale'] as const) {
      const decided = evaluate(addressable, () => status, { outcome: 'alternative' });
      expect(decided).toMatchObject({ status: 'excepted', decisionId: '00000000-0000-4000-8000-000000000001' });
      expect(decided.reason).toContain('Met otherwise');
    }
    expect(evaluate(addressable, () => 'missing', { outcome: 'not_reasonable' }).reason).toContain('Not implemented');
    expect(evaluate(id, () => 'missing', { outcome: 'alternative' })).toMatchObject({
      status: 'missing',
      decisionId: null,
    });
    expect(evaluate(addressable, () => 'evidenced', { state: 'met', outcome: 'alternative' })).toMatchObject({
      status: 'evidenced',
      decisionId: null,
    });
  });

  it('does it say what an auditor asks for?', () => {
    const asks = catalog.control(id)!.auditorAsks[0]!;
    expect(evaluate(id, () => 'partial').reason).toContain(asks);
  });

  it('is the word that we never say never said?', () => {
    for (const control of catalog.controls)
      for (const status of ['partial', 'missing', 'failing', 'stale'] as const)
        expect(evaluate(control.id, () => status, { outcome: 'alternative' }).reason).not.toMatch(/\bcompliant\b/i);
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
    [['evidenced', 'excepted'], 'excepted'],
    [['excepted', 'excepted'], 'excepted'],
    [['excepted', 'missing'], 'partial'],
    [['excepted', 'failing'], 'failing'],
    [['not_applicable', 'not_applicable'], 'not_applicable'],
  ])('%j: %s', (statuses, status) => {
    expect(rollUp(countStatuses(statuses))).toBe(status);
    expect(rollUp(countStatuses(statuses.toReversed()))).toBe(status);
  });
});

describe('does one decision on an addressable item speak for the others?', () => {
  const item = (id: string, required: 'required' | 'addressable', status: Status) => ({
    ...{ id, required, status, reason: 'So.' },
  });
  const rule = (...others: ReturnType<typeof item>[]) =>
    withEachDecided([item('164.306(d)(3)', 'required', 'evidenced'), ...others])[0]!;

  it('no: while one is neither evidenced nor decided on, the rule on them is met in part', () => {
    for (const status of ['missing', 'stale', 'partial', 'failing'] as const) {
      const found = rule(item('164.312(a)(2)(iii)', 'addressable', status), item('164.310(b)', 'required', 'missing'));
      expect(found.status).toBe('partial');
      expect(found.reason).toBe(
        'So. 1 addressable item is neither evidenced nor decided on (record `addressable_decision`): 164.312(a)(2)(iii).',
      );
    }
  });

  it('it is met where each is one or the other', () => {
    const all = [
      item('164.312(a)(2)(iii)', 'addressable', 'excepted'),
      item('164.312(c)(2)', 'addressable', 'evidenced'),
    ];
    expect(rule(...all, item('164.310(b)', 'required', 'missing'))).toMatchObject({
      status: 'evidenced',
      reason: 'So.',
    });
  });

  it('it makes nothing better than it was', () => {
    const missing = item('164.306(d)(3)', 'required', 'missing');
    expect(withEachDecided([missing, item('164.312(c)(2)', 'addressable', 'missing')])[0]).toEqual(missing);
  });
});
