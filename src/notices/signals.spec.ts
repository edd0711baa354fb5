import { describe, expect, it } from 'vitest';
import { cloudEventOf } from './cloud-event.js';
import { lookedAt, type Levels, type Sight, type Work } from './signals.js';

const ORGANIZATION = '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a00';
const SYSTEM = '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a03';
const RECORD = '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a40';
const DAY = 86_400_000;
const START = new Date('2026-11-26T09:00:00Z');
const after = (days: number): Date => new Date(START.getTime() + days * DAY);

const nothing = (at = START): Sight => ({
  at,
  statuses: new Map(),
  work: [],
  ended: new Map(),
  waiting: [],
  coming: [],
});

const work = (more: Partial<Work>): Work => ({
  id: '0c6fdb9a-07d0-8f2e-a4b6-2a40f4ac2b1f',
  kind: 'expiring',
  type: 'training_record',
  practices: ['security-awareness-training'],
  controls: [],
  records: [RECORD],
  systems: [],
  dueAt: after(100),
  ...more,
});

/** What is told at each of several sights, one after the other; the first is what there was before anybody looked. */
function told(...sights: Sight[]): { type: string; data: object }[][] {
  let last: Levels | null = null;
  return sights
    .map((sight) => {
      const { notices, levels } = lookedAt(ORGANIZATION, sight, last);
      last = levels;
      return notices.map(({ type, data }) => ({ type, data }));
    })
    .slice(1);
}

describe('what is told when the status of an item changes?', () => {
  const seen = (status: string, at = START): Sight => ({ ...nothing(at), statuses: new Map([['164.312(b)', status]]) });

  it('is each change told once, with what it was?', () => {
    const [same, changed, again, back] = told(
      seen('evidenced'),
      seen('evidenced'),
      seen('stale'),
      seen('stale', after(1)),
      seen('evidenced', after(2)),
    );
    expect(same).toEqual([]);
    expect(changed).toEqual([
      { type: 'control.status-changed', data: { control: '164.312(b)', from: 'evidenced', to: 'stale' } },
    ]);
    expect(again).toEqual([]);
    expect(back).toEqual([
      expect.objectContaining({ data: { control: '164.312(b)', from: 'stale', to: 'evidenced' } }),
    ]);
  });

  it('is a change to what it was before another notice, and the same change found twice the same?', () => {
    const of = (from: string, to: string, at: Date) =>
      lookedAt(ORGANIZATION, seen(to, at), { 'control.status-changed 164.312(b)': from }).notices.map(({ id }) => id);
    expect(of('stale', 'evidenced', after(1))).toEqual(of('stale', 'evidenced', after(1)));
    expect(of('stale', 'evidenced', after(1))).not.toEqual(of('stale', 'evidenced', after(2)));
  });

  it('is nothing told of an item that the catalogue or an overlay has just brought?', () => {
    expect(told(nothing(), seen('missing'))).toEqual([[]]);
  });
});

describe('what is told before something ends?', () => {
  it('is each of 90, 60, 30 and 7 days told once, and nothing before?', () => {
    const days: number[] = [];
    const types = new Set<string>();
    const sights = Array.from({ length: 100 * 4 }, (_, quarter) => ({
      ...nothing(after(quarter / 4)),
      work: [work({})],
    }));
    told(nothing(), ...sights).forEach((notices, at) => {
      for (const { type, data } of notices) {
        types.add(type);
        days.push(Math.floor(at / 4), (data as { days: number }).days);
      }
    });
    expect(days).toEqual([10, 90, 40, 60, 70, 30, 93, 7]);
    expect([...types]).toEqual(['record.expiring']);
  });

  it('is only the nearest told where nobody looked for long?', () => {
    const [notices] = told(nothing(), { ...nothing(after(95)), work: [work({})] });
    expect(notices?.map(({ data }) => (data as { days: number }).days)).toEqual([7]);
  });

  it('is an agreement called an agreement, and a duty work?', () => {
    const sight = {
      ...nothing(after(95)),
      work: [work({ type: 'baa' }), work({ id: RECORD, kind: 'due', type: 'notice' })],
    };
    expect(told(nothing(), sight)[0]?.map(({ type }) => type)).toEqual(['agreement.ending', 'work.due']);
  });

  it('is what several reasons ask of one record told once, with all that asks for it?', () => {
    const other = work({ id: RECORD, practices: ['risk-analysis'], controls: ['164.308(a)(5)(i)'] });
    const [notices] = told(nothing(), { ...nothing(after(95)), work: [work({}), other] });
    expect(notices).toHaveLength(1);
    expect(notices?.[0]?.data).toMatchObject({
      practices: ['risk-analysis', 'security-awareness-training'],
      controls: ['164.308(a)(5)(i)'],
      records: [RECORD],
    });
  });

  it('is it told again of another end?', () => {
    const first = { ...nothing(), work: [work({ dueAt: after(5) })] };
    const renewed = { ...nothing(after(1)), work: [work({ dueAt: after(6) })] };
    expect(told(nothing(), first, renewed).map((notices) => notices.length)).toEqual([1, 1]);
  });
});

