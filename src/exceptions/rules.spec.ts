import { describe, expect, it } from 'vitest';
import { effective, idOf, link } from '../../test/support/effective.js';
import type { Candidate, Neighbour } from '../records/rules.js';
import { applicabilityFaults, decisionFaults, exceptionFaults } from './rules.js';

const NOW = new Date('2026-06-01T00:00:00Z');
const emr = idOf('emr');
type Said = NonNullable<Parameters<typeof effective>[3]>;

const candidate = (type: string, fields: object, said: Said = {}): Candidate => ({
  ...effective(type, 'candidate', { ...fields }, { from: '2026-05-01T00:00:00Z', ...said }),
  kind: 'content',
  reason: null,
});

describe('which exceptions are refused?', () => {
  const check = { source: 'kube-bench', check: 'cis-1.12/1.2.16' };
  const faults = (fields: object, said: Said = {}) =>
    exceptionFaults(
      candidate('exception', fields, { expires: '2026-12-01T00:00:00Z', systemIds: [emr], ...said }),
      NOW,
    ).map(({ pointer }) => pointer);

  it('none of checks, results or practices in a system, nor of practices in all', () => {
    expect(faults({ checks: [check] })).toEqual([]);
    expect(faults({ results: [{ systemId: emr, series: idOf('s') }] })).toEqual([]);
    expect(faults({ practices: ['p'] }, { systemIds: [] })).toEqual([]);
  });

  it('one of nothing', () => {
    expect(faults({ checks: [], practices: [] })).toEqual(['/fields']);
  });

  it('one of checks or results of no named system', () => {
    expect(faults({ checks: [check] }, { systemIds: [] })).toEqual(['/systemIds']);
    expect(faults({ results: [{ systemId: emr, series: idOf('s') }] }, { systemIds: [] })).toEqual(['/systemIds']);
    expect(faults({ results: [{ systemId: idOf('pacs'), series: idOf('s') }] })).toEqual([
      '/fields/results/0/systemId',
    ]);
  });

  it('one without an end, with one that has passed, or with one too far away', () => {
    expect(faults({ practices: ['p'] }, { expires: '2026-06-01T00:00:00Z' })).toEqual(['/fields/until']);
    expect(faults({ practices: ['p'] }, { expires: '2027-05-02T00:00:00Z' })).toEqual([]);
    expect(faults({ practices: ['p'] }, { expires: '2027-05-02T00:00:01Z' })).toEqual(['/fields/until']);
    const { expiresAt: _end, ...endless } = candidate('exception', { practices: ['p'] });
    expect(exceptionFaults({ ...endless, expiresAt: null }, NOW)).toMatchObject([{ pointer: '/fields/until' }]);
  });

  it('one whose fields are no exception’s', () => {
    expect(faults({ practices: 'all' })).toEqual(['/fields']);
  });
});

