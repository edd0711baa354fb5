import { describe, expect, it } from 'vitest';
import { effective, idOf } from '../../test/support/effective.js';
import type { Candidate, Neighbour } from '../records/rules.js';
import { agreementRules } from './rules.js';
import { TERM_NAMES } from './terms.js';

const NOW = new Date('2026-06-01T00:00:00Z');
const emr = idOf('emr');
const pacs = idOf('pacs');

type Said = NonNullable<Parameters<typeof effective>[3]>;

const agreementFields = (change: object = {}) => ({
  vendor: idOf('lakeside'),
  signedOn: '2025-12-20',
  renewal: 'none',
  incidentNoticeHours: 24,
  returnOrDestroy: 'destroy',
  terms: TERM_NAMES.map((term) => ({ term, clause: '§ 4' })),
  ...change,
});

const candidate = (type: string, fields: object, said: Said = {}, kind: Candidate['kind'] = 'content'): Candidate => ({
  ...effective(type, 'candidate', { ...fields }, said),
  kind,
  reason: null,
});
const neighbour = (
  type: string,
  name: string,
  fields: object,
  said: Said = {},
  to: string | null = null,
): Neighbour => ({
  ...effective(type, name, { ...fields }, said),
  effectiveTo: to === null ? null : new Date(to),
});
const pointers = (of: Candidate, neighbours: Neighbour[] = []) =>
  agreementRules.faults(of, neighbours, NOW).map(({ pointer }) => pointer);

describe('which vendors are refused?', () => {
  const vendor = (change: object = {}) => ({ name: 'x', role: 'subcontractor', ephi: true, ...change });

  it('a subcontractor of nobody', () => {
    expect(pointers(candidate('vendor', vendor()))).toEqual(['/fields/parent']);
    expect(pointers(candidate('vendor', vendor({ role: 'business_associate' })))).toEqual([]);
    expect(pointers(candidate('vendor', vendor({ parent: idOf('lakeside') })))).toEqual([]);
  });

  it('one that would work for itself through others', () => {
    const others = [
      neighbour('vendor', 'b', vendor({ parent: idOf('c') })),
      neighbour('vendor', 'c', vendor({ parent: idOf('candidate') })),
    ];
    expect(pointers(candidate('vendor', vendor({ parent: idOf('b') })), others)).toEqual(['/fields/parent']);
    expect(pointers(candidate('vendor', vendor({ parent: idOf('b') })), others.slice(0, 1))).toEqual([]);
  });

  it('one whose fields are no vendor’s', () => {
    expect(pointers(candidate('vendor', { name: 'x' }))).toEqual(['/fields']);
  });

  it('asks for all vendors where one works for another', () => {
    expect(agreementRules.neighbours(candidate('vendor', vendor({ parent: idOf('b') })))).toEqual([
      { types: ['vendor'] },
    ]);
    expect(agreementRules.neighbours(candidate('vendor', vendor()))).toEqual([]);
  });
});

