import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadCatalog } from '../catalog/load.js';
import type { TypeDefinition } from '../catalog/record-type.js';
import { asksOf } from './asks.js';
import { boundSystems, organizationDocument } from './document.js';
import { countsOf, evaluateSystem } from './evaluate.js';
import type { CheckSummary, CoverageSummary, SystemEvidence } from './evidence.js';
import { emptyPart, type Accepted, type PlacePart } from './needs.js';
import { evaluateOrganization, type OrganizationSystem } from './organization.js';
import { OrganizationPosture } from './organization.schema.js';
import { NEED_STATES, SCANNER_STATES, type NeedState } from './rule.js';
import { rollUp } from './rollup.js';
import { codeOf, MAX_NEEDS, partOf, systemStates } from './states.js';
import { countStatuses, STATUSES, type Status } from './status.js';

const DAY = 24 * 60 * 60 * 1000;
const AS_OF = new Date('2026-11-23T09:00:00Z');
const ago = (days: number) => new Date(AS_OF.getTime() - days * DAY);
const id = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;

const catalog = loadCatalog();
const types = new Map(catalog.recordTypes.map((definition): [string, TypeDefinition] => [definition.type, definition]));
const asks = asksOf(catalog, {}, types);
const yardstick = { catalog, asOf: AS_OF, freshness: {}, asks };
const NOTHING = emptyPart(asks, null);
const PRACTICE = 'read-only-root-filesystem';

const result = (check: string, status: string, days: number): CheckSummary => ({
  targetId: id(1),
  target: { kind: 'cluster', name: 'cluster' },
  source: 'trivy/misconfiguration',
  check,
  status,
  count: 1,
  phi: 0,
  accepted: 0,
  oldestSeen: ago(days),
  newestSeen: ago(days),
  series: [id(7)],
  scanId: id(8),
  evidenceId: id(8),
});
const scan = (days: number): CoverageSummary => ({
  targetId: id(1),
  target: { kind: 'cluster', name: 'cluster' },
  source: 'trivy/misconfiguration',
  checks: null,
  silentPass: ['KSV-'],
  observedAt: ago(days),
  scanId: id(8),
  evidenceId: id(8),
});

/** A place that says of some of what is asked for how it stands. */
function saying(
  states: ReadonlyMap<string, NeedState>,
  accepted: Partial<Accepted> = {},
  fails: readonly string[] = [],
  isNone = false,
): PlacePart {
  const said = (of: PlacePart['practices']): PlacePart['practices'] =>
    new Map(
      [...of].map(([subject, { needs }]) => [
        subject,
        {
          needs: needs.map((need) => ({ ...need, state: states.get(need.type) ?? need.state })),
          failures: fails.includes(subject) ? ['It is broken.'] : [],
          isNone,
        },
      ]),
    );
  return {
    ...NOTHING,
    practices: said(NOTHING.practices),
    controls: said(NOTHING.controls),
    accepted: { ...NOTHING.accepted, ...accepted },
  };
}

interface World {
  name: string;
  evidence: SystemEvidence;
  part: PlacePart;
}
const evaluated = ({ name, evidence, part }: World, whole: PlacePart) =>
  evaluateSystem(yardstick, { id: id(9), name, evidence, part }, whole);
const system = ({ name, evidence, part }: World, at = 9): OrganizationSystem => ({
  id: id(at),
  name,
  environment: 'production',
  states: systemStates(yardstick, evidence, part),
});
const good: World = { name: 'a', evidence: { checks: [], coverage: [scan(1)], corrupt: new Set() }, part: NOTHING };
const bad: World = {
  name: 'b',
  evidence: { checks: [result('KSV-0014', 'fail', 1)], coverage: [], corrupt: new Set() },
  part: NOTHING,
};

const found = (organization: ReturnType<typeof evaluateOrganization>, practice = PRACTICE) =>
  organization.practices.find((one) => one.id === practice)!;

describe('is a code what it was made of?', () => {
  const part = fc.record({
    scanner: fc.constantFrom(...SCANNER_STATES),
    needs: fc.array(fc.constantFrom(...NEED_STATES), { maxLength: MAX_NEEDS }),
    fails: fc.boolean(),
    covered: fc.boolean(),
    isNone: fc.boolean(),
  });

  it('whatever it is made of', () => {
    fc.assert(
      fc.property(part, (made) => {
        expect(partOf(codeOf(made), made.needs.length)).toEqual(made);
      }),
    );
  });

  it('in sixteen bits, and all that the catalogue asks for has room', () => {
    const all = {
      scanner: 'excepted',
      needs: Array<NeedState>(MAX_NEEDS).fill('failing'),
      fails: true,
      covered: true,
      isNone: true,
    } as const;
    expect(codeOf(all)).toBeLessThan(1 << 16);
    for (const list of [...asks.practices.values(), ...asks.controls.values()]) {
      expect(list.length).toBeLessThanOrEqual(MAX_NEEDS);
    }
    expect(() => codeOf({ ...all, needs: [...all.needs, 'met'] })).toThrow('needs');
  });
});

