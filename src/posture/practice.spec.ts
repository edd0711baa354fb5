import { describe, expect, it } from 'vitest';
import type { Check, Practice } from '../catalog/catalog.types.js';
import type { Row, Silence } from './evidence.js';
import { NOTHING_ACCEPTED, type NeedPart } from './needs.js';
import { evaluatePractice, type PracticeCase } from './practice.js';

const DAY = 24 * 60 * 60 * 1000;
const AS_OF = Date.parse('2026-11-23T09:00:00Z');
const ago = (days: number) => AS_OF - days * DAY;

const practice = (change: Partial<Practice> = {}): Practice => ({
  id: 'some-practice',
  section: 'images',
  summary: 'Something is done.',
  primary: [],
  supporting: [],
  automation: 'full',
  kubernetes: [],
  outsideCluster: [],
  records: [],
  scannerFreshness: { maxAgeDays: 8, basis: 'practice', why: 'weekly', from: 'default' },
  note: null,
  ...change,
});

const check = (tool: Check['tool'], id: string, change: Partial<Check> = {}): Check => ({
  tool,
  id,
  aliases: [],
  title: id,
  severity: null,
  mode: null,
  practices: ['some-practice'],
  unmapped: null,
  review: 'proposed',
  evidence: true,
  match: tool === 'kyverno' ? 'name-hint' : 'id',
  deprecated: false,
  sameAs: [],
  by: 'catalog',
  without: null,
  ...change,
});

const C1 = check('kubescape', 'C-0001');
const C2 = check('kubescape', 'C-0002');
const KSV = check('trivy', 'KSV-0012');
const POLICY = check('kyverno', 'require-run-as-nonroot');

function row(
  of: Check,
  status: string,
  change: Partial<Row> & { count?: number; phi?: number; accepted?: number } = {},
): Row {
  const seen = change.seen ?? ago(1);
  return {
    check: of,
    summary: {
      source: of.tool === 'kyverno' ? 'policy-report/kyverno' : of.tool,
      check: of.id,
      targetId: '00000000-0000-4000-8000-000000000001',
      target: { kind: 'cluster', name: 'cluster' },
      status,
      count: change.count ?? 1,
      phi: change.phi ?? 0,
      accepted: change.accepted ?? 0,
      oldestSeen: new Date(seen),
      newestSeen: new Date(AS_OF),
      series: ['00000000-0000-4000-8000-000000000002'],
      scanId: '00000000-0000-4000-8000-000000000003',
      evidenceId: '00000000-0000-4000-8000-000000000003',
    },
    seen,
    complete: change.complete === undefined ? seen : change.complete,
    whole: change.whole === undefined ? true : change.whole,
  };
}

function silence(of: Check, change: Partial<Pick<Silence, 'seen' | 'whole'>> = {}): Silence {
  const seen = change.seen ?? ago(1);
  return {
    check: of,
    whole: change.whole ?? true,
    seen,
    coverage: {
      targetId: '00000000-0000-4000-8000-000000000001',
      target: { kind: 'cluster', name: 'cluster' },
      source: 'trivy/misconfiguration',
      checks: null,
      silentPass: ['KSV-'],
      observedAt: new Date(seen),
      scanId: '00000000-0000-4000-8000-000000000004',
      evidenceId: '00000000-0000-4000-8000-000000000004',
    },
  };
}

function evaluate(change: Partial<PracticeCase> = {}) {
  return evaluatePractice({
    practice: practice(),
    checks: [C1, C2],
    rows: [],
    silences: [],
    benchmarks: new Set(),
    freshness: { maxAgeDays: 8, basis: 'practice', why: 'weekly', from: 'default' },
    asOf: AS_OF,
    systemId: '00000000-0000-4000-8000-000000000000',
    accepted: NOTHING_ACCEPTED,
    corrupt: new Set(),
    records: { needs: [], failures: [] },
    covered: false,
    isReviewed: false,
    maxEvidence: 12,
    ...change,
  }).posture;
}

/** What records say of the needs of a practice, in their order. */
const records = (...needs: (Partial<NeedPart> & Pick<NeedPart, 'state'>)[]) => ({
  needs: needs.map((need): NeedPart => ({
    type: 'restore_test',
    reason: `It is ${need.state}.`,
    records: [],
    until: null,
    ...need,
  })),
  failures: [] as string[],
});

