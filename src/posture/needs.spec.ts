import { describe, expect, it } from 'vitest';
import { loadCatalog } from '../catalog/load.js';
import type { TypeDefinition } from '../catalog/record-type.js';
import { earliest } from '../kernel/dates.js';
import type { NeedSummary } from '../records/effective.js';
import type { Due } from '../records/obligations.js';
import type { Statement } from '../records/statement.js';
import { asksOf, type Ask, type Asks } from './asks.js';
import { combinedPart, emptyPart, latest, NOTHING_ACCEPTED, placePart, type PlaceInput } from './needs.js';
import { lateStatements, overdueStatements } from './dues.js';

const DAY = 86_400_000;
const catalog = loadCatalog();
const types = new Map(catalog.recordTypes.map((definition): [string, TypeDefinition] => [definition.type, definition]));
const asks = asksOf(catalog, {}, types);
const AS_OF = new Date('2026-11-23T09:00:00Z');
const ago = (days: number) => new Date(AS_OF.getTime() - days * DAY);
const SYSTEM = '00000000-0000-4000-8000-000000000009';

const askOf = (all: Asks, subject: string, type: string): Ask =>
  (all.practices.get(subject) ?? all.controls.get(subject))!.find((ask) => ask.type === type)!;

const summary = (ask: Ask, change: Partial<NeedSummary> = {}): NeedSummary => ({
  limit: ask.limit,
  systemId: null,
  subjects: 1,
  failing: 0,
  expired: 0,
  fresh: 1,
  newestGoodFrom: ago(10),
  oldestGoodFrom: ago(10),
  firstExpires: null,
  endsAt: null,
  records: ['r1'],
  ...change,
});

const place = (change: Partial<PlaceInput> = {}) =>
  placePart(asks, {
    systemId: null,
    asOf: AS_OF,
    summaries: [],
    statements: [],
    works: [],
    machines: new Map(),
    none: new Set(),
    accepted: NOTHING_ACCEPTED,
    ...change,
  });

/** What is said of a practice's need. */
const needOf = (practice: string, type: string, change: Partial<PlaceInput> = {}) => {
  const at = asks.practices.get(practice)!.findIndex((ask) => ask.type === type);
  return place(change).practices.get(practice)!.needs[at]!;
};

describe('is what is only looked at again taken for an end?', () => {
  it('not of the need; and the place is read anew then', () => {
    const again = new Date(AS_OF.getTime() + 3 * DAY);
    const said: Statement = {
      about: { practice: 'central-key-management' },
      need: 'key',
      says: 'met',
      reason: 'key: 1 key is recorded.',
      records: ['r1'],
      series: [],
      at: AS_OF,
      until: null,
      again,
    };
    expect(needOf('central-key-management', 'key', { statements: [said] })).toMatchObject({
      state: 'met',
      until: null,
    });
    expect(place({ statements: [said] }).until).toEqual(again);
  });
});

describe('what does the catalogue ask for?', () => {
  it('of every item that needs a document something, and of no other anything', () => {
    for (const { id, needs } of catalog.controls) {
      expect(asks.controls.get(id)!.length > 0, id).toBe(needs === 'document');
    }
  });

  it('of an item a policy that names it or an item above it; of the terms of an agreement none', () => {
    const { limit } = askOf(asks, '164.312(a)(2)(iv)', 'policy');
    expect(limit.about).toEqual(['164.312(a)(2)(iv)', '164.312(a)(1)']);
    expect(asks.controls.get('164.504(e)(2)(ii)(B)')!.map(({ type }) => type)).toEqual(['baa']);
  });

  it('of a statement of implementation that it is of this practice, and no other', () => {
    const of = [...asks.practices].filter(([, list]) => list.some(({ type }) => type === 'implementation_statement'));
    expect(of.length).toBeGreaterThan(10);
    for (const [practice] of of)
      expect(askOf(asks, practice, 'implementation_statement').limit.about).toEqual([practice]);
  });

  it('does the organisation ask for less age, by its settings or by its type?', () => {
    const days = (all: Asks) => askOf(all, 'periodic-evaluation', 'evaluation').limit.days;
    expect(days(asks)).toBe(365);
    expect(days(asksOf(catalog, { 'periodic-evaluation/evaluation': 100 }, types))).toBe(100);
    const evaluation = types.get('evaluation')!;
    const tightened = new Map(types).set('evaluation', {
      ...evaluation,
      good_for: { ...evaluation.good_for, days: 50 },
    });
    expect(days(asksOf(catalog, {}, tightened))).toBe(50);
    expect(days(asksOf(catalog, { 'periodic-evaluation/evaluation': 100 }, tightened))).toBe(50);
  });
});

