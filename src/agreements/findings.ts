import { dayOf, earliest } from '../kernel/dates.js';
import type { EffectiveRecord } from '../records/effective.js';
import type { Statement } from '../records/statement.js';
import { applicabilityOf } from './fields.js';
import { partNames } from './scope.js';
import { standingsOf, type AgreementsInput, type AgreementStanding, type VendorStanding } from './standing.js';
import { controlOf, FLOW_DOWN_TERMS, type Term } from './terms.js';

/*
 * What is found of each vendor, its agreements and its reviews, before a judge (judge.ts) says what follows for a need.
 */

const DAY = 86_400_000;

/** The practice that what concerns vendors at large is said of, and the one of contracts one level down. */
export const OVERSIGHT = 'vendor-oversight-baa';
export const FLOW_DOWN = 'subcontractor-flow-down';
/** Items of the law about contracts one level down, beside the practice. */
const FLOW_DOWN_CONTROLS: ReadonlySet<string> = new Set(['164.308(b)(2)', '164.314(a)(2)(iii)', '164.504(e)(5)']);
/** What a statement that there are no business associates has to name: a covered entity says of 164.308(b)(2), which binds business associates, that it does not apply. */
const ASSOCIATES = '164.308(b)(1)';

/** A record of the agreements' types that a practice or an item asks for. */
export interface AgreementNeed {
  about: Statement['about'];
  type: 'baa' | 'vendor_review';
  /** How old it may be; null: as old as it is. */
  days: number | null;
  /** Of an agreement: a term that it has to contain; null: all of them. */
  term: Term | null;
}

export interface AgreementNeeds {
  needs: readonly AgreementNeed[];
  /** How old a statement may be that there is no business associate. */
  applicabilityDays: number | null;
}

/** Of each need there is one for every vendor, and a few of them are told. */
export interface Finding {
  readonly says: Statement['says'];
  readonly until: Date | null;
  /** `wanted`: the terms that the need asks for; null: all of them. */
  readonly reason: (wanted: readonly Term[] | null) => string;
  readonly records: readonly (EffectiveRecord | null)[];
}

/** The first instant at which it is too old; at the last of its age it is not. */
const tooOldAt = ({ goodFrom }: EffectiveRecord, days: number | null): Date | null =>
  days === null ? null : new Date(goodFrom.getTime() + days * DAY + 1);

const failing = (reason: Finding['reason'], ...records: readonly (EffectiveRecord | null)[]): Finding => ({
  says: 'failing',
  reason,
  records,
  until: null,
});

/** Vendors of whom an agreement is asked for, at an instant, and what is found of each once: dozens of needs ask it. */
export class Vendors {
  readonly standings: readonly VendorStanding[];
  readonly names: ReadonlyMap<string, string>;
  private readonly lacking = new Map<Term, Finding[]>();
  private readonly aged = new Map<number | null, ReadonlyMap<AgreementStanding, Finding>>();

  constructor(
    input: AgreementsInput,
    private readonly asOf: Date,
  ) {
    this.standings = standingsOf(input, asOf).filter(({ needsAgreement }) => needsAgreement);
    this.names = new Map(input.systems.map(({ id, name }) => [id, name]));
    for (const { name, inForce } of this.standings) {
      for (const agreement of inForce) {
        const finding = termFinding(name, agreement);
        for (const term of agreement.missing) {
          const others = this.lacking.get(term);
          if (others === undefined) this.lacking.set(term, [finding]);
          else others.push(finding);
        }
      }
    }
  }

  /** Agreements in force that lack a term. */
  lackingTerm(term: Term): readonly Finding[] {
    return this.lacking.get(term) ?? [];
  }

  /** What agreements in force say for themselves, by how old they may be. */
  agedFindings(of: readonly VendorStanding[], days: number | null): Finding[] {
    let aged = this.aged.get(days);
    if (aged === undefined) {
      aged = new Map(
        this.standings.flatMap(({ inForce }) => inForce.map((one) => [one, agedFinding(one, days, this.asOf)])),
      );
      this.aged.set(days, aged);
    }
    return of.flatMap(({ inForce }) => inForce.flatMap((one) => aged.get(one) ?? []));
  }
}

