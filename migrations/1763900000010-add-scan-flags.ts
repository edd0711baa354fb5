import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Which cluster a scan says that it is of, and what was noticed of it as a whole (`flags`: a list of code and detail; null until it is read). */
export class AddScanFlags1763900000010 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('alter table scan add column cluster_uid text, add column flags jsonb');
    await runner.query('grant update (cluster_uid, flags) on scan to safeguard_app');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('alter table scan drop column cluster_uid, drop column flags');
  }
}
