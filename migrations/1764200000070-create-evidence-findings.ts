import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What was found of the stored bytes of evidence whenever that changed: that they are no longer those that were kept, or that they are again. What nobody has ever
 * found wrong has no row. With the instant at which it became known, so that a posture of what was known before stays what it was.
 */
export class CreateEvidenceFindings1764200000070 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table evidence_finding (
        organization_id uuid not null,
        evidence_id uuid not null,
        found_at timestamptz not null,
        state text not null,
        reason text not null,
        constraint evidence_finding_pk primary key (organization_id, evidence_id, found_at),
        constraint evidence_finding_evidence foreign key (organization_id, evidence_id) references evidence (organization_id, id),
        constraint evidence_finding_state check (state in ('corrupt', 'intact'))
      )`);
    await runner.query('call make_tenant_table($1)', ['evidence_finding']);
    await runner.query('call make_append_only($1)', ['evidence_finding']);
    await runner.query('grant select, insert on evidence_finding to safeguard_app');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table evidence_finding');
  }
}
