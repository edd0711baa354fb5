import { describe, expect, it } from 'vitest';
import { effectiveRecord } from '../../test/support/effective.js';
import { newId } from '../kernel/ids.js';
import type { EffectiveRecord } from '../records/effective.js';
import { FACT_KINDS } from '../results/fact.js';
import type { BackupRun } from './backups.js';
import { judgeRecovery } from './judge.js';
import type { BackupLocation } from './stores.js';

const at = (text: string): Date => new Date(text.length === 10 ? `${text}T00:00:00Z` : text);
const AS_OF = at('2026-06-01');
const OBJECTIVE = newId();

const objective = (fields: Record<string, unknown> = {}, id = OBJECTIVE) =>
  effectiveRecord(
    'recovery_objective',
    { scope: 'emr', namespaces: ['emr'], rtoMinutes: 240, rpoMinutes: 1440, criticality: 'critical', ...fields },
    { id, naturalKey: 'emr' },
  );
const test = (completedAt: string, fields: Record<string, unknown> = {}, more: Partial<EffectiveRecord> = {}) =>
  effectiveRecord(
    'restore_test',
    {
      objective: OBJECTIVE,
      backup: 'emr-daily',
      startedAt: `${completedAt}T00:00:00Z`,
      completedAt: `${completedAt}T01:00:00Z`,
      result: 'passed',
      measuredRtoMinutes: 60,
      measuredRpoMinutes: 600,
      ...fields,
    },
    { id: newId(), goodFrom: at(`${completedAt}T01:00:00Z`), ...more },
  );
const run = (startedAt: string, includedNamespaces = ['emr'], unusable: string | null = null): BackupRun => ({
  series: newId(),
  source: 'velero',
  name: 'a',
  scanId: newId(),
  startedAt: at(startedAt),
  completedAt: at(startedAt),
  goneAt: null,
  unusable,
  value: { ...EMPTY, includedNamespaces },
});
const EMPTY = FACT_KINDS.backup.parse({
  ...Object.fromEntries(Object.keys(FACT_KINDS.backup.shape).map((name) => [name, null])),
  ...Object.fromEntries(
    ['includedNamespaces', 'excludedNamespaces', 'includedResources', 'excludedResources'].map((name) => [name, []]),
  ),
  selective: false,
});

const LIMITS: Record<string, number | null> = {
  'rto-rpo-targets/recovery_objective': 365,
  'volume-database-backup/backup_report': 2,
  'restore-testing/restore_test': 92,
  'disaster-exercises/exercise_report': 365,
  'backup-offsite-immutability/immutability_evidence': 31,
};

function judged(
  records: EffectiveRecord[],
  {
    runs = [] as BackupRun[],
    holdsPhi = true,
    phiNamespaces = ['emr'],
    locations = [] as BackupLocation[],
    asOf = AS_OF,
  } = {},
) {
  const limitOf = (practice: string, type: string) => {
    const days = LIMITS[`${practice}/${type}`];
    return days === undefined ? undefined : { days };
  };
  const all = judgeRecovery({ records, runs, holdsPhi, phiNamespaces, locations, limitOf, asOf });
  return (practice: string) => all.filter(({ about }) => 'practice' in about && about.practice === practice);
}

