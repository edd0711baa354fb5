import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What a scan says as a digest, so that a later one that says the same is known to; and the look-up of what cluster earlier scans named. */
export class AddRowsDigest1763900000013 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('alter table scan add column rows_digest bytea');
    await runner.query('grant update (rows_digest) on scan to safeguard_app');
    await runner.query(
      'create index scan_rows on scan (organization_id, system_id, rows_digest, observed_at) where rows_digest is not null',
    );
    await runner.query(
      `create index scan_identity on scan (organization_id, system_id, tool, observed_at)
       where cluster_name is not null or cluster_uid is not null`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop index scan_identity');
    await runner.query('drop index scan_rows');
    await runner.query('alter table scan drop column rows_digest');
  }
}
