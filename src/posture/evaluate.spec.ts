import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { currentCatalog } from '../catalog/load.js';
import type { TypeDefinition } from '../catalog/record-type.js';
import { asksOf } from './asks.js';
import { postureDocument, selected } from './document.js';
import { countsOf, evaluateSystem, type SystemEvaluation } from './evaluate.js';
import type { CheckSummary, CoverageSummary, SystemEvidence } from './evidence.js';
import { emptyPart } from './needs.js';
import { Posture } from './posture.schema.js';
import type { Status } from './status.js';

const DAY = 24 * 60 * 60 * 1000;
const catalog = currentCatalog();
const AS_OF = new Date('2026-11-23T09:00:00Z');
const ago = (days: number) => new Date(AS_OF.getTime() - days * DAY);
const id = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;

const TARGETS = [
  { targetId: id(1), target: { kind: 'cluster', name: 'cluster' } },
  { targetId: id(2), target: { kind: 'node', name: 'worker-1' } },
  { targetId: id(3), target: { kind: 'namespace', name: 'emr' } },
] as const;
const CLUSTER = TARGETS[0];

const result = (source: string, check: string, status: string, change: Partial<CheckSummary> = {}): CheckSummary => ({
  ...CLUSTER,
  source,
  check,
  status,
  count: 1,
  phi: 0,
  accepted: 0,
  oldestSeen: ago(1),
  newestSeen: ago(1),
  series: [id(7)],
  scanId: id(8),
  evidenceId: id(8),
  ...change,
});

const scan = (source: string, change: Partial<CoverageSummary> = {}): CoverageSummary => ({
  ...CLUSTER,
  source,
  checks: null,
  silentPass: [],
  observedAt: ago(1),
  scanId: id(8),
  evidenceId: id(8),
  ...change,
});

const types = new Map(catalog.recordTypes.map((definition): [string, TypeDefinition] => [definition.type, definition]));
const asks = asksOf(catalog, {}, types);
const yardstick = { catalog, asOf: AS_OF, freshness: {}, asks };
/** An organisation that keeps no records. */
const whole = emptyPart(asks, null);

function evaluate(evidence: Partial<SystemEvidence> = {}, asOf = AS_OF, days: Record<string, number> = {}) {
  return evaluateSystem(
    { ...yardstick, asOf, freshness: { scanner: days } },
    {
      id: id(9),
      name: 'emr',
      evidence: { checks: [], coverage: [], corrupt: new Set(), ...evidence },
      part: emptyPart(asks, id(9)),
    },
    whole,
  );
}

const statusOf = (evaluation: SystemEvaluation, practice: string): Status =>
  evaluation.practices.find((one) => one.id === practice)!.status;

describe('what does an empty world say?', () => {
  it('all is missing, or not applicable where nothing is asked for', () => {
    const empty = evaluate();
    expect(new Set(empty.practices.map(({ status }) => status))).toEqual(new Set(['missing']));
    expect(countsOf(empty).controls).toMatchObject({ missing: 108, not_applicable: 10 });
  });
});

