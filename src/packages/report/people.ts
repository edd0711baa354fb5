import type { CitedItem } from '../citations.js';
import type { Block, Section, Tone } from './model.js';
import {
  cellLevel,
  type DecisionLine,
  type ExceptionLine,
  type Registers,
  type RiskLine,
  type VendorLine,
} from './registers.js';
import { columns, counted, dayText, ofAll, restOf, tableOr, text } from './wording.js';

export function risksSection({ risks, heat, matrix }: Registers): Section {
  const { items, total } = risks;
  const open = heat.reduce((sum, count) => sum + count, 0);
  const overdue = items.filter(({ status }) => status === 'Overdue').length;
  const unreadable = items.filter(({ isReadable }) => !isReadable).length;
  return {
    id: 'risks',
    title: 'Risks',
    blocks:
      total === 0
        ? [
            text(
              'No risk is in effect: threats, vulnerabilities, likelihood, impact and level are what a risk analysis is made of.',
            ),
          ]
        : [
            text(
              `Open or accepted: ${open} of ${total}. Overdue: ${ofAll(overdue, risks)}.${unreadable === 0 ? '' : ` Not readable, and in neither number: ${ofAll(unreadable, risks)}.`}`,
            ),
            riskFigure(heat, matrix, open),
            tableOr('', {
              caption: 'Risks: those that nobody can read and those overdue first, then by level',
              columns: columns(['Risk', 5], ['Level', 2], ['Treatment', 2], ['Due', 2], ['State', 2]),
              rows: items.map(riskRow),
              rest: restOf(items.length, total, 'registers/risks.csv'),
            }),
          ],
    sections: [],
  };
}

function riskRow({
  title,
  isReadable,
  number,
  asset,
  threat,
  vulnerability,
  level,
  treatment,
  dueOn,
  status,
}: RiskLine): string[] {
  if (!isReadable) return [title, 'not readable', '', '', 'not readable'];
  return [
    `${number ?? ''} ${asset ?? ''}: ${threat ?? ''}; ${vulnerability ?? ''}`,
    level ?? 'no matrix',
    treatment ?? '',
    dueOn ?? '',
    status ?? '',
  ];
}

const STEPS = [1, 2, 3, 4, 5] as const;

/** The likeliest above, the gravest impact to the right. */
function riskFigure(heat: readonly number[], matrix: Registers['matrix'], open: number): Block {
  const step = (names: readonly string[] | undefined, number: number): string =>
    `${number} ${names?.[number - 1] ?? ''}`.trim();
  const levelsOf = (level: string): number =>
    STEPS.flatMap((likelihood) => STEPS.map((impact) => ({ likelihood, impact })))
      .filter(({ likelihood, impact }) => cellLevel(matrix, likelihood, impact) === level)
      .reduce((sum, { likelihood, impact }) => sum + (heat[(likelihood - 1) * 5 + impact - 1] ?? 0), 0);
  const byLevel = ['critical', 'high', 'moderate', 'low'].map((level) => `${levelsOf(level)} ${level}`).join(', ');
  return {
    kind: 'figure',
    title: 'Open and accepted risks by likelihood and impact',
    summary:
      matrix === null
        ? `${counted(open, 'risk')}. No analysis in effect has a matrix that says which level a likelihood and an impact give.`
        : `${counted(open, 'risk')}, by the matrix of the latest analysis: ${byLevel}.`,
    chart: {
      kind: 'matrix',
      rows: STEPS.toReversed().map((likelihood) => step(matrix?.likelihood, likelihood)),
      columns: STEPS.map((impact) => step(matrix?.impact, impact)),
      rowsAre: 'Likelihood',
      columnsAre: 'Impact',
      cells: STEPS.toReversed().flatMap((likelihood, row) =>
        STEPS.map((impact, column) => {
          const level = cellLevel(matrix, likelihood, impact);
          const tone: Tone = level ?? 'not_applicable';
          return { row, column, count: heat[(likelihood - 1) * 5 + impact - 1] ?? 0, tone, word: level ?? '' };
        }),
      ),
    },
  };
}

const GOOD_STATES: readonly string[] = ['in-force', 'not-needed'];

