import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What has ended, by its end and then by its beginning: of an instant of the past are read the rows that were so then. One index of the latest of all instants that a row tells
 * read every row that had ended since it was told, which is the whole of a history that was told in a day. Of results what became known later than is asked for has an index of its own.
 */
export class IndexEndsAndWhenTheyWereTold1764300000010 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const table of ['result', 'fact']) {
      await runner.query(
        `create index ${table}_by_end on ${table} (organization_id, system_id, observed_to, observed_from)
         where observed_to is not null and known_to is null`,
      );
      await runner.query(`drop index ${table}_past`);
    }
    await runner.query(
      `create index result_told on result (organization_id, system_id, greatest(ended_known, known_to))
       where greatest(ended_known, known_to) is not null`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop index result_told');
    for (const table of ['result', 'fact']) {
      await runner.query(
        `create index ${table}_past on ${table} (organization_id, system_id, greatest(observed_to, ended_known, known_to))
         where greatest(observed_to, ended_known, known_to) is not null`,
      );
      await runner.query(`drop index ${table}_by_end`);
    }
  }
}
