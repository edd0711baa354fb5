import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import type { Leaf } from '../audit/event.js';
import type { JsonValue } from '../kernel/crypto/canonical-json.js';
import { Fault } from './fault.js';
import type { WholeLog } from './log.js';
import { INDEX, type PackageIndex } from './package-index.js';

type Listed = PackageIndex['scope']['systems'][number];

/** What an event says that the system, or the organisation, was from then on. */
const saidShape = z.looseObject({ name: z.string() });
const changeShape = z.object({ after: saidShape });
type Said = z.infer<typeof saidShape>;

interface Version {
  version: number;
  /** Of its event in the log. */
  index: number;
  /** Milliseconds since 1970. */
  time: number;
  isRetired: boolean;
  /** Null where the details of its event are not there. */
  says: Said | null;
}

const FIELDS = ['name', 'environment', 'phi', 'phiNamespaces'] as const;

/** The row of a version was dated just before its event, until both were of one instant: a version may count from so much earlier on. */
const EARLIER = 60_000;

/** The register of systems as the events tell it, up to the instant of knowledge. */
export class ToldRegister {
  private readonly systems = new Map<string, Map<number, Version>>();
  private organization: { index: number; says: Said | null } | null = null;

  constructor(
    private readonly packed: PackageIndex,
    private readonly log: WholeLog,
  ) {}

  /** An event, which is that entry of the log; `details`: null where the package does not have them. Of two about one version the first counts: who changes a row can add another. */
  add({ action, object }: Leaf, index: number, details: JsonValue): void {
    const { kind, id, version } = object;
    if (version === undefined) return;
    if (kind === 'organization' && index >= (this.organization?.index ?? 0)) {
      this.organization = { index, says: saidBy(details) };
    }
    if (kind !== 'system') return;
    const versions = this.systems.get(id) ?? new Map<number, Version>();
    this.systems.set(id, versions);
    if ((versions.get(version)?.index ?? Infinity) <= index) return;
    const time = this.log.times[index] ?? NaN;
    versions.set(version, { version, index, time, isRetired: action === 'system.retired', says: saidBy(details) });
  }

  /** The index names the organisation and its systems as the events do, and none that handles PHI is left out. */
  check(): string {
    const { scope, organization } = this.packed;
    const name = this.organization?.says?.name;
    if (name !== undefined && name !== organization.name && !this.log.changedSince.has(organization.id)) {
      throw new Fault(`${INDEX} calls the organisation otherwise than the log, which says ${name}`);
    }
    for (const listed of scope.systems) this.checkListed(listed);
    const listed = new Set(scope.systems.map(({ id }) => id));
    for (const id of scope.systemId === null ? this.systems.keys() : []) {
      if (!listed.has(id) && this.isDue(id)) {
        throw new Fault(`${INDEX} leaves out system ${id}, which the log says handles PHI and was not retired`);
      }
    }
    const said = this.checkAltered();
    const bare = scope.systems.filter(({ id }) => this.inEffect(id).every(({ says }) => says === null)).length;
    return `${scope.systems.length} systems are what the log says of them${bare === 0 ? '' : `; the details of ${bare} are not there`}${said}`;
  }

  /** What the service itself has found of its rows is told. A package from before it looked tells nothing. */
  private checkAltered(): string {
    const { alteredRows } = this.packed;
    if (alteredRows === undefined) return '';
    // Entries from before they named the table are of all of an object's.
    const objects = new Set(alteredRows.map(({ kind, id }) => rowsName({ kind, id })));
    const told = new Set([...objects, ...alteredRows.map(rowsName)]);
    for (const name of this.log.alteredRows) {
      if (!told.has(name)) {
        throw new Fault(`${INDEX} does not say that rows of ${name} were found altered, and the log does`);
      }
    }
    return alteredRows.length === 0
      ? ''
      : `; rows of ${objects.size} objects were found altered past the service when the package was made, which it says`;
  }

  private checkListed(listed: Listed): void {
    const { id } = listed;
    if (this.log.changedSince.has(id)) return;
    const versions = this.inEffect(id);
    if (versions.length === 0) {
      throw new Fault(`${INDEX} lists system ${id}, and no event says that it was registered`);
    }
    if (versions.every(({ isRetired }) => isRetired)) {
      throw new Fault(`${INDEX} lists system ${id}, which the log says was retired`);
    }
    if (!versions.some((version) => !version.isRetired && isAlike(listed, version))) {
      throw new Fault(`${INDEX} says otherwise of system ${id} than the log`);
    }
  }

  private isDue(id: string): boolean {
    if (this.log.changedSince.has(id)) return false;
    return this.inEffect(id).every(({ isRetired, says }) => !isRetired && says !== null && says['phi'] !== 'none');
  }

  /** The version that counts at the instant of the package: the last by then, or else the first; and those of which nobody can say whether they did already. */
  private inEffect(id: string): Version[] {
    const { asOf, knownAt } = this.packed;
    const at = Math.min(Date.parse(asOf), Date.parse(knownAt));
    const versions = [...(this.systems.get(id)?.values() ?? [])].sort((a, b) => a.version - b.version);
    const last = versions.findLast(({ time }) => time <= at) ?? versions[0];
    return versions.filter(({ version, time }) => version === last?.version || (time > at && time <= at + EARLIER));
  }
}

/** Of an object, in that table. */
export const rowsName = ({
  kind,
  id,
  table,
}: Readonly<Record<'kind' | 'id', string>> & { table?: string | undefined }): string =>
  [kind, id, ...(table === undefined ? [] : [table])].join('/');

/** Whether a version may have been told with the instant of knowledge already, though its event is of later. */
export const isJustAfter = (time: number, knownAt: number): boolean => time <= knownAt + EARLIER && time > knownAt;

const isAlike = (listed: Listed, { version, says }: Version): boolean =>
  (listed.version === undefined || listed.version === version) &&
  FIELDS.every(
    (field) =>
      listed[field] === undefined || says?.[field] === undefined || isDeepStrictEqual(listed[field], says[field]),
  );

const saidBy = (details: JsonValue): Said | null =>
  changeShape.safeParse(details).data?.after ?? saidShape.safeParse(details).data ?? null;
