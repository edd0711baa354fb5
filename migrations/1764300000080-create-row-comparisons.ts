import type { MigrationInterface, QueryRunner } from 'typeorm';

/** When all rows of an organisation were last compared with what they follow from: an instant before that comparison, so that what was edited earlier was found. Without a row nobody has compared them. */
export class CreateRowComparisons1764300000080 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table row_comparison (
        organization_id uuid not null,
        compared_at timestamptz not null,
        constraint row_comparison_pk primary key (organization_id)
      )`);
    await runner.query('call make_tenant_table($1)', ['row_comparison']);
    await runner.query('grant select, insert, update (compared_at) on row_comparison to safeguard_app');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table row_comparison');
  }
}