describe('does the organisation say of each system what the system says of itself?', () => {
  const TYPES = [...new Set([...asks.practices.values(), ...asks.controls.values()].flat().map(({ type }) => type))];
  const SUBJECTS = [...catalog.practices, ...catalog.controls].map((one) => one.id);
  const ADDRESSABLE = catalog.controls.filter(({ required }) => required === 'addressable').map((one) => one.id);
  const states = fc
    .array(fc.tuple(fc.constantFrom(...TYPES), fc.constantFrom(...NEED_STATES)), { maxLength: 90 })
    .map((pairs) => new Map(pairs));
  const part = fc
    .record({
      states,
      accepted: fc.array(fc.constantFrom(...catalog.practices.map((one) => one.id)), { maxLength: 5 }),
      decided: fc.array(fc.constantFrom(...ADDRESSABLE), { maxLength: 3 }),
      fails: fc.array(fc.constantFrom(...SUBJECTS), { maxLength: 5 }),
      isNone: fc.boolean(),
    })
    .map(({ states, accepted, decided, fails, isNone }) =>
      saying(
        states,
        {
          practices: new Set(accepted),
          controls: new Map(
            decided.map((control) => [control, { recordId: id(5), outcome: 'alternative', until: null }]),
          ),
        },
        fails,
        isNone,
      ),
    );
  const CHECKS = catalog.checks.filter(({ tool }) => tool === 'trivy').map((check) => check.id);
  const evidence = fc.record({
    checks: fc.array(
      fc
        .tuple(fc.constantFrom(...CHECKS), fc.constantFrom('pass', 'fail', 'warn'), fc.integer({ min: 0, max: 16 }))
        .map((args) => result(...args)),
      { maxLength: 20 },
    ),
    coverage: fc.array(fc.integer({ min: 0, max: 16 }).map(scan), { maxLength: 2 }),
    corrupt: fc.constantFrom(new Set<string>(), new Set([result('KSV-0014', 'pass', 1).evidenceId])),
  });
  const worlds = fc
    .tuple(fc.array(fc.record({ evidence, part }), { minLength: 1, maxLength: 4 }), fc.integer({ min: 1, max: 6 }))
    // Several say the same: of more systems than an item shows.
    .map(([all, times]) => Array.from({ length: times }, () => all).flat())
    .map((all) => all.map((one, at): World => ({ name: `system-${String(at).padStart(2, '0')}`, ...one })));

  it('status by status and count by count, in random worlds', () => {
    fc.assert(
      fc.property(worlds, part, (all, whole) => {
        const organization = evaluateOrganization(
          yardstick,
          all.map((one, at) => system(one, at + 1)),
          whole,
        );
        const each = all.map((one) => evaluated(one, whole));
        expect(organization.systems.map(({ counts }) => counts)).toEqual(each.map(countsOf));
        for (const kind of ['practices', 'controls'] as const) {
          organization[kind].forEach((told, at) => {
            const statuses = each.map((one) => one[kind][at]!.status);
            expect(told.systems).toEqual(countStatuses(statuses));
            expect(told.status).toBe(rollUp(countStatuses(statuses)));
            const worst = STATUSES.flatMap((status) => each.filter((one) => one[kind][at]!.status === status));
            expect(told.places.map(({ name, status }) => ({ name, status }))).toEqual(
              worst.slice(0, 5).map((one) => ({ name: one.name, status: one[kind][at]!.status })),
            );
            for (const { reason } of told.places) expect(reason).not.toBe('');
          });
        }
      }),
      { numRuns: 60 },
    );
  });
});

