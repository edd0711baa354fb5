import { Injectable } from '@nestjs/common';
import { prepared } from '../kernel/db/prepared.js';
import type { Tx } from '../kernel/db/database.js';
import { OfOrganizations } from '../kernel/of-organizations.js';
import type { SystemVersion } from './system.entity.js';

/** Versions of systems and their namespaces in memory, of all organisations together: some 300 bytes a version, and 100 a namespace at most. */
const MAX_ENTRIES = 50_000;

/** What a version says of a system. */
export type SystemAsOf = Pick<SystemVersion, 'version' | 'name' | 'environment' | 'phi' | 'phiNamespaces'> & {
  id: string;
};

/** When a version was recorded. */
export type LastVersion = Pick<SystemVersion, 'systemId' | 'version' | 'recordedAt'>;

export interface Registered {
  readonly says: SystemAsOf;
  /** Milliseconds since 1970, with the fractions that Postgres keeps. */
  readonly recordedAt: number;
  readonly isRetired: boolean;
}

interface Register {
  /** Which versions it has. */
  readonly seen: string;
  /** How much room it takes, in versions and namespaces. */
  readonly entries: number;
  /** By system, in the order of their ids; the versions of each in their order. */
  readonly systems: Versions;
}

/** Of each system. */
export type Versions = readonly (readonly Registered[])[];

/**
 * The registers of systems, kept in memory: every posture asks for all of one, and it changes a few times a day. Versions are only ever added (the table is append-only), and of
 * two snapshots the later sees all that the earlier does: so how many a snapshot sees tells which they are, and the last of their instants whether the database was put back meanwhile.
 * Others than snapshots ask the database.
 */
@Injectable()
export class RegisterMemory {
  private readonly held: OfOrganizations<Register>;

  constructor(maximum = MAX_ENTRIES) {
    this.held = new OfOrganizations(maximum, ({ entries }) => entries);
  }

  /** As SystemStore.versionsAsOf; null where the database is to be asked. */
  async versionsAsOf(tx: Tx, inEffect: Date, knownAt: Date, id: string | null): Promise<SystemAsOf[] | null> {
    const register = await this.recall(tx);
    if (register === null) return null;
    const [at, known] = [inEffect.getTime(), knownAt.getTime()];
    return inSight(tx, register.systems, id).flatMap((versions) => {
      const told = versions.filter(({ recordedAt }) => recordedAt <= known);
      const chosen = told.findLast(({ recordedAt }) => recordedAt <= at) ?? told[0];
      return chosen === undefined || chosen.isRetired ? [] : [chosen.says];
    });
  }

  /** As SystemStore.lastVersions; null where the database is to be asked. */
  async lastVersions(tx: Tx, id: string | null): Promise<LastVersion[] | null> {
    const register = await this.recall(tx);
    if (register === null) return null;
    return inSight(tx, register.systems, id).flatMap((versions) => {
      const last = versions.at(-1);
      if (last === undefined) return [];
      return [{ systemId: last.says.id, version: last.says.version, recordedAt: new Date(last.recordedAt) }];
    });
  }

  /** The versions of each system in sight of the principal, from the database where they are not in memory. */
  async versions(tx: Tx): Promise<Versions> {
    const register = await this.recall(tx);
    return register === null ? inSight(tx, await read(tx), null) : inSight(tx, register.systems, null);
  }

  private async recall(tx: Tx): Promise<Register | null> {
    const { organizationId } = tx;
    if (!tx.isSnapshot || this.held.isTooLarge(organizationId)) return null;
    const seen = await tx.once('versions of systems', () => seenBy(tx));
    const known = this.held.get(organizationId);
    if (known?.seen === seen) return known;
    const entries = await entriesOf(tx);
    if (!this.held.hasRoomFor(organizationId, entries)) return null;
    const register = { seen, entries, systems: await read(tx) };
    this.held.set(organizationId, register);
    return register;
  }
}

/** An agent sees the systems that it is bound to. */
function inSight(tx: Tx, systems: Versions, id: string | null): Versions {
  const { systemIds } = tx.principal;
  if (id === null && systemIds === null) return systems;
  return systems.filter(([first]) => {
    if (first === undefined || (id !== null && first.says.id !== id)) return false;
    return systemIds === null || systemIds.includes(first.says.id);
  });
}

/** How many versions the transaction sees, and the last of their instants. */
async function seenBy(tx: Tx): Promise<string> {
  const [row] = await tx.query<{ seen: string }>(
    prepared(
      `select count(*) || ' ' || coalesce(max(recorded_at)::text, '') as seen from system_version where organization_id = $1`,
    ),
    [tx.organizationId],
  );
  return row?.seen ?? '';
}

async function entriesOf(tx: Tx): Promise<number> {
  const [row] = await tx.query<{ entries: number }>(
    prepared(
      `select coalesce(sum(1 + cardinality(phi_namespaces)), 0)::float8 as entries from system_version where organization_id = $1`,
    ),
    [tx.organizationId],
  );
  return row?.entries ?? 0;
}

async function read(tx: Tx): Promise<Versions> {
  const rows = await tx.query<SystemAsOf & { recordedAt: number; isRetired: boolean }>(
    prepared(`select system_id as id, version, name, environment, phi, phi_namespaces as "phiNamespaces",
              (extract(epoch from recorded_at) * 1000)::float8 as "recordedAt", retired_at is not null as "isRetired"
       from system_version where organization_id = $1 order by system_id, version`),
    [tx.organizationId],
  );
  return [...Map.groupBy(rows, ({ id }) => id).values()].map((versions) =>
    versions.map(({ recordedAt, isRetired, ...says }) => ({ says, recordedAt, isRetired })),
  );
}