describe('which decisions are refused?', () => {
  const said = {
    control: '164.312(a)(2)(iii)',
    size: 'A practice of nine people',
    infrastructure: 'Workstations in locked rooms only',
    cost: 'Two hundred dollars a year',
    risk: 'Low: nobody passes the screens',
    outcome: 'alternative',
    alternative: 'Screens lock by badge',
    standardMet: 'Nobody else reaches a session',
    analysis: idOf('analysis'),
  };
  const shown = { documents: [{ evidenceId: idOf('e'), role: 'evidence', name: 'photo.png' }] };
  const analysis = (effectiveFrom = NOW, effectiveTo: Date | null = null): Neighbour => ({
    ...effective('risk_analysis', 'analysis', {}),
    effectiveFrom,
    effectiveTo,
  });
  const faults = (fields: object = {}, record: Said = shown, neighbours = [analysis()]) =>
    decisionFaults(
      candidate('addressable_decision', { ...said, ...fields }, record),
      neighbours,
      NOW,
      (id) => id === said.control,
    );
  const pointers = (...of: Parameters<typeof faults>) => faults(...of).map(({ pointer }) => pointer);

  it('none that is whole', () => {
    expect(pointers()).toEqual([]);
    expect(pointers({}, { links: [link('evidence', idOf('e'))] })).toEqual([]);
    expect(pointers({ outcome: 'not_reasonable', alternative: undefined }, {})).toEqual([]);
    const implement = { outcome: 'implement', alternative: undefined, standardMet: undefined, analysis: undefined };
    expect(pointers(implement, {})).toEqual([]);
  });

  it('one of what is not addressable', () => {
    expect(pointers({ control: '164.312(a)(2)(i)' })).toEqual(['/fields/control']);
  });

  it.each(['size', 'infrastructure', 'cost', 'risk'])('one that says nothing of %s', (factor) => {
    for (const nothing of ['', 'n/a', 'None.', 'Not  applicable', '- - - -', 'See above.']) {
      expect(pointers({ [factor]: nothing })).toEqual([`/fields/${factor}`]);
    }
  });

  it('one that rests on cost alone, by that name', () => {
    expect(faults({ size: 'n/a', infrastructure: 'n/a', risk: 'n/a' })).toMatchObject([
      { pointer: '/fields/size', detail: expect.stringContaining('Cost alone') },
      { pointer: '/fields/infrastructure' },
      { pointer: '/fields/risk' },
    ]);
  });

  it('one that does not say what is done instead, how the standard is met, or by what analysis', () => {
    expect(pointers({ alternative: undefined })).toEqual(['/fields/alternative']);
    expect(pointers({ standardMet: 'n/a' })).toEqual(['/fields/standardMet']);
    expect(pointers({ outcome: 'not_reasonable', standardMet: undefined })).toEqual(['/fields/standardMet']);
    expect(pointers({ outcome: 'not_reasonable', analysis: undefined })).toEqual(['/fields/analysis']);
  });

  it('one whose alternative nothing shows', () => {
    expect(pointers({}, {})).toEqual(['/documents']);
    expect(pointers({}, { links: [link('record', idOf('analysis'))] })).toEqual(['/documents']);
    // Whether a practice is there its posture says, at each instant anew.
    expect(pointers({}, { links: [link('practice', 'session-controls')] })).toEqual(['/documents']);
  });

  it('one that rests on an analysis that is not in effect: a draft, one of later, one that has ended', () => {
    const later = new Date(NOW.getTime() + 1);
    for (const neighbours of [[], [analysis(later)], [analysis(new Date(0), NOW)]]) {
      expect(pointers({}, shown, neighbours)).toEqual(['/fields/analysis']);
      expect(pointers({ outcome: 'not_reasonable' }, {}, neighbours)).toEqual(['/fields/analysis']);
      expect(pointers({ outcome: 'implement' }, {}, neighbours)).toEqual([]);
    }
    expect(pointers({}, shown, [analysis(new Date(0), later)])).toEqual([]);
  });

  it('one whose fields are no decision’s', () => {
    expect(pointers({ outcome: 'maybe' })).toEqual(['/fields']);
  });
});

describe('which statements of applicability are refused?', () => {
  const plan = { control: '164.314(b)(1)', why: 'There is a group health plan.' };
  const pointers = (statements: object[], documents = 0) =>
    applicabilityFaults(
      candidate(
        'applicability_statement',
        { statements },
        {
          documents: Array.from({ length: documents }, () => ({
            evidenceId: idOf('plan'),
            role: 'plan-document',
            name: 'Plan',
          })),
        },
      ),
    ).map(({ pointer }) => pointer);

  it('none that says that an item does not apply', () => {
    expect(pointers([{ ...plan, applies: false }])).toEqual([]);
  });

  it('one that says that it applies and names nothing that meets it, or encloses nothing', () => {
    expect(pointers([{ ...plan, applies: true }], 1)).toEqual(['/fields/statements/0/metBy']);
    expect(pointers([{ ...plan, applies: true, metBy: 'n/a' }], 1)).toEqual(['/fields/statements/0/metBy']);
    expect(pointers([{ ...plan, applies: true, metBy: 'Plan document, article 9' }])).toEqual(['/documents']);
    expect(pointers([{ ...plan, applies: true, metBy: 'Plan document, article 9' }], 1)).toEqual([]);
  });

  it('one that links to an item of which it says nothing', () => {
    const linked = (target: string) =>
      applicabilityFaults(
        candidate(
          'applicability_statement',
          { statements: [{ ...plan, applies: false }] },
          { links: [link('control', target)] },
        ),
      ).map(({ pointer }) => pointer);
    expect(linked('164.308(a)(4)(ii)(A)')).toEqual(['/links/0']);
    expect(linked(plan.control)).toEqual([]);
  });

  it('one that says two things of an item', () => {
    expect(
      pointers([
        { ...plan, applies: false },
        { ...plan, applies: false },
      ]),
    ).toEqual(['/fields/statements/1/control']);
  });

  it('one whose fields are no statement’s', () => {
    expect(pointers([{ control: '164.314(b)(1)' }])).toEqual(['/fields']);
  });
});