describe('what do records say of a need?', () => {
  const training = askOf(asks, 'workforce-training', 'training_record');
  const evaluation = askOf(asks, 'periodic-evaluation', 'evaluation');
  const said = (change: Partial<NeedSummary>) =>
    needOf('periodic-evaluation', 'evaluation', { summaries: [summary(evaluation, change)] });
  const trained = (change: Partial<NeedSummary>) =>
    needOf('workforce-training', 'training_record', {
      summaries: [summary(training, { subjects: 40, fresh: 40, ...change })],
    });

  it('missing where there is none: which, where, what for, and what an auditor asks', () => {
    const { state, reason } = needOf('periodic-evaluation', 'evaluation', { systemId: SYSTEM });
    expect(state).toBe('missing');
    expect(reason).toContain('Missing: record `evaluation` (');
    expect(reason).toContain('for this system');
    expect(reason).toContain(`An auditor asks for: ${types.get('evaluation')!.auditor_asks[0]!.slice(0, 20)}`);
  });

  it('met, and until when', () => {
    expect(said({})).toMatchObject({
      state: 'met',
      until: new Date(ago(10).getTime() + 365 * DAY + 1),
      records: ['r1'],
    });
    expect(said({ firstExpires: ago(-3) })).toMatchObject({ state: 'met', until: ago(-3) });
    expect(said({ endsAt: ago(-2) })).toMatchObject({ state: 'met', until: ago(-2) });
  });

  it.each([
    ['too old', { fresh: 0, oldestGoodFrom: ago(400), newestGoodFrom: ago(400) }, 'older than 365 days'],
    ['expired', { fresh: 0, expired: 1, oldestGoodFrom: null, newestGoodFrom: null }, 'it has expired'],
  ])('stale where it is %s', (_name, change, words) => {
    expect(said(change)).toMatchObject({ state: 'stale', until: null });
    expect(said(change).reason).toContain(words);
  });

  it('failing where its outcome says so', () => {
    expect(said({ fresh: 0, failing: 1 }).state).toBe('failing');
  });

  it('of each of many: stale while one is, with how many', () => {
    expect(trained({})).toMatchObject({ state: 'met' });
    expect(trained({ fresh: 37 })).toMatchObject({ state: 'stale' });
    expect(trained({ fresh: 37 }).reason).toContain('for 3 of 40');
    expect(trained({ fresh: 39, failing: 1 })).toMatchObject({ state: 'failing' });
  });
});

describe('what does a machine say in place of a record?', () => {
  const [practice] = [...asks.practices].find(([, list]) => list.some(({ type }) => type === 'vulnerability_scan'))!;
  const ask = askOf(asks, practice, 'vulnerability_scan');
  const machines = (days: number) =>
    new Map([['vulnerability_scan', { seen: ago(days), source: 'trivy/vulnerability' }]]);

  it('the same as a record, for as long as it is fresh', () => {
    const days = ask.limit.days!;
    expect(needOf(practice, ask.type, { machines: machines(days) })).toMatchObject({ state: 'met' });
    expect(needOf(practice, ask.type, { machines: machines(days + 1) })).toMatchObject({ state: 'stale' });
  });

  it('nothing against a record that says that it failed', () => {
    const summaries = [summary(ask, { fresh: 0, failing: 1 })];
    expect(needOf(practice, ask.type, { machines: machines(1), summaries })).toMatchObject({ state: 'failing' });
    const old = [summary(ask, { fresh: 0 })];
    expect(needOf(practice, ask.type, { machines: machines(1), summaries: old })).toMatchObject({ state: 'met' });
  });
});

