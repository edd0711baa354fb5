import { describe, expect, it } from 'vitest';
import {
  agreement,
  ask,
  at,
  emr,
  NEEDS,
  NOW,
  of,
  pacs,
  reasons,
  review,
  says,
  terms,
  vendor,
  type Said,
} from '../../test/support/agreements.js';
import { effective, idOf, link, OWNER } from '../../test/support/effective.js';
import type { EffectiveRecord } from '../records/effective.js';
import { FLOW_DOWN, OVERSIGHT } from './findings.js';
import { controlOf, TERM_NAMES, TERMS } from './terms.js';

describe('what is said of vendors?', () => {
  it('nothing, where none is recorded: silence proves nothing', () => {
    expect(ask({})).toEqual([]);
    expect(ask({ vendors: [vendor('Cleaning', { role: 'other', ephi: false })] })).toEqual([]);
  });

  it.each(['business_associate', 'subcontractor'])(
    'that it fails without an agreement with one that is a %s, whatever is said of ePHI: by that name it handles PHI',
    (role) => {
      const parent = role === 'subcontractor' ? { parent: idOf('lakeside') } : {};
      const statements = ask({
        vendors: [vendor('lakeside'), vendor('shredding', { role, ephi: false, ...parent })],
        agreements: [agreement('lakeside')],
      });
      const practice = role === 'subcontractor' ? FLOW_DOWN : OVERSIGHT;
      expect(says(statements, practice)).toEqual(['failing']);
      expect(reasons(statements, practice)).toContain('vendor shredding handles PHI and has no agreement in force');
    },
  );

  it('nothing of a business associate that a statement could deny: who is recorded is there', () => {
    const none = effective('applicability_statement', 'none', {
      statements: [{ control: '164.308(b)(1)', applies: false }],
    });
    const statements = ask({ vendors: [vendor('shredding', { ephi: false })], applicability: [none] });
    expect(says(statements, OVERSIGHT)).toEqual(['failing']);
  });

  it('that it is met, by an agreement in force with all terms', () => {
    const statements = ask({
      vendors: [vendor('lakeside')],
      agreements: [agreement('lakeside', {}, { expires: '2027-01-01T00:00:00Z' })],
    });
    for (const need of NEEDS.filter(({ type }) => type === 'baa')) {
      expect(says(statements, 'practice' in need.about ? need.about.practice : need.about.control)).toEqual(['met']);
    }
    expect(of(statements, OVERSIGHT)[0]).toMatchObject({
      records: [idOf('baa of lakeside')],
      until: at('2027-01-01'),
      at: NOW,
    });
    expect(of(statements, OVERSIGHT, 'vendor_review')).toEqual([]);
  });

  it('that it fails, by the name of one with ePHI and no agreement in force', () => {
    const statements = ask({ vendors: [vendor('lakeside'), vendor('archive')], agreements: [agreement('archive')] });
    expect(says(statements, OVERSIGHT)).toEqual(['failing']);
    expect(reasons(statements, OVERSIGHT)).toContain('vendor lakeside handles ePHI and has no agreement in force');
    expect(says(statements, '164.502(e)(1)')).toEqual(['failing']);
    expect(says(statements, controlOf('314A'))).toEqual(['met']);
  });

  it('that it fails from the instant at which the time of the agreement has run out', () => {
    const input = {
      vendors: [vendor('lakeside')],
      agreements: [agreement('lakeside', {}, { expires: '2026-06-01T00:00:00Z' })],
    };
    expect(says(ask(input, new Date(NOW.getTime() - 1)), OVERSIGHT)).toEqual(['met']);
    expect(says(ask(input), OVERSIGHT)).toEqual(['failing']);
    expect(reasons(ask(input), OVERSIGHT)).toContain('the last one ended on 2026-05-31');
  });

  it('that it is met until an end that is decided on, and that this is at hand', () => {
    const kept = agreement('lakeside', { renewal: 'automatic' }, { expires: '2026-03-01T00:00:00Z' });
    const input = {
      vendors: [vendor('lakeside')],
      agreements: [kept],
      endings: new Map([[kept.id, at('2026-06-21')]]),
    };
    const [met, work] = of(ask(input), OVERSIGHT);
    expect(met).toMatchObject({ says: 'met', until: at('2026-06-21') });
    expect(work).toMatchObject({ work: { kind: 'expiring', dueAt: at('2026-06-21') } });
    expect(work?.reason).toContain('ends on 2026-06-20, within 30 days');
    expect(of(ask({ ...input, endings: new Map() }), OVERSIGHT)).toMatchObject([{ until: null }]);
  });

  it('that an agreement that renews itself goes on', () => {
    const input = {
      vendors: [vendor('lakeside')],
      agreements: [agreement('lakeside', { renewal: 'automatic' }, { expires: '2026-03-01T00:00:00Z' })],
    };
    expect(reasons(ask(input), OVERSIGHT)).toContain('has renewed itself');
    expect(of(ask(input), OVERSIGHT)[0]).toMatchObject({ says: 'met', until: null });
    const byNotice = {
      ...input,
      agreements: [agreement('lakeside', { renewal: 'by_notice' }, { expires: '2026-03-01T00:00:00Z' })],
    };
    expect(says(ask(byNotice), OVERSIGHT)).toEqual(['failing']);
  });

  it.each(TERM_NAMES)(
    'that the item of the term %s fails where an agreement lacks it, and with it the practice',
    (term) => {
      const statements = ask({
        vendors: [vendor('lakeside'), vendor('archive')],
        agreements: [agreement('lakeside', { terms: terms([term]) }), agreement('archive')],
      });
      for (const { term: each, control } of TERMS) {
        expect(says(statements, control)).toEqual([each === term ? 'failing' : 'met']);
      }
      expect(reasons(statements, OVERSIGHT)).toContain(`vendor lakeside lacks the term of ${controlOf(term)}`);
    },
  );

  it('that a term without its clause is not there', () => {
    const blank = [...terms(['314C']), { term: '314C', clause: ' ' }];
    const statements = ask({ vendors: [vendor('lakeside')], agreements: [agreement('lakeside', { terms: blank })] });
    expect(says(statements, controlOf('314C'))).toEqual(['failing']);
  });

  it('what an agreement leaves uncovered, by name', () => {
    const statements = ask({
      vendors: [
        vendor('lakeside', {}, { systemIds: [emr.id, pacs.id], links: [link('namespace', `${pacs.id}/viewer`)] }),
      ],
      agreements: [agreement('lakeside', { namespaces: ['portal'] }, { systemIds: [emr.id] })],
    });
    expect(says(statements, OVERSIGHT)).toEqual(['failing']);
    expect(reasons(statements, OVERSIGHT)).toContain('does not cover emr-production, pacs/viewer,');
  });

  it('never that it is met by what cannot be read', () => {
    const [bare, whole] = [vendor('lakeside'), agreement('lakeside')];
    const blind = ask({ vendors: [{ ...bare, fields: {}, disposed: true }], agreements: [whole] });
    expect(says(blind, OVERSIGHT)).toEqual(['failing']);
    const broken = ask({ vendors: [bare], agreements: [{ ...whole, fields: {} }] });
    expect(says(broken, OVERSIGHT)).toEqual(['failing']);
    expect(says(broken, controlOf('314A'))).toEqual([]);
  });

  it('three times of one need, and then how many more', () => {
    const vendors = Array.from({ length: 1000 }, (_, index) => vendor(`vendor ${index}`));
    const said = of(ask({ vendors }), OVERSIGHT);
    expect(said).toHaveLength(4);
    expect(said.at(-1)).toMatchObject({ says: 'failing', reason: expect.stringContaining('997 more'), alike: 997 });
  });
});

