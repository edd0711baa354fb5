import { describe, expect, it } from 'vitest';
import {
  agreement,
  ask,
  at,
  emr,
  ended,
  nameOf,
  NOW,
  of,
  pacs,
  returned,
  span,
  vendor,
  type Said,
} from '../../test/support/agreements.js';
import { idOf } from '../../test/support/effective.js';
import type { EffectiveRecord } from '../records/effective.js';
import { OVERSIGHT } from './findings.js';
import { runsOf } from './returns.js';
import type { AgreementsInput } from './standing.js';
import { controlOf, RETURN_CONTROL } from './terms.js';

describe('what does an agreement that ended leave open?', () => {
  const open = (input: Partial<AgreementsInput>, asOf = NOW) =>
    ask(input, asOf)
      .filter(({ need }) => need === 'phi_return')
      .map((statement) => [nameOf(statement), statement.says, statement.work?.kind]);
  const due = [[OVERSIGHT, 'met', 'due']];
  const overdue = [
    [OVERSIGHT, 'failing', 'failing'],
    [RETURN_CONTROL, 'failing', 'failing'],
  ];
  const gone = [ended(agreement('lakeside'), '2026-04-02'), ended(vendor('lakeside'), '2026-04-02')];

  it('the return of its PHI: work for sixty days, then failing, until it is shown', () => {
    expect(open({ ended: gone }, at('2026-05-31'))).toEqual(due);
    expect(ask({ ended: gone }, at('2026-05-31'))[0]).toMatchObject({ until: NOW, work: { dueAt: NOW } });
    expect(open({ ended: gone })).toEqual(overdue);
    expect(ask({ ended: gone })[0]?.reason).toContain('the agreement with vendor lakeside ended on 2026-04-01');
    expect(open({ ended: gone, returns: [returned('baa of lakeside')] })).toEqual([]);
    expect(open({ ended: gone, returns: [returned('baa of archive')] })).toEqual(overdue);
    expect(open({ ended: gone, returns: [returned('baa of lakeside', '2025-12-19')] })).toEqual(overdue);
    expect(open({ ended: gone, returns: [{ ...returned('baa of lakeside'), fields: {} }] })).toEqual(overdue);
  });

  it('what is met is so until the return is due, and no longer', () => {
    const statements = ask(
      { ended: gone, vendors: [vendor('archive')], agreements: [agreement('archive')] },
      at('2026-05-01'),
    );
    expect(of(statements, OVERSIGHT)).toMatchObject([{ says: 'met', until: NOW }]);
    expect(of(statements, RETURN_CONTROL)).toMatchObject([{ says: 'met', until: NOW }]);
    expect(of(statements, controlOf('314A'))).toMatchObject([{ says: 'met', until: null }]);
  });

  it('the same where its time has run out', () => {
    const input = {
      vendors: [vendor('lakeside')],
      agreements: [agreement('lakeside', {}, { expires: '2026-04-02T00:00:00Z' })],
    };
    expect(open(input, at('2026-05-31'))).toEqual(due);
    expect(open(input)).toEqual(overdue);
  });

  it('the same where it was ended long after its time had run out', () => {
    const over = agreement('lakeside', {}, { expires: '2026-04-02T00:00:00Z' });
    expect(open({ ended: [ended(over, '2026-05-30')] })).toEqual(overdue);
    const rolled = agreement('lakeside', { renewal: 'automatic' }, { expires: '2026-04-02T00:00:00Z' });
    expect(open({ ended: [ended(rolled, '2026-05-30')] })).toEqual(due);
  });

  it('nothing while another agreement carries it on, and the same again when that ends', () => {
    const next = agreement('lakeside', {}, { from: '2026-04-02T00:00:00Z' }, 'next');
    expect(open({ ended: gone, vendors: [vendor('lakeside')], agreements: [next] })).toEqual([]);
    expect(open({ ended: [...gone, ended(next, '2026-05-01')] })).toEqual(due);
    const elsewhere = agreement('lakeside', {}, { systemIds: [pacs.id] }, 'next');
    const first = ended(agreement('lakeside', {}, { systemIds: [emr.id] }), '2026-04-02');
    expect(open({ ended: [first], vendors: [vendor('lakeside')], agreements: [elsewhere] })).toEqual(overdue);
    expect(open({ ended: gone, vendors: [vendor('archive')], agreements: [agreement('archive')] })).toEqual(overdue);
  });

  it('what another agreement does not carry on: a system or a namespace of it', () => {
    const both = ended(agreement('lakeside', {}, { systemIds: [emr.id, pacs.id] }), '2026-04-02');
    const part = (said: Said, fields: object = {}, name = 'next') =>
      agreement('lakeside', fields, { from: '2026-04-02T00:00:00Z', ...said }, name);
    const carriedOn = (...agreements: EffectiveRecord[]) =>
      open({ ended: [both], vendors: [vendor('lakeside')], agreements });
    expect(carriedOn(part({ systemIds: [emr.id] }))).toEqual(overdue);
    expect(carriedOn(part({ systemIds: [emr.id] }), part({ systemIds: [pacs.id] }, {}, 'other'))).toEqual([]);
    expect(carriedOn(part({}))).toEqual([]);
    expect(carriedOn(part({}, { namespaces: ['emr'] }))).toEqual(overdue);
  });

  describe('and one that another version of it has narrowed?', () => {
    const both = agreement('lakeside', {}, { systemIds: [emr.id, pacs.id] });
    const next = (said: Said, fields: object = {}, version = 2) =>
      agreement('lakeside', fields, { from: '2026-04-02T00:00:00Z', version, ...said });
    const narrowed = next({ systemIds: [emr.id] });
    const input = { vendors: [vendor('lakeside')], past: [ended(both, '2026-04-02')], agreements: [narrowed] };

    it('the return of what it covers no longer, by name', () => {
      expect(open(input, at('2026-05-31'))).toEqual(due);
      expect(open(input)).toEqual(overdue);
      const told = ask(input).find(({ need }) => need === 'phi_return');
      expect(told?.reason).toContain('the agreement with vendor lakeside covered pacs until 2026-04-01');
      const toNamespaces = { ...input, agreements: [next({ systemIds: [emr.id, pacs.id] }, { namespaces: ['emr'] })] };
      expect(open(toNamespaces)).toEqual(overdue);
      expect(open({ ...input, returns: [returned('baa of lakeside')] })).toEqual([]);
    });

    it('nothing where as much is covered as before: by that version, a later one, or another agreement', () => {
      expect(open({ ...input, agreements: [next({ systemIds: [emr.id, pacs.id] })] })).toEqual([]);
      expect(open({ ...input, agreements: [next({})] })).toEqual([]);
      const wide = { ...input, past: [...input.past, ended(narrowed, '2026-05-01')] };
      expect(open({ ...wide, agreements: [next({ systemIds: [emr.id, pacs.id] }, {}, 3)] })).toEqual([]);
      const other = agreement('lakeside', {}, { systemIds: [pacs.id] }, 'other');
      expect(open({ ...input, agreements: [narrowed, other] })).toEqual([]);
    });

    it('the same, and of the rest too, when the whole of it has ended', () => {
      const last = ended(narrowed, '2026-05-01');
      const all = { ended: [last], past: [...input.past, last] };
      expect(open(all, at('2026-05-02'))).toEqual([...due, ...due]);
      expect(open(all)).toEqual([...due, ...overdue]);
      // What was shown as it was narrowed says nothing of what was kept on.
      expect(open({ ...all, returns: [returned('baa of lakeside', '2026-02-15')] })).toEqual(due);
    });

    it('what stayed on, whatever was shown of the rest before it ended', () => {
      const last = ended(narrowed, '2026-05-01');
      const all = { ended: [last], past: [...input.past, last] };
      const shownOn = (...days: string[]) =>
        open({ ...all, returns: days.map((day) => returned('baa of lakeside', day)) }, at('2026-08-01'));
      // That of the narrowing, completed within the sixty days before the end, ahead of the narrowing or after it, in parts or at once.
      expect(shownOn('2026-04-01')).toEqual(overdue);
      expect(shownOn('2026-04-10')).toEqual(overdue);
      expect(shownOn('2026-04-10', '2026-04-20')).toEqual(overdue);
      expect(shownOn('2026-04-10', '2026-05-01')).toEqual([]);
      expect(shownOn('2026-05-01')).toEqual([]);
    });

    it('nothing that was shown ahead of the end, where what had left before was shown long since', () => {
      const last = ended(narrowed, '2026-07-01');
      const all = { ended: [last], past: [...input.past, last] };
      const shownOn = (...days: string[]) =>
        open({ ...all, returns: days.map((day) => returned('baa of lakeside', day)) }, at('2026-09-01'));
      expect(shownOn('2026-04-10', '2026-06-30')).toEqual([]);
      expect(shownOn('2026-06-30')).toEqual(overdue);
    });

    it('all of it again, where what was shown as it was narrowed was covered anew and ended later', () => {
      const last = ended(next({ systemIds: [emr.id, pacs.id], from: '2026-04-20T00:00:00Z' }, {}, 3), '2026-05-01');
      const all = { ended: [last], past: [...input.past, ended(narrowed, '2026-04-20'), last] };
      const shown = { ...all, returns: [returned('baa of lakeside', '2026-04-10')] };
      expect(open(shown, at('2026-08-01'))).toEqual(overdue);
    });

    it('nothing of a system that came when it covered all of them no longer', () => {
      const lab = { id: idOf('lab'), name: 'lab' };
      const whole = {
        vendors: [vendor('lakeside', {}, { systemIds: [emr.id, pacs.id] })],
        past: [ended(agreement('lakeside'), '2026-04-02')],
        agreements: [next({ systemIds: [emr.id, pacs.id] })],
        systems: [emr, pacs, lab],
      };
      const both = [span(emr), span(pacs)];
      expect(open({ ...whole, spans: [...both, span(lab, '2026-04-10')] })).toEqual([]);
      expect(open({ ...whole, spans: [...both, span(lab, '2026-04-01')] })).toEqual(overdue);
      // What was recorded later was said of the systems that were known by then; and where none was, of those that came.
      const recorded = { ...whole, past: whole.past.map((record) => ({ ...record, decidedAt: at('2026-04-11') })) };
      expect(open({ ...recorded, spans: [...both, span(lab, '2026-04-10')] })).toEqual(overdue);
      const came = [emr, pacs].map((system) => span(system, '2026-04-10'));
      expect(open({ ...whole, systems: [emr, pacs], spans: came })).toEqual([]);
      expect(open({ ...whole, spans: [...came, span(lab, '2026-04-10')] })).toEqual(overdue);
    });

    it('what it held of a system that has gone, whether before the end or after it', () => {
      const whole = {
        vendors: [vendor('lakeside', {}, { systemIds: [emr.id] })],
        past: [ended(agreement('lakeside'), '2026-04-02')],
        agreements: [narrowed],
        systems: [emr],
      };
      for (const day of ['2026-03-01', '2026-04-03', '2026-05-30']) {
        const spans = [span(emr), span(pacs, '2025-12-01', day)];
        expect(open({ ...whole, spans })).toEqual(overdue);
        expect(ask({ ...whole, spans }).at(-1)?.reason).toContain('covered pacs until 2026-04-01');
        expect(open({ ...whole, spans, returns: [returned('baa of lakeside')] })).toEqual([]);
      }
      expect(open({ ...whole, spans: [span(emr), span(pacs, '2025-11-01', '2025-12-31')] })).toEqual([]);
    });

    it('nothing of one that was disposed of', () => {
      expect(open({ ...input, past: [{ ...ended(both, '2026-04-02'), disposed: true }] })).toEqual([]);
    });
  });

  it('what came after a return: one long before the end shows nothing of it', () => {
    expect(open({ ended: gone, returns: [returned('baa of lakeside', '2026-01-31')] })).toEqual(overdue);
    expect(open({ ended: gone, returns: [returned('baa of lakeside', '2026-02-01')] })).toEqual([]);
  });

  it('as much of many vendors with many versions behind them', () => {
    const names = Array.from({ length: 400 }, (_, index) => `vendor ${index}`);
    const [narrowed] = names;
    const versionOf = (name: string, version: number) =>
      agreement(name, {}, { version, systemIds: name === narrowed && version === 1 ? [emr.id, pacs.id] : [emr.id] });
    const input = {
      vendors: names.map((name) => vendor(name, {}, { systemIds: [emr.id] })),
      agreements: names.map((name) => versionOf(name, 11)),
      past: names.flatMap((name) =>
        Array.from({ length: 10 }, (_, index) => ended(versionOf(name, index + 1), `2026-01-${String(index + 10)}`)),
      ),
      returns: names.slice(200).map((name) => returned(`baa of ${name}`)),
    };
    expect(open(input)).toEqual(overdue);
  });

  it('the same where the versions before are read as what they covered, one after another', async () => {
    const both = { systemIds: [emr.id, pacs.id] };
    const version = (number: number, from: string, to: string, said: Said = both) =>
      ended(agreement('lakeside', {}, { version: number, from: `${from}T00:00:00Z`, ...said }), to);
    const past = [
      version(1, '2026-01-01', '2026-02-01'),
      version(2, '2026-02-01', '2026-03-01'),
      version(3, '2026-03-01', '2026-04-02', { systemIds: [emr.id] }),
      version(4, '2026-04-02', '2026-05-02', { systemIds: [emr.id] }),
      version(6, '2026-05-10', '2026-05-20', { systemIds: [emr.id] }),
    ];
    const runs = await runsOf(past);
    expect(runs.map((run) => [run.version, run.effectiveFrom, run.endedAt])).toEqual([
      [2, at('2026-01-01'), at('2026-03-01')],
      [4, at('2026-03-01'), at('2026-05-02')],
      [6, at('2026-05-10'), at('2026-05-20')],
    ]);
    const last = past.slice(-1);
    for (const returns of [[], ['2026-03-10'], ['2026-05-05'], ['2026-05-20']]) {
      const input = { ended: last, returns: returns.map((day) => returned('baa of lakeside', day)) };
      expect(open({ ...input, past: runs })).toEqual(open({ ...input, past }));
    }
  });

  it('what is not returned yet, at an instant before it was', () => {
    const later = [returned('baa of lakeside', '2026-06-02')];
    expect(open({ ended: gone, returns: later })).toEqual(overdue);
    expect(open({ ended: gone, returns: later }, at('2026-06-02'))).toEqual([]);
  });
});
