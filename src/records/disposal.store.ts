import { Injectable } from '@nestjs/common';
import type { WriteTx } from '../kernel/db/database.js';

@Injectable()
export class DisposalStore {
  /**
   * Empties the content of all versions of a record: title, key, subject, fields, reason, and the notes of links and names of documents. When it was in effect, and
   * who decided on it, stays.
   */
  async empty(tx: WriteTx, recordId: string, at: Date): Promise<void> {
    await tx.execute(
      `update record_version v set
         disposed_at = $3, title = '', fields = '{}', natural_key = '', subject = null, reason = null,
         links = coalesce((select jsonb_agg(jsonb_set(link, '{note}', '""') order by number)
                           from jsonb_array_elements(v.links) with ordinality as l(link, number)), '[]'),
         documents = coalesce((select jsonb_agg(jsonb_set(named, '{name}', '""') order by number)
                               from jsonb_array_elements(v.documents) with ordinality as d(named, number)), '[]')
       where v.organization_id = $1 and v.record_id = $2 and v.disposed_at is null`,
      [tx.organizationId, recordId, at],
    );
    await tx.execute(
      `update record set natural_key = '', revision = revision + 1 where organization_id = $1 and id = $2`,
      [tx.organizationId, recordId],
    );
  }
}