describe('what is said of subcontractors?', () => {
  const sub = vendor('hosting', { role: 'subcontractor', parent: idOf('lakeside') });

  it('that flow-down is met where both agreements are in force and the upper one binds the lower', () => {
    const statements = ask({
      vendors: [vendor('lakeside'), sub],
      agreements: [agreement('lakeside'), agreement('hosting')],
    });
    expect([says(statements, FLOW_DOWN), says(statements, OVERSIGHT)]).toEqual([['met'], ['met']]);
  });

  it('that it fails without an agreement of its own, and that of vendors at large it does not', () => {
    const statements = ask({ vendors: [vendor('lakeside'), sub], agreements: [agreement('lakeside')] });
    expect([says(statements, FLOW_DOWN), says(statements, OVERSIGHT)]).toEqual([['failing'], ['met']]);
    expect(reasons(statements, FLOW_DOWN)).toContain('vendor hosting handles ePHI and has no agreement');
    expect(says(statements, '164.504(e)(5)')).toEqual(['failing']);
  });

  it.each(['504e2iiD', '314B'] as const)('that it fails where the agreement above lacks the term %s', (term) => {
    const statements = ask({
      vendors: [vendor('lakeside', { ephi: false }), sub],
      agreements: [agreement('lakeside', { terms: terms([term]) }), agreement('hosting')],
    });
    expect(reasons(statements, FLOW_DOWN)).toContain('does not bind subcontractors');
    expect(says(statements, FLOW_DOWN)).toEqual(['failing']);
  });

  it('that it fails where the vendor above is not in effect, or its agreement is not in force', () => {
    expect(reasons(ask({ vendors: [sub], agreements: [agreement('hosting')] }), FLOW_DOWN)).toContain(
      'is not in effect',
    );
    const statements = ask({ vendors: [vendor('lakeside', { ephi: false }), sub], agreements: [agreement('hosting')] });
    expect(reasons(statements, FLOW_DOWN)).toContain('has no agreement in force');
  });

  it('that it fails in a circle', () => {
    const other = vendor('lakeside', { parent: idOf('hosting') });
    const statements = ask({ vendors: [other, sub], agreements: [agreement('lakeside'), agreement('hosting')] });
    expect(says(statements, FLOW_DOWN)).toEqual(['failing']);
  });

  it('that clauses checked too long ago are stale', () => {
    const old = agreement('lakeside', {}, { from: '2025-05-31T00:00:00Z' });
    const statements = ask({ vendors: [vendor('lakeside')], agreements: [old] });
    expect([says(statements, FLOW_DOWN), says(statements, OVERSIGHT)]).toEqual([['stale'], ['met']]);
    const fresh = ask({
      vendors: [vendor('lakeside')],
      agreements: [agreement('lakeside', {}, { from: '2025-06-01T00:00:00Z' })],
    });
    expect(of(fresh, FLOW_DOWN)[0]).toMatchObject({ says: 'met', until: new Date(NOW.getTime() + 1) });
  });
});

