import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Rows are compared page by page of what they are of: an import's with the moves of the records that it made, and what was said of a request with its events. */
export class IndexRowsByWhatTheyAreOf1764300000081 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('create index import_row_record_of on import_row (organization_id, record_id, version)');
    await runner.query('create index evidence_request_move_of on evidence_request_move (organization_id, request_id)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop index evidence_request_move_of');
    await runner.query('drop index import_row_record_of');
  }
}