export function findingsOf(vendors: Vendors, { about, days, term }: AgreementNeed): readonly Finding[] {
  const { standings, names } = vendors;
  if (term !== null) {
    const lacking = vendors.lackingTerm(term);
    return lacking.length > 0 ? lacking : vendors.agedFindings(standings, days);
  }
  if (isOfFlowDown(about)) {
    const subcontractors = standings.filter(({ isSubcontractor }) => isSubcontractor);
    const findings = [
      ...subcontractors.flatMap((standing) => [...forceFindings(standing, names), ...chainFindings(standing)]),
      // One level down the same terms are asked for; of the level above that it binds the one below.
      ...standings.flatMap((standing) => termFindings(standing, standing.isSubcontractor ? null : FLOW_DOWN_TERMS)),
      ...vendors.agedFindings(standings, days),
    ];
    // It is bound by the vendor above for as long as that one is.
    const bound = earliest(subcontractors.map(({ boundUntil }) => boundUntil));
    return findings.map((one) => (one.says === 'met' ? { ...one, until: earliest([one.until, bound]) } : one));
  }
  const direct = standings.filter(({ isSubcontractor }) => !isSubcontractor);
  return [
    ...direct.flatMap((standing) => [...forceFindings(standing, names), ...termFindings(standing, null)]),
    ...vendors.agedFindings(direct, days),
  ];
}

export const isOfFlowDown = (about: Statement['about']): boolean =>
  'practice' in about ? about.practice === FLOW_DOWN : FLOW_DOWN_CONTROLS.has(about.control);

const handledBy = ({ ephi }: VendorStanding): string => (ephi ? 'ePHI' : 'PHI');

/** Whether there is an agreement in force, and whether it covers all of it. */
function forceFindings(standing: VendorStanding, names: ReadonlyMap<string, string>): Finding[] {
  const { record, name, fields, agreements, inForce, uncovered } = standing;
  const handled = handledBy(standing);
  if (fields === null) {
    return [
      failing(() => `Record vendor: what is kept of ${name} cannot be read: it may have been disposed of.`, record),
    ];
  }
  if (inForce.length === 0) {
    const ended = agreements
      .map(({ endsAt }) => endsAt)
      .filter((at) => at !== null)
      .sort((a, b) => b.getTime() - a.getTime())[0];
    const last = ended === undefined ? '' : `: the last one ended on ${dayOf(new Date(ended.getTime() - 1))}`;
    return [
      failing(
        () => `Record baa: vendor ${name} handles ${handled} and has no agreement in force${last}.`,
        record,
        ...agreements.map((agreement) => agreement.record),
      ),
    ];
  }
  if (uncovered.length === 0) return [];
  return [
    failing(
      () =>
        `Record baa: the agreement with vendor ${name} does not cover ${partNames(uncovered, names)}, where it handles ${handled}.`,
      record,
      ...inForce.map((agreement) => agreement.record),
    ),
  ];
}

/** Agreements in force that lack terms of `wanted`; null: any. */
const termFindings = ({ name, inForce }: VendorStanding, wanted: readonly Term[] | null): Finding[] =>
  inForce
    .filter(({ missing }) => (wanted === null ? missing.length > 0 : missing.some((term) => wanted.includes(term))))
    .map((agreement) => {
      const finding = termFinding(name, agreement);
      return { ...finding, reason: () => finding.reason(wanted) };
    });

/** That an agreement lacks terms; which of those that are wanted, is told by whoever wants them. */
const termFinding = (vendor: string, { record, missing }: AgreementStanding): Finding =>
  failing((wanted) => {
    const lacks = wanted === null ? missing : missing.filter((term) => wanted.includes(term));
    return `Record baa: the agreement with vendor ${vendor} lacks the term${lacks.length === 1 ? '' : 's'} of ${lacks.map(controlOf).join(', ')}.`;
  }, record);