describe('what is said of reviews?', () => {
  const two = {
    vendors: [vendor('lakeside'), vendor('archive')],
    agreements: [agreement('lakeside'), agreement('archive')],
  };
  const reviewed = (...reviews: EffectiveRecord[]) => says(ask({ ...two, reviews }), OVERSIGHT, 'vendor_review');

  it('nothing without any; stale while one is missing or too old; met when all are fresh', () => {
    expect(reviewed()).toEqual([]);
    expect(reviewed(review('lakeside', '2026-05-01'))).toEqual(['stale']);
    expect(reviewed(review('lakeside', '2026-05-01'), review('archive', '2025-05-31'))).toEqual(['stale']);
    expect(reviewed(review('lakeside', '2026-05-01'), review('archive', '2025-06-01'))).toEqual(['met']);
  });

  it('nothing by one that was made later', () => {
    const input = { vendors: [vendor('lakeside')], agreements: [agreement('lakeside')] };
    expect(says(ask({ ...input, reviews: [review('lakeside', '2026-06-02')] }), OVERSIGHT, 'vendor_review')).toEqual(
      [],
    );
  });

  it('failing where the last one says so', () => {
    const bad = review('archive', '2026-05-02', { fails: true, outcome: 'inadequate' });
    expect(reviewed(review('lakeside', '2026-05-01'), review('archive', '2026-05-01'), bad)).toEqual(['failing']);
    expect(reviewed(review('lakeside', '2026-05-01'), review('archive', '2026-05-03'), bad)).toEqual(['met']);
  });
});

