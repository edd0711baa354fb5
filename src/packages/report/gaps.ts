import type { Control } from '../../catalog/catalog.types.js';
import { STATUSES, type Status, type StatusCounts } from '../../posture/status.js';
import type { PackageFacts } from '../contents.js';
import { wordOf, type Block, type Figure, type Section, type TableCell } from './model.js';
import type { Readings, TrendPoint } from './readings.js';
import { columns, counted, dayText, tableOr, text } from './wording.js';

/** What asks for work, in the order in which people work. */
const OPEN: readonly Status[] = ['failing', 'missing', 'stale', 'partial'];
const SETTLED: readonly Status[] = ['excepted', 'evidenced', 'not_applicable'];

export const MEANINGS: Readonly<Record<Status, string>> = {
  failing: 'something known contradicts it',
  missing: 'nothing speaks for it',
  stale: 'what spoke for it is too old',
  partial: 'something fresh speaks for it, and does not prove it',
  excepted: 'met by an approved exception or decision',
  evidenced: 'proven as far as the catalogue asks',
  not_applicable: 'judged through other items',
};

/** So many of each status, those that ask for work first; what is none is not said. */
export function countsText(counts: StatusCounts): string {
  const parts = STATUSES.filter((status) => counts[status] > 0).map((status) => `${counts[status]} ${wordOf(status)}`);
  return parts.length === 0 ? 'none' : parts.join(', ');
}

export const totalOf = (counts: StatusCounts): number => STATUSES.reduce((sum, status) => sum + counts[status], 0);

type Item = Readings['posture']['controls'][number];
type Practice = Readings['posture']['practices'][number];

const isLaw = ({ type }: Item): boolean => type !== 'proposed_requirement';

export function gapsSection(facts: PackageFacts, { posture, trend }: Readings): Section {
  const { controls, practices, counts } = posture;
  const law: readonly Item[] = (controls as readonly Item[]).filter(isLaw);
  const proposed: readonly Item[] = (controls as readonly Item[]).filter((item) => !isLaw(item));
  const open = (items: readonly { status: Status }[]) => items.filter(({ status }) => OPEN.includes(status)).length;
  return {
    id: 'gaps',
    title: 'What is not evidenced',
    blocks: [
      text(
        open(law) === 0
          ? `Every one of the ${counted(law.length, 'item')} of the law is evidenced, excepted or judged through others.`
          : `${open(law)} of ${counted(law.length, 'item')} of the law are not evidenced: ${countsText(counts.controls)}.`,
      ),
      standardsFigure(law, facts.controls),
      trendFigure(trend),
    ],
    sections: [
      ...OPEN.map((status) => itemsSection(status, law)).filter((section) => section !== null),
      {
        id: 'gaps-practices',
        title: 'Practices that fail or went stale',
        blocks: [
          text(`Of ${counted(practices.length, 'practice')}: ${countsText(counts.practices)}.`),
          tableOr('No practice fails, and none went stale.', {
            caption: 'Practices that fail or went stale',
            columns: columns(['Practice', 5], ['Status', 2], ['Why', 6]),
            rows: practiceRows(practices, ['failing', 'stale']),
          }),
        ],
        sections: [],
      },
      ...(proposed.length === 0
        ? []
        : [
            {
              id: 'gaps-proposed',
              title: 'What is only proposed',
              blocks: [
                text(
                  `The organisation has switched on the overlay ${posture.catalog.overlay ?? ''}. What it adds is no law; it counts for nothing above. ${countsText(counts.proposed)}.`,
                ),
                tableOr('Nothing of it is open.', {
                  caption: 'Proposed items that are not evidenced',
                  columns: ITEM_COLUMNS,
                  rows: proposed.filter(({ status }) => OPEN.includes(status)).map(itemRow),
                }),
              ],
              sections: [],
            },
          ]),
    ],
  };
}

/** After the gaps: what stands. */
export function evidencedSection({ posture }: Readings): Section {
  const law: readonly Item[] = (posture.controls as readonly Item[]).filter(isLaw);
  const settled = SETTLED.map((status) => itemsSection(status, law)).filter((section) => section !== null);
  return {
    id: 'evidenced',
    title: 'What is evidenced',
    blocks: settled.length === 0 ? [text('Nothing yet.')] : [],
    sections: [
      ...settled,
      {
        id: 'evidenced-practices',
        title: 'Practices that are evidenced',
        blocks: [
          tableOr('None yet.', {
            caption: 'Practices that are evidenced or excepted',
            columns: columns(['Practice', 5], ['Status', 2], ['Why', 6]),
            rows: practiceRows(posture.practices, ['excepted', 'evidenced']),
          }),
        ],
        sections: [],
      },
    ],
  };
}

