import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What an organisation has made of the catalogue's checks over snapshots, and its own: each change is a version, kept for good, for results of any instant name the
 * check that they are of. `state`: a definition that is judged by, a check that is switched off, or a change that was withdrawn.
 */
export class CreateCheckVersions1763900000019 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table check_version (
        organization_id uuid not null,
        check_id text not null,
        version integer not null,
        recorded_at timestamptz not null,
        recorded_by text not null,
        state text not null,
        definition jsonb,
        reason text,
        constraint check_version_pk primary key (organization_id, check_id, version),
        constraint check_version_organization foreign key (organization_id) references organization (organization_id),
        constraint check_version_state check (state in ('withdrawn', 'defined', 'off')),
        constraint check_version_defined check ((state = 'defined') = (definition is not null)),
        constraint check_version_off check ((state = 'off') = (reason is not null))
      )`);
    await runner.query('call make_tenant_table($1)', ['check_version']);
    await runner.query('call make_append_only($1)', ['check_version']);
    await runner.query('grant select, insert on check_version to safeguard_app');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table check_version');
  }
}
