import { DAY_MS, MINUTE_MS } from '../../kernel/dates.js';
import type { PackageFacts } from '../contents.js';
import type { Block, Chart, Section, Tone } from './model.js';
import { AGES, type KeyReading, type ObjectiveReading, type Readings } from './readings.js';
import { columns, counted, dayText, ofAll, restOf, tableOr, text } from './wording.js';

/** Lines of a timeline: a picture that is read, and no higher than a page. */
const LINES = 25;

type Span = Extract<Chart, { kind: 'timeline' }>['spans'][number];
type SpanItem = Span['items'][number];

/** A kind of span that nothing has is not in the legend. */
const spansOf = (found: readonly Span[]): Span[] => found.filter(({ items }) => items.length > 0);

export function keysSection(facts: PackageFacts, { keys }: Readings): Section {
  const { items, total } = keys;
  const findings = items.filter(({ state }) => state !== 'ok').length;
  return {
    id: 'keys',
    title: 'Keys and secrets',
    blocks:
      total === 0
        ? [text('No record and no report tells of a key.')]
        : [
            text(`Keys that are not as their policy asks: ${ofAll(findings, keys)}.`),
            keysFigure(items, facts),
            tableOr('', {
              caption: 'Keys by what records and reports say, the gravest first',
              columns: columns(['Key', 4], ['System', 2], ['Last rotated', 2], ['Due', 2], ['What is so of it', 6]),
              rows: items.map(({ name, system, rotatedAt, dueAt, reasons }) => [
                name,
                system,
                dayText(rotatedAt[0]) || 'never',
                dayText(dueAt) || 'no day',
                reasons.join(' ') || 'As its policy asks.',
              ]),
              rest: restOf(items.length, total, 'registers/keys.csv'),
            }),
          ],
    sections: [],
  };
}

function keysFigure(keys: readonly KeyReading[], { periodFrom, asOf }: PackageFacts): Block {
  const drawn = keys.slice(0, LINES);
  // What is due in the quarter of a period after it is seen coming.
  const to = asOf.getTime() + Math.max(DAY_MS, (asOf.getTime() - periodFrom.getTime()) / 4);
  const spans: Record<'kept' | 'overdue' | 'free', SpanItem[]> = { kept: [], overdue: [], free: [] };
  drawn.forEach(({ createdAt, rotatedAt, policyDays }, label) => {
    const starts = [...(createdAt === null ? [] : [createdAt]), ...rotatedAt.toReversed()].map((at) => at.getTime());
    starts.forEach((from, index) => {
      const until = starts[index + 1] ?? asOf.getTime();
      const limit = policyDays === null ? until : Math.min(until, from + policyDays * DAY_MS);
      spans[policyDays === null ? 'free' : 'kept'].push({ label, from, to: limit });
      if (limit < until) spans.overdue.push({ label, from: limit, to: until });
    });
  });
  const rotations = drawn.flatMap(({ rotatedAt }, label) => rotatedAt.map((at) => ({ label, at: at.getTime() })));
  const due = drawn.flatMap(({ dueAt }, label) => (dueAt === null ? [] : [{ label, at: dueAt.getTime() }]));
  const isSeen = ({ at }: { at: number }) => at >= periodFrom.getTime() && at <= to;
  const late = keys.filter(({ dueAt }) => dueAt !== null && dueAt <= asOf).length;
  return {
    kind: 'figure',
    title: 'Rotations of keys over the period',
    summary:
      (keys.length > LINES ? `The gravest ${LINES} of the keys in the table. ` : '') +
      `${counted(rotations.filter(isSeen).length, 'rotation')} in the period; ${late === 0 ? 'none of the table is' : `${late} of the table are`} overdue at its end, on ${dayText(asOf)}.`,
    chart: {
      kind: 'timeline',
      from: periodFrom.getTime(),
      to,
      labels: drawn.map(({ name, system }) => `${name} (${system})`),
      spans: spansOf([
        { name: 'within its interval', tone: 'evidenced', items: spans.kept },
        { name: 'longer than its interval', tone: 'failing', items: spans.overdue },
        { name: 'no interval is recorded', tone: 'not_applicable', items: spans.free },
      ]),
      marks: [
        { name: 'rotated', tone: 'excepted' as const, shape: 'circle' as const, items: rotations.filter(isSeen) },
        { name: 'due', tone: 'partial' as const, shape: 'triangle' as const, items: due.filter(isSeen) },
      ].filter(({ items }) => items.length > 0),
    },
  };
}

export function recoverySection(facts: PackageFacts, { objectives }: Readings): Section {
  const { items, total } = objectives;
  const broken = items.filter(({ lines }) => lines.some(({ breaches }) => breaches.length > 0)).length;
  return {
    id: 'recovery',
    title: 'Backups and recovery',
    blocks:
      total === 0
        ? [
            text(
              'No recovery objective is in effect: nothing says how old the data of a restore may be, nor how long it may take.',
            ),
          ]
        : [
            text(`Recovery points that were not held at every instant of the period: ${ofAll(broken, objectives)}.`),
            recoveryFigure(items, facts),
            tableOr('', {
              caption: 'Recovery objectives, the most time not held first',
              columns: columns(
                ['Objective', 3],
                ['Namespace', 2],
                ['RPO, minutes', 2],
                ['Held', 2],
                ['Last backup', 2],
                ['Last restore test', 4],
              ),
              rows: items.flatMap((objective) =>
                objective.lines.map(({ namespace, lastBackupAt, breaches }) => [
                  `${objective.scope} (${objective.system})`,
                  namespace ?? 'all',
                  String(objective.rpoMinutes),
                  heldText(breaches, facts),
                  dayText(lastBackupAt) || 'none known',
                  testText(objective),
                ]),
              ),
              rest: restOf(items.length, total, 'records/recovery_objective.csv'),
            }),
          ],
    sections: [],
  };
}

