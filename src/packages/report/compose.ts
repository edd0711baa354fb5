import { STATUSES } from '../../posture/status.js';
import type { CitedItem } from '../citations.js';
import type { PackageFacts } from '../contents.js';
import { blindSection } from './blind.js';
import { countsText, evidencedSection, gapsSection, MEANINGS, totalOf } from './gaps.js';
import { freshnessSection, keysSection, recoverySection } from './machines.js';
import { wordOf, type Block, type Report, type Section } from './model.js';
import { agreementsSection, citationsSection, exceptionsSection, risksSection } from './people.js';
import type { Readings } from './readings.js';
import type { Registers } from './registers.js';
import { columns, counted, dayText, ofAll, tableOr, text } from './wording.js';

/**
 * The report of a package. What is missing comes before what is there: who reads one page has read the gaps. Nothing of the package's own making is in it, neither its
 * id nor when it was asked for, so that the same scope, instants and catalogue give the same report.
 */
export function reportOf(
  facts: PackageFacts,
  readings: Readings,
  registers: Registers,
  items: readonly CitedItem[],
): Report {
  const { organization, asOf, knownAt, periodFrom, catalog } = facts;
  const { posture } = readings;
  const scope =
    posture.systemId === null
      ? counted(posture.systems.length, 'system')
      : `System ${posture.systems.map(({ name }) => name).join('')}`;
  return {
    title: `What is evidenced: ${organization.name}`,
    about: [
      ['Organisation', organization.name],
      ['Scope', scope],
      ['As of', `${asOf.toISOString()} (UTC)`],
      ['As known at', `${knownAt.toISOString()} (UTC)`],
      ['Period', `${dayText(periodFrom)} to ${dayText(asOf)}`],
      ['Judged by', `catalogue ${catalog.version}, ${catalog.digest}`],
    ],
    opening: openingOf(facts, readings),
    sections: [
      gapsSection(facts, readings),
      blindSection(facts, readings),
      risksSection(registers),
      keysSection(facts, readings),
      recoverySection(facts, readings),
      freshnessSection(facts, readings),
      agreementsSection(registers),
      exceptionsSection(registers),
      evidencedSection(readings),
      citationsSection(items),
      meaningSection(),
    ],
    dated: knownAt,
  };
}

function openingOf({ alteredRows, faults, evidence }: PackageFacts, { posture, keys, objectives }: Readings): Block[] {
  const { counts, systems } = posture;
  const blind = posture.systemId === null ? posture.blindSystems.length + posture.moreBlindSystems : null;
  const targets = posture.systemId === null ? null : posture.blindSpots.targets.length + posture.blindSpots.moreTargets;
  const overdue = keys.items.filter(({ state }) => state !== 'ok').length;
  const broken = objectives.items.filter(({ lines }) => lines.some(({ breaches }) => breaches.length > 0)).length;
  return [
    ...(alteredRows.length === 0
      ? []
      : [
          {
            kind: 'warning',
            text: `Rows of ${counted(new Set(alteredRows.map(({ id }) => id)).size, 'object')} were altered in the database past the service: they are not what its audit log says, or what they follow from. What rests on them is not borne out until they are put right; they are named among the blind spots.`,
          } as const,
        ]),
    ...(faults.length === 0
      ? []
      : [
          {
            kind: 'warning',
            text: `${faults.length} of ${counted(evidence.length, 'evidence file')} could not be read as they were kept: what was stored has been changed, damaged or lost. Statuses that rest on them rest on what can no longer be shown.`,
          } as const,
        ]),
    ...(systems.length === 0
      ? [
          {
            kind: 'warning',
            text: 'No system is in scope: there is nothing that a scanner could have looked at.',
          } as const,
        ]
      : []),
    {
      kind: 'list',
      items: [
        `Items of the law: ${countsText(counts.controls)}; ${totalOf(counts.controls)} in all.`,
        `Practices: ${countsText(counts.practices)}; ${totalOf(counts.practices)} in all.`,
        blind === null
          ? `Targets that no complete scan shows freshly: ${targets ?? 0}.`
          : `Systems with targets that no complete scan shows freshly: ${blind} of ${systems.length}.`,
        `Keys that are not as their policy asks: ${ofAll(overdue, keys)}.`,
        `Recovery objectives that were not held throughout: ${ofAll(broken, objectives)}.`,
      ],
    },
    text(posture.statement),
  ];
}

const meaningSection = (): Section => ({
  id: 'meaning',
  title: 'How to read this report',
  blocks: [
    tableOr('', {
      caption: 'What the statuses mean',
      columns: columns(['Status', 1], ['Meaning', 4]),
      rows: STATUSES.map((status) => [wordOf(status), `${MEANINGS[status]}.`]),
    }),
    text(
      'In every figure a status has one colour and one pattern. Days are in UTC. A text that was too long for its cell ends with …; a character that cannot be shown is named by its number, as [U+202E].',
    ),
    text(
      'The report is a view of the files beside it in the package (bag/data/), which have all of it, with identifiers, digests and the evidence itself; VERIFY.md says how they are checked. workbook.xlsx has the tables to sort and filter.',
    ),
  ],
  sections: [],
});
