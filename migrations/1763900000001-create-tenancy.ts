import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What every tenant table gets: row-level security for the organisation of the transaction, forced on the owner as well.
 * A transaction without a context has no organisation, so it sees no row and can write none.
 */
export class CreateTenancy1763900000001 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create function current_organization() returns uuid language sql stable parallel safe as
      $$ select nullif(current_setting('app.organization_id', true), '')::uuid $$`);
    await runner.query(`
      create procedure make_tenant_table(name regclass) language plpgsql as $$
      begin
        execute format('alter table %s enable row level security', name);
        execute format('alter table %s force row level security', name);
        execute format('create policy tenant on %s using (organization_id = current_organization()) with check (organization_id = current_organization())', name);
      end $$`);
    await runner.query(`
      create function refuse_change() returns trigger language plpgsql as $$
      begin
        raise exception '% of % is refused: its rows are append-only', tg_op, tg_table_name using errcode = 'restrict_violation';
      end $$`);
    await runner.query(`
      create procedure make_append_only(name regclass) language plpgsql as $$
      begin
        execute format('create trigger append_only before update or delete on %s for each row execute function refuse_change()', name);
        execute format('create trigger keep before truncate on %s for each statement execute function refuse_change()', name);
        execute format('alter table %s enable always trigger append_only', name);
        execute format('alter table %s enable always trigger keep', name);
      end $$`);
    await runner.query(`
      create table idempotency_key (
        organization_id uuid not null,
        principal_id text not null,
        operation text not null,
        key text not null,
        fingerprint text not null,
        response jsonb,
        created_at timestamptz not null,
        constraint idempotency_key_pk primary key (organization_id, principal_id, operation, key)
      )`);
    await runner.query('call make_tenant_table($1)', ['idempotency_key']);
    await runner.query('grant select, insert, update on idempotency_key to safeguard_app');
    await runner.query(`
      create table data_key (
        organization_id uuid not null,
        id uuid not null,
        epoch text not null,
        kek_ref text not null,
        kek_version integer not null,
        wrapped bytea not null,
        created_at timestamptz not null,
        constraint data_key_pk primary key (organization_id, id),
        constraint data_key_epoch unique (organization_id, epoch)
      )`);
    await runner.query('call make_tenant_table($1)', ['data_key']);
    // A data key is only ever wrapped anew; its bytes are the same key under a newer key-encryption key.
    await runner.query('grant select, insert, update (kek_ref, kek_version, wrapped) on data_key to safeguard_app');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table data_key');
    await runner.query('drop table idempotency_key');
    await runner.query('drop procedure make_append_only(regclass)');
    await runner.query('drop function refuse_change()');
    await runner.query('drop procedure make_tenant_table(regclass)');
    await runner.query('drop function current_organization()');
  }
}
