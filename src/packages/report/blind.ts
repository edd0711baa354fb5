import type { PackageFacts } from '../contents.js';
import type { Block, Section } from './model.js';
import { MOST, type Readings } from './readings.js';
import { columns, counted, dayText, restOf, tableOr, text } from './wording.js';

/** What nobody looked at, what no machine can see, what was altered, and what of the evidence is not there: who reads the statuses should know what they do not say. */
export function blindSection(facts: PackageFacts, { posture }: Readings): Section {
  return {
    id: 'blind-spots',
    title: 'Blind spots',
    blocks: [text('What is listed here is in no status above, or makes less of one than it seems.')],
    sections: [
      { id: 'altered', title: 'Rows that were altered', blocks: [alteredBlock(facts)], sections: [] },
      { id: 'unreadable', title: 'Evidence that is not there', blocks: evidenceBlocks(facts), sections: [] },
      { id: 'unseen', title: 'Where no scanner looks', blocks: unseenBlocks(posture), sections: [] },
      { id: 'unmapped', title: 'What no machine can tell', blocks: mappedBlocks(posture), sections: [] },
    ],
  };
}

function alteredBlock({ alteredRows }: PackageFacts): Block {
  return tableOr(
    'Of the rows that the service compares with its audit log, or with what they follow from, none was found altered.',
    {
      caption: 'Rows that were altered past the service',
      columns: columns(['Table', 2], ['Of', 4], ['What was found', 4]),
      rows: alteredRows.slice(0, MOST).map(({ table, id, reason }) => [table, id, reason]),
      rest: restOf(Math.min(MOST, alteredRows.length), alteredRows.length, 'index.json'),
    },
  );
}

function evidenceBlocks({ evidence, faults }: PackageFacts): Block[] {
  const disposed = evidence.filter(({ disposedAt }) => disposedAt !== null).length;
  const withheld = evidence.filter((item) => item.withheld !== null).length;
  const redacted = evidence.filter(({ redaction }) => redaction !== null).length;
  return [
    tableOr(
      `Every one of the ${counted(evidence.filter((item) => item.disposedAt === null && item.withheld === null).length, 'evidence file')} that are kept has the digest that it was kept with.`,
      {
        caption: 'Evidence that could not be read as it was kept',
        columns: columns(['Evidence', 3], ['SHA-256', 5], ['What was found', 3]),
        rows: faults.slice(0, MOST).map(({ evidenceId, sha256, reason }) => [evidenceId, sha256, reason]),
        rest: restOf(Math.min(MOST, faults.length), faults.length, 'index.json'),
      },
    ),
    ...(disposed === 0
      ? []
      : [
          text(
            `${counted(disposed, 'evidence file')} were disposed of after their time of retention, by two people each; their digests are in index.json.`,
          ),
        ]),
    ...(withheld === 0
      ? []
      : [
          text(
            `${counted(withheld, 'evidence file')} of the whole organisation are withheld, as they tell of other systems than this package is about; their digests are in index.json.`,
          ),
        ]),
    ...(redacted === 0
      ? []
      : [
          text(
            `Of ${counted(redacted, 'evidence file')} secrets were dropped before they were kept; how many of which kind is in index.json.`,
          ),
        ]),
  ];
}

function unseenBlocks(posture: Readings['posture']): Block[] {
  if (posture.systemId === null) {
    const { blindSystems, moreBlindSystems, excluded } = posture;
    return [
      tableOr('Of every system in scope all targets were scanned completely, and lately.', {
        caption: 'Systems with targets that no complete scan shows freshly',
        columns: columns(['System', 4], ['Targets', 3]),
        rows: blindSystems.map(({ name, targets }) => [
          name,
          targets === null ? 'no scanner has ever reported on it' : String(targets),
        ]),
        rest: moreBlindSystems === 0 ? null : `And ${moreBlindSystems} more systems.`,
      }),
      tableOr('No system was left out.', {
        caption: 'Systems that were left out',
        columns: columns(['System', 2], ['Why', 4]),
        rows: excluded.slice(0, MOST).map(({ name, reason }) => [name, reason]),
        rest: restOf(Math.min(MOST, excluded.length), excluded.length, 'posture/posture.json'),
      }),
    ];
  }
  const { targets, moreTargets, clusters } = posture.blindSpots;
  return [
    tableOr('All targets that scanners report on were scanned completely, and lately.', {
      caption: 'Targets that no complete scan shows freshly',
      columns: columns(['Target', 4], ['Source', 3], ['Last complete scan', 2]),
      rows: targets.map(({ target, source, lastComplete }) => [
        target === null ? 'never scanned as a whole' : `${target.kind}/${target.name}`,
        source,
        lastComplete === null ? 'never' : dayText(lastComplete),
      ]),
      rest: moreTargets === 0 ? null : `And ${moreTargets} more targets.`,
    }),
    ...(clusters.length === 0
      ? []
      : [
          tableOr('', {
            caption: 'Reports of several clusters came for the system: each closes what was found in another',
            columns: columns(['Cluster', 3], ['Name', 3], ['Last seen', 2]),
            rows: clusters.map(({ uid, name, lastSeen }) => [uid, name ?? '', dayText(lastSeen)]),
          }),
        ]),
  ];
}

function mappedBlocks(posture: Readings['posture']): Block[] {
  const gaps = 'blindSpots' in posture ? posture.blindSpots : posture;
  const unmapped = 'unmapped' in posture ? posture.unmapped : [];
  const more = 'moreUnmapped' in posture ? posture.moreUnmapped : 0;
  return [
    text(`Links between checks, practices and the law: ${posture.review.status}. ${posture.review.note}`),
    text(
      `No scanner evidence counts for ${counted(gaps.controlsWithoutScanner.length, 'item')}, which rest on what people keep: ${gaps.controlsWithoutScanner.join(', ')}.`,
    ),
    text(
      gaps.controlsWithoutPractice.length === 0
        ? 'Every item has a practice that would evidence it.'
        : `No practice of the catalogue would evidence ${counted(gaps.controlsWithoutPractice.length, 'item')}, so that records alone do: ${gaps.controlsWithoutPractice.join(', ')}.`,
    ),
    ...(unmapped.length === 0
      ? []
      : [
          tableOr('', {
            caption: 'Results that support no practice, by check',
            columns: columns(['Check', 4], ['Source', 3], ['Results', 1], ['Failing', 1], ['Why', 4]),
            rows: unmapped.map(({ check, source, count, failing, why }) => [
              check,
              source,
              String(count),
              String(failing),
              why,
            ]),
            rest: more === 0 ? null : `And ${more} more checks.`,
          }),
        ]),
  ];
}