type Breaches = ObjectiveReading['lines'][number]['breaches'];

/** Cut, not rounded: what was broken for a minute is not held 100 %. */
function heldText(breaches: Breaches, { periodFrom, asOf }: PackageFacts): string {
  const length = (asOf.getTime() - periodFrom.getTime()) / MINUTE_MS;
  const lost = breaches.reduce((sum, { from, to }) => sum + (to.getTime() - from.getTime()) / MINUTE_MS, 0);
  return length === 0 ? '' : `${(Math.floor((1_000 * (length - lost)) / length) / 10).toFixed(1)} %`;
}

function testText({ lastTest }: ObjectiveReading): string {
  if (lastTest === null) return 'none';
  return `${dayText(lastTest.completedAt)}: ${lastTest.missed === null ? 'met both objectives' : lastTest.missed}`;
}

function recoveryFigure(objectives: readonly ObjectiveReading[], { periodFrom, asOf }: PackageFacts): Block {
  const lines = objectives.flatMap(({ scope, system, lines: of }) =>
    of.map(({ namespace, breaches }) => ({ label: `${scope}: ${namespace ?? 'all'} (${system})`, breaches })),
  );
  const drawn = lines.slice(0, LINES);
  const items = (select: (breach: Breaches[number]) => boolean): SpanItem[] =>
    drawn.flatMap(({ breaches }, label) =>
      breaches.filter(select).map(({ from, to }) => ({ label, from: from.getTime(), to: to.getTime() })),
    );
  const breached = lines.reduce((sum, { breaches }) => sum + breaches.length, 0);
  return {
    kind: 'figure',
    title: 'When recovery point objectives were held',
    summary:
      (lines.length > LINES ? `The ${LINES} of ${lines.length} lines that were held least. ` : '') +
      (breached === 0
        ? 'All were held throughout.'
        : `Not held ${counted(breached, 'time')}: what was lost then was older than the objective allows, or no backup of before is known.`),
    chart: {
      kind: 'timeline',
      from: periodFrom.getTime(),
      to: asOf.getTime(),
      labels: drawn.map(({ label }) => label),
      spans: spansOf([
        {
          name: 'held',
          tone: 'evidenced',
          items: drawn.flatMap(({ breaches }, label) =>
            heldSpans(breaches, label, periodFrom.getTime(), asOf.getTime()),
          ),
        },
        {
          name: 'the last backup was too old',
          tone: 'failing',
          items: items(({ lastBackupAt }) => lastBackupAt !== null),
        },
        {
          name: 'no backup of before is known',
          tone: 'missing',
          items: items(({ lastBackupAt }) => lastBackupAt === null),
        },
      ]),
      marks: [],
    },
  };
}

/** What lies between breaches, which come one after another. */
function heldSpans(breaches: Breaches, label: number, from: number, to: number): SpanItem[] {
  const spans: SpanItem[] = [];
  let at = from;
  for (const breach of breaches) {
    if (breach.from.getTime() > at) spans.push({ label, from: at, to: breach.from.getTime() });
    at = breach.to.getTime();
  }
  return at < to ? [...spans, { label, from: at, to }] : spans;
}

const AGE_TONES: readonly Tone[] = ['evidenced', 'excepted', 'partial', 'stale', 'failing'];

function ageName(index: number): string {
  const [before, days] = [AGES[index - 1], AGES[index]];
  if (days === null || days === undefined) return `older than ${before ?? 0} days`;
  return index === 0 ? 'a day or less' : `up to ${days} days`;
}

export function freshnessSection({ asOf }: PackageFacts, { freshness }: Readings): Section {
  const { items, total } = freshness;
  return {
    id: 'freshness',
    title: 'How fresh the evidence of scanners is',
    blocks:
      total === 0
        ? [text('No complete scan is known: nothing that scanners could see is evidenced.')]
        : [
            freshnessFigure(freshness, asOf),
            tableOr('', {
              caption: 'Sources by system, the oldest first',
              columns: columns(
                ['Source', 4],
                ['System', 3],
                ['Targets', 1],
                ['Oldest of their latest complete scans', 3],
              ),
              rows: items.map(({ source, system, targets, oldestAt }) => [
                source,
                system,
                String(targets.reduce((sum, count) => sum + count, 0)),
                dayText(oldestAt),
              ]),
              rest: restOf(items.length, total, 'coverage.jsonl'),
            }),
          ],
    sections: [],
  };
}

function freshnessFigure(freshness: Readings['freshness'], asOf: Date): Block {
  const drawn = freshness.items.slice(0, LINES);
  const old = freshness.items.filter(({ targets }) => (targets.at(-1) ?? 0) > 0).length;
  return {
    kind: 'figure',
    title: 'Targets by the age of their latest complete scan',
    summary:
      (drawn.length < freshness.total ? `The ${drawn.length} oldest of ${freshness.total} sources. ` : '') +
      `Ages on ${dayText(asOf)}. Sources with targets of which it is older than 90 days: ${ofAll(old, freshness)}.`,
    chart: {
      kind: 'bars',
      lie: 'across',
      labels: drawn.map(({ source, system }) => `${source} (${system})`),
      unit: 'targets',
      series: AGES.map((_, index) => ({
        name: ageName(index),
        tone: AGE_TONES[index] ?? 'failing',
        values: drawn.map(({ targets }) => targets[index] ?? 0),
      })),
    },
  };
}