describe('are there recovery objectives?', () => {
  const of = (...given: Parameters<typeof judged>) => judged(...given)('rto-rpo-targets');

  it('where all that holds PHI has one, until one is too old', () => {
    expect(of([])).toEqual([]);
    expect(of([objective()])).toMatchObject([{ says: 'met', need: 'recovery_objective', until: at('2027-01-01') }]);
    expect(of([objective()], { asOf: at('2027-01-01') })).toMatchObject([{ says: 'stale' }]);
    const others = ['lab', 'pacs'].map((scope) => ({ ...objective({ scope }, newId()), ownerId: newId() }));
    expect(of(others, { asOf: at('2027-01-01'), phiNamespaces: ['emr'] })).toMatchObject(
      others.map(({ id, ownerId }) => ({ says: 'stale', records: [id], work: { kind: 'stale', ownerId } })),
    );
    expect(of([objective()], { phiNamespaces: ['emr', 'lab'] })).toMatchObject([
      { says: 'failing', reason: expect.stringContaining('lab') },
    ]);
    expect(of([objective({ namespaces: undefined })], { phiNamespaces: ['emr', 'lab'] })).toMatchObject([
      { says: 'met' },
    ]);
  });

  it('not for some namespaces alone, where any may hold PHI', () => {
    expect(of([objective()], { phiNamespaces: [] })).toMatchObject([
      { says: 'failing', reason: expect.stringContaining('any namespace may hold PHI') },
    ]);
    expect(of([objective({ namespaces: [] })], { phiNamespaces: [] })).toMatchObject([{ says: 'met' }]);
    expect(of([objective()], { holdsPhi: false, phiNamespaces: [] })).toMatchObject([{ says: 'met' }]);
  });

  it('not where one cannot be read', () => {
    expect(of([objective({ rpoMinutes: 'a day' })])).toMatchObject([{ says: 'failing' }]);
  });
});

describe('is the recovery point objective held?', () => {
  const of = (...given: Parameters<typeof judged>) => judged(...given)('volume-database-backup');

  it('by a good backup that began within it, until it is over', () => {
    const runs = [run('2026-05-31T01:00:00Z')];
    // There is no record to renew: the next backup does.
    expect(of([objective()], { runs })).toMatchObject([
      { says: 'met', records: [], until: at('2026-06-01T01:00:00Z') },
    ]);
    expect(of([objective()], { runs, asOf: at('2026-06-01T01:00:00Z') })).toMatchObject([
      { says: 'failing', reason: expect.stringContaining('older than its RPO of 1440 minutes') },
    ]);
  });

  it('not where none is known, where it is of something else, or no good one', () => {
    expect(of([objective()])).toMatchObject([{ says: 'failing' }]);
    expect(of([objective()], { runs: [run('2026-05-31T12:00:00Z', ['lab'])] })).toMatchObject([{ says: 'failing' }]);
    expect(of([objective()], { runs: [run('2026-05-31T12:00:00Z', ['emr'], 'It failed.')] })).toMatchObject([
      { says: 'failing' },
    ]);
  });

  it('not by one that is gone: there is nothing to restore', () => {
    const gone = { ...run('2026-05-31T12:00:00Z'), goneAt: at('2026-05-31T20:00:00Z') };
    expect(of([objective()], { runs: [gone] })).toMatchObject([
      { says: 'failing', reason: expect.stringContaining('2026-05-31T20:00:00.000Z') },
    ]);
    expect(of([objective()], { runs: [run('2026-05-31T02:00:00Z'), gone] })).toMatchObject([
      { says: 'met', until: at('2026-06-01T02:00:00Z') },
    ]);
  });

  it('for each namespace by itself', () => {
    const both = objective({ namespaces: ['emr', 'lab'] });
    const emr = run('2026-05-31T12:00:00Z');
    expect(of([both], { runs: [emr] })).toMatchObject([{ says: 'failing', reason: expect.stringContaining('lab') }]);
    expect(of([both], { runs: [emr, run('2026-05-31T13:00:00Z', ['lab'])] })).toMatchObject([{ says: 'met' }]);
  });

  const report = (periodTo: string, more: Partial<EffectiveRecord> = {}) =>
    effectiveRecord(
      'backup_report',
      { namespaces: ['emr'], periodTo },
      { id: newId(), goodFrom: at(periodTo), ...more },
    );

  it('by a report that people wrote, as of its end and for its namespaces', () => {
    const written = report('2026-05-31T12:00:00Z');
    expect(of([objective(), written])).toMatchObject([
      { says: 'met', records: [written.id], until: at('2026-06-01T12:00:00Z') },
    ]);
    expect(of([objective(), report('2026-05-30T23:00:00Z')])).toMatchObject([{ says: 'failing' }]);
    expect(of([objective({ rpoMinutes: 10_000 }), report('2026-05-29T23:00:00Z')])).toMatchObject([
      { says: 'failing' },
    ]);
    expect(of([objective({ namespaces: ['lab'] }), report('2026-05-31T12:00:00Z')])).toMatchObject([
      { says: 'failing' },
    ]);
    expect(of([objective(), report('2026-05-31T12:00:00Z', { fails: true, outcome: 'gaps' })])).toMatchObject([
      { says: 'failing' },
    ]);
  });

  it('without an objective: by a report alone, as fresh as it is', () => {
    expect(of([], { runs: [run('2026-05-31T12:00:00Z')] })).toEqual([]);
    expect(of([report('2026-05-31T12:00:00Z')])).toMatchObject([{ says: 'met', until: at('2026-06-02T12:00:00Z') }]);
    expect(of([report('2026-05-20T12:00:00Z')])).toMatchObject([{ says: 'stale' }]);
  });

  it('not by a report before its end, whatever it says and whenever it is in effect from', () => {
    const [past, later] = [report('2026-05-31T12:00:00Z'), report('2026-06-20T12:00:00Z')];
    const failed = report('2026-06-20T12:00:00Z', { fails: true, outcome: 'gaps' });
    expect(of([later])).toEqual([]);
    expect(of([failed])).toEqual([]);
    expect(of([past, later])).toMatchObject([{ says: 'met', records: [past.id], until: at('2026-06-02T12:00:00Z') }]);
    expect(of([objective(), past, failed])).toMatchObject([{ says: 'met', records: [past.id] }]);
  });
});

