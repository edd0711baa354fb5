import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What was exported is compared package by package, with the events of its build. */
export class IndexExportsByPackage1764300000082 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      'create index evidence_export_of on evidence_export (organization_id, package_id, event_id, evidence_id)',
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop index evidence_export_of');
  }
}
