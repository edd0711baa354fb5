import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Packages that are encrypted to somebody, cancelled, or kept until a day: then the bytes go, and the row stays as the record of what was given to whom. `asked` is the digest
 * of all that was asked for: while such a package is being built, who asks for the same gets that one.
 */
export class ExtendPackages1764200000051 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      alter table package
        add column encrypt_to text[] not null default '{}',
        add column expires_at timestamptz,
        add column removed_at timestamptz,
        add column asked bytea,
        add column progress jsonb,
        drop constraint package_status,
        add constraint package_status check (status in ('queued', 'ready', 'failed', 'cancelled')),
        add constraint package_removed check (removed_at is null or (status = 'ready' and expires_at is not null))`);
    await runner.query('alter table package alter column encrypt_to drop default');
    await runner.query(`create unique index package_asked on package (organization_id, asked) where status = 'queued'`);
    await runner.query(`
      create or replace function finish_package_once() returns trigger language plpgsql as $$
      begin
        if old.status <> 'queued' and not (old.removed_at is null and new.removed_at is not null
          and to_jsonb(new) - 'removed_at' = to_jsonb(old) - 'removed_at') then
          raise exception 'package % is finished', old.id using errcode = 'restrict_violation';
        end if;
        return new;
      end $$`);
    await runner.query('grant update (removed_at, progress) on package to safeguard_app');
    // Whoever removes what has expired looks for it in all organisations: it says so, and may then see the rows, which have no content.
    await runner.query(
      `create policy program on package for select using (current_setting('app.program', true) = 'package-expiry')`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop policy program on package');
    await runner.query('revoke update (removed_at, progress) on package from safeguard_app');
    await runner.query(`
      create or replace function finish_package_once() returns trigger language plpgsql as $$
      begin
        if old.status <> 'queued' then
          raise exception 'package % is finished', old.id using errcode = 'restrict_violation';
        end if;
        return new;
      end $$`);
    await runner.query('drop index package_asked');
    await runner.query(`
      alter table package
        drop constraint package_removed,
        drop constraint package_status,
        add constraint package_status check (status in ('queued', 'ready', 'failed')),
        drop column progress, drop column asked, drop column removed_at, drop column expires_at, drop column encrypt_to`);
  }
}
