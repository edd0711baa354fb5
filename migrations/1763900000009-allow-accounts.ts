import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Targets beside the cluster: accounts of clouds and of key management services, whose keys and settings reports tell. */
export class AllowAccounts1763900000009 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('alter table target drop constraint target_kind');
    await runner.query(`
      alter table target add constraint target_kind
      check (kind in ('cluster', 'node', 'namespace', 'image', 'repository', 'account'))`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('alter table target drop constraint target_kind');
    await runner.query(`
      alter table target add constraint target_kind check (kind in ('cluster', 'node', 'namespace', 'image', 'repository'))`);
  }
}