describe('which check of the catalogue does a stored result speak of?', () => {
  it.each([
    ['kube-bench/master', 'cis-1.12/1.2.16', 'api-audit-logging'],
    ['trivy/misconfiguration', 'KSV-0014', 'read-only-root-filesystem'],
    ['kubescape', 'C-0017', 'read-only-root-filesystem'],
    ['policy-report/kyverno', 'require-ro-rootfs/validate-readOnlyRootFilesystem', 'read-only-root-filesystem'],
    ['policy-report/kyverno', 'require-ro-rootfs', 'read-only-root-filesystem'],
  ])('%s %s', (source, check, practice) => {
    const evaluation = evaluate({ checks: [result(source, check, 'fail')] });
    expect(statusOf(evaluation, practice)).toBe('failing');
    expect(evaluation.unmapped).toEqual([]);
  });

  it.each([
    ['policy-report/falco', 'require-ro-rootfs/validate'],
    ['trivy-compliance/k8s-nsa-1-0', 'KSV-0014'],
    ['kube-bench/master', 'cis-1.6/1.2.16'],
    ['unheard-of', 'KSV-0014'],
  ])('%s %s supports nothing, and is shown', (source, check) => {
    const evaluation = evaluate({
      checks: [result(source, check, 'fail', { count: 2 }), result(source, check, 'pass')],
    });
    expect(countsOf(evaluation).practices.missing).toBe(124);
    expect(evaluation.unmapped).toMatchObject([{ source, check, count: 3, failing: 2 }]);
  });

  it('does each rule of a policy speak, in whatever order they come?', () => {
    const rules = [
      result('policy-report/kyverno', 'require-ro-rootfs/one', 'pass'),
      result('policy-report/kyverno', 'require-ro-rootfs/other', 'fail'),
    ];
    for (const checks of [rules, [...rules].reverse()]) {
      expect(statusOf(evaluate({ checks }), 'read-only-root-filesystem')).toBe('failing');
    }
  });

  it('does a check whose results prove nothing never count, failing or not?', () => {
    const mute = catalog.checks.find((check) => check.tool === 'kyverno' && !check.evidence)!;
    for (const status of ['pass', 'fail']) {
      const evaluation = evaluate({ checks: [result('policy-report/kyverno', `${mute.id}/rule`, status)] });
      expect(countsOf(evaluation).practices.missing).toBe(124);
      expect(evaluation.unmapped).toHaveLength(1);
    }
  });
});

describe('what does a whole report without check ids say?', () => {
  const image = { targetId: id(5), target: { kind: 'image', name: 'registry/emr@sha256:1' } };

  const ofVulnerabilities = it.each(['trivy/vulnerability', 'trivy/vulnerabilityreport']);

  ofVulnerabilities('%s: vulnerabilities are for people to judge: neither a failure nor a pass', (source) => {
    const found = result(source, 'CVE-2026-0001', 'fail', { ...image, count: 3 });
    const evaluation = evaluate({ checks: [found], coverage: [scan(source, image)] });
    const practice = evaluation.practices.find((one) => one.id === 'image-vulnerability-scanning')!;
    expect(practice.status).toBe('missing');
    expect(practice.reason).toContain('3 manual');
    expect(evaluation.unmapped).toEqual([]);
  });

  ofVulnerabilities('%s: a clean image shows that it was scanned, and evidences nothing by itself', (source) => {
    const evaluation = evaluate({ coverage: [scan(source, image)] });
    expect(statusOf(evaluation, 'image-vulnerability-scanning')).toBe('partial');
    const old = evaluate({ coverage: [scan(source, { ...image, observedAt: ago(30) })] });
    expect(statusOf(old, 'image-vulnerability-scanning')).toBe('stale');
  });

  it.each(['trivy/secret', 'trivy/exposedsecretreport'])('%s: a secret in an image is a failure as it is', (source) => {
    const found = result(source, 'aws-access-key-id', 'fail', image);
    expect(statusOf(evaluate({ checks: [found] }), 'no-secrets-in-images')).toBe('failing');
  });
});