describe('what is told when something has ended?', () => {
  const returning = (more: Partial<Work>) => work({ type: 'phi_return', practices: ['vendor-oversight-baa'], ...more });
  const endedOf = (notices: { type: string; data: object }[]) =>
    notices.filter(({ type }) => type === 'agreement.ended').map(({ data }) => data);

  it('is it told once, and again when it has been renewed and has ended again?', () => {
    const ended = { ...nothing(), work: [work({ kind: 'stale', dueAt: null })] };
    expect(told(nothing(), ended, ended, nothing(), ended).map((notices) => notices.map(({ type }) => type))).toEqual([
      ['record.expired'],
      [],
      [],
      ['record.expired'],
    ]);
  });

  it('is an agreement that has lapsed told once, and not again when its return is overdue?', () => {
    const left = (kind: string, at: number): Sight => ({
      ...nothing(after(at)),
      work: [returning({ kind, dueAt: after(100) })],
      ended: new Map([[RECORD, after(100)]]),
    });
    const [lapsed, ...later] = told(nothing(), left('due', 41), left('due', 80), left('failing', 101), nothing());
    expect(endedOf(lapsed!)).toEqual([
      expect.objectContaining({ type: 'baa', records: [RECORD], dueAt: after(100).toISOString() }),
    ]);
    expect(later.map(endedOf)).toEqual([[], [], []]);
  });

  it('is nothing told of an agreement that was narrowed and is in force, and its end when it comes?', () => {
    const narrowed = returning({ kind: 'due', dueAt: after(60) });
    const end = returning({ kind: 'due', dueAt: after(90), systems: [SYSTEM] });
    const ended = { ...nothing(after(30)), work: [narrowed, end], ended: new Map([[RECORD, after(90)]]) };
    const before = { ...nothing(after(1)), work: [narrowed] };
    expect(told(nothing(), before, ended, ended).map(endedOf)).toEqual([
      [],
      [expect.objectContaining({ records: [RECORD], systems: [SYSTEM], dueAt: after(90).toISOString() })],
      [],
    ]);
  });

  it('is what scanners leave stale told by their silence alone?', () => {
    expect(told(nothing(), { ...nothing(), work: [work({ kind: 'stale', type: null, records: [] })] })).toEqual([[]]);
  });

  it('is a key overdue from the instant at which it was to be rotated, and not for what else is wrong with it?', () => {
    const key = work({
      kind: 'failing',
      type: 'key_rotation_event',
      practices: ['encryption-key-rotation'],
      dueAt: after(3),
    });
    const at = (days: number) => ({ ...nothing(after(days)), work: [key] });
    expect(told(nothing(), at(2), at(3), at(4)).map((notices) => notices.map(({ type }) => type))).toEqual([
      [],
      ['key.overdue'],
      [],
    ]);
  });
});

describe('what is told when scans stop coming?', () => {
  const coming = (lastAt: Date, maxAgeDays: number | null = 8) => [
    { systemId: SYSTEM, source: 'kube-bench/node', lastAt, maxAgeDays },
  ];

  it('is it told once, after its days are over, and again after it came and stopped again?', () => {
    const at = (days: number, lastAt: number) => ({ ...nothing(after(days)), coming: coming(after(lastAt)) });
    expect(told(nothing(), at(8, 0), at(8.01, 0), at(9, 0), at(10, 10), at(19, 10)).map((all) => all.length)).toEqual([
      0, 1, 0, 0, 1,
    ]);
  });

  it('is nothing told of a source that evidences nothing that ages?', () => {
    expect(told(nothing(), { ...nothing(after(1_000)), coming: coming(START, null) })).toEqual([[]]);
  });
});

describe('what is told when records wait for a decision?', () => {
  it('is it told when one has come, and not when one has gone?', () => {
    const waiting = (count: number, last: number): Sight => ({
      ...nothing(),
      waiting: [{ type: 'policy', ownerId: RECORD, count, lastSubmittedAt: after(last), records: [RECORD] }],
    });
    const counts = told(nothing(), waiting(1, 0), waiting(2, 1), waiting(1, 1), nothing()).map((all) => all.length);
    expect(counts).toEqual([1, 1, 0, 0]);
  });
});

it('is every notice small enough to be sent?', () => {
  const ids = Array.from({ length: 20 }, () => RECORD);
  const long = Array.from({ length: 124 }, (_, at) => `a-practice-with-a-long-name-of-its-own-${at}`);
  const sight = {
    ...nothing(after(95)),
    work: [work({ records: ids, systems: ids, practices: long, controls: long })],
  };
  for (const notice of lookedAt(ORGANIZATION, sight, null).notices) cloudEventOf(ORGANIZATION, notice);
});
