import type { MigrationInterface, QueryRunner } from 'typeorm';

const COVERED = 'good_from, expires_at, effective_from, known_from, outcome, fails, record_id, version';

const open = (columns: string): string => `
  create index record_open on record_interval (${columns}) include (${COVERED})
  where effective_to is null and known_to is null`;

/**
 * Judges ask for the records of a few types of every place (vendors and their agreements, exceptions, what obliges somebody), and for those that have ended. With the
 * place first, all that is open had to be read for that, and all that there is; whoever asks about a place names the types too.
 */
export class IndexRecordsByType1764000000042 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('drop index record_open');
    await runner.query(open('organization_id, type, system_id, subject'));
    await runner.query(
      'create index record_ended on record_interval (organization_id, type, effective_to) where effective_to is not null',
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop index record_ended');
    await runner.query('drop index record_open');
    await runner.query(open('organization_id, system_id, type, subject'));
  }
}
