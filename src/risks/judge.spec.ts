import { describe, expect, it } from 'vitest';
import { effective, idOf } from '../../test/support/effective.js';
import { DEFAULT_RISK_MATRIX } from '../organizations/organization.schema.js';
import type { EffectiveRecord } from '../records/effective.js';
import type { Statement } from '../records/statement.js';
import { judge, latestOf, type RisksInput } from './judge.js';
import { keptMatrix } from './matrix.js';
import type { RiskNeed } from './needs.js';

const at = (day: string): Date => new Date(`${day}T00:00:00Z`);
const NOW = at('2026-06-01');
const emr = { id: idOf('emr'), name: 'emr-production', phiNamespaces: ['emr'] };
const imaging = { id: idOf('imaging'), name: 'Lakeside Imaging' };
const about = { practice: 'risk-analysis' };
const NEEDS: RiskNeed[] = [
  { about, type: 'risk_analysis', days: 365 },
  { about, type: 'risk_management_plan', days: 365 },
  { about: { practice: 'periodic-evaluation' }, type: 'evaluation', days: 365 },
];

type Said = NonNullable<Parameters<typeof effective>[3]>;

const analysis = (fields: object = {}, said: Said = {}, name = 'analysis'): EffectiveRecord =>
  effective(
    'risk_analysis',
    name,
    {
      method: 'SP 800-30',
      systems: [{ systemId: emr.id, version: '1.34' }],
      namespaces: [`${emr.id}/emr`],
      volumes: [],
      vendors: [imaging.id],
      leftOut: [{ what: 'marketing', why: 'No ePHI.' }],
      assets: [{ name: 'Record system', ephi: true }],
      flows: [],
      matrix: keptMatrix(DEFAULT_RISK_MATRIX),
      conclusion: 'One risk.',
      ...fields,
    },
    { from: '2026-03-01T00:00:00Z', ...said },
  );
const risk = (number: string, fields: object = {}, said: Said = {}): EffectiveRecord =>
  effective(
    'risk',
    number,
    {
      number,
      analysis: idOf('analysis'),
      asset: 'Record system',
      threat: 'Ransomware',
      vulnerability: 'No object lock',
      likelihood: 3,
      impact: 5,
      treatment: 'mitigate',
      treatmentOwner: idOf('treater'),
      dueOn: '2026-09-01',
      ...fields,
    },
    { naturalKey: number, ...said },
  );
const plan = (fields: object = {}, said: Said = {}): EffectiveRecord =>
  effective(
    'risk_management_plan',
    'plan',
    { analysis: idOf('analysis'), approach: 'All high ones.', acceptable: 'low', reviewedOn: '2026-03-14', ...fields },
    { from: '2026-03-15T00:00:00Z', ...said },
  );
const AROUND = {
  systems: [emr],
  systemsThen: [emr],
  versions: new Map([[emr.id, '1.34']]),
  versionsThen: new Map([[emr.id, '1.34']]),
  vendors: [imaging],
};

const ask = (input: Partial<RisksInput>, asOf = NOW): Statement[] =>
  judge(
    { analyses: [], formerly: new Set(), plans: [], risks: [], around: AROUND, evaluation: null, ...input },
    NEEDS,
    asOf,
  );
const of = (statements: readonly Statement[], need: string) => statements.filter((one) => one.need === need);
const told = (statements: readonly Statement[], need: string): [says: string, reason: string][] =>
  of(statements, need).map(({ says, reason }) => [says, reason]);