describe('which agreements are refused?', () => {
  it('none that is whole', () => {
    expect(pointers(candidate('baa', agreementFields()))).toEqual([]);
  });

  it('a term twice, and a term without its clause', () => {
    const terms = [
      { term: '314A', clause: '§ 1' },
      { term: '314A', clause: ' ' },
    ];
    expect(pointers(candidate('baa', agreementFields({ terms })))).toEqual([
      '/fields/terms/1/term',
      '/fields/terms/1/clause',
    ]);
  });

  it('one that was signed after the day of its effect, without a reason', () => {
    const signedOn = '2026-01-05';
    expect(pointers(candidate('baa', agreementFields({ signedOn }), { from: '2026-01-04T23:59:00Z' }))).toEqual([
      '/fields/signedOn',
    ]);
    expect(pointers(candidate('baa', agreementFields({ signedOn }), { from: '2026-01-05T00:00:00Z' }))).toEqual([]);
    const late = (signedLateWhy: string) =>
      pointers(candidate('baa', agreementFields({ signedOn, signedLateWhy }), { from: '2025-12-31T00:00:00Z' }));
    expect(late(' ')).toEqual(['/fields/signedOn']);
    expect(late('The letter of intent bound both until then.')).toEqual([]);
  });

  it('one that is yet to be signed, whatever the reason', () => {
    const signedOn = '2026-06-02';
    const from = `${signedOn}T00:00:00Z`;
    expect(pointers(candidate('baa', agreementFields({ signedOn }), { from }))).toEqual(['/fields/signedOn']);
    const signedLateWhy = 'Both sides wait for the board.';
    expect(pointers(candidate('baa', agreementFields({ signedOn, signedLateWhy })))).toEqual(['/fields/signedOn']);
  });

  it('a namespace of a system that it is not of', () => {
    const namespaces = ['portal', `${pacs}/viewer`];
    expect(pointers(candidate('baa', agreementFields({ namespaces }), { systemIds: [emr] }))).toEqual([
      '/fields/namespaces/1',
    ]);
    expect(pointers(candidate('baa', agreementFields({ namespaces }), { systemIds: [emr, pacs] }))).toEqual([]);
  });

  it('a namespace of a system by its name, which would cover nothing', () => {
    const named = agreementFields({ namespaces: [`${pacs}/viewer`, 'pacs/viewer'] });
    for (const systemIds of [[], [pacs]]) {
      expect(pointers(candidate('baa', named, { systemIds }))).toEqual(['/fields/namespaces/1']);
    }
  });

  describe('one that overlaps another of the vendor', () => {
    const second = (said: Said = {}, change: object = {}) =>
      candidate('baa', agreementFields(change), { from: '2026-06-01T00:00:00Z', ...said });
    const first = (said: Said = {}, change: object = {}, to: string | null = null) =>
      neighbour('baa', 'first', agreementFields(change), said, to);

    it('in time and in what it covers', () => {
      expect(agreementRules.faults(second(), [first()], NOW)).toMatchObject([
        { pointer: '/effectiveFrom', extra: { conflictsWith: [idOf('first')] } },
      ]);
    });

    it('but not one that ends, or is ended, as it begins', () => {
      expect(pointers(second(), [first({ expires: '2026-06-01T00:00:00Z' })])).toEqual([]);
      expect(pointers(second(), [first({ expires: '2026-06-02T00:00:00Z' })])).toEqual(['/effectiveFrom']);
      expect(pointers(second(), [first({}, {}, '2026-06-01T00:00:00Z')])).toEqual([]);
      expect(pointers(second(), [first({}, {}, '2026-06-01T00:00:01Z')])).toEqual(['/effectiveFrom']);
    });

    it('also one that begins later than it, unless it ends before', () => {
      const planned = first({ from: '2027-01-01T00:00:00Z' });
      expect(pointers(second(), [planned])).toEqual(['/effectiveFrom']);
      expect(pointers(second({ expires: '2027-01-01T00:00:00Z' }), [planned])).toEqual([]);
    });

    it('also one whose time has run out, if it renews itself', () => {
      expect(pointers(second(), [first({ expires: '2026-02-01T00:00:00Z' }, { renewal: 'automatic' })])).toEqual([
        '/effectiveFrom',
      ]);
    });

    it('but not one of other systems or namespaces', () => {
      expect(pointers(second({ systemIds: [emr] }), [first({ systemIds: [pacs] })])).toEqual([]);
      expect(pointers(second({ systemIds: [emr] }, { namespaces: ['a'] }), [first({}, { namespaces: ['b'] })])).toEqual(
        [],
      );
      expect(pointers(second({ systemIds: [emr] }, { namespaces: ['a'] }), [first()])).toEqual(['/effectiveFrom']);
    });

    it('and one that cannot be read, which may cover anything', () => {
      const other = neighbour('baa', 'first', {});
      expect(pointers(second({ systemIds: [emr] }), [other])).toEqual(['/effectiveFrom']);
    });
  });

  it('asks for the agreements of the same vendor, and for none where one ends', () => {
    expect(agreementRules.neighbours(candidate('baa', agreementFields()))).toEqual([
      { types: ['baa'], subjects: [idOf('lakeside')] },
    ]);
    const end = candidate('baa', agreementFields(), {}, 'end');
    expect(agreementRules.neighbours(end)).toEqual([]);
    expect(pointers(end, [neighbour('baa', 'first', agreementFields())])).toEqual([]);
  });
});

describe('which returns are refused?', () => {
  const returned = (completedOn: string) =>
    candidate('phi_return', { agreement: idOf('first'), method: 'destroyed', completedOn });
  const of = [neighbour('baa', 'first', agreementFields())];

  it('one of before the agreement was signed', () => {
    expect(pointers(returned('2025-12-19'), of)).toEqual(['/fields/completedOn']);
    expect(pointers(returned('2025-12-20'), of)).toEqual([]);
  });

  it('and of an agreement that is over, none for its date', () => {
    expect(pointers(returned('2027-01-01'))).toEqual([]);
  });
});