const seen = (checkedOn: string, fields: Record<string, unknown> = {}, more: Partial<EffectiveRecord> = {}) =>
  effectiveRecord(
    'immutability_evidence',
    { store: 's3://clinic-backups', lock: 'compliance', encryption: 'customer_key', ...fields },
    { id: newId(), goodFrom: at(checkedOn), ...more },
  );

describe('are backups locked in each place where they are kept?', () => {
  const of = (...given: Parameters<typeof judged>) => judged(...given)('backup-offsite-immutability');
  const location = (name: string, bucket: string | null): BackupLocation => ({ series: newId(), name, bucket });
  const main = location('default', 'clinic-backups');

  it('one without a lock stays one, whatever is written of another later', () => {
    const open = seen('2026-05-10', { lock: 'none' }, { fails: true });
    const other = seen('2026-05-20', { store: 's3://another' });
    expect(of([open, other])).toMatchObject([
      {
        says: 'failing',
        need: 'immutability_evidence',
        records: [open.id],
        reason: expect.stringContaining('clinic-backups'),
      },
    ]);
    expect(of([open, other, seen('2026-05-21')])).toEqual([]);
    expect(of([open, seen('2026-06-02')])).toMatchObject([{ says: 'failing', until: at('2026-06-02') }]);
  });

  it('not where reports name a place that no fresh record speaks of', () => {
    const other = seen('2026-05-20', { store: 's3://another' });
    expect(of([seen('2026-05-20')], { locations: [main] })).toEqual([]);
    expect(of([other], { locations: [main] })).toMatchObject([
      {
        says: 'stale',
        records: [other.id],
        until: at('2026-06-20'),
        reason: expect.stringContaining('default (clinic-backups)'),
      },
    ]);
    expect(of([seen('2026-04-20'), other], { locations: [main] })).toMatchObject([{ says: 'stale' }]);
    expect(of([seen('2026-05-20')], { locations: [main, location('second', null)] })).toMatchObject([
      { says: 'stale', reason: expect.stringContaining('1 of 2') },
    ]);
    expect(of([], { locations: [main] })).toEqual([]);
  });

  it('by the record of another place that links to where they are copied from', () => {
    const links = [{ kind: 'series', target: main.series, note: 'replicated' }] as const;
    expect(of([seen('2026-05-20', { store: 's3://copy' }, { links })], { locations: [main] })).toEqual([]);
  });
});