describe('what is the posture of an organisation?', () => {
  it('does one failing system make it failing, and is that system named?', () => {
    const organization = evaluateOrganization(yardstick, [system(good, 1), system(bad, 2)], NOTHING);
    expect(found(organization)).toMatchObject({ status: 'failing', systems: { failing: 1, evidenced: 1 } });
    expect(found(organization).reason).toContain('failing in 1 (b)');
    expect(found(organization).places).toMatchObject([
      { systemId: id(2), status: 'failing', reason: 'Results of scanners fail.' },
      { systemId: id(1), status: 'evidenced' },
    ]);
  });

  it('is it evidenced where every system is?', () => {
    const organization = evaluateOrganization(yardstick, [system(good, 1), system({ ...good, name: 'c' }, 2)], NOTHING);
    expect(found(organization).status).toBe('evidenced');
  });

  it('does an organisation without a system in scope say that, and all of it missing?', () => {
    const empty = evaluateOrganization(yardstick, [], NOTHING);
    expect(new Set(empty.practices.map(({ status }) => status))).toEqual(new Set(['missing']));
    expect(empty.controls.filter(({ status }) => status === 'not_applicable')).toHaveLength(10);
    expect(empty.controls.find((control) => control.id === '164.312(a)(1)')!.reason).toContain('No system');
    expect(found(empty)).toMatchObject({ places: [{ systemId: null, status: 'missing' }], systems: { missing: 0 } });
    expect(empty.systems).toEqual([]);
  });

  it('does each of its needs stand as where it stands worst, with the record that speaks?', () => {
    const whole = saying(new Map<string, NeedState>([['policy', 'met']]));
    const control = (of: PlacePart, ...worlds: World[]) =>
      evaluateOrganization(
        yardstick,
        worlds.map((one, at) => system(one, at + 1)),
        of,
      ).controls.find((one) => one.id === '164.308(a)(2)')!;
    expect(control(whole, good, bad).needs).toMatchObject([{ type: 'policy', state: 'met' }]);
    const failing = { ...bad, part: saying(new Map<string, NeedState>([['policy', 'failing']])) };
    expect(control(whole, good, failing)).toMatchObject({ status: 'failing', needs: [{ state: 'failing' }] });
  });

  it('does what asks for no work put a system before none other?', () => {
    const organization = evaluateOrganization(yardstick, [system(good, 1), system(good, 2), system(good, 3)], NOTHING);
    const counting = (counts: Partial<Record<Status, number>>) => ({ ...countStatuses([]), ...counts });
    const stand = [
      { name: 'b', controls: counting({ partial: 1, excepted: 9 }) },
      { name: 'a', controls: counting({ partial: 1, evidenced: 9 }) },
      { name: 'c', controls: counting({ partial: 2 }) },
    ];
    const systems = organization.systems.map((one, at) => {
      const { name, controls } = stand[at]!;
      return { ...one, name, counts: { ...one.counts, controls } };
    });
    const parts = { organizationId: id(0), instant: { asOf: AS_OF, knownAt: AS_OF }, catalog, settingsVersion: 1 };
    const document = organizationDocument(parts, { ...organization, systems }, []);
    expect(document.systems.map(({ name }) => name)).toEqual(['c', 'a', 'b']);
  });

  it('of a thousand systems: does the document keep its declared shape, within a megabyte, and show five places?', () => {
    const systems = Array.from({ length: 1_000 }, (_, at) =>
      system({ ...(at % 3 === 0 ? bad : good), name: `system-${String(at).padStart(4, '0')}` }, at + 1),
    );
    const organization = evaluateOrganization(yardstick, systems, NOTHING);
    expect(found(organization)).toMatchObject({ status: 'failing', systems: { failing: 334, evidenced: 666 } });
    expect(found(organization).reason).toContain('failing in 334 (system-0000, system-0003, system-0006 and 331 more)');
    const instant = { asOf: AS_OF, knownAt: AS_OF };
    const document = organizationDocument(
      { organizationId: id(0), instant, catalog, settingsVersion: 1 },
      organization,
      [{ id: id(5), name: 'website' }],
    );
    // In packages all of them, worst first; over the API as many as anybody looks at.
    expect(document.systems).toHaveLength(1_000);
    expect(document.systems[334]?.counts.practices.failing).toBe(0);
    const parsed = OrganizationPosture.parse(boundSystems(document));
    expect(parsed.systems.map(({ name }) => name).slice(0, 2)).toEqual(['system-0000', 'system-0003']);
    expect(parsed.systems.every(({ counts }) => counts.practices.failing > 0)).toBe(true);
    expect([parsed.systems.length, parsed.moreSystems]).toEqual([100, 900]);
    expect(JSON.stringify(parsed).length).toBeLessThan(1_000_000);
    expect(Math.max(...[...parsed.controls, ...parsed.practices].map(({ places }) => places.length))).toBe(5);
    const statuses: Status[] = parsed.practices.map(({ status }) => status);
    expect(parsed.counts.practices).toEqual(countStatuses(statuses));
    // 334 have results on a target that no complete scan has seen.
    expect(parsed.blindSystems).toHaveLength(100);
    expect(parsed.moreBlindSystems).toBe(234);
  });
});
