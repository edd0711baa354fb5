import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * In which packages an evidence has left the service: written with the audit event that says the same, whose details are encrypted. Of packages from before, the
 * audit log alone says it.
 */
export class CreateEvidenceExports1764200000071 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table evidence_export (
        organization_id uuid not null,
        evidence_id uuid not null,
        event_id uuid not null,
        package_id uuid not null,
        constraint evidence_export_pk primary key (organization_id, evidence_id, event_id),
        constraint evidence_export_evidence foreign key (organization_id, evidence_id) references evidence (organization_id, id),
        constraint evidence_export_package foreign key (organization_id, package_id) references package (organization_id, id)
      )`);
    await runner.query('call make_tenant_table($1)', ['evidence_export']);
    await runner.query('call make_append_only($1)', ['evidence_export']);
    await runner.query('grant select, insert on evidence_export to safeguard_app');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table evidence_export');
  }
}