describe('are backups encrypted where they are kept?', () => {
  const of = (...given: Parameters<typeof judged>) => judged(...given)('backup-encryption');

  it('not where who looked last saw that they are not; that they are is said elsewhere', () => {
    const none = seen('2026-05-01', { encryption: 'none' });
    expect(of([none])).toMatchObject([
      { says: 'failing', need: null, records: [none.id], reason: expect.stringContaining('clinic-backups') },
    ]);
    expect(of([seen('2026-05-01')])).toEqual([]);
    expect(of([none, seen('2026-05-02', { store: 's3://clinic-backups/' })])).toEqual([]);
    expect(of([none, seen('2026-05-02', { store: 's3://another' })])).toMatchObject([{ says: 'failing' }]);
    expect(of([none, seen('2026-06-02')])).toMatchObject([{ says: 'failing', until: at('2026-06-02') }]);
    expect(of([seen('2026-06-02', { encryption: 'none' })])).toEqual([]);
  });
});

describe('are restores tested?', () => {
  const of = (...given: Parameters<typeof judged>) => judged(...given)('restore-testing');

  it('by a fresh test of each objective that met it', () => {
    expect(of([objective()])).toEqual([]);
    expect(of([objective(), test('2026-05-01')])).toMatchObject([
      {
        says: 'met',
        reason: expect.stringContaining('the one recovery objective was'),
        until: at('2026-08-01T01:00:00Z'),
      },
    ]);
    // A test that is to come does not end it: it is looked at again then.
    expect(of([objective(), test('2026-05-01'), test('2026-06-02')])).toMatchObject([
      { says: 'met', until: at('2026-08-01T01:00:00Z'), again: at('2026-06-02T01:00:00Z') },
    ]);
    expect(of([objective(), test('2026-02-01')])).toMatchObject([{ says: 'stale' }]);
    const other = objective({ scope: 'lab' }, newId());
    expect(of([objective(), other, test('2026-05-01')])).toMatchObject([
      { says: 'stale', reason: expect.stringContaining('lab has no test'), records: [other.id] },
    ]);
  });

  it('and is each that wants one told, with its own test and to its own owner', () => {
    const [lab, pacs] = [newId(), newId()].map((ownerId) => ({
      ...objective({ scope: ownerId }, newId()),
      ownerId,
    })) as [EffectiveRecord, EffectiveRecord];
    const old = test('2026-02-01', { objective: lab.id });
    const fresh = test('2026-05-01');
    expect(of([objective(), lab, pacs, fresh, old])).toMatchObject([
      { says: 'stale', records: [old.id, lab.id], work: { kind: 'stale', ownerId: lab.ownerId } },
      { says: 'stale', records: [pacs.id], work: { kind: 'stale', ownerId: pacs.ownerId } },
    ]);
    const first = test('2026-04-01', { objective: lab.id });
    expect(of([objective(), lab, fresh, first])).toMatchObject([{ says: 'met', records: [first.id, fresh.id] }]);
  });

  it.each([
    ['its result', { result: 'failed' }],
    ['what was measured', { measuredRtoMinutes: 241 }],
    ['the clock, whatever was written', { completedAt: '2026-05-01T04:01:00Z' }],
    ['the age of its data', { measuredRpoMinutes: 1441 }],
    ['an age that nobody wrote down', { measuredRpoMinutes: undefined }],
  ])('not where one missed it by %s, until a later one passes', (_what, fields) => {
    const missed = test('2026-05-01', fields);
    expect(of([objective(), missed])).toMatchObject([
      {
        says: 'failing',
        reason: expect.stringContaining('emr'),
        work: { kind: 'failing', dueAt: new Date(missed.fields['completedAt'] as string) },
      },
    ]);
    expect(of([objective(), missed, test('2026-04-30')])).toMatchObject([{ says: 'failing' }]);
    expect(of([objective(), missed, test('2026-05-02')])).toMatchObject([{ says: 'met' }]);
  });

  it('not by one that is completed later', () => {
    expect(of([objective(), test('2026-06-02')])).toEqual([]);
    expect(of([objective(), test('2026-05-01', { result: 'failed' }), test('2026-06-02')])).toMatchObject([
      { says: 'failing', until: at('2026-06-02T01:00:00Z') },
    ]);
  });

  it('and of two at one instant by the one that missed it', () => {
    const [passed, failed] = [test('2026-05-01'), test('2026-05-01', { result: 'failed' })];
    expect(of([objective(), passed, failed])).toMatchObject([{ says: 'failing' }]);
    expect(of([objective(), failed, passed])).toMatchObject([{ says: 'failing' }]);
  });
});