describe('what does a risk analysis say?', () => {
  it('does nobody’s having made one say nothing?', () => {
    expect(ask({})).toEqual([]);
    expect(of(ask({ plans: [plan()] }), 'risk_analysis')).toEqual([]);
  });

  it('is it met while it is fresh and nothing has changed, to the last millisecond?', () => {
    const input = { analyses: [analysis()], risks: [risk('R-1', { treatment: 'accept' })] };
    const [statement] = of(ask(input), 'risk_analysis');
    expect(statement).toMatchObject({ about, says: 'met', records: [idOf('analysis')], at: NOW });
    const end = new Date(Date.parse('2027-03-01T00:00:00.001Z'));
    expect(statement?.until).toEqual(end);
    expect(of(ask(input, new Date(end.getTime() - 1)), 'risk_analysis')[0]?.says).toBe('met');
    expect(told(ask(input, end), 'risk_analysis')).toEqual([
      ['stale', 'Record risk_analysis: the one that counts from 2026-03-01 is older than 365 days.'],
    ]);
  });

  it('is one without any risk no analysis?', () => {
    const [[says, reason] = []] = told(ask({ analyses: [analysis()] }), 'risk_analysis');
    expect([says, reason]).toEqual(['failing', expect.stringContaining('has no risk in effect')]);
    const older = analysis({}, { from: '2025-03-01T00:00:00Z' }, 'older');
    const ofOlder = risk('R-9', { analysis: older.id });
    expect(of(ask({ analyses: [older, analysis()], risks: [ofOlder] }), 'risk_analysis')[0]?.says).toBe('failing');
  });

  it('do risks of another, that was abandoned, has ended or is yet to come, speak for it?', () => {
    const other = risk('R-9', { analysis: idOf('other') });
    expect(of(ask({ analyses: [analysis()], risks: [other] }), 'risk_analysis')).toMatchObject([
      { says: 'failing', reason: expect.stringContaining('has no risk in effect') },
    ]);
    // One that was a risk of it is approved for the next one before that is in effect.
    const formerly = new Set([other.id]);
    expect(of(ask({ analyses: [analysis()], risks: [other], formerly }), 'risk_analysis')[0]?.says).toBe('met');
  });

  it('does one that cannot be read never count?', () => {
    for (const broken of [
      { ...analysis(), fields: {}, disposed: true },
      analysis({ systems: 'all' }),
      analysis({ leftOut: undefined }),
    ]) {
      const [[says, reason] = []] = told(ask({ analyses: [broken], risks: [risk('R-1')] }), 'risk_analysis');
      expect([says, reason]).toEqual(['failing', expect.stringContaining('cannot be read')]);
    }
  });

  it.each<[string, Partial<typeof AROUND>, string]>([
    [
      'a new system',
      { systems: [emr, { id: idOf('dr'), name: 'dr', phiNamespaces: [] }] },
      'system dr is new in scope',
    ],
    [
      'a new vendor',
      { vendors: [imaging, { id: idOf('lab'), name: 'Northern Labs' }] },
      'vendor Northern Labs is a new vendor',
    ],
    [
      'another minor version',
      { versions: new Map([[emr.id, '1.35']]) },
      'the cluster of emr-production runs Kubernetes 1.35, before 1.34',
    ],
    [
      'one more namespace with PHI',
      { systems: [{ ...emr, phiNamespaces: ['billing', 'emr'] }] },
      'namespace billing of emr-production holds PHI now',
    ],
    [
      'one namespace less',
      { systemsThen: [{ ...emr, phiNamespaces: ['emr', 'old'] }] },
      'namespace old of emr-production holds no PHI any more',
    ],
    [
      'no namespace named any more',
      { systems: [{ ...emr, phiNamespaces: [] }] },
      'any namespace of emr-production may hold PHI now',
    ],
  ])('does %s make it stale, and say so?', (_, changed, words) => {
    const input = { analyses: [analysis()], risks: [risk('R-1')], around: { ...AROUND, ...changed } };
    const [[says, reason] = []] = told(ask(input), 'risk_analysis');
    expect([says, reason]).toEqual(['stale', expect.stringContaining(words)]);
  });

  it('is what it leaves out by name no change, and what went away none either?', () => {
    const around = {
      ...AROUND,
      systems: [emr, { id: idOf('web'), name: 'Marketing ', phiNamespaces: [] }],
      vendors: [],
    };
    expect(of(ask({ analyses: [analysis()], risks: [risk('R-1')], around }), 'risk_analysis')[0]?.says).toBe('met');
  });

  it('is a version that nobody has told of no change, and one that the analysis does not name compared with what was known then?', () => {
    const unnamed = analysis({ systems: [{ systemId: emr.id }] });
    const says = (changed: Partial<typeof AROUND>) =>
      of(ask({ analyses: [unnamed], risks: [risk('R-1')], around: { ...AROUND, ...changed } }), 'risk_analysis')[0]
        ?.says;
    expect(says({ versions: new Map() })).toBe('met');
    expect(says({ versionsThen: new Map() })).toBe('met');
    expect(says({ versions: new Map([[emr.id, '1.35']]) })).toBe('stale');
  });

  it('does the latest of several speak?', () => {
    const newer = analysis({}, { from: '2026-05-01T00:00:00Z' }, 'newer');
    expect(latestOf([newer, analysis()])?.id).toBe(newer.id);
    expect(latestOf([analysis(), newer])?.id).toBe(newer.id);
    expect(latestOf([])).toBeNull();
  });
});

