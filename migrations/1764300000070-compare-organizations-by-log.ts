import type { MigrationInterface, QueryRunner } from 'typeorm';

/** An organisation whose own row was deleted has a log still: whose rows are to be compared is told by both. */
export class CompareOrganizationsByLog1764300000070 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      `create policy reconciliation on log_state for select using (current_setting('app.program', true) = 'reconciliation')`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop policy reconciliation on log_state');
  }
}
