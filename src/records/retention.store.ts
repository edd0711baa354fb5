import { Injectable } from '@nestjs/common';
import { WriteTx, type Tx } from '../kernel/db/database.js';
import type { Lifetime } from './retention.js';

export interface VersionLifetime extends Lifetime {
  recordId: string;
  version: number;
  /** A draft, or what waits: it goes by no disposal. */
  isOpen: boolean;
  isDisposed: boolean;
  systemIds: string[];
}

export interface DocumentLifetime {
  evidenceId: string;
  versions: VersionLifetime[];
}

const LIFETIME = `
  jsonb_build_object(
    'recordId', v.record_id, 'version', v.version, 'createdAt', v.created_at,
    'isOpen', v.state in ('draft', 'submitted'), 'isDisposed', v.disposed_at is not null, 'systemIds', v.system_ids,
    'ends', coalesce((
      select jsonb_agg(jsonb_build_object('effectiveTo', i.effective_to, 'expiresAt', i.expires_at))
      from record_interval i
      where i.organization_id = $1 and i.record_id = v.record_id and i.version = v.version and i.known_to is null), '[]'))`;

/** As it comes out of JSON. */
type Raw = Omit<VersionLifetime, 'createdAt' | 'ends'> & {
  createdAt: string;
  ends: { effectiveTo: string | null; expiresAt: string | null }[];
};

/** How long versions, and the evidence that they name, have been of use. */
@Injectable()
export class RetentionStore {
  async ofRecords(tx: Tx, recordIds: readonly string[]): Promise<VersionLifetime[]> {
    const rows = await tx.query<{ lifetime: Raw }>(
      `select ${LIFETIME} as lifetime from record_version v where v.organization_id = $1 and v.record_id = any ($2::uuid[])
       order by v.record_id, v.version`,
      [tx.organizationId, recordIds],
    );
    return rows.map(({ lifetime }) => lifetimeOf(lifetime));
  }

  /** Of the given evidence, with all versions that have named it: as a document, or, once approved, by a link: but not one that holds it or disposes of it. */
  async ofEvidence(tx: Tx, evidenceIds: readonly string[]): Promise<DocumentLifetime[]> {
    const rows = await tx.query<{ evidenceId: string; versions: Raw[] }>(
      `select d.evidence_id as "evidenceId", jsonb_agg(${LIFETIME} order by v.record_id, v.version) as versions
       from (
           select evidence_id, record_id, version from record_document
           where organization_id = $1 and evidence_id = any ($2::uuid[])
           union
           select l.target::uuid, l.record_id, l.version
           from record_link l join record r on r.organization_id = $1 and r.id = l.record_id
           where l.organization_id = $1 and l.kind = 'evidence' and l.target = any ($2::uuid[]::text[])
             and r.type not in ('legal_hold', 'record_disposal')
         ) d
         join record_version v on v.organization_id = $1 and v.record_id = d.record_id and v.version = d.version
       group by d.evidence_id`,
      [tx.organizationId, evidenceIds],
    );
    return rows.map(({ evidenceId, versions }) => ({ evidenceId, versions: versions.map(lifetimeOf) }));
  }

  /** Ids of evidence that documents records and is kept, in their order. */
  async documents(tx: Tx, page: { after: string | null; limit: number }): Promise<string[]> {
    const rows = await tx.query<{ id: string }>(
      `select distinct d.evidence_id as id from record_document d
       where d.organization_id = $1 and ($2::uuid is null or d.evidence_id > $2)
         and not exists (select from evidence_disposal g where g.organization_id = $1 and g.evidence_id = d.evidence_id)
       order by d.evidence_id
       limit $3`,
      [tx.organizationId, page.after, page.limit],
    );
    return rows.map(({ id }) => id);
  }

  /** Evidence that versions of the records have named. */
  async evidenceOf(tx: Tx, recordIds: readonly string[]): Promise<string[]> {
    const rows = await tx.query<{ id: string }>(
      `select distinct evidence_id as id from record_document where organization_id = $1 and record_id = any ($2::uuid[]) order by 1`,
      [tx.organizationId, recordIds],
    );
    return rows.map(({ id }) => id);
  }

  /** Of each of the records: the records that its approved versions point at. */
  async linkedRecords(tx: Tx, recordIds: readonly string[]): Promise<ReadonlyMap<string, readonly string[]>> {
    const rows = await tx.query<{ id: string; targets: string[] }>(
      `select record_id as id, array_agg(distinct target) as targets from record_link
       where organization_id = $1 and record_id = any ($2::uuid[]) and kind = 'record'
       group by record_id`,
      [tx.organizationId, recordIds],
    );
    return new Map(rows.map(({ id, targets }) => [id, targets]));
  }

  /** Locks records, always in one order: whoever begins a next version of one meanwhile waits, or is seen. Before evidence, as moves do. */
  async lockRecords(tx: Tx, recordIds: readonly string[]): Promise<void> {
    // Who only asks (a dry run) changes nothing, and may lock no row.
    if (!(tx instanceof WriteTx)) return;
    await tx.query('select from record where organization_id = $1 and id = any ($2::uuid[]) order by id for update', [
      tx.organizationId,
      recordIds,
    ]);
  }

  /** Locks evidence for who names it and who disposes of it: of two at once the second sees what the first has done. Always in one order. */
  async lockEvidence(tx: Tx, evidenceIds: readonly string[]): Promise<void> {
    await tx.query(
      `select pg_advisory_xact_lock(hashtextextended('evidence/' || $1 || '/' || id, 0)) from unnest($2::text[]) as id`,
      [tx.organizationId, [...new Set(evidenceIds)].sort()],
    );
  }
}

const lifetimeOf = ({ createdAt, ends, ...rest }: Raw): VersionLifetime => ({
  ...rest,
  createdAt: new Date(createdAt),
  ends: ends.map(({ effectiveTo, expiresAt }) => ({
    effectiveTo: effectiveTo === null ? null : new Date(effectiveTo),
    expiresAt: expiresAt === null ? null : new Date(expiresAt),
  })),
});
