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

/** What records say of evidence in custody. */
@Injectable()
export class CustodyStore {
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
