import { Injectable } from '@nestjs/common';
import { prepared } from '../kernel/db/prepared.js';
import type { Tx } from '../kernel/db/database.js';
import type { SystemVersion } from './system.entity.js';

/** Versions of systems in memory, of all organisations together: some 500 bytes each. */
const MAX_VERSIONS = 50_000;

/** What a version says of a system. */
export type SystemAsOf = Pick<SystemVersion, 'version' | 'name' | 'environment' | 'phi' | 'phiNamespaces'> & {
  id: string;
};

/** When a version was recorded. */
export type LastVersion = Pick<SystemVersion, 'systemId' | 'version' | 'recordedAt'>;

interface Registered {
  readonly says: SystemAsOf;
  /** Milliseconds since 1970, with the fractions that Postgres keeps. */
  readonly recordedAt: number;
  readonly isRetired: boolean;
}

interface Register {
  readonly count: number;
  /** By system, in the order of their ids; the versions of each in their order. */
  readonly systems: readonly (readonly Registered[])[];
}

/**
 * The registers of systems, kept in memory: every posture asks for all of one, and it changes a few times a day. Versions are only ever added (the table is append-only), and of
 * two snapshots the later sees all that the earlier does: so how many a snapshot sees tells which they are. Others than snapshots ask the database.
 */
@Injectable()
export class RegisterMemory {
  /** The one that was asked for last comes last. */
  private readonly held = new Map<string, Register>();

  constructor(private readonly maximum = MAX_VERSIONS) {}

  /** As SystemStore.versionsAsOf; null where the database is to be asked. */
  async versionsAsOf(tx: Tx, inEffect: Date, knownAt: Date, id: string | null): Promise<SystemAsOf[] | null> {
    const register = await this.recall(tx);
    if (register === null) return null;
    const [at, known] = [inEffect.getTime(), knownAt.getTime()];
    return inSight(tx, register, id).flatMap((versions) => {
      const told = versions.filter(({ recordedAt }) => recordedAt <= known);
      const chosen = told.findLast(({ recordedAt }) => recordedAt <= at) ?? told[0];
      return chosen === undefined || chosen.isRetired ? [] : [chosen.says];
    });
  }

  /** As SystemStore.lastVersions; null where the database is to be asked. */
  async lastVersions(tx: Tx, id: string | null): Promise<LastVersion[] | null> {
    const register = await this.recall(tx);
    if (register === null) return null;
    return inSight(tx, register, id).flatMap((versions) => {
      const last = versions.at(-1);
      if (last === undefined) return [];
      return [{ systemId: last.says.id, version: last.says.version, recordedAt: new Date(last.recordedAt) }];
    });
  }

  private async recall(tx: Tx): Promise<Register | null> {
    if (!tx.isSnapshot) return null;
    const { organizationId } = tx;
    const seen = await tx.once('versions of systems', () => count(tx));
    if (seen > this.maximum) return null;
    let register = this.held.get(organizationId);
    if (register?.count !== seen) register = await read(tx);
    this.held.delete(organizationId);
    this.held.set(organizationId, register);
    this.trim();
    return register;
  }

  /** Forgets organisations, those first of which nobody has asked for longest, until there is room. */
  private trim(): void {
    let all = [...this.held.values()].reduce((sum, { count }) => sum + count, 0);
    for (const [organizationId, { count }] of this.held) {
      if (all <= this.maximum) return;
      this.held.delete(organizationId);
      all -= count;
    }
  }
}

/** An agent sees the systems that it is bound to. */
function inSight(tx: Tx, { systems }: Register, id: string | null): readonly (readonly Registered[])[] {
  const { systemIds } = tx.principal;
  if (id === null && systemIds === null) return systems;
  return systems.filter(([first]) => {
    if (first === undefined || (id !== null && first.says.id !== id)) return false;
    return systemIds === null || systemIds.includes(first.says.id);
  });
}

async function count(tx: Tx): Promise<number> {
  const [row] = await tx.query<{ count: number }>(
    prepared('select count(*)::int as count from system_version where organization_id = $1'),
    [tx.organizationId],
  );
  return row?.count ?? 0;
}

async function read(tx: Tx): Promise<Register> {
  const rows = await tx.query<SystemAsOf & { recordedAt: number; isRetired: boolean }>(
    prepared(`select system_id as id, version, name, environment, phi, phi_namespaces as "phiNamespaces",
              (extract(epoch from recorded_at) * 1000)::float8 as "recordedAt", retired_at is not null as "isRetired"
       from system_version where organization_id = $1 order by system_id, version`),
    [tx.organizationId],
  );
  const bySystem = Map.groupBy(rows, ({ id }) => id);
  return {
    count: rows.length,
    systems: [...bySystem.values()].map((versions) =>
      versions.map(({ recordedAt, isRetired, ...says }) => ({ says, recordedAt, isRetired })),
    ),
  };
}
