import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What has ended or was corrected, by the latest instant that says so: of a history, a question or a late report reads what came to be so after the instants
 * that it names, and no more. Rows that are open are in `result_open` and `fact_open`.
 */
export class AddPastIndexes1763900000016 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const table of ['result', 'fact']) {
      await runner.query(
        `create index ${table}_past on ${table} (organization_id, system_id, greatest(observed_to, ended_known, known_to))
         where greatest(observed_to, ended_known, known_to) is not null`,
      );
    }
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop index fact_past');
    await runner.query('drop index result_past');
  }
}
