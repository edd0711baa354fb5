import type { Catalog } from '../catalog/catalog.js';
import type { BlindCluster } from './blind-spots.js';
import { countsOf, type Evaluation, type SystemEvaluation } from './evaluate.js';
import type { Unmapped } from './evidence.js';
import { STATEMENT, type Posture } from './posture.schema.js';
import type { Status } from './status.js';

const MAX_TARGETS = 100;
const MAX_UNMAPPED = 200;
/** A thousand CVEs of one source shall not hide what another one says. */
const MAX_UNMAPPED_OF_SOURCE = 25;

export interface DocumentParts {
  organizationId: string;
  ask: { systemId: string | null; asOf: Date; knownAt: Date };
  catalog: Catalog;
  settingsVersion: number;
  evaluation: Evaluation;
  systems: readonly (SystemEvaluation & { environment: string; blindClusters: readonly BlindCluster[] })[];
  excluded: readonly { id: string; name: string }[];
}

export function postureDocument(parts: DocumentParts): Posture {
  const { organizationId, ask, catalog, settingsVersion, evaluation, systems, excluded } = parts;
  const targets = systems.flatMap((system) => system.blindTargets);
  const unmapped = mergeUnmapped(systems.flatMap((system) => system.unmapped));
  const shown = boundUnmapped(unmapped);
  const gaps = catalog.gaps();
  return {
    organizationId,
    systemId: ask.systemId,
    asOf: ask.asOf.toISOString(),
    knownAt: ask.knownAt.toISOString(),
    catalog: {
      version: catalog.version,
      digest: catalog.digest,
      overlay: catalog.overlay?.id ?? null,
      organizationChecks: catalog.checks.filter(({ by, deprecated }) => by === 'organization' && !deprecated).length,
    },
    settingsVersion,
    review: { status: catalog.review.status, note: catalog.review.note },
    statement: STATEMENT,
    counts: countsOf(evaluation),
    controls: evaluation.controls,
    practices: evaluation.practices,
    systems: systems.map((system) => ({
      id: system.id,
      name: system.name,
      environment: system.environment,
      counts: countsOf(system),
    })),
    excluded: excluded.map(({ id, name }) => ({ id, name, reason: 'It was registered as handling no PHI.' })),
    unmapped: shown,
    moreUnmapped: unmapped.length - shown.length,
    blindSpots: {
      targets: targets.slice(0, MAX_TARGETS),
      moreTargets: Math.max(0, targets.length - MAX_TARGETS),
      clusters: systems.flatMap((system) => system.blindClusters).slice(0, MAX_TARGETS),
      controlsWithoutPractice: [...gaps.controlsWithoutPractice],
      controlsWithoutScanner: [...gaps.controlsWithoutScanner],
    },
  };
}

/** What of a posture is shown; what it counts stays. Of a control its practices, supporting ones included. */
export function selected(
  posture: Posture,
  only: { control: string | null; statuses: readonly Status[] | undefined },
): Posture {
  const { control, statuses } = only;
  const isAsked = ({ status }: { status: Status }) => statuses?.includes(status) ?? true;
  const controls = posture.controls.filter(({ id }) => control === null || id === control);
  const theirs = new Set(controls.flatMap(({ practices }) => practices.map(({ id }) => id)));
  return {
    ...posture,
    controls: controls.filter(isAsked),
    practices: posture.practices.filter(({ id }) => control === null || theirs.has(id)).filter(isAsked),
  };
}

function mergeUnmapped(all: readonly Unmapped[]): Unmapped[] {
  const merged = new Map<string, Unmapped>();
  for (const one of all) {
    const key = `${one.source}\n${one.check}`;
    const before = merged.get(key);
    if (before === undefined) merged.set(key, { ...one });
    else {
      before.count += one.count;
      before.failing += one.failing;
    }
  }
  return [...merged.values()].sort(
    (a, b) => b.failing - a.failing || b.count - a.count || (a.check < b.check ? -1 : 1),
  );
}

function boundUnmapped(sorted: readonly Unmapped[]): Unmapped[] {
  const taken = new Map<string, number>();
  return sorted
    .filter(({ source }) => {
      const before = taken.get(source) ?? 0;
      taken.set(source, before + 1);
      return before < MAX_UNMAPPED_OF_SOURCE;
    })
    .slice(0, MAX_UNMAPPED);
}
