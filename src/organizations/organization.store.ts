import { Injectable } from '@nestjs/common';
import type { Tx, WriteTx } from '../kernel/db/database.js';
import { prepared, type NewRow } from '../kernel/db/prepared.js';
import type { MemberRole } from './member.schema.js';
import { Organization, type OrganizationRow, OrganizationVersion } from './organization.entity.js';
import type { Settings } from './organization.schema.js';

@Injectable()
export class OrganizationStore {
  find(tx: Tx): Promise<OrganizationRow | null> {
    return tx.manager.findOneBy(Organization, { organizationId: tx.organizationId });
  }

  /** The row is locked until the transaction ends, so that of two edits the second sees the first. */
  lock(tx: WriteTx): Promise<OrganizationRow | null> {
    return tx.manager.findOne(Organization, {
      where: { organizationId: tx.organizationId },
      lock: { mode: 'pessimistic_write' },
    });
  }

  async insert(tx: WriteTx, row: OrganizationRow): Promise<void> {
    await tx.insert({ entity: Organization, row }, versionOf(row));
  }

  async update(tx: WriteTx, row: OrganizationRow): Promise<void> {
    const { name, settings, version, updatedAt } = row;
    await tx.update(Organization, { organizationId: tx.organizationId }, { name, settings, version, updatedAt });
    await tx.insert(versionOf(row));
  }

  /** Organisations of the transaction's person, whatever organisation is acted for: what row-level security's policy `self` shows. */
  listOwn(
    tx: Tx,
    page: { after: string | null; limit: number },
  ): Promise<{ id: string; name: string; role: MemberRole }[]> {
    return tx.query(
      `select o.organization_id as id, o.name, m.role
       from member m join organization o on o.organization_id = m.organization_id
       where m.issuer = $1 and m.subject = $2 and m.removed_at is null
         and ($3::uuid is null or o.organization_id > $3)
       order by o.organization_id
       limit $4`,
      [tx.principal.issuer, tx.principal.subject, page.after, page.limit],
    );
  }

  /** The latest version up to `inEffect`, or else the first, among those recorded up to `knownAt`. */
  async settingsAsOf(tx: Tx, inEffect: Date, knownAt: Date): Promise<{ version: number; settings: Settings } | null> {
    const [row] = await tx.query<{ version: number; settings: Settings }>(
      prepared(`select version, settings from organization_version
       where organization_id = $1 and recorded_at <= $3
       order by recorded_at <= $2 desc, case when recorded_at <= $2 then -version else version end
       limit 1`),
      [tx.organizationId, inEffect, knownAt],
    );
    return row ?? null;
  }

  /** The versions after one, in their order. */
  versionsSince(tx: Tx, version: number): Promise<{ version: number; recordedAt: Date }[]> {
    return tx.query(
      `select version, recorded_at as "recordedAt" from organization_version
       where organization_id = $1 and version > $2 order by version`,
      [tx.organizationId, version],
    );
  }

  /** Null where there is none. */
  async lastVersion(tx: Tx): Promise<{ version: number; recordedAt: Date } | null> {
    const [row] = await tx.query<{ version: number; recordedAt: Date }>(
      prepared(`select version, recorded_at as "recordedAt" from organization_version
       where organization_id = $1 order by version desc limit 1`),
      [tx.organizationId],
    );
    return row ?? null;
  }
}

const versionOf = ({ organizationId, version, updatedAt, settings }: OrganizationRow): NewRow => ({
  entity: OrganizationVersion,
  row: { organizationId, version, recordedAt: updatedAt, settings },
});
