import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Packages for auditors: asked for, built in the background, kept as encrypted evidence is. While a package is queued, `storage_key` says where the latest
 * attempt writes; an attempt that finds another key there was given up and may not finish it.
 */
export class CreatePackages1763900000007 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table package (
        organization_id uuid not null,
        id uuid not null,
        system_id uuid,
        as_of timestamptz not null,
        known_at timestamptz not null,
        status text not null,
        requested_by text not null,
        created_at timestamptz not null,
        finished_at timestamptz,
        size bigint,
        sha256 bytea,
        data_key_id uuid,
        storage_key text,
        storage_version text,
        storage_size bigint,
        storage_sha256 bytea,
        problem jsonb,
        constraint package_pk primary key (organization_id, id),
        constraint package_organization foreign key (organization_id) references organization (organization_id),
        constraint package_system foreign key (organization_id, system_id) references system (organization_id, id),
        constraint package_data_key foreign key (organization_id, data_key_id) references data_key (organization_id, id),
        constraint package_status check (status in ('queued', 'ready', 'failed')),
        constraint package_finished check ((status = 'queued') = (finished_at is null)),
        constraint package_ready check (status <> 'ready' or (size is not null and sha256 is not null and data_key_id is not null
          and storage_key is not null and storage_size is not null and storage_sha256 is not null)),
        constraint package_failed check ((status = 'failed') = (problem is not null))
      )`);
    await runner.query('call make_tenant_table($1)', ['package']);
    await runner.query(`
      create function finish_package_once() returns trigger language plpgsql as $$
      begin
        if old.status <> 'queued' then
          raise exception 'package % is finished', old.id using errcode = 'restrict_violation';
        end if;
        return new;
      end $$`);
    await runner.query(
      'create trigger finish_once before update on package for each row execute function finish_package_once()',
    );
    await runner.query(`
      grant select, insert,
        update (status, finished_at, size, sha256, data_key_id, storage_key, storage_version, storage_size, storage_sha256, problem)
      on package to safeguard_app`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table package');
    await runner.query('drop function finish_package_once()');
  }
}