describe('what of a practice whose reports can no longer be shown?', () => {
  const passes = [row(C1, 'pass', { count: 40, seen: ago(2) }), row(C2, 'pass', { seen: ago(1) })];
  const lost = (one: Row) => new Set([one.summary.evidenceId]);

  it('is it failing, and does it say by which evidence?', () => {
    const posture = evaluate({ rows: passes, corrupt: lost(passes[0]!) });
    expect(posture.status).toBe('failing');
    expect(posture.reason).toContain(passes[0]!.summary.evidenceId);
    expect(posture.reason).toContain('can no longer be shown');
  });

  it('is it failing where it rested on the silence of such a report?', () => {
    const silent = silence(C1);
    const posture = evaluate({ silences: [silent], corrupt: new Set([silent.coverage.evidenceId]) });
    expect(posture.status).toBe('failing');
  });

  it('do other reports make it neither better nor worse?', () => {
    const other = new Set(['00000000-0000-4000-8000-0000000000ff']);
    expect(evaluate({ rows: passes, corrupt: other })).toEqual(evaluate({ rows: passes }));
  });
});

describe('when is a practice evidenced?', () => {
  const passes = [row(C1, 'pass', { count: 40, seen: ago(2) }), row(C2, 'pass', { seen: ago(1) })];

  it('when what it does not report is only a check that its tool has given up; if it reports it, that must pass too', () => {
    const retired = check('kubescape', 'C-0003', { deprecated: true });
    const checks = [C1, C2, retired];
    expect(evaluate({ checks, rows: passes }).status).toBe('evidenced');
    expect(evaluate({ checks, rows: [...passes, row(retired, 'pass')] }).status).toBe('evidenced');
    expect(evaluate({ checks, rows: [...passes, row(retired, 'warn')] }).status).toBe('partial');
    expect(evaluate({ checks: [retired] }).status).toBe('missing');
  });

  it('when one tool has fresh passes of all its checks, from complete scans', () => {
    const result = evaluate({ rows: passes });
    expect(result).toMatchObject({ status: 'evidenced', inferred: false, counts: { pass: 41 } });
    expect(result.reason).toBe('All 2 checks of kubescape for it passed, as seen since 2026-11-21. 41 results passed.');
    expect(result.observedAt).toBe(new Date(ago(2)).toISOString());
    expect(result.staleAt).toBe(new Date(ago(2) + 8 * DAY).toISOString());
  });

  it('when the others of another tool are undecided', () => {
    expect(evaluate({ checks: [C1, C2, KSV], rows: [...passes, row(KSV, 'warn')] }).status).toBe('evidenced');
  });

  it.each([
    ['a check of the tool has no result', [passes[0]!]],
    ['a result of the tool is no pass', [...passes, row(C2, 'warn')]],
    ['a check was skipped', [passes[0]!, row(C2, 'skip')]],
    ['a person has to judge one', [...passes, row(C2, 'manual')]],
    ['one could not be run', [...passes, row(C2, 'error')]],
    ['a pass was seen by partial scans only', [passes[0]!, row(C2, 'pass', { complete: null })]],
    [
      'the complete scan is too old, though the pass was seen since',
      [passes[0]!, row(C2, 'pass', { complete: ago(9) })],
    ],
    ['passes are of a namespace or repository', [passes[0]!, row(C2, 'pass', { whole: false })]],
    ['a second node is stale', [...passes, row(C2, 'pass', { seen: ago(9) })]],
  ])('only partial when %s', (_name, rows) => {
    expect(evaluate({ rows }).status).toBe('partial');
  });

  it('not by a machine that sees a part only, and with the record of the rest', () => {
    const part = { practice: practice({ automation: 'partial' }), rows: passes };
    const result = evaluate({
      ...part,
      records: records({ state: 'missing', reason: 'Missing: record restore_test.' }),
    });
    expect(result.status).toBe('partial');
    expect(result.reason).toContain('Scanners see only a part of this practice. Missing: record restore_test.');
    expect(evaluate({ ...part, records: records({ state: 'met' }) }).status).toBe('evidenced');
  });

  it('only while the records that it asks for beside are good, and until the first of all ends', () => {
    expect(evaluate({ rows: passes, records: records({ state: 'missing' }) }).status).toBe('partial');
    expect(evaluate({ rows: passes, records: records({ state: 'stale' }) }).status).toBe('partial');
    const until = new Date(AS_OF + DAY);
    const good = evaluate({ rows: passes, records: records({ state: 'met', until }) });
    expect(good).toMatchObject({ status: 'evidenced', staleAt: until.toISOString() });
    expect(good.needs).toEqual([
      { type: 'restore_test', state: 'met', reason: 'It is met.', records: [], until: until.toISOString() },
    ]);
    expect(
      evaluate({ rows: passes, records: records({ state: 'met', until: new Date(AS_OF + 99 * DAY) }) }).staleAt,
    ).toBe(new Date(ago(2) + 8 * DAY).toISOString());
  });

  it('never by name hints alone', () => {
    const result = evaluate({ checks: [POLICY], rows: [row(POLICY, 'pass')] });
    expect(result.status).toBe('partial');
    expect(result.reason).toContain('hint');
  });

  it('never by files alone that somebody has posted', () => {
    const file = check('kubernetes', 'secrets-kms-v2-first', { match: 'posted-file' });
    const posted = { checks: [file], rows: [row(file, 'pass')] };
    expect(evaluate(posted)).toMatchObject({
      status: 'partial',
      reason: expect.stringContaining('need not be the one in force') as string,
    });
    const hinted = evaluate({ checks: [file, POLICY], rows: [...posted.rows, row(POLICY, 'pass')] });
    expect(hinted.status).toBe('partial');
    expect(hinted.reason).toContain('need not be the one in force. Policies are matched by name');
    // What a tool has seen in the cluster proves it, as it did.
    expect(evaluate({ checks: [file, C1], rows: [...posted.rows, row(C1, 'pass')] }).status).toBe('evidenced');
    expect(evaluate({ checks: [file, C1], rows: [row(file, 'fail'), row(C1, 'pass')] }).status).toBe('failing');
  });

  it('by records alone where it rests on them, whatever scanners say', () => {
    const rests = { practice: practice({ automation: 'records' }), rows: passes };
    const missing = evaluate({ ...rests, records: records({ state: 'missing' }) });
    expect(missing).toMatchObject({ status: 'missing', observedAt: null, staleAt: null });
    expect(missing.reason).toBe('This rests on what people keep. It is missing.');
    expect(evaluate({ ...rests, rows: [], records: records({ state: 'met' }) }).status).toBe('evidenced');
    expect(evaluate({ ...rests, records: records({ state: 'met' }, { state: 'missing' }) }).status).toBe('partial');
  });
});