export function agreementsSection({ agreements }: Registers): Section {
  const { items, total } = agreements;
  const wanting = items.filter(({ states }) => !GOOD_STATES.includes(states[0] ?? '')).length;
  return {
    id: 'agreements',
    title: 'Business associates and their agreements',
    blocks: [
      ...(total === 0 ? [] : [text(`Vendors of which something is wanting: ${ofAll(wanting, agreements)}.`)]),
      tableOr('No vendor is recorded.', {
        caption: 'Vendors by what is so of their agreements, the worst first',
        columns: columns(['Vendor', 3], ['Role', 2], ['What is so of it', 3], ['Agreements', 5]),
        rows: items.map(vendorRow),
        rest: restOf(items.length, total, 'registers/agreements.csv'),
      }),
    ],
    sections: [],
  };
}

const vendorRow = ({ name, role, states, agreements }: VendorLine): string[] => [
  name,
  (role ?? '').replaceAll('_', ' '),
  states.map((state) => state.replaceAll('-', ' ')).join(', '),
  agreements
    .map(
      ({ title, inForce, endsAt, termsMissing }) =>
        `${title} (${inForce ? 'in force' : 'not in force'}${endsAt === null ? '' : `, to ${dayText(endsAt)}`}${termsMissing.length === 0 ? '' : `, ${counted(termsMissing.length, 'term')} missing`})`,
    )
    .join('; '),
];

export function exceptionsSection({ exceptions, decisions }: Registers): Section {
  return {
    id: 'exceptions',
    title: 'Exceptions and decisions',
    blocks: [text('What an exception covers goes on failing, and is shown as excepted until its day.')],
    sections: [
      {
        id: 'exceptions-list',
        title: 'Exceptions',
        blocks: [
          tableOr('No exception is recorded.', {
            caption: 'Exceptions: those in force first, by the day on which they end',
            columns: columns(['Exception', 3], ['In force', 1], ['Until', 2], ['Covers', 3], ['Why', 5]),
            rows: exceptions.items.map(exceptionRow),
            rest: restOf(exceptions.items.length, exceptions.total, 'registers/exceptions.csv'),
          }),
        ],
        sections: [],
      },
      {
        id: 'decisions',
        title: 'Decisions on addressable specifications (45 CFR 164.306(d)(3))',
        blocks: [
          tableOr('No decision is recorded.', {
            caption: 'Decisions: those not in force first',
            columns: columns(
              ['Specification', 3],
              ['In force', 1],
              ['Until', 2],
              ['Outcome', 2],
              ['Instead, and how the standard is met', 6],
            ),
            rows: decisions.items.map(decisionRow),
            rest: restOf(decisions.items.length, decisions.total, 'registers/decisions.csv'),
          }),
        ],
        sections: [],
      },
    ],
  };
}

const yesNo = (is: boolean): string => (is ? 'yes' : 'no');

const exceptionRow = ({ title, inForce, expiresAt, reason, checks, results, practices }: ExceptionLine): string[] => [
  title,
  yesNo(inForce),
  dayText(expiresAt),
  [
    ...practices,
    ...checks.map(({ source, check }) => `${source} ${check}`),
    ...(results.length === 0 ? [] : [counted(results.length, 'result')]),
  ].join(', '),
  typeof reason === 'string' ? reason : '',
];

const decisionRow = ({ title, control, inForce, until, outcome, alternative, standardMet }: DecisionLine): string[] => [
  control ?? `${title} (not readable)`,
  yesNo(inForce),
  dayText(until),
  (outcome ?? '').replaceAll('_', ' '),
  [alternative, standardMet].filter((words) => words !== undefined).join(' '),
];

/** The way that an auditor goes: from the citation to the policy to the records. */
export function citationsSection(items: readonly CitedItem[]): Section {
  const titles = (records: readonly { title: string }[]): string => records.map(({ title }) => title).join('; ');
  return {
    id: 'citations',
    title: 'From the citation to policy and records',
    blocks: [
      text(
        'For every item of the rules the policies in effect that name it or one above it, and the records that it or its practices ask for. The records themselves are in records/, their documents in evidence/.',
      ),
      tableOr('', {
        caption: 'Items with their policies and records',
        columns: columns(['Item', 4], ['Policies', 4], ['Records in effect', 4], ['Asked for, and none', 3]),
        rows: items.map(({ id, title, policies, records, linked }) => [
          `${id} ${title}`,
          titles(policies) || 'none',
          [
            ...records.filter(({ count }) => count > 0).map(({ title: type, count }) => `${type}: ${count}`),
            titles(linked),
          ]
            .filter((words) => words !== '')
            .join('; '),
          records
            .filter(({ count }) => count === 0)
            .map(({ type }) => type)
            .join('; '),
        ]),
      }),
    ],
    sections: [],
  };
}