const ITEM_COLUMNS = columns(['Item', 4], ['Mark', 2], ['Why', 6]);

const itemRow = ({ id, title, required, reason }: Item): TableCell[] => [`${id} ${title}`, required, reason];

function itemsSection(status: Status, law: readonly Item[]): Section | null {
  const items = law.filter((item) => item.status === status);
  if (items.length === 0) return null;
  const word = wordOf(status);
  return {
    id: `items-${status.replace('_', '-')}`,
    title: `${word[0]?.toUpperCase() ?? ''}${word.slice(1)}: ${MEANINGS[status]}`,
    blocks: [
      tableOr('', {
        caption: `Items of the law that are ${word}: ${items.length}`,
        columns: ITEM_COLUMNS,
        rows: items.map(itemRow),
      }),
    ],
    sections: [],
  };
}

const practiceRows = (practices: readonly Practice[], statuses: readonly Status[]): TableCell[][] =>
  statuses.flatMap((status) =>
    practices
      .filter((practice) => practice.status === status)
      .map(({ id, summary, reason }) => [`${summary} (${id})`, { status }, reason]),
  );

/** A standard with its specifications; what stands under no standard stands by itself. */
function standardsFigure(law: readonly Item[], controls: readonly Control[]): Figure {
  const byId = new Map(controls.map((control) => [control.id, control]));
  const rootOf = (id: string): string => {
    const seen = new Set<string>();
    let at = id;
    for (
      let parent = byId.get(at)?.parent;
      parent !== null && parent !== undefined && !seen.has(parent);
      parent = byId.get(at)?.parent
    ) {
      seen.add(parent);
      at = parent;
    }
    return at;
  };
  const groups = [...Map.groupBy(law, ({ id }) => rootOf(id))].filter(([, items]) =>
    items.some(({ status }) => status !== 'not_applicable'),
  );
  const failing = groups.filter(([, items]) => items.some(({ status }) => status === 'failing')).map(([id]) => id);
  return {
    kind: 'figure',
    title: 'Items of the law by standard and status',
    summary:
      `${counted(groups.length, 'standard')} with their specifications; a standard all of which is judged elsewhere is left out. ` +
      (failing.length === 0 ? 'Nothing fails.' : `Something fails in ${failing.length}: ${failing.join(', ')}.`),
    chart: {
      kind: 'bars',
      lie: 'across',
      labels: groups.map(([id]) => `${id} ${byId.get(id)?.title ?? ''}`),
      unit: 'items',
      series: STATUSES.map((status) => ({
        name: wordOf(status),
        tone: status,
        values: groups.map(([, items]) => items.filter((item) => item.status === status).length),
      })),
    },
  };
}

/** Judged items alone: what is judged elsewhere never changes. */
const TREND: readonly Status[] = STATUSES.filter((status) => status !== 'not_applicable');

function trendFigure(trend: readonly TrendPoint[]): Block {
  const [first, last] = [trend[0], trend.at(-1)];
  const unknown = trend.filter(({ controls }) => controls === null).length;
  const change =
    first === undefined || last === undefined || first === last
      ? 'The period has one instant.'
      : `On ${dayText(first.at)}: ${first.controls === null ? 'not known' : countsText(first.controls)}. On ${dayText(last.at)}: ${last.controls === null ? 'not known' : countsText(last.controls)}.`;
  return {
    kind: 'figure',
    title: 'Items of the law by status over the period',
    summary: `${change} Each as it is known now.${unknown === 0 ? '' : ` At ${counted(unknown, 'instant')} the system was none of the organisation's: no bar.`}`,
    chart: {
      kind: 'bars',
      lie: 'upright',
      labels: trend.map(({ at }) => dayText(at)),
      unit: 'items',
      series: TREND.map((status) => ({
        name: wordOf(status),
        tone: status,
        values: trend.map(({ controls }) => controls?.[status] ?? 0),
      })),
    },
  };
}