describe('when is a practice excepted?', () => {
  const failing = [row(C1, 'pass'), row(C2, 'fail', { count: 3 })];
  const accepts = (check: string) => ({ checks: new Set([`kubescape\n${check}`]) });

  it('when all that fails is accepted, by its check or result by result; the results stay failing', () => {
    const byCheck = evaluate({ rows: failing, accepted: accepts(C2.id) });
    expect(byCheck).toMatchObject({ status: 'excepted', counts: { fail: 3 }, staleAt: null });
    expect(byCheck.reason).toContain('An exception in effect accepts 3 failing results.');
    const bySeries = [row(C1, 'pass'), row(C2, 'fail', { count: 3, accepted: 3 })];
    expect(evaluate({ rows: bySeries }).status).toBe('excepted');
  });

  it('not where it lacks what nobody has accepted: a check that no complete scan has shown, or not of late', () => {
    const accepted = accepts(C2.id);
    const alone = evaluate({ rows: [row(C2, 'fail')], accepted });
    expect(alone.status).toBe('partial');
    expect(alone.reason).toContain('What it does not accept no tool has shown freshly and completely.');
    expect(evaluate({ rows: [row(C1, 'pass', { complete: null }), row(C2, 'fail')], accepted }).status).toBe('partial');
    expect(evaluate({ rows: [row(C1, 'warn'), row(C2, 'fail')], accepted }).status).toBe('partial');
    const old = { seen: ago(9) };
    expect(evaluate({ rows: [row(C1, 'pass', old), row(C2, 'fail')], accepted }).status).toBe('partial');
    expect(evaluate({ rows: [row(C1, 'pass', old), row(C2, 'fail', old)], accepted }).status).toBe('stale');
    // What rests on records is asked of records: that scanners see it fail is all that they say of it.
    const rests = { practice: practice({ automation: 'records' }), records: records({ state: 'met' }) };
    expect(evaluate({ ...rests, rows: [row(C2, 'fail')], accepted }).status).toBe('excepted');
  });

  it('not while one of them is not, of the same check or another', () => {
    expect(evaluate({ rows: [row(C2, 'fail', { count: 3, accepted: 2 })] }).status).toBe('failing');
    expect(evaluate({ rows: failing, accepted: accepts(C1.id) }).status).toBe('failing');
    const other = evaluate({ rows: [...failing, row(C1, 'fail')], accepted: accepts(C2.id) });
    expect(other.status).toBe('failing');
    expect(other.reason).toBe(
      '1 result of 1 check fails (kubescape). An exception in effect accepts 3 failing results.',
    );
  });

  it('as a practice, with the records that fail; what is missing beside is not accepted', () => {
    expect(evaluate({ rows: failing, covered: true }).status).toBe('excepted');
    const rests = { practice: practice({ automation: 'records' }), covered: true };
    expect(evaluate({ ...rests, records: records({ state: 'failing' }) }).status).toBe('excepted');
    expect(evaluate({ ...rests, records: records({ state: 'failing' }, { state: 'missing' }) }).status).toBe('partial');
    expect(evaluate({ ...rests, records: records({ state: 'missing' }) }).status).toBe('missing');
  });
});

