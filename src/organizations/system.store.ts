import { Injectable } from '@nestjs/common';
import type { Tx, WriteTx } from '../kernel/db/database.js';
import { System, type SystemRow, SystemVersion } from './system.entity.js';
import { prepared, type NewRow } from '../kernel/db/prepared.js';
import { RegisterMemory, type LastVersion, type SystemAsOf, type Versions } from './register.memory.js';
import type { Environment } from './system.schema.js';

export interface SystemFilter {
  name?: string | undefined;
  environment?: Environment | undefined;
  includeRetired: boolean;
  after: string | null;
  limit: number;
}

/** All of it within the transaction's organisation, and for an agent within the systems that it is bound to. */
@Injectable()
export class SystemStore {
  constructor(private readonly register: RegisterMemory) {}

  async find(tx: Tx, id: string): Promise<SystemRow | null> {
    const row = await tx.manager.findOneBy(System, { organizationId: tx.organizationId, id });
    return inSight(tx, row);
  }

  async lock(tx: WriteTx, id: string): Promise<SystemRow | null> {
    const row = await tx.manager.findOne(System, {
      where: { organizationId: tx.organizationId, id },
      lock: { mode: 'for_no_key_update' },
    });
    return inSight(tx, row);
  }

  async insert(tx: WriteTx, row: SystemRow): Promise<void> {
    await tx.insert({ entity: System, row }, versionOf(row));
  }

  async update(tx: WriteTx, row: SystemRow): Promise<void> {
    const { id, name, environment, phi, phiNamespaces, version, updatedAt, retiredAt } = row;
    await tx.update(
      System,
      { organizationId: tx.organizationId, id },
      { name, environment, phi, phiNamespaces, version, updatedAt, retiredAt },
    );
    await tx.insert(versionOf(row));
  }

  list(tx: Tx, filter: SystemFilter): Promise<SystemRow[]> {
    return tx.query<SystemRow>(
      `select organization_id as "organizationId", id, name, environment, phi, phi_namespaces as "phiNamespaces", version,
              created_at as "createdAt", updated_at as "updatedAt", retired_at as "retiredAt"
       from system
       where organization_id = $1
         and ($2::text is null or name = $2)
         and ($3::text is null or environment = $3)
         and ($4 or retired_at is null)
         and ($5::uuid[] is null or id = any($5))
         and ($6::uuid is null or id > $6)
       order by id
       limit $7`,
      [
        tx.organizationId,
        filter.name ?? null,
        filter.environment ?? null,
        filter.includeRetired,
        tx.principal.systemIds,
        filter.after,
        filter.limit,
      ],
    );
  }

  /** Keeps what a snapshot says of the version of a cluster where what was said before its instant is another, or nothing; whether it did. */
  async noteVersion(tx: WriteTx, systemId: string, version: string, observedAt: Date, knownAt: Date): Promise<boolean> {
    const kept = await tx.execute(
      `insert into system_change (organization_id, system_id, kind, observed_at, known_at, value)
       select $1, $2, 'version', $4, $5, $3
       where $3 is distinct from (
         select value from system_change
         where organization_id = $1 and system_id = $2 and kind = 'version' and observed_at <= $4
         order by observed_at desc, known_at desc limit 1)
       on conflict do nothing`,
      [tx.organizationId, systemId, version, observedAt, knownAt],
    );
    return kept > 0;
  }

  /** Of each system in sight what was last said of its cluster's version by `asOf`, as known at `knownAt`. */
  clusterVersions(
    tx: Tx,
    { asOf, knownAt }: { asOf: Date; knownAt: Date },
  ): Promise<{ id: string; version: string }[]> {
    return tx.query<{ id: string; version: string }>(
      prepared(`select distinct on (system_id) system_id as id, value as version
       from system_change
       where organization_id = $1 and kind = 'version' and observed_at <= $2 and known_at <= $3
         and ($4::uuid[] is null or system_id = any($4))
       order by system_id, observed_at desc, known_at desc`),
      [tx.organizationId, asOf, knownAt, tx.principal.systemIds],
    );
  }

  /** Of each system the latest version up to `inEffect`, or else the first, among those recorded up to `knownAt`; without those that are retired in it. */
  async versionsAsOf(tx: Tx, inEffect: Date, knownAt: Date, id: string | null = null): Promise<SystemAsOf[]> {
    const remembered = await this.register.versionsAsOf(tx, inEffect, knownAt, id);
    if (remembered !== null) return remembered;
    return tx.query<SystemAsOf>(
      prepared(`select id, version, name, environment, phi, "phiNamespaces" from (
         select distinct on (system_id)
                system_id as id, version, name, environment, phi, phi_namespaces as "phiNamespaces", retired_at
         from system_version
         where organization_id = $1 and recorded_at <= $3 and ($4::uuid[] is null or system_id = any($4))
           and ($5::uuid is null or system_id = $5)
         order by system_id, recorded_at <= $2 desc, case when recorded_at <= $2 then -version else version end
       ) chosen
       where retired_at is null
       order by id`),
      [tx.organizationId, inEffect, knownAt, tx.principal.systemIds, id],
    );
  }

  /** All versions of each system, in their order. */
  versions(tx: Tx): Promise<Versions> {
    return this.register.versions(tx);
  }

  /** Of a system (null: of each that was ever registered), by id. */
  async lastVersions(tx: Tx, id: string | null): Promise<LastVersion[]> {
    const remembered = await this.register.lastVersions(tx, id);
    if (remembered !== null) return remembered;
    return tx.query<LastVersion>(
      prepared(`select distinct on (system_id) system_id as "systemId", version, recorded_at as "recordedAt"
       from system_version
       where organization_id = $1 and ($2::uuid[] is null or system_id = any ($2)) and ($3::uuid is null or system_id = $3)
       order by system_id, version desc`),
      [tx.organizationId, tx.principal.systemIds, id],
    );
  }

  /** The versions of a system after one, in their order. */
  versionsSince(tx: Tx, id: string, version: number): Promise<Pick<SystemVersion, 'recordedAt'>[]> {
    return tx.query(
      `select recorded_at as "recordedAt" from system_version
       where organization_id = $1 and system_id = $2 and version > $3 order by version`,
      [tx.organizationId, id, version],
    );
  }
}

/** An agent bound to other systems cannot tell this one from one that does not exist. */
const inSight = (tx: Tx, row: SystemRow | null): SystemRow | null =>
  row === null || (tx.principal.systemIds !== null && !tx.principal.systemIds.includes(row.id)) ? null : row;

const versionOf = ({ id, createdAt: _, updatedAt, ...kept }: SystemRow): NewRow => ({
  entity: SystemVersion,
  row: { ...kept, systemId: id, recordedAt: updatedAt },
});