describe('what do judges say?', () => {
  const statement = (change: Partial<Statement>): Statement => ({
    about: { practice: 'risk-analysis' },
    need: 'risk_analysis',
    says: 'met',
    reason: 'Said so.',
    records: ['r1'],
    series: [],
    at: AS_OF,
    until: null,
    ...change,
  });
  const judged = (...statements: Statement[]) => needOf('risk-analysis', 'risk_analysis', { statements });

  it('the worst of what they say counts, and silence is missing', () => {
    expect(judged().state).toBe('missing');
    expect(judged(statement({ until: ago(-5) }), statement({ until: ago(-2) }))).toMatchObject({
      state: 'met',
      until: ago(-2),
    });
    expect(judged(statement({}), statement({ says: 'stale' })).state).toBe('stale');
    expect(judged(statement({ says: 'stale' }), statement({ says: 'failing', reason: 'Broken.' }))).toMatchObject({
      state: 'failing',
      reason: 'Broken.',
    });
  });

  it('three are told in their words, and of all others how many there are', () => {
    const fails = ['A.', 'B.', 'C.', 'D.'].map((reason) => statement({ says: 'failing', reason }));
    const others = statement({ says: 'failing', reason: '196 more of the same sort.', alike: 196 });
    expect(judged(...fails.slice(0, 3)).reason).toBe('A. B. C.');
    expect(judged(...fails, others).reason).toBe('A. B. C. 197 more of this kind.');
  });

  it('records of a type that they judge say nothing without them', () => {
    const ask = askOf(asks, 'risk-analysis', 'risk_analysis');
    expect(needOf('risk-analysis', 'risk_analysis', { summaries: [summary(ask)] }).state).toBe('missing');
  });

  it('is a failure of no need that is asked for not lost?', () => {
    for (const need of [null, 'tls_scan']) {
      const part = place({ statements: [statement({ need, says: 'failing', reason: 'Broken.' })] });
      expect(part.practices.get('risk-analysis')!.failures).toEqual(['Broken.']);
    }
  });

  it('does a failure that is said of a type that records speak for stand beside them?', () => {
    const ask = askOf(asks, 'periodic-evaluation', 'evaluation');
    const overdue = statement({ about: { practice: 'periodic-evaluation' }, need: 'evaluation', says: 'failing' });
    expect(
      needOf('periodic-evaluation', 'evaluation', { summaries: [summary(ask)], statements: [overdue] }).state,
    ).toBe('failing');
  });
});