describe('which checks of kube-bench must pass?', () => {
  const now = check('kube-bench', 'cis-1.12/1.2.1');
  const eks = check('kube-bench', 'eks-1.8.0/3.2.1');
  const own = check('kube-bench', 'cis-1.8/1.2.9');
  const checks = [now, eks, own];

  it('those of the benchmark that the reports use', () => {
    expect(evaluate({ checks, rows: [row(now, 'pass')], benchmarks: new Set(['cis-1.12']) }).status).toBe('evidenced');
  });

  it('those of an older one too, where it is used', () => {
    const benchmarks = new Set(['cis-1.12', 'cis-1.8']);
    expect(evaluate({ checks, rows: [row(now, 'pass')], benchmarks }).status).toBe('partial');
    expect(evaluate({ checks, rows: [row(now, 'pass'), row(own, 'pass')], benchmarks }).status).toBe('evidenced');
  });

  it('none where no report came: then kube-bench says nothing', () => {
    expect(evaluate({ checks }).status).toBe('missing');
  });
});

describe('when is a pass inferred?', () => {
  it('evidenced by silence of the whole cluster, and marked so', () => {
    const result = evaluate({ checks: [KSV], silences: [silence(KSV)] });
    expect(result).toMatchObject({ status: 'evidenced', inferred: true, counts: { pass: 0 } });
    expect(result.evidence).toMatchObject([{ check: 'KSV-0012', status: 'pass', inferred: true, count: 0 }]);
    expect(result.reason).toContain('inferred');
  });

  it('partial by silence of a namespace', () => {
    expect(evaluate({ checks: [KSV], silences: [silence(KSV, { whole: false })] }).status).toBe('partial');
  });

  it('stale by old silence', () => {
    expect(evaluate({ checks: [KSV], silences: [silence(KSV, { seen: ago(9) })] }).status).toBe('stale');
  });
});

describe('when is a practice failing?', () => {
  it('when any result fails, however many pass', () => {
    const result = evaluate({ rows: [row(C1, 'pass', { count: 99 }), row(C2, 'fail', { count: 3, phi: 1 })] });
    expect(result.status).toBe('failing');
    expect(result.reason).toBe('3 results of 1 check fail (kubescape). 1 is in namespaces that hold PHI.');
    expect(result.phiCounts.fail).toBe(1);
    expect(result.evidence[0]).toMatchObject({ status: 'fail', check: 'C-0002', count: 3 });
    expect(result.staleAt).toBeNull();
  });

  it('also when the failure is old, and says how old', () => {
    const result = evaluate({ rows: [row(C1, 'fail', { seen: ago(100) })] });
    expect(result.status).toBe('failing');
    expect(result.reason).toContain('last seen on 2026-08-15, more than 8 days before');
  });

  it('when a record says so, or something beside all records', () => {
    const said = evaluate({ rows: [row(C1, 'pass'), row(C2, 'pass')], records: records({ state: 'failing' }) });
    expect(said).toMatchObject({ status: 'failing', reason: 'It is failing.' });
    const beside = evaluate({ records: { needs: [], failures: ['A notice is overdue.'] } });
    expect(beside).toMatchObject({ status: 'failing', reason: 'A notice is overdue.' });
  });

  it('also where people supply the proof', () => {
    expect(evaluate({ practice: practice({ automation: 'records' }), rows: [row(C1, 'fail')] }).status).toBe('failing');
  });

  it('also by a name hint or a part of the cluster', () => {
    expect(evaluate({ checks: [POLICY], rows: [row(POLICY, 'fail', { whole: false })] }).status).toBe('failing');
  });
});