describe('is an evaluation made before a material change stale?', () => {
  const record = effective('evaluation', 'evaluation', {}, { from: '2026-03-01T00:00:00Z' });
  const then = { ...AROUND, vendorsThen: [imaging] };
  const web = { id: idOf('web'), name: 'portal', phiNamespaces: [] };
  const said = (changed: Partial<typeof then>) =>
    told(ask({ evaluation: { record, around: { ...then, ...changed } } }), 'evaluation');

  it.each([
    ['a new system', { systems: [emr, web] }, 'system portal is new in scope'],
    ['another version of a cluster', { versions: new Map([[emr.id, '1.35']]) }, 'runs Kubernetes 1.35, before 1.34'],
    ['a new vendor', { vendorsThen: [] }, 'vendor Lakeside Imaging is a new vendor'],
    [
      'another namespace with PHI',
      { systemsThen: [{ ...emr, phiNamespaces: ['old'] }] },
      'namespace emr of emr-production holds PHI now',
    ],
  ])('by %s it is, and says so', (_, changed, words) => {
    expect(said(changed)).toEqual([['stale', expect.stringContaining(words)]]);
    expect(said(changed)[0]?.[1]).toContain('since the one that counts from 2026-03-01');
  });

  it('by nothing else: whether there is one, and its age, its record says itself', () => {
    expect(said({})).toEqual([]);
    expect(said({ systemsThen: [emr, web] })).toEqual([]);
    expect(of(ask({}), 'evaluation')).toEqual([]);
  });
});