describe('what do a system and its organisation say together?', () => {
  const evaluation = asks.practices.get('periodic-evaluation')!;
  const ask = askOf(asks, 'periodic-evaluation', 'evaluation');
  const of = (change: Partial<NeedSummary> | null, systemId: string | null) =>
    place({ systemId, summaries: change === null ? [] : [summary(ask, change)] }).practices.get('periodic-evaluation')!;
  const together = (own: Partial<NeedSummary> | null, whole: Partial<NeedSummary> | null) =>
    combinedPart(evaluation, of(own, SYSTEM), of(whole, null)).needs[0]!;

  it('the better, and a failure of either', () => {
    expect(together(null, null)).toMatchObject({ state: 'missing' });
    expect(together(null, {})).toMatchObject({ state: 'met' });
    expect(together({ fresh: 0 }, {})).toMatchObject({ state: 'met' });
    expect(together({ fresh: 0, failing: 1 }, {})).toMatchObject({ state: 'failing' });
    expect(together({ records: ['r2'] }, { oldestGoodFrom: ago(20) })).toMatchObject({
      state: 'met',
      records: ['r2', 'r1'],
      until: new Date(ago(10).getTime() + 365 * DAY + 1),
    });
  });

  it('of a place of which nothing is known nothing', () => {
    const nothing = emptyPart(asks, null);
    for (const { needs, failures } of [...nothing.practices.values(), ...nothing.controls.values()]) {
      expect(failures).toEqual([]);
      for (const { state } of needs) expect(state).toBe('missing');
    }
  });

  it('where nothing happened, what a person says of the period; what one place has kept another does not call none', () => {
    const practice = 'incident-response-plan';
    const wanted = asks.practices.get(practice)!;
    const [register, incident] = ['incident_register', 'incident_record'].map((type) => askOf(asks, practice, type));
    const part = (systemId: string | null, ...summaries: NeedSummary[]) => {
      const isNone = summaries.every(({ records }) => !records.includes('r3'));
      return place({ systemId, summaries, none: new Set(isNone ? ['incident_register'] : []) }).practices.get(
        practice,
      )!;
    };
    const said = (own: NeedSummary[], whole: NeedSummary[]) =>
      combinedPart(wanted, part(SYSTEM, ...own), part(null, ...whole)).needs.find(
        ({ type }) => type === 'incident_record',
      )!;
    const none = summary(register!);
    expect(said([], [])).toMatchObject({ state: 'missing', records: [] });
    expect(said([], [none])).toMatchObject({
      state: 'met',
      records: ['r1'],
      until: new Date(ago(10).getTime() + 123 * DAY + 1),
    });
    expect(said([], [none]).reason).toMatch(
      /^No record `incident_record` .*; what says that there was none: Kept: record `incident_register`/,
    );
    expect(said([], [summary(register!, { fresh: 0 })])).toMatchObject({ state: 'stale' });
    expect(said([], [summary(register!, { fresh: 0, failing: 1 })])).toMatchObject({ state: 'missing' });
    const kept = summary(incident!, { fresh: 0, expired: 1, records: ['r2'] });
    expect(said([kept], [none])).toMatchObject({ state: 'stale', records: ['r2'] });
    expect(said([none], [kept])).toMatchObject({ state: 'stale', records: ['r2'] });
    // A register that has some is no word that there was none, fresh or not, alone or beside one that is.
    const some = summary(register!, { records: ['r3'] });
    for (const [own, whole] of [
      [[], [some]],
      [[], [{ ...some, fresh: 0 }]],
      [[none], [some]],
      [[some], [none]],
    ] as const) {
      const { state, reason } = said([...own], [...whole]);
      expect(state).toBe('missing');
      expect(reason).toMatch(
        /^Missing: record `incident_record`.* \(`incident_register`\) does not say that there was none\.$/,
      );
    }
    expect(said([none], [none])).toMatchObject({ state: 'met' });
  });

  it('which end comes first, and which last', () => {
    expect(earliest([ago(1), null, ago(2)])).toEqual(ago(2));
    expect(earliest([null])).toBeNull();
    expect(latest([ago(1), ago(2)])).toEqual(ago(1));
    expect(latest([ago(1), null])).toBeNull();
    expect(latest([null, ago(1)])).toBeNull();
    expect(latest([])).toBeNull();
  });
});

describe('what is overdue?', () => {
  const due = (type: string, by: string, isOverdue = true, items: readonly string[] = []) =>
    ({
      record: { id: 'r1', type: by, ownerId: 'm1' },
      type,
      says: 'It is due.',
      items,
      dueAt: ago(3),
      metBy: null,
      isOverdue,
    }) as unknown as Due;
  const overdue = (...dues: Due[]) => overdueStatements(dues, asks, types, AS_OF);

  it('it fails what asks for the record that is due', () => {
    const found = overdue(due('notice', 'breach_assessment'));
    expect(found.length).toBeGreaterThan(0);
    for (const { about, need, says } of found) {
      expect({ need, says }).toEqual({ need: 'notice', says: 'failing' });
      expect(asks.practices.get('practice' in about ? about.practice : '')!.some(({ type }) => type === 'notice')).toBe(
        true,
      );
    }
    expect(found[0]!.reason).toContain('Overdue since 2026-11-20: record `notice`');
  });

  it('what nothing asks for fails what asks for the record that makes it due', () => {
    expect(asks.limits.some(({ type }) => type === 'corrective_action')).toBe(false);
    const found = overdue(due('corrective_action', 'evaluation'));
    expect(new Set(found.map(({ need }) => need))).toEqual(new Set(['evaluation']));
  });

  it('it fails the items of the law that set the time, whichever practice asks for the record', () => {
    const found = overdue(due('notice', 'breach_assessment', true, ['164.404(b)']));
    expect(found.filter(({ about }) => 'control' in about)).toMatchObject([
      { about: { control: '164.404(b)' }, need: 'notice', says: 'failing' },
    ]);
    expect(found.some(({ about }) => 'practice' in about)).toBe(true);
  });

  it('nothing of records that a room judges: it says so itself', () => {
    expect(overdue(due('corrective_action', 'exercise_report'), due('restore_test', 'restore_test'))).toEqual([]);
  });

  it('nothing that is not past its day', () => {
    expect(overdue(due('notice', 'breach_assessment', false))).toEqual([]);
  });
});

