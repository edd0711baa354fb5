import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What an organisation has made of the catalogue's record types, and its own: each change is a version, kept for good, for records name the definition that they were
 * checked by.
 */
export class CreateRecordTypeVersions1764000000028 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table record_type_version (
        organization_id uuid not null,
        type text not null,
        version integer not null,
        recorded_at timestamptz not null,
        recorded_by text not null,
        state text not null,
        definition jsonb,
        reason text,
        constraint record_type_version_pk primary key (organization_id, type, version),
        constraint record_type_version_organization foreign key (organization_id) references organization (organization_id),
        constraint record_type_version_state check (state in ('withdrawn', 'defined')),
        constraint record_type_version_defined check ((state = 'defined') = (definition is not null))
      )`);
    await runner.query('call make_tenant_table($1)', ['record_type_version']);
    await runner.query('call make_append_only($1)', ['record_type_version']);
    await runner.query('grant select, insert on record_type_version to safeguard_app');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table record_type_version');
  }
}
