import { Injectable } from '@nestjs/common';
import { forgetAnswers, type WriteTx } from '../kernel/db/database.js';

@Injectable()
export class DisposalStore {
  /**
   * Empties the content of all versions of a record: title, key, subject, fields, the notes of links and names of documents, and the reasons of its versions and moves. When it
   * was in effect, and who did what with it, stays. Answers that are remembered for retries of long ago have the content too, and nobody asks for them any more.
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
      'update record_move set reason = null where organization_id = $1 and record_id = $2 and reason is not null',
      [tx.organizationId, recordId],
    );
    await forgetAnswers(tx);
    await tx.execute(
      `update record set natural_key = '', revision = revision + 1 where organization_id = $1 and id = $2`,
      [tx.organizationId, recordId],
    );
  }
}
