import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * A revision was how often a row had been written: what was put back behind a running process and written again was taken for what the process knew. Now it is drawn by lot with
 * each writing, from more numbers than an integer has.
 */
export class DrawRevisionsOfTimelines1764300000040 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('alter table posture_timeline alter column revision type bigint');
  }

  async down(runner: QueryRunner): Promise<void> {
    // What is remembered can be made anew, and drawn numbers are no integers.
    await runner.query('delete from posture_timeline');
    await runner.query('alter table posture_timeline alter column revision type integer');
  }
}
