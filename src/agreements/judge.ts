import { dayOf, earliest } from '../kernel/dates.js';
import type { EffectiveRecord } from '../records/effective.js';
import { TOLD_IN_WORDS, type Statement } from '../records/statement.js';
import {
  findingsOf,
  FLOW_DOWN,
  inapplicable,
  isOfFlowDown,
  OVERSIGHT,
  reviewFindings,
  Vendors,
  type AgreementNeed,
  type AgreementNeeds,
  type Finding,
} from './findings.js';
import { openReturns, returnsToCome } from './returns.js';
import { partNames } from './scope.js';
import type { AgreementsInput, VendorStanding } from './standing.js';
import { RETURN_CONTROL } from './terms.js';

const DAY = 86_400_000;

/** From how many days before its end an agreement stands on the work list; notices are given at each. */
export const NOTICE_DAYS = [90, 60, 30] as const;
const NOTICE = Math.max(...NOTICE_DAYS) * DAY;

const MAX_RECORDS = 5;

const ids = (...records: readonly (EffectiveRecord | null)[]): string[] =>
  records.flatMap((record, at) =>
    record === null || records.findIndex((one) => one?.id === record.id) < at ? [] : record.id,
  );
/**
 * What vendors, their agreements and reviews say of practices and items, all of them of the organisation as a whole. Every business associate and every other vendor with ePHI has an agreement in
 * force that covers where it handles it, with every required term; whoever works for another vendor is bound by it; its safeguards are reviewed; and what an
 * agreement leaves open when it ends is shown to be closed. That no vendor is recorded proves nothing: then somebody has to state that there is none.
 */
export function judge(input: AgreementsInput, asked: AgreementNeeds, asOf: Date): Statement[] {
  const vendors = new Vendors(input, asOf);
  const { standings } = vendors;
  const made = new Map<string, { said: readonly Finding[]; concluded: readonly Statement[] }>();
  const sayOf = (need: AgreementNeed) => {
    const findings = need.type === 'vendor_review' ? reviewFindings(standings, need, asOf) : findingsOf(vendors, need);
    const said = standings.length === 0 ? inapplicable(input, asked.applicabilityDays, asOf) : findings;
    return { said, concluded: conclude(need, said, asOf) };
  };
  const statements = asked.needs.flatMap((need) => {
    const { about } = need;
    // Dozens of needs ask the same of every vendor, and differ in the item alone that they are of.
    const term = need.term === null || vendors.lackingTerm(need.term).length > 0 ? need.term : 'held by all';
    const key = JSON.stringify([need.type, need.days, term, isOfFlowDown(about)]);
    const one = made.get(key) ?? sayOf(need);
    made.set(key, one);
    const concluded = one.concluded.map((statement): Statement => ({ ...statement, about }));
    return concluded.concat(expiring(standings, need, one.said, asOf));
  });
  const returns = returnStatements(input, asOf);
  // From the day on which a return is due what it is about fails, also where all else is good.
  const dueAt = earliest([...returns.map(({ until }) => until), ...returnsToCome(input, asOf)]);
  return [
    ...statements.map((statement) =>
      statement.says === 'met' && isOfReturns(statement.about)
        ? { ...statement, until: earliest([statement.until, dueAt]) }
        : statement,
    ),
    ...returns,
  ];
}

const isOfReturns = (about: Statement['about']): boolean =>
  'practice' in about ? about.practice === OVERSIGHT : about.control === RETURN_CONTROL;

/** The worst that was found speaks for the need, in the words of each that says it; what is met is told once. */
function conclude({ about, type, term }: AgreementNeed, findings: readonly Finding[], at: Date): Statement[] {
  const worst = worstOf(findings);
  if (worst === null) return [];
  const told = findings.filter(({ says }) => says === worst);
  const wanted = term === null ? null : [term];
  const until = earliest(told.map((finding) => finding.until));
  const common = { about, need: type, says: worst, series: [], at } as const;
  if (worst === 'met') {
    const [first] = told;
    const reason =
      told.length === 1 && first !== undefined
        ? first.reason(wanted)
        : `Record ${type}: ${told.length} of ${told.length} are good.`;
    return [{ ...common, reason, records: recordsOf(told), until }];
  }
  const shown = told.slice(0, TOLD_IN_WORDS);
  const rest = told.slice(TOLD_IN_WORDS);
  return [
    ...shown.map((finding) => ({
      ...common,
      reason: finding.reason(wanted),
      records: ids(...finding.records),
      until: finding.until,
    })),
    ...(rest.length === 0
      ? []
      : [
          {
            ...common,
            reason: `Record ${type}: ${rest.length} more of the same sort.`,
            alike: rest.length,
            records: recordsOf(rest),
            until,
          },
        ]),
  ];
}