describe('what was done too late?', () => {
  const due = (change: Partial<Due> = {}) =>
    ({
      record: { id: 'r1', type: 'breach_assessment', ownerId: 'm1' },
      type: 'notice',
      says: 'It is due.',
      items: ['164.404(b)'],
      dueAt: ago(30),
      metBy: 'n1',
      metAt: ago(10),
      isLate: true,
      answeredBy: null,
      answeredAt: null,
      isOverdue: false,
      ...change,
    }) as unknown as Due;
  const late = (...dues: Due[]) => lateStatements(dues, asks, types, AS_OF);
  const ofItem = (found: Statement[]) => found.filter(({ about }) => 'control' in about);
  const ofPractices = (found: Statement[]) => found.filter(({ about }) => 'practice' in about);

  it('a notice fails the items that set the time, and what asks for it says that it was late', () => {
    const found = late(due());
    expect(ofItem(found)).toMatchObject([
      { about: { control: '164.404(b)' }, says: 'failing', records: ['r1', 'n1'], work: { kind: 'failing' } },
    ]);
    const told = ofPractices(found);
    expect(told.length).toBeGreaterThan(0);
    for (const { says, reason } of told) {
      expect(says).toBe('met');
      expect(reason).toMatch(/^Late: record `notice` .* was due by 2026-10-24, and is of 2026-11-13\./);
    }
  });

  it('until a corrective action says what was done about it; that it was late is said all the same', () => {
    const found = late(due({ answeredBy: 'a1' }));
    expect(found.map(({ says }) => says)).not.toContain('failing');
    expect(found[0]).toMatchObject({ records: ['r1', 'n1', 'a1'], reason: expect.stringContaining('Late: ') });
    expect(ofItem(late(due({ answeredAt: ago(-5) })))).toMatchObject([{ says: 'failing', until: ago(-5) }]);
  });

  it('a register of this product’s own days fails nothing', () => {
    const found = late(due({ type: 'breach_register', items: [] }));
    expect(new Set(found.map(({ says }) => says))).toEqual(new Set(['met']));
  });

  it('nothing of what was in time, or of what a room judges', () => {
    expect(late(due({ isLate: false }))).toEqual([]);
    const restore = { id: 'r1', type: 'restore_test', ownerId: 'm1' } as unknown as Due['record'];
    expect(late(due({ record: restore, type: 'restore_test' }))).toEqual([]);
  });
});

describe('until when is it met that a judge and the records of its type both call met?', () => {
  it('while both do', () => {
    const practice = catalog.practices.find(({ records }) => records.some(({ type }) => type === 'notice'))!;
    const ask = askOf(asks, practice.id, 'notice');
    const about = { practice: practice.id };
    const statement: Statement = {
      ...{ about, need: 'notice', says: 'met', reason: 'Late.', records: [], series: [], at: AS_OF, until: null },
    };
    const kept = { ...summary(ask), firstExpires: ago(-3) };
    const part = place({ statements: [statement], summaries: [kept] }).practices.get(practice.id)!;
    expect(part.needs.find(({ type }) => type === 'notice')).toMatchObject({
      state: 'met',
      reason: 'Late.',
      until: ago(-3),
    });
  });
});
