import type { TypeDefinition } from '../catalog/record-type.js';
import type { Due } from '../records/obligations.js';
import type { Statement } from '../records/statement.js';
import { isJudged, type Asks } from './asks.js';
import type { Working } from './needs.js';
import { day } from './words.js';

/**
 * What is overdue fails the practices that ask for the record that is due, else the items that do; where nothing asks for it, whatever asks for the record that makes
 * it due; and the items of the law that set the time. What records make due whose type a room judges is that room's to say: it knows in what other ways the duty is done.
 */
export function overdueStatements(
  dues: readonly Due[],
  asks: Asks,
  types: ReadonlyMap<string, TypeDefinition>,
  asOf: Date,
): Statement[] {
  return dues
    .filter(({ isOverdue, record }) => isOverdue && !isJudged(types.get(record.type)))
    .flatMap((due) => {
      const reason = `Overdue since ${day(due.dueAt.getTime())}: ${named(due, types)}. ${due.says}`;
      return statementsOf(due, asks, asOf, 'failing', reason);
    });
}

/** The record type of which the law itself sets the last day: 164.404(b), 164.406(b), 164.408(b) and (c), 164.410(b). Of registers and assessments this product does. */
const TIMED = 'notice';

/**
 * What was met too late stays to be seen as late wherever the record is asked for. A notice that was given after the last day of the law has proven that it was not
 * given in time: the items that set the time fail until a corrective action says what was done about it.
 */
export function lateStatements(
  dues: readonly Due[],
  asks: Asks,
  types: ReadonlyMap<string, TypeDefinition>,
  asOf: Date,
): Statement[] {
  return dues
    .filter(({ isLate, record }) => isLate && !isJudged(types.get(record.type)))
    .flatMap((due) => {
      const { type, items, metAt, metBy, answeredBy } = due;
      const late = `Late: ${named(due, types)} was due by ${day(due.dueAt.getTime())}, and is of ${day((metAt ?? asOf).getTime())}. ${due.says}`;
      const isOpen = type === TIMED && answeredBy === null;
      const reason = isOpen
        ? `${late} No \`corrective_action\` that is completed and links to the record says what was done about it.`
        : `${late}${answeredBy === null ? '' : ' A `corrective_action` says what was done about it.'}`;
      const records = [due.record.id, ...[metBy, answeredBy].filter((id) => id !== null)];
      const said = subjectsOf(due, asks).filter(({ need }) => need === type);
      return said.map(({ about, need }): Statement => {
        const isOfItem = 'control' in about && items.includes(about.control);
        const common = { about, need, reason, records, series: [], at: asOf, until: null };
        return isOpen && isOfItem
          ? {
              ...common,
              until: due.answeredAt,
              says: 'failing',
              work: { kind: 'failing', ownerId: due.record.ownerId, dueAt: due.dueAt },
            }
          : { ...common, says: 'met' };
      });
    });
}

/** What records make due and is not overdue yet: work, which moves no status. */
export function openDues(
  dues: readonly Due[],
  asks: Asks,
  types: ReadonlyMap<string, TypeDefinition>,
  asOf: Date,
): Working[] {
  return dues
    .filter(({ isOverdue, metBy, record }) => !isOverdue && metBy === null && !isJudged(types.get(record.type)))
    .flatMap((due) =>
      statementsOf(due, asks, asOf, 'met', `Due by ${day(due.dueAt.getTime())}: ${named(due, types)}. ${due.says}`),
    );
}

const named = ({ type }: Due, types: ReadonlyMap<string, TypeDefinition>): string =>
  `record \`${type}\` (${types.get(type)?.title ?? type})`;

const statementsOf = (due: Due, asks: Asks, asOf: Date, says: Statement['says'], reason: string): Working[] =>
  subjectsOf(due, asks).map(({ about, need }) => ({
    about,
    need,
    says,
    reason,
    records: [due.record.id],
    series: [],
    at: asOf,
    until: says === 'met' ? due.dueAt : null,
    work: { kind: 'due', ownerId: due.record.ownerId, dueAt: due.dueAt },
  }));

function subjectsOf({ type, record, items }: Due, asks: Asks): Pick<Statement, 'about' | 'need'>[] {
  const asking = [type, record.type].flatMap((wanted) =>
    (['practices', 'controls'] as const).map((kind) =>
      [...asks[kind]]
        .filter(([, list]) => list.some((ask) => ask.type === wanted))
        .map(([id]): Pick<Statement, 'about' | 'need'> => ({
          about: kind === 'practices' ? { practice: id } : { control: id },
          need: wanted,
        })),
    ),
  );
  const found = asking.find((subjects) => subjects.length > 0) ?? [];
  const told = new Set(found.map(({ about }) => ('control' in about ? about.control : '')));
  // What the law says in an item fails the item, whichever practice asks for the record: else the item on notices to individuals would stand while one is overdue.
  return [...found, ...items.filter((id) => !told.has(id)).map((control) => ({ about: { control }, need: type }))];
}
