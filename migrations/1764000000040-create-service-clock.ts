import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The database's word for «now» in whatever anybody may be asked about later: when something became known. Of the owner, so that the app can neither replace nor
 * shadow it; a test that plays a year replaces it in its own database, and moves both clocks at once. What only measures how long something is kept uses now().
 */
export class CreateServiceClock1764000000040 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create function service_clock() returns timestamptz language sql volatile as 'select clock_timestamp()'`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop function service_clock()');
  }
}