describe('when is the silence of Trivy a pass?', () => {
  const practice = 'read-only-root-filesystem';
  const silent = scan('trivy/misconfiguration', { silentPass: ['KSV-'] });

  it('after a complete scan of the cluster that vouches for these checks', () => {
    const evaluation = evaluate({ coverage: [silent] });
    expect(statusOf(evaluation, practice)).toBe('evidenced');
    expect(evaluation.practices.find((one) => one.id === practice)).toMatchObject({
      inferred: true,
      counts: { pass: 0 },
    });
    // Checks of the control plane are not vouched for.
    expect(statusOf(evaluation, 'api-audit-logging')).toBe('missing');
  });

  it.each<[string, Partial<SystemEvidence>, Status]>([
    ['of a namespace', { coverage: [{ ...silent, ...TARGETS[2] }] }, 'partial'],
    ['of a repository', { coverage: [{ ...silent, target: { kind: 'repository', name: 'r' } }] }, 'partial'],
    ['too long ago', { coverage: [{ ...silent, observedAt: ago(9) }] }, 'stale'],
    ['that vouches for nothing', { coverage: [{ ...silent, silentPass: [] }] }, 'missing'],
    ['that vouches for others', { coverage: [{ ...silent, silentPass: ['CVE-'] }] }, 'missing'],
    ['of a tool that lists all', { coverage: [scan('kubescape', { silentPass: ['C-'] })] }, 'missing'],
    ['of a tool that is not known', { coverage: [{ ...silent, source: 'unheard-of' }] }, 'missing'],
    ['with a failure', { coverage: [silent], checks: [result(silent.source, 'KSV-0014', 'fail')] }, 'failing'],
    ['with an open result', { coverage: [silent], checks: [result(silent.source, 'KSV-0014', 'warn')] }, 'missing'],
    [
      'with an open result by its old name',
      { coverage: [silent], checks: [result(silent.source, 'KSV014', 'skip')] },
      'missing',
    ],
  ])('%s: %s', (_name, evidence, status) => {
    expect(statusOf(evaluate(evidence), practice)).toBe(status);
  });
});

describe('what must a tool that lists passes have said?', () => {
  const practice = 'namespace-scoped-bindings';
  const checks = catalog.checksOf(practice).filter(({ tool }) => tool === 'kubescape');
  const passes = checks.map((check) => result('kubescape', check.id, 'pass'));

  it.each<[string, CoverageSummary[], Status]>([
    ['a complete scan of these checks', [scan('kubescape', { checks: checks.map((check) => check.id) })], 'evidenced'],
    ['a complete scan of other checks', [scan('kubescape', { checks: ['C-9999'] })], 'partial'],
    ['a complete scan of another tool', [scan('trivy/misconfiguration')], 'partial'],
    ['partial scans only', [], 'partial'],
  ])('%s: %s', (_name, coverage, status) => {
    expect(statusOf(evaluate({ checks: passes, coverage }), practice)).toBe(status);
  });

  it('does the organisation set how long that lasts?', () => {
    const evidence = {
      checks: passes.map((one) => ({ ...one, oldestSeen: ago(5) })),
      coverage: [scan('kubescape', { observedAt: ago(5) })],
    };
    expect(statusOf(evaluate(evidence), practice)).toBe('evidenced');
    expect(statusOf(evaluate(evidence, AS_OF, { [practice]: 3 }), practice)).toBe('stale');
    const judged = evaluate(evidence, AS_OF, { [practice]: 3 }).practices.find((one) => one.id === practice)!;
    expect(judged.freshness).toEqual({ maxAgeDays: 3, basis: 'practice', from: 'override' });
  });
});

