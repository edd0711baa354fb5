import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The latest uid of a cluster is looked up whatever the tool that told it; `scan_identity` has the tool before the instant, and would be read from end to end. */
export class AddScanUidIndex1763900000017 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      'create index scan_uid on scan (organization_id, system_id, observed_at) where cluster_uid is not null',
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop index scan_uid');
  }
}
