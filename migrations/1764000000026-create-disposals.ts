import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Evidence whose bytes were removed by a disposal that two people decided on. Its row and its digest stay for good: what was kept is known, and that it is no more. */
export class CreateDisposals1764000000026 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table evidence_disposal (
        organization_id uuid not null,
        evidence_id uuid not null,
        record_id uuid not null,
        disposed_at timestamptz not null,
        constraint evidence_disposal_pk primary key (organization_id, evidence_id),
        constraint evidence_disposal_evidence foreign key (organization_id, evidence_id) references evidence (organization_id, id),
        constraint evidence_disposal_record foreign key (organization_id, record_id) references record (organization_id, id)
      )`);
    await runner.query('call make_tenant_table($1)', ['evidence_disposal']);
    await runner.query('call make_append_only($1)', ['evidence_disposal']);
    await runner.query('grant select, insert on evidence_disposal to safeguard_app');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table evidence_disposal');
  }
}