describe('what if there is no vendor with ePHI?', () => {
  const states = (control: string, from = '2026-01-01T00:00:00Z', said: Said = {}, applies: boolean[] = [false]) =>
    effective(
      'applicability_statement',
      'none',
      { statements: applies.map((one) => ({ control, applies: one })) },
      { from, ...said },
    );

  it('that it is met where it is stated, for as long as the statement is fresh', () => {
    const statements = ask({ applicability: [states('164.308(b)(1)')] });
    expect([says(statements, OVERSIGHT), says(statements, FLOW_DOWN), says(statements, controlOf('504e2iii'))]).toEqual(
      [['met'], ['met'], ['met']],
    );
    expect(says(ask({ applicability: [states('164.308(b)(1)', '2025-05-31T00:00:00Z')] }), OVERSIGHT)).toEqual([
      'stale',
    ]);
  });

  it('nothing where the statement is of something else, has expired or fails', () => {
    expect(ask({ applicability: [states('164.308(a)(4)(ii)(A)')] })).toEqual([]);
    expect(ask({ applicability: [states('164.308(b)(1)', undefined, { expires: '2026-06-01T00:00:00Z' })] })).toEqual(
      [],
    );
    expect(ask({ applicability: [states('164.308(b)(1)', undefined, { fails: true })] })).toEqual([]);
    for (const applies of [[true], [false, true], []]) {
      expect(ask({ applicability: [states('164.308(b)(1)', undefined, {}, applies)] })).toEqual([]);
    }
    expect(ask({ applicability: [{ ...states('164.308(b)(1)'), fields: {}, disposed: true }] })).toEqual([]);
  });

  it('nothing where only contracts one level down are said not to apply', () => {
    expect(ask({ applicability: [states('164.308(b)(2)')] })).toEqual([]);
    expect(says(ask({ applicability: [states('164.308(b)(3)')] }), OVERSIGHT)).toEqual([]);
  });

  it('what the last statement about them says, whatever an older one did', () => {
    const none = states('164.308(b)(1)');
    const some = { ...states('164.308(b)(1)', '2026-04-01T00:00:00Z', {}, [true]), id: idOf('some') };
    expect(ask({ applicability: [none, some] })).toEqual([]);
    expect(says(ask({ applicability: [none, some] }, at('2026-03-01')), OVERSIGHT)).toEqual(['met']);
  });

  it('nothing yet where the statement is of a day to come', () => {
    expect(ask({ applicability: [states('164.308(b)(1)', undefined, { goodFrom: '2026-06-02T00:00:00Z' })] })).toEqual(
      [],
    );
  });

  it('that it fails all the same, where a vendor has ePHI', () => {
    const statements = ask({ vendors: [vendor('lakeside')], applicability: [states('164.308(b)(1)')] });
    expect(says(statements, OVERSIGHT)).toEqual(['failing']);
  });
});

describe('what stands on the work list?', () => {
  const ending = (day: string) => {
    const statements = ask({
      vendors: [vendor('lakeside')],
      agreements: [agreement('lakeside', {}, { expires: `${day}T00:00:00Z` })],
    });
    return statements.filter(({ work }) => work !== undefined);
  };

  it.each([
    ['2026-08-30', 90],
    ['2026-07-31', 60],
    ['2026-07-01', 30],
    ['2026-06-02', 30],
  ])('an agreement that ends on %s, as within %i days, met until then', (day, days) => {
    expect(ending(day)).toMatchObject([
      {
        about: { practice: OVERSIGHT },
        says: 'met',
        until: at(day),
        reason: expect.stringContaining(`within ${days} days`),
        work: { kind: 'expiring', ownerId: OWNER, dueAt: at(day) },
      },
    ]);
  });

  it('but none that ends later', () => {
    expect(ending('2026-08-31')).toEqual([]);
  });

  it('and one beside what fails or is stale, which it does not better', () => {
    const soon = { expires: '2026-06-20T00:00:00Z' };
    const failing = ask({ vendors: [vendor('a'), vendor('b')], agreements: [agreement('a', {}, soon)] });
    expect(of(failing, OVERSIGHT).filter(({ work }) => work !== undefined)).toHaveLength(1);
    expect(says(failing, OVERSIGHT)).toContain('failing');
    const stale = ask({
      vendors: [vendor('a', { parent: idOf('b') }), vendor('b')],
      agreements: [agreement('a', {}, { ...soon, from: '2025-01-01T00:00:00Z' }), agreement('b')],
    });
    expect(says(stale, FLOW_DOWN)).toEqual(['stale']);
  });
});