function recordsOf(findings: readonly Finding[]): string[] {
  const found = new Set<string>();
  for (const { records } of findings) {
    for (const id of ids(...records)) if (found.size < MAX_RECORDS) found.add(id);
    if (found.size === MAX_RECORDS) break;
  }
  return [...found];
}

const worstOf = (findings: readonly Finding[]): Statement['says'] | null =>
  (['failing', 'stale', 'met'] as const).find((says) => findings.some((finding) => finding.says === says)) ?? null;

/** Agreements about to end, for the work list. They are in force, so they say nothing worse than what is said of the need without them. */
function expiring(
  standings: readonly VendorStanding[],
  { about, type }: AgreementNeed,
  said: readonly Finding[],
  asOf: Date,
): Statement[] {
  if (type !== 'baa' || !('practice' in about)) return [];
  const ofSubcontractors = about.practice === FLOW_DOWN;
  if (!ofSubcontractors && about.practice !== OVERSIGHT) return [];
  const says = worstOf(said) === 'stale' ? 'stale' : 'met';
  return standings
    .filter(({ isSubcontractor }) => isSubcontractor === ofSubcontractors)
    .flatMap(({ name, inForce }) =>
      inForce.flatMap(({ record, endsAt }): Statement[] => {
        if (endsAt === null || endsAt.getTime() - asOf.getTime() > NOTICE) return [];
        const days = NOTICE_DAYS.findLast((limit) => endsAt.getTime() - asOf.getTime() <= limit * DAY);
        const reason = `Record baa: the agreement with vendor ${name} ends on ${dayOf(new Date(endsAt.getTime() - 1))}, within ${days} days.`;
        const work = { kind: 'expiring', ownerId: record.ownerId, dueAt: endsAt } as const;
        return [{ about, need: type, says, reason, records: ids(record), series: [], at: asOf, until: endsAt, work }];
      }),
    );
}

/** Return or destruction of PHI: work until it is due, and failing from then on until it is shown. */
function returnStatements(input: AgreementsInput, at: Date): Statement[] {
  const open = openReturns(input, at);
  if (open.length === 0) return [];
  const names = new Map([...input.spans, ...input.systems].map(({ id, name }) => [id, name]));
  return open.flatMap(({ agreement, vendorName, endedAt, dueAt, left, isNarrowed }): Statement[] => {
    const common = { need: 'phi_return', records: ids(agreement), series: [], at };
    const lastDay = dayOf(new Date(endedAt.getTime() - 1));
    const ended = isNarrowed
      ? `the agreement with vendor ${vendorName} covered ${partNames(left, names)} until ${lastDay}, and no longer does`
      : `the agreement with vendor ${vendorName} ended on ${lastDay}`;
    const practice = { practice: OVERSIGHT };
    if (at < dueAt) {
      const reason = `Record phi_return: ${ended}; that its PHI was returned or destroyed has to be shown by ${dayOf(dueAt)}.`;
      const work = { kind: 'due', ownerId: agreement.ownerId, dueAt } as const;
      return [{ ...common, about: practice, says: 'met', reason, until: dueAt, work }];
    }
    const reason = `Record phi_return: ${ended}, and nothing shows that its PHI was returned or destroyed.`;
    const work = { kind: 'failing', ownerId: agreement.ownerId, dueAt } as const;
    return [practice, { control: RETURN_CONTROL }].map((about) => ({
      ...common,
      about,
      says: 'failing' as const,
      reason,
      until: null,
      work,
    }));
  });
}