describe('does less evidence ever say more?', () => {
  const RANK: readonly Status[] = ['failing', 'missing', 'stale', 'partial', 'excepted', 'evidenced'];
  const SOURCES = [
    ['kube-bench/master', 'kube-bench'],
    ['trivy/misconfiguration', 'trivy'],
    ['kubescape', 'kubescape'],
    ['policy-report/kyverno', 'kyverno'],
  ] as const;
  /** Of few practices, so that random worlds meet. */
  const FEW = [
    'namespace-scoped-bindings',
    'read-only-root-filesystem',
    'image-digest-pinning',
    'default-deny-network-policy',
    'node-hardening',
  ];
  const age = fc.integer({ min: 0, max: 16 });

  const results = (statuses: readonly string[]) =>
    fc
      .record({
        source: fc.constantFrom(...SOURCES),
        check: fc.nat(),
        practice: fc.constantFrom(...FEW),
        target: fc.constantFrom(...TARGETS),
        status: fc.constantFrom(...statuses),
        days: age,
      })
      .map(({ source: [source, tool], check: n, practice, target, status, days }) => {
        const checks = catalog.checksOf(practice).filter((check) => check.tool === tool);
        const check = checks[n % Math.max(1, checks.length)]?.id ?? 'unknown';
        return result(source, check, status, { ...target, oldestSeen: ago(days) });
      });
  const coverage = fc
    .record({
      source: fc.constantFrom(...SOURCES),
      target: fc.constantFrom(...TARGETS),
      days: age,
      vouches: fc.boolean(),
    })
    .map(({ source: [source], target, days, vouches }) =>
      scan(source, { ...target, observedAt: ago(days), silentPass: vouches ? ['KSV-'] : [] }),
    );
  // Mostly passes, so that there is something to lose.
  const world = fc.record({
    checks: fc.array(results(['pass', 'pass', 'pass', 'pass', 'pass', 'warn', 'fail']), { maxLength: 25 }),
    coverage: fc.array(coverage, { maxLength: 6 }),
  });

  function neverBetter(before: SystemEvaluation, after: SystemEvaluation): void {
    const ranks = (evaluation: SystemEvaluation) =>
      [...evaluation.practices, ...evaluation.controls].map(({ status }) => RANK.indexOf(status));
    const now = ranks(after);
    for (const [index, rank] of ranks(before).entries()) expect(now[index]).toBeLessThanOrEqual(rank);
  }

  it('does any further result that is no pass never improve a status?', () => {
    fc.assert(
      fc.property(world, results(['fail', 'warn', 'error', 'skip', 'manual']), (evidence, more) => {
        neverBetter(evaluate(evidence), evaluate({ ...evidence, checks: [...evidence.checks, more] }));
      }),
      { numRuns: 60 },
    );
  });

  // A stale scan is no loss: that a target was looked at long ago holds back what another target alone would evidence.
  it('does losing a fresh scan never improve a status?', () => {
    fc.assert(
      fc.property(world, fc.nat(), (evidence, n) => {
        const fresh = evidence.coverage.filter(({ observedAt }) => observedAt >= ago(8));
        const lost = fresh[n % Math.max(1, fresh.length)];
        neverBetter(
          evaluate(evidence),
          evaluate({ ...evidence, coverage: evidence.coverage.filter((one) => one !== lost) }),
        );
      }),
      { numRuns: 60 },
    );
  });

  it('does time never improve a status?', () => {
    fc.assert(
      fc.property(world, fc.integer({ min: 0, max: 20 }), (evidence, days) => {
        neverBetter(evaluate(evidence), evaluate(evidence, new Date(AS_OF.getTime() + days * DAY)));
      }),
      { numRuns: 60 },
    );
  });

  it('does losing all passes leave nothing evidenced, partial or stale but by silence?', () => {
    fc.assert(
      fc.property(world, (evidence) => {
        const left = evaluate({ checks: evidence.checks.filter(({ status }) => status !== 'pass'), coverage: [] });
        for (const { status } of left.practices) expect(['failing', 'missing']).toContain(status);
      }),
      { numRuns: 60 },
    );
  });

  it('is no control ever evidenced by scanners alone?', () => {
    fc.assert(
      fc.property(world, (evidence) => {
        expect(countsOf(evaluate(evidence)).controls.evidenced).toBe(0);
      }),
      { numRuns: 30 },
    );
  });
});

