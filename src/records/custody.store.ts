import { Injectable } from '@nestjs/common';
import type { Tx } from '../kernel/db/database.js';
import type { RecordLink } from './effective.js';

/** An approved version of a record that names an evidence, as a document or by a link. */
export interface NamingVersion {
  evidenceId: string;
  recordId: string;
  version: number;
  systemIds: string[];
}

/** An approved version of a legal hold. */
export interface HoldVersion {
  recordId: string;
  version: number;
  kind: 'content' | 'end';
  /** It holds all that there is. */
  everything: boolean;
  links: RecordLink[];
}

/** Both ends are in it. */
export interface Period {
  from: Date;
  to: Date;
}

/** That an interval `i` was at some instant of a period, by whatever was known of it, in one of the places: $1 organisation, $3 places (null: all), $4 and $5 the period. */
const IN_EFFECT = `
  i.organization_id = $1 and ($3::uuid[] is null or i.system_id = any ($3))
  and i.effective_from <= $5 and (i.effective_to is null or i.effective_to > $4)`;

/** What records say of evidence in custody. */
@Injectable()
export class CustodyStore {
  /** Those of the records of which a version was in effect at some instant of the period. */
  async inEffectWithin(
    tx: Tx,
    recordIds: readonly string[],
    places: readonly string[] | null,
    { from, to }: Period,
  ): Promise<string[]> {
    const rows = await tx.query<{ id: string }>(
      `select distinct i.record_id as id from record_interval i where ${IN_EFFECT} and i.record_id = any ($2::uuid[])`,
      [tx.organizationId, recordIds, places, from, to],
    );
    return rows.map(({ id }) => id);
  }

  /** Those of the evidence that are documents of versions which were in effect at some instant of the period. */
  async evidenceOfPeriod(
    tx: Tx,
    evidenceIds: readonly string[],
    places: readonly string[] | null,
    { from, to }: Period,
  ): Promise<string[]> {
    const rows = await tx.query<{ id: string }>(
      `select distinct d.evidence_id as id
       from record_document d join record_interval i on i.record_id = d.record_id and i.version = d.version
       where d.organization_id = $1 and d.evidence_id = any ($2::uuid[]) and ${IN_EFFECT}`,
      [tx.organizationId, evidenceIds, places, from, to],
    );
    return rows.map(({ id }) => id);
  }

  /** But for versions that hold it or dispose of it. */
  naming(tx: Tx, evidenceIds: readonly string[], knownAt: Date | null): Promise<NamingVersion[]> {
    return tx.query<NamingVersion>(
      `select d.evidence_id as "evidenceId", v.record_id as "recordId", v.version, v.system_ids as "systemIds"
       from (
           select evidence_id, record_id, version from record_document
           where organization_id = $1 and evidence_id = any ($2::uuid[])
           union
           select target::uuid, record_id, version from record_link
           where organization_id = $1 and kind = 'evidence' and target = any ($2::uuid[]::text[])
         ) d
         join record_version v on v.organization_id = $1 and v.record_id = d.record_id and v.version = d.version
       where v.state = 'approved' and ($3::timestamptz is null or v.decided_at <= $3) and v.type not in ('legal_hold', 'record_disposal')
       order by d.evidence_id, v.record_id, v.version`,
      [tx.organizationId, evidenceIds, knownAt],
    );
  }

  /** All legal holds that were decided on by then, version after version. */
  holds(tx: Tx, knownAt: Date | null): Promise<HoldVersion[]> {
    return tx.query<HoldVersion>(
      `select record_id as "recordId", version, kind, links, coalesce(fields -> 'everything' = 'true'::jsonb, false) as everything
       from record_version
       where organization_id = $1 and type = 'legal_hold' and state = 'approved' and ($2::timestamptz is null or decided_at <= $2)
       order by record_id, version`,
      [tx.organizationId, knownAt],
    );
  }
}