describe('when is a practice stale or missing?', () => {
  it.each([
    [8 * DAY, 'evidenced'],
    [8 * DAY + 1, 'stale'],
  ])('is a pass fresh until its last millisecond (%d)?', (age, status) => {
    const rows = [row(C1, 'pass', { seen: AS_OF - age })];
    expect(evaluate({ checks: [C1], rows }).status).toBe(status);
  });

  it('is what was stale since when it became so?', () => {
    const result = evaluate({ checks: [C1], rows: [row(C1, 'pass', { seen: ago(20) })] });
    expect(result.staleAt).toBe(new Date(ago(12)).toISOString());
    expect(result.reason).toContain('2026-11-03');
  });

  it('does the longest unseen result decide, not the newest?', () => {
    expect(evaluate({ checks: [C1], rows: [row(C1, 'pass', { seen: ago(9) })] }).status).toBe('stale');
  });

  it.each(['warn', 'error', 'skip', 'manual'])('does %s alone leave it missing?', (status) => {
    const result = evaluate({ rows: [row(C1, status)] });
    expect(result.status).toBe('missing');
    expect(result.reason).toContain(`1 ${status}`);
  });

  it('is said what does instead, where a check could not look?', () => {
    const own = (id: string, without: string | null) => check('safeguard-checks', id, { without });
    const flags = own('flags', 'No flags are seen of {object.metadata.name}. Keep provider_attestation.');
    const same = own('same', flags.without);
    const result = evaluate({ checks: [flags, same], rows: [row(flags, 'manual'), row(same, 'manual')] });
    expect([result.status, result.reason]).toEqual([
      'missing',
      'None of 2 results is a pass (2 manual). No flags are seen of …. Keep provider_attestation.',
    ]);
    const others = ['a', 'b', 'c', 'd', 'e'].map((id) => own(id, `${id} does.`));
    const rows = [row(flags, 'pass'), ...others.map((of) => row(of, 'manual'))];
    const partly = evaluate({ checks: [flags, ...others], rows });
    expect([partly.status, partly.reason]).toEqual([
      'partial',
      expect.stringContaining('Not decided: 5 manual. a does. b does. c does. The results of 2 other checks say'),
    ]);
    // Whoever could look does not need it, and whoever failed to is not helped by it.
    for (const status of ['error', 'skip', 'fail'])
      expect(evaluate({ checks: [flags], rows: [row(flags, status)] }).reason).not.toContain('provider_attestation');
  });

  it('is it missing without any result?', () => {
    expect(evaluate()).toMatchObject({ status: 'missing', observedAt: null, staleAt: null, evidence: [] });
    expect(evaluate({ checks: [] }).reason).toContain('No check of a scanner');
  });
});

describe('is the rest said?', () => {
  it('reviewed only if all the links that were used are', () => {
    const signed = check('kubescape', 'C-0003', { review: 'reviewed' });
    const rows = [row(signed, 'pass')];
    expect(evaluate({ checks: [signed], rows, isReviewed: true }).review).toBe('reviewed');
    expect(evaluate({ checks: [signed], rows, isReviewed: false }).review).toBe('proposed');
    expect(evaluate({ checks: [signed, C1], rows: [...rows, row(C1, 'pass')], isReviewed: true }).review).toBe(
      'proposed',
    );
  });

  it('evidence is bounded, and what is left out counted', () => {
    const rows = Array.from({ length: 30 }, () => row(C1, 'pass'));
    const result = evaluate({ checks: [C1, KSV], rows, silences: [silence(KSV)], maxEvidence: 5 });
    expect(result.evidence).toHaveLength(5);
    expect(result.moreEvidence).toBe(26);
  });

  it('is the word that we never say never said?', () => {
    for (const rows of [[], [row(C1, 'pass')], [row(C1, 'fail')], [row(C1, 'warn')], [row(C1, 'pass', { seen: 0 })]]) {
      expect(evaluate({ rows }).reason).not.toMatch(/complian/i);
    }
  });
});