describe('what does the document of a system say?', () => {
  it('does the document keep its declared shape, within a megabyte, and filter only what is shown?', () => {
    // The worst that a system can bring: every check of every tool on many targets.
    const sources: Record<string, string> = { kyverno: 'policy-report/kyverno', 'compliance-operator': 'xccdf/cis' };
    const checks = catalog.checks.flatMap((check) =>
      ['fail', 'pass', 'warn'].map((status) =>
        result(sources[check.tool] ?? check.tool, check.id, status, {
          series: [id(1), id(2), id(3), id(4), id(5)],
        }),
      ),
    );
    const evaluation = { ...evaluate({ checks }), environment: 'production', blindClusters: [] };
    const instant = { asOf: AS_OF, knownAt: AS_OF };
    const document = postureDocument({ organizationId: id(0), instant, catalog, settingsVersion: 1 }, evaluation);
    const parsed = Posture.parse(document);
    expect(JSON.stringify(parsed).length).toBeLessThan(1_000_000);
    expect(parsed.unmapped.length).toBeLessThanOrEqual(200);
    expect(parsed.moreUnmapped).toBeGreaterThan(0);
    expect(parsed.blindSpots.targets).toHaveLength(new Set(catalog.checks.map(({ tool }) => tool)).size);

    const one = selected(parsed, { control: '164.312(b)', statuses: undefined });
    expect(one.controls.map((control) => control.id)).toEqual(['164.312(b)']);
    expect(one.practices.length).toBe(catalog.practicesOf('164.312(b)').length);
    expect(one.counts).toEqual(parsed.counts);
    const failing = selected(parsed, { control: null, statuses: ['failing'] });
    expect(new Set(failing.controls.map(({ status }) => status))).toEqual(new Set(['failing']));
  });

  it('are proposed rules judged apart, and the law the same without them?', () => {
    const coverage = [scan('trivy/misconfiguration', { silentPass: ['KSV-'] })];
    const evidence = { checks: [], coverage, corrupt: new Set<string>() };
    const overlaid = catalog.withOverlay('nprm-2025');
    const under = evaluateSystem(
      { ...yardstick, catalog: overlaid, asks: asksOf(overlaid, {}, types) },
      { id: id(9), name: 'emr', evidence, part: emptyPart(asks, id(9)) },
      whole,
    );
    expect(countsOf(under).controls).toEqual(countsOf(evaluate(evidence)).controls);
    expect(Object.values(countsOf(under).proposed).reduce((sum, n) => sum + n)).toBeGreaterThan(0);
  });
});

describe('where does nobody look?', () => {
  it('targets never scanned as a whole, then those longest unseen, and none that is fresh', () => {
    const { blindTargets } = evaluate({
      checks: [result('kubescape', 'C-0017', 'pass', { targetId: id(3) })],
      coverage: [
        scan('kubescape'),
        scan('kube-bench/node', { ...TARGETS[1], observedAt: ago(30) }),
        scan('trivy/misconfiguration', { observedAt: ago(9) }),
        scan('trivy/misconfiguration', { observedAt: ago(20), checks: ['KSV-0001'] }),
      ],
    });
    expect(blindTargets).toMatchObject([
      { targetId: id(3), target: { kind: 'cluster', name: 'cluster' }, lastComplete: null },
      { target: { name: 'worker-1' }, source: 'kube-bench/node' },
      { source: 'trivy/misconfiguration', lastComplete: ago(9).toISOString() },
    ]);
  });
});

describe('which of two names of one check speaks?', () => {
  it('the one seen last: a failure under an old benchmark edition ends when the new edition has looked', () => {
    const old = result('kube-bench/master', 'cis-1.11/1.2.1', 'fail', { oldestSeen: ago(5), newestSeen: ago(5) });
    const current = result('kube-bench/master', 'cis-1.12/1.2.1', 'pass', { oldestSeen: ago(1), newestSeen: ago(1) });
    const [practice] = catalog.resolveCheck('kube-bench', 'cis-1.12/1.2.1')!.practices;
    expect(statusOf(evaluate({ checks: [old] }), practice!)).toBe('failing');
    expect(statusOf(evaluate({ checks: [old, current] }), practice!)).not.toBe('failing');
    const again = { ...old, oldestSeen: ago(0), newestSeen: ago(0) };
    expect(statusOf(evaluate({ checks: [again, current] }), practice!)).toBe('failing');
  });
});
