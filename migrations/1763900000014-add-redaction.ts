import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Of evidence from which something was dropped before it was kept: digest and size of what was received, and how many values of which kind are not in it. */
export class AddRedaction1763900000014 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      alter table evidence
        add column received_sha256 bytea,
        add column received_size bigint,
        add column dropped jsonb,
        add constraint evidence_redaction
          check ((received_sha256 is null) = (dropped is null) and (received_size is null) = (dropped is null))`);
    await runner.query(
      `create index evidence_received on evidence (organization_id, received_sha256)
       where received_sha256 is not null`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop index evidence_received');
    await runner.query(`
      alter table evidence
        drop constraint evidence_redaction, drop column received_sha256, drop column received_size, drop column dropped`);
  }
}