describe('what does a risk management plan say?', () => {
  const good = { analyses: [analysis()], plans: [plan()], risks: [risk('R-1'), risk('R-2', { dueOn: '2026-07-01' })] };

  it('is it met until the first treatment is due?', () => {
    const [statement] = of(ask(good), 'risk_management_plan');
    expect(statement).toMatchObject({ says: 'met', until: at('2026-07-02') });
    expect(of(ask(good, new Date(at('2026-07-02').getTime() - 1)), 'risk_management_plan')[0]?.says).toBe('met');
  });

  it('does an overdue treatment fail, by the number of its risk, with a plan or without, until it is done?', () => {
    for (const plans of [[plan()], []]) {
      const statements = of(ask({ ...good, plans }, at('2026-07-02')), 'risk_management_plan');
      expect(statements).toEqual([
        expect.objectContaining({
          says: 'failing',
          reason: 'Record risk: risk R-2 was to be treated (mitigate) by 2026-07-01, and nothing says that it was.',
          records: [idOf('R-2')],
          work: { kind: 'failing', ownerId: idOf('treater'), dueAt: at('2026-07-02') },
        }),
      ]);
    }
    const done = { ...good, risks: [risk('R-2', { dueOn: '2026-07-01', completedOn: '2026-06-20' })] };
    expect(of(ask(done, at('2026-07-02')), 'risk_management_plan')[0]?.says).toBe('met');
    // What will be done is not done.
    const planned = { ...good, risks: [risk('R-2', { dueOn: '2026-07-01', completedOn: '2026-08-01' })] };
    expect(of(ask(planned, at('2026-07-02')), 'risk_management_plan')[0]?.says).toBe('failing');
  });

  it('does a treatment without a day fail, and a risk that cannot be read?', () => {
    const without = risk('R-3', { treatment: 'transfer', dueOn: undefined });
    expect(told(ask({ ...good, risks: [without] }), 'risk_management_plan')).toEqual([
      ['failing', 'Record risk: risk R-3 is to be treated (transfer) and has no day.'],
    ]);
    const unread = { ...risk('R-4'), fields: {}, naturalKey: '', disposed: true };
    expect(of(ask({ ...good, risks: [unread] }), 'risk_management_plan')[0]?.says).toBe('failing');
  });

  it('is one of an earlier analysis stale, one for no risk failing, and one too old stale?', () => {
    const newer = analysis({}, { from: '2026-05-01T00:00:00Z' }, 'newer');
    const [[, reason] = []] = told(ask({ ...good, analyses: [analysis(), newer] }), 'risk_management_plan');
    expect(reason).toContain('is not of the risk analysis in effect');
    expect(of(ask({ ...good, analyses: [] }), 'risk_management_plan')[0]?.says).toBe('stale');
    expect(of(ask({ ...good, risks: [] }), 'risk_management_plan')[0]?.says).toBe('failing');
    const accepted = { ...good, risks: [risk('R-1', { treatment: 'accept', dueOn: undefined })] };
    expect(of(ask(accepted, at('2027-03-15')), 'risk_management_plan')[0]?.says).toBe('met');
    expect(of(ask(accepted, at('2027-03-16')), 'risk_management_plan')[0]?.says).toBe('stale');
  });

  it('is one of an analysis that has ended stale, and one that is reviewed later none?', () => {
    const old = plan({ analysis: idOf('withdrawn') });
    expect(of(ask({ ...good, plans: [old] }), 'risk_management_plan')).toMatchObject([
      { says: 'stale', reason: expect.stringContaining('is not of the risk analysis in effect') },
    ]);
    // The one of the analysis speaks, though the next one's is there already, in another record or in its own next version.
    const next = { ...plan({ analysis: idOf('next') }, { from: '2026-05-15T00:00:00Z' }), id: idOf('next plan') };
    expect(of(ask({ ...good, plans: [plan(), next] }), 'risk_management_plan')[0]?.says).toBe('met');
    expect(of(ask({ ...good, plans: [next], formerly: new Set([next.id]) }), 'risk_management_plan')[0]?.says).toBe(
      'met',
    );
    expect(
      of(ask({ ...good, plans: [plan({}, { goodFrom: '2026-06-02T00:00:00Z' })] }), 'risk_management_plan'),
    ).toEqual([]);
  });

  it('do open treatments and accepted critical risks stand on the work list, and say nothing of the plan?', () => {
    const risks = [
      risk('R-1'),
      risk('R-2', { likelihood: 5, treatment: 'accept', dueOn: undefined }),
      risk('R-3', { likelihood: 1, impact: 1, treatment: 'accept', dueOn: undefined }),
      risk('R-4', { completedOn: '2026-05-01' }),
    ];
    const statements = ask({ analyses: [analysis()], risks });
    expect(of(statements, 'risk_management_plan')).toEqual([]);
    expect(of(statements, 'risk').map(({ reason, work }) => [reason, work?.kind, work?.dueAt, work?.ownerId])).toEqual([
      ['Record risk: risk R-1 is to be treated (mitigate) by 2026-09-01.', 'due', at('2026-09-02'), idOf('treater')],
      ['Record risk: risk R-2 is critical and accepted.', 'due', null, idOf('treater')],
    ]);
  });

  it('are at most twenty risks named, and the others counted?', () => {
    const risks = Array.from({ length: 30 }, (_, index) => risk(`R-${index}`, { dueOn: '2026-01-01' }));
    const statements = of(ask({ ...good, risks }), 'risk_management_plan');
    expect(statements).toHaveLength(20);
    expect(statements.at(-1)).toMatchObject({ reason: 'Record risk: 11 more of the same sort.', alike: 11 });
  });
});