function chainFindings(standing: VendorStanding): Finding[] {
  const { record, name, unboundBy, chain } = standing;
  const said = (why: string) => [
    failing(
      () => `Record baa: subcontractor ${name} handles ${handledBy(standing)} without flow-down: ${why}.`,
      record,
    ),
  ];
  switch (unboundBy) {
    case 'no-vendor':
      return said('the vendor that it works for is not in effect');
    case 'no-agreement':
      return said('the vendor that it works for has no agreement in force');
    case 'no-term':
      return said('the agreement of the vendor that it works for does not bind subcontractors');
    case null:
      return chain.fault === null ? [] : said('whom it works for in the end is not to be told');
  }
}

/** What an agreement in force says for itself: met, or that its clauses were checked too long ago. */
function agedFinding({ record, endsAt, rolledOver }: AgreementStanding, days: number | null, asOf: Date): Finding {
  const oldAt = tooOldAt(record, days);
  if (oldAt !== null && oldAt <= asOf) {
    const reason = () =>
      `Record baa: an agreement was last checked on ${dayOf(record.goodFrom)}, more than ${days} days before.`;
    return { says: 'stale', reason, records: [record], until: endsAt };
  }
  const reason = () => `Record baa: an agreement is in force${rolledOver ? ' that has renewed itself' : ''}.`;
  return { says: 'met', reason, records: [record], until: earliest([endsAt, oldAt]) };
}

export function reviewFindings(standings: readonly VendorStanding[], need: AgreementNeed, asOf: Date): Finding[] {
  // A subcontractor's safeguards are verified by the vendor that it works for.
  const direct = standings.filter(({ isSubcontractor }) => !isSubcontractor);
  const reviewed = direct.filter(({ review }) => review !== null);
  if (reviewed.length === 0) return [];
  return direct.map(({ record, name, review }): Finding => {
    if (review === null) {
      const reason = () => `Record vendor_review: the safeguards of vendor ${name} were not verified.`;
      return { says: 'stale', reason, records: [record], until: null };
    }
    if (review.fails) {
      return failing(() => `Record vendor_review: the safeguards of vendor ${name} were found inadequate.`, review);
    }
    const oldAt = tooOldAt(review, need.days);
    if (oldAt !== null && oldAt <= asOf) {
      const reason = () =>
        `Record vendor_review: the safeguards of vendor ${name} were last verified on ${dayOf(review.goodFrom)}, more than ${need.days} days before.`;
      return { says: 'stale', reason, records: [review], until: null };
    }
    const reason = () =>
      `Record vendor_review: the safeguards of vendor ${name} were verified on ${dayOf(review.goodFrom)}.`;
    return { says: 'met', reason, records: [review], until: earliest([oldAt, review.expiresAt]) };
  });
}

/** Nobody with ePHI is recorded. Of several statements about that the last one speaks. */
export function inapplicable(input: AgreementsInput, days: number | null, asOf: Date): Finding[] {
  const statement = input.applicability
    .filter(({ expiresAt, fails }) => !fails && (expiresAt === null || expiresAt > asOf))
    .filter((record) => record.goodFrom <= asOf && ofAssociates(record).length > 0)
    .reduce<EffectiveRecord | null>((last, next) => (last === null || isLater(next, last) ? next : last), null);
  if (statement === null || !saysNone(statement)) return [];
  const oldAt = tooOldAt(statement, days);
  if (oldAt !== null && oldAt <= asOf) {
    const reason = () =>
      `Record applicability_statement: that no vendor handles ePHI was last stated on ${dayOf(statement.goodFrom)}, more than ${days} days before.`;
    return [{ says: 'stale', reason, records: [statement], until: null }];
  }
  const reason = () => 'Record applicability_statement: it is stated that no vendor handles ePHI.';
  return [{ says: 'met', reason, records: [statement], until: earliest([oldAt, statement.expiresAt]) }];
}

const ofAssociates = (record: EffectiveRecord) =>
  applicabilityOf(record)?.statements.filter(({ control }) => control === ASSOCIATES) ?? [];

/** It says of business associates that there are none, and nowhere that there are. */
const saysNone = (record: EffectiveRecord): boolean => ofAssociates(record).every(({ applies }) => !applies);

/** Of two of one day the one that says that there are some. */
const isLater = (one: EffectiveRecord, other: EffectiveRecord): boolean =>
  one.goodFrom > other.goodFrom || (one.goodFrom.getTime() === other.goodFrom.getTime() && !saysNone(one));
