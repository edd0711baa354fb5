import { FLOW_DOWN, OVERSIGHT, type AgreementNeed } from '../../src/agreements/findings.js';
import { judge } from '../../src/agreements/judge.js';
import type { AgreementsInput } from '../../src/agreements/standing.js';
import { TERM_NAMES, TERMS, type Term } from '../../src/agreements/terms.js';
import type { EffectiveRecord, EndedRecord } from '../../src/records/effective.js';
import type { Statement } from '../../src/records/statement.js';
import { effective, idOf } from './effective.js';

// Vendors and their agreements, as their judge reads them.

export const at = (day: string): Date => new Date(`${day}T00:00:00Z`);
export const emr = { id: idOf('emr'), name: 'emr-production' };
export const pacs = { id: idOf('pacs'), name: 'pacs' };
/** When a system was in scope. */
export const span = (system: { id: string; name: string }, from = '2025-12-01', to: string | null = null) => ({
  ...system,
  from: at(from),
  to: to === null ? null : at(to),
});
export const NOW = at('2026-06-01');

export type Said = NonNullable<Parameters<typeof effective>[3]>;

export const vendor = (name: string, fields: object = {}, said: Said = {}): EffectiveRecord =>
  effective('vendor', name, { name, role: 'business_associate', ephi: true, ...fields }, { naturalKey: name, ...said });
export const terms = (without: readonly Term[] = []) =>
  TERM_NAMES.filter((term) => !without.includes(term)).map((term) => ({ term, clause: '§ 4' }));
export const agreement = (of: string, fields: object = {}, said: Said = {}, name = `baa of ${of}`): EffectiveRecord =>
  effective(
    'baa',
    name,
    {
      vendor: idOf(of),
      signedOn: '2025-12-20',
      renewal: 'none',
      incidentNoticeHours: 24,
      returnOrDestroy: 'destroy',
      terms: terms(),
      ...fields,
    },
    { subject: idOf(of), ...said },
  );
export const ended = (record: EffectiveRecord, endedAt: string): EndedRecord => ({ ...record, endedAt: at(endedAt) });
export const review = (of: string, verifiedOn: string, said: Said = {}): EffectiveRecord =>
  effective(
    'vendor_review',
    `review of ${of} ${verifiedOn}`,
    { vendor: idOf(of) },
    { goodFrom: `${verifiedOn}T00:00:00Z`, ...said },
  );
export const returned = (of: string, completedOn = '2026-05-01'): EffectiveRecord =>
  effective('phi_return', `return of ${of}`, { agreement: idOf(of), method: 'destroyed', completedOn });

export const NEEDS: AgreementNeed[] = [
  { about: { practice: OVERSIGHT }, type: 'baa', days: null, term: null },
  { about: { practice: OVERSIGHT }, type: 'vendor_review', days: 365, term: null },
  { about: { practice: FLOW_DOWN }, type: 'baa', days: 365, term: null },
  { about: { control: '164.502(e)(1)' }, type: 'baa', days: null, term: null },
  { about: { control: '164.504(e)(5)' }, type: 'baa', days: null, term: null },
  ...TERMS.map(({ term, control }): AgreementNeed => ({ about: { control }, type: 'baa', days: null, term })),
];

export const ask = (input: Partial<AgreementsInput>, asOf = NOW): Statement[] =>
  judge(
    {
      vendors: [],
      agreements: [],
      ended: [],
      past: [],
      endings: new Map(),
      reviews: [],
      returns: [],
      applicability: [],
      systems: [emr, pacs],
      spans: [span(emr), span(pacs)],
      ...input,
    },
    { needs: NEEDS, applicabilityDays: 365 },
    asOf,
  );
export const nameOf = ({ about }: Statement): string => ('practice' in about ? about.practice : about.control);
export const of = (statements: readonly Statement[], about: string, need = 'baa'): Statement[] =>
  statements.filter((statement) => nameOf(statement) === about && statement.need === need);
export const says = (statements: readonly Statement[], about: string, need = 'baa'): string[] => [
  ...new Set(of(statements, about, need).map((statement) => statement.says)),
];
export const reasons = (statements: readonly Statement[], about: string, need = 'baa'): string =>
  of(statements, about, need)
    .map(({ reason }) => reason)
    .join('\n');
