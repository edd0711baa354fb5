import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Custody: one row per distinct content of an organisation; the bytes lie encrypted in the evidence store. */
export class CreateEvidence1763900000004 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table evidence (
        organization_id uuid not null,
        id uuid not null,
        sha256 bytea not null,
        size bigint not null,
        media_type text not null,
        source_kind text not null,
        source_id text not null,
        received_at timestamptz not null,
        retain_until timestamptz not null,
        data_key_id uuid not null,
        storage_key text not null,
        storage_version text,
        storage_size bigint not null,
        storage_sha256 bytea not null,
        constraint evidence_pk primary key (organization_id, id),
        constraint evidence_sha256 unique (organization_id, sha256),
        constraint evidence_data_key foreign key (organization_id, data_key_id) references data_key (organization_id, id)
      )`);
    await runner.query('call make_tenant_table($1)', ['evidence']);
    await runner.query('call make_append_only($1)', ['evidence']);
    await runner.query('grant select, insert on evidence to safeguard_app');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table evidence');
  }
}
