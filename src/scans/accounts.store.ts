import { Injectable } from '@nestjs/common';
import type { Row } from '../audit/account.js';
import type { Tx } from '../kernel/db/database.js';
import { rowsOf } from '../kernel/db/rows.js';
import { Snapshot } from './snapshot.entity.js';

/** As the account names what a snapshot has said anew. */
export const changeKey = (observedAt: Date, knownAt: Date): string =>
  `${observedAt.toISOString()} as known from ${knownAt.toISOString()}`;

interface Change {
  id: string;
  observedAt: Date;
  knownAt: Date;
  value: string;
}

@Injectable()
export class AccountsStore {
  /** Systems of which there are such rows. */
  async changedSystems(tx: Tx, after: string | null, limit: number): Promise<string[]> {
    const rows = await tx.query<{ id: string }>(
      `select distinct system_id as id from system_change
       where organization_id = $1 and ($2::uuid is null or system_id > $2) order by system_id limit $3`,
      [tx.organizationId, after, limit],
    );
    return rows.map(({ id }) => id);
  }

  async changes(tx: Tx, systemIds: readonly string[]): Promise<Row[]> {
    const rows = await tx.query<Change>(
      `select system_id as id, observed_at as "observedAt", known_at as "knownAt", value from system_change where organization_id = $1 and system_id = any ($2::uuid[])`,
      [tx.organizationId, systemIds],
    );
    return rows.map(({ id, observedAt, knownAt, value }) => ({
      id,
      key: changeKey(observedAt, knownAt),
      says: { value },
    }));
  }

  /** Those of which there is a snapshot of their instants, with its scan. */
  async changesOfSnapshots(
    tx: Tx,
    systemIds: readonly string[],
  ): Promise<{ id: string; key: string; scanId: string }[]> {
    const rows = await tx.query<Omit<Change, 'value'> & { scanId: string }>(
      `select c.system_id as id, c.observed_at as "observedAt", c.known_at as "knownAt", s.id as "scanId"
       from system_change c join scan s on s.organization_id = $1 and s.system_id = c.system_id and s.observed_at = c.observed_at and s.known_at = c.known_at
       where c.organization_id = $1 and c.system_id = any ($2::uuid[]) and s.format = 'cluster-snapshot' and s.cluster_uid is not null`,
      [tx.organizationId, systemIds],
    );
    return rows.map(({ id, observedAt, knownAt, scanId }) => ({ id, key: changeKey(observedAt, knownAt), scanId }));
  }

  /** Systems, also those of which there is no more than the latest snapshot. */
  async systems(tx: Tx, after: string | null, limit: number): Promise<string[]> {
    const rows = await tx.query<{ id: string }>(
      `select id from (
         select id from system where organization_id = $1 union select system_id from snapshot where organization_id = $1
       ) s where $2::uuid is null or id > $2 order by id limit $3`,
      [tx.organizationId, after, limit],
    );
    return rows.map(({ id }) => id);
  }

  async snapshots(tx: Tx, systemIds: readonly string[]): Promise<Row[]> {
    return (await rowsOf(tx, Snapshot, 'systemId', systemIds)).map(
      ({ systemId: id, scanId, evidenceId, observedAt, rules, program }) => ({
        id,
        key: '',
        says: {
          ...{ scanId, evidenceId, observedAt: observedAt.toISOString() },
          ...{ rules: rules.toString('hex'), program: program.toString('hex') },
        },
      }),
    );
  }

  /** By the scans: of one instant it is the one that was known last. */
  async latestSnapshots(
    tx: Tx,
    systemIds: readonly string[],
  ): Promise<{ systemId: string; scanId: string; evidenceId: string; observedAt: string }[]> {
    const rows = await tx.query<{ systemId: string; scanId: string; evidenceId: string; observedAt: Date }>(
      `select s.id as "systemId", l.id as "scanId", l.evidence_id as "evidenceId", l.observed_at as "observedAt"
       from unnest($2::uuid[]) as s(id) cross join lateral (
         select id, evidence_id, observed_at from scan
         where organization_id = $1 and system_id = s.id and status = 'stored' and format = 'cluster-snapshot' and cluster_uid is not null
         order by observed_at desc, known_at desc limit 1
       ) l`,
      [tx.organizationId, systemIds],
    );
    return rows.map(({ observedAt, ...row }) => ({ ...row, observedAt: observedAt.toISOString() }));
  }
}
