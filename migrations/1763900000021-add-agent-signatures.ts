import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Keys by which an agent may sign what it sends, and what it signed of a report: `signature` has the envelope as it came, and what was found of it then. */
export class AddAgentSignatures1763900000021 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    // A default only for the rows that are there: of a new trust it is said.
    await runner.query(`alter table agent_trust add column signing_keys text[] not null default '{}'`);
    await runner.query('alter table agent_trust alter column signing_keys drop default');
    await runner.query('alter table scan add column signature jsonb');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('alter table scan drop column signature');
    await runner.query('alter table agent_trust drop column signing_keys');
  }
}