describe('is what exercises find taken up?', () => {
  const of = (...given: Parameters<typeof judged>) => judged(...given)('disaster-exercises');
  const REPORT = newId();
  const report = (...numbers: string[]) =>
    effectiveRecord(
      'exercise_report',
      { scenario: 'The region is lost.', heldOn: '2026-05-01', findings: numbers.map((number) => ({ number })) },
      { id: REPORT, goodFrom: at('2026-05-01') },
    );
  const linked = (type: string, fields: Record<string, unknown>, note = '') =>
    effectiveRecord(type, fields, { id: newId(), links: [{ kind: 'record', target: REPORT, note }] });
  const action = (fields: Record<string, unknown>) =>
    linked('corrective_action', { what: 'a', dueOn: '2026-07-01', ...fields });

  it('nothing found is nothing to take up', () => {
    expect(of([])).toEqual([]);
    expect(of([report()])).toMatchObject([{ says: 'met', until: at('2027-05-01') }]);
    expect(of([report()], { asOf: at('2027-05-01') })).toMatchObject([{ says: 'stale' }]);
  });

  it('not by one that is held later', () => {
    expect(of([report('1')], { asOf: at('2026-04-30') })).toEqual([]);
  });

  it('within 30 days it is work, and failing after', () => {
    expect(of([report('1', '2')], { asOf: at('2026-05-30') })).toMatchObject([
      { says: 'met', until: at('2026-05-31') },
      { says: 'met', work: { kind: 'due', dueAt: at('2026-05-31') } },
      { says: 'met', work: { kind: 'due' } },
    ]);
    expect(of([report('1', '2')], { asOf: at('2026-05-31') })).toMatchObject([
      { says: 'failing' },
      { says: 'failing' },
    ]);
  });

  it('by a corrective action or a risk that names it, each finding its own', () => {
    expect(of([report('1', '2'), action({ finding: '1' })])).toMatchObject([
      { says: 'failing', reason: expect.stringContaining('finding 2') },
    ]);
    const both = [report('1', '2'), action({ finding: '1', completedOn: '2026-05-20' }), linked('risk', {}, '2')];
    expect(of(both)).toMatchObject([{ says: 'met' }]);
    expect(of([report('1'), linked('risk', {})])).toMatchObject([{ says: 'met' }]);
  });

  it('by an action that is done in its time', () => {
    const late = [report('1'), action({ finding: '1', dueOn: '2026-05-20' })];
    expect(of(late, { asOf: at('2026-05-20T23:59:59Z') })).toMatchObject([{ says: 'met' }, { work: { kind: 'due' } }]);
    expect(of(late, { asOf: at('2026-05-21') })).toMatchObject([
      { says: 'failing', reason: expect.stringContaining('overdue') },
    ]);
    const done = action({ finding: '1', dueOn: '2026-05-20', completedOn: '2026-05-25' });
    expect(of([report('1'), done])).toMatchObject([{ says: 'met' }]);
  });
});
