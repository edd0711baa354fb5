import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Which evidence is a posture that the service itself has frozen, and of what instants: a risk analysis rests on one, and not on what somebody has written as one. */
export class CreateFrozenPostures1764000000041 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table frozen_posture (
        organization_id uuid not null,
        evidence_id uuid not null,
        as_of timestamptz not null,
        known_at timestamptz not null,
        frozen_at timestamptz not null,
        frozen_by text not null,
        constraint frozen_posture_pk primary key (organization_id, evidence_id),
        constraint frozen_posture_evidence foreign key (organization_id, evidence_id) references evidence (organization_id, id)
      )`);
    await runner.query('call make_tenant_table($1)', ['frozen_posture']);
    await runner.query('call make_append_only($1)', ['frozen_posture']);
    await runner.query('grant select, insert on frozen_posture to safeguard_app');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table frozen_posture');
  }
}
