import type { Catalog } from '../catalog/catalog.js';
import type { Instant } from '../kernel/http/instant.js';
import type { BlindCluster } from './blind-spots.js';
import { countsOf, type SystemEvaluation } from './evaluate.js';
import type { Unmapped } from './evidence.js';
import { byName, type OrganizationEvaluation } from './organization.js';
import { MAX_SYSTEMS, type OrganizationPosture } from './organization.schema.js';
import { STATEMENT, type Posture } from './posture.schema.js';
import { countStatuses, STATUSES, type Status } from './status.js';

const MAX_TARGETS = 100;
const MAX_UNMAPPED = 200;
/** A thousand CVEs of one source shall not hide what another one says. */
const MAX_UNMAPPED_OF_SOURCE = 25;

export interface DocumentParts {
  organizationId: string;
  instant: Instant;
  catalog: Catalog;
  settingsVersion: number;
}

const headOf = ({ organizationId, instant, catalog, settingsVersion }: DocumentParts) => ({
  organizationId,
  asOf: instant.asOf.toISOString(),
  knownAt: instant.knownAt.toISOString(),
  catalog: {
    version: catalog.version,
    digest: catalog.digest,
    overlay: catalog.overlay?.id ?? null,
    organizationChecks: catalog.checks.filter(({ by, deprecated }) => by === 'organization' && !deprecated).length,
  },
  settingsVersion,
  review: { status: catalog.review.status, note: catalog.review.note },
  statement: STATEMENT,
});

export function postureDocument(
  parts: DocumentParts,
  system: SystemEvaluation & { environment: string; blindClusters: readonly BlindCluster[] },
): Posture {
  const unmapped = sortedUnmapped(system.unmapped);
  const shown = boundUnmapped(unmapped);
  const gaps = parts.catalog.gaps();
  const counts = countsOf(system);
  return {
    ...headOf(parts),
    systemId: system.id,
    counts,
    controls: system.controls,
    practices: system.practices,
    systems: [{ id: system.id, name: system.name, environment: system.environment, counts }],
    unmapped: shown,
    moreUnmapped: unmapped.length - shown.length,
    blindSpots: {
      targets: system.blindTargets.slice(0, MAX_TARGETS),
      moreTargets: Math.max(0, system.blindTargets.length - MAX_TARGETS),
      clusters: system.blindClusters.slice(0, MAX_TARGETS),
      controlsWithoutPractice: [...gaps.controlsWithoutPractice],
      controlsWithoutScanner: [...gaps.controlsWithoutScanner],
    },
  };
}

export function organizationDocument(
  parts: DocumentParts,
  { controls, practices, systems }: OrganizationEvaluation,
  excluded: readonly { id: string; name: string }[],
): OrganizationPosture {
  const gaps = parts.catalog.gaps();
  const blind = systems
    .filter(({ states }) => states.blind !== 0)
    .sort((a, b) => (b.states.blind ?? Infinity) - (a.states.blind ?? Infinity) || (a.name < b.name ? -1 : 1));
  return {
    ...headOf(parts),
    systemId: null,
    counts: organizationCounts({ controls, practices }),
    controls,
    practices,
    systems: systems.map(countedSystem).sort(worstFirst),
    moreSystems: 0,
    excluded: excluded.map(({ id, name }) => ({ id, name, reason: 'It was registered as handling no PHI.' })),
    blindSystems: blind
      .slice(0, MAX_SYSTEMS)
      .map(({ id, name, states }) => ({ systemId: id, name, targets: states.blind })),
    moreBlindSystems: Math.max(0, blind.length - MAX_SYSTEMS),
    controlsWithoutPractice: [...gaps.controlsWithoutPractice],
    controlsWithoutScanner: [...gaps.controlsWithoutScanner],
  };
}

type CountedSystem = OrganizationPosture['systems'][number];

const OPEN = STATUSES.slice(0, STATUSES.indexOf('partial') + 1);

/** A system, and how its own posture counts. */
export const countedSystem = ({ id, name, environment, counts }: CountedSystem): CountedSystem => ({
  id,
  name,
  environment,
  counts,
});

/** By the items that ask for work, the worst of them first; then by name. */
function worstFirst(one: CountedSystem, other: CountedSystem): number {
  for (const status of OPEN) {
    const more = other.counts.controls[status] - one.counts.controls[status];
    if (more !== 0) return more;
  }
  return byName(one, other);
}

/** What the API answers: of a fleet the systems that stand worst; `listSystemPostures` has the others. */
export const boundSystems = (posture: OrganizationPosture): OrganizationPosture => ({
  ...posture,
  systems: posture.systems.slice(0, MAX_SYSTEMS),
  moreSystems: Math.max(0, posture.systems.length - MAX_SYSTEMS),
});

/** The law in force apart from what is only proposed. */
export function organizationCounts({
  controls,
  practices,
}: Pick<OrganizationEvaluation, 'controls' | 'practices'>): OrganizationPosture['counts'] {
  const isProposed = ({ type }: OrganizationPosture['controls'][number]) => type === 'proposed_requirement';
  const statuses = (of: readonly { status: Status }[]) => countStatuses(of.map(({ status }) => status));
  return {
    controls: statuses(controls.filter((control) => !isProposed(control))),
    proposed: statuses(controls.filter(isProposed)),
    practices: statuses(practices),
  };
}

/** What of a posture is shown; what it counts stays. Of a control its practices, supporting ones included. */
export function selected<Shown extends Selectable>(
  posture: Shown,
  only: { control: string | null; statuses: readonly Status[] | undefined },
): Shown {
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

interface Selectable {
  controls: { id: string; status: Status; practices: { id: string }[] }[];
  practices: { id: string; status: Status }[];
}

const sortedUnmapped = (all: readonly Unmapped[]): Unmapped[] =>
  [...all].sort((a, b) => b.failing - a.failing || b.count - a.count || (a.check < b.check ? -1 : 1));

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
